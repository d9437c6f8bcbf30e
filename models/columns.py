"""Which columns a training period can teach anything by: what it has seen once, and what it sees twice over, are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.dataset import Dataset
from models.splits import customer_draw
from models.stack import Floats

Mask = npt.NDArray[np.bool_]
ENOUGH = 60_000  # rows to find copies among


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
    maybe = np.ones(len(dataset.columns), dtype=bool)
    highest, lowest = np.full(len(maybe), -np.inf, np.float32), np.full(len(maybe), np.inf, np.float32)
    for day in dataset.as_ofs:  # most columns differ in the first snapshot already: the others are looked at no more
        top, bottom = _range(keep(dataset.during([day]), maybe))
        flat = (top == bottom) | np.isnan(top)
        maybe[maybe] = flat
        highest[maybe] = np.fmax(highest[maybe], top[flat])
        lowest[maybe] = np.fmin(lowest[maybe], bottom[flat])
    # one value in every snapshot, but not one value throughout: that column is harmless and stays for the bank's next years
    return keep(dataset, ~(maybe & (highest > lowest)))


def _range(dataset: Dataset) -> tuple[Floats, Floats]:
    """Highest and lowest known value per column; NaN where none is known."""
    matrix = dataset.matrix
    return np.fmax.reduce(matrix, axis=0), np.fmin.reduce(matrix, axis=0)


def without_copies(dataset: Dataset, limit: float) -> Dataset:
    """Each of a set of near-copies once: of columns whose rank correlation reaches `limit`, the first by name stays.

    A bank with current accounts only has its deposits again as assets and as current balances, over every window; where
    positives are few, drawing columns at random for each tree then draws that one fact over and over. No outcome is looked at.
    Of very many rows those of some customers tell it as well: a correlation of 0.98 from 60,000 is off by two in ten thousand.
    """
    from scipy.stats import rankdata  # takes a second to import, so only where something is learned

    some = customer_draw(dataset, "copies") < ENOUGH / max(1, len(dataset.rows))
    matrix = dataset.take(some).matrix
    ranks = np.stack([rankdata(np.where(np.isnan(column), -np.inf, column)) for column in matrix.T], axis=1)
    ranks -= ranks.mean(axis=0)
    scale = np.sqrt((ranks**2).sum(axis=0))
    scale[scale == 0] = np.inf
    ranks /= scale
    alike = np.abs(ranks.T @ ranks)
    category = np.array([name in dataset.encodings for name in dataset.feature_names])
    mask = np.isfinite(scale) | category
    for place in range(len(mask)):
        if mask[place] and not category[place]:
            mask[place + 1 :] &= (alike[place, place + 1 :] < limit) | category[place + 1 :]
    return keep(dataset, mask)
