"""Classes of rows: every combination of a few closed columns as one small number, and which filters it passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.algebra import Where
from sources.tables import TABLES

Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Value = str | int


@dataclass(frozen=True)
class Classes:
    """Columns with the values each may have; a class is a number in mixed radix, 0 in a place where nothing is known."""

    columns: tuple[tuple[str, tuple[Value, ...]], ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.columns)

    @property
    def count(self) -> int:
        return int(np.prod([len(values) + 1 for _, values in self.columns]))

    def codes(self, table: pa.Table) -> Codes:
        """The class of every row of a table that has the columns."""
        found: Codes = np.zeros(table.num_rows, dtype=np.int32)
        for name, values in self.columns:
            found *= len(values) + 1
            found += _places(table[name], values)
        return found

    def factor(self, name: str) -> int:
        """By what the place of a column's value counts in a class."""
        sizes = [len(values) + 1 for _, values in self.columns]
        return int(np.prod(sizes[[one for one, _ in self.columns].index(name) + 1 :]))

    def of_values(self, name: str, found: pa.Array) -> Codes:
        """What each of these values of a column, and then one that is unknown, adds to a class."""
        values = dict(self.columns)[name]
        return np.array([*(1 + values.index(value) for value in found.to_pylist()), 0], dtype=np.int32) * self.factor(name)

    def table(self) -> pa.Table:
        """One row per class: its number and its values."""
        return _every(self)

    def flags(self, *conditions: nw.Expr) -> Flags:
        """Which classes (rows) pass which conditions over the columns, as DuckDB sees it; what is unknown does not."""
        if not conditions:
            return np.zeros((self.count, 0), dtype=np.bool_)
        with duckdb.connect() as con:
            con.register("classes", _every(self))
            asked = [condition.alias(f"c{place}") for place, condition in enumerate(conditions)]
            told = nw.from_native(con.table("classes")).select("class", *asked).to_native().order("class").to_arrow_table()
        columns = [told[f"c{place}"].combine_chunks().fill_null(False) for place in range(len(conditions))]
        return np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1).astype(np.bool_)

    def passing(self, filters: Sequence[Where]) -> tuple[Codes, Codes]:
        """For each class the filters it passes: where its places begin (classes + 1 long), and the places."""
        return _passing(self, tuple(filters))


def _places(column: pa.ChunkedArray, values: tuple[Value, ...]) -> Codes:
    """1 + the place of each value; 0 where it is unknown."""
    if pa.types.is_dictionary(column.type):
        whole = column.unify_dictionaries().combine_chunks()
        place = np.array([values.index(value) + 1 for value in whole.dictionary.to_pylist()], dtype=np.int32)
        indices = whole.indices.fill_null(len(place)) if whole.null_count else whole.indices
        found: Codes = np.append(place, 0).astype(np.int32)[indices.to_numpy()]
        return found
    if pa.types.is_string(column.type):
        return _places(column.dictionary_encode(), values)
    plain = column.cast(pa.float64()).to_numpy()
    return np.where(np.isnan(plain), 0, np.searchsorted(np.array(values), np.nan_to_num(plain)) + 1).astype(np.int32)


@lru_cache(maxsize=32)  # every load and date asks the same
def _passing(classes: Classes, filters: tuple[Where, ...]) -> tuple[Codes, Codes]:
    whole = classes.flags(*(one.make() for one in filters))
    starts = np.concatenate([[0], np.cumsum(whole.sum(axis=1))]).astype(np.int32)
    return starts, np.nonzero(whole)[1].astype(np.int32)


@lru_cache(maxsize=4)
def _every(classes: Classes) -> pa.Table:
    """One row per class, in order."""
    sizes = [len(values) + 1 for _, values in classes.columns]
    places = np.indices(sizes).reshape(len(sizes), -1)
    columns = {"class": pa.array(np.arange(classes.count))}
    for (name, values), place in zip(classes.columns, places, strict=True):
        kind = pa.string() if isinstance(values[0], str) else pa.int64()
        columns[name] = pa.array([None, *values], kind).take(pa.array(place))
    return pa.table(columns)


def _closed(table: str, names: Iterable[str]) -> Mapping[str, tuple[Value, ...]]:
    return {name: tuple(TABLES[table].column(name).codes) for name in names}


_OF_MOVES = _closed("transactions", ("channel", "category", "counterparty_kind", "initiated_by"))
MOVES = Classes((("direction", (-1, 1)), ("elsewhere", (0, 1)), *_OF_MOVES.items()))
HELD = Classes(tuple(_closed("accounts", ("holds", "kind")).items()))
