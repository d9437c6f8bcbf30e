"""The inputs in the working database, as they came: text stays text, lines that cannot be read are set aside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sources.delivery import Delivered, Delivery
from sources.history import FILE_ON, GONE
from sources.settings import Input
from sources.sqltext import ident, literal, literals, number, one
from sources.textfile import clean_sql, cut_short, header_of, read_file, unreadable_table
from store.errors import ConfigError, GateBroken


@dataclass(frozen=True)
class Compared:
    """One day's full file held against the state before it; counts are of keys."""

    on: dt.date
    file: str
    rows: int
    before: int
    new: int
    changed: int
    gone: int
    note: str = ""  # day_late: later days were compared before; day_resent: it says something else than it did


@dataclass(frozen=True)
class FileRead:
    """One file of this intake: what was read of it, and the numbers its rows have (`_row` from `first` to before `end`)."""

    file: Delivered
    rows: int
    unreadable: int
    garbled: int
    blanks: Mapping[str, int]
    first: int
    end: int


@dataclass(frozen=True)
class Landed:
    """One input in the working database, as the relation of its name."""

    name: str
    rows: int
    unreadable: int  # lines set aside in `unreadable_NAME`
    garbled: int  # rows with bytes that are no text in the stated encoding
    blanks: Mapping[str, int]  # for `filled` columns: rows without a value
    last_on: dt.date | None = None  # the last day delivered, where files say days
    compared: tuple[Compared, ...] = ()  # full files of this intake
    twice: tuple[str, ...] = ()  # full files that came twice, word for word
    files: tuple[FileRead, ...] = ()  # of this intake, in order; none for full files, whose rows are of many days


def columns_of(con: duckdb.DuckDBPyConnection, name: str, spec: Input, paths: list[Path]) -> dict[str, str] | None:
    """Column -> DuckDB type, from the settings, the header or the Parquet schema; None where nothing has come to look at."""
    more = {FILE_ON: "DATE"} if spec.dated else {}
    if spec.delivery == "full":
        more, paths = more | {GONE: "BOOLEAN"}, paths[-1:]
    if spec.format == "parquet":
        if not paths:
            return None
        try:
            relation = con.execute(f"DESCRIBE SELECT * FROM {_parquet(paths, spec)}").fetchall()
        except (duckdb.InvalidInputException, duckdb.IOException):
            raise cut_short(name, _unreadable_parquet(con, paths)) from None
        return {row[0]: row[1] for row in relation} | more
    if spec.header and paths:
        found = header_of(name, paths[0], spec)
        if spec.columns is not None and tuple(found) != spec.columns:
            raise ConfigError(
                f"{paths[0].name} has the columns {', '.join(found)}",
                where=f"input {name}",
                expected=", ".join(spec.columns),
                do="set `columns` to what the bank sends now",
            )
        return dict.fromkeys(found, "VARCHAR") | more
    return dict.fromkeys(spec.columns, "VARCHAR") | more if spec.columns else None


def visible_columns(spec: Input, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns a mapping may name: the day that full files carry in a column is `file_on`."""
    stands_for = spec.dated.column if spec.dated else None
    return {c: t for c, t in columns.items() if c != stands_for}


def land(con: duckdb.DuckDBPyConnection, delivery: Delivery, spec: Input, columns: Mapping[str, str], scratch: Path) -> Landed:
    """Make the relation `delivery.name` in `con`. Raises GateBroken where a file holds other rows than its flag says."""
    if spec.format == "parquet":
        return land_parquet(con, delivery, spec, columns)
    name, text = delivery.name, [c for c in columns if not (spec.dated and c == FILE_ON)]
    con.execute(f"CREATE TABLE {ident(name)} ({', '.join(f'{ident(c)} {t}' for c, t in columns.items())})")
    unreadable_table(con, name)
    seen = [
        read_file(con, name, name, file, spec, text, file.on.isoformat() if file.on else None, scratch)
        for file in delivery.files
    ]
    read, first = [], 0
    for file, of in zip(delivery.files, seen, strict=True):
        end = first + of.rows
        blanks = blanks_of(con, f"(FROM {ident(name)} WHERE rowid >= {first} AND rowid < {end})", spec)
        read.append(FileRead(file, of.rows, of.unreadable, of.garbled, blanks, first, end))
        first = end
    return landed_of(name, read)


def landed_of(name: str, read: Sequence[FileRead]) -> Landed:
    """An input of files that are added to, from what was read of each."""
    blanks = {column: sum(file.blanks.get(column, 0) for file in read) for column in {c for file in read for c in file.blanks}}
    rows, aside, garbled = sum(f.rows for f in read), sum(f.unreadable for f in read), sum(f.garbled for f in read)
    last_on = max((f.file.on for f in read if f.file.on), default=None)
    return Landed(name, rows, aside, garbled, blanks, last_on=last_on, files=tuple(read))


def land_parquet(con: duckdb.DuckDBPyConnection, delivery: Delivery, spec: Input, columns: Mapping[str, str]) -> Landed:
    """A view over Parquet files: nothing is copied; `rows_NAME` is the same with a row number."""
    name = delivery.name
    listed = read_parquet_sql(con, name, delivery.files, spec, columns)
    row_number = "(file_index::BIGINT << 32) + file_row_number AS _row"
    con.execute(f"CREATE VIEW {ident(name)} AS {listed}")
    con.execute(f"CREATE VIEW {ident('rows_' + name)} AS {listed.replace('SELECT ', f'SELECT {row_number}, ', 1)}")
    read = []
    for place, file in enumerate(delivery.files):
        count = number(con, f"SELECT sum(num_rows) FROM parquet_file_metadata({literal(str(file.path))})")
        first = place << 32
        rows = f"(FROM {ident('rows_' + name)} WHERE _row >= {first} AND _row < {first + count})"
        read.append(FileRead(file, count, 0, 0, blanks_of(con, rows, spec), first, first + count))
    return landed_of(name, read)


def read_parquet_sql(
    con: duckdb.DuckDBPyConnection, name: str, files: Sequence[Delivered], spec: Input, columns: Mapping[str, str]
) -> str:
    """A SELECT over Parquet files that hold as many rows as their flags say."""
    for file in files:
        if file.rows is None:
            continue
        held = number(con, f"SELECT sum(num_rows) FROM parquet_file_metadata({literal(str(file.path))})")
        if held != file.rows:
            raise GateBroken(
                f"{file.path.name} holds {held:,} rows, its flag says {file.rows:,}",
                where=f"input {name}",
                expected="as many rows as the flag says",
                do="ask for the file again",
            )
    listed = [f"{clean_sql(c, spec)} AS {ident(c)}" if t == "VARCHAR" else ident(c) for c, t in columns.items() if c != FILE_ON]
    if FILE_ON in columns:
        whens = " ".join(f"WHEN {literal(str(f.path))} THEN DATE '{f.on.isoformat()}'" for f in files if f.on)
        listed.append(f"{f'CASE filename {whens} END' if whens else 'NULL::DATE'} AS {FILE_ON}")
    return f"SELECT {', '.join(listed)} FROM {_parquet([file.path for file in files], spec)}"


def _unreadable_parquet(con: duckdb.DuckDBPyConnection, paths: list[Path]) -> Path:
    """The first file that is no Parquet."""
    for path in paths:
        try:
            con.execute(f"SELECT count(*) FROM parquet_file_metadata({literal(str(path))})").fetchall()
        except duckdb.Error:
            return path
    return paths[0]


def empty(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]) -> Landed:
    """An input that need not come, and did not."""
    con.execute(f"CREATE TABLE {ident(name)} ({', '.join(f'{ident(c)} {t}' for c, t in columns.items())})")
    return Landed(name, 0, 0, 0, {})


def _parquet(paths: list[Path], spec: Input) -> str:
    """`read_parquet(...)` text. The folder that says a full file's day is no column: it would change every row every day."""
    hive = spec.delivery != "full" or (spec.dated is not None and spec.dated.column is not None)
    return f"read_parquet([{literals(str(p) for p in paths)}], hive_partitioning={str(hive).lower()}, union_by_name=true)"


def blanks_of(con: duckdb.DuckDBPyConnection, relation: str, spec: Input) -> dict[str, int]:
    """For columns that should never be blank: rows of a relation without a value."""
    if not spec.filled:
        return {}
    row = one(con, f"SELECT {', '.join(f'count(*) - count({ident(c)})' for c in spec.filled)} FROM {relation}")
    return dict(zip(spec.filled, row, strict=True))
