"""Canonical tables written whole, in the place of those before; the manifest comes last and makes them the ones in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import duckdb

from sources.canonical import Canonical, CanonicalManifest, TableState, read_sql
from sources.deltafiles import write_whole
from sources.in_force import Progress, put_in_force
from sources.inventory import Counts, count_rows, noted_files, state_of
from sources.tables import TABLES
from sources.written import KNOWING, order_sql, prepare_owners, prepare_people, rows_sql
from store.errors import TerraceError
from store.limits import USUAL, Limits

_BATCH = 200_000  # rows that are handed on at once


def write_canonical(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    sources: Mapping[str, str],
    *,
    bank: str,
    currency: str,
    buckets: int = 8,
    newest: dt.date,
    inputs: Mapping[str, str],
    config_hash: str = "",
    code_hash: str = "",
    undated: Mapping[str, Sequence[str]] | None = None,
    single: Collection[str] = (),
    intake: int = 0,
    counts: dict[str, Counts] | None = None,
    before_manifest: Callable[[], None] | None = None,
    limits: Limits = USUAL,
    say: Progress = lambda what, done, total: None,
) -> Canonical:
    """Write canonical tables from relations of `con` (table name -> relation name) and make them the ones in force.

    A relation holds columns of its table by name (those a bank has not are left out) and may hold `recorded_on` (default:
    the event's date; several rows of one key are versions, the last recorded counts), `valid_from` (versions of attributes)
    and `deleted` (this version removes the row). `single` names tables of which it is known that no key occurs twice. The
    order of rows on disk is total: bucket, owner, event date, key. `customer_id` is the number that stood for the person: a
    merge ends a row's version under the old number and begins one under the new (sources.identity). The manifest is written
    last, so a crash leaves the earlier intake in force. `counts` is filled with what each table holds; `before_manifest` is
    called when all else is written.
    """
    states: dict[str, TableState] = {}
    prepare_people(con, sources.get("merges"))
    prepare_owners(con, sources, buckets)
    for name in [table for table in TABLES if table in sources]:
        say(f"write {name}", len(states), len(sources))
        blank = (undated or {}).get(name, ())
        states[name], counted = _written(con, root, name, sources, buckets, name in single, blank, limits)
        if counts is not None:
            counts[name] = counted
    manifest = CanonicalManifest(
        bank=bank,
        currency=currency,
        buckets=buckets,
        newest_business_date=newest,
        inputs=dict(inputs),
        config_hash=config_hash,
        code_hash=code_hash,
        tables=states,
        intake=intake,
    )
    if before_manifest:
        before_manifest()
    put_in_force(root, manifest, None, say)
    return Canonical(root, manifest, limits)


def _written(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    name: str,
    sources: Mapping[str, str],
    buckets: int,
    is_single: bool,
    undated: Sequence[str],
    limits: Limits,
) -> tuple[TableState, Counts]:
    """One table written whole: what is said of it, and what it holds."""
    query, present = rows_sql(con, name, sources, buckets, is_single=is_single)
    _check_columns(name, present)
    rows = con.sql(f"SELECT * FROM ({query}) ORDER BY {order_sql(TABLES[name])}").to_arrow_reader(_BATCH)
    table = write_whole(root / name, rows)
    files = noted_files(root, name, table)
    listed = [str(root / file.path) for file in files]
    counted = count_rows(name, read_sql(name, listed), limits) if listed else Counts()
    return state_of(name, table.version(), present, undated, counted, files), counted


def _check_columns(name: str, present: Sequence[str]) -> None:
    unknown = set(present) - set(TABLES[name].names) - set(KNOWING) if name != "snapshots" else set()
    if unknown:
        raise TerraceError(
            f"columns {sorted(unknown)} are not of the table", where=name, expected=", ".join(TABLES[name].names)
        )


__all__ = ["Progress", "write_canonical"]
