"""A day's lists from features, scores, tiers and the canonical tables: one whole version, staged, proved, not yet in force."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from sources.canonical import Canonical
from store.errors import GateBroken
from store.files import fresh_folder, write_parquet
from targeting import checker, eligibility, entries, explanations, manifest, owners, paper, rationale, worth
from targeting.decisions import STEPS, Decided, Progress, decide
from targeting.explanations import Explain
from targeting.list_book import BankWords
from targeting.manifest import Manifest
from targeting.publish import Staged
from targeting.settings import TargetingSettings
from targeting.wording import SpecLike
from targeting.workbook import write_workbooks

SCORED = ["customer_id", "model", "method", "band", "probability", "low", "high", "raw_score"]
TIERED = ["customer_id", "tier", "group", "measure_adb", "next_tier", "next_adb"]


@dataclass(frozen=True)
class ListInputs:
    """All that a list is made from; nothing else is read.

    `explain` answers (model name, feature rows with `raw_score`) with customer_id, feature, value, contribution, `__base__`
    included. `champions`: model -> content hash. `horizons`: model -> days of its label window. `given`: fingerprints that only
    the caller knows (code, bank file).
    """

    canonical: Canonical
    as_of: dt.date
    settings: TargetingSettings
    features: Path
    scores: Path
    tiers: Path
    catalog: Sequence[SpecLike]
    explain: Explain
    champions: Mapping[str, str] = field(default_factory=dict)
    horizons: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    work_on: dt.date | None = None  # the day whose hours are filled; default: the next weekday
    bank: BankWords | None = None  # how the workbooks name the bank; None: no workbooks
    tier_words: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # tier -> zh, en; high to low
    processes: int = 1  # that write workbooks

    @property
    def day_of_work(self) -> dt.date:
        if self.work_on is not None:
            return self.work_on
        ahead = 7 - self.as_of.weekday() if self.as_of.weekday() >= 4 else 1
        return self.as_of + dt.timedelta(days=ahead)


def make_list(inputs: ListInputs, staging: Path, *, version: int = 1, progress: Progress | None = None) -> Staged:
    """Write one whole version into the folder `staging` (emptied first) and prove every row of it.

    Raises GateBroken where a row cannot be proved or explained; then nothing may be published. Same inputs, same bytes.
    """
    say = progress or (lambda what, done, total: None)
    scores = pq.read_table(
        inputs.scores, columns=SCORED, read_dictionary=["model", "method", "band"], partitioning=None
    ).to_pandas()
    tiers = pq.read_table(inputs.tiers, columns=TIERED, partitioning=None).to_pandas()
    waivers = eligibility.prove_waivers(inputs.canonical, inputs.settings)
    decided = decide(inputs.canonical, inputs.settings, inputs.as_of, inputs.day_of_work, inputs.features, scores, tiers, say)
    fresh_folder(staging)
    try:
        with ThreadPoolExecutor(1) as beside:  # the millions of decisions, while the words of a thousand names are found
            written = beside.submit(_write_decided, staging, decided)
            table, explained, proof = _told(inputs, decided, scores, tiers, version, say)
            say("files", 6, len(STEPS))
            _write(staging, decided, table, explained)
            if inputs.bank is not None:
                book = paper.book_of(decided.con, decided, table, inputs.settings, inputs.bank, inputs.tier_words, waivers)
                write_workbooks(book, staging / "workbooks", progress, inputs.processes)
            written.result()
    except GateBroken:
        shutil.rmtree(staging)  # of what could not be proved nothing stays
        raise
    made = _manifest(inputs, decided, scores, table, waivers, proof, version, staging)
    manifest.write(staging, made)
    say("files", 7, len(STEPS))
    return Staged(staging, made)


def _told(
    inputs: ListInputs, decided: Decided, scores: pd.DataFrame, tiers: pd.DataFrame, version: int, say: Progress
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """The entries with their reasons, what explains them, and the proof of every row."""
    say("explanations", 4, len(STEPS))
    rows = explanations.rows_of(inputs.features, decided.listed["customer_id"])
    explained = explanations.explained(decided.listed, rows, inputs.explain)
    reasons = rationale.reasons(
        decided.listed,
        explained,
        rows,
        decided.events,
        tiers,
        inputs.catalog,
        inputs.settings,
        inputs.horizons,
        inputs.tier_words,
        as_of=inputs.as_of,
        currency=inputs.canonical.manifest.currency,
    )
    table = entries.compose(decided.listed, reasons, inputs.settings, decided.rates, as_of=inputs.as_of, version=version)
    say("proof", 5, len(STEPS))
    proof = checker.prove(table, scores, inputs.canonical, inputs.as_of, inputs.day_of_work, inputs.settings)
    return table, explained, proof


def _write_decided(staging: Path, decided: Decided) -> None:
    owned = decided.owners.assign(never=decided.never.rules)
    write_parquet(staging / "proof" / "owners.parquet", entries.as_table(owned, entries.OWNERS))
    write_parquet(staging / "proof" / "decisions.parquet", entries.as_table(decided.decisions, entries.DECISIONS))


def _write(staging: Path, decided: Decided, table: pd.DataFrame, explained: pd.DataFrame) -> None:
    write_parquet(staging / "entries.parquet", entries.as_table(table, entries.SCHEMA))
    write_parquet(staging / "explanations.parquet", entries.as_table(explained, explanations.SCHEMA))
    used = table.groupby("list_id").size()
    waiting = decided.decisions.loc[decided.decisions["place"].notna(), "list_id"].value_counts()
    lists = decided.lists.assign(
        names=decided.lists["list_id"].map(used).fillna(0).astype("int64"),
        queue=decided.lists["list_id"].map(waiting.to_dict()).fillna(0).astype("int64"),
    )
    write_parquet(staging / "lists.parquet", entries.as_table(lists, entries.LISTS))


def _manifest(
    inputs: ListInputs,
    decided: Decided,
    scores: pd.DataFrame,
    table: pd.DataFrame,
    waivers: dict[str, str],
    proof: dict[str, int],
    version: int,
    staging: Path,
) -> Manifest:
    settings, state = inputs.settings, inputs.canonical.manifest
    models = set(scores["model"].unique())
    paths = {"features": inputs.features, "scores": inputs.scores, "tiers": inputs.tiers}
    decisions = decided.decisions
    asked, allowed = decisions["offer"], decisions["rules"] == ""
    kinds = {"candidates": asked, "allowed": asked[allowed], "listed": asked[decisions["is_listed"]]}
    counts = {kind: own.value_counts().to_dict() for kind, own in kinds.items()}
    offers = {
        name: {kind: int(of.get(name, 0)) for kind, of in counts.items()}
        for name in settings.active
        if counts["candidates"].get(name)
    }
    return Manifest(
        bank=state.bank,
        currency=state.currency,
        as_of=inputs.as_of,
        list_version=version,
        work_on=inputs.day_of_work,
        fingerprints=manifest.fingerprints(inputs.canonical, paths, settings, inputs.given),
        champions=dict(sorted(inputs.champions.items())),
        waivers=waivers,
        assumptions=[vars(a) for a in worth.assumptions(settings, decided.margins) if a.offer in offers],
        balance_from=decided.balance_from,
        customers=len(decided.owners),
        owner_steps=owners.steps_counted(decided.owners),
        never_listed=decided.never.counted,
        blocked=decided.blocks.counted,
        offers=offers,
        offers_without_scores=sorted(n for n, o in settings.active.items() if o.model and o.model not in models),
        models_without_offer=sorted(models - {o.model for o in settings.active.values()}),
        names=len(table),
        lists=int(table["list_id"].nunique()),
        proof=proof,
        files=manifest.file_hashes(staging),
    )
