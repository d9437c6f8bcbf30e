"""Tables in databases: only the columns and days asked for, as Arrow, landed as Parquet in a total order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sources.settings import Input, SourceSettings
from sources.sqltext import ident, literal
from store.errors import ConfigError, DataNotArrived
from store.files import atomic_path
from store.fingerprint import of_file

if TYPE_CHECKING:
    import pyarrow as pa


def database_columns(name: str, spec: Input, base: Path) -> dict[str, str]:
    """Column -> DuckDB type of a database input, asked of the database without reading a row."""
    con = _connect()
    try:
        return {row[0]: row[1] for row in con.execute(f"DESCRIBE {_source(con, name, spec, base, [], 'WHERE false')}").fetchall()}
    finally:
        con.close()


def fetch(name: str, spec: Input, settings: SourceSettings, base: Path, folder: Path) -> tuple[Path, str]:
    """Land what the mappings use of the table as `folder/NAME.parquet`; returns the file and its SHA-256."""
    con = _connect()
    wanted = needed_columns(name, list(database_columns(name, spec, base)), settings)
    since = f"WHERE {ident(spec.since_column)} >= DATE {literal(spec.since.isoformat())}" if spec.since and spec.since_column else ""
    path = folder / f"{name}.parquet"
    try:
        query = _source(con, name, spec, base, wanted, since)
        with atomic_path(path) as temporary:
            con.execute(f"COPY (SELECT * FROM ({query}) ORDER BY ALL) TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd)")
    finally:
        con.close()
    return path, of_file(path)


def needed_columns(name: str, have: list[str], settings: SourceSettings) -> list[str]:
    """The columns of an input that its mappings name; all of them where a SELECT takes `*`."""
    spec = settings.inputs[name]
    if spec.columns is not None:
        return [c for c in have if c in spec.columns]
    said: list[str] = list(spec.filled)
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


def _connect() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "2",
                                  "python_enable_replacements": "false"})


def _source(con: duckdb.DuckDBPyConnection, name: str, spec: Input, base: Path, columns: list[str], where: str) -> str:
    """A SELECT in `con` that yields the wanted columns and days; projection and filter happen in the database."""
    listed = ", ".join(ident(c) for c in columns) or "*"
    table = ".".join(ident(part) for part in (spec.table or "").split("."))
    if "${" in (spec.uri or ""):
        raise ConfigError(f"the address {spec.uri} has not been filled in", where=f"input {name}", do="set that variable")
    if spec.database == "duckdb":
        path = base / (spec.uri or "")
        if not path.exists():
            raise DataNotArrived(f"no database file {path.name}", where=f"input {name}", do="ask the sender, then run again")
        con.execute(f"ATTACH {literal(str(path))} AS source (READ_ONLY)")
        con.execute("USE source")
        query = f"SELECT {listed} FROM {table} {where}"
        try:
            con.execute(f"DESCRIBE {query}").fetchall()
        except duckdb.Error as error:
            raise ConfigError(str(error).splitlines()[0], where=f"input {name}", do="check `table` and `columns`") from None
        return query
    con.register(f"_{name}", _postgresql(name, spec.uri or "", f"SELECT {listed} FROM {table} {where}"))
    return f"SELECT * FROM {ident(f'_{name}')}"


def _postgresql(name: str, uri: str, query: str) -> pa.RecordBatchReader:
    """Arrow batches of a PostgreSQL query over ADBC; the address is never shown, it may hold a password."""
    import adbc_driver_manager
    import adbc_driver_postgresql.dbapi as postgresql

    try:
        connection = postgresql.connect(uri)
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetch_record_batch()
    except adbc_driver_manager.OperationalError:
        raise DataNotArrived("the database does not answer", where=f"input {name}", do="check that it is up, then run again") from None
    except adbc_driver_manager.Error as error:
        raise ConfigError(str(error).splitlines()[0].replace(uri, "..."), where=f"input {name}", do="check `table`, `since_column`") from None
