"""A few customers of a bank, by themselves: their canonical tables, and their flat rows for a rival."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from bench import declared, flat_rows
from bench.answers import relation
from bench.opened import Opened, opened
from bench.place import Found, Place, Run
from sources.canonical import Canonical, DataFile, TableState, open_canonical
from sources.connection import connect
from sources.tables import TABLES
from store.files import fresh_folder, write_json
from store.fingerprint import of_file


def some(place: Place, customers: int) -> Run:
    """Tables and flat rows of the first so many customers by id who have features."""
    here = opened(place)

    def run() -> Found:
        ours = here.build([here.as_of], flat_rows.folder_of(place), declared.names(here)).path(here.as_of)
        folder = fresh_folder(flat_rows.rows_of(place.work, customers))
        flat_rows.write(here, ours, folder, customers)
        _cut(here, ours, folder / "canonical", customers)
        return Found()

    return run


def canonical(here: Opened, customers: int) -> Canonical:
    """The tables that `some` has made."""
    return open_canonical(flat_rows.rows_of(here.place.work, customers) / "canonical", here.bank.limits)


def _cut(here: Opened, population: Path, root: Path, customers: int) -> None:
    """Every table with the rows of these customers, a file per bucket; tables of the bank as a whole stay whole."""
    tables = {}
    with connect(here.bank.limits, here.place.work / "spill", more={"preserve_insertion_order": True}) as con:
        con.execute(f"CREATE TABLE wanted AS SELECT customer_id FROM {relation(population)} ORDER BY 1 LIMIT {customers}")
        for name, state in here.canonical.manifest.tables.items():
            tables[name] = _table(con, here.canonical, name, state, root)
    manifest = here.canonical.manifest.model_copy(update={"tables": tables})
    write_json(root / "manifest.json", manifest.model_dump(mode="json"))


def _table(con: duckdb.DuckDBPyConnection, whole: Canonical, name: str, state: TableState, root: Path) -> TableState:
    of_bank = TABLES[name].by == "bank"
    files, count = [], 0
    for bucket in [None] if of_bank else sorted({one.bucket for one in state.files if one.bucket is not None}):
        rows = whole.relation_sql(name, bucket)
        query = f"FROM {rows}" if of_bank else f"SELECT * EXCLUDE (bucket) FROM {rows} SEMI JOIN wanted USING (customer_id)"
        made = con.sql(query).to_arrow_table()
        path = Path(name) / ("" if bucket is None else f"bucket={bucket}") / "part.parquet"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(made, root / path)
        count += made.num_rows
        said = {"path": path.as_posix(), "size": (root / path).stat().st_size, "sha256": of_file(root / path)}
        files.append(DataFile(**said, bucket=bucket))
    return state.model_copy(update={"rows": count, "files": tuple(files), "hidden": None})
