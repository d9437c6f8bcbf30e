"""Monthly snapshots of features stacked: one matrix that all labels share."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.sampling import Sampling
from store import fingerprint
from store.errors import ConfigError, TerraceError
from store.files import parquet_blocks, parquet_columns, parquet_parts, parquet_rows

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
    shares: Mapping[str, float] = field(default_factory=dict)  # label -> share of negatives here, where not all are

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
    paths: Sequence[Path],
    columns: Sequence[str],
    encodings: Mapping[str, tuple[str, ...]] | None = None,
    sampling: Sampling | None = None,
) -> Stack:
    """Feature files stacked by as_of and customer. Categories are encoded by the map given, or by one made of their values.

    A value the map does not know, and null, are missing (NaN). Of a `sampling` only those rows are ever held that a label
    learns from. Raises ConfigError for a protected or absent column.
    """
    _refuse_protected(columns)
    names = tuple(sorted(columns))
    ordered = sorted(paths, key=as_of_in)
    for path in ordered:
        _refuse_absent(path, names)
    known = dict(encodings) if encodings is not None else _encodings(ordered, names)
    places = [_rows(path, sampling.customers(as_of_in(path)) if sampling else None) for path in ordered]
    matrix: Floats = np.empty((sum(len(ids) for _, ids in places), len(names)), dtype=np.float32)
    at = 0
    for path, (rows, ids) in zip(ordered, places, strict=True):
        _fill(path, rows, names, known, matrix[at : at + len(ids)])
        at += len(ids)
    every = np.concatenate([ids for _, ids in places]) if places else np.empty(0, dtype=object)
    customers, codes = np.unique(every, return_inverse=True)
    dated = [np.full(len(ids), np.datetime64(as_of_in(path), "D")) for (_, ids), path in zip(places, ordered, strict=True)]
    days = np.concatenate(dated) if dated else np.empty(0, dtype="datetime64[D]")
    return Stack(
        customers,
        codes.astype(np.int64),
        days,
        matrix,
        names,
        known,
        {f"features/{path.name}": fingerprint.of_path(path) for path in ordered},
        dict(sampling.shares) if sampling else {},
    )


def _refuse_absent(path: Path, names: tuple[str, ...]) -> None:
    there = parquet_columns(path)
    missing = [name for name in names if name not in there]
    if missing:
        raise ConfigError(
            f"no column {', '.join(missing[:5])}",
            where=str(path),
            expected="every feature of the catalogue",
            do="build the features of this date again",
        )


def _rows(path: Path, wanted: pa.Array | None) -> tuple[Ints, npt.NDArray[np.object_]]:
    """The rows of a file that are wanted, in the order of their customers, and these."""
    parts = [pq.read_table(part, columns=["customer_id"], partitioning=None) for part in parquet_parts(path)]
    ids = pa.concat_tables(parts)["customer_id"].combine_chunks()
    rows = np.arange(len(ids)) if wanted is None else np.flatnonzero(pc.is_in(ids, value_set=wanted.cast(ids.type)))
    chosen = ids.take(pa.array(rows)).to_numpy(zero_copy_only=False).astype(object)
    order = np.argsort(chosen, kind="stable") if not bool(np.all(chosen[1:] > chosen[:-1])) else slice(None)
    return rows[order], chosen[order]


def _fill(path: Path, rows: Ints, names: tuple[str, ...], known: Mapping[str, tuple[str, ...]], into: Floats) -> None:
    """Some rows of a file as numbers, block by block: a whole snapshot in doubles is never held."""
    place = np.full(parquet_rows(path), -1)
    place[rows] = np.arange(len(rows))
    start = 0
    for block in parquet_blocks(path, names):
        to = place[start : start + block.num_rows]
        start += block.num_rows
        mine = np.flatnonzero(to >= 0)
        if len(mine) < len(to):
            block, to = block.take(pa.array(mine)), to[mine]
        if len(to) and bool(np.all(np.diff(to) == 1)):
            encode(block, names, known, into[to[0] : to[-1] + 1])
        elif len(to):
            cells: Floats = np.empty((len(to), len(names)), dtype=np.float32)
            encode(block, names, known, cells)
            into[to] = cells


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _encodings(paths: Sequence[Path], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    schemas = [pq.read_schema(parquet_parts(path)[0]) for path in paths]
    texts = [name for name in names if any(_is_text(schema.field(name).type) for schema in schemas)]
    values: dict[str, set[str]] = {name: set() for name in texts}
    for path in paths if texts else ():
        table = pq.read_table(path, columns=texts, partitioning=None)
        for name in texts:
            values[name] |= {value for value in pc.unique(table[name]).to_pylist() if value is not None}
    return {name: tuple(sorted(found)) for name, found in values.items()}


def encode(table: pa.Table, names: Sequence[str], encodings: Mapping[str, tuple[str, ...]], into: Floats) -> None:
    """Fill `into` (rows x names) with the table's columns as numbers; what is unknown is NaN.

    A thousand rows at a time: so many of 290 columns stay in a processor's cache while they are turned.
    """
    columns = [numbers(table[name], encodings.get(name)) for name in names]
    for start in range(0, table.num_rows, _AT_ONCE):
        part = into[start : start + _AT_ONCE]
        for place, column in enumerate(columns):
            part[:, place] = column[start : start + _AT_ONCE]


def numbers(column: pa.ChunkedArray, values: tuple[str, ...] | None) -> npt.NDArray[np.floating]:
    """A column as numbers: a category's value by its place among `values`."""
    if values is None:
        return np.asarray(column.cast(pa.float64()).to_numpy())
    code = pc.index_in(column.cast(pa.string()), value_set=pa.array(values, pa.string()))
    return np.asarray(code.cast(pa.float32()).to_numpy())
