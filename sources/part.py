"""The part of a bank that a delivery touches: every row of every key whose rows may come out otherwise than they are.

What an intake makes of rows can be told key by key, but for what one row may change for others: a key that comes or goes, for
rows that refer to it; a merge, for all rows of both people; an account that changes hands, for its movements; a late or
corrected movement, for the account's running balance. Tables are gone through parents first, so that each knows what changed
above it. Whatever is then checked and written by the very same code comes out as if all had been taken in at once.

Relations per table: `new_T` rows just read, `gone_T` rows a file sent again took back, `stored_T` all others ever mapped,
`was_T` what was said of them; `old_T` those of them that are looked at again; `mapped_T` = old and new; `all_T` usable rows of
the whole bank after the check.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock

import duckdb
import pyarrow as pa

from sources import carried, held, reach
from sources.canonical import Canonical
from sources.change import Touched, Whose
from sources.contract import Checked, clean_before_sql
from sources.landed import State, TableKept, columns_sql, rows_of
from sources.mapping import Mapped
from sources.sqltext import ident, number
from sources.tables import TABLES
from sources.written import bucket_sql, columns_of, owners_sql

_PARENTS = frozenset(parent for table in TABLES.values() for _, parent in table.references)  # that others refer to


@dataclass
class Part:
    """The touched rows of an intake, table by table. Without `kept` that is every row, and nothing was there before."""

    con: duckdb.DuckDBPyConnection
    root: Path
    kept: State | None
    done: dict[str, Checked] = field(default_factory=dict)
    mapped: dict[str, Mapped] = field(default_factory=dict)
    still: set[str] = field(default_factory=set)  # tables of which nothing is touched
    rebuilt: Mapping[str, Sequence[int]] = field(default_factory=dict)  # tables whose rows are all wanted of these buckets
    buckets: int = 1
    in_force: Canonical | None = None  # the tables in force, of which rows are carried over that only change hands
    carried: dict[str, str] = field(default_factory=dict)  # table -> relation of those rows
    read: dict[str, tuple[str, ...]] = field(default_factory=dict)  # table -> columns of its rows, as they were mapped
    once: dict[tuple[str, str], str] = field(default_factory=dict)  # (table, column) -> SELECT of its new values, each once
    made: set[str] = field(default_factory=set)  # relations made only where they are wanted
    grown: set[str] = field(default_factory=set)  # tables of which more is held than was when last asked for lives
    holding: RLock = field(default_factory=RLock)  # held by the lane that adds to what is held
    lanes: int = 1  # tables gone over at a time

    def on(self, con: duckdb.DuckDBPyConnection) -> Part:
        """The same part, all that is noted included, worked on by another connection."""
        return replace(self, con=con)

    def in_order(self, names: Sequence[str]) -> None:
        """All checked tables in this order, whichever of them was done first."""
        self.done = {name: self.done[name] for name in names}

    def before(self, name: str) -> TableKept | None:
        """What was kept of a table."""
        return self.kept.tables.get(name) if self.kept else None

    def stored(self, name: str) -> None:
        """Make `stored_T`, `was_T` and an empty `gone_T` of what earlier intakes kept, beside `new_T`."""
        kept, con = self.before(name), self.con
        self.read[name] = tuple(columns_of(con, f"new_{name}"))
        listed = columns_sql(kept) if kept else "*"
        if kept and kept.files:
            dropped = f" ANTI JOIN {rows_of(self.root, [kept.dropped])} d USING (_row)" if kept.dropped else ""
            con.execute(f"CREATE VIEW kept_{name} AS SELECT {listed} FROM {rows_of(self.root, kept.files)} k{dropped}")
        else:
            con.execute(f"CREATE VIEW kept_{name} AS SELECT * FROM new_{name} WHERE false")
        con.execute(f"CREATE TABLE gone_{name} AS SELECT * FROM kept_{name} WHERE false")
        con.execute(f"CREATE VIEW stored_{name} AS SELECT * FROM kept_{name} ANTI JOIN gone_{name} USING (_row)")
        was = (
            f"SELECT * FROM {rows_of(self.root, [kept.verdict])}"
            if kept and kept.verdict
            else (
                "SELECT NULL::BIGINT AS _row, NULL::VARCHAR[] AS rules, false AS out, false AS copy, NULL::VARCHAR AS source"
                " WHERE false"
            )
        )
        con.execute(f"CREATE VIEW was_{name} AS {was}")

    def gather(self, name: str, mapped: Mapped, ahead: tuple[dt.date | None, dt.date | None], *, running: bool) -> Mapped:
        """Make `mapped_T` and what its check asks of other tables; the mapping with its number of rows.

        `ahead`: the day after which rows were, and are, ahead of all others. `running`: printed balances are followed.
        """
        con, self.mapped[name] = self.con, mapped
        if self.kept is None:
            con.execute(f"CREATE VIEW mapped_{name} AS SELECT * FROM new_{name}")
        else:
            reach.seed(self, name, mapped, ahead)
            carries = carried.carries(self, name)
            has_moved = carries and self.some(f"carrying_{name}")
            if not (
                has_moved or self.some(f"seeds_{name}") or (name == "transactions" and running and self.some("refollowed"))
            ):
                self._leave(name)
                return self.mapped[name]
            reach.close(self, name, running=running)
            if carries:
                carried.settle(self, name)
            con.execute(f"CREATE VIEW mapped_{name} AS SELECT * FROM old_{name} UNION ALL BY NAME SELECT * FROM new_{name}")
        for column, parent in TABLES[name].references:
            if column in mapped.columns and parent in self.done and parent != name:
                if self.kept is not None:
                    held.hold(self, parent, f"SELECT {ident(column)} AS id FROM old_{name}")
                new = self.once.get((name, column), f"SELECT {ident(column)} FROM new_{name}")
                held.keys(self, parent, name, f"SELECT {ident(column)} AS id FROM old_{name} UNION ALL {new}")
        owner = carried.OWNERS.get(TABLES[name].by)
        if owner in self.done:
            held.life(self, str(owner), f"SELECT {TABLES[name].by}_id AS id FROM old_{name}")
        mapped = replace(mapped, rows=number(con, f"SELECT count(*) FROM mapped_{name}"))
        self.mapped[name] = mapped
        return mapped

    def _leave(self, name: str) -> None:
        """The relations of a table of which nothing is touched: what was said of it stands."""
        con, kept = self.con, self.before(name)
        assert kept is not None
        self.still.add(name)
        con.execute(f"CREATE VIEW mapped_{name} AS SELECT * FROM new_{name} WHERE false")
        con.execute(f"CREATE VIEW now_{name} AS SELECT * FROM was_{name}")
        con.execute(f"CREATE VIEW numbered_{name} AS SELECT * FROM ({self._usable(name)}) WHERE false")
        con.execute(f"CREATE VIEW clean_{name} AS SELECT * EXCLUDE (_row) FROM numbered_{name}")
        con.execute(f"CREATE VIEW before_{name} AS SELECT * FROM numbered_{name}")
        con.execute(f"CREATE VIEW all_{name} AS SELECT * EXCLUDE (_row) FROM ({self._usable(name)})")
        if name == "transactions":
            con.execute("CREATE TABLE IF NOT EXISTS followed (account_id VARCHAR)")
        self.done[name] = Checked(name, 0, 0, 0, 0, (), kept.columns, False, dict(kept.actions))

    def several(self, name: str) -> str:
        """A relation of the keys of a table that had been told more than once."""
        kept = self.before(name)
        return rows_of(self.root, [kept.several]) if kept and kept.several else f"(SELECT * FROM new_{name} WHERE false)"

    def _usable(self, name: str, rows: str = "", columns: Sequence[str] | None = None) -> str:
        """Usable rows of earlier intakes that are not taken back, or of `rows` among them."""
        if (kept := self.before(name)) is not None and name in self.still:
            nulled = [(label.partition(":")[2], label) for label, action in kept.actions.items() if action == "null"]
        else:
            nulled = list(self.done[name].nulled)
        return clean_before_sql(self.mapped[name], rows or f"stored_{name}", f"was_{name}", nulled, columns)

    def all_of(self, name: str, ids: str, columns: Sequence[str]) -> str:
        """A SELECT of columns of `all_T`, of the keys in a relation of `id`.

        They are looked up in what is stored before anything else is asked of it: else all that is stored is.
        """
        key, read = ident(TABLES[name].key[0]), ["_row", *dict.fromkeys([*self.keys_of(name), *columns])]
        listed, theirs = ", ".join(ident(c) for c in columns), f"SEMI JOIN {ids} i ON i.id = m.{key}"
        still = self._usable(name, "stood", read[1:])
        return (
            f"WITH stood AS MATERIALIZED (SELECT {', '.join(f'm.{ident(c)}' for c in read)} FROM stored_{name} m {theirs})"
            f" SELECT {listed} FROM clean_{name} m {theirs} UNION ALL SELECT {listed} FROM ({still}) m"
            f" ANTI JOIN seeds_{name} s ON {reach.same(self.keys_of(name), 'm', 's')}"
        )

    def checked(self, name: str, found: Checked) -> None:
        """Note what the check of a table changed for those that depend on it; makes `all_T`."""
        con = self.con
        self.done[name] = found
        if self.kept is None:
            con.execute(f"CREATE VIEW all_{name} AS SELECT * FROM clean_{name}")
            if name == "merges":
                con.execute("CREATE TABLE merged_before AS SELECT old_id, new_id FROM clean_merges WHERE false")
            return
        keys = self.keys_of(name)
        rows = f"(SELECT * FROM old_{name} UNION ALL BY NAME SELECT * FROM gone_{name})"
        con.execute(f"CREATE TABLE before_{name} AS {self._usable(name, rows)}")
        con.execute(
            f"CREATE VIEW all_{name} AS SELECT * FROM clean_{name} UNION ALL BY NAME"
            f" SELECT * EXCLUDE (_row) FROM ({self._usable(name)}) m"
            f" ANTI JOIN seeds_{name} s ON {reach.same(keys, 'm', 's')}"
        )
        if name not in _PARENTS:
            return
        now, then = held.key_sql(self, name, f"clean_{name}"), held.key_sql(self, name, f"before_{name}")
        con.execute(f"CREATE TABLE added_{name} AS {now} EXCEPT {then}")
        con.execute(f"CREATE TABLE removed_{name} AS {then} EXCEPT {now}")
        if name in carried.OWNERS.values():
            self._note_moved(name)

    def _note_moved(self, name: str) -> None:
        """`moved_accounts` (or loans): those whose rows go to another person, or are cut on another day, than before."""
        con, spec, key = self.con, TABLES[name], TABLES[name].key[0]
        columns = [d[0] for d in con.execute(f"SELECT * FROM clean_{name} LIMIT 0").description or []]
        now, then = (owners_sql(spec, f"{side}_{name}", columns) for side in ("clean", "before"))
        differ = f"(({now}) EXCEPT ({then})) UNION ALL (({then}) EXCEPT ({now}))"
        own = (
            f"SELECT DISTINCT {key} AS id FROM ({differ}) SEMI JOIN before_{name} b USING ({key})"
            f" ANTI JOIN removed_{name} r ON r.id = {key}"
        )
        if "moved_people" in self.made:
            own += f" UNION SELECT {key} FROM before_{name} SEMI JOIN moved_people p ON p.id = customer_id"
        con.execute(f"CREATE TABLE moved_{name} AS {own}")
        self.made.add(f"moved_{name}")

    def touched(self, name: str, relation: str) -> Touched | None:
        """What of a table is written again, by `relation`; None where nothing was touched."""
        if name not in self.done:  # balances made of movements
            if not self.some(relation) and not self.some("followed"):
                return None
            followed = "SELECT account_id FROM followed" if self.some("followed") else None
            return Touched(relation, followed, ("account_id",), self._people(name, "SELECT account_id AS id FROM followed"))
        if name in self.still:
            return None
        keys, spec, is_single = self.keys_of(name), TABLES[name], not self.done[name].has_versions
        told = f"(SELECT * FROM old_{name} UNION ALL BY NAME SELECT * FROM gone_{name})"
        if not self.some(f"old_{name}") and not self.some(f"gone_{name}"):
            return Touched(relation, None, tuple(keys), carried=self.carried.get(name), is_single=is_single)
        people = [c for c in reach.PEOPLE if c in keys and spec.by == "customer" and name != "customers"]
        joins, listed = "", {k: f"h.{ident(k)}" for k in keys}
        if people and "merged_sets" in self.made:  # rows stand under any number of the set
            for c in people:
                joins += f" LEFT JOIN merged_sets a_{c} ON a_{c}.customer_id = h.{c}"
                joins += f" LEFT JOIN merged_sets b_{c} ON b_{c}.root = a_{c}.root"
                listed[c] = f"coalesce(b_{c}.customer_id, h.{c}) AS {c}"
        replaces = f"SELECT DISTINCT {', '.join(listed.values())} FROM {told} h{joins}"
        whose = self._people(name, f"SELECT {spec.by}_id AS id FROM {told}")
        return Touched(relation, replaces, tuple(keys), whose, self.carried.get(name), is_single)

    def _people(self, name: str, ids: str) -> Whose | None:
        """Notes the customers under whom rows of accounts or loans may stand; None where it does not help to find them."""
        return (lambda con: carried.note_people(self.on(con), name, ids)) if carried.carries(self, name) else None

    def owning(self) -> dict[str, str]:
        """Relations that say whose the touched rows are: all merges, and the accounts and loans that were needed for them."""
        found = {"merges": "all_merges"} if "merges" in self.done else {}
        for owner in carried.OWNERS.values():
            if owner not in self.done:
                continue
            held.hold(self, owner, "SELECT NULL::VARCHAR AS id WHERE false")
            found[owner] = f"held_{owner}"
        return found

    def note_merges(self, sets: Mapping[str, str], touched: Iterable[str]) -> None:
        """`merged_sets`: number -> its set; `moved_people`: numbers of sets in which a merge came, changed or went."""
        con, roots = self.con, set(touched)
        people = [number_ for number_, root in sets.items() if root in roots]
        for name, columns in (
            ("merged_sets", {"customer_id": list(sets), "root": list(sets.values())}),
            ("moved_people", {"id": people}),
        ):
            rows = pa.table({column: pa.array(values, pa.string()) for column, values in columns.items()})
            con.register("_noted", rows)
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM _noted")
            self.made.add(name)
            con.unregister("_noted")
        wanted = sorted({bucket for buckets in self.rebuilt.values() for bucket in buckets})
        if wanted:
            bucket = bucket_sql("coalesce(s.root, c.customer_id)", self.buckets)
            con.execute(
                "INSERT INTO moved_people SELECT DISTINCT c.customer_id FROM stored_customers c LEFT JOIN merged_sets s"
                f" USING (customer_id) WHERE {bucket} IN ({', '.join(str(number_) for number_ in wanted)})"
            )

    def keys_of(self, name: str) -> list[str]:
        return [c for c in TABLES[name].key if c in self.read[name]]

    def some(self, table: str) -> bool:
        return bool(self.con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())
