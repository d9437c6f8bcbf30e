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

import duckdb
import pyarrow as pa

from sources.change import Touched
from sources.contract import Checked, clean_before_sql, life_sql
from sources.landed import State, TableKept, columns_sql, rows_of
from sources.mapping import Mapped
from sources.sqltext import ident, literal, number, one
from sources.tables import TABLES
from sources.written import bucket_sql, owners_sql

_OWNERS = {"account": "accounts", "loan": "loans"}
_ABOVE = ("customers", "accounts", "loans")  # whose rows say whose the others are
_PEOPLE = ("customer_id", "related_id")


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

    def before(self, name: str) -> TableKept | None:
        """What was kept of a table."""
        return self.kept.tables.get(name) if self.kept else None

    def stored(self, name: str) -> None:
        """Make `stored_T`, `was_T` and an empty `gone_T` of what earlier intakes kept."""
        kept, con = self.before(name), self.con
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
            self._seed(name, mapped, ahead)
            if not self._some(f"seeds_{name}") and not (name == "transactions" and running and self._some("refollowed")):
                self._leave(name)
                return self.mapped[name]
            self._close(name, mapped, running=running)
            con.execute(f"CREATE TABLE mapped_{name} AS SELECT * FROM old_{name} UNION ALL BY NAME SELECT * FROM new_{name}")
        for place, (column, parent) in enumerate(TABLES[name].references):
            if column in mapped.columns and parent in self.done and parent != name:
                self.keys(parent, f"SELECT {ident(column)} AS id FROM mapped_{name}", place)
        owner = _OWNERS.get(TABLES[name].by)
        if owner in self.done:
            self.life(str(owner), f"SELECT {TABLES[name].by}_id AS id FROM mapped_{name}")
        mapped = replace(mapped, rows=number(con, f"SELECT count(*) FROM mapped_{name}"))
        self.mapped[name] = mapped
        return mapped

    def _leave(self, name: str) -> None:
        """The relations of a table of which nothing is touched: what was said of it stands."""
        con, kept = self.con, self.before(name)
        assert kept is not None
        self.still.add(name)
        con.execute(f"CREATE VIEW old_{name} AS SELECT * FROM new_{name} WHERE false")
        con.execute(f"CREATE VIEW mapped_{name} AS SELECT * FROM new_{name} WHERE false")
        con.execute(f"CREATE VIEW now_{name} AS SELECT * FROM was_{name}")
        con.execute(f"CREATE VIEW numbered_{name} AS {self._usable(name)} AND false")
        con.execute(f"CREATE VIEW clean_{name} AS SELECT * EXCLUDE (_row) FROM numbered_{name}")
        con.execute(f"CREATE VIEW before_{name} AS SELECT * FROM numbered_{name}")
        con.execute(f"CREATE VIEW all_{name} AS SELECT * EXCLUDE (_row) FROM ({self._usable(name)})")
        if name == "transactions":
            con.execute("CREATE TABLE IF NOT EXISTS followed (account_id VARCHAR)")
        self.done[name] = Checked(name, 0, 0, 0, 0, (), kept.columns, False, dict(kept.actions))

    def _usable(self, name: str) -> str:
        """Usable rows of earlier intakes that are not taken back."""
        kept = self.before(name)
        assert kept is not None
        nulled = [(label.partition(":")[2], label) for label, action in kept.actions.items() if action == "null"]
        return clean_before_sql(self.mapped[name], f"stored_{name}", f"was_{name}", nulled)

    def keys(self, parent: str, needed: str, place: int = 0) -> None:
        """`keys_PARENT`: usable keys among the needed ones (all, where everything is looked at)."""
        only = f" SEMI JOIN ({needed}) n USING (id)" if self.kept else ""
        if self.kept is None and place >= 0 and self._there(f"keys_{parent}"):
            return
        self.con.execute(
            f"CREATE OR REPLACE TABLE keys_{parent} AS SELECT DISTINCT id FROM"
            f" (SELECT {ident(TABLES[parent].key[0])} AS id FROM all_{parent}){only}"
        )

    def life(self, owner: str, needed: str) -> None:
        """`life_accounts` or `life_loans`, of the needed ones."""
        if self.kept is None and self._there(f"life_{owner}"):
            return
        key, mapped = TABLES[owner].key[0], self.mapped[owner]
        rows = f"(SELECT * FROM all_{owner} a SEMI JOIN ({needed}) n ON n.id = a.{key})" if self.kept else f"all_{owner}"
        self.con.execute(f"CREATE OR REPLACE TABLE life_{owner} AS {life_sql(owner, (*mapped.columns, *mapped.knowing), rows)}")

    def _there(self, table: str) -> bool:
        return bool(number(self.con, f"SELECT count(*) FROM duckdb_tables() WHERE table_name = {literal(table)}"))

    def checked(self, name: str, found: Checked) -> None:
        """Note what the check of a table changed for those that depend on it; makes `all_T`."""
        con, spec, mapped = self.con, TABLES[name], self.mapped[name]
        self.done[name] = found
        if self.kept is None:
            con.execute(f"CREATE VIEW all_{name} AS SELECT * FROM clean_{name}")
            if name == "merges":
                con.execute("CREATE TABLE merged_before AS SELECT old_id, new_id FROM clean_merges WHERE false")
            return
        keys = self._keys(name)
        rows = f"(SELECT * FROM old_{name} UNION ALL BY NAME SELECT * FROM gone_{name})"
        con.execute(f"CREATE TABLE before_{name} AS {clean_before_sql(mapped, rows, f'was_{name}', found.nulled)}")
        still = clean_before_sql(mapped, f"stored_{name}", f"was_{name}", found.nulled)
        con.execute(
            f"CREATE VIEW all_{name} AS SELECT * FROM clean_{name} UNION ALL BY NAME SELECT * EXCLUDE (_row) FROM ({still}) m"
            f" ANTI JOIN seeds_{name} s ON {_same(keys, 'm', 's')}"
        )
        key = ident(spec.key[0])
        for change, one_side, other in (
            ("added", f"clean_{name}", f"before_{name}"),
            ("removed", f"before_{name}", f"clean_{name}"),
        ):
            con.execute(f"CREATE TABLE {change}_{name} AS SELECT {key} AS id FROM {one_side} EXCEPT SELECT {key} FROM {other}")
        if name in _OWNERS.values():
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
        if self._there("moved_people"):
            own += f" UNION SELECT {key} FROM before_{name} SEMI JOIN moved_people p ON p.id = customer_id"
        con.execute(f"CREATE TABLE moved_{name} AS {own}")

    def touched(self, name: str, relation: str) -> Touched | None:
        """What of a table is written again, by `relation`; None where nothing was touched."""
        if name not in self.done:  # balances made of movements
            if not self._some(relation) and not self._some("followed"):
                return None
            return Touched(relation, "SELECT account_id FROM followed" if self._some("followed") else None, ("account_id",))
        if name in self.still:
            return None
        keys, spec = self._keys(name), TABLES[name]
        held = f"(SELECT * FROM old_{name} UNION ALL BY NAME SELECT * FROM gone_{name})"
        if not self._some(f"old_{name}") and not self._some(f"gone_{name}"):
            return Touched(relation, None, tuple(keys))
        people = [c for c in _PEOPLE if c in keys and spec.by == "customer" and name != "customers"]
        joins, listed = "", {k: f"h.{ident(k)}" for k in keys}
        if people and self._there("merged_sets"):  # rows stand under any number of the set
            for c in people:
                joins += f" LEFT JOIN merged_sets a_{c} ON a_{c}.customer_id = h.{c}"
                joins += f" LEFT JOIN merged_sets b_{c} ON b_{c}.root = a_{c}.root"
                listed[c] = f"coalesce(b_{c}.customer_id, h.{c}) AS {c}"
        return Touched(relation, f"SELECT DISTINCT {', '.join(listed.values())} FROM {held} h{joins}", tuple(keys))

    def owning(self, relations: Mapping[str, str]) -> dict[str, str]:
        """Relations that say whose the touched rows are: all merges, and the accounts and loans that have such rows."""
        found = {"merges": "all_merges"} if "merges" in self.done else {}
        for by, owner in _OWNERS.items():
            if owner not in self.done:
                continue
            rows = [f"SELECT {by}_id AS id FROM {r}" for name, r in relations.items() if TABLES[name].by == by]
            needed = f" SEMI JOIN ({' UNION '.join(rows)}) n ON n.id = o.{by}_id" if rows else " WHERE false"
            self.con.execute(f"CREATE TABLE owning_{owner} AS SELECT o.* FROM all_{owner} o{needed}")
            found[owner] = f"owning_{owner}"
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
            con.unregister("_noted")
        wanted = sorted({bucket for buckets in self.rebuilt.values() for bucket in buckets})
        if wanted:
            bucket = bucket_sql("coalesce(s.root, c.customer_id)", self.buckets)
            con.execute(
                "INSERT INTO moved_people SELECT DISTINCT c.customer_id FROM stored_customers c LEFT JOIN merged_sets s"
                f" USING (customer_id) WHERE {bucket} IN ({', '.join(str(number_) for number_ in wanted)})"
            )

    def _keys(self, name: str) -> list[str]:
        have = {d[0] for d in self.con.execute(f"SELECT * FROM new_{name} LIMIT 0").description or []}
        return [c for c in TABLES[name].key if c in have]

    def _seed(self, name: str, mapped: Mapped, ahead: tuple[dt.date | None, dt.date | None]) -> None:
        """`seeds_T`: keys to be looked at again, but for those found by `_close`."""
        con, spec, keys = self.con, TABLES[name], self._keys(name)
        listed = ", ".join(f"m.{ident(k)}" for k in keys)
        if self.rebuilt and name not in (*self.rebuilt, *_ABOVE):
            con.execute(f"CREATE TABLE seeds_{name} AS SELECT {listed} FROM new_{name} m WHERE false")
            return
        parts = [f"SELECT {listed} FROM new_{name} m", f"SELECT {listed} FROM gone_{name} m"]
        if name in self.rebuilt and spec.by == "bank":
            parts.append(f"SELECT {listed} FROM stored_{name} m")
        for column, parent in spec.references:
            if column not in mapped.columns or parent not in self.done or parent == name:
                continue
            if parent in self.still:
                continue
            if self._some(f"added_{parent}") and self._some(f"was_{name}"):
                label = literal(f"reference:{column}")
                parts.append(
                    f"SELECT {listed} FROM stored_{name} m JOIN was_{name} v USING (_row)"
                    f" SEMI JOIN added_{parent} a ON a.id = m.{ident(column)} WHERE list_contains(v.rules, {label})"
                )
            if self._some(f"removed_{parent}"):
                parts.append(f"SELECT {listed} FROM stored_{name} m SEMI JOIN removed_{parent} r ON r.id = m.{ident(column)}")
        people = [c for c in _PEOPLE if c in mapped.columns and spec.by == "customer"]
        if people and self._there("moved_people") and self._some("moved_people"):
            parts += [f"SELECT {listed} FROM stored_{name} m SEMI JOIN moved_people p ON p.id = m.{c}" for c in people]
        owner = _OWNERS.get(spec.by)
        if owner in self.done and owner not in self.still and self._some(f"moved_{owner}"):
            parts.append(f"SELECT {listed} FROM stored_{name} m SEMI JOIN moved_{owner} o ON o.id = m.{spec.by}_id")
        if ahead[0] != ahead[1]:
            since = min(day for day in ahead if day is not None)
            parts.append(f"SELECT {listed} FROM stored_{name} m WHERE m.{ident(spec.event or '')} > DATE '{since.isoformat()}'")
        con.execute(f"CREATE TABLE seeds_{name} AS {' UNION '.join(parts)}")

    def _some(self, table: str) -> bool:
        return bool(self.con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())

    def _close(self, name: str, mapped: Mapped, *, running: bool) -> None:
        """`old_T`: stored rows of all seeds, and what belongs together with them, until nothing more does."""
        con, keys, spec = self.con, self._keys(name), TABLES[name]
        con.execute(f"CREATE TABLE old_{name} AS SELECT * FROM stored_{name} WHERE false")
        people = [c for c in _PEOPLE if c in spec.key and name != "customers" and spec.by == "customer"]
        merged = people and self._there("merged_sets") and self._some("merged_sets")
        follows = name == "transactions" and running
        if follows:
            con.execute("CREATE TABLE followed (account_id VARCHAR)")
            con.execute(f"CREATE TABLE to_follow AS {self._followed_sql()}")
        con.execute(f"CREATE TABLE turn_{name} AS SELECT DISTINCT * FROM seeds_{name}")  # keys that are still to be looked up
        while True:
            self._fetch(name, keys)
            held = f"(SELECT * FROM old_{name} UNION ALL BY NAME SELECT * FROM gone_{name})"
            wider = []
            if merged and (self._some(f"old_{name}") or self._some(f"gone_{name}")):
                for column in people:
                    wider += [
                        f"SELECT m.* FROM stored_{name} m SEMI JOIN (SELECT b.customer_id FROM merged_sets a SEMI JOIN {held} h"
                        f" ON h.{column} = a.customer_id JOIN merged_sets b USING (root)) p ON p.customer_id = m.{other}"
                        for other in people
                    ]
            if follows:
                con.execute(
                    f"INSERT INTO to_follow SELECT DISTINCT account_id FROM {held} h WHERE account_id IS NOT NULL"
                    " EXCEPT (SELECT account_id FROM followed UNION SELECT account_id FROM to_follow)"
                )
                if self._some("to_follow"):
                    wider.append(f"SELECT m.* FROM stored_{name} m SEMI JOIN to_follow f USING (account_id)")
            con.execute(f"DELETE FROM turn_{name}")
            if wider:
                listed = ", ".join(f"m.{ident(k)}" for k in keys)
                con.execute(
                    f"CREATE TABLE wider AS SELECT DISTINCT m.* FROM ({' UNION ALL '.join(wider)}) m"
                    f" ANTI JOIN old_{name} o USING (_row)"
                )
                con.execute(f"INSERT INTO old_{name} SELECT * FROM wider")
                con.execute(
                    f"INSERT INTO turn_{name} SELECT DISTINCT {listed} FROM wider m"
                    f" ANTI JOIN seeds_{name} s ON {_same(keys, 'm', 's')}"
                )
                con.execute(f"INSERT INTO seeds_{name} SELECT * FROM turn_{name}")
                con.execute("DROP TABLE wider")
            if follows:
                con.execute("INSERT INTO followed SELECT * FROM to_follow")
                con.execute("DELETE FROM to_follow")
            if not self._some(f"turn_{name}"):
                return

    def _fetch(self, name: str, keys: Sequence[str]) -> None:
        """Put the stored rows of the keys of `turn_T` into `old_T`."""
        con = self.con
        con.execute(  # few columns to find them: most rows are not among them
            f"CREATE TABLE found AS SELECT m._row FROM ({self._matching(name, keys)}) m ANTI JOIN old_{name} o USING (_row)"
        )
        first, last = one(con, "SELECT min(_row), max(_row) FROM found")
        if first is not None:
            con.execute(
                f"INSERT INTO old_{name} SELECT m.* FROM stored_{name} m SEMI JOIN found f USING (_row)"
                f" WHERE m._row BETWEEN {first} AND {last}"
            )
        con.execute("DROP TABLE found")

    def _matching(self, name: str, keys: Sequence[str]) -> str:
        """A SELECT of stored rows of the keys of `turn_T`; by equality and bounds: row groups elsewhere are not read."""
        con, turn = self.con, f"turn_{name}"
        whole = " AND ".join(f"{ident(k)} IS NOT NULL" for k in keys)
        asked = ", ".join(f"min({ident(k)})::VARCHAR, max({ident(k)})::VARCHAR" for k in keys)
        ends = one(con, f"SELECT {asked} FROM {turn} WHERE {whole}")
        bounds = [
            f"m.{ident(k)} BETWEEN {literal(low)} AND {literal(high)}"
            for k, low, high in zip(keys, ends[::2], ends[1::2], strict=True)
            if low is not None
        ]
        alike = " AND ".join(f"m.{ident(k)} = s.{ident(k)}" for k in keys)
        parts = (
            [f"SELECT m.* FROM stored_{name} m SEMI JOIN {turn} s ON {alike} WHERE {' AND '.join(bounds)}"] if bounds else []
        )
        if not bounds or number(con, f"SELECT count(*) FROM {turn} WHERE NOT ({whole})"):
            lacking = f"(SELECT * FROM {turn} WHERE NOT ({whole}))"
            parts.append(f"SELECT m.* FROM stored_{name} m SEMI JOIN {lacking} s ON {_same(keys, 'm', 's')}")
        return " UNION ALL ".join(parts)

    def _followed_sql(self) -> str:
        """Accounts whose movements must be followed from the first: some are not later than all that were there."""
        late = (
            'SELECT n.account_id FROM (SELECT account_id, min("on") AS first_on FROM new_transactions GROUP BY 1) n'
            " JOIN running_was b USING (account_id) WHERE n.first_on <= b.last_on"
        )
        return f"SELECT account_id FROM ({late} UNION SELECT id FROM refollowed)"


def _same(keys: Iterable[str], one_side: str, other: str) -> str:
    return " AND ".join(f"{one_side}.{ident(k)} IS NOT DISTINCT FROM {other}.{ident(k)}" for k in keys)
