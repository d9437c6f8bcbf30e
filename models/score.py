"""Scores of one date: every label's probability, interval and band for the customers of its cohort."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models import booster
from models.calibration import logit
from models.champion import Champion
from models.settings import BandSettings
from models.stack import Floats, encode
from store.errors import ConfigError
from store.files import parquet_columns, write_parquet

Array = npt.NDArray[np.float64]
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


def raw_scores(champion: Champion, matrix: Floats, threads: int) -> Array:
    """Log-odds per row before calibration and season level: what orders a night, and what contributions add up to."""
    if champion.segments is not None:
        return logit(np.array(champion.segments.rates)[champion.segments.cells(matrix)])
    return booster.raw_scores(champion.booster_text, matrix, threads)


def raw_and_probability(champion: Champion, matrix: Floats, threads: int, as_of: Days) -> tuple[Array, Array]:
    """Raw score and probability per row; `as_of` is one day, or one per row."""
    raw = raw_scores(champion, matrix, threads)
    if champion.segments is not None:
        return raw, np.array(champion.segments.rates)[champion.segments.cells(matrix)]
    assert champion.calibration is not None
    probability = champion.calibration(raw)
    return raw, probability if champion.season is None else champion.season(probability, as_of)


def intervals(champion: Champion, matrix: Floats, probability: Array, as_of: Days) -> tuple[Array, Array]:
    """Low and high per row: of the calibration's band, moved to the month's level, or of the segment's posterior."""
    if champion.segments is not None:
        cells = champion.segments.cells(matrix)
        return np.array(champion.segments.low)[cells], np.array(champion.segments.high)[cells]
    assert champion.calibration is not None
    if champion.season is None:
        return champion.calibration.interval(probability)
    low, high = champion.calibration.interval(champion.season(probability, as_of, back=True))
    return np.minimum(champion.season(low, as_of), probability), np.maximum(champion.season(high, as_of), probability)


def bands(probability: Array, base_rate: float, settings: BandSettings) -> npt.NDArray[np.object_]:
    """high, middle or low, by multiples of the base rate."""
    names = np.array(["low", "middle", "high"], dtype=object)
    steps = (probability >= settings.middle * base_rate).astype(int) + (probability >= settings.high * base_rate)
    return np.asarray(names[steps])


def score(
    champion: Champion, matrix: Floats, customer_id: pa.Array, as_of: dt.date, settings: BandSettings, threads: int = 2
) -> pa.Table:
    """One row per customer, in the order given, in the columns of SCHEMA."""
    raw, probability = raw_and_probability(champion, matrix, threads, as_of)
    low, high = intervals(champion, matrix, probability, as_of)
    count = len(probability)
    return pa.Table.from_arrays(
        [
            customer_id.cast(pa.string()),
            pa.array(np.full(count, np.datetime64(as_of, "D"))),
            _same(champion.name, count),
            pa.array(raw),
            pa.array(probability),
            pa.array(low),
            pa.array(high),
            _same(champion.method, count),
            pa.array(bands(probability, champion.base_rate, settings), pa.string()),
        ],
        schema=SCHEMA,
    )


def _same(text: str, count: int) -> pa.Array:
    return pa.array([text], pa.string()).take(pa.array(np.zeros(count, dtype=np.int64)))


def score_all(
    champions: Sequence[Champion],
    features_path: Path,
    cohorts: Mapping[str, Iterable[str]],
    as_of: dt.date,
    out: Path,
    settings: BandSettings | None = None,
    threads: int = 2,
    progress: Progress | None = None,
) -> list[ScoreCount]:
    """Write `out/as_of=D.parquet`: one row per customer and label whose cohort the customer is in, by model and customer_id.

    `cohorts` gives each label's customer ids at `as_of`. Raises ConfigError for a label without a cohort or for features
    that are not in the file.
    """
    ordered = sorted(champions, key=lambda c: c.name)
    for champion in ordered:
        if champion.name not in cohorts:
            raise ConfigError(f"no cohort for label '{champion.name}'", where=str(features_path), expected=", ".join(cohorts))
    table = _features(features_path, ordered)
    ready: dict[tuple[object, ...], Floats] = {}
    tables, counts = [], []
    for place, champion in enumerate(ordered):
        if progress:
            progress(f"score {champion.name}", place, len(ordered))
        key = (champion.feature_names, tuple(sorted(champion.encodings.items())))
        if key not in ready:
            ready[key] = np.empty((table.num_rows, len(champion.feature_names)), dtype=np.float32)
            encode(table, champion.feature_names, champion.encodings, ready[key])
        ids = pa.array(sorted(set(cohorts[champion.name])), pa.string())
        member = pc.is_in(table["customer_id"].combine_chunks(), value_set=ids)
        mask = member.to_numpy(zero_copy_only=False)
        customer_id = table["customer_id"].combine_chunks().filter(member)
        scored = score(
            champion, ready[key] if mask.all() else ready[key][mask], customer_id, as_of, settings or BandSettings(), threads
        )
        tables.append(scored)
        expected, high = pc.sum(scored["probability"]).as_py() or 0, pc.sum(pc.equal(scored["band"], "high")).as_py() or 0
        counts.append(ScoreCount(champion.name, champion.method, scored.num_rows, float(expected), int(high)))
    write_parquet(out / f"as_of={as_of.isoformat()}.parquet", pa.concat_tables(tables) if tables else SCHEMA.empty_table())
    return counts


def _features(path: Path, champions: Sequence[Champion]) -> pa.Table:
    wanted = sorted({name for champion in champions for name in champion.feature_names})
    missing = sorted(set(wanted) - set(parquet_columns(path)))
    if missing:
        raise ConfigError(
            f"no column {', '.join(missing[:5])}",
            where=str(path),
            expected="every feature the champions learned from",
            do="build the features again, or train again with those there are",
        )
    return pq.read_table(path, columns=["customer_id", *wanted]).sort_by("customer_id")
