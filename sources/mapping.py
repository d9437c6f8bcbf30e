"""A canonical table made of the bank's inputs: typed, with a row number back to its source, before any check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from sources.reading import reading
from sources.settings import ColumnMap, TableMap
from sources.sqltext import ident, one
from sources.tables import TABLES, Column

# Columns a mapping may fill beside the table's own: how a row came to be known.
KNOWING = {
    "recorded_on": Column("recorded_on", "date"),
    "valid_from": Column("valid_from", "date"),
    "deleted": Column("deleted", "bool"),
    "currency_of_row": Column("currency_of_row", "text"),
}


@dataclass(frozen=True)
class Mapped:
    """`mapped_TABLE` in the working database: `_row`, canonical columns, knowing columns, `unread_COLUMN` flags."""

    table: str
    columns: tuple[str, ...]  # canonical columns this bank fills
    knowing: tuple[str, ...]
    unread: tuple[str, ...]  # columns with an `unread_` flag
    origin: Mapping[str, str]  # canonical column -> source column
    source: str  # relation the rows came from; its `_row` is theirs
    rows_in: int
    rows: int  # after `where`

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
        named += [name for name in types if name not in named and not name.startswith("_")]
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


def mapped_sql(table: str, how: TableMap, types: Mapping[str, str], source: str, minor_digits: int) -> tuple[str, list[str]]:
    """The SELECT that makes `mapped_TABLE` of `source` (columns of `types` and `_row`), and the columns with a flag."""
    parts, flags, unread = [], [], []
    for name, column_map in column_maps(table, how, types).items():
        read = reading(column_of(table, name, types, column_map), column_map, types, minor_digits)
        parts.append(f"{read.value} AS {ident(name)}")
        if read.unread is not None:
            unread.append(name)
            flags.append(f"coalesce({read.unread}, false) AS {ident('unread_' + name)}")
    where = f" WHERE ({how.where})" if how.where else ""
    return f"SELECT _row, {', '.join(parts + flags)} FROM {source}{where}", unread


def map_table(con: duckdb.DuckDBPyConnection, table: str, how: TableMap, minor_digits: int, parquet: bool) -> Mapped:
    """Make `mapped_TABLE`. `parquet`: the one input is a view over files, numbered by `rows_INPUT`."""
    if how.select is not None:
        source = f"source_{table}"
        con.execute(f"CREATE TABLE {source} AS {selected_sql(table, how)}")
        origin = f"(SELECT rowid AS _row, * FROM {source})"
    else:
        source = how.from_ or ""
        origin = ident(f"rows_{source}") if parquet else f"(SELECT rowid AS _row, * FROM {ident(source)})"
    types = {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * EXCLUDE (_row) FROM {origin}").fetchall()}
    query, unread = mapped_sql(table, how, types, origin, minor_digits)
    con.execute(f"CREATE VIEW mapped_{table} AS {query}")
    rows = one(con, f"SELECT (SELECT count(*) FROM {origin}), (SELECT count(*) FROM mapped_{table})")
    maps = column_maps(table, how, types)
    return Mapped(
        table,
        tuple(c for c in maps if c not in KNOWING),
        tuple(c for c in maps if c in KNOWING),
        tuple(unread),
        {name: m.column for name, m in maps.items() if m.column},
        origin,
        rows[0],
        rows[1],
    )
