"""Training data: monthly snapshots of features stacked, and joined to one label's outcomes."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from store import fingerprint
from store.errors import ConfigError, TerraceError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]
_FEW = 8  # times fewer columns than there are

# A second lock behind the catalogue's sensitivity class: these words never name a model's column.
PROTECTED_WORDS = ("gender", "sex", "ethnic", "religion", "health", "marital")
KEYS = ("customer_id", "as_of")


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
        return tuple(_dates(self.as_of))

    def at(self, as_of: dt.date) -> slice:
        """The rows of one snapshot, sorted by customer_id; empty where there is none."""
        low, high = np.searchsorted(self.as_of, [np.datetime64(as_of, "D"), np.datetime64(as_of, "D") + 1])
        return slice(int(low), int(high))


def _dates(days: Days) -> list[dt.date]:
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
        {f"features/{path.name}": fingerprint.of_file(path) for path in ordered},
    )


def _read(path: Path, names: tuple[str, ...]) -> pa.Table:
    there = pq.read_schema(path).names
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
    """Fill `into` (rows x names) with the table's columns as numbers; what is unknown is NaN."""
    for place, name in enumerate(names):
        column = table[name]
        if name in encodings:
            index = pc.index_in(column.cast(pa.string()), value_set=pa.array(encodings[name], pa.string()))
            into[:, place] = index.cast(pa.float32()).to_numpy()
        else:
            into[:, place] = column.cast(pa.float64()).to_numpy()


@dataclass(frozen=True)
class Dataset:
    """One row per as_of and customer of one label's cohort, sorted so, with its outcome."""

    label: str
    stack: Stack
    rows: Ints  # rows of the stack, ascending
    target: npt.NDArray[np.int8]
    columns: Ints  # columns of the stack this label may use
    files: Mapping[str, str]  # label files -> content hash
    without_features: int = 0  # cohort members the feature files do not know
    values: Mapping[str, tuple[str, ...]] | None = None  # category -> values, where not those of the stack
    weight: Floats | None = None  # rows a row stands for, where customers without a positive were thinned

    @property
    def as_of(self) -> Days:
        return self.stack.as_of[self.rows]

    @property
    def customers(self) -> Ints:
        """Customer codes by row."""
        return self.stack.codes[self.rows]

    @property
    def as_ofs(self) -> tuple[dt.date, ...]:
        return tuple(_dates(self.as_of))

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(self.stack.feature_names[i] for i in self.columns)

    @property
    def encodings(self) -> dict[str, tuple[str, ...]]:
        known = self.stack.encodings if self.values is None else self.values
        return {name: values for name, values in known.items() if name in set(self.feature_names)}

    @property
    def matrix(self) -> Floats:
        """Features of the rows, in the order of `feature_names`. A copy."""
        few = len(self.columns) * _FEW < self.stack.matrix.shape[1]  # whole rows are copied faster than picked cells
        taken = self.stack.matrix[np.ix_(self.rows, self.columns)] if few else self.stack.matrix[self.rows]
        if not few and len(self.columns) < taken.shape[1]:
            taken = np.ascontiguousarray(taken[:, self.columns])
        return self._recode(taken, self.feature_names, self.values)

    def select(self, names: Sequence[str], encodings: Mapping[str, tuple[str, ...]]) -> Floats:
        """These features of the rows, with categories by a champion's encodings."""
        places = [self.stack.feature_names.index(name) for name in names]
        return self._recode(np.ascontiguousarray(self.stack.matrix[self.rows][:, places]), names, encodings)

    def _recode(self, matrix: Floats, names: Sequence[str], wanted: Mapping[str, tuple[str, ...]] | None) -> Floats:
        for place, name in enumerate(names):
            if wanted is None or name not in wanted or wanted[name] == self.stack.encodings[name]:
                continue
            codes = {value: float(code) for code, value in enumerate(wanted[name])}
            table = np.array([*(codes.get(value, np.nan) for value in self.stack.encodings[name]), np.nan], dtype=np.float32)
            known = ~np.isnan(matrix[:, place])
            matrix[:, place] = table[np.where(known, matrix[:, place], len(table) - 1).astype(np.int64)]
        return matrix

    def with_own_encodings(self) -> Dataset:
        """The same rows, with categories coded by the values that occur in them: later snapshots leave no trace."""
        names, seen = self.stack.feature_names, {}
        for name, values in self.stack.encodings.items():
            codes = self.stack.matrix[self.rows, names.index(name)]
            seen[name] = tuple(values[int(code)] for code in np.unique(codes[~np.isnan(codes)]))
        return replace(self, values=seen)

    @property
    def positives(self) -> int:
        return int(self.target.sum())

    @property
    def positive_customers(self) -> int:
        """Distinct customers with a positive."""
        return len(np.unique(self.customers[self.target == 1]))

    @property
    def base_rate(self) -> float:
        return float(self.target.mean()) if len(self.target) else float("nan")

    def take(self, mask: npt.NDArray[np.bool_]) -> Dataset:
        """The rows where the mask holds."""
        weight = None if self.weight is None else self.weight[mask]
        return replace(self, rows=self.rows[mask], target=self.target[mask], weight=weight)

    def during(self, as_ofs: Iterable[dt.date]) -> Dataset:
        """The rows of these snapshots."""
        return self.take(np.isin(self.as_of, np.array(sorted(as_ofs), dtype="datetime64[D]")))

    def fingerprints(self) -> dict[str, str]:
        """Content hashes of the files whose rows are here."""
        days = {day.isoformat() for day in self.as_ofs}
        return {
            name: value
            for name, value in sorted({**self.stack.files, **self.files}.items())
            if name.rsplit("as_of=", 1)[-1].removesuffix(".parquet") in days
        }


def join_label(
    label: str, stack: Stack, folder: Path, as_ofs: Iterable[dt.date] | None = None, drop: Sequence[str] = ()
) -> Dataset:
    """The label's cohort at every snapshot that both sides have (or at `as_ofs`). `drop` are glob patterns of features."""
    there = snapshots(folder)
    wanted = [day for day in stack.as_ofs if day in there and (as_ofs is None or day in set(as_ofs))]
    rows: list[Ints] = []
    targets: list[npt.NDArray[np.int8]] = []
    missing = 0
    for day in wanted:
        table: Any = pq.read_table(there[day], columns=["customer_id", "target"]).sort_by("customer_id")
        here = stack.at(day)
        found, where = _find(stack.customers[stack.codes[here]], table["customer_id"].to_numpy())
        missing += int((~found).sum())
        rows.append(here.start + where[found])
        targets.append(table["target"].to_numpy()[found].astype(np.int8))
    keep = [i for i, name in enumerate(stack.feature_names) if not any(fnmatch.fnmatchcase(name, p) for p in drop)]
    return Dataset(
        label,
        stack,
        np.concatenate(rows) if rows else np.empty(0, np.int64),
        np.concatenate(targets) if targets else np.empty(0, np.int8),
        np.array(keep, dtype=np.int64),
        {f"labels/{label}/{there[day].name}": fingerprint.of_file(there[day]) for day in wanted},
        missing,
    )


def _find(sorted_ids: npt.NDArray[np.object_], ids: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.bool_], Ints]:
    if not len(sorted_ids):
        return np.zeros(len(ids), dtype=bool), np.zeros(len(ids), dtype=np.int64)
    where = np.minimum(np.searchsorted(sorted_ids, ids.astype(object)), len(sorted_ids) - 1).astype(np.int64)
    return np.asarray(sorted_ids[where] == ids, dtype=bool), where
