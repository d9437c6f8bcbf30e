"""The whole day, decided: who owns whom, what could be done, what forbids it, what it is worth, whom the hours reach."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sources.canonical import Canonical
from store.errors import TerraceError
from store.files import parquet_columns
from targeting import allocate, candidates, eligibility, entries, owners, triggers, worth
from targeting.forbidden import Forbidden, forbidden
from targeting.known import known_at
from targeting.settings import TargetingSettings, WorthSettings

Progress = Callable[[str, int, int], None]
STEPS = ("owners", "candidates", "rules", "worth", "explanations", "proof", "files")


@dataclass(frozen=True)
class Decided:
    """Frames as they go into the version."""

    as_of: dt.date
    con: duckdb.DuckDBPyConnection  # the canonical tables as known then
    owners: pd.DataFrame  # one row per customer
    decisions: pd.DataFrame  # one row per customer and offer that could have been
    lists: pd.DataFrame  # one row per list
    listed: pd.DataFrame  # one row per listed customer
    events: pd.DataFrame  # sentences of what happened
    never: Forbidden  # of the rows of owners
    blocks: Forbidden  # of the rows of decisions
    margins: dict[str, tuple[float, str]]
    rates: dict[str, float]
    balance_from: str


def decide(
    canonical: Canonical,
    settings: TargetingSettings,
    as_of: dt.date,
    work_on: dt.date,
    features: Path,
    scores: pd.DataFrame,
    tiers: pd.DataFrame,
    say: Progress,
) -> Decided:
    """Everything about a day's lists but their words. `work_on` is the day whose hours are filled."""
    con = known_at(canonical, as_of)
    say("owners", 0, len(STEPS))
    with ThreadPoolExecutor(1) as beside:
        left = beside.submit(triggers.left_at_once, canonical, settings.withdrawal, as_of)
        owned = owners.assign(con, canonical, settings.owners, as_of, tiers)
        eligibility.hold_out(con, settings.holdout)
        say("candidates", 1, len(STEPS))
        happened, events = _happened(con, canonical.manifest.currency, settings, as_of, left)
    whose = candidates.numbers(scores["customer_id"], owned["customer_id"])
    asked = candidates.candidates(scores, whose, happened, settings, owned["customer_id"])
    say("rules", 2, len(STEPS))
    blocked, never = forbidden(con, settings, as_of, asked)
    say("worth", 3, len(STEPS))
    margin = worth.margins(con, settings)
    columns = [c for c in settings.worth.balance_columns if c in parquet_columns(features)]
    known = pq.read_table(features, columns=["customer_id", *columns])
    _prove_features(scores["customer_id"], whose, owned["customer_id"], known["customer_id"])
    balance, balance_from = worth.balances(con, known, settings, owned["customer_id"])
    valued = worth.expected_value(asked, settings, margin, balance)
    lists = allocate.capacity(con, settings.hours, work_on)
    decisions = _queue(valued, blocked, owned, lists, settings.worth)
    listed = (
        decisions[decisions["is_listed"]]
        .astype(dict.fromkeys((*candidates.CODED, "rules", "list_id"), "str"))
        .merge(owned.drop(columns=["list_id", "root", "number"]), on="customer_id", how="left")
        .reset_index(drop=True)
    )
    return Decided(
        as_of,
        con,
        owned,
        decisions,
        lists,
        listed,
        events,
        never,
        blocked,
        margin,
        entries.posted_rates(con, settings),
        balance_from,
    )


def _prove_features(scored: pd.Series[str], whose: candidates.Numbers, owners: pd.Series[str], known: pa.ChunkedArray) -> None:
    there = np.zeros(len(owners) + 1, bool)
    there[whose] = True  # each customer once; beside them those who are none
    asked = pa.array(pd.concat([owners[there[:-1]], scored[whose < 0]]), pa.string())
    lost = pc.unique(asked.filter(pc.invert(pc.is_in(asked, value_set=known)))).sort()
    if len(lost):
        raise TerraceError(
            f"{len(lost)} scored customers have no features, first {lost[0]}",
            where="scores",
            expected="scores and features of one date and one intake",
            do="build features and score again",
        )


def _happened(
    con: duckdb.DuckDBPyConnection, currency: str, settings: TargetingSettings, as_of: dt.date, left: Future[pa.Table]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """By offer, to whom something happened; and the sentences of it."""
    found: dict[str, Callable[[], pd.DataFrame]] = {
        triggers.LARGE_WITHDRAWAL: lambda: triggers.large_withdrawals(con, settings.withdrawal, left.result()),
        triggers.EARLY_BREAK: lambda: triggers.early_breaks(con, settings.early_break, as_of),
        triggers.MATURITY: lambda: triggers.maturities(con, settings.maturity, as_of),
    }
    happened = {name: look() for name, look in found.items() if name in settings.active}
    none = pd.DataFrame({"customer_id": [], "offer": [], "zh": [], "en": []}, dtype="str")
    said = [triggers.sentences(events, name, as_of, currency) for name, events in happened.items()]
    return happened, pd.concat([none, *said], ignore_index=True)


def _queue(
    valued: pd.DataFrame, blocked: Forbidden, owned: pd.DataFrame, lists: pd.DataFrame, floor: WorthSettings
) -> pd.DataFrame:
    """Every candidate, in the order given, with its list, the rules that block it (comma-separated), its place in the queue
    and the cut."""
    number = valued["number"].to_numpy()
    lists_of = owned["list_id"].astype("category").array.take(number)
    judged = valued.drop(columns="number").assign(rules=blocked.rules.array, list_id=lists_of)
    free = np.flatnonzero((blocked.rules == "").to_numpy())
    best = allocate.best_action(judged.iloc[free].assign(at=free), floor.least, floor.least_probability)
    queue = allocate.fill(best.astype({"list_id": "str"}), lists)
    placed = {name: np.full(len(judged), np.nan) for name in ("place", "slots", "is_listed")}
    for name, column in placed.items():
        column[queue["at"]] = queue[name]
    return judged.assign(place=placed["place"], slots=placed["slots"], is_listed=placed["is_listed"] == 1.0)
