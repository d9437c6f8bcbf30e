"""Which stored rows a delivery reaches: those of the keys it touches, and what belongs together with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sources import carried
from sources.mapping import Mapped
from sources.sqltext import ident, literal, number, one
from sources.tables import TABLES

if TYPE_CHECKING:
    from sources.part import Part

PEOPLE = ("customer_id", "related_id")
_ABOVE = ("customers", "accounts", "loans")  # whose rows say whose the others are
_FOLLOWED = (  # accounts whose movements must be followed from the first: some are not later than all that were there
    "SELECT account_id FROM (SELECT n.account_id FROM moving n JOIN running_was b USING (account_id)"
    " WHERE n.first_on <= b.last_on UNION SELECT id FROM refollowed)"
)


def seed(part: Part, name: str, mapped: Mapped, ahead: tuple[dt.date | None, dt.date | None]) -> None:
    """`seeds_T`: keys to be looked at again, but for those found by `close`; and `old_T`, in which some of their rows are."""
    con, spec, keys = part.con, TABLES[name], part.keys_of(name)
    listed = ", ".join(f"m.{ident(k)}" for k in keys)
    con.execute(f"CREATE TABLE old_{name} AS SELECT * FROM stored_{name} WHERE false")
    if part.rebuilt and name not in (*part.rebuilt, *_ABOVE):
        con.execute(f"CREATE TABLE seeds_{name} AS SELECT {listed} FROM new_{name} m WHERE false")
        return
    parts = [f"SELECT {listed} FROM new_{name} m", f"SELECT {listed} FROM gone_{name} m"]
    if name in part.rebuilt and spec.by == "bank":
        parts.append(f"SELECT {listed} FROM stored_{name} m")
    for column, parent in spec.references:
        if column not in mapped.columns or parent not in part.done or parent == name:
            continue
        if parent in part.still:
            continue
        if part.some(f"added_{parent}") and part.some(f"was_{name}"):
            label = literal(f"reference:{column}")
            parts.append(
                f"SELECT {listed} FROM stored_{name} m JOIN was_{name} v USING (_row)"
                f" SEMI JOIN added_{parent} a ON a.id = m.{ident(column)} WHERE list_contains(v.rules, {label})"
            )
        if part.some(f"removed_{parent}"):
            parts.append(f"SELECT {listed} FROM stored_{name} m SEMI JOIN removed_{parent} r ON r.id = m.{ident(column)}")
    people = [c for c in PEOPLE if c in mapped.columns and spec.by == "customer"]
    if people and "moved_people" in part.made and part.some("moved_people"):
        if _fetch_people(part, name, [c for c in people if c in keys]):
            people, parts = [c for c in people if c not in keys], [*parts, f"SELECT {listed} FROM old_{name} m"]
        parts += [f"SELECT {listed} FROM stored_{name} m SEMI JOIN moved_people p ON p.id = m.{c}" for c in people]
    owner, carries = carried.OWNERS.get(spec.by), carried.carries(part, name)
    if carries:
        carried.prepare(part, name)
    if owner in part.done and owner not in part.still and part.some(f"moved_{owner}"):
        if carries:
            carried.take(part, name, f"SELECT id FROM moved_{owner}")
            parts.append(carried.told_often(part, name))
        else:
            parts.append(f"SELECT {listed} FROM stored_{name} m SEMI JOIN moved_{owner} o ON o.id = m.{spec.by}_id")
    if ahead[0] != ahead[1]:
        since = min(day for day in ahead if day is not None)
        parts.append(f"SELECT {listed} FROM stored_{name} m WHERE m.{ident(spec.event or '')} > DATE '{since.isoformat()}'")
    con.execute(f"CREATE TABLE seeds_{name} AS {' UNION '.join(parts)}")


def close(part: Part, name: str, *, running: bool) -> None:
    """`old_T`: stored rows of all seeds, and what belongs together with them, until nothing more does."""
    con, keys, spec = part.con, part.keys_of(name), TABLES[name]
    people = [c for c in PEOPLE if c in spec.key and name != "customers" and spec.by == "customer"]
    merged = people and "merged_sets" in part.made and part.some("merged_sets")
    follows, carries = name == "transactions" and running, carried.carries(part, name)
    if follows:
        con.execute("CREATE TABLE followed (account_id VARCHAR)")
        con.execute(f"CREATE TABLE to_follow AS {_FOLLOWED}")
    met = f" ANTI JOIN old_{name} o ON {same(keys, 's', 'o')}" if part.some(f"old_{name}") else ""
    con.execute(f"CREATE TABLE turn_{name} AS SELECT * FROM seeds_{name} s{met}")  # keys that are still to be looked up
    while True:
        _fetch(part, name, keys)
        wider = _of_sets(part, name, people) if merged else []
        if follows:
            wider += _of_followed(part, name, carries=carries)
        con.execute(f"CREATE OR REPLACE TABLE turn_{name} AS SELECT * FROM seeds_{name} WHERE false")
        if carries:
            _turn_to(part, name, f"({carried.told_often(part, name)})")
        if wider:
            con.execute(
                f"CREATE OR REPLACE TEMP TABLE wider AS SELECT DISTINCT m.* FROM ({' UNION ALL '.join(wider)}) m"
                f" ANTI JOIN old_{name} o USING (_row)"
            )
            con.execute(f"INSERT INTO old_{name} SELECT * FROM wider")
            _turn_to(part, name, "wider")
        if follows:
            con.execute("INSERT INTO followed SELECT * FROM to_follow")
            con.execute("DELETE FROM to_follow")
        if not part.some(f"turn_{name}"):
            return


def _looked_at(name: str) -> str:
    return f"(SELECT * FROM old_{name} UNION ALL BY NAME SELECT * FROM gone_{name})"


def _of_sets(part: Part, name: str, people: Sequence[str]) -> list[str]:
    """SELECTs of stored rows of all numbers of those people whose rows are looked at; `seed` has found those of moved ones."""
    if not (part.some(f"old_{name}") or part.some(f"gone_{name}")):
        return []
    wider = []
    for column in people:
        con, numbers = part.con, f"numbers_by_{column}"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {numbers} AS SELECT DISTINCT b.customer_id AS id FROM merged_sets a"
            f" SEMI JOIN {_looked_at(name)} h ON h.{column} = a.customer_id JOIN merged_sets b USING (root)"
            " ANTI JOIN moved_people p ON p.id = b.customer_id"
        )
        if part.some(numbers):
            wider += [f"SELECT m.* FROM stored_{name} m SEMI JOIN {numbers} p ON p.id = m.{other}" for other in people]
    return wider


def _of_followed(part: Part, name: str, *, carries: bool) -> list[str]:
    """SELECTs of stored movements of the accounts of `to_follow`, those of rows looked at among them; none where carried."""
    con = part.con
    con.execute(
        f"INSERT INTO to_follow SELECT DISTINCT account_id FROM {_looked_at(name)} h WHERE account_id IS NOT NULL"
        " EXCEPT (SELECT account_id FROM followed UNION SELECT account_id FROM to_follow)"
    )
    if not part.some("to_follow"):
        return []
    if carries:
        carried.take(part, name, "SELECT account_id AS id FROM to_follow")
        return []
    return [f"SELECT m.* FROM stored_{name} m SEMI JOIN to_follow f USING (account_id)"]


def _turn_to(part: Part, name: str, rows: str) -> None:
    """Note the keys of these rows that are no seeds yet: they are to be looked up, and seeds from now on."""
    con, keys = part.con, part.keys_of(name)
    listed = ", ".join(f"m.{ident(k)}" for k in keys)
    con.execute(
        f"INSERT INTO turn_{name} SELECT DISTINCT {listed} FROM {rows} m ANTI JOIN seeds_{name} s ON {same(keys, 'm', 's')}"
    )
    con.execute(f"INSERT INTO seeds_{name} SELECT * FROM turn_{name}")


def _fetch_people(part: Part, name: str, people: Sequence[str]) -> bool:
    """Put the stored rows of people whose set of numbers has changed into `old_T`, where a key names a person (`people`: its
    columns that do): all of a key's rows are then that person's. Whether there are such columns."""
    rows = " UNION ".join(f"SELECT m.* FROM stored_{name} m SEMI JOIN moved_people p ON p.id = m.{c}" for c in people)
    if people:
        part.con.execute(f"INSERT INTO old_{name} {rows}")
    return bool(people)


def _fetch(part: Part, name: str, keys: Sequence[str]) -> None:
    """Put the stored rows of the keys of `turn_T` into `old_T`."""
    con = part.con
    con.execute(  # few columns to find them: most rows are not among them
        f"CREATE OR REPLACE TEMP TABLE found AS SELECT m._row FROM ({_matching(part, name, keys)}) m"
        f" ANTI JOIN old_{name} o USING (_row)"
    )
    first, last = one(con, "SELECT min(_row), max(_row) FROM found")
    if first is not None:
        con.execute(
            f"INSERT INTO old_{name} SELECT m.* FROM stored_{name} m SEMI JOIN found f USING (_row)"
            f" WHERE m._row BETWEEN {first} AND {last}"
        )


def _matching(part: Part, name: str, keys: Sequence[str]) -> str:
    """A SELECT of stored rows of the keys of `turn_T`; by equality and bounds: row groups elsewhere are not read."""
    con, turn = part.con, f"turn_{name}"
    whole = " AND ".join(f"{ident(k)} IS NOT NULL" for k in keys)
    asked = ", ".join(f"min({ident(k)})::VARCHAR, max({ident(k)})::VARCHAR" for k in keys)
    ends = one(con, f"SELECT {asked} FROM {turn} WHERE {whole}")
    bounds = [
        f"m.{ident(k)} BETWEEN {literal(low)} AND {literal(high)}"
        for k, low, high in zip(keys, ends[::2], ends[1::2], strict=True)
        if low is not None
    ]
    alike = " AND ".join(f"m.{ident(k)} = s.{ident(k)}" for k in keys)
    parts = [f"SELECT m.* FROM stored_{name} m SEMI JOIN {turn} s ON {alike} WHERE {' AND '.join(bounds)}"] if bounds else []
    if not bounds or number(con, f"SELECT count(*) FROM {turn} WHERE NOT ({whole})"):
        lacking = f"(SELECT * FROM {turn} WHERE NOT ({whole}))"
        parts.append(f"SELECT m.* FROM stored_{name} m SEMI JOIN {lacking} s ON {same(keys, 'm', 's')}")
    return " UNION ALL ".join(parts)


def same(keys: Iterable[str], one_side: str, other: str) -> str:
    """SQL for rows of two sides having one key; a part of it that both lack is alike."""
    return " AND ".join(f"{one_side}.{ident(k)} IS NOT DISTINCT FROM {other}.{ident(k)}" for k in keys)
