"""Customers, accounts and loans that a day needs: looked up once for all rows that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sources.lives import life_sql
from sources.sqltext import ident
from sources.tables import TABLES
from sources.written import columns_of

if TYPE_CHECKING:
    from sources.part import Part

_HOLDING = ("customers", "accounts", "loans")  # large tables of which a day needs few rows
_HELD = ("customer_id", "opened_on", "granted_on", "closed_on", "recorded_on", "valid_from", "deleted")


def keys(part: Part, parent: str, name: str, needed: str) -> None:
    """`keys_PARENT_of_T`: usable keys of a table among those that another needs (all, where everything is looked at)."""
    mine = f"keys_{parent}_of_{name}"
    if part.kept is not None:
        rows = f"{'held' if parent in _HOLDING else 'all'}_{parent}"
        usable = f"SELECT DISTINCT id FROM ({key_sql(part, parent, rows)}) SEMI JOIN ({needed}) n USING (id)"
        part.con.execute(f"CREATE TABLE {mine} AS {usable}")
        return
    if f"keys_{parent}" not in part.made:
        part.con.execute(f"CREATE TABLE keys_{parent} AS SELECT DISTINCT id FROM ({key_sql(part, parent, f'all_{parent}')})")
        part.made.add(f"keys_{parent}")
    part.con.execute(f"CREATE VIEW {mine} AS FROM keys_{parent}")


def key_sql(part: Part, name: str, rows: str) -> str:
    """A SELECT of the keys (`id`) of rows that are not merely told to be gone."""
    alive = " WHERE NOT coalesce(deleted, false)" if "deleted" in part.mapped[name].knowing else ""
    return f"SELECT {ident(TABLES[name].key[0])} AS id FROM {rows}{alive}"


def hold(part: Part, name: str, needed: str) -> None:
    """Put rows of these keys (a SELECT of `id`), and of all that new rows name, into `held_T`: usable rows of the bank.

    What was landed is looked through once for all that the delivery names, not by every table that refers to it.
    """
    if name in _HOLDING:
        with part.holding:
            _hold(part, name, needed)


def _hold(part: Part, name: str, needed: str) -> None:
    con, held = part.con, f"held_{name}"
    asked = f"SELECT id FROM ({needed})"
    if held not in part.made:
        key, mapped = TABLES[name].key[0], part.mapped[name]
        told = [c for c in _HELD if c in (*mapped.columns, *mapped.knowing) and c != key]
        listed = ", ".join(ident(c) for c in (key, *told))
        con.execute(f"CREATE TABLE {held} AS SELECT {listed} FROM all_{name} WHERE false")
        con.execute(f"CREATE TABLE asked_{name} (id VARCHAR)")
        part.made.add(held)
        asked = " UNION ALL ".join([asked, *_named(part, name)])
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE asking AS SELECT DISTINCT id FROM ({asked}) ANTI JOIN asked_{name} USING (id)"
        " WHERE id IS NOT NULL"
    )
    if not part.some("asking"):
        return
    con.execute(f"INSERT INTO {held} {part.all_of(name, 'asking', columns_of(con, held))}")
    con.execute(f"INSERT INTO asked_{name} SELECT * FROM asking")
    part.grown.add(name)


def _named(part: Part, parent: str) -> list[str]:
    """SELECTs of the keys of a table that rows just read refer to, and of its own that were looked at."""
    own = ident(TABLES[parent].key[0])
    found = [f"SELECT {own} FROM {side}_{parent}" for side in ("clean", "before")]
    for name, have in sorted(part.read.items()):
        refer = [c for c, to in TABLES[name].references if to == parent and c in have]
        found += [part.once.get((name, c), f"SELECT {ident(c)} FROM new_{name}") for c in refer]
    return found


def life(part: Part, owner: str, needed: str) -> None:
    """`life_accounts` or `life_loans`, of the needed ones and of all that new rows name, at least."""
    mapped, rows = part.mapped[owner], f"all_{owner}"
    with part.holding:
        if part.kept is not None:
            rows = f"held_{owner}"
            hold(part, owner, needed)
        if f"life_{owner}" in part.made and owner not in part.grown:
            return
        part.grown.discard(owner)
        part.made.add(f"life_{owner}")
        told = (*mapped.columns, *mapped.knowing)
        part.con.execute(f"CREATE OR REPLACE TABLE life_{owner} AS {life_sql(owner, told, rows)}")
