"""A canonical table made of the bank's inputs: typed, with a row number back to its source, before any check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from sources.history import FILE_ON, GONE
from sources.reading import reading
from sources.settings import ColumnMap, TableMap
from sources.sqltext import ident, one
from sources.tables import TABLES, Column
from sources.versions import BEFORE, numbered_sql, versioned

# Columns a mapping may fill beside the table's own: how a row came to be known.
KNOWING = {
    "recorded_on": Column("recorded_on", "date"),
    "valid_from": Column("valid_from", "date"),
    "deleted": Column("deleted", "bool"),
    "currency_of_row": Column("currency_of_row", "text"),
}


@dataclass(frozen=True)
class Mapped:
    """`read_TABLE` in the working database, the rows just read, and `mapped_TABLE`, those to be checked: `_row`, canonical
    columns, knowing columns, `unread_COLUMN` flags."""

    table: str
    columns: tuple[str, ...]  # canonical columns this bank fills
    knowing: tuple[str, ...]
    unread: tuple[str, ...]  # columns with an `unread_` flag
    origin: Mapping[str, str]  # canonical column -> source column
    source: str  # relation the rows just read came from; its `_row` is that of `read_TABLE`
    rows_in: int
    rows: int  # of `mapped_TABLE`
    compared: bool = False  # versions of full files: recorded_on is a file's day, never a late entry

    @property
    def relation(self) -> str:
        """The relation's name."""
        return f"mapped_{self.table}"


def selected_sql(name: str, how: TableMap) -> str:
    """The SELECT of a mapping, or all of its one input."""
    return how.select.strip().rstrip(";") if how.select is not None else f"SELECT * FROM {ident(how.from_ or '')}"


def column_maps(table: str, how: TableMap, types: Mapping[str, str]) -> dict[str, ColumnMap]:
    """Canonical and knowing column -> how it is read: as `columns` says, else by name from the SELECT."""
    named = [*TABLES[table].names, *KNOWING]
    if table == "snapshots":  # a bank's own wide table keeps its columns
        named += [name for name in types if name not in (*named, FILE_ON, GONE) and not name.startswith("_")]
    maps = {c: ColumnMap(column=c) for c in named if how.select is not None and c in types}
    maps |= dict(how.columns)
    knowing = {
        "recorded_on": how.recorded_on,
        "valid_from": how.valid_from,
        "deleted": how.deleted,
        "currency_of_row": how.currency,
    }
    maps |= {name: m for name, m in knowing.items() if m is not None}
    order = [c for c in named if c in maps]
    return {c: maps[c] for c in order}


def column_of(table: str, name: str, types: Mapping[str, str], how: ColumnMap) -> Column:
    """The contract of a column; one of a bank's own snapshot is a number, a date or text, by its source type."""
    if name in KNOWING:
        return KNOWING[name]
    if table == "snapshots" and name not in TABLES[table].names:
        given = types.get(how.column or "", "VARCHAR")
        return Column(name, "text" if given == "VARCHAR" else "date" if given == "DATE" else "number")
    return TABLES[table].column(name)


def mapped_sql(
    table: str, how: TableMap, types: Mapping[str, str], source: str, minor_digits: int, *, compared: bool = False
) -> tuple[str, list[str]]:
    """The SELECT that makes `mapped_TABLE` of `source` (columns of `types` and `_row`), and the columns with a flag.

    `compared`: the source holds versions of full files; a row that no longer passes `where` is gone like one that is missing.
    """
    parts, flags, unread = [], [], []
    for name, column_map in column_maps(table, how, types).items():
        read = reading(column_of(table, name, types, column_map), column_map, types, minor_digits)
        parts.append(f"{read.value} AS {ident(name)}")
        if read.unread is not None:
            unread.append(name)
            flags.append(f"coalesce({read.unread}, false) AS {ident('unread_' + name)}")
    listed = ", ".join(parts + flags)
    if not compared:
        return f"SELECT _row, {listed} FROM {source}{f' WHERE ({how.where})' if how.where else ''}", unread
    gone = f"{GONE} OR NOT coalesce(({how.where}), false)" if how.where else GONE
    return f"SELECT _row, {listed}, {BEFORE}, {FILE_ON} AS _on, {gone} AS _gone FROM {source}", unread


def map_table(
    con: duckdb.DuckDBPyConnection, table: str, how: TableMap, minor_digits: int, *, parquet: bool, compared: bool = False
) -> Mapped:
    """Make `read_TABLE`. `parquet`: the one input is a view over files, numbered by `rows_INPUT`; `compared`: its source
    holds versions of full files."""
    source = f"source_{table}" if how.select is not None else ident(how.from_ or "")
    if how.select is not None:
        con.execute(f"CREATE TABLE {source} AS {selected_sql(table, how)}")
    if compared:
        origin = numbered_sql(con, source)
    else:
        origin = ident(f"rows_{how.from_}") if parquet else f"(SELECT rowid AS _row, * FROM {source})"
    types = {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * EXCLUDE (_row) FROM {origin}").fetchall()}
    query, unread = mapped_sql(table, how, types, origin, minor_digits, compared=compared)
    maps = column_maps(table, how, types)
    columns, knowing = (tuple(c for c in maps if (c in KNOWING) == told) for told in (False, True))
    if compared:
        made = versioned(table, how, columns, knowing, unread, query)
        columns, knowing = made.columns, made.knowing
        con.execute(f"CREATE TABLE read_{table} AS {made.query}")  # looked at many times, and its windows are no cheap view
    else:
        con.execute(f"CREATE VIEW read_{table} AS {query}")
    return Mapped(
        table,
        columns,
        knowing,
        tuple(unread),
        {name: m.column for name, m in maps.items() if m.column},
        origin,
        one(con, f"SELECT count(*) FROM {origin}")[0],
        0,
        compared,
    )
