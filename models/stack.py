"""Monthly snapshots of features stacked: one matrix that all labels share."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from store import fingerprint
from store.errors import ConfigError, TerraceError
from store.files import parquet_columns

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

_AT_ONCE = 1_000  # rows whose cells are turned together
# A second lock behind the catalogue's sensitivity class: these words never name a model's column.
PROTECTED_WORDS = ("gender", "sex", "ethnic", "religion", "health", "marital")


class Spec(Protocol):
    """What is read of a catalogue entry."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def sensitivity(self) -> str: ...
    @property
    def available(self) -> bool: ...


def model_columns(specs: Iterable[Spec], drop: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the features a bank has that may enter a model, sorted: no facts, nothing protected. Raises ConfigError."""
    chosen = sorted(s.name for s in specs if s.role == "feature" and s.sensitivity != "protected" and s.available)
    _refuse_protected(chosen)
    return tuple(name for name in chosen if not any(fnmatch.fnmatchcase(name, pattern) for pattern in drop))


def _refuse_protected(names: Iterable[str]) -> None:
    for name in names:
        if any(part == word or part.startswith(word) for part in name.split("_") for word in PROTECTED_WORDS):
            raise ConfigError(
                f"feature '{name}' speaks of a protected attribute",
                where="features",
                expected="sensitivity 'protected', which no model sees",
                do="mark it so in its view",
            )


@dataclass(frozen=True)
class Stack:
    """One row per as_of and customer, sorted so; features as one float32 matrix shared by all labels."""

    customers: npt.NDArray[np.object_]  # distinct ids, sorted
    codes: Ints  # row -> customers
    as_of: Days
    matrix: Floats
    feature_names: tuple[str, ...]  # sorted
    encodings: Mapping[str, tuple[str, ...]]  # category -> its values in the order of their codes
    files: Mapping[str, str]  # file name -> content hash

    @property
    def as_ofs(self) -> tuple[dt.date, ...]:
        return tuple(dates_of(self.as_of))

    def at(self, as_of: dt.date) -> slice:
        """The rows of one snapshot, sorted by customer_id; empty where there is none."""
        low, high = np.searchsorted(self.as_of, [np.datetime64(as_of, "D"), np.datetime64(as_of, "D") + 1])
        return slice(int(low), int(high))


def dates_of(days: Days) -> list[dt.date]:
    """The distinct days, ascending."""
    return [day.astype("datetime64[D]").item() for day in np.unique(days)]


def as_of_in(path: Path) -> dt.date:
    """The date in a file name `as_of=D.parquet`. Raises TerraceError."""
    try:
        return dt.date.fromisoformat(path.stem.removeprefix("as_of="))
    except ValueError:
        raise TerraceError(f"no date in '{path.name}'", where=str(path), expected="as_of=YYYY-MM-DD.parquet") from None


def snapshots(folder: Path) -> dict[dt.date, Path]:
    """The files `as_of=D.parquet` of a folder by date."""
    return {as_of_in(path): path for path in sorted(folder.glob("as_of=*.parquet"))}


def stack_features(
    paths: Sequence[Path], columns: Sequence[str], encodings: Mapping[str, tuple[str, ...]] | None = None
) -> Stack:
    """Feature files stacked by as_of and customer. Categories are encoded by the map given, or by one made of their values.

    A value the map does not know, and null, are missing (NaN). Raises ConfigError for a protected or absent column.
    """
    _refuse_protected(columns)
    names = tuple(sorted(columns))
    ordered = sorted(paths, key=as_of_in)
    tables = [_read(path, names) for path in ordered]
    known = dict(encodings) if encodings is not None else _encodings(tables, names)
    rows = sum(table.num_rows for table in tables)
    matrix: Floats = np.empty((rows, len(names)), dtype=np.float32)
    at = 0
    for table in tables:
        encode(table, names, known, matrix[at : at + table.num_rows])
        at += table.num_rows
    ids = np.concatenate([table["customer_id"].to_numpy() for table in tables]) if tables else np.empty(0, dtype=object)
    customers, codes = np.unique(ids.astype(object), return_inverse=True)
    days = np.concatenate([np.full(t.num_rows, np.datetime64(as_of_in(p), "D")) for t, p in zip(tables, ordered, strict=True)])
    return Stack(
        customers,
        codes.astype(np.int64),
        days,
        matrix,
        names,
        known,
        {f"features/{path.name}": fingerprint.of_path(path) for path in ordered},
    )


def _read(path: Path, names: tuple[str, ...]) -> pa.Table:
    there = parquet_columns(path)
    missing = [name for name in names if name not in there]
    if missing:
        raise ConfigError(
            f"no column {', '.join(missing[:5])}",
            where=str(path),
            expected="every feature of the catalogue",
            do="build the features of this date again",
        )
    table = pq.read_table(path, columns=["customer_id", *names])
    ids = table["customer_id"].to_numpy()
    return table if bool(np.all(ids[1:] > ids[:-1])) else table.sort_by("customer_id")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _encodings(tables: Sequence[pa.Table], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    texts = [n for n in names if tables and any(_is_text(t.schema.field(n).type) for t in tables)]
    return {n: tuple(sorted({v for t in tables for v in pc.unique(t[n]).to_pylist() if v is not None})) for n in texts}


def encode(table: pa.Table, names: Sequence[str], encodings: Mapping[str, tuple[str, ...]], into: Floats) -> None:
    """Fill `into` (rows x names) with the table's columns as numbers; what is unknown is NaN.

    A thousand rows at a time: so many of 290 columns stay in a processor's cache while they are turned.
    """
    columns = [_numbers(table[name], encodings.get(name)) for name in names]
    for start in range(0, table.num_rows, _AT_ONCE):
        part = into[start : start + _AT_ONCE]
        for place, column in enumerate(columns):
            part[:, place] = column[start : start + _AT_ONCE]


def _numbers(column: pa.ChunkedArray, values: tuple[str, ...] | None) -> npt.NDArray[np.floating]:
    """A column as numbers: a category's value by its place among `values`."""
    if values is None:
        return np.asarray(column.cast(pa.float64()).to_numpy())
    code = pc.index_in(column.cast(pa.string()), value_set=pa.array(values, pa.string()))
    return np.asarray(code.cast(pa.float32()).to_numpy())
