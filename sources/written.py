"""Rows of a canonical table as they are written: typed, with owner and bucket, and the days between which each counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from sources.identity import merged_roots, note_persons, resolved_sql
from sources.sqltext import ident, number
from sources.tables import SQL_TYPE, TABLES, Table
from sources.telling import EVER, told_columns, told_sql, turn_sql

KNOWING = ("recorded_on", "valid_from", "deleted")  # columns beside a table's own: how a row came to be known
_FEWEST_BUCKETS, _MOST_BUCKETS = 4, 4096
_IN_BUCKET = 5_000_000  # rows, at most


def bucket_sql(column: str, buckets: int) -> str:
    """SQL for the bucket of a customer id: a hash that any engine can repeat (first 8 hex digits of MD5)."""
    return f"(CAST(concat('0x', substr(md5({column}), 1, 8)) AS UBIGINT) % {buckets})::INTEGER"


def buckets_for(rows: int) -> int:
    """How many buckets for so many transactions and balances, so that one takes a few hundred megabytes when it is loaded.

    A power of two: a bank seldom grows out of it, and taking its days in one by one gives the buckets of taking in all.
    """
    return min(_MOST_BUCKETS, max(_FEWEST_BUCKETS, 1 << (rows // _IN_BUCKET).bit_length()))


def prepare_people(con: duckdb.DuckDBPyConnection, merges: str | None) -> None:
    """`_merged`: the oldest number of each merged set; `_person`: which number stood for whom. From a relation of merges."""
    roots = merged_roots(note_persons(con, merges) if merges else [])
    con.execute("CREATE OR REPLACE TABLE _merged (customer_id VARCHAR, root VARCHAR)")
    if roots:
        con.register("_merged_rows", pa.table({"customer_id": list(roots), "root": list(roots.values())}))
        con.execute("INSERT INTO _merged SELECT * FROM _merged_rows")
        con.unregister("_merged_rows")


def prepare_owners(con: duckdb.DuckDBPyConnection, sources: Mapping[str, str], buckets: int) -> None:
    """`_owner_account`, `_owner_loan`: whose each was, and when, with the owner's bucket, people being prepared."""
    for name, table in (("account", "accounts"), ("loan", "loans")):
        nothing = (f"NULL::VARCHAR AS {name}_id", "NULL::VARCHAR AS customer_id", "NULL::DATE AS since", "NULL::DATE AS until")
        query = f"SELECT {', '.join(nothing)} WHERE false"
        if table in sources:
            query = owners_sql(TABLES[table], sources[table], columns_of(con, sources[table]))
        con.execute(
            f"CREATE OR REPLACE TABLE _owner_{name} AS"
            f" SELECT o.*, {bucket_sql('coalesce(g.root, o.customer_id)', buckets)} AS bucket"
            f" FROM ({query}) o LEFT JOIN _merged g ON g.customer_id = o.customer_id"
        )


def written_sql(
    con: duckdb.DuckDBPyConnection,
    spec: Table,
    relation: str,
    present: Sequence[str],
    buckets: int,
    *,
    is_single: bool = False,
    carried: str | None = None,
) -> str:
    """The SELECT that makes the rows of a table from `relation`, whose columns are `present`. `is_single`: no key has two.

    `carried`: a relation of rows beside them that have been typed and dated before.
    """
    rows = _dated_sql(con, spec, relation, present, is_single)
    if carried:
        rows += f" UNION ALL BY NAME SELECT * EXCLUDE (_row) FROM {carried}"
    if spec.by == "bank":
        return rows
    if spec.by == "customer":
        return (
            f"SELECT r.*, {bucket_sql('coalesce(g.root, r.customer_id)', buckets)} AS bucket"
            f" FROM ({rows}) r LEFT JOIN _merged g ON g.customer_id = r.customer_id"
        )
    owner, key, cut, within = f"_owner_{spec.by}", ident(f"{spec.by}_id"), "", ""
    if number(con, f"SELECT count(*) FROM {owner} WHERE since IS NOT NULL"):  # some have changed hands: rows go with them
        cut = " REPLACE (greatest(r.known_from, o.since) AS known_from, least(r.known_to, o.until) AS known_to)"
        within = (
            " AND (o.since IS NULL OR r.known_to IS NULL OR o.since < r.known_to)"
            " AND (o.until IS NULL OR o.until > r.known_from)"
        )
    return (
        f"SELECT r.*{cut}, o.customer_id AS customer_id, o.bucket AS bucket"
        f" FROM ({rows}) r LEFT JOIN {owner} o ON o.{key} = r.{key}{within}"
    )


def order_sql(spec: Table) -> str:
    """A total order: bucket, owner, event date, key, version."""
    owner = ["bucket", "customer_id"] if spec.by != "bank" else []
    event = [ident(spec.event)] if spec.event else []
    return ", ".join([*owner, *event, *(ident(k) for k in spec.key), "known_from"])


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """The columns of a relation, in order."""
    return [d[0] for d in con.execute(f"SELECT * FROM {relation} LIMIT 0").description or []]


def _known_sql(spec: Table, present: Sequence[str]) -> str:
    """SQL for the day from which a row can be known; a row without any has been known since ever."""
    days = [ident(c) for c in (spec.event, "recorded_on", "valid_from") if c and c in present]
    return f"coalesce(greatest({', '.join(dict.fromkeys(days))}), {EVER})" if days else EVER


def _dated_sql(con: duckdb.DuckDBPyConnection, spec: Table, relation: str, present: Sequence[str], is_single: bool) -> str:
    """Typed rows with `known_from` and `known_to`; of several rows of one key each counts until the next one is known."""
    typed = [
        f"CAST({ident(c.name) if c.name in present else 'NULL'} AS {SQL_TYPE[c.kind]}) AS {ident(c.name)}" for c in spec.columns
    ]
    if spec.name == "snapshots":
        typed += [ident(c) for c in present if c not in spec.names and c not in KNOWING]
    listed = ", ".join([*typed, f"{_known_sql(spec, present)} AS known_from"])
    deleted = "coalesce(deleted, false)" if "deleted" in present else "false"
    keys = [k for k in spec.key if k in present]
    key = ", ".join(ident(k) for k in keys)
    told = told_columns(present)
    single = f"SELECT {listed}, NULL::DATE AS known_to FROM {relation} r"
    alive = f" WHERE NOT {deleted}"
    if is_single or not told:
        return single + alive
    several = f"_several_{spec.name}"
    con.execute(f"CREATE OR REPLACE TEMP TABLE {several} AS SELECT {key} FROM {relation} GROUP BY {key} HAVING count(*) > 1")
    if not number(con, f"SELECT count(*) FROM {several}"):
        return single + alive
    same = " AND ".join(f"s.{ident(k)} IS NOT DISTINCT FROM r.{ident(k)}" for k in keys)
    return (  # a version ends on the day on which the next is told
        f"{single} ANTI JOIN {several} s ON {same}{alive} UNION ALL SELECT * EXCLUDE (_deleted, _turn, _told) FROM"
        f" (SELECT *, lead(_told) OVER (PARTITION BY {key} ORDER BY _turn) AS known_to"
        f" FROM (SELECT {listed}, {deleted} AS _deleted, {told_sql(told)} AS _told,"
        f" row_number() OVER (PARTITION BY {key} ORDER BY {turn_sql(told)}) AS _turn"
        f" FROM {relation} r SEMI JOIN {several} s ON {same}))"
        " WHERE NOT _deleted AND (known_to IS NULL OR known_to > known_from)"
    )


def owners_sql(spec: Table, relation: str, present: Sequence[str]) -> str:
    """Owner spells of accounts or loans; the only owner, the first and the last have no day at their open end."""
    key = ident(spec.key[0])
    alive = " WHERE NOT coalesce(deleted, false)" if "deleted" in present else ""
    told = told_columns(present)
    day = f"coalesce({told_sql(told)}, {EVER})"
    return (
        f"WITH told AS (SELECT {key}, customer_id, {day} AS day, {turn_sql(told)} AS turn FROM {relation}{alive}),"
        f" whole AS (SELECT {key}, min(customer_id) AS customer_id, max(customer_id) AS other FROM told GROUP BY 1),"
        f" handed AS (SELECT t.* FROM told t SEMI JOIN (FROM whole WHERE customer_id <> other) w USING ({key})"
        f" QUALIFY t.customer_id IS DISTINCT FROM lag(t.customer_id) OVER (PARTITION BY {key} ORDER BY turn, t.customer_id))"
        f" SELECT {key}, customer_id, NULL::DATE AS since, NULL::DATE AS until FROM whole WHERE customer_id = other"
        f" UNION ALL SELECT {key}, customer_id, CASE WHEN lag(day) OVER w IS NOT NULL THEN day END, lead(day) OVER w"
        f" FROM handed WINDOW w AS (PARTITION BY {key} ORDER BY turn, customer_id)"
    )


def rows_sql(
    con: duckdb.DuckDBPyConnection,
    name: str,
    sources: Mapping[str, str],
    buckets: int,
    *,
    is_single: bool,
    carried: str | None = None,
) -> tuple[str, list[str]]:
    """The SELECT that makes a table's rows of the relations in `sources`, whose owners are prepared; its relation's columns."""
    spec, present = TABLES[name], columns_of(con, sources[name])
    query = written_sql(con, spec, sources[name], present, buckets, is_single=is_single, carried=carried)
    return (resolved_sql(query, spec) if spec.by != "bank" and "merges" in sources else query), present
