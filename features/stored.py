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


@dataclass(frozen=True)
class StoredFile:
    """A file of a table, and the rows of it that are hidden."""

    path: str
    hidden: Sequence[int]
    rows: int  # hidden ones included

    def read(self, columns: Sequence[str], texts: Sequence[str] = (), piece: int | None = None) -> pa.Table:
        """Its rows in force, or those of one of its row groups."""
        with pq.ParquetFile(self.path, read_dictionary=list(texts)) as file:
            table = file.read(list(columns)) if piece is None else file.read_row_group(piece, list(columns))
            counts = [file.metadata.row_group(number).num_rows for number in range(piece or 0)]
        if not self.hidden:
            return table
        gone = np.array(self.hidden, dtype=np.int64) - sum(counts)
        there = np.ones(table.num_rows, dtype=np.bool_)
        there[gone[(gone >= 0) & (gone < table.num_rows)]] = False
        return table.filter(pa.array(there))

    @property
    def pieces(self) -> int:
        """How many row groups it has."""
        return int(pq.read_metadata(self.path).num_row_groups)


def stored_files(canonical: Canonical, table: str, buckets: Sequence[int | None]) -> list[StoredFile]:
    """The files of a table, of these buckets or ([None]) of all."""
    hidden = canonical.hidden_rows(table)
    paths = [path for bucket in buckets for path in canonical.files(table, bucket)]
    return [StoredFile(path, hidden.get(path, ()), int(pq.read_metadata(path).num_rows)) for path in paths]


def pieces(file: StoredFile, table: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of the rows of a file, one row group after the other."""
    return (piece(file, table, columns, number) for number in range(file.pieces))


def piece(file: StoredFile, table: str, columns: Sequence[str], number: int) -> pa.Table:
    """Columns of a row group as they are stored, texts that come again as dictionaries."""
    schema = empty(table, columns).schema
    return file.read(schema.names, [one.name for one in schema if pa.types.is_dictionary(one.type)], number)


def empty(table: str, columns: Sequence[str]) -> pa.Table:
    """No rows of a table, as `piece` reads them."""
    spec, coded, fields = TABLES[table], pa.dictionary(pa.int32(), pa.string()), []
    for name in sorted({*columns, "customer_id", *KNOWN}):
        kind = pa.date32() if name in KNOWN else _STORED.get(spec.column(name).kind) if name in spec.names else None
        fields.append((name, pa.string() if name == "transaction_id" else kind or coded))
    return pa.schema(fields).empty_table()


_STORED = {"date": pa.date32(), "money": pa.int64()}
