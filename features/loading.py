"""Buckets of customers loaded once, and known again for every as_of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from features.compile import KEY
from features.room import Room
from features.steady import Loading, Numbers, read_changes, read_moves
from features.streams import Steady
from sources.canonical import Canonical, as_of_sql
from sources.sqltext import quiet
from sources.tables import TABLES, Column

# Ids that are numbers inside the engine, in the order of their text (customers by bucket first); whose table names them.
NUMBERED = {"customer_id": "customers", "account_id": "accounts", "loan_id": "loans", "facility_id": "facilities"}
_NO_IDS = "SELECT NULL::VARCHAR AS id, NULL::INTEGER AS bucket WHERE false"
_KNOWN = tuple(f"date_diff('day', DATE '1970-01-01', {name})::INTEGER AS {name}" for name in ("known_from", "known_to"))
Reads = Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class Load:
    """What is loaded: `loaded_*` tables of a connection with all versions of every row, and the steady rows beside them.

    Of transactions and balances, `loaded_*` holds those rows only that are not steady (features.steady).
    """

    buckets: tuple[int, ...]  # of customers, ascending
    names: Mapping[str, tuple[str, ...]]  # table -> its columns
    steady: Steady
    tables: Mapping[str, pa.Table]  # transactions and balances that are steady, as statements read them


def load(con: duckdb.DuckDBPyConnection, canonical: Canonical, buckets: Sequence[int], reads: Reads, room: Room) -> Load:
    """Read the columns of these buckets.

    Days are whole numbers, money whole doubles, codes enumerations, ids whole numbers: nothing is grouped or joined by text.
    Rows of customers, and balances of accounts, that the bank does not name are left out: they are nobody's. Steady rows lie
    in the room until the next load.
    """
    names = {table: tuple(_with_dates(table, columns)) for table, columns in sorted(reads.items())}
    for table, columns in names.items():
        relations = [canonical.relation_sql(table, bucket) for bucket in ([None] if TABLES[table].by == "bank" else buckets)]
        body = " UNION ALL ".join(_read_sql(table, columns, relation) for relation in relations)
        con.execute(f'CREATE OR REPLACE VIEW "read_{table}" AS {body}')
    for name, table in NUMBERED.items():
        body = f'SELECT "{name}" AS id, min(bucket) AS bucket FROM "read_{table}" GROUP BY 1' if table in reads else _NO_IDS
        order = "bucket, id" if name == KEY else "id"
        con.execute(
            f'CREATE OR REPLACE TABLE "numbers_{name}" AS'
            f" SELECT *, row_number() OVER (ORDER BY {order}) AS number FROM ({body})"
        )
    ids = {name: con.sql(f'SELECT id FROM "numbers_{name}" ORDER BY number').to_arrow_table()["id"] for name in NUMBERED}
    numbers = Numbers(ids[KEY].combine_chunks(), ids["account_id"].combine_chunks())
    large = [table for table in names if table in _READ and table in canonical.manifest.tables]
    steady, tables = Steady(len(numbers.customers), len(numbers.accounts)), {}
    with con.cursor() as own, con.cursor() as third:
        small = room.beside.submit(_fill, quiet(own), {table: names[table] for table in names if table not in large})
        source = Loading(canonical, buckets, numbers, room, quiet(third))
        reading = {table: room.beside.submit(_READ[table], source, names[table]) for table in large}
        for table, read in reading.items():
            found = read.result()
            tables[table] = found.steady
            steady = replace(steady, moves=found.stream) if table == "transactions" else replace(steady, changes=found.stream)
            con.register("odd_rows", found.odd)
            con.execute(f'CREATE OR REPLACE TEMP VIEW "read_{table}" AS {_read_sql(table, names[table], "odd_rows")}')
            _fill(con, {table: names[table]})
            con.execute(f'DROP VIEW temp."read_{table}"')
        small.result()
    for table in names:
        con.execute(f'DROP VIEW "read_{table}"')
    return Load(tuple(sorted(buckets)), names, steady, tables)


def _fill(con: duckdb.DuckDBPyConnection, names: Mapping[str, tuple[str, ...]]) -> None:
    """`loaded_*` of these tables."""
    for table, columns in names.items():
        con.execute(f'CREATE OR REPLACE TABLE "loaded_{table}" AS {_numbered(table, columns)}')


_READ = {"transactions": read_moves, "balances": read_changes}


def _read_sql(table: str, columns: Sequence[str], relation: str) -> str:
    own = [] if TABLES[table].by == "bank" or relation == "odd_rows" else ["bucket"]
    return f"SELECT {', '.join([*(_plain(table, name) for name in columns), *_KNOWN, *own])} FROM {relation}"


def know(
    con: duckdb.DuckDBPyConnection, held: Load, as_of: int, tables: Iterable[str] | None = None, *, late_only: bool = False
) -> None:
    """Point the `known_*` views (of all tables, or of these) at what was known at the close of a day; `late_only`: of steady
    rows none.

    Transactions are the late ones only, always: the others are in the load's stream. Of a balance stands its `change`: by how
    much it differs from the one before of the same account.
    """
    for table, rows in held.tables.items():
        con.register(f"steady_{table}", rows)
    for table in held.names if tables is None else tables:
        columns = held.names[table]
        body = _wide(table, columns, as_of_sql(table, f'"loaded_{table}"', as_of, columns))
        if table == "balances":
            change = 'balance - coalesce(lag(balance) OVER (PARTITION BY account_id ORDER BY "on"), 0)'
            body = f"SELECT * EXCLUDE (balance), {change} AS change FROM ({body})"
            if table in held.tables and not late_only:
                steady = _wide(table, columns, f'SELECT * FROM steady_balances WHERE "on" <= {as_of}')
                body += f" UNION ALL BY NAME {steady}"
        con.execute(f'CREATE OR REPLACE TEMP VIEW "known_{table}" AS {body}')


def _numbered(table: str, names: Sequence[str]) -> str:
    """A SELECT over `read_*` with numbers for ids."""
    chosen, joins = [], ""
    for name in [*names, "known_from", "known_to"]:
        if name in NUMBERED:
            is_owner = name == KEY or (table, name) == ("balances", "account_id")
            joins += f' {"" if is_owner else "LEFT "}JOIN "numbers_{name}" AS "n_{name}" ON "n_{name}".id = r."{name}"'
            chosen.append(f'"n_{name}".number AS "{name}"')
        else:
            chosen.append(f'r."{name}"')
    return f'SELECT {", ".join(chosen)} FROM "read_{table}" AS r{joins}'


def _wide(table: str, names: Sequence[str], rows: str) -> str:
    """Rows with days wide enough to reckon with."""
    days = [name for name in names if name in TABLES[table].names and TABLES[table].column(name).kind == "date"]
    wide = ", ".join(f'CAST("{day}" AS BIGINT) AS "{day}"' for day in days)
    return f"SELECT * REPLACE ({wide}) FROM ({rows})" if days else rows


def _with_dates(table: str, columns: Iterable[str]) -> list[str]:
    spec = TABLES[table]
    wanted = set(columns) | set(spec.key) | {column.later for column in spec.columns if column.later and column.name in columns}
    if spec.by != "bank":
        wanted.add(KEY)
    return sorted(wanted)


def _plain(table: str, name: str) -> str:
    """A column as the engine wants it: days whole numbers, money whole doubles, closed lists enumerations."""
    spec, quoted = TABLES[table], f'"{name}"'
    column = spec.column(name) if name in spec.names else Column(name, "id")
    if column.kind == "date":
        return f"date_diff('day', DATE '1970-01-01', {quoted})::INTEGER AS {quoted}"
    if column.kind in ("money", "int", "bool"):
        return f"CAST({quoted} AS DOUBLE) AS {quoted}"
    if column.codes:
        codes = ", ".join("'" + code.replace("'", "''") + "'" for code in column.codes)
        return f"CAST({quoted} AS ENUM({codes})) AS {quoted}"
    return quoted
