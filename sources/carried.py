"""Rows of accounts and loans that stay as they are but for whose they are or where in their day they lie: taken as they stand.

An account that changes hands, or is followed anew for one late movement, has thousands of rows of which nothing else changes.
What was landed lies in the order of days, and an account's rows in nearly every part of it; canonical files lie in the order
of customers. So such rows come from there, and are written again under another name or place without being checked again.

Only rows whose key was told once: of those, all that stands is pieces of one row, cut on the days on which it changed hands.
Keys told more than once are noted (`landed/TABLE/several-N.parquet`) and looked up in what was landed, like keys that are told
again now. Damaged canonical files are made again of landed rows alone.

Relations per table: `carrying_T` accounts or loans whose rows are carried; `stands_T` those rows as they stand, with the place;
`carried_T` the rows themselves, one per key, with numbers below zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sources import held
from sources.sqltext import ident
from sources.tables import SQL_TYPE, TABLES
from sources.written import bucket_sql

if TYPE_CHECKING:
    from sources.part import Part

OWNERS = {"account": "accounts", "loan": "loans"}


def carries(part: Part, name: str) -> bool:
    """Whether rows of a table can be carried: they stand in canonical tables by the customer who owns their account."""
    there = part.in_force
    return bool(
        there
        and OWNERS.get(TABLES[name].by) in part.done
        and name in there.manifest.tables
        and there.manifest.tables[name].files
    )


def prepare(part: Part, name: str) -> None:
    """Empty relations of a table of which nothing is carried so far; `several_kept_T`: its keys told more than once."""
    con, keys = part.con, ", ".join(ident(k) for k in part.keys_of(name))
    assert part.in_force is not None
    con.execute(f"CREATE TABLE carrying_{name} (id VARCHAR)")
    con.execute(f"CREATE TABLE stands_{name} AS SELECT * FROM ({part.in_force.placed_sql(name)}) WHERE false")
    con.execute(f"CREATE VIEW several_kept_{name} AS SELECT {keys} FROM {part.several(name)}")


def take(part: Part, name: str, ids: str) -> None:
    """Carry all rows of these accounts or loans (a SELECT of `id`) that are not yet."""
    con, there, key = part.con, part.in_force, f"{TABLES[name].by}_id"
    assert there is not None
    con.execute(f"CREATE OR REPLACE TEMP TABLE to_carry AS SELECT id FROM ({ids}) EXCEPT SELECT id FROM carrying_{name}")
    if not part.some("to_carry"):
        return
    con.execute(f"INSERT INTO carrying_{name} SELECT * FROM to_carry")
    placed = there.placed_of_sql(name, "people", note_people(part, name, "SELECT id FROM to_carry"))
    con.execute(f"INSERT INTO stands_{name} SELECT r.* FROM ({placed}) r SEMI JOIN to_carry a ON a.id = r.{key}")


def note_people(part: Part, name: str, ids: str) -> dict[int, list[str]]:
    """`people` (bucket, id): customers under whom rows of these accounts or loans may stand; and what it holds, by bucket.

    An owner's rows stand under any number of his, in the bucket of any of them: it may be another that is the oldest now.
    """
    con, owner, key = part.con, OWNERS[TABLES[name].by], f"{TABLES[name].by}_id"
    assert part.in_force is not None
    held.hold(part, owner, ids)
    told = f"(SELECT {key}, customer_id FROM held_{owner} UNION ALL SELECT {key}, customer_id FROM before_{owner})"
    bucket = bucket_sql("n", part.in_force.manifest.buckets)
    sets = "merged_sets a ON a.customer_id = o.id LEFT JOIN merged_sets"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE people AS SELECT DISTINCT {bucket} AS bucket, id"
        " FROM (SELECT coalesce(b.customer_id, o.id) AS n, coalesce(c.customer_id, o.id) AS id FROM"
        f" (SELECT DISTINCT customer_id AS id FROM {told} t SEMI JOIN ({ids}) i ON i.id = t.{key}) o"
        f" LEFT JOIN {sets} b USING (root) LEFT JOIN merged_sets c USING (root))"
    )
    return dict(con.execute("SELECT bucket, list(id) FROM people GROUP BY 1").fetchall())


def told_often(part: Part, name: str) -> str:
    """A SELECT of the keys of rows that stand which cannot be carried: they were told more than once."""
    keys = part.keys_of(name)
    same = " AND ".join(f"s.{ident(k)} = m.{ident(k)}" for k in keys)
    return f"SELECT {', '.join(f'm.{ident(k)}' for k in keys)} FROM stands_{name} m SEMI JOIN several_kept_{name} s ON {same}"


def settle(part: Part, name: str) -> None:
    """Make `carried_T`, all seeds being known: rows of these are written anew and not carried."""
    con, keys = part.con, ", ".join(ident(k) for k in part.keys_of(name))
    con.execute(f"CREATE TEMP TABLE again_{name} AS SELECT {keys} FROM seeds_{name} SEMI JOIN stands_{name} USING ({keys})")
    if part.some(f"again_{name}"):
        con.execute(
            f"CREATE OR REPLACE TABLE stands_{name} AS SELECT * FROM stands_{name} ANTI JOIN again_{name} USING ({keys})"
        )
    columns = ", ".join(f"CAST({ident(c.name)} AS {SQL_TYPE[c.kind]}) AS {ident(c.name)}" for c in TABLES[name].columns)
    con.execute(
        f"CREATE TABLE carried_{name} AS SELECT -row_number() OVER (ORDER BY {keys}) AS _row, {columns}, known_from,"
        f" NULL::DATE AS known_to FROM stands_{name} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY known_from) = 1"
    )
    if part.some(f"carried_{name}"):
        part.carried[name] = f"carried_{name}"
