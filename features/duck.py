"""DuckDB as an engine: buckets of customers loaded once, known again for every as_of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import narwhals.stable.v2 as nw
import pyarrow as pa

from features.known import Frame
from features.moment import Moment, Stencil
from sources.canonical import Canonical, as_of_sql
from sources.tables import TABLES, Column


class Duck:
    """An engine that compiles over the `known_*` views of a connection: statements are recorded, and run on no rows."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.script: list[str] = []

    def table(self, name: str) -> Frame:
        return nw.from_native(self.con.table(f"known_{name}"))

    def keep(self, name: str, frame: Frame) -> Frame:
        sql = f'CREATE OR REPLACE TEMP TABLE "{name}" AS {text_of(frame)}'
        self.script.append(sql)
        self.con.execute(f"{sql} LIMIT 0")
        return nw.from_native(self.con.table(name))


@dataclass(frozen=True)
class Script:
    """Statements compiled once, with marks for what depends on the as_of."""

    stencil: Stencil
    statements: tuple[str, ...]
    last: str

    def run(self, con: duckdb.DuckDBPyConnection, moment: Moment) -> pa.Table:
        """The features of the loaded customers at that moment."""
        for statement in self.statements:
            con.execute(self.stencil.filled(statement, moment))
        con.execute(f"CREATE OR REPLACE TEMP TABLE features AS {self.stencil.filled(self.last, moment)}")
        return con.table("features").to_arrow_table()


def text_of(frame: Frame) -> str:
    """The SQL of a frame."""
    return str(frame.to_native().sql_query())


def load(con: duckdb.DuckDBPyConnection, canonical: Canonical, buckets: Sequence[int],
         reads: Mapping[str, Iterable[str]]) -> None:
    """Read the columns of these buckets into `loaded_*` tables, with all versions of every row."""
    for table, columns in sorted(reads.items()):
        spec = TABLES[table]
        names = _with_dates(table, columns)
        if spec.by == "bank":
            parts = [canonical.relation_sql(table)]
        else:
            parts = [canonical.relation_sql(table, bucket) for bucket in buckets]
        listed = ", ".join(f'"{name}"' for name in [*names, "known_from", "known_to"])
        body = " UNION ALL ".join(f"SELECT {listed} FROM {part}" for part in parts)
        con.execute(f'CREATE OR REPLACE TEMP TABLE "loaded_{table}" AS {body}')


def know(con: duckdb.DuckDBPyConnection, as_of: dt.date, reads: Mapping[str, Iterable[str]]) -> None:
    """Point the `known_*` views at what was known at the close of `as_of`: days whole numbers, money whole doubles."""
    for table, columns in sorted(reads.items()):
        names = _with_dates(table, columns)
        inner = as_of_sql(table, f'"loaded_{table}"', as_of, names)
        typed = ", ".join(_plain(table, name) for name in names)
        con.execute(f'CREATE OR REPLACE TEMP VIEW "known_{table}" AS SELECT {typed} FROM ({inner})')


def _with_dates(table: str, columns: Iterable[str]) -> list[str]:
    spec = TABLES[table]
    wanted = set(columns) | set(spec.key) | {column.later for column in spec.columns if column.later and column.name in columns}
    if spec.by != "bank":
        wanted.add("customer_id")
    return sorted(wanted)


def _plain(table: str, name: str) -> str:
    spec = TABLES[table]
    kind = spec.column(name).kind if name in spec.names else Column(name, "id").kind
    quoted = f'"{name}"'
    if kind == "date":
        return f"CAST(date_diff('day', DATE '1970-01-01', {quoted}) AS BIGINT) AS {quoted}"
    if kind in ("money", "int", "bool"):
        return f"CAST({quoted} AS DOUBLE) AS {quoted}"
    return quoted
