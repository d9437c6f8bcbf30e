"""Rows into a Delta table's files in the order in which they come; delta-rs itself writes batches as they get done."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

_ROW_GROUP = 122_880  # rows: what a reader holds of a file at once, and what it reads for the sake of one customer
BUCKET = "bucket"


def write_whole(folder: Path, rows: pa.RecordBatchReader) -> DeltaTable:
    """Put rows in the place of all there are; the table. Rows with a column `bucket` lie by it, in a file per bucket."""
    added = _written(folder, rows)
    create_table_with_add_actions(str(folder), Schema.from_arrow(rows.schema), added, "overwrite", _parts(rows))
    return DeltaTable(str(folder))


def append(table: DeltaTable, folder: Path, rows: pa.RecordBatchReader) -> None:
    """Put rows beside those there are."""
    table.create_write_transaction(_written(folder, rows), "append", Schema.from_arrow(rows.schema), _parts(rows))
    table.update_incremental()


def replace(table: DeltaTable, folder: Path, rows: pa.RecordBatchReader, bucket: int | None) -> None:
    """Put rows of a bucket (None: of a table without) in the place of those of it that there are."""
    only = None if bucket is None else [(BUCKET, "=", str(bucket))]
    table.create_write_transaction(_written(folder, rows), "overwrite", Schema.from_arrow(rows.schema), _parts(rows), only)
    table.update_incremental()


def _parts(rows: pa.RecordBatchReader) -> list[str] | None:
    return [BUCKET] if BUCKET in rows.schema.names else None


def _written(folder: Path, rows: pa.RecordBatchReader) -> list[AddAction | RemoveAction]:
    """Files of the rows, one per bucket, as Delta's log is told of them; nobody sees them before that."""
    added: list[AddAction | RemoveAction] = []
    for bucket, pieces in groupby(_by_bucket(rows), lambda piece: piece[0]):
        path = Path("" if bucket is None else f"{BUCKET}={bucket}") / f"part-{uuid.uuid4()}.parquet"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        count, kept = 0, [name for name in rows.schema.names if name != BUCKET]
        with pq.ParquetWriter(folder / path, pa.schema([rows.schema.field(name) for name in kept])) as writer:
            for group in _row_groups(piece for _, piece in pieces):
                writer.write_table(group)
                count += group.num_rows
        values = {} if bucket is None else {BUCKET: str(bucket)}
        stats = json.dumps({"numRecords": count})
        added.append(AddAction(path.as_posix(), (folder / path).stat().st_size, values, int(time.time() * 1000), True, stats))
    return added


def _by_bucket(rows: pa.RecordBatchReader) -> Iterator[tuple[int | None, pa.Table]]:
    """Runs of rows of one bucket, without its column."""
    for batch in rows:
        table = pa.Table.from_batches([batch])
        if BUCKET not in table.column_names:
            yield None, table
            continue
        bucket, table = table[BUCKET].to_numpy(), table.drop_columns([BUCKET])
        ends = [*(np.flatnonzero(np.diff(bucket)) + 1).tolist(), len(bucket)]
        for start, end in pairwise([0, *ends]):
            if end > start:
                yield int(bucket[start]), table.slice(start, end - start)


def _row_groups(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(one.num_rows for one in waiting) >= _ROW_GROUP:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
