"""The answer where positives are too few for a model: rates of declared segments, shrunk, with their wide interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaln

from models.calibration import distinct, logit, sigmoid
from models.dataset import Dataset
from models.settings import Segment
from models.stack import Floats

Array = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cutter:
    """One feature cut into parts: at `edges` (a number) or by code (a category); the last part is 'unknown'."""

    feature: str
    edges: tuple[float, ...] = ()
    categories: int = 0

    @property
    def parts(self) -> int:
        return (self.categories or len(self.edges) + 1) + 1

    def cells(self, values: npt.NDArray[Any]) -> Cells:
        """The part of each value."""
        known = ~np.isnan(values)
        safe = np.where(known, values, 0.0)
        if self.categories:
            inside = np.minimum(safe.astype(np.int64), self.categories)
        else:
            inside = np.searchsorted(np.array(self.edges), safe, side="right").astype(np.int64)
        return np.where(known, inside, self.parts - 1)


@dataclass(frozen=True)
class SegmentRates:
    """Per segment: rate, low, high. Segments are the parts of the first feature, each cut by those of the second.

    `first` holds the log-odds of the first feature's parts alone, so that a score splits into one step per feature.
    """

    cutters: tuple[Cutter, ...]
    base: float  # log-odds of the whole cohort's rate
    first: tuple[float, ...]
    rates: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    customers: tuple[int, ...]
    positives: tuple[int, ...]  # distinct customers with a positive

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(cutter.feature for cutter in self.cutters)

    def cells(self, matrix: Floats) -> Cells:
        """The segment of each row; the columns of `matrix` are the cutters' features."""
        return _cells(self.cutters, matrix)

    def contributions(self, matrix: Floats) -> Array:
        """Log-odds split as base, first feature, second feature given the first: the last column is the base."""
        raw = logit(np.array(self.rates))[self.cells(matrix)]
        out = np.zeros((len(matrix), len(self.cutters) + 1))
        out[:, -1] = self.base if self.cutters else raw  # where nothing tells customers apart, all have the one rate
        if self.cutters:
            first = raw if len(self.cutters) == 1 else np.array(self.first)[self.cutters[0].cells(matrix[:, 0])]
            out[:, 0] = first - self.base
            if len(self.cutters) == 2:
                out[:, 1] = raw - first
        return out

    def to_dict(self) -> dict[str, Any]:
        return {
            "cutters": [{"feature": c.feature, "edges": list(c.edges), "categories": c.categories} for c in self.cutters],
            "base": self.base,
            "first": list(self.first),
            "rates": list(self.rates),
            "low": list(self.low),
            "high": list(self.high),
            "customers": list(self.customers),
            "positives": list(self.positives),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> SegmentRates:
        cutters = tuple(Cutter(c["feature"], tuple(c["edges"]), c["categories"]) for c in content["cutters"])
        fields = ("first", "rates", "low", "high", "customers", "positives")
        return cls(cutters, content["base"], **{name: tuple(content[name]) for name in fields})


def _cells(cutters: Sequence[Cutter], matrix: Floats) -> Cells:
    cells = np.zeros(len(matrix), dtype=np.int64)
    for place, cutter in enumerate(cutters):
        cells = cells * cutter.parts + cutter.cells(matrix[:, place])
    return cells


def segment_rates(dataset: Dataset, segments: Sequence[Segment], use: int, level: float = 0.95) -> SegmentRates:
    """Rates of segments by empirical Bayes over the whole stacked cohort.

    Each segment's rate comes from a Beta around the cohort's rate; how far segments differ is itself uncertain and averaged
    over (a grid, weighted by the marginal likelihood), so with few positives segments stay near the cohort and the interval
    is wide. Months of one customer are counted as so many customers as there are distinct ones with a positive.
    """
    names = list(dataset.feature_names)
    chosen = [s for s in segments if s.feature in names][:use]
    matrix = dataset.matrix[:, [names.index(s.feature) for s in chosen]]
    cutters = tuple(_cutter(s, matrix[:, i], dataset) for i, s in enumerate(chosen))
    cells = _cells(cutters, matrix)
    count = int(np.prod([c.parts for c in cutters])) if cutters else 1
    hits, trials, people, positives = _counts(dataset, cells, count)
    rate, low, high = shrink(hits, trials, level)
    first = cells // (cutters[1].parts) if len(cutters) == 2 else cells
    parts = cutters[0].parts if cutters else 1
    once = _once(dataset)
    alone = shrink(
        np.bincount(first, dataset.target * dataset.weights, parts).astype(np.float64) * once,
        np.bincount(first, dataset.weights, parts).astype(np.float64) * once,
        level,
    )[0]
    whole = (hits.sum() + 0.5) / (trials.sum() + 1)
    return SegmentRates(
        cutters,
        float(logit(whole)),
        tuple(logit(alone).tolist()),
        tuple(rate.tolist()),
        tuple(low.tolist()),
        tuple(high.tolist()),
        tuple(people.tolist()),
        tuple(positives.tolist()),
    )


def _cutter(segment: Segment, values: npt.NDArray[Any], dataset: Dataset) -> Cutter:
    if segment.feature in dataset.encodings:
        return Cutter(segment.feature, categories=max(1, len(dataset.encodings[segment.feature])))
    known = values[~np.isnan(values)].astype(np.float64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, segment.parts + 1)[1:-1])) if len(known) else np.empty(0)
    return Cutter(segment.feature, tuple(float(e) for e in edges))


def _once(dataset: Dataset) -> float:
    """Distinct customers per row: among the positives where there are any, else among all."""
    rows = dataset.positives or max(1, dataset.size)
    return (dataset.positive_customers or distinct(dataset.customers, dataset.weights)) / rows


def _counts(dataset: Dataset, cells: Cells, count: int) -> tuple[Array, Array, Cells, Cells]:
    once = _once(dataset)
    hits = np.bincount(cells, dataset.target * dataset.weights, count).astype(np.float64) * once
    trials = np.bincount(cells, dataset.weights, count).astype(np.float64) * once

    def people(mask: npt.NDArray[np.bool_]) -> Cells:
        pairs, code = np.unique(np.stack([cells[mask], dataset.customers[mask]]), axis=1, return_inverse=True)
        heaviest = np.zeros(pairs.shape[1])
        np.maximum.at(heaviest, code.ravel(), dataset.weights[mask])
        return np.round(np.bincount(pairs[0], heaviest, count)).astype(np.int64)

    return hits, trials, people(np.ones(len(cells), dtype=bool)), people(dataset.target == 1)


def shrink(hits: Array, trials: Array, level: float = 0.95) -> tuple[Array, Array, Array]:
    """Posterior mean, low and high of each segment's rate under a Beta prior whose mean and strength are averaged over."""
    total = (hits.sum() + 0.5) / (trials.sum() + 1)
    spread = 4 / np.sqrt(hits.sum() + 1)
    means = sigmoid(logit(total) + np.linspace(-spread, spread, 25))[:, None]
    strengths = (np.geomspace(2, 3000, 14) / np.maximum(total, 1e-6) / 10)[None, :]
    a, b = (means * strengths)[..., None], ((1 - means) * strengths)[..., None]
    # Jeffreys' prior on the mean is, per step of log-odds, the square root of m(1 - m)
    weight = (betaln(a + hits, b + trials - hits) - betaln(a, b)).sum(-1) + 0.5 * np.log(means * (1 - means))
    weight = np.exp(weight - weight.max())
    weight = (weight / weight.sum())[..., None]
    a, b = a + hits, b + trials - hits
    mean = (weight * a / (a + b)).sum((0, 1))
    grid = sigmoid(np.linspace(logit(total) - 7, min(float(logit(total)) + 7, 12.0), 240))
    keep = weight[..., 0] > 1e-5
    cdf = np.einsum("h,hgs->gs", weight[keep][:, 0], betainc(a[keep][:, None, :], b[keep][:, None, :], grid[None, :, None]))
    ends = [np.array([np.interp(q, cdf[:, s], grid) for s in range(len(hits))]) for q in ((1 - level) / 2, (1 + level) / 2)]
    return mean, np.minimum(ends[0], mean), np.maximum(ends[1], mean)
