"""The file of each listed person, for the checker: everything the bank knew at the close of the day, under all numbers."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sources.canonical import Canonical
from targeting.settings import TargetingSettings

Row = Mapping[str, Any]
_BY_CUSTOMER = ("customers", "accounts", "loans", "loan_status", "holdings", "contacts", "consents", "suppressions")
_OF_BANK = ("managers", "grids", "branches", "products", "merges", "availability")


@dataclass
class File:
    """Everything the bank knows, at the close of the day, about one person under all numbers."""

    numbers: frozenset[str]
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def suppressed(self, *kinds: str) -> list[Row]:
        return [s for s in self.rows["suppressions"] if s["kind"] in kinds and s["ended_on"] is None]


@dataclass(frozen=True)
class Bank:
    """What the rules need beside a person's file."""

    as_of: dt.date
    settings: TargetingSettings
    managers: dict[str, Row]
    grids: dict[str, Row]
    branches: dict[str, Row]
    products: dict[str, Row]
    present: dict[tuple[str, dt.date], float]  # hours of a manager on a day
    gone: frozenset[str]  # numbers merged into others

    def area(self, branch: str | None) -> str | None:
        """The branch that an outlet belongs to; where outlets go round in a ring, the first by name of those passed."""
        passed: set[str] = set()
        while branch in self.branches and self.branches[branch]["level"] == "outlet":
            above = self.branches[branch]["parent_id"]
            if above not in self.branches or self.branches[above]["level"] == "head":
                break
            passed.add(branch)
            if above in passed:  # outlets that belong to each other in a ring
                return min(passed)
            branch = above
        return branch


def open_files(
    listed: Iterable[str], canonical: Canonical, as_of: dt.date, settings: TargetingSettings
) -> tuple[Bank, dict[str, File]]:
    """The bank as the rules need it, and the file of every listed customer."""
    con = canonical.connect()

    def read(table: str, only: str = "") -> list[Row]:
        state = canonical.manifest.tables.get(table)
        if state is None or state.rows == 0:
            return []
        rows = canonical.scan(con, table, as_of)
        names = rows.columns
        con.register("_now", rows)
        return [dict(zip(names, values, strict=True)) for values in con.execute(f"SELECT * FROM _now {only}").fetchall()]

    whole = {table: read(table) for table in _OF_BANK}
    merges = [(m["old_id"], m["new_id"]) for m in whole["merges"] if m["undone_on"] is None]
    persons = _persons(set(listed), merges)
    con.execute("CREATE TEMP TABLE _numbers (customer_id VARCHAR)")
    numbers = sorted({n for person in persons.values() for n in person})
    if numbers:
        con.execute("INSERT INTO _numbers SELECT unnest(?)", [numbers])
    files = {customer: File(numbers=person) for customer, person in persons.items()}
    holders: dict[str, list[File]] = defaultdict(list)
    for person_file in files.values():
        for number in person_file.numbers:
            holders[number].append(person_file)
    for table in _BY_CUSTOMER:
        for row in read(table, "SEMI JOIN _numbers USING (customer_id)"):
            for holder in holders[row["customer_id"]]:
                holder.rows[table].append(row)
    keyed = {t: {r[f"{t[:-2] if t == 'branches' else t[:-1]}_id"]: r for r in whole[t]} for t in _OF_BANK[:4]}
    present = {(a["manager_id"], a["on"]): a["hours"] for a in whole["availability"]}
    return Bank(
        as_of,
        settings,
        keyed["managers"],
        keyed["grids"],
        keyed["branches"],
        keyed["products"],
        present,
        frozenset(old for old, _ in merges),
    ), files


def _persons(listed: set[str], merges: list[tuple[str, str]]) -> dict[str, frozenset[str]]:
    neighbours: dict[str, set[str]] = defaultdict(set)
    for old, new in merges:
        neighbours[old].add(new)
        neighbours[new].add(old)
    found = {}
    for customer in listed:
        reached, edge = {customer}, [customer]
        while edge:
            fresh = neighbours.get(edge.pop(), set()) - reached
            reached |= fresh
            edge.extend(fresh)
        found[customer] = frozenset(reached)
    return found
