"""Training data of one label: rows of the stacked snapshots, joined to what became of each."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from models.sampling import kept
from models.stack import Days, Floats, Ints, Stack, dates_of, snapshots
from store import fingerprint

_AT_ONCE = 1_000  # rows: of 300 columns they stay in a processor's cache


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
    weight: Floats | None = None  # rows a row stands for, where rows without a positive were thinned or sampled

    @property
    def as_of(self) -> Days:
        return self.stack.as_of[self.rows]

    @property
    def customers(self) -> Ints:
        """Customer codes by row."""
        return self.stack.codes[self.rows]

    @property
    def as_ofs(self) -> tuple[dt.date, ...]:
        return tuple(dates_of(self.as_of))

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
        return self._recode(_cells(self.stack.matrix, self.rows, self.columns), self.feature_names, self.values)

    def select(self, names: Sequence[str], encodings: Mapping[str, tuple[str, ...]]) -> Floats:
        """These features of the rows, with categories by a champion's encodings."""
        places = np.array([self.stack.feature_names.index(name) for name in names], dtype=np.int64)
        return self._recode(_cells(self.stack.matrix, self.rows, places), names, encodings)

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
    def weights(self) -> npt.NDArray[np.float64]:
        """Rows of the cohort that each row stands for."""
        return np.ones(len(self.rows)) if self.weight is None else self.weight.astype(np.float64)

    @property
    def size(self) -> int:
        """Rows of the cohort, those left out of a sample included."""
        return round(float(self.weights.sum()))

    @property
    def base_rate(self) -> float:
        weights = self.weights
        return float((self.target * weights).sum() / weights.sum()) if len(self.target) else float("nan")

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


def _cells(matrix: Floats, rows: Ints, columns: Ints) -> Floats:
    """These rows of these columns, copied some rows at a time: whole rows first and columns of those is four times as slow."""
    cells: Floats = np.empty((len(rows), len(columns)), dtype=np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        np.take(matrix[rows[part]], columns, axis=1, out=cells[part], mode="clip")  # clip: straight into `out`
    return cells


def join_label(
    label: str, stack: Stack, folder: Path, as_ofs: Iterable[dt.date] | None = None, drop: Sequence[str] = ()
) -> Dataset:
    """The label's cohort at every snapshot that both sides have (or at `as_ofs`). `drop` are glob patterns of features.

    Where the stack holds a sample of the label's negatives, these rows are weighted for those left out.
    """
    share = stack.shares.get(label, 1.0)
    there = snapshots(folder)
    wanted = [day for day in stack.as_ofs if day in there and (as_ofs is None or day in set(as_ofs))]
    rows: list[Ints] = []
    targets: list[npt.NDArray[np.int8]] = []
    missing = 0
    for day in wanted:
        table: Any = pq.read_table(there[day], columns=["customer_id", "target"]).sort_by("customer_id")
        ids, target = table["customer_id"].to_numpy(), table["target"].to_numpy()
        chosen = kept(ids.astype(object), target, share)
        here = stack.at(day)
        found, where = _find(stack.customers[stack.codes[here]], ids[chosen])
        missing += int((~found).sum())
        rows.append(here.start + where[found])
        targets.append(target[chosen][found].astype(np.int8))
    target = np.concatenate(targets) if targets else np.empty(0, np.int8)
    keep = [i for i, name in enumerate(stack.feature_names) if not any(fnmatch.fnmatchcase(name, p) for p in drop)]
    return Dataset(
        label,
        stack,
        np.concatenate(rows) if rows else np.empty(0, np.int64),
        target,
        np.array(keep, dtype=np.int64),
        {f"labels/{label}/{there[day].name}": fingerprint.of_file(there[day]) for day in wanted},
        missing,
        weight=np.where(target == 1, 1.0, 1.0 / share).astype(np.float32) if share < 1 else None,
    )


def _find(sorted_ids: npt.NDArray[np.object_], ids: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.bool_], Ints]:
    if not len(sorted_ids):
        return np.zeros(len(ids), dtype=bool), np.zeros(len(ids), dtype=np.int64)
    where = np.minimum(np.searchsorted(sorted_ids, ids.astype(object)), len(sorted_ids) - 1).astype(np.int64)
    return np.asarray(sorted_ids[where] == ids, dtype=bool), where
