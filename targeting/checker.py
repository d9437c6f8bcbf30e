"""The proof: every row of a finished list, held against the canonical tables once more, by other means.

Shares no code with eligibility, owners, worth or allocation: rows are read plainly and judged one by one, as a compliance
officer would with the file of the customer open. One violation stops the night; nothing is published.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pandas as pd

from sources.canonical import Canonical, connect
from store.errors import GateBroken
from store.fingerprint import keyed_uniform
from targeting.settings import Offer, TargetingSettings

Row = Mapping[str, Any]
_BY_CUSTOMER = ("customers", "accounts", "loans", "loan_status", "holdings", "contacts", "consents", "suppressions")
_OF_BANK = ("managers", "grids", "branches", "products", "merges", "availability")


@dataclass(frozen=True)
class Violation:
    """One row of a list that must not be there, and why (for compliance)."""

    customer_id: str
    offer: str
    rule: str
    found: str


@dataclass
class File:
    """Everything the bank knows, at the close of the day, about one person under all numbers."""

    numbers: frozenset[str]
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def suppressed(self, *kinds: str) -> list[Row]:
        return [s for s in self.rows["suppressions"] if s["kind"] in kinds and s["ended_on"] is None]


@dataclass(frozen=True)
class Bank:
    """What the rules need beside a person's file."""

    as_of: dt.date
    settings: TargetingSettings
    managers: dict[str, Row]
    grids: dict[str, Row]
    branches: dict[str, Row]
    products: dict[str, Row]
    present: dict[tuple[str, dt.date], float]       # hours of a manager on a day
    gone: frozenset[str]                # numbers merged into others

    def area(self, branch: str | None) -> str | None:
        while branch in self.branches and self.branches[branch]["level"] == "outlet":
            above = self.branches[branch]["parent_id"]
            if above not in self.branches or self.branches[above]["level"] == "head":
                break
            branch = above
        return branch


def prove(entries: pd.DataFrame, scores: pd.DataFrame, canonical: Canonical, as_of: dt.date, work_on: dt.date,
          settings: TargetingSettings) -> dict[str, int]:
    """Rule -> rows proved against it. Raises GateBroken, naming the first violations."""
    violations = list(find(entries, scores, canonical, as_of, work_on, settings))
    if violations:
        said = "; ".join(f"{v.customer_id} {v.offer}: {v.rule} ({v.found})" for v in violations[:5])
        raise GateBroken(f"{len(violations)} rows break a rule: {said}", where="the finished list", expected="none",
                         do="report this: eligibility and checker disagree; the last good list stays in force")
    return {name: len(entries) for name in (*_ROW_RULES, "same_scores", "one_row_each", "hours_and_order")}


def find(entries: pd.DataFrame, scores: pd.DataFrame, canonical: Canonical, as_of: dt.date, work_on: dt.date,
         settings: TargetingSettings) -> Iterator[Violation]:
    """Every violation in a finished list, row by row."""
    listed: list[Any] = entries.to_dict("records")
    bank, files = _open_files([row["customer_id"] for row in listed], canonical, as_of, settings)
    for row in listed:
        offer = settings.offers.get(row["offer"])
        if offer is None:
            yield Violation(row["customer_id"], row["offer"], "unknown_offer", "not in the configuration")
            continue
        for name, rule in _ROW_RULES.items():
            found = rule(row, offer, files[row["customer_id"]], bank)
            if found:
                yield Violation(row["customer_id"], row["offer"], name, found)
    yield from _scores_agree(listed, scores)
    yield from _one_row_each(listed, files)
    yield from _hours_and_order(listed, bank, work_on)


def _open_files(listed: Iterable[str], canonical: Canonical, as_of: dt.date, settings: TargetingSettings
                ) -> tuple[Bank, dict[str, File]]:
    con = connect()

    def read(table: str, only: str = "") -> list[Row]:
        state = canonical.manifest.tables.get(table)
        if state is None or state.rows == 0:
            return []
        rows = canonical.scan(con, table, as_of)
        names = rows.columns
        con.register("_now", rows)
        return [dict(zip(names, values, strict=True)) for values in con.execute(f"SELECT * FROM _now {only}").fetchall()]

    whole = {table: read(table) for table in _OF_BANK}
    merges = [(m["old_id"], m["new_id"]) for m in whole["merges"] if m["undone_on"] is None]
    persons = _persons(set(listed), merges)
    con.execute("CREATE TEMP TABLE _numbers (customer_id VARCHAR)")
    numbers = sorted({n for person in persons.values() for n in person})
    if numbers:
        con.execute("INSERT INTO _numbers SELECT unnest(?)", [numbers])
    files = {customer: File(numbers=person) for customer, person in persons.items()}
    holders: dict[str, list[File]] = defaultdict(list)
    for person_file in files.values():
        for number in person_file.numbers:
            holders[number].append(person_file)
    for table in _BY_CUSTOMER:
        for row in read(table, "SEMI JOIN _numbers USING (customer_id)"):
            for holder in holders[row["customer_id"]]:
                holder.rows[table].append(row)
    keyed = {t: {r[f"{t[:-2] if t == 'branches' else t[:-1]}_id"]: r for r in whole[t]} for t in _OF_BANK[:4]}
    present = {(a["manager_id"], a["on"]): a["hours"] for a in whole["availability"]}
    return Bank(as_of, settings, keyed["managers"], keyed["grids"], keyed["branches"], keyed["products"], present,
                frozenset(old for old, _ in merges)), files


def _persons(listed: set[str], merges: list[tuple[str, str]]) -> dict[str, frozenset[str]]:
    neighbours: dict[str, set[str]] = defaultdict(set)
    for old, new in merges:
        neighbours[old].add(new)
        neighbours[new].add(old)
    found = {}
    for customer in listed:
        reached, edge = {customer}, [customer]
        while edge:
            fresh = neighbours.get(edge.pop(), set()) - reached
            reached |= fresh
            edge.extend(fresh)
        found[customer] = frozenset(reached)
    return found


RowRule = Callable[[Row, Offer, File, Bank], str]


def _is_known(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    own = [c for c in file.rows["customers"] if c["customer_id"] == row["customer_id"]]
    if len(own) != 1:
        return f"{len(own)} customers of this number"
    if any(c["stage"] not in (None, "customer") for c in file.rows["customers"]):
        return "not at the stage of customer"
    return "number merged into another" if row["customer_id"] in bank.gone else ""


def _never(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    for c in file.rows["customers"]:
        if c["status"] in ("deceased", "frozen"):
            return str(c["status"])
        if c["is_staff"] or c["is_related_party"]:
            return "staff or related party"
        if c["birth_on"] is not None and _years(c["birth_on"], bank.as_of) < bank.settings.exclusions.minor_age:
            return "minor"
    if any(a["status"] == "frozen" and a["closed_on"] is None for a in file.rows["accounts"]):
        return "account frozen"
    for s in file.suppressed("deceased", "court_freeze", "fraud", "aml", "complaint", "staff", "related_party"):
        return str(s["kind"])
    for s in file.suppressed("do_not_call", "law"):
        if (s["purpose"] or "all").lower() not in ("marketing", "automated_marketing"):
            return str(s["kind"])
        if not offer.is_service:
            return f"{s['kind']} for marketing"
    since = bank.as_of - dt.timedelta(days=bank.settings.exclusions.complaint_days)
    complained = any(k["outcome"] == "complaint" and k["outcome_on"] > since for k in file.rows["contacts"])
    return "complaint on a call" if complained else ""


def _consent(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    if offer.is_service:
        return ""
    words: dict[tuple[str, str], list[tuple[dt.date, bool]]] = defaultdict(list)
    for c in file.rows["consents"]:
        words[(c["purpose"], c["channel"] or "any")].append((c["on"], c["granted"]))
    last = {key: min(g for on, g in said if on == max(o for o, _ in said)) for key, said in words.items()}
    ours = {key: granted for key, granted in last.items() if key[1] in bank.settings.exclusions.channels}
    if any(purpose in ("marketing", "automated_marketing") and not granted for (purpose, _), granted in ours.items()):
        return "refused"
    given = any(purpose == "marketing" and granted for (purpose, _), granted in ours.items())
    return "" if given or bank.settings.exclusions.assume_consent is not None else "no consent row"


def _credit(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    if not offer.is_loan:
        return ""
    closed = {loan["loan_id"]: loan["closed_on"] is not None for loan in file.rows["loans"]}
    latest: dict[str, Row] = {}
    for s in file.rows["loan_status"]:
        if s["loan_id"] not in latest or s["on"] > latest[s["loan_id"]]["on"]:
            latest[s["loan_id"]] = s
    for loan, s in latest.items():
        if closed.get(loan, True) and not s["outstanding"] > 0:
            continue
        if (s["overdue_days"] or 0) > 0 or (s["overdue_amount"] or 0) > 0:
            return f"loan {loan} overdue"
        if s["class"] not in (None, "normal"):
            return f"loan {loan} is {s['class']}"
    for s in file.suppressed("dishonest_debtor", "student", "exit"):
        return str(s["kind"])
    words = [w.lower() for w in bank.settings.exclusions.student_words]
    if any(w in (c["occupation"] or "").lower() for c in file.rows["customers"] for w in words):
        return "student"
    return ""


def _region(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    if not offer.is_loan or row["list_id"] == "head_office":
        return ""
    own = next(c for c in file.rows["customers"] if c["customer_id"] == row["customer_id"])
    grid = bank.grids.get(own["grid_id"] or "")
    accounts = {a["branch_id"] for a in file.rows["accounts"] if a["closed_on"] is None}
    homes = {"customer": own["branch_id"], "grid": grid["branch_id"] if grid else None,
             "main_account": row["home_branch_id"] if row["home_branch_id"] in accounts else None}
    home = next((homes[source] for source in bank.settings.owners.home if homes[source]), None)
    manager = bank.managers.get(row["manager_id"]) if isinstance(row["manager_id"], str) else None
    seller = manager["branch_id"] if manager and row["owner_step"] != "routed" else row["branch_id"]
    if home is None or bank.area(home) != bank.area(seller):
        return f"home {home}, seller in {seller}"
    return ""


def _suitable(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    if not offer.needs_rating:
        return ""
    valid = []
    for c in file.rows["customers"]:
        rated = c["risk_rated_on"]
        if c["risk_rating"] and rated and rated <= bank.as_of < _months_later(rated, bank.settings.exclusions.rating_months):
            valid.append(c["risk_rating"])
    if not valid:
        return "no valid rating"
    risks = [p["risk"] for p in bank.products.values() if p["family"] == offer.family and p["risk"]]
    needed = min(risks) if risks else offer.risk or "R1"
    return f"rated {min(valid)}, product {needed}" if min(valid) < needed else ""


def _certified(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    if not offer.certificates or bank.settings.exclusions.assume_certified is not None:
        return ""
    if isinstance(row["manager_id"], str):
        sellers = [bank.managers[row["manager_id"]]]
    elif row["owner_step"] == "branch_pool":
        sellers = [m for m in bank.managers.values() if m["branch_id"] == row["branch_id"]]
    else:
        sellers = [m for m in bank.managers.values() if m["role"] == "head_office"]
    able = any(_words(m["certificates"] or "") & set(offer.certificates) for m in sellers)
    return "" if able else f"nobody of {len(sellers)} sellers holds {' or '.join(offer.certificates)}"


def _applicable(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    own = next(c for c in file.rows["customers"] if c["customer_id"] == row["customer_id"])
    if (own["kind"] or "personal") not in offer.customer_kinds:
        return f"kind {own['kind']}"
    if offer.groups and row["group"] not in offer.groups:
        return f"group {row['group']}"
    if offer.kind != "purchase":
        return ""

    def is_of_family(product: str | None) -> bool:
        return bool(product) and bank.products.get(str(product), {}).get("family") in (offer.family, *offer.also_held_as)

    for table in ("accounts", "loans"):
        if any(is_of_family(r["product_id"]) and r["closed_on"] is None for r in file.rows[table]):
            return f"held: {table}"
    for h in file.rows["holdings"]:
        unused = h["activated_on"] is None and h["started_how"] == "batch"
        if is_of_family(h["product_id"]) and h["ended_on"] is None and not unused:
            return "held: holdings"
    return ""


def _not_again(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    rules, day = bank.settings.contacts, bank.as_of
    names = {name for name in (row["offer"], offer.model, offer.family) if name}
    for k in file.rows["contacts"]:
        if k["arm"] == "control" or k["skip_reason"] is not None:
            continue
        age = (day - k["on"]).days
        if age < rules.any_offer_days and offer.kind in ("purchase", "retention"):
            return f"called on {k['on']}"
        if k["offer"] in names and age < rules.same_offer_days:
            return f"called about this on {k['on']}"
        if k["offer"] in names and k["outcome"] == "declined" and (day - k["outcome_on"]).days < rules.declined_days:
            return f"declined on {k['outcome_on']}"
    return ""


def _held_out(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    holdout = bank.settings.holdout
    return "held out" if keyed_uniform(holdout.key, min(file.numbers)) < holdout.share else ""


def _owner(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    own = next(c for c in file.rows["customers"] if c["customer_id"] == row["customer_id"])
    grid = bank.grids.get(own["grid_id"] or "")
    manager = own["manager_id"] if own["manager_id"] in bank.managers else None
    of_grid = grid["manager_id"] if grid and grid["manager_id"] in bank.managers else None
    step, named = row["owner_step"], row["manager_id"] if isinstance(row["manager_id"], str) else None
    if step == "routed":
        return "" if row["owner_rule"] in {r.name for r in bank.settings.owners.routing} else "routed by no rule"
    expected = manager or of_grid
    due = "manager" if manager else "grid" if of_grid else step
    if (step, named) != (due, expected) or (expected is None and step not in ("branch_pool", "head_office")):
        return f"{step} {named}, expected {due} {expected}"
    return ""


def _worth(row: Row, offer: Offer, file: File, bank: Bank) -> str:
    value, basis = row["expected_value"], row["basis"]
    if not math.isfinite(value) or value <= bank.settings.worth.least:
        return f"worth {value}"
    if row["model"] and not bank.settings.worth.least_probability <= row["probability"] <= 1:
        return f"probability {row['probability']}"
    if offer.kind == "purchase":
        own = [p for _, p in sorted(bank.products.items()) if p["family"] == offer.family]
        stated = [p["margin"] for p in own if p["margin"] is not None]
        margin = round(sum(stated) / len(stated), 6) if stated else offer.margin
        rate = 1.0 if offer.amount is None or margin is None else margin
        due = row["probability"] * rate * basis
    else:
        chance = row["probability"] if offer.kind == "retention" else 1.0
        due = chance * basis * bank.settings.worth.ftp_margin * (offer.save_rate or 0)
    return "" if abs(due - value) < 0.011 else f"{value}, expected {due:.2f}"


_ROW_RULES: dict[str, RowRule] = {
    "known_customer": _is_known, "never_listed": _never, "consent": _consent, "credit": _credit, "region": _region,
    "suitability": _suitable, "certificate": _certified, "applicable": _applicable, "contact_policy": _not_again,
    "holdout": _held_out, "owner": _owner, "worth": _worth,
}


def _scores_agree(listed: list[Any], scores: pd.DataFrame) -> Iterator[Violation]:
    wanted = scores[scores["customer_id"].isin({row["customer_id"] for row in listed})]
    known = {(s["customer_id"], s["model"]): (s["probability"], s["raw_score"]) for s in wanted.to_dict("records")}
    for row in listed:
        scored = known.get((row["customer_id"], row["model"]))
        shown = (row["probability"], row["raw_score"])
        if row["model"] and (scored is None or not all(map(_same, scored, shown))):
            yield Violation(row["customer_id"], row["offer"], "same_scores", f"{row['probability']}, scored {scored}")


def _one_row_each(listed: list[Any], files: Mapping[str, File]) -> Iterator[Violation]:
    seen: set[str] = set()
    for row in listed:
        numbers = files[row["customer_id"]].numbers
        if numbers & seen:
            yield Violation(row["customer_id"], row["offer"], "one_row_each", "this person is listed twice")
        seen |= numbers


def _hours_and_order(listed: list[Any], bank: Bank, work_on: dt.date) -> Iterator[Violation]:
    by_list: dict[str, list[Any]] = defaultdict(list)
    for row in listed:
        by_list[row["list_id"]].append(row)
    for name, rows in sorted(by_list.items()):
        rows.sort(key=lambda row: row["rank"])
        needed, given = len(rows) * bank.settings.hours.per_action, _hours_of(name, bank, work_on)
        if needed > given + 1e-6:
            yield Violation(rows[-1]["customer_id"], rows[-1]["offer"], "hours", f"{name}: {needed} of {given} hours")
        for place, row in enumerate(rows, start=1):
            if row["rank"] != place:
                yield Violation(row["customer_id"], row["offer"], "rank", f"{name}: {row['rank']} at place {place}")
        for upper, lower in pairwise(rows):
            if _before(lower) < _before(upper):
                yield Violation(lower["customer_id"], lower["offer"], "order", f"{name}: stands below {upper['customer_id']}")


def _hours_of(name: str, bank: Bank, work_on: dt.date) -> float:
    hours = bank.settings.hours
    if name == "head_office":
        return hours.head_office
    if name.startswith("pool:"):
        return hours.pool_names * hours.per_action if bank.managers else hours.branch
    manager = bank.managers.get(name)
    if manager is None:
        return 0.0
    if (name, work_on) in bank.present:
        return bank.present[(name, work_on)]
    return manager["hours"] if manager["hours"] is not None else hours.by_role.get(manager["role"] or "", hours.manager)


def _before(row: Row) -> tuple[float, float, str]:
    raw = row["raw_score"]
    return (-row["expected_value"], math.inf if pd.isna(raw) else -raw, row["customer_id"])


def _same(a: float, b: float) -> bool:
    return bool(a == b or (pd.isna(a) and pd.isna(b)))


def _words(text: str) -> set[str]:
    for mark in ",，、;；|":
        text = text.replace(mark, " ")
    return set(text.split())


def _years(born: dt.date, day: dt.date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _months_later(day: dt.date, months: int) -> dt.date:
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()
