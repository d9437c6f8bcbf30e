"""The files of a canonical table as stored: read with their dictionaries, by row groups, hidden rows left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sources.canonical import Canonical
from sources.tables import TABLES

KNOWN = ("known_from", "known_to")
AT_ONCE = 500_000  # rows of a file that are held as they are stored


@dataclass(frozen=True)
class StoredFile:
    """A file of a table, and the rows of it that are hidden."""

    path: str
    hidden: Sequence[int]
    rows: int  # hidden ones included

    def read(self, columns: Sequence[str], texts: Sequence[str] = ()) -> pa.Table:
        """Its rows in force."""
        with pq.ParquetFile(self.path, read_dictionary=list(texts)) as file:
            return self.in_force(file.read(list(columns)), 0)

    def in_force(self, rows: pa.Table, start: int) -> pa.Table:
        """Those of its rows from `start` on that are not hidden."""
        gone = np.array(self.hidden, dtype=np.int64) - start
        gone = gone[(gone >= 0) & (gone < rows.num_rows)]
        if not len(gone):
            return rows
        there = np.ones(rows.num_rows, dtype=np.bool_)
        there[gone] = False
        return rows.filter(pa.array(there))


def stored_files(canonical: Canonical, table: str, buckets: Sequence[int | None]) -> list[StoredFile]:
    """The files of a table, of these buckets or ([None]) of all."""
    hidden = canonical.hidden_rows(table)
    paths = [path for bucket in buckets for path in canonical.files(table, bucket)]
    return [StoredFile(path, hidden.get(path, ()), int(pq.read_metadata(path).num_rows)) for path in paths]


def pieces(file: StoredFile, table: str, columns: Sequence[str]) -> Iterator[tuple[range, pa.Table]]:
    """Columns of the rows of a file as they are stored, texts that come again as dictionaries: some row groups after the
    others, each time about `AT_ONCE` rows; and which rows of the file these are, with those that are hidden."""
    schema = empty(table, columns).schema
    texts = [one.name for one in schema if pa.types.is_dictionary(one.type)]
    with pq.ParquetFile(file.path, read_dictionary=texts) as opened:
        groups = [opened.metadata.row_group(number).num_rows for number in range(opened.num_row_groups)]
        starts = np.cumsum([0, *groups])
        place = starts[:-1] // AT_ONCE
        for number in np.unique(place).tolist():
            mine = np.flatnonzero(place == number).tolist()
            rows = range(int(starts[mine[0]]), int(starts[mine[-1] + 1]))
            yield rows, file.in_force(opened.read_row_groups(mine, schema.names), rows.start)


def empty(table: str, columns: Sequence[str]) -> pa.Table:
    """No rows of a table, as `pieces` reads them."""
    spec, coded, fields = TABLES[table], pa.dictionary(pa.int32(), pa.string()), []
    for name in sorted({*columns, "customer_id", *KNOWN}):
        kind = pa.date32() if name in KNOWN else _STORED.get(spec.column(name).kind) if name in spec.names else None
        fields.append((name, pa.string() if name == "transaction_id" else kind or coded))
    return pa.schema(fields).empty_table()


_STORED = {"date": pa.date32(), "money": pa.int64()}
