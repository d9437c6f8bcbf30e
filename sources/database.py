"""Tables in databases: only the columns and days asked for, as Arrow, landed as Parquet in a total order."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sources.connection import connect
from sources.settings import Input, SourceSettings
from sources.spark_sql import opened
from sources.sqltext import ident, literal
from store.errors import ConfigError, DataNotArrived
from store.files import atomic_path
from store.fingerprint import of_file
from store.limits import USUAL, Limits

if TYPE_CHECKING:
    import pyarrow as pa


def database_columns(name: str, spec: Input, base: Path, settings: SourceSettings) -> dict[str, str]:
    """Column -> DuckDB type of what the mappings use of a table, asked of the database without reading a row."""
    with _opened(name, spec, base, [], "WHERE false", None, (USUAL, None)) as (con, query):
        have = {row[0]: row[1] for row in con.execute(f"DESCRIBE {query}").fetchall()}
    return {c: have[c] for c in needed_columns(name, list(have), settings)}


def fetch(name: str, spec: Input, columns: list[str], base: Path, folder: Path, limits: Limits) -> tuple[Path, str]:
    """Land these columns of the table as `folder/NAME.parquet`, rows in a total order; returns the file and its SHA-256."""
    since = (
        f"WHERE {ident(spec.since_column)} >= DATE {literal(spec.since.isoformat())}"
        if spec.since and spec.since_column
        else ""
    )
    path = folder / f"{name}.parquet"
    by_spark = folder / f".{name}"
    own = (limits, folder.parent / "spill")
    with _opened(name, spec, base, columns, since, by_spark, own) as (con, query), atomic_path(path) as temporary:
        con.execute(
            f"COPY (SELECT * FROM ({query}) ORDER BY ALL) TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd)"
        )
    shutil.rmtree(by_spark, ignore_errors=True)
    return path, of_file(path)


def needed_columns(name: str, have: list[str], settings: SourceSettings) -> list[str]:
    """The columns of an input that its mappings name; all of them where a SELECT takes `*`."""
    spec = settings.inputs[name]
    if spec.columns is not None:
        return [c for c in have if c in spec.columns]
    said = [*spec.filled, *spec.key, (spec.dated.column if spec.dated else None) or ""]
    for how in settings.tables.values():
        if how.select is not None and re.search(rf"\b{re.escape(name)}\b", how.select):
            if re.search(r"(SELECT|,|\.)\s*\*", how.select, re.IGNORECASE):
                return have
            said.append(how.select)
        elif how.from_ == name:
            maps = [*how.columns.values(), *filter(None, (how.recorded_on, how.valid_from, how.deleted, how.currency))]
            said += [how.where or "", *(m.column or "" for m in maps), *(m.sign.column for m in maps if m.sign)]
    text = "\n".join(said)
    return [c for c in have if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", text, re.IGNORECASE)] or have[:1]


@contextmanager
def _opened(
    name: str,
    spec: Input,
    base: Path,
    columns: list[str],
    where: str,
    by_spark: Path | None,
    within: tuple[Limits, Path | None],
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A connection and the SELECT in it that yields these columns and days; both are picked in the database."""
    if "${" in (spec.uri or ""):
        alone = re.fullmatch(r"\$\{(\w+)\}", spec.uri or "")  # in a longer address it may be part of a password
        raise ConfigError(
            f"the address {alone.group(0)} has not been filled in" if alone else "the address has not been filled in",
            where=f"input {name}",
            expected="an address in which every `${...}` has been replaced",
            do="set the variables that `uri` names; a password that holds `${` must be another one",
        )
    table = ".".join(ident(part) for part in (spec.table or "").split("."))
    query = f"SELECT {', '.join(ident(c) for c in columns) or '*'} FROM {table} {where}"
    con = connect(*within, more={"python_enable_replacements": "false"})
    try:
        if spec.database == "duckdb":
            _attach(con, name, base / (spec.uri or ""), query)
            yield con, query
        elif spec.database == "spark":
            with opened(con, name, spec, columns, by_spark) as answered:
                yield con, answered
        else:
            with _postgresql(name, spec.uri or "", query) as batches:
                con.register("_batches", batches)
                yield con, "SELECT * FROM _batches"
    finally:
        con.close()


def _attach(con: duckdb.DuckDBPyConnection, name: str, path: Path, query: str) -> None:
    if not path.exists():
        raise DataNotArrived(f"no database file {path.name}", where=f"input {name}", do="ask the sender, then run again")
    con.execute(f"ATTACH {literal(str(path))} AS source (READ_ONLY)")
    con.execute("USE source")
    try:
        con.execute(f"DESCRIBE {query}").fetchall()
    except duckdb.Error as error:
        raise ConfigError(str(error).splitlines()[0], where=f"input {name}", do="check `table` and `columns`") from None


@contextmanager
def _postgresql(name: str, uri: str, query: str) -> Iterator[pa.RecordBatchReader]:
    """Arrow batches of a PostgreSQL query over ADBC; the address is never shown, it may hold a password."""
    import adbc_driver_manager
    import adbc_driver_postgresql.dbapi as postgresql

    try:
        with postgresql.connect(uri) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            with cursor.fetch_record_batch() as batches:
                yield batches
    except adbc_driver_manager.Error as error:
        said = str(error).splitlines()[0].replace(uri, "...")
        if (
            isinstance(error, adbc_driver_manager.OperationalError)
            or "could not connect" in said
            or "Failed to connect" in said
        ):
            raise DataNotArrived(
                "the database does not answer", where=f"input {name}", do="check that it is up, then run again"
            ) from None
        raise ConfigError(said, where=f"input {name}", do="check `table`, `columns` and `since_column`") from None
