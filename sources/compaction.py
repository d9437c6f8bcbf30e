"""What a month of days has left, put together: one file per bucket in order, no row hidden, and not a row changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from sources.canonical import Canonical, TableState, open_canonical
from sources.change import at_version
from sources.connection import connect
from sources.deltafiles import replace
from sources.in_force import put_in_force
from sources.inventory import noted_files
from sources.landed import RunningKept, TableKept, columns_sql, copy, forget, read_state, rows_of, write_state
from sources.sqltext import quiet
from sources.tables import TABLES
from sources.written import order_sql
from store.limits import USUAL, Limits


def compact_tables(
    root: Path, limits: Limits = USUAL, say: Callable[[str, int, int], None] = lambda what, done, total: None
) -> int:
    """Write the buckets of every table under `root` anew that lie in several files or hold hidden rows; how many were.

    Rows in force stay the same, and so do their fingerprints. The manifest is written last.
    """
    there, states, done = open_canonical(root, limits), {}, 0
    with connect(limits, root.parent / "spill") as con:
        quiet(con)
        for name, state in there.manifest.tables.items():
            buckets = _scattered(there, name)
            table = at_version(root / name, state.delta_version) if buckets else None
            for bucket in buckets:
                assert table is not None
                _write(con, there, name, bucket, table)
            states[name] = _as_written(there, name, state, table) if table else state
            done += len(buckets)
    if done:
        made = there.manifest.model_copy(update={"tables": states})
        put_in_force(root, made, there.manifest, say)
    return done


def _scattered(there: Canonical, name: str) -> list[int | None]:
    """The buckets (None: of a table without) whose rows do not lie in one file each."""
    state = there.manifest.tables[name]
    files = Counter(file.bucket for file in state.files)
    hiding = {file.bucket for file in state.files if str(there.root / file.path) in there.hiding(name)}
    return sorted((b for b, count in files.items() if count > 1 or b in hiding), key=lambda b: -1 if b is None else b)


def _write(con: duckdb.DuckDBPyConnection, there: Canonical, name: str, bucket: int | None, table: DeltaTable) -> None:
    """A bucket's rows in force as one file in order, in the place of what it was."""
    query = f"SELECT * FROM {there.relation_sql(name, bucket)} ORDER BY {order_sql(TABLES[name])}"
    rows = con.sql(query).to_arrow_reader(200_000)
    replace(table, there.root / name, rows, bucket)


def _as_written(there: Canonical, name: str, state: TableState, table: DeltaTable) -> TableState:
    files = noted_files(there.root, name, table, state.files)
    return state.model_copy(update={"delta_version": table.version(), "files": files, "hidden": None})


def compact_landed(root: Path, limits: Limits = USUAL) -> int:
    """Put the small files of `HOME/landed/` together, all but each table's largest; how many went."""
    path = root / "canonical" / "manifest.json"
    state = read_state(root, open_canonical(root / "canonical").manifest.intake) if path.exists() else None
    if state is None:
        return 0
    with connect(limits, root / "spill") as con:
        quiet(con)
        tables = {name: _merged(con, root, name, table, state.intake) for name, table in state.tables.items()}
        running = _merged_running(con, root, state.running, state.intake) if state.running else None
    made = state.model_copy(update={"tables": tables, "running": running})
    write_state(root, made)
    return forget(root, made)


def _merged(con: duckdb.DuckDBPyConnection, root: Path, name: str, table: TableKept, intake: int) -> TableKept:
    """A table's mapped rows in two files at most; rows taken back stay named as such."""
    largest = max(table.files, key=lambda file: file.size)
    small = [file for file in table.files if file is not largest]
    if len(small) < 2:
        return table
    rows = f"SELECT {columns_sql(table)} FROM {rows_of(root, small)}"
    return table.model_copy(update={"files": (largest, copy(con, root, rows, f"{name}/{intake}-together"))})


def _merged_running(con: duckdb.DuckDBPyConnection, root: Path, running: RunningKept, intake: int) -> RunningKept:
    """Where each account stands now, in one file."""
    if len(running.files) < 2:
        return running
    rows = (
        f"SELECT * FROM {rows_of(root, running.files)}"
        " QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY intake DESC) = 1 ORDER BY account_id"
    )
    return running.model_copy(update={"files": (copy(con, root, rows, f"running/{intake}-together"),)})
