"""The engine a bank has chosen: DuckDB in this process, or a Spark session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from features import engine
from features.engine import FeatureSet, Progress
from flows.bank import BankFile
from sources.canonical import Canonical

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from models.champion import Champion
    from models.score import Cohort, ScoreCount


def session_of(bank: BankFile) -> SparkSession | None:
    """The bank's Spark session, begun on first use; None where it has chosen DuckDB. Raises ConfigError without Spark."""
    if bank.engine == "duckdb":
        return None
    from sources.spark import session

    return session(bank.spark)


def begin(bank: BankFile) -> None:
    """This process within the bank's limits; and where its tables lie on Spark, its session with the bank's own properties.

    Before anything is asked of either.
    """
    pa.set_cpu_count(bank.limits.threads)
    if any(spec.database == "spark" for spec in bank.sources.inputs.values()):
        from sources.spark import session

        session(bank.spark)


def build(bank: BankFile, canonical: Canonical, as_of: Sequence[dt.date], out: Path, progress: Progress) -> FeatureSet:
    """The features of these dates, by the bank's engine."""
    return engine.build(canonical, bank.features, as_of, out, progress, session=session_of(bank))


def score_all(
    bank: BankFile,
    champions: Sequence[Champion],
    features: Path,
    cohorts: Mapping[str, Cohort],
    as_of: dt.date,
    out: Path,
    progress: Progress,
    keep: Collection[str] = (),
) -> list[ScoreCount]:
    """Every label's scores of one date, by the bank's engine; those of labels to `keep` stay as they are."""
    session, models = session_of(bank), bank.models
    if session is None:
        from models import score  # with LightGBM: not before something is scored

        return score.score_all(champions, features, cohorts, as_of, out, models.bands, bank.limits.threads, progress, keep)
    from models import spark_score

    return spark_score.score_all(session, champions, features, cohorts, as_of, out, models.bands, progress, keep)
