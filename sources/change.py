"""What an intake changes in canonical tables: rows that come are appended, rows they replace are hidden by file and row.

Delta's own log knows appended files only. Rows no longer in force stay in their files until the monthly compaction; the
manifest names the file (`canonical/hidden/TABLE-N.parquet`: file, row) that says which they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from sources.canonical import Canonical, CanonicalManifest, DataFile, TableState
from sources.deltafiles import append
from sources.in_force import put_in_force
from sources.inventory import Counts, counted_of, counts_sql, noted_files, state_of
from sources.lanes import beside
from sources.overwrite import Progress
from sources.sqltext import ident
from sources.tables import TABLES, Table
from sources.written import columns_of, order_sql, prepare_owners, rows_sql
from store.files import write_parquet
from store.fingerprint import of_file

Whose = Callable[[duckdb.DuckDBPyConnection], dict[int, list[str]]]


@dataclass(frozen=True)
class Touched:
    """What of a table an intake looked at again: `rows` are the relation it is now made of; `replaces` a SELECT of the keys
    under which rows may stand already (None: none)."""

    rows: str
    replaces: str | None
    by: tuple[str, ...]  # columns of `replaces`
    people: Whose | None = None  # makes `people` (bucket, id), under whom such rows may stand; None: any
    carried: str | None = None  # a relation of rows that are as they stand in `stands_T` but for owner and place
    is_single: bool = False  # it is known that no key of `rows` has two


def write_change(
    con: duckdb.DuckDBPyConnection,
    there: Canonical,
    touched: Mapping[str, Touched],
    owning: Mapping[str, str],
    manifest: Callable[[dict[str, TableState]], CanonicalManifest],
    counts: dict[str, Counts],
    *,
    undated: Mapping[str, Sequence[str]],
    intake: int,
    lanes: int,
    say: Progress,
    before_manifest: Callable[[], None],
) -> Canonical:
    """Bring the touched rows of each table into force, people being prepared. `owning`: relations of what owns them;
    `counts` of each table are brought up to date. The manifest is written last: a crash leaves the earlier intake in force."""
    states = dict(there.manifest.tables)
    prepare_owners(con, owning, there.manifest.buckets)

    def change(name: str, con: duckdb.DuckDBPyConnection) -> TableState:
        return _change(con, there, name, touched[name], owning, counts, undated.get(name, ()), intake)

    largest_first = sorted(touched, key=lambda name: -counts[name].rows)
    made_of = beside(con, {f"write {name}": partial(change, name) for name in largest_first}, lanes, say)
    states |= {name: made_of[f"write {name}"] for name in touched}
    made = manifest(states)
    before_manifest()
    put_in_force(there.root, made, there.manifest, say)
    return Canonical(there.root, made, there.limits)


def _change(
    con: duckdb.DuckDBPyConnection,
    there: Canonical,
    name: str,
    touched: Touched,
    owning: Mapping[str, str],
    counts: dict[str, Counts],
    undated: Sequence[str],
    intake: int,
) -> TableState:
    state, spec = there.manifest.tables[name], TABLES[name]
    query, _ = rows_sql(
        con,
        name,
        {**owning, name: touched.rows},
        there.manifest.buckets,
        is_single=touched.is_single,
        carried=touched.carried,
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE come_{name} AS {query}")
    columns = columns_of(con, f"come_{name}")
    _stood(con, there, name, touched, ", ".join(f"r.{ident(c)}" for c in columns))
    add, hide = _differences(con, spec, columns)
    if not add.num_rows and not hide.num_rows:
        return state
    come_now, stood_before = (  # what is on both sides cancels out
        counted_of(name, columns, con.execute(counts_sql(name, columns, f"{side}_{name}")).fetchall())
        for side in ("come", "stood")
    )
    counts[name] = counts[name].changed(come_now, stood_before)
    version, files = state.delta_version, state.files
    if add.num_rows:
        table = at_version(there.root / name, version)
        append(table, there.root / name, add.to_reader())
        version, files = table.version(), noted_files(there.root, name, table, files)
    hidden = _hide(there, name, hide, intake) if hide.num_rows else state.hidden
    return state_of(name, version, state.mapped, undated, counts[name], files, hidden)


def _differences(con: duckdb.DuckDBPyConnection, spec: Table, columns: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    """Rows of `come_T` that `stood_T` lacks, in order; and where those lie that `come_T` lacks.

    Only rows of keys that stand are held against them cell by cell: most have come under keys of their own.
    """
    name = spec.name
    keys = _alike([k for k in spec.key if k in columns])
    con.execute(f"CREATE OR REPLACE TEMP TABLE met_{name} AS SELECT * FROM come_{name} a SEMI JOIN stood_{name} b ON {keys}")
    met, stood = (_told_apart(spec, columns, f"{side}_{name}") for side in ("met", "stood"))
    equal = _alike([*columns, "_nth"])
    new = (
        f"SELECT * FROM come_{name} a ANTI JOIN stood_{name} b ON {keys}"
        f" UNION ALL SELECT * EXCLUDE (_nth) FROM {met} a ANTI JOIN {stood} b ON {equal}"
    )
    gone = f"SELECT _file AS file, _at::BIGINT AS row FROM {stood} a ANTI JOIN {met} b ON {equal} ORDER BY ALL"
    return con.sql(f"SELECT * FROM ({new}) ORDER BY {order_sql(spec)}").to_arrow_table(), con.sql(gone).to_arrow_table()


def _alike(columns: Iterable[str]) -> str:
    return " AND ".join(f"a.{ident(c)} IS NOT DISTINCT FROM b.{ident(c)}" for c in columns)


def _told_apart(spec: Table, columns: Sequence[str], relation: str) -> str:
    """Rows with `_nth`, 1 for the first of equal ones: what two numbers of one person have may be equal, and counts twice."""
    listed = ", ".join(ident(c) for c in columns)
    nth = f"row_number() OVER (PARTITION BY {listed})" if spec.by == "customer" else "1"  # elsewhere keys name no person
    return f"(SELECT *, {nth} AS _nth FROM {relation})"


def _stood(con: duckdb.DuckDBPyConnection, there: Canonical, name: str, touched: Touched, listed: str) -> None:
    """`stood_T`: the rows in force of the keys that are replaced, and where they lie."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE stood_{name} AS SELECT *, NULL::VARCHAR AS _file, 0::BIGINT AS _at FROM come_{name}"
        " WHERE false"
    )
    if touched.carried:
        con.execute(f"INSERT INTO stood_{name} BY NAME SELECT {listed}, r._file, r._at FROM stands_{name} r")
    if touched.replaces is None or not there.manifest.tables[name].files:
        return
    same = " AND ".join(f"r.{ident(k)} IS NOT DISTINCT FROM k.{ident(k)}" for k in touched.by)
    placed, whose = there.placed_sql(name), "NULL" if TABLES[name].by == "bank" else "r.customer_id"
    if touched.people is not None:
        placed = there.placed_of_sql(name, "people", touched.people(con))
    con.execute(  # few columns to find them, and the others of those files only in which there are any
        f"CREATE OR REPLACE TEMP TABLE places AS SELECT r._file, r._at, {whose} AS whose FROM ({placed}) r"
        f" SEMI JOIN ({touched.replaces}) k ON {same}"
    )
    if files := {file for (file,) in con.execute("SELECT DISTINCT _file FROM places").fetchall()}:
        theirs = "" if TABLES[name].by == "bank" else " SEMI JOIN places w ON w.whose = r.customer_id"
        con.execute(
            f"INSERT INTO stood_{name} BY NAME SELECT {listed}, r._file, r._at FROM"
            f" (SELECT r.* FROM ({there.placed_sql(name, files)}) r{theirs}) r SEMI JOIN places USING (_file, _at)"
        )


def at_version(folder: Path, version: int) -> DeltaTable:
    """A Delta table as it is at `version`: what an intake that was killed has left after it is put aside."""
    table = DeltaTable(str(folder))
    if table.version() != version:
        table.restore(version)
    return table


def _hide(there: Canonical, name: str, found: pa.Table, intake: int) -> DataFile:
    """The note of rows no longer in force, those of earlier intakes included."""
    state = there.manifest.tables[name]
    if state.hidden:
        found = pa.concat_tables([pq.read_table(there.root / state.hidden.path).cast(found.schema), found])
    path = there.root / "hidden" / f"{name}-{intake}.parquet"
    write_parquet(path, found.sort_by([("file", "ascending"), ("row", "ascending")]))
    return DataFile(path=f"hidden/{name}-{intake}.parquet", size=path.stat().st_size, sha256=of_file(path))


__all__ = ["Touched", "at_version", "write_change"]
