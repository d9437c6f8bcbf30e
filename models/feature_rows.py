"""The feature file of one date, read once, in blocks of rows that every champion looks at in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.stack import Floats, Ints, encode
from store.errors import ConfigError, TerraceError
from store.files import parquet_blocks, parquet_columns, parquet_parts


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


def customers(path: Path) -> tuple[pa.Array, Ints]:
    """The customers of the file in its order, and the rows in that of customers. Raises TerraceError for one there twice."""
    parts = [pq.read_table(part, columns=["customer_id"], partitioning=None) for part in parquet_parts(path)]
    ids = pa.concat_tables(parts)["customer_id"].combine_chunks().cast(pa.string())
    order = pc.sort_indices(ids)
    ordered = ids.take(order)
    if len(ids) > 1 and not pc.all(pc.less(ordered[:-1], ordered[1:])).as_py():
        raise TerraceError(
            "a customer stands there twice",
            where=str(path),
            expected="one row per customer",
            do="build the features of this date again",
        )
    return ids, order.to_numpy().astype(np.int64)


def wanted_of(path: Path, names: Sequence[str]) -> list[str]:
    """These columns, each once, sorted. Raises ConfigError where the file of features has not all of them."""
    missing = sorted(set(names) - set(parquet_columns(path)))
    if missing:
        raise ConfigError(
            f"no column {', '.join(missing[:5])}",
            where=str(path),
            expected="every feature the champions learned from",
            do="build the features again, or train again with those there are",
        )
    return sorted(set(names))


def blocks(path: Path, names: Sequence[str]) -> Iterator[Block]:
    """The file in blocks of some columns. Raises ConfigError for a column that is not there."""
    wanted, start = wanted_of(path, names), 0
    for rows in parquet_blocks(path, wanted):
        yield Block(start, rows)
        start += rows.num_rows
