"""Scores of one date: every label's probability, interval and band for the customers of its cohort."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models import booster, feature_rows
from models.calibration import logit, sigmoid
from models.champion import Champion
from models.feature_rows import Block, Column
from models.settings import BandSettings
from models.stack import Floats
from models.trees import STRIP, trees_of
from store.errors import ConfigError
from store.files import write_parquet

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Cohort: TypeAlias = Iterable[str] | pa.Array | pa.ChunkedArray  # customer ids
Days = dt.date | npt.NDArray[np.datetime64]  # one day, or one per row
Progress = Callable[[str, int, int], None]
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("as_of", pa.date32()),
        ("model", pa.string()),
        ("raw_score", pa.float64()),
        ("probability", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("method", pa.string()),
        ("band", pa.string()),
    ]
)


@dataclass(frozen=True)
class ScoreCount:
    """One label's scores at one date, counted."""

    model: str
    method: str
    customers: int
    expected: float  # sum of probabilities
    high: int  # customers in the high band


def look(champion: Champion, matrix: Floats, threads: int) -> Array:
    """What a champion sees in each row, in one number: the booster's log-odds, or the segment the row is in."""
    if champion.segments is not None:
        return champion.segments.cells(matrix).astype(np.float64)
    return booster.raw_scores(champion.booster_text, matrix, threads)


def raw_scores(champion: Champion, matrix: Floats, threads: int) -> Array:
    """Log-odds per row before calibration and season level: what orders a night, and what contributions add up to."""
    return _raw(champion, look(champion, matrix, threads))


def _raw(champion: Champion, seen: Array) -> Array:
    return seen if champion.segments is None else logit(np.array(champion.segments.rates))[seen.astype(np.int64)]


def _probability(champion: Champion, seen: Array, as_of: Days) -> Array:
    if champion.segments is not None:
        return np.array(champion.segments.rates)[seen.astype(np.int64)]
    assert champion.calibration is not None
    probability = champion.calibration(seen)
    return probability if champion.season is None else champion.season(probability, as_of)


def raw_and_probability(champion: Champion, matrix: Floats, threads: int, as_of: Days) -> tuple[Array, Array]:
    """Raw score and probability per row; `as_of` is one day, or one per row."""
    seen = look(champion, matrix, threads)
    return _raw(champion, seen), _probability(champion, seen, as_of)


def intervals(champion: Champion, seen: Array, probability: Array, as_of: Days) -> tuple[Array, Array]:
    """Low and high per row that a champion `look`ed at: of the calibration's band, moved to the month's level and widened by
    the doubt about it, or of the segment's posterior."""
    if champion.segments is not None:
        cells = seen.astype(np.int64)
        return np.array(champion.segments.low)[cells], np.array(champion.segments.high)[cells]
    assert champion.calibration is not None
    if champion.season is None:
        return champion.calibration.interval(probability)
    low, high = champion.calibration.interval(champion.season(probability, as_of, back=True))
    at, doubt = logit(probability), champion.season.doubt(as_of)
    below, above = (np.hypot(logit(champion.season(end, as_of)) - at, doubt) for end in (low, high))
    return np.minimum(sigmoid(at - below), probability), np.maximum(sigmoid(at + above), probability)


def bands(probability: Array, base_rate: float, settings: BandSettings) -> pa.Array:
    """high, middle or low, by multiples of the base rate."""
    steps = (probability >= settings.middle * base_rate).astype(np.int8) + (probability >= settings.high * base_rate)
    return pa.DictionaryArray.from_arrays(pa.array(steps.astype(np.int8)), ["low", "middle", "high"]).cast(pa.string())


def score(champion: Champion, seen: Array, customer_id: pa.Array, as_of: dt.date, settings: BandSettings) -> pa.Table:
    """One row per customer, in the order given, in the columns of SCHEMA, from what the champion saw (`look`)."""
    probability = _probability(champion, seen, as_of)
    low, high = intervals(champion, seen, probability, as_of)
    count = len(probability)
    return pa.Table.from_arrays(
        [
            customer_id.cast(pa.string()),
            pa.array(np.full(count, np.datetime64(as_of, "D"))),
            pa.repeat(pa.scalar(champion.name, pa.string()), count),
            pa.array(_raw(champion, seen)),
            pa.array(probability),
            pa.array(low),
            pa.array(high),
            pa.repeat(pa.scalar(champion.method, pa.string()), count),
            bands(probability, champion.base_rate, settings),
        ],
        schema=SCHEMA,
    )


def score_all(
    champions: Sequence[Champion],
    features_path: Path,
    cohorts: Mapping[str, Cohort],
    as_of: dt.date,
    out: Path,
    settings: BandSettings | None = None,
    threads: int = 2,
    progress: Progress | None = None,
    keep: Collection[str] = (),
) -> list[ScoreCount]:
    """Write `out/as_of=D.parquet`: one row per customer and label whose cohort the customer is in, by model and customer_id.

    `cohorts` gives each label's customer ids at `as_of`. The features are read once for all champions, block by block. Of the
    labels to `keep` the rows of the file that is there stay as they are. Raises ConfigError for a label without a cohort or
    for features that are not in the file.
    """
    ordered = with_cohorts(champions, cohorts, str(features_path))
    ids, order = feature_rows.customers(features_path)
    with ThreadPoolExecutor(threads) as pool:
        whose = pool.map(lambda champion: _members(ids, cohorts[champion.name]), ordered)
        members = {champion.name: flags for champion, flags in zip(ordered, whose, strict=True)}
        seen = _looked(ordered, features_path, len(ids), threads, progress) if ordered else {}

        def scored(champion: Champion) -> pa.Table:
            mine = order[members[champion.name][order]]  # of the cohort, by customer
            return score(champion, seen[champion.name][mine], ids.take(pa.array(mine)), as_of, settings or BandSettings())

        made = {champion.name: table for champion, table in zip(ordered, pool.map(scored, ordered), strict=True)}
    path = out / f"as_of={as_of.isoformat()}.parquet"
    write(path, kept(path, keep) | made)
    return [counted(champion, made[champion.name]) for champion in ordered]


def write(path: Path, tables: Mapping[str, pa.Table]) -> None:
    """Scores by label as one file, by label."""
    parts = [tables[name].combine_chunks() for name in sorted(tables)]  # where pieces end shows in a file's bytes
    write_parquet(path, pa.concat_tables(parts) if parts else SCHEMA.empty_table())


def kept(path: Path, names: Collection[str]) -> dict[str, pa.Table]:
    """The scores of these labels in a file that is there."""
    if not names:
        return {}
    before = pq.read_table(path, schema=SCHEMA, partitioning=None)
    return {name: before.filter(pc.equal(before["model"], name)) for name in names}


def ids_of(cohort: Cohort) -> pa.Array | pa.ChunkedArray:
    """Customer ids as texts in Arrow."""
    known = cohort if isinstance(cohort, pa.Array | pa.ChunkedArray) else pa.array(list(cohort), pa.string())
    return known.cast(pa.string())


def _members(ids: pa.Array, cohort: Cohort) -> Flags:
    return np.asarray(pc.is_in(ids, value_set=ids_of(cohort)).to_numpy(zero_copy_only=False), dtype=bool)


def _looked(champions: Sequence[Champion], path: Path, rows: int, threads: int, progress: Progress | None) -> dict[str, Array]:
    """What every champion sees in each of the file's rows, from one read; as many blocks at once as threads."""
    feature_rows.wanted_of(path, [name for champion in champions for name in champion.feature_names])
    seen = {champion.name: np.empty(rows) for champion in champions}
    asked = {champion.name: _columns(champion) for champion in champions}
    columns = list(dict.fromkeys(column for mine in asked.values() for column in mine))
    places = {name: np.array([columns.index(one) for one in mine], dtype=np.int64) for name, mine in asked.items()}

    def each(block: Block) -> None:
        cells = block.cells(columns)
        for champion in champions:
            mine, into = places[champion.name], seen[champion.name][block.here]
            if trees := trees_of(champion.booster_text):
                trees.ask(cells, mine, into)
            else:
                rows = cells[:, mine].transpose(0, 2, 1).reshape(len(cells) * STRIP, len(mine))
                into[:] = look(champion, rows[: len(into)], 1)

    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for block in feature_rows.blocks(path, [name for name, _ in columns]):
            waiting.append(pool.submit(each, block))
            if len(waiting) > threads:
                waiting.popleft().result()
            if progress:
                progress("score", block.start, rows)
        for last in waiting:
            last.result()
    return seen


def _columns(champion: Champion) -> list[Column]:
    """The columns that a champion looks at: of a booster those alone that its trees ask for."""
    names, trees = champion.feature_names, trees_of(champion.booster_text)
    return [
        (name, champion.encodings.get(name)) for name in (names if trees is None else [names[place] for place in trees.used])
    ]


def with_cohorts(champions: Iterable[Champion], cohorts: Mapping[str, Cohort], where: str) -> list[Champion]:
    """The champions by name. Raises ConfigError for one whose label has no cohort."""
    ordered = sorted(champions, key=lambda c: c.name)
    for champion in ordered:
        if champion.name not in cohorts:
            raise ConfigError(f"no cohort for label '{champion.name}'", where=where, expected=", ".join(cohorts))
    return ordered


def counted(champion: Champion, scored: pa.Table) -> ScoreCount:
    """One label's scores, counted."""
    expected, high = pc.sum(scored["probability"]).as_py() or 0, pc.sum(pc.equal(scored["band"], "high")).as_py() or 0
    return ScoreCount(champion.name, champion.method, scored.num_rows, float(expected), int(high))
