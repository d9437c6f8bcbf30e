"""Scores of one date on Spark: each batch of feature rows is scored where it lies, by the booster text and code of `score`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.champion import Champion
from models.feature_rows import wanted_of
from models.score import SCHEMA, Cohort, Progress, ScoreCount, counted, ids_of, kept, look, score, with_cohorts, write
from models.settings import BandSettings
from models.stack import encode
from sources.spark import unwarned

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COLUMNS = (
    "customer_id STRING, as_of DATE, model STRING, raw_score DOUBLE, probability DOUBLE, low DOUBLE, high DOUBLE, "
    "method STRING, band STRING"
)


def score_all(
    spark: SparkSession,
    champions: Sequence[Champion],
    features_path: Path,
    cohorts: Mapping[str, Cohort],
    as_of: dt.date,
    out: Path,
    settings: BandSettings | None = None,
    progress: Progress | None = None,
    keep: Collection[str] = (),
) -> list[ScoreCount]:
    """`score.score_all` with its bits; of all that Spark reads, only the cohorts' scores come back to this process."""
    ordered = with_cohorts(champions, cohorts, str(features_path))
    wanted = wanted_of(features_path, [name for champion in ordered for name in champion.feature_names])
    if progress:
        progress("score", 0, 1)
    scored = SCHEMA.empty_table()
    if ordered:
        members = _members({champion.name: ids_of(cohorts[champion.name]) for champion in ordered})
        rows = spark.read.parquet(str(features_path)).select("customer_id", *wanted)
        with unwarned():
            rows = rows.join(spark.createDataFrame(members), "customer_id")
            scored = rows.mapInPandas(_work(ordered, as_of, settings or BandSettings()), COLUMNS).toArrow()
        scored = scored.cast(SCHEMA).sort_by([("model", "ascending"), ("customer_id", "ascending")])
    path = out / f"as_of={as_of.isoformat()}.parquet"
    made = {champion.name: scored.filter(pc.equal(scored["model"], champion.name)) for champion in ordered}
    write(path, kept(path, keep) | made)
    return [counted(champion, made[champion.name]) for champion in ordered]


def _members(cohorts: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    """One row per customer of any cohort: `models`, the names of those it is in."""
    ids = [pc.unique(mine) for mine in cohorts.values()]
    names = np.repeat(np.array(list(cohorts), dtype=object), [len(mine) for mine in ids])
    pairs = pa.table({"customer_id": pa.concat_arrays(ids), "models": pa.array(names, pa.string())})
    listed = pairs.group_by("customer_id", use_threads=False).aggregate([("models", "list")])
    return listed.rename_columns(["customer_id", "models"])


def _work(
    champions: Sequence[Champion], as_of: dt.date, settings: BandSettings
) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    return partial(_scored, tuple(champions), as_of, settings)


def _scored(
    champions: tuple[Champion, ...], as_of: dt.date, settings: BandSettings, batches: Iterable[pd.DataFrame]
) -> Iterator[pd.DataFrame]:
    """Scores of each batch's customers by the champions whose cohorts they are in; one thread, for Spark has its own."""
    for batch in batches:
        members = pa.array(batch["models"], pa.list_(pa.string()))
        flat, parent = members.flatten(), pc.list_parent_indices(members)
        for champion in champions:
            places = parent.filter(pc.equal(flat, champion.name))
            if not len(places):
                continue
            mine = batch.take(places.to_numpy())
            table = pa.Table.from_pandas(mine.drop(columns="models"), preserve_index=False)
            matrix = np.empty((table.num_rows, len(champion.feature_names)), dtype=np.float32)
            encode(table, champion.feature_names, champion.encodings, matrix)
            ids = table["customer_id"].combine_chunks()
            yield score(champion, look(champion, matrix, 1), ids, as_of, settings).to_pandas(date_as_object=True)
