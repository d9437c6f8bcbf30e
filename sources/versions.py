"""Versions of raw rows brought to a canonical table: what a full file's change, and a key gone from it, mean there.

- A row of the first full file was there before it, since its event; what masters overwrite is unknown before that day.
- A key that is gone has ended that day: accounts and loans are closed, terms have matured, rolled or been broken, customers
  are former. Only rows that can neither end nor be former are removed; earlier dates go on seeing all of them.
- A change in a column the table does not use is no version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from sources.history import FILE_ON, GONE
from sources.settings import Input, TableMap
from sources.sqltext import ident, one
from sources.statement import look
from sources.tables import END, OVERWRITTEN, TABLES

BEFORE = "_before"  # true: the row as it stood before the first full file


def compared_inputs(con: duckdb.DuckDBPyConnection, how: TableMap, inputs: Mapping[str, Input]) -> list[str]:
    """The inputs a mapping reads whose full files are compared."""
    read: Iterable[str] = look(con, how.select).tables if how.select is not None else [how.from_ or ""]
    return sorted(name for name in read if name in inputs and inputs[name].delivery == "full")


def numbered_sql(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    """The versions of `relation` with `_row` and `_before`: rows of the first full file are there twice."""
    first = one(con, f"SELECT min({FILE_ON}) FROM {relation}")[0]
    since = f"DATE '{first.isoformat()}'" if first else "NULL::DATE"
    return (
        f"(SELECT rowid AS _row, *, false AS {BEFORE} FROM {relation} UNION ALL"
        f" SELECT -1 - rowid, *, true FROM {relation} WHERE {FILE_ON} = {since} AND NOT {GONE})"
    )


@dataclass(frozen=True)
class Versioned:
    """The columns of a table made of versions, and the SELECT over its mapped rows that yields them."""

    columns: tuple[str, ...]
    knowing: tuple[str, ...]
    query: str


def versioned(
    table: str, how: TableMap, columns: Iterable[str], knowing: Iterable[str], unread: Iterable[str], read: str
) -> Versioned:
    """Versions of a canonical table from `read`: `_row`, its columns and flags, `_before`, `_on`, `_gone`."""
    spec, own = TABLES[table], tuple(columns)
    others = [c for c in knowing if c not in ("recorded_on", "deleted")]
    given = (*own, *others)
    added = {"customers": ("stage",), "terms": ("ended_on", "end_reason")}.get(table, ())
    added = (*added, *((END[table],) if table in END else ()))
    names = tuple(c for c in spec.names if c in own or c in added) if table != "snapshots" else own
    removed = table not in END and table != "customers"
    keys = ", ".join(ident(k) for k in spec.key if k in given)
    values = [f"{_value(table, how, c, given)} AS {ident(c)}" for c in names]
    values += [ident(c) for c in (*others, *(f"unread_{c}" for c in unread))]
    deleted = ["_gone AS deleted"] if removed else []
    same = ", ".join(ident(c) for c in (*names, *others, *(f"unread_{c}" for c in unread), *(["deleted"] if removed else [])))
    since = f"({ident(spec.event)} IS NULL OR {ident(spec.event)} < _on)" if spec.event in given else "true"
    told = ", ".join(["_row", *values, f"CASE WHEN {BEFORE} THEN NULL ELSE _on END AS recorded_on", *deleted, "_gone"])
    query = (
        f"SELECT * EXCLUDE (_gone, _n, _was_gone, _was_n, _was, _is) FROM (SELECT *, lag(_gone) OVER w AS _was_gone,"
        f" lag(_n) OVER w AS _was_n, lag(struct_pack({same})) OVER w AS _was, struct_pack({same}) AS _is FROM"
        f" (SELECT *, count(*) OVER (PARTITION BY {keys}, recorded_on) AS _n FROM"
        f" (SELECT {told} FROM ({read}) WHERE NOT {BEFORE} OR (NOT _gone AND {since})))"
        f" WINDOW w AS (PARTITION BY {keys} ORDER BY recorded_on NULLS FIRST, _row))"
        " WHERE NOT (_gone AND coalesce(_was_gone, true))"
        " AND NOT (_n = 1 AND coalesce(_was_n, 0) = 1 AND _is IS NOT DISTINCT FROM _was)"
    )
    return Versioned(names, ("recorded_on", *others, *(["deleted"] if removed else [])), query)


def _value(table: str, how: TableMap, column: str, given: tuple[str, ...]) -> str:
    """A column as the version has it."""
    own = ident(column) if column in given else "NULL"
    if column == END.get(table):
        ended = "CASE WHEN matures_on <= _on THEN matures_on ELSE _on END" if table == "terms" else "_on"
        return f"CAST(CASE WHEN _gone THEN coalesce({own}, {ended}) ELSE {own} END AS DATE)"
    if (table, column) == ("terms", "end_reason"):
        stays = f"NOT _gone OR {ident('ended_on')} IS NOT NULL" if "ended_on" in given else "NOT _gone"
        renewed = f"max(started_on) FILTER (WHERE NOT _gone AND NOT {BEFORE}) OVER (PARTITION BY account_id, _on)"
        return (
            f"CASE WHEN {stays} THEN {own} WHEN _on < matures_on THEN 'early'"
            f" WHEN {renewed} >= matures_on THEN 'rolled' ELSE 'matured' END"
        )
    if (table, column) == ("customers", "stage"):
        own = f"CASE WHEN _gone THEN 'former' ELSE {own} END"
    fixed = column in how.columns and how.columns[column].value is not None
    if column in OVERWRITTEN.get(table, ()) and column not in how.undated and not fixed:
        return f"CASE WHEN {BEFORE} THEN NULL ELSE {own} END"
    return own
