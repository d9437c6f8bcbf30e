"""Who is never listed, and who not for this, over whole nights."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from store.errors import ConfigError
from targeting.night import make_list
from targeting.settings import Waiver
from tests.targeting.conftest import SmallBank, county_bank, standard_settings

AS_OF = dt.date(2026, 9, 30)
DAY, CONSENTED = dt.date(2026, 1, 5), dt.date(2020, 1, 1)


Plant = Callable[[SmallBank, str], object]
KINDS = ("deceased", "court_freeze", "fraud", "aml", "complaint", "staff", "related_party", "do_not_call", "law")


def _wanted(bank, name, **row):
    """A customer whom three models want, and whose deposit matures next week."""
    bank.customer(name, **({"manager_id": "M1"} | row))
    for model in ("churn_aum", "buy_wealth", "buy_farmer_credit"):
        bank.score(name, model, 0.3)
    bank.add(
        "accounts",
        account_id=f"T{name}",
        customer_id=name,
        product_id="other",
        branch_id="B1",
        holds="deposit",
        kind="time",
        opened_on=DAY,
    )
    bank.add(
        "terms", account_id=f"T{name}", started_on=DAY, matures_on=dt.date(2026, 10, 5), amount=10_000_000, rollover="none"
    )


def _row(**changed) -> Plant:
    return lambda bank, name: bank.tables["customers"][-1].update(changed)


def _suppressed(kind, **more) -> Plant:
    return lambda bank, name: bank.add("suppressions", customer_id=name, kind=kind, **({"started_on": DAY} | more))


def _said(purpose="marketing", channel="any", on=AS_OF, granted=False) -> Plant:
    return lambda bank, name: bank.add("consents", customer_id=name, purpose=purpose, channel=channel, on=on, granted=granted)


def _called(**row) -> Plant:
    return lambda bank, name: bank.add("contacts", contact_id=f"K{name}", customer_id=name, **row)


def _loan(closed=False, **states) -> Plant:
    """A loan with one state per date given as on_YYYYMMDD."""

    def plant(bank, name):
        bank.add(
            "loans",
            loan_id=f"L{name}",
            customer_id=name,
            product_id="other",
            granted_on=DAY,
            amount=1_000_000,
            closed_on=dt.date(2026, 6, 1) if closed else None,
        )
        for day, state in states.items():
            bank.add(
                "loan_status",
                **(
                    {
                        "loan_id": f"L{name}",
                        "on": dt.datetime.strptime(day, "on_%Y%m%d").date(),
                        "outstanding": 1_000_000,
                        "overdue_days": 0,
                        "overdue_amount": 0,
                        "class": "normal",
                    }
                    | state
                ),
            )

    return plant


def _told_of_late(bank, name):
    """What is due is known, and of the loan itself nothing yet."""
    _loan(on_20260105={"overdue_days": 1})(bank, name)
    bank.tables["loans"][-1].update(recorded_on=dt.date(2026, 10, 9))


def _seller_of(certificates) -> Plant:
    def plant(bank, name):
        bank.add(
            "managers", manager_id=f"S{name}", name="周", branch_id="B1", role="manager", certificates=certificates, hours=4.0
        )
        bank.tables["customers"][-1].update(manager_id=f"S{name}")

    return plant


def _frozen_account(bank, name):
    bank.tables["accounts"][-1].update(status="frozen")


def _merged(bank, name):
    bank.add("merges", old_id=f"{name}old", new_id=name, on=dt.date(2026, 2, 1))
    bank.add("suppressions", customer_id=f"{name}old", kind="fraud", started_on=DAY)


NEVER: dict[str, tuple[str, Plant]] = (
    {
        "deceased": ("deceased", _row(status="deceased")),
        "minor": ("minor", _row(birth_on=dt.date(2008, 10, 1))),
        "frozen": ("court_freeze", _row(status="frozen")),
        "frozen account": ("court_freeze", _frozen_account),
        "complained": ("open_complaint", _called(offer="x", on=DAY, outcome="complaint", outcome_on=dt.date(2026, 8, 1))),
        "staff": ("staff", _row(is_staff=True)),
        "related": ("related_party", _row(is_related_party=True)),
        "former": ("not_a_customer", _row(stage="former")),
        "old number": ("fraud_or_aml", _merged),
    }
    | {
        f"suppressed {kind}": (rule, _suppressed(kind))
        for kind, rule in zip(
            KINDS,
            (
                "deceased",
                "court_freeze",
                "fraud_or_aml",
                "fraud_or_aml",
                "open_complaint",
                "staff",
                "related_party",
                "do_not_call",
                "do_not_call",
            ),
            strict=True,
        )
    }
    | {
        f"{kind} that will end": (rule, _suppressed(kind, ended_on=dt.date(2026, 10, 9)))
        for kind, rule in (("court_freeze", "court_freeze"), ("complaint", "open_complaint"))
    }
)
NO_MARKETING: dict[str, tuple[str, Plant]] = {
    "refused today": ("consent_refused", _said()),
    "refused by phone": ("consent_refused", _said(channel="phone")),
    "refused on the day of consent": ("consent_refused", _said(on=CONSENTED)),
    "refused automation": ("automated_refused", _said(purpose="automated_marketing")),
    "no calls for marketing": ("do_not_market", _suppressed("do_not_call", purpose="marketing")),
}
NO_LOAN: dict[str, tuple[str, Plant]] = {
    "overdue a day": ("loan_overdue", _loan(on_20260105={"overdue_days": 1})),
    "overdue by amount": ("loan_overdue", _loan(on_20260105={"overdue_amount": 1})),
    "special mention": ("loan_class", _loan(on_20260105={"class": "special_mention"})),
    "written off": ("loan_class", _loan(closed=True, on_20260105={"class": "loss"})),
    "overdue on a loan told of late": ("loan_overdue", _told_of_late),
    "dishonest": ("dishonest_debtor", _suppressed("dishonest_debtor")),
    "student": ("student", _row(occupation="在校学生")),
    "student by list": ("student", _suppressed("student")),
    "exit": ("exit_class", _suppressed("exit")),
    "another region": ("cross_region", _row(branch_id="B2")),
}
NO_WEALTH: dict[str, tuple[str, Plant]] = {
    "unrated": ("rating_missing", _row(risk_rating=None)),
    "rated a year ago": ("rating_missing", _row(risk_rated_on=dt.date(2025, 9, 30))),
    "rated after the day": ("rating_missing", _row(risk_rated_on=dt.date(2026, 10, 1))),
    "too careful": ("rating_too_low", _row(risk_rating="R1")),
    "uncertified seller": ("seller_certificate", _row(manager_id="H2")),
    "called 13 days ago": ("same_offer_lately", _called(offer="buy_wealth", on=dt.date(2026, 9, 17))),
    "called by family": ("same_offer_lately", _called(offer="wealth", on=dt.date(2026, 9, 17))),
    "declined in July": (
        "declined_lately",
        _called(offer="buy_wealth", on=dt.date(2026, 7, 5), outcome="declined", outcome_on=dt.date(2026, 7, 6)),
    ),
    "holds it": (
        "held",
        lambda bank, name: bank.add(
            "accounts", account_id=f"W{name}", customer_id=name, product_id="w2", holds="wealth", opened_on=DAY
        ),
    ),
}
ALL_WELL: dict[str, Plant] = {
    "plain": _row(),
    "eighteen today": _row(birth_on=dt.date(2008, 9, 30)),
    "rated within the year": _row(risk_rated_on=dt.date(2025, 10, 1)),
    "seller's certificates parted by a wide space": _seller_of("保险\u3000理财"),
    "just brave enough": _row(risk_rating="R2"),
    "refused letters": _said(channel="mail"),
    "refused long ago, consented since": _said(on=dt.date(2019, 1, 1)),
    "overdue paid": _loan(on_20260105={"overdue_days": 9}, on_20260301={}),
    "overdue tomorrow": _loan(on_20260105={}, on_20261001={"overdue_days": 1, "class": "special_mention"}),
    "called 14 days ago": _called(offer="buy_wealth", on=dt.date(2026, 9, 16)),
    "not called: control": _called(offer="buy_wealth", on=dt.date(2026, 9, 25), arm="control"),
    "not called: skipped": _called(offer="buy_wealth", on=dt.date(2026, 9, 25), skip_reason="no time"),
    "will decline": _called(offer="buy_wealth", on=dt.date(2026, 9, 1), outcome="declined", outcome_on=dt.date(2026, 10, 6)),
} | {f"{kind} ended": _suppressed(kind, ended_on=dt.date(2026, 6, 1)) for kind in KINDS}
CASES = {name: plant for cases in (NEVER, NO_MARKETING, NO_LOAN, NO_WEALTH) for name, (_, plant) in cases.items()} | ALL_WELL

BAD = [*NEVER, *NO_MARKETING, *NO_LOAN, *NO_WEALTH]


@dataclass(frozen=True)
class Night:
    """What a night decided: customer -> offer -> rules, and customer -> the offer listed."""

    rules: dict[str, dict[str, str]]
    listed: dict[str, str]


def _night(bank, home, settings):
    make_list(bank.inputs(home, settings), home / "staging")
    decisions = pq.read_table(home / "staging" / "proof" / "decisions.parquet").to_pandas()
    entries = pq.read_table(home / "staging" / "entries.parquet").to_pandas()
    rules = {name: own.set_index("offer")["rules"].to_dict() for name, own in decisions.groupby("customer_id")}
    return Night(rules, entries.set_index("customer_id")["offer"].to_dict())


def _long_day(settings):
    """Hours for everybody, so that only rules decide."""
    return settings.model_copy(update={"hours": settings.hours.model_copy(update={"per_action": 0.01})})


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """One night over a bank with one customer for each case."""
    bank = county_bank()
    bank.add("managers", manager_id="H2", name="周H2", branch_id="B1", role="manager", certificates="insurance", hours=4.0)
    for name, plant in CASES.items():
        _wanted(bank, name)
        plant(bank, name)
    _wanted(bank, "no consent row", consent=False)
    for name, row in HELD.items():
        bank.customer(name, manager_id="M1").score(name, "buy_mobile_bank", 0.3)
        bank.add("holdings", customer_id=name, product_id="app", started_on=DAY, **row[0])
    _wanted(bank, "called on Monday")
    _called(offer="buy_bond", on=dt.date(2026, 9, 28))(bank, "called on Monday")
    return _night(bank, tmp_path_factory.mktemp("cases"), _long_day(standard_settings()))


HELD = {
    "used": ({"activated_on": DAY, "started_how": "batch"}, True),
    "in a batch, unused": ({"started_how": "batch"}, False),
    "taken, unused": ({"started_how": "customer"}, True),
    "given back": ({"activated_on": DAY, "ended_on": dt.date(2026, 5, 1)}, False),
}


@pytest.mark.parametrize("case", ALL_WELL)
def test_who_is_in_good_standing_is_blocked_from_nothing_and_listed(case, night):
    assert night.rules[case] == dict.fromkeys(("buy_farmer_credit", "buy_wealth", "keep_assets", "maturity_service"), "")
    assert case in night.listed


@pytest.mark.parametrize("case", NEVER)
def test_some_are_never_listed_whatever_the_score_and_not_even_for_service(case, night):
    assert case not in night.listed
    assert len(night.rules[case]) == 4
    assert all(NEVER[case][0] in causes.split(",") for causes in night.rules[case].values())


@pytest.mark.parametrize("case", [*NO_MARKETING, "no consent row"])
def test_without_consent_there_is_the_maturity_reminder_and_no_marketing(case, night):
    rule = NO_MARKETING[case][0] if case in NO_MARKETING else "no_consent"
    assert night.listed[case] == "maturity_service"
    assert night.rules[case]["maturity_service"] == ""
    assert all(rule in night.rules[case][offer].split(",") for offer in ("buy_farmer_credit", "buy_wealth", "keep_assets"))


@pytest.mark.parametrize("case", NO_LOAN)
def test_no_loan_is_offered_to_who_must_not_borrow_while_other_offers_stand(case, night):
    assert night.rules[case]["buy_farmer_credit"] == NO_LOAN[case][0]
    assert night.rules[case]["keep_assets"] == night.rules[case]["buy_wealth"] == ""


@pytest.mark.parametrize("case", NO_WEALTH)
def test_wealth_is_for_who_is_rated_for_it_by_a_certified_seller_once_and_not_too_soon_again(case, night):
    assert night.rules[case]["buy_wealth"] == NO_WEALTH[case][0]
    assert night.rules[case]["keep_assets"] == ""


@pytest.mark.parametrize("case", HELD)
def test_what_is_held_and_used_is_not_offered_but_what_came_in_a_batch_and_lies_unused_is(case, night):
    assert night.rules[case]["buy_mobile_bank"] == ("held" if HELD[case][1] else "")


def test_who_was_called_this_week_gets_no_other_sales_call_but_the_service_call(night):
    rules = night.rules["called on Monday"]
    assert rules["keep_assets"] == rules["buy_wealth"] == "any_offer_lately"
    assert night.listed["called on Monday"] == "maturity_service"


def test_a_waiver_of_consent_is_for_banks_without_consents_and_is_shown(fresh_bank, settings, tmp_path):
    exclusions = settings().exclusions.model_copy(update={"assume_consent": Waiver(reason="the feed has no consents")})
    waived = settings(exclusions=exclusions)
    without, with_some = fresh_bank(), fresh_bank()
    _wanted(without, "X", consent=False)
    _wanted(with_some, "X")
    staged = make_list(without.inputs(tmp_path / "none", waived), tmp_path / "none" / "staging")
    assert staged.manifest.waivers == {"assume_consent": "the feed has no consents"}
    assert staged.manifest.offers["maturity_service"]["listed"] == 0  # something worth more is allowed
    assert staged.manifest.names == 1
    with pytest.raises(ConfigError, match="assume_consent"):
        make_list(with_some.inputs(tmp_path / "some", waived), tmp_path / "some" / "staging")


def test_the_holdout_is_never_listed_and_hangs_on_the_oldest_number(fresh_bank, settings, tmp_path):
    fifth = settings(holdout=settings().holdout.model_copy(update={"share": 0.2}))
    held = {}
    for merged in (False, True):
        bank = fresh_bank()
        for number in range(1 if merged else 0, 60):
            bank.customer(f"C{number:02d}", manager_id=f"M{number % 2 + 1}").score(f"C{number:02d}", "churn_aum", 0.5)
        if merged:
            bank.add("merges", old_id="C00", new_id="C59", on=dt.date(2026, 2, 1))
        home = tmp_path / str(merged)
        night = _night(bank, home, _long_day(fifth))
        held[merged] = {name for name, rules in night.rules.items() if "holdout" in rules["keep_assets"]}
        assert not held[merged] & set(night.listed)
        assert held[merged] | set(night.listed) == set(night.rules)
    assert 3 <= len(held[False]) <= 25
    assert held[True] - {"C59"} == held[False] - {"C00", "C59"}
    assert ("C59" in held[True]) == ("C00" in held[False])


@seed(20261121)
@hypothesis_settings(
    max_examples=4,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    traits=st.lists(st.lists(st.sampled_from(BAD), max_size=3, unique=True), min_size=5, max_size=40),
    chances=st.lists(st.floats(0.01, 0.95), min_size=40, max_size=40),
)
def test_nobody_of_rule_8_is_listed_in_any_bank_and_nobody_without_consent_for_marketing(
    traits, chances, fresh_bank, settings, tmp_path_factory
):
    bank = fresh_bank()
    bank.add("managers", manager_id="H2", name="周H2", branch_id="B1", role="manager", certificates="insurance", hours=4.0)
    for number, own in enumerate(traits):
        name = f"C{number:02d}"
        _wanted(bank, name)
        for case in own:
            CASES[case](bank, name)
        bank.scores = [(c, m, chances[number] if c == name else p) for c, m, p in bank.scores]
    listed = _night(bank, tmp_path_factory.mktemp("bank"), _long_day(settings())).listed
    never = {f"C{n:02d}" for n, own in enumerate(traits) if set(own) & set(NEVER)}
    quiet = {f"C{n:02d}" for n, own in enumerate(traits) if set(own) & set(NO_MARKETING)}
    assert not set(listed) & never
    assert {listed[name] for name in quiet - never if name in listed} <= {"maturity_service"}
    assert set(listed) == {f"C{n:02d}" for n in range(len(traits))} - never
