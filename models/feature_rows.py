"""The feature file of one date, read once, in blocks of rows that every champion looks at in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.stack import Floats, encode
from store.errors import ConfigError, TerraceError

ROWS = 32_768  # of 290 columns 38 MB as a champion sees them: memory does not grow with the bank


@dataclass(frozen=True)
class Block:
    """Some rows of the file, from row `start` on."""

    start: int
    rows: pa.Table
    _ready: dict[tuple[str, ...], tuple[Floats, dict[str, tuple[str, ...]]]] = field(default_factory=dict)

    @property
    def here(self) -> slice:
        return slice(self.start, self.start + self.rows.num_rows)

    def matrix(self, names: tuple[str, ...], encodings: Mapping[str, tuple[str, ...]]) -> Floats:
        """These columns as trees see them. Champions of the same columns share one matrix: look before you ask again.

        Only categories that two of them code differently are filled in anew.
        """
        if names not in self._ready:
            made: Floats = np.empty((self.rows.num_rows, len(names)), dtype=np.float32)
            encode(self.rows, names, encodings, made)
            self._ready[names] = made, dict(encodings)
        matrix, coded = self._ready[names]
        for place, name in enumerate(names):
            if name in encodings and encodings[name] != coded.get(name):
                encode(self.rows, (name,), encodings, matrix[:, place : place + 1])
                coded[name] = encodings[name]
        return matrix


def customers(path: Path) -> pa.Array:
    """The customers of the file in its order, which is theirs. Raises TerraceError where it is not."""
    ids = pq.read_table(path, columns=["customer_id"])["customer_id"].combine_chunks().cast(pa.string())
    if len(ids) > 1 and not pc.all(pc.less(ids[:-1], ids[1:])).as_py():
        raise TerraceError(
            "customers are not in order, or stand there twice",
            where=str(path),
            expected="one row per customer, sorted by customer_id",
            do="build the features of this date again",
        )
    return ids


def blocks(path: Path, names: Sequence[str], at_once: int = ROWS) -> Iterator[Block]:
    """The file in blocks of some columns. Raises ConfigError for a column that is not there."""
    missing = sorted(set(names) - set(pq.read_schema(path).names))
    if missing:
        raise ConfigError(
            f"no column {', '.join(missing[:5])}",
            where=str(path),
            expected="every feature the champions learned from",
            do="build the features again, or train again with those there are",
        )
    start = 0
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(at_once, columns=sorted(set(names))):
            yield Block(start, pa.Table.from_batches([batch]))
            start += batch.num_rows
