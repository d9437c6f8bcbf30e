"""Mappings in Spark SQL: what a bank that lives on Spark selects becomes inputs of their own, which Spark answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sources.settings import Input, SourceSettings
from sources.spark import session
from sources.sqltext import literal
from store.errors import ConfigError
from store.files import fresh_folder

if TYPE_CHECKING:
    import duckdb


def landed(settings: SourceSettings) -> SourceSettings:
    """The settings as the intake reads them: of `dialect: spark`, every table comes from an input that holds its Spark SQL.

    Inputs that only such a select reads are tables of Spark that stay there. Columns are then read, checked and versioned as
    any bank's are.
    """
    if settings.dialect != "spark":
        return settings
    inputs = {how.from_: settings.inputs[how.from_] for how in settings.tables.values() if how.from_ and not how.where}
    tables = dict(settings.tables)
    for name, how in settings.tables.items():
        if how.select is None and not how.where:
            continue
        body = how.select.strip().rstrip(";") if how.select is not None else f"SELECT * FROM `{how.from_}`"
        where = f" WHERE ({how.where})" if how.where else ""
        of_spark = f"{name}_of_spark"
        inputs[of_spark] = Input(database="spark", select=f"{_named(body, settings)}SELECT * FROM ({body}){where}")
        origin = {"from_": of_spark} if how.select is None else {"select": f'SELECT * FROM "{of_spark}"'}
        tables[name] = how.model_copy(update={**origin, "where": None})
    return settings.model_copy(update={"dialect": "duckdb", "inputs": inputs, "tables": tables})


def _named(body: str, settings: SourceSettings) -> str:
    """`WITH` text that gives the inputs a SELECT names their tables."""
    said = [name for name in settings.inputs if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", body)]
    listed = ", ".join(f"`{name}` AS ({query_of(settings.inputs[name])})" for name in said)
    return f"WITH {listed} " if listed else ""


def query_of(spec: Input) -> str:
    """The Spark SQL of an input."""
    since = f" WHERE `{spec.since_column}` >= DATE '{spec.since}'" if spec.since and spec.since_column else ""
    return spec.select or f"SELECT * FROM {spec.table}{since}"


@contextmanager
def opened(con: duckdb.DuckDBPyConnection, name: str, spec: Input, columns: list[str], folder: Path | None) -> Iterator[str]:
    """DuckDB text over what Spark answers: rows that Spark has written under `folder`, or without one none, for their types."""
    from pyspark.errors import PySparkException

    try:
        rows = session({}).sql(query_of(spec))
        rows = rows.select(*(f"`{one}`" for one in columns)) if columns else rows
        if folder is None:
            con.register("_nothing", rows.limit(0).toArrow())
            yield "SELECT * FROM _nothing"
            return
        rows.write.mode("overwrite").parquet(str(fresh_folder(folder)))
    except PySparkException as error:
        said = str(error).splitlines()[0]
        raise ConfigError(said, where=f"input {name}", do="check `table`, `select` and `where`") from None
    yield f"SELECT * FROM read_parquet({literal(f'{folder}/*.parquet')})"
