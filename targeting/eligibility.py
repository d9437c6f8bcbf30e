"""Who must not be called, and about what: every rule as one predicate over whole tables that yields whom it blocks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import duckdb
import pandas as pd

from sources.canonical import Canonical
from sources.sqltext import literal, literals
from store.errors import ConfigError
from store.fingerprint import keyed_below
from targeting.known import ROOT, WITH_ROOT
from targeting.owners import HEAD_OFFICE
from targeting.settings import Holdout, TargetingSettings

PUBLIC_ZH, PUBLIC_EN = "按规则不列入", "not listed by rule"
Scope = Literal["all", "marketing", "sales", "loan", "rated", "offer"]


@dataclass(frozen=True)
class Rule:
    """One rule. `sql` yields `root` (the person), or number and offer_number (of `asked`) where `scope` is offer.

    Causes: for compliance.
    """

    name: str
    scope: Scope
    sql: str
    zh: str
    en: str


def rules(settings: TargetingSettings, as_of: dt.date) -> tuple[Rule, ...]:
    """Every rule in force, in the order in which causes are named."""
    return (*_never(settings, as_of), *_consent(settings), *_loan(settings), *_suitability(settings, as_of),
            *_contact(settings, as_of))


def hold_out(con: duckdb.DuckDBPyConnection, settings: Holdout) -> None:
    """Temp table `held_out`: the persons never contacted, by a keyed hash of their oldest number."""
    roots = con.sql("SELECT DISTINCT root FROM owners").to_arrow_table()["root"].to_pylist() if settings.share else []
    drawn = pd.DataFrame({"root": keyed_below(settings.key, settings.share, roots)}, dtype="str")
    con.register("_held_out", drawn)
    con.execute("CREATE OR REPLACE TEMP TABLE held_out AS SELECT * FROM _held_out")
    con.unregister("_held_out")


def prove_waivers(canonical: Canonical, settings: TargetingSettings) -> dict[str, str]:
    """The waivers in force and their reasons. Raises ConfigError where one would silence data that the bank has."""
    waived = {"assume_consent": (settings.exclusions.assume_consent, "consents", "purpose"),
              "assume_certified": (settings.exclusions.assume_certified, "managers", "certificates")}
    for name, (waiver, table, column) in waived.items():
        state = canonical.manifest.tables.get(table)
        if waiver is not None and state is not None and column in state.filled:
            raise ConfigError(f"{name} is set, but the bank's {table}.{column} holds data", where="targeting.exclusions",
                              expected="no waiver where there is something to check", do=f"remove {name}")
    return {name: waiver.reason for name, (waiver, _, _) in waived.items() if waiver is not None}


def _suppressed(*kinds: str, marketing_only: bool = False) -> str:
    listed = literals(kinds)
    narrow = "coalesce(lower(s.purpose), 'all') IN ('marketing', 'automated_marketing')"
    reach = ""
    if set(kinds) <= {"do_not_call", "law"}:        # only these may be limited to a purpose; the others never are
        reach = f" AND {narrow}" if marketing_only else f" AND NOT {narrow}"
    return f"SELECT {ROOT} FROM suppressions s {WITH_ROOT} WHERE s.kind IN ({listed}) AND s.ended_on IS NULL{reach}"


def _customer(condition: str) -> str:
    return f"SELECT root FROM numbers c WHERE {condition}"


def _never(settings: TargetingSettings, as_of: dt.date) -> tuple[Rule, ...]:
    limits = settings.exclusions
    day = f"DATE '{as_of}'"
    complained = (f"SELECT {ROOT} FROM contacts k {WITH_ROOT} WHERE k.outcome = 'complaint' "
                  f"AND k.outcome_on > {day} - {limits.complaint_days}")
    return (
        Rule("deceased", "all", _customer("c.status = 'deceased'") + " UNION " + _suppressed("deceased"), "已故", "deceased"),
        Rule("minor", "all", _customer(f"c.birth_on > {day} - INTERVAL {limits.minor_age} YEAR"), "未成年人", "minor"),
        Rule("court_freeze", "all", _customer("c.status = 'frozen'") + " UNION " + _suppressed("court_freeze")
             + f" UNION SELECT {ROOT} FROM accounts a {WITH_ROOT} "
               "WHERE a.status = 'frozen' AND a.closed_on IS NULL", "司法冻结", "frozen by court"),
        Rule("fraud_or_aml", "all", _suppressed("fraud", "aml"), "欺诈或反洗钱管控", "fraud or anti-money-laundering control"),
        Rule("open_complaint", "all", _suppressed("complaint") + " UNION " + complained, "投诉未结", "open complaint"),
        Rule("staff", "all", _customer("c.is_staff") + " UNION " + _suppressed("staff"), "本行员工", "staff"),
        Rule("related_party", "all", _customer("c.is_related_party") + " UNION " + _suppressed("related_party"), "关联方",
             "related party"),
        Rule("do_not_call", "all", _suppressed("do_not_call", "law"), "免打扰", "must not be contacted"),
        Rule("not_a_customer", "all", _customer("c.stage <> 'customer'")
             + " UNION SELECT root FROM owners WHERE NOT is_known", "非在册客户", "not a customer"),
        Rule("holdout", "all", "SELECT root FROM held_out", "留白组", "held out for measurement"),
        Rule("merged_number", "offer", "SELECT a.number, a.offer_number FROM asked a JOIN merges m ON m.old_id = a.customer_id "
             "WHERE m.undone_on IS NULL", "已并入另一客户号", "number merged into another"),
    )


def _consent(settings: TargetingSettings) -> tuple[Rule, ...]:
    granted = "SELECT root FROM last_words WHERE purpose = 'marketing' AND granted"
    refused = "SELECT root FROM last_words WHERE purpose = '{purpose}' AND NOT granted"
    found = [
        Rule("consent_refused", "marketing", refused.format(purpose="marketing"), "拒绝营销", "refused marketing"),
        Rule("automated_refused", "marketing", refused.format(purpose="automated_marketing"), "拒绝自动化营销",
             "refused automated marketing"),
        Rule("do_not_market", "marketing", _suppressed("do_not_call", "law", marketing_only=True), "免打扰（营销）",
             "must not be contacted for marketing"),
    ]
    if settings.exclusions.assume_consent is None:
        found.insert(0, Rule("no_consent", "marketing", f"SELECT root FROM owners ANTI JOIN ({granted}) USING (root)",
                             "无营销授权", "no consent to marketing"))
    return tuple(found)


def _loan(settings: TargetingSettings) -> tuple[Rule, ...]:
    said = [f"contains(lower(c.occupation), {literal(word.lower())})" for word in settings.exclusions.student_words]
    words = " OR ".join(said) or "false"
    # A loan written off is closed with a balance: it still stands against its borrower, as does one told of late.
    state = ("SELECT s.* FROM (SELECT customer_id, loan_id, outstanding, overdue_days, overdue_amount, class "
             "FROM loan_status QUALIFY row_number() OVER (PARTITION BY loan_id ORDER BY \"on\" DESC) = 1) s "
             "LEFT JOIN loans l USING (loan_id) WHERE (l.loan_id IS NOT NULL AND l.closed_on IS NULL) OR s.outstanding > 0")
    of = f"SELECT {ROOT} FROM ({state}) s {WITH_ROOT} WHERE "
    return (
        Rule("loan_overdue", "loan", of + "s.overdue_days > 0 OR s.overdue_amount > 0", "贷款逾期", "a loan is overdue"),
        Rule("loan_class", "loan", of + "s.class <> 'normal'", "贷款五级分类非正常", "a loan is special mention or worse"),
        Rule("dishonest_debtor", "loan", _suppressed("dishonest_debtor"), "失信被执行人", "listed as dishonest debtor"),
        Rule("student", "loan", _suppressed("student") + " UNION " + _customer(words), "在校学生", "student"),
        Rule("exit_class", "loan", _suppressed("exit"), "退出类客户", "exit class"),
        Rule("cross_region", "offer", "SELECT a.number, a.offer_number FROM asked a WHERE a.is_loan "
             f"AND a.list_id <> {literal(HEAD_OFFICE)} AND (a.area_id IS NULL OR a.owner_area_id IS DISTINCT FROM a.area_id)",
             "跨区域放贷", "lending across regions"),
    )


def _suitability(settings: TargetingSettings, as_of: dt.date) -> tuple[Rule, ...]:
    day = f"DATE '{as_of}'"
    # Of a person rated under several numbers the most careful counts.
    valid = (f"SELECT root, min(c.risk_rating) AS lowest FROM numbers c "
             f"WHERE c.risk_rating IS NOT NULL AND c.risk_rated_on <= {day} "
             f"AND {day} < c.risk_rated_on + INTERVAL {settings.exclusions.rating_months} MONTH GROUP BY 1")
    product = "SELECT family, min(risk) AS risk FROM products GROUP BY 1"
    found = [
        Rule("rating_missing", "rated", f"SELECT root FROM owners ANTI JOIN ({valid}) USING (root)", "风险评级缺失或已过期",
             "risk rating missing or expired"),
        Rule("rating_too_low", "offer", f"SELECT a.number, a.offer_number FROM asked a JOIN ({valid}) v USING (root) "
             f"LEFT JOIN ({product}) p USING (family) WHERE a.needs_rating AND coalesce(p.risk, a.risk, 'R1') > v.lowest",
             "风险等级不匹配", "product riskier than the customer's rating"),
        Rule("held", "offer", _HELD, "已持有", "held already"),
        Rule("customer_kind", "offer", "SELECT a.number, a.offer_number FROM asked a WHERE a.is_known AND NOT "
             "list_contains(a.customer_kinds, a.own_kind)", "客户类型不适用", "not for this kind of customer"),
        Rule("group", "offer", "SELECT a.number, a.offer_number FROM asked a WHERE len(a.groups) > 0 AND NOT "
             "coalesce(list_contains(a.groups, a.\"group\"), false)", "客群不适用", "not for this group"),
    ]
    if settings.exclusions.assume_certified is None:
        found.append(Rule("seller_certificate", "offer", _UNCERTIFIED, "销售人员无资格", "seller lacks the certificate"))
    return tuple(found)


_HELD = """WITH sold AS (SELECT offer_number, unnest(families) AS family FROM offers WHERE kind = 'purchase'),
    ours AS (SELECT d.product_id, s.offer_number FROM products d JOIN sold s USING (family)),
    holds AS (SELECT customer_id, product_id FROM holdings
            WHERE ended_on IS NULL AND (activated_on IS NOT NULL OR coalesce(started_how, '') <> 'batch')
        UNION ALL SELECT customer_id, product_id FROM accounts WHERE closed_on IS NULL
        UNION ALL SELECT customer_id, product_id FROM loans WHERE closed_on IS NULL),
    taken AS (SELECT DISTINCT coalesce(m.root, customer_id) AS root, o.offer_number FROM holds
        JOIN ours o USING (product_id) LEFT JOIN merged m USING (customer_id))
    SELECT o.number, t.offer_number FROM owners o JOIN taken t USING (root)"""

# A pool is handed out to those of its branch, head office to those of head office: one of them must hold the certificate.
_UNCERTIFIED = r"""WITH seats AS (SELECT DISTINCT owner_step, manager_id, branch_id FROM owners),
    barred AS (SELECT a.*, f.offer_number FROM seats a, offers f WHERE len(f.certificates) > 0 AND NOT EXISTS (
        SELECT 1 FROM managers m
        WHERE list_has_any(regexp_split_to_array(coalesce(m.certificates, ''), '[,，、;；|\s\pZ]+'), f.certificates)
        AND CASE WHEN a.manager_id IS NOT NULL THEN m.manager_id = a.manager_id
            WHEN a.owner_step = 'branch_pool' THEN m.branch_id = a.branch_id ELSE m.role = 'head_office' END))
    SELECT o.number, b.offer_number FROM owners o JOIN barred b ON b.owner_step = o.owner_step
        AND b.manager_id IS NOT DISTINCT FROM o.manager_id AND b.branch_id IS NOT DISTINCT FROM o.branch_id"""


def _contact(settings: TargetingSettings, as_of: dt.date) -> tuple[Rule, ...]:
    limits, day = settings.contacts, f"DATE '{as_of}'"
    called = (f"SELECT {ROOT}, k.offer AS about, k.\"on\", k.outcome, k.outcome_on FROM contacts k {WITH_ROOT} "
              "WHERE k.arm IS DISTINCT FROM 'control' AND k.skip_reason IS NULL")
    same = "(k.about = a.offer OR k.about = a.model OR (a.family <> '' AND k.about = a.family))"
    return (
        Rule("same_offer_lately", "offer", f"SELECT a.number, a.offer_number FROM asked a JOIN ({called}) k "
             f"ON k.root = a.root AND {same} WHERE k.\"on\" > {day} - {limits.same_offer_days}",
             "近期已就此联系", "called about this lately"),
        Rule("any_offer_lately", "sales", f"SELECT k.root FROM ({called}) k "
             f"WHERE k.\"on\" > {day} - {limits.any_offer_days}", "近期已联系", "called lately"),
        Rule("declined_lately", "offer", f"SELECT a.number, a.offer_number FROM asked a JOIN ({called}) k "
             f"ON k.root = a.root AND {same} WHERE k.outcome = 'declined' AND k.outcome_on > {day} - {limits.declined_days}",
             "近期已拒绝", "declined lately"),
    )
