"""DuckDB as an engine: buckets of customers loaded once, known again for every as_of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb
import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.compute as pc

from features.calendar import Clock
from features.compile import KEY
from features.compile import columns as columns_of
from features.known import Frame, Known
from features.moment import Moment, Stencil
from features.population import population
from features.reading import needed
from features.rows import row_sets
from features.settings import CalendarSettings
from features.views import views
from sources.canonical import Canonical, CanonicalManifest, as_of_sql, connect
from sources.tables import TABLES, Column

NUMBERED = ("customer_id", "account_id", "loan_id", "facility_id")  # numbers inside the engine, in the order of their text


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

    def beside(self, left: Frame, kept: Mapping[str, Frame]) -> Frame:
        # One flat statement: a chain of joined relations is bound anew with every join, and planned for a second a date.
        joins = "".join(f' LEFT JOIN "{name}" USING ({KEY})' for name in kept)
        return nw.from_native(self.con.sql(f"SELECT * FROM ({text_of(left)}) AS whose{joins}"))


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
        table = con.sql(self.stencil.filled(self.last, moment)).to_arrow_table()
        ids = con.sql("SELECT id FROM numbers_customer_id ORDER BY number").to_arrow_table()["id"].combine_chunks()
        place = table.column_names.index("customer_id")
        return table.set_column(place, "customer_id", ids.take(pc.subtract(table["customer_id"], 1)))


@lru_cache(maxsize=8)
def compiled(names: tuple[str, ...], mapped: frozenset[tuple[str, str]], minor: int) -> Script:
    """The statements that build these features for a bank that maps these columns, for all dates; made over no rows."""
    features = {one.name: one for view in views().values() for one in view.features}
    wanted = [features[name] for name in names]
    reads = needed(wanted, row_sets())
    nothing = Canonical(
        Path(),
        CanonicalManifest(
            bank="",
            currency="",
            buckets=1,
            newest_business_date=dt.date.min,
            inputs={},
            config_hash="",
            code_hash="",
            tables={},
        ),
    )
    with connect() as con:
        load(con, nothing, [0], reads)
        know(con, dt.date(2000, 1, 1), reads)
        stencil, engine = Stencil(Clock(dt.date(2000, 1, 1), CalendarSettings())), Duck(con)
        known = Known(stencil, engine, row_sets(), lambda table, *columns: all((table, name) in mapped for name in columns))
        frame = columns_of(known, population(known), wanted, minor)
        return Script(stencil, tuple(engine.script), text_of(frame))


def text_of(frame: Frame) -> str:
    """The SQL of a frame."""
    return str(frame.to_native().sql_query())


def load(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, buckets: Sequence[int], reads: Mapping[str, Iterable[str]]
) -> None:
    """Read the columns of these buckets into `loaded_*` tables, with all versions of every row.

    Ids become whole numbers in the order of their text and codes become enumerations: nothing is grouped or joined by text.
    All cursors of the connection see the tables; views and results of an as_of are a cursor's own.
    """
    for table, columns in sorted(reads.items()):
        names = _with_dates(table, columns)
        if TABLES[table].by == "bank":
            parts = [canonical.relation_sql(table)]
        else:
            parts = [canonical.relation_sql(table, bucket) for bucket in buckets]
        listed = ", ".join([*(_code(table, name) for name in names), "known_from", "known_to"])
        body = " UNION ALL ".join(f"SELECT {listed} FROM {part}" for part in parts)
        con.execute(f'CREATE OR REPLACE TEMP VIEW "read_{table}" AS {body}')
    for name in NUMBERED:
        holders = [table for table, columns in sorted(reads.items()) if name in _with_dates(table, columns)]
        body = " UNION ".join(f'SELECT "{name}" AS id FROM "read_{table}" WHERE "{name}" IS NOT NULL' for table in holders)
        con.execute(
            f'CREATE OR REPLACE TABLE "numbers_{name}" AS SELECT id, row_number() OVER (ORDER BY id) AS number '
            f"FROM ({body or 'SELECT NULL::VARCHAR AS id WHERE false'})"
        )
    for table, columns in sorted(reads.items()):
        con.execute(f'CREATE OR REPLACE TABLE "loaded_{table}" AS {_numbered(table, _with_dates(table, columns))}')
        con.execute(f'DROP VIEW "read_{table}"')


def _numbered(table: str, names: Sequence[str]) -> str:
    """A SELECT over `read_*` with numbers for ids; ids of transactions only where something is reversed."""
    chosen, joins = [], ""
    for name in [*names, "known_from", "known_to"]:
        if name in NUMBERED:
            joins += f' LEFT JOIN "numbers_{name}" AS "n_{name}" ON "n_{name}".id = r."{name}"'
            chosen.append(f'"n_{name}".number AS "{name}"')
        elif (table, name) == ("transactions", "transaction_id") and "reverses_id" in names:
            joins += (
                ' LEFT JOIN (SELECT DISTINCT reverses_id AS id FROM "read_transactions"'
                ' WHERE reverses_id IS NOT NULL) AS v ON v.id = r."transaction_id"'
            )
            chosen.append("CASE WHEN v.id IS NOT NULL OR r.reverses_id IS NOT NULL THEN r.transaction_id END AS transaction_id")
        else:
            chosen.append(f'r."{name}"')
    if table != "balances":
        return f'SELECT {", ".join(chosen)} FROM "read_{table}" AS r{joins}'
    return _with_before(f'SELECT {", ".join(chosen)} FROM "read_balances" AS r{joins}')


def _with_before(rows: str) -> str:
    """Balances with the account's balance before each, where no later knowledge can change it.

    An account is settled when all its rows were known on their own day and none was ever corrected; the others get the balance
    before from what was known, as_of by as_of.
    """
    return f"""
        SELECT *, bool_and(known_from = "on" AND known_to IS NULL) OVER (PARTITION BY account_id) AS is_settled,
            lag(balance) OVER (PARTITION BY account_id ORDER BY "on") AS before FROM ({rows})"""


def know(con: duckdb.DuckDBPyConnection, as_of: dt.date, reads: Mapping[str, Iterable[str]]) -> None:
    """Point the `known_*` views at what was known at the close of `as_of`: days whole numbers, money whole doubles."""
    for table, columns in sorted(reads.items()):
        names = _with_dates(table, columns)
        typed = ", ".join(_plain(table, name) for name in names)
        body = f"SELECT {typed} FROM ({as_of_sql(table, _quoted('loaded_' + table), as_of, names)})"
        if table == "balances":
            settled, open_ = (
                as_of_sql(table, f"(SELECT * FROM loaded_balances WHERE {which})", as_of, [*names, "before"])
                for which in ("is_settled", "NOT is_settled")
            )
            again = 'coalesce(lag(balance) OVER (PARTITION BY account_id ORDER BY "on"), 0)'
            body = (
                f"SELECT {typed}, CAST(coalesce(before, 0) AS DOUBLE) AS before FROM ({settled}) UNION ALL "
                f"SELECT {typed}, CAST({again} AS DOUBLE) AS before FROM ({open_})"
            )
        con.execute(f'CREATE OR REPLACE TEMP VIEW "known_{table}" AS {body}')


def _quoted(name: str) -> str:
    return f'"{name}"'


def _code(table: str, name: str) -> str:
    """A column as read: closed lists as enumerations."""
    spec = TABLES[table]
    column = spec.column(name) if name in spec.names else None
    if column is None or not column.codes:
        return f'"{name}"'
    codes = ", ".join("'" + code.replace("'", "''") + "'" for code in column.codes)
    return f'CAST("{name}" AS ENUM({codes})) AS "{name}"'


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
