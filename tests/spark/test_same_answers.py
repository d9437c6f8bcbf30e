"""Spark answers as DuckDB does: every feature of the catalogue, every score. One file, so that one worker has one session."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import county
import pyarrow as pa
import pyarrow.parquet as pq
import synthetic

from features.engine import build
from models import spark_score
from models.champion import Champion
from models.cold_start import segment_rates
from models.score import score_all
from models.settings import EvaluationSettings, ModelSettings, Segment
from models.splits import Window
from models.train import train_label
from sources.canonical import Canonical

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_every_feature_of_a_county_bank_has_the_same_bits_on_spark(tmp_path: Path, session: SparkSession) -> None:
    canonical = county.write(tmp_path / "canonical", county.make(1))
    of_duckdb, of_spark = both(canonical, dt.date(2026, 3, 31), tmp_path, session)
    assert of_duckdb.num_rows > 3
    assert len(of_duckdb.column_names) > 300
    assert different(of_duckdb, of_spark) == []


def test_scores_have_the_same_bytes_on_spark_and_only_cohorts_have_any(tmp_path: Path, session: SparkSession) -> None:
    bank = synthetic.make(tmp_path, customers=1500, months=6)
    quick = ModelSettings(evaluation=EvaluationSettings(resamples=100))
    learned = train_label(synthetic.LABEL, bank.dataset(), Window(0, 60), quick, known_at=bank.as_ofs[-1]).champion
    rates = segment_rates(bank.dataset(), (Segment(feature="dep_adb_90d"), Segment(feature="group_code")), 1)
    cold = Champion("a_cold_one", "segment_rate", rates.feature_names, {}, 0.08, (), dt.date(2024, 1, 1), segments=rates)
    assert learned.booster_text
    day = bank.as_ofs[-1]
    path = bank.features / f"as_of={day}.parquet"
    ids = pq.read_table(path)["customer_id"].to_pylist()
    cohorts = {synthetic.LABEL: ids[100:], "a_cold_one": [*reversed(ids[:500]), "nobody"]}
    counts = score_all([learned, cold], path, cohorts, day, tmp_path / "here")
    assert spark_score.score_all(session, [learned, cold], path, cohorts, day, tmp_path / "spark") == counts
    here, spark = ((tmp_path / way / f"as_of={day}.parquet").read_bytes() for way in ("here", "spark"))
    assert spark == here


def both(canonical: Canonical, as_of: dt.date, folder: Path, session: SparkSession) -> tuple[pa.Table, pa.Table]:
    by_duckdb = build(canonical, county.SETTINGS, [as_of], folder / "duckdb")
    by_spark = build(canonical, county.SETTINGS, [as_of], folder / "spark", session=session)
    assert by_spark.specs == by_duckdb.specs
    return pq.read_table(by_duckdb.path(as_of)), pq.read_table(by_spark.path(as_of))


def different(left: pa.Table, right: pa.Table) -> list[str]:
    """Columns that differ in type or in a bit of any value."""
    assert left.column_names == right.column_names
    return [name for name in left.column_names if not left[name].combine_chunks().equals(right[name].combine_chunks())]
