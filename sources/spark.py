"""Spark as a place of canonical tables: a session, and the tables as they were known at an as_of. Needs the extra `spark`."""

from __future__ import annotations

import datetime as dt
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sources.canonical import Canonical
from sources.tables import TABLES, Table
from store.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SQL_TYPE = {"date": "DATE", "money": "BIGINT", "int": "BIGINT", "bool": "BOOLEAN", "number": "DOUBLE", "rate": "DOUBLE"}
_ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # Spark 4.3 makes a plan it then refuses itself, of a window over a union (balance_totals)
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases",
}


def session(properties: Mapping[str, str]) -> SparkSession:
    """The Spark session of this process, begun with these properties where there is none.

    What they do not say is said by Spark's own files (`spark-defaults.conf`); a master nobody names is this machine.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Spark is asked for and not installed", where="engine: spark", do="install Terrace's extra `spark`, and Java 17"
        ) from error
    builder = SparkSession.builder.appName("terrace")
    for name, value in {"spark.ui.showConsoleProgress": "false", **properties}.items():
        builder = builder.config(name, value)
    try:
        made = builder.getOrCreate()
    except PySparkException as error:
        raise ConfigError(
            f"Spark does not start: {str(error).splitlines()[0]}",
            where="engine: spark",
            expected="Java 17 on the path",
            do="install Java 17, or look at `spark` in the bank's file",
        ) from error
    if made.sparkContext.master.startswith("local"):
        made.sparkContext.pythonExec = sys.executable  # else whatever `python3` is first on the path
    for name, value in _ALWAYS.items():
        made.conf.set(name, value)
    return made


@contextmanager
def unwarned() -> Iterator[None]:
    """Without PySpark's warning of pandas 3, given whenever Python is to run beside rows: what we use of it is tested."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas >= 3", FutureWarning)
        yield


def known(
    spark: SparkSession,
    canonical: Canonical,
    table: str,
    as_of: dt.date,
    columns: Sequence[str],
    buckets: Iterable[int] | None = None,
) -> DataFrame:
    """Rows of a canonical table as known at the close of `as_of`, these columns; unknown where a bank has none."""
    spec = TABLES[table]
    versions = rows(spark, canonical, table, buckets)
    day = f"DATE '{as_of.isoformat()}'"
    there = set(versions.columns)
    later = {c.name: c.later for c in spec.columns if c.later and c.later in there}

    def read(name: str) -> str:
        if name not in there:
            return f"CAST(NULL AS {type_of(spec, name)}) AS `{name}`"
        return f"CASE WHEN `{later[name]}` <= {day} THEN `{name}` END AS `{name}`" if name in later else f"`{name}`"

    return versions.where(f"known_from <= {day} AND (known_to IS NULL OR known_to > {day})").selectExpr(*map(read, columns))


def type_of(spec: Table, name: str) -> str:
    """The Spark SQL type of a canonical column."""
    return SQL_TYPE.get(spec.column(name).kind, "STRING") if name in spec.names else "STRING"


def rows(spark: SparkSession, canonical: Canonical, table: str, buckets: Iterable[int] | None = None) -> DataFrame:
    """All versions of the table's rows: the Parquet files that the manifest names, of these buckets only."""
    spec = TABLES[table]
    files = canonical.files(table) if table in canonical.manifest.tables else []
    if buckets is not None and spec.by != "bank":  # their sizes are asked once, and not once for every bucket
        wanted = {f"bucket={bucket}" for bucket in buckets}
        files = [file for file in files if Path(file).parent.name in wanted]
    if not files:
        return spark.sql("SELECT CAST(NULL AS DATE) AS known_from, CAST(NULL AS DATE) AS known_to WHERE false")
    whole = spark.read.option("basePath", str(canonical.root / table)).option("mergeSchema", "true")
    hiding = canonical.hiding(table)
    plain, partly = ([file for file in files if (file in hiding) == hidden] for hidden in (False, True))
    if not partly:
        return whole.parquet(*plain)
    in_force = _without_hidden(spark, canonical, table, whole.parquet(*partly))
    return whole.parquet(*plain).unionByName(in_force, allowMissingColumns=True) if plain else in_force


def _without_hidden(spark: SparkSession, canonical: Canonical, table: str, partly: DataFrame) -> DataFrame:
    """Rows of these files that no later intake has replaced; files of different buckets may bear one name."""
    state = canonical.manifest.tables[table].hidden
    assert state is not None
    of_bucket = "CAST(bucket AS STRING)" if "bucket" in partly.columns else "''"
    placed = partly.selectExpr("*", "_metadata.file_name AS _name", "_metadata.row_index AS _at", f"{of_bucket} AS _bucket")
    hidden = spark.read.parquet(str(canonical.root / state.path)).selectExpr(
        "element_at(split(file, '/'), -1) AS _name", "row AS _at", "regexp_extract(file, 'bucket=([0-9]+)/', 1) AS _bucket"
    )
    return placed.join(hidden, ["_name", "_at", "_bucket"], "left_anti").drop("_name", "_at", "_bucket")
