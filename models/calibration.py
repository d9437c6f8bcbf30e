"""Raw scores into probabilities: centred isotonic regression, strictly increasing, stored as knots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Band = tuple[tuple[float, float, float], ...]
_EDGE = 1e-12
SUPPORT = 3  # customers with a positive behind every point of a calibration


def sigmoid(raw: npt.ArrayLike) -> Array:
    """Log-odds as a probability."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(raw, dtype=np.float64))))


def logit(share: npt.ArrayLike) -> Array:
    """A probability as log-odds."""
    clipped = np.clip(np.asarray(share, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


@dataclass(frozen=True)
class Calibration:
    """Knots from the booster's own probability to the calibrated one, and a band around it.

    Between knots: a straight line. Beyond the end knots: a straight line in log-odds whose slope is that from the first knot
    to the last, at least 0.05 and at most 1: order is kept, and a booster that is too sure of itself is not believed more at
    the ends than between them. `band` holds (probability, low, high): a Jeffreys interval of the rate among customers with
    about this probability.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    band: Band = ()

    @property
    def slope(self) -> float:
        """Slope of the ends, in log-odds."""
        if len(self.x) < 2:
            return 0.05
        ends_x, ends_y = logit([self.x[0], self.x[-1]]), logit([self.y[0], self.y[-1]])
        return float(np.clip((ends_y[1] - ends_y[0]) / max(ends_x[1] - ends_x[0], _EDGE), 0.05, 1.0))

    def __call__(self, raw: npt.ArrayLike) -> Array:
        """Calibrated probabilities of raw scores (log-odds)."""
        scores = np.asarray(raw, dtype=np.float64)
        own = sigmoid(scores)
        probability = np.interp(own, self.x, self.y)
        for outside, end in ((own < self.x[0], 0), (own > self.x[-1], -1)):
            shift = self.slope * (scores[outside] - logit(self.x[end]))
            probability[outside] = sigmoid(logit(self.y[end]) + shift)
        return np.asarray(probability)

    def interval(self, probability: npt.ArrayLike) -> tuple[Array, Array]:
        """Low and high around calibrated probabilities; never without the probability itself."""
        p = np.asarray(probability, dtype=np.float64)
        if not self.band:
            return p, p
        at, low, high = (np.array(column) for column in zip(*self.band, strict=True))
        # as ratios, so that beyond the outer bins the band narrows and widens with the probability
        return (np.minimum(p, p * np.interp(p, at, low / at)), np.clip(np.maximum(p, p * np.interp(p, at, high / at)), p, 1.0))

    def to_dict(self) -> dict[str, Any]:
        return {"x": list(self.x), "y": list(self.y), "band": [list(row) for row in self.band]}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Calibration:
        return cls(tuple(content["x"]), tuple(content["y"]), tuple((a, b, c) for a, b, c in content["band"]))


def distinct(groups: npt.NDArray[Any], weight: Array) -> float:
    """How many customers the rows stand for: each for as many as the heaviest of its rows."""
    _, code = np.unique(groups, return_inverse=True)
    heaviest = np.zeros(int(code.max(initial=-1)) + 1)
    np.maximum.at(heaviest, code, weight)
    return float(heaviest.sum())


def pool(y: Array, weight: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """Pool adjacent violators: block means, strictly increasing, and the start of every block."""
    means: list[float] = []
    weights: list[float] = []
    starts: list[int] = []
    for place in range(len(y)):
        means.append(float(y[place]))
        weights.append(float(weight[place]))
        starts.append(place)
        # rates that differ by rounding only (9 of 17, 18 of 34) are one: between such knots customers would tie
        while len(means) > 1 and means[-2] >= means[-1] * (1 - 1e-9):
            mean, mass = means.pop(), weights.pop()
            starts.pop()
            means[-1] = (means[-1] * weights[-1] + mean * mass) / (weights[-1] + mass)
            weights[-1] += mass
    return np.array(means), np.array(starts, dtype=np.int64)


def centred_isotonic(x: Array, y: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Centred isotonic regression (Oron & Flournoy 2017): knots x, y and their weights, both strictly increasing.

    Plain isotonic regression is flat over every pooled block. Here a block becomes one point, at the weighted mean of its x,
    and straight lines join the points. x must be strictly increasing.
    """
    means, starts = pool(y, weight)
    mass = np.add.reduceat(weight, starts)
    return np.add.reduceat(x * weight, starts) / mass, means, mass


def calibrate(
    raw: npt.ArrayLike,
    target: npt.ArrayLike,
    customers: npt.ArrayLike | None = None,
    level: float = 0.95,
    bins: int = 10,
    weight: Array | None = None,
) -> Calibration:
    """A calibration learned from raw scores (log-odds) and outcomes of rows the booster has not learned from.

    A block without positives would be an impossible zero, one of positives only a certain one: they get Jeffreys' half count.
    Every point that the regression joins rests on SUPPORT customers with a positive: some months of one customer at the top
    are no proof that nine in ten of such customers buy. `customers` (codes) make repeated rows of one customer count once, in
    this and in the width of the band. `weight`: how many rows a row stands for, where negatives were sampled.
    """
    own = sigmoid(raw)
    outcome = np.asarray(target, dtype=np.float64)
    groups = np.arange(len(outcome)) if customers is None else np.asarray(customers)
    mass_of = np.ones(len(own)) if weight is None else weight
    part = _supported(own, outcome, groups)
    counts = np.bincount(part, weights=mass_of).astype(np.float64)
    at, mean = np.bincount(part, weights=own * mass_of) / counts, np.bincount(part, weights=outcome * mass_of) / counts
    x, y, mass = centred_isotonic(at, mean, counts)
    if y[0] <= 0:
        y[0] = min(0.5 / (mass[0] + 1), y[1] / 2 if len(y) > 1 else 1.0)
    if y[-1] >= 1:
        y[-1] = max((mass[-1] + 0.5) / (mass[-1] + 1), (1 + y[-2]) / 2 if len(y) > 1 else 0.0)
    fitted = Calibration(tuple(x.tolist()), tuple(y.tolist()))
    return Calibration(fitted.x, fitted.y, _band(fitted(raw), outcome, groups, mass_of, level, bins))


def _supported(own: Array, outcome: Array, groups: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The part of every row: neighbours in score, equal scores together, SUPPORT customers with a positive in each part."""
    distinct, place = np.unique(own, return_inverse=True)
    _, code = np.unique(groups, return_inverse=True)
    mine = np.bincount(code, weights=outcome)[code]
    share = np.divide(outcome, mine, out=np.zeros_like(outcome), where=mine > 0)  # a customer's positives add up to one
    before = np.cumsum(np.bincount(place, weights=share, minlength=len(distinct)))
    most = max(1, int(before[-1] // SUPPORT)) if len(before) else 1
    part = np.minimum(np.floor(np.r_[0.0, before[:-1]] / SUPPORT + 1e-9), most - 1)
    return np.unique(part, return_inverse=True)[1].astype(np.int64)[place]


def _band(p: Array, outcome: Array, groups: npt.NDArray[Any], weight: Array, level: float, bins: int) -> Band:
    """(mean probability, low, high) for bins of equal size in positives expected: the rare top is where people look.

    Low and high never fall as the probability rises: a likelier customer must not look less sure to be likely.
    """
    from scipy.stats import beta  # takes a second to import, so only where something is calibrated

    order = np.argsort(p, kind="stable")
    reached = np.cumsum((p * weight)[order])
    size = max(1, min(bins, int(outcome.sum() // 15)))
    edges = np.searchsorted(reached, np.linspace(0, reached[-1], size + 1)[1:-1])
    once = distinct(groups, weight) / weight.sum()  # several months of one customer are hardly several customers
    rows = []
    for part in np.split(order, np.unique(edges)):
        if not len(part):
            continue
        own = weight[part]
        n, k, at = own.sum() * once, float((outcome[part] * own).sum()) * once, float((p[part] * own).sum() / own.sum())
        low, high = beta.ppf([(1 - level) / 2, (1 + level) / 2], k + 0.5, n - k + 0.5)
        rows.append((at, min(float(low), at), max(float(high), at)))
    table = np.array(sorted(rows))
    table[:, 1:] = np.maximum.accumulate(table[:, 1:], axis=0)
    table[:, 1] = np.minimum(table[:, 1], table[:, 0])
    first = np.r_[True, np.diff(table[:, 0]) > 0]
    return tuple((float(at), float(low), float(high)) for at, low, high in table[first])
