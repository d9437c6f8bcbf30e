"""The inputs in the working database, as they came: text stays text, lines that cannot be read are set aside."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sources.decoding import FIXED_SEPARATOR, first_line, long_separator, needs_plain, write_plain
from sources.delivery import Delivery
from sources.settings import Input
from sources.sqltext import ident, literal, literals, number, one
from store.errors import ConfigError, GateBroken

_MOST_UNREADABLE = 200_000  # lines kept aside per file; a file with more has the wrong separator
GARBLED = "\ufffd"


@dataclass(frozen=True)
class Landed:
    """One input in the working database, as the relation of its name."""

    name: str
    rows: int
    unreadable: int  # lines set aside in `unreadable_NAME`
    garbled: int  # rows with bytes that are no text in the stated encoding
    blanks: Mapping[str, int]  # for `filled` columns: rows without a value


def columns_of(con: duckdb.DuckDBPyConnection, name: str, spec: Input, paths: list[Path]) -> dict[str, str] | None:
    """Column -> DuckDB type, from the settings, the header or the Parquet schema; None where nothing has come to look at."""
    more = {"file_on": "DATE"} if spec.dated else {}
    if spec.format == "parquet":
        if not paths:
            return None
        relation = con.execute(f"DESCRIBE SELECT * FROM {_parquet(paths)}").fetchall()
        return {row[0]: row[1] for row in relation} | more
    if spec.header and paths:
        found = _header(paths[0], spec)
        if spec.columns is not None and tuple(found) != spec.columns:
            raise ConfigError(
                f"{paths[0].name} has the columns {', '.join(found)}",
                where=f"input {name}",
                expected=", ".join(spec.columns),
                do="set `columns` to what the bank sends now",
            )
        return dict.fromkeys(found, "VARCHAR") | more
    return dict.fromkeys(spec.columns, "VARCHAR") | more if spec.columns else None


def land(con: duckdb.DuckDBPyConnection, delivery: Delivery, spec: Input, columns: Mapping[str, str], scratch: Path) -> Landed:
    """Make the relation `delivery.name` in `con`. Raises GateBroken where a file holds other rows than its flag says."""
    if spec.format == "parquet":
        return land_parquet(
            con,
            delivery.name,
            [file.path for file in delivery.files],
            spec,
            columns,
            {str(file.path): file.on.isoformat() for file in delivery.files if file.on},
            {str(file.path): file.rows for file in delivery.files if file.rows is not None},
        )
    name, text = delivery.name, [c for c in columns if not (spec.dated and c == "file_on")]
    con.execute(f"CREATE TABLE {ident(name)} ({', '.join(f'{ident(c)} {t}' for c, t in columns.items())})")
    con.execute(f"CREATE TABLE {ident('unreadable_' + name)} (file VARCHAR, line BIGINT, text VARCHAR, error VARCHAR)")
    any_converted = False
    for file in delivery.files:
        if spec.header and _header(file.path, spec) != text:
            raise GateBroken(
                f"{file.path.name} has the columns {', '.join(_header(file.path, spec))}",
                where=f"input {name}",
                expected=", ".join(text),
                do="ask the sender what changed; name the new columns in the bank file",
            )
        plain = scratch / f"{name}.txt"
        converted = needs_plain(file.path, spec)
        if converted:
            write_plain(file.path, spec, plain)
        rows, unreadable = _insert(
            con, name, plain if converted else file.path, file.path.name, spec, text, file.on.isoformat() if file.on else None
        )
        if converted:
            any_converted = True
            plain.unlink()
        if file.rows is not None and file.rows != rows + unreadable:
            raise GateBroken(
                f"{file.path.name} holds {rows + unreadable:,} rows, its flag says {file.rows:,}",
                where=f"input {name}",
                expected="as many rows as the flag says",
                do="ask for the file again: it was cut short or sent twice",
            )
    count, aside = (number(con, f"SELECT count(*) FROM {ident(t)}") for t in (name, f"unreadable_{name}"))
    return Landed(name, count, aside, _garbled(con, name, text) if any_converted else 0, _blanks(con, name, spec))


def land_parquet(
    con: duckdb.DuckDBPyConnection,
    name: str,
    paths: list[Path],
    spec: Input,
    columns: Mapping[str, str],
    days: Mapping[str, str],
    stated: Mapping[str, int],
) -> Landed:
    """A view over Parquet files: nothing is copied; `rows_NAME` is the same with a row number."""
    for path, rows in stated.items():
        held = number(con, f"SELECT sum(num_rows) FROM parquet_file_metadata({literal(path)})")
        if held != rows:
            raise GateBroken(
                f"{Path(path).name} holds {held:,} rows, its flag says {rows:,}",
                where=f"input {name}",
                expected="as many rows as the flag says",
                do="ask for the file again",
            )
    listed = [f"{_clean(c, spec)} AS {ident(c)}" if t == "VARCHAR" else ident(c) for c, t in columns.items() if c != "file_on"]
    if spec.dated:
        whens = " ".join(f"WHEN {literal(path)} THEN DATE {literal(on)}" for path, on in days.items())
        listed.append(f"CASE filename {whens} END AS file_on")
    row_number = "(file_index::BIGINT << 40) + file_row_number AS _row"
    con.execute(f"CREATE VIEW {ident(name)} AS SELECT {', '.join(listed)} FROM {_parquet(paths)}")
    con.execute(f"CREATE VIEW {ident('rows_' + name)} AS SELECT {row_number}, {', '.join(listed)} FROM {_parquet(paths)}")
    return Landed(name, number(con, f"SELECT count(*) FROM {ident(name)}"), 0, 0, _blanks(con, name, spec))


def empty(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]) -> Landed:
    """An input that need not come, and did not."""
    con.execute(f"CREATE TABLE {ident(name)} ({', '.join(f'{ident(c)} {t}' for c, t in columns.items())})")
    return Landed(name, 0, 0, 0, {})


def _parquet(paths: list[Path]) -> str:
    return f"read_parquet([{literals(str(path) for path in paths)}], hive_partitioning=true, union_by_name=true)"


def _header(path: Path, spec: Input) -> list[str]:
    line = first_line(path, spec)
    if spec.quote and len(spec.separator) == 1:
        names = next(csv.reader([line], delimiter=spec.separator, quotechar=spec.quote), [])
    else:
        names = line.split(spec.separator)
    return [name.strip() for name in names]


def _insert(
    con: duckdb.DuckDBPyConnection, name: str, path: Path, shown: str, spec: Input, text: list[str], on: str | None
) -> tuple[int, int]:
    """Rows read from one plain file, and lines set aside."""
    if path.stat().st_size == 0:
        return 0, 0
    separator = FIXED_SEPARATOR if spec.format == "fixed" or long_separator(spec) else spec.separator
    quote = literal(spec.quote or "") if spec.format == "delimited" else "''"
    day = [f"DATE {literal(on)}"] if on else []
    typed = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in text)
    values = ", ".join([*(_clean(c, spec) for c in text), *day])
    read = number(
        con,
        f"INSERT INTO {ident(name)} SELECT {values} FROM read_csv({literal(str(path))},"
        f" delim={literal(separator)}, quote={quote}, escape={quote}, header={str(spec.header).lower()}, auto_detect=false,"
        f" columns={{{typed}}}, store_rejects=true,"
        f" rejects_table='_rejects', rejects_scan='_scans', rejects_limit={_MOST_UNREADABLE})",
    )
    unreadable = number(
        con,
        f"INSERT INTO {ident('unreadable_' + name)} SELECT {literal(shown)}, line, any_value(csv_line),"
        " min(error_type)::VARCHAR FROM _rejects GROUP BY line",
    )
    con.execute("DROP TABLE _rejects; DROP TABLE _scans")
    if unreadable >= _MOST_UNREADABLE:
        raise GateBroken(
            f"{shown} has {unreadable:,} lines and more that do not split into {len(text)} columns",
            where=f"input {name}",
            expected=f"the separator {separator!r}",
            do="look at the file's first lines; set `separator`, `quote` and `columns` of the input",
        )
    return read, unreadable


def _clean(column: str, spec: Input) -> str:
    """SQL for a text value without blanks around it, null where it is one of the input's null values."""
    value = f"trim({ident(column)}, ' \t\u3000')" if spec.strip else ident(column)
    return f"CASE WHEN {value} IN ({literals(spec.null_values)}) THEN NULL ELSE {value} END" if spec.null_values else value


def _garbled(con: duckdb.DuckDBPyConnection, name: str, text: list[str]) -> int:
    marks = " OR ".join(f"contains({ident(c)}, {literal(GARBLED)})" for c in text)
    return number(con, f"SELECT count(*) FROM {ident(name)} WHERE {marks}")


def _blanks(con: duckdb.DuckDBPyConnection, name: str, spec: Input) -> dict[str, int]:
    if not spec.filled:
        return {}
    row = one(con, f"SELECT {', '.join(f'count(*) - count({ident(c)})' for c in spec.filled)} FROM {ident(name)}")
    return dict(zip(spec.filled, row, strict=True))
