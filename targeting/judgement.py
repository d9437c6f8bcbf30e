"""Every rule about one row of a list, judged with the customer's file open. Says what was found, or nothing."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable

import pandas as pd

from store.fingerprint import keyed_uniform
from targeting.dossier import Bank, File, Row
from targeting.settings import Offer

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
    homes = {
        "customer": own["branch_id"],
        "grid": grid["branch_id"] if grid else None,
        "main_account": row["home_branch_id"] if row["home_branch_id"] in accounts else None,
    }
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
    least = 0.0 if offer.kind == "service" else bank.settings.worth.least
    if not math.isfinite(value) or value <= least:
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


RULES: dict[str, RowRule] = {
    "known_customer": _is_known,
    "never_listed": _never,
    "consent": _consent,
    "credit": _credit,
    "region": _region,
    "suitability": _suitable,
    "certificate": _certified,
    "applicable": _applicable,
    "contact_policy": _not_again,
    "holdout": _held_out,
    "owner": _owner,
    "worth": _worth,
}


def _words(text: str) -> set[str]:
    for mark in ",，、;；|":
        text = text.replace(mark, " ")
    return set(text.split())


def _years(born: dt.date, day: dt.date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _months_later(day: dt.date, months: int) -> dt.date:
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()
