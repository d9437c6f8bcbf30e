"""One person, several numbers: which number stood for whom, and when.

A merge is a version of every row of the old number: until its day the row is the old number's, from then on the new one's,
and once undone the old one's again. So whoever reads rows as of a date reads them under the number of that date, and need
not know that merges exist.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from sources.tables import Table
from sources.telling import told_columns, told_sql, turn_sql

_EVER = dt.date(1, 1, 1)
Merge = tuple[str, str, dt.date, dt.date | None]  # old, new, from, undone


def merged_roots(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Every merged customer number -> the smallest number of its set, chains followed: stable whatever is merged into what."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for old, new in pairs:
        a, b = sorted((root(old), root(new)))
        parent[b] = a
    return {node: root(node) for node in sorted(parent)}


def standing(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Old number -> the number that stands for it, chains followed to their end; a ring keeps its smallest number."""
    onward = dict(sorted(pairs))
    found: dict[str, str] = {}
    for old in onward:
        path = [old]
        while path[-1] in onward and onward[path[-1]] not in path:
            path.append(onward[path[-1]])
        last = path[-1]
        found[old] = min(path[path.index(onward[last]) :]) if last in onward else last
    return found


def spells(merges: Sequence[Merge]) -> list[tuple[str, str, dt.date, dt.date | None]]:
    """(number, number that stands for it, from, to exclusive) over all time, for every number ever merged away."""
    roots, sets = merged_roots((old, new) for old, new, _, _ in merges), dict[str, list[Merge]]()
    for merge in merges:  # sets have nothing to do with each other
        sets.setdefault(roots[merge[0]], []).append(merge)
    return sorted((spell for of in sets.values() for spell in _spells_of(of)), key=lambda spell: (spell[0], spell[2]))


def _spells_of(merges: Sequence[Merge]) -> list[tuple[str, str, dt.date, dt.date | None]]:
    """Spells of one set of numbers."""
    days = sorted({_EVER, *(m[2] for m in merges), *(m[3] for m in merges if m[3])})
    olds = sorted({m[0] for m in merges})
    found: list[tuple[str, str, dt.date, dt.date | None]] = []
    current: dict[str, tuple[str, dt.date]] = {}
    for day in days:
        now = standing((old, new) for old, new, on, undone in merges if on <= day and (undone is None or undone > day))
        for old in olds:
            person = now.get(old, old)
            if old not in current:
                current[old] = (person, day)
            elif current[old][0] != person:
                found.append((old, current[old][0], current[old][1], day))
                current[old] = (person, day)
    return found + [(old, person, begin, None) for old, (person, begin) in current.items()]


def note_persons(con: duckdb.DuckDBPyConnection, merges: str) -> list[tuple[str, str]]:
    """Table `_person` (customer_id, person, since, until) from a relation of merges; returns its pairs of numbers."""
    columns = [d[0] for d in con.execute(f"SELECT * FROM {merges} LIMIT 0").description or []]
    told = told_columns(columns)
    known = told_sql(told, "on")
    undone = "NULL::DATE"
    if "undone_on" in columns:
        undone = f"CASE WHEN undone_on IS NOT NULL THEN greatest(undone_on, {known}) END"
    if "deleted" in columns:
        undone = f"CASE WHEN deleted THEN {known} ELSE {undone} END"
    rows = con.execute(  # each version holds until the next one is known, or until it is undone
        "SELECT old_id, new_id, known, least(undone, followed) AS until FROM (SELECT old_id, new_id,"
        f" {known} AS known, {undone} AS undone, lead({known}) OVER"
        f' (PARTITION BY old_id, new_id, "on" ORDER BY {turn_sql(told)}) AS followed FROM {merges}) ORDER BY ALL'
    ).fetchall()
    found = spells([row for row in rows if row[3] is None or row[2] < row[3]])
    names, types = ("customer_id", "person", "since", "until"), (pa.string(), pa.string(), pa.date32(), pa.date32())
    con.register(
        "_person_rows",
        pa.table({n: pa.array([s[i] for s in found], t) for i, (n, t) in enumerate(zip(names, types, strict=True))}),
    )
    con.execute("CREATE OR REPLACE TABLE _person AS SELECT * FROM _person_rows")
    con.unregister("_person_rows")
    return [(row[0], row[1]) for row in rows]


def resolved_sql(written: str, spec: Table) -> str:
    """Rows with `customer_id`, `known_from`, `known_to`, cut at the days on which another number came to stand for theirs.

    A number merged away is no customer of its own: its row of `customers` counts only while it stands for itself. A link
    names two people, both are resolved; between two numbers of one person there is no link while they are one.
    """
    query = _cut(written, "customer_id", " AND p.person = p.customer_id" if spec.name == "customers" else "")
    if "related_id" in spec.names:
        query = f"SELECT * FROM ({_cut(query, 'related_id')}) WHERE customer_id IS DISTINCT FROM related_id"
    return query


def _cut(rows: str, column: str, only: str = "") -> str:
    """`rows` with the number that stood for `column`, one row for each spell in which it was the same."""
    return (
        f"SELECT w.* REPLACE (coalesce(p.person, w.{column}) AS {column},"
        " CASE WHEN p.since IS NULL THEN w.known_from ELSE greatest(w.known_from, p.since) END AS known_from,"
        " CASE WHEN p.since IS NULL THEN w.known_to ELSE least(w.known_to, p.until) END AS known_to)"
        f" FROM ({rows}) w LEFT JOIN _person p ON p.customer_id = w.{column}"
        " WHERE p.customer_id IS NULL OR ((w.known_to IS NULL OR p.since < w.known_to)"
        f" AND (p.until IS NULL OR p.until > w.known_from){only})"
    )
