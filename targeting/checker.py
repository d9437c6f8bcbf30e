"""The proof: every row of a finished list, held against the canonical tables once more, by other means.

Shares no code with eligibility, owners, worth or allocation: rows are read plainly and judged one by one, as a compliance
officer would with the file of the customer open. One violation stops the night; nothing is published.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sources.canonical import Canonical
from store.errors import GateBroken
from targeting.dossier import Bank, File, Row, open_files
from targeting.judgement import RULES
from targeting.settings import TargetingSettings


@dataclass(frozen=True)
class Violation:
    """One row of a list that must not be there, and why (for compliance)."""

    customer_id: str
    offer: str
    rule: str
    found: str


def prove(
    entries: pd.DataFrame,
    scores: pd.DataFrame,
    canonical: Canonical,
    as_of: dt.date,
    work_on: dt.date,
    settings: TargetingSettings,
) -> dict[str, int]:
    """Rule -> rows proved against it. Raises GateBroken, naming the first violations."""
    violations = list(find(entries, scores, canonical, as_of, work_on, settings))
    if violations:
        said = "; ".join(f"{v.customer_id} {v.offer}: {v.rule} ({v.found})" for v in violations[:5])
        raise GateBroken(
            f"{len(violations)} rows break a rule: {said}",
            where="the finished list",
            expected="none",
            do="report this: eligibility and checker disagree; the last good list stays in force",
        )
    return {name: len(entries) for name in (*RULES, "same_scores", "one_row_each", "hours_and_order")}


def find(
    entries: pd.DataFrame,
    scores: pd.DataFrame,
    canonical: Canonical,
    as_of: dt.date,
    work_on: dt.date,
    settings: TargetingSettings,
) -> Iterator[Violation]:
    """Every violation in a finished list, row by row."""
    listed: list[Any] = entries.to_dict("records")
    bank, files = open_files([row["customer_id"] for row in listed], canonical, as_of, settings)
    for row in listed:
        offer = settings.offers.get(row["offer"])
        if offer is None:
            yield Violation(row["customer_id"], row["offer"], "unknown_offer", "not in the configuration")
            continue
        for name, rule in RULES.items():
            found = rule(row, offer, files[row["customer_id"]], bank)
            if found:
                yield Violation(row["customer_id"], row["offer"], name, found)
    yield from _scores_agree(listed, scores)
    yield from _one_row_each(listed, files)
    yield from _hours_and_order(listed, bank, work_on)


def _scores_agree(listed: list[Any], scores: pd.DataFrame) -> Iterator[Violation]:
    listed_ids = pa.array([row["customer_id"] for row in listed], pa.string())
    wanted = scores[pc.is_in(pa.array(scores["customer_id"], pa.string()), value_set=listed_ids).to_numpy(zero_copy_only=False)]
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
