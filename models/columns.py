"""Which columns a training period can teach anything by: what it has seen once, and what it sees twice over, are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from models.dataset import Dataset, Floats

Mask = npt.NDArray[np.bool_]
_FEW = 50  # rows of each snapshot


def keep(dataset: Dataset, mask: Mask) -> Dataset:
    """The same rows with only these of its columns."""
    return replace(dataset, columns=dataset.columns[mask])


def without_calendar(dataset: Dataset, least_snapshots: int) -> Dataset:
    """Without columns that are one value per snapshot, unless there are so many snapshots.

    Such a column (days to the festival) cannot rank customers of one night; from seasons seen once it only learns the level
    each month happened to have, and promises that level again a year later.
    """
    if len(dataset.as_ofs) >= least_snapshots or not len(dataset.rows):
        return dataset
    starts = np.searchsorted(dataset.as_of, np.unique(dataset.as_of))
    lengths = np.diff([*starts, len(dataset.rows)])
    place = np.arange(len(dataset.rows)) - np.repeat(starts, lengths)
    same = np.ones(len(dataset.columns), dtype=bool)
    for looked_at in (dataset.take(place < _FEW), dataset):  # most columns differ within a few rows: those are seen in no time
        highest, lowest = _range_of_snapshots(keep(looked_at, same))
        same[same] = ((highest == lowest) | np.isnan(highest)).all(axis=0)
    # one value in every snapshot, but not one value throughout: that column is harmless and stays for the bank's next years
    highest, lowest = _range_of_snapshots(keep(dataset, same))
    moves = np.nanmax(np.where(np.isnan(highest), -np.inf, highest), axis=0) > np.nanmin(
        np.where(np.isnan(lowest), np.inf, lowest), axis=0
    )
    same[same] = moves
    return keep(dataset, ~same)


def _range_of_snapshots(dataset: Dataset) -> tuple[Floats, Floats]:
    """Highest and lowest known value per snapshot (row) and column; NaN where none is known."""
    matrix, starts = dataset.matrix, np.searchsorted(dataset.as_of, np.unique(dataset.as_of))
    return np.fmax.reduceat(matrix, starts, axis=0), np.fmin.reduceat(matrix, starts, axis=0)


def without_copies(dataset: Dataset, limit: float) -> Dataset:
    """Each of a set of near-copies once: of columns whose rank correlation reaches `limit`, the first by name stays.

    A bank with current accounts only has its deposits again as assets and as current balances, over every window; where
    positives are few, drawing columns at random for each tree then draws that one fact over and over. No outcome is looked at.
    """
    matrix = dataset.matrix
    ranks = np.stack([rankdata(np.where(np.isnan(column), -np.inf, column)) for column in matrix.T], axis=1)
    ranks -= ranks.mean(axis=0)
    scale = np.sqrt((ranks**2).sum(axis=0))
    scale[scale == 0] = np.inf
    alike = np.abs((ranks / scale).T @ (ranks / scale))
    category = np.array([name in dataset.encodings for name in dataset.feature_names])
    mask = np.isfinite(scale) | category
    for place in range(len(mask)):
        if mask[place] and not category[place]:
            mask[place + 1 :] &= (alike[place, place + 1 :] < limit) | category[place + 1 :]
    return keep(dataset, mask)
