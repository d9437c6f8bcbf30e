"""Percentile bootstrap by customer, all resamples at once: as weights on rows that were sorted only once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval."""

    value: float
    low: float
    high: float

    def to_list(self) -> list[float]:
        return [self.value, self.low, self.high]


@dataclass(frozen=True)
class Resamples:
    """Row 0: every customer once. Rows 1 to B: how often each customer was drawn."""

    counts: Counts  # (B + 1, customers)
    level: float

    @classmethod
    def draw(cls, customers: int, resamples: int, seed: int, level: float = 0.95) -> Resamples:
        """As many draws with replacement as there are customers, `resamples` times."""
        generator = np.random.Generator(np.random.PCG64(seed))
        counts = np.ones((resamples + 1, customers), dtype=np.float32)
        for row in range(1, resamples + 1):
            counts[row] = np.bincount(generator.integers(0, customers, customers), minlength=customers)
        return cls(counts, level)

    def sums(self, codes: Ints, values: npt.NDArray[np.floating]) -> Array:
        """Sum of `values` (rows, or rows x columns) per resample."""
        columns = values.reshape(len(values), -1)
        per_customer = np.stack([np.bincount(codes, columns[:, c], self.counts.shape[1]) for c in range(columns.shape[1])], 1)
        return np.asarray(self.counts.astype(np.float64) @ per_customer)

    def blocks(self, codes: Ints, weight: Counts | None = None, cells: int = 4_000_000) -> Iterator[Counts]:
        """Weights of the rows, some resamples at a time; `weight`: how many rows a row stands for."""
        step = max(1, cells // max(1, len(codes)))
        for start in range(0, len(self.counts), step):
            drawn = np.take(self.counts[start : start + step], codes, axis=1)
            yield drawn if weight is None else drawn * weight

    def estimate(self, values: Array) -> Estimate:
        """The figure of row 0 with the percentile interval of the rest; resamples in which it is undefined are left out."""
        drawn = values[1:][np.isfinite(values[1:])]
        if not len(drawn) or not np.isfinite(values[0]):
            return Estimate(float(values[0]), float("nan"), float("nan"))
        low, high = np.quantile(drawn, [(1 - self.level) / 2, (1 + self.level) / 2])
        return Estimate(float(values[0]), float(low), float(high))


@dataclass(frozen=True)
class Ranking:
    """Per resample: ROC AUC, average precision, and share of positives caught in each asked share of the cohort."""

    roc_auc: Array
    pr_auc: Array
    gains: Array  # (B + 1, shares)


def ranking(
    score: Array,
    target: npt.NDArray[np.int8],
    codes: Ints,
    resamples: Resamples,
    shares: tuple[float, ...],
    weight: Counts | None = None,
) -> Ranking:
    """Rank measures of one score vector. Tied scores are one step: no order among them is rewarded.

    Where no positive lies nothing is counted, so the rows between two positives are one step too: a tenth of the time.
    """
    order = np.argsort(-score, kind="stable")
    ordered, outcome, who = score[order], target[order], codes[order]
    starts = _steps(ordered, outcome)
    positive = np.flatnonzero(outcome)
    step = np.searchsorted(starts, positive, side="right") - 1
    first = np.flatnonzero(np.r_[True, step[1:] != step[:-1]]) if len(step) else step
    auc, precision, gains = [], [], []
    for each in resamples.blocks(who, None if weight is None else weight[order]):
        mass, hits = np.add.reduceat(each, starts, axis=1), np.zeros((len(each), len(starts)), np.float32)
        if len(positive):
            hits[:, step[first]] = np.add.reduceat(each[:, positive], first, axis=1)
        everyone = np.cumsum(mass, axis=1, dtype=np.float64)
        caught = np.cumsum(hits, axis=1, dtype=np.float64)
        total, found = everyone[:, -1:], caught[:, -1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            # a negative is beaten by the positives above it, and by half of those beside it
            beaten = ((mass - hits) * (caught - hits / 2)).sum(1)
            auc.append(beaten / (found * (total - found))[:, 0])
            precision.append((hits * np.nan_to_num(caught / everyone)).sum(1) / found[:, 0])
            gains.append(np.stack([_gain(everyone, caught, share) for share in shares], 1))
    return Ranking(np.concatenate(auc), np.concatenate(precision), np.concatenate(gains))


def _steps(ordered: Array, outcome: npt.NDArray[np.int8]) -> Ints:
    """Where the steps of a ranking start: rows of one score with a positive among them, or all rows between two such."""
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    some = np.maximum.reduceat(outcome, starts) > 0
    return np.asarray(starts[some | np.r_[True, some[:-1]]], dtype=np.int64)


def _gain(everyone: Array, caught: Array, share: float) -> Array:
    """Share of positives among the first `share` of the cohort; a tie across the line counts in proportion."""
    wanted = share * everyone[:, -1]
    place = np.minimum((everyone < wanted[:, None]).sum(1), everyone.shape[1] - 1)
    rows = np.arange(len(everyone))
    before = np.where(place > 0, everyone[rows, place - 1], 0.0)
    caught_before = np.where(place > 0, caught[rows, place - 1], 0.0)
    width = np.maximum(everyone[rows, place] - before, 1e-12)
    part = np.clip((wanted - before) / width, 0, 1)
    return np.asarray((caught_before + part * (caught[rows, place] - caught_before)) / caught[:, -1])
