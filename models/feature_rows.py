"""The feature file of one date, read once, in blocks of rows that every champion looks at in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.stack import Floats, Ints, numbers
from models.trees import in_strips
from store.errors import ConfigError, TerraceError
from store.files import parquet_blocks, parquet_columns, parquet_parts

Column: TypeAlias = tuple[str, tuple[str, ...] | None]  # a feature and, of a category, the values whose places are its codes


@dataclass(frozen=True)
class Block:
    """Some rows of the file, from row `start` on."""

    start: int
    rows: pa.Table

    @property
    def here(self) -> slice:
        return slice(self.start, self.start + self.rows.num_rows)

    def cells(self, columns: Sequence[Column]) -> Floats:
        """These columns as all champions see them, ready to be climbed with."""
        return in_strips([numbers(self.rows[name], values) for name, values in columns], self.rows.num_rows)


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
