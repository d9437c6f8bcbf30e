"""Canonical tables written whole, in the place of those before; the manifest comes last and makes them the ones in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from sources.canonical import Canonical, CanonicalManifest, TableState, read_sql
from sources.deltafiles import write_whole
from sources.inventory import Counts, count_rows, noted_files, state_of
from sources.sqltext import literal
from sources.tables import TABLES
from sources.written import KNOWING, order_sql, prepare_owners, rows_sql
from store.errors import TerraceError
from store.files import write_json
from store.limits import USUAL, Limits

Progress = Callable[[str, int, int], None]


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
    large: Mapping[str, Path] | None = None,
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
    last, so a crash leaves the earlier intake in force. `counts` is filled with what each table holds; `large` names
    tables that are sorted by parts of their buckets, and an empty folder for each; `before_manifest` is called when all else is
    written.
    """
    states: dict[str, TableState] = {}
    prepare_owners(con, sources, buckets)
    for name in [table for table in TABLES if table in sources]:
        say(f"write {name}", len(states), len(sources))
        query, present = rows_sql(con, name, sources, buckets, is_single=name in single)
        _check_columns(name, present)
        reader = _sorted(con, name, query, buckets, large[name] if large and name in large else None)
        version = write_whole(root / name, reader)
        files = noted_files(root, name, version)
        listed = [str(root / file.path) for file in files]
        counted = count_rows(name, read_sql(name, listed), limits) if listed else Counts()
        states[name] = state_of(name, version, present, (undated or {}).get(name, ()), counted, files)
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
    write_json(root / "manifest.json", manifest.model_dump(mode="json"))
    return Canonical(root, manifest, limits)


_PARTS = 16  # of a large table: each is sorted in memory


def _sorted(con: duckdb.DuckDBPyConnection, name: str, query: str, buckets: int, folder: Path | None) -> pa.RecordBatchReader:
    """The rows of a table in their order on disk; with a `folder` to lay them down in, a few buckets at a time."""
    order = order_sql(TABLES[name])
    if folder is None or TABLES[name].by == "bank":
        return con.sql(f"SELECT * FROM ({query}) ORDER BY {order}").to_arrow_reader(200_000)
    parts = min(buckets, _PARTS)
    con.execute(
        f"COPY (SELECT *, bucket * {parts} // {buckets} AS _part FROM ({query})) TO {literal(str(folder))}"
        " (FORMAT parquet, COMPRESSION lz4, PARTITION_BY (_part))"
    )

    def laid(part: int) -> str:
        files = sorted(str(path) for path in (folder / f"_part={part}").glob("*.parquet"))
        listed = ", ".join(literal(file) for file in files)
        return f"SELECT * FROM read_parquet([{listed}], hive_partitioning=false) ORDER BY {order}" if files else ""

    found = [laid(part) for part in range(parts)]
    schema = con.sql(f"SELECT * FROM ({query}) LIMIT 0").to_arrow_table().schema

    def batches() -> Iterator[pa.RecordBatch]:
        for sql in found:
            if sql:
                yield from con.sql(sql).to_arrow_reader(200_000)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _check_columns(name: str, present: Sequence[str]) -> None:
    unknown = set(present) - set(TABLES[name].names) - set(KNOWING) if name != "snapshots" else set()
    if unknown:
        raise TerraceError(
            f"columns {sorted(unknown)} are not of the table", where=name, expected=", ".join(TABLES[name].names)
        )
