"""Scores of one date: every label's probability, interval and band for the customers of its cohort."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
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
from models.feature_rows import Block
from models.settings import BandSettings
from models.stack import Floats
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
    seen = _looked(ordered, features_path, members, threads, progress) if ordered else {}
    path = out / f"as_of={as_of.isoformat()}.parquet"
    tables, counts = kept(path, keep), []
    for champion in ordered:
        mine = order[members[champion.name][order]]  # of the cohort, by customer
        scored = score(champion, seen[champion.name][mine], ids.take(pa.array(mine)), as_of, settings or BandSettings())
        tables[champion.name] = scored
        counts.append(counted(champion, scored))
    write(path, tables)
    return counts


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


def _looked(
    champions: Sequence[Champion], path: Path, members: Mapping[str, Flags], threads: int, progress: Progress | None
) -> dict[str, Array]:
    """What every champion sees in the file's rows of its cohort, from one read; as many blocks at once as threads."""
    seen = {name: np.empty(len(whose)) for name, whose in members.items()}
    feature_rows.wanted_of(path, [name for champion in champions for name in champion.feature_names])
    narrow = [narrowed(champion) for champion in champions]

    def each(block: Block) -> None:
        for champion in narrow:
            mine = members[champion.name][block.here]
            if mine.any():
                matrix = block.matrix(champion.feature_names, champion.encodings)
                seen[champion.name][block.here][mine] = look(champion, matrix if mine.all() else matrix[mine], 1)

    rows = max((len(whose) for whose in members.values()), default=0)
    waiting: deque[Future[None]] = deque()
    for champion in narrow:
        if champion.booster_text:
            booster.load(champion.booster_text)  # before two threads would
    with ThreadPoolExecutor(threads) as pool:
        for block in feature_rows.blocks(path, [name for champion in narrow for name in champion.feature_names]):
            waiting.append(pool.submit(each, block))
            if len(waiting) > threads:
                waiting.popleft().result()
            if progress:
                progress("score", block.start, rows)
        for last in waiting:
            last.result()
    return seen


def narrowed(champion: Champion) -> Champion:
    """The champion as far as it looks at rows: the same answers from those columns alone that its trees split on."""
    if not champion.booster_text:
        return champion
    text, used = booster.narrowed(champion.booster_text)
    names = tuple(champion.feature_names[column] for column in used)
    return replace(champion, feature_names=names, booster_text=text)


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
