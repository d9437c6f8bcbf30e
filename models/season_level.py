"""A level per calendar month: how far in log-odds a label's rate there will lie from what its model expects by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from models.calibration import distinct
from models.dataset import Dataset

Array = npt.NDArray[np.float64]
Months = npt.NDArray[np.int64]  # months since January 1970
MONTHS = 12
MONTH_DAYS = 30.44
KEEPS = 0.85  # of what a month lies off its season, so much is left a month later: half after four months
USUAL = 0.3, 0.15  # log-odds by which seasons differ, and all else that moves a month, as believed before anything is seen
GRID = (0.0, 0.05, 0.1, 0.2, 0.35, 0.6)  # deviations in log-odds that are weighed against each other


@dataclass(frozen=True)
class SeasonLevel:
    """One shift in log-odds per calendar month, January first, of the first such month after the newest that was learned from.

    One shift for all of a night: who stands before whom does not change. `doubts`: how far off each may lie, in log-odds, at
    the level of the other intervals (none: of a champion that was made before doubts were kept). `season` and `chance` are the
    variances found: between calendar months, coming back every year, and of all else that moves a month.
    """

    shifts: tuple[float, ...]
    season: float = 0.0
    chance: float = 0.0
    doubts: tuple[float, ...] = ()

    def __call__(self, probability: npt.ArrayLike, as_of: dt.date | npt.NDArray[np.datetime64], back: bool = False) -> Array:
        """Probabilities at the level of their month (`as_of`: one day, or one per row); `back` undoes it."""
        p = np.asarray(probability, dtype=np.float64)
        return moved(p, (-1.0 if back else 1.0) * np.array(self.shifts)[_calendar(as_of)])

    def doubt(self, as_of: dt.date | npt.NDArray[np.datetime64]) -> Array:
        """How far off the level of these days' months may lie, in log-odds."""
        return np.array(self.doubts or (0.0,) * MONTHS)[_calendar(as_of)]

    def to_dict(self) -> dict[str, object]:
        doubts = {"doubts": _named(self.doubts)} if self.doubts else {}
        return {"shifts": _named(self.shifts), "season": self.season, "chance": self.chance, **doubts}

    @classmethod
    def from_dict(cls, content: Mapping[str, object]) -> SeasonLevel:
        season, chance = content["season"], content["chance"]
        assert isinstance(season, float)
        assert isinstance(chance, float)
        doubts = _by_month(content["doubts"]) if "doubts" in content else ()
        return cls(_by_month(content["shifts"]), season, chance, doubts)


def _calendar(as_of: dt.date | npt.NDArray[np.datetime64]) -> Months:
    return np.asarray(np.asarray(as_of, dtype="datetime64[M]").astype(np.int64) % MONTHS)


def _named(values: tuple[float, ...]) -> dict[str, float]:
    return {f"{month:02d}": value for month, value in enumerate(values, 1)}


def _by_month(content: object) -> tuple[float, ...]:
    assert isinstance(content, dict)
    return tuple(float(content[f"{month:02d}"]) for month in range(1, MONTHS + 1))


def learn(known: Dataset, horizon_days: int, probability: Array, least_months: int, level: float = 0.95) -> SeasonLevel | None:
    """The season level of a label's known outcomes for the twelve months after them, or None with fewer than `least_months`.

    `probability` is the model's, one per row of `known`, calibrated, of boosters that have not seen the row's customer: what a
    booster learned from it expects too much of. A month's level is the shift under which those of its own rows would average
    its rate: a season that the features tell (fewer payments in May) is in the probabilities already, and is not counted twice.
    """
    month = known.as_of.astype("datetime64[M]").astype(np.int64)
    months = np.unique(month)
    if len(months) < least_months:
        return None
    found = [level_of(known.take(month == one), probability[month == one]) for one in months]
    levels, sampling = (np.array(values) for values in zip(*found, strict=True))
    ahead = months[-1] + 1 + np.arange(MONTHS)
    shifts, variance, season, chance = foreseen(months, levels, sampling, ahead, horizon_days / MONTH_DAYS)
    order, reach = np.argsort(ahead % MONTHS), NormalDist().inv_cdf((1 + level) / 2)
    return SeasonLevel(
        tuple((shifts[order] + 0.0).tolist()),  # no -0.0 for people to read
        season,
        chance,
        tuple((reach * np.sqrt(variance[order])).tolist()),
    )


def level_of(part: Dataset, probability: Array) -> tuple[float, float]:
    """The shift that makes the probabilities average the rate of these rows, and its sampling variance.

    Sampling counts distinct customers with a positive.
    """
    weight = part.weights
    share = (part.positives + 0.5) / (weight.sum() + 1)  # half a count keeps a month without positives finite
    positive = part.positive_customers + 0.5
    rest = distinct(part.customers, weight) - part.positive_customers + 0.5
    shift, slope = 0.0, 1.0
    for _ in range(50):  # Newton: the mean rises smoothly in the shift
        there = moved(probability, shift)
        slope = float((there * (1 - there) * weight).sum() / weight.sum())
        step = (share - float((there * weight).sum() / weight.sum())) / slope
        shift += min(max(step, -1.0), 1.0)
        if abs(step) < 1e-10:
            break
    return shift, (1 / positive + 1 / rest) * (share * (1 - share) / slope) ** 2


def moved(probability: Array, shift: Array | float) -> Array:
    """Probabilities whose log-odds are so much higher."""
    odds = np.exp(shift)
    return np.asarray(probability * odds / (1 - probability + probability * odds))


def foreseen(months: Months, levels: Array, sampling: Array, ahead: Months, span: float) -> tuple[Array, Array, float, float]:
    """Levels of the months `ahead`, the variances around them, and the variances of season and of wandering.

    The best linear prediction of a level that is the sum of five: the label's own; a season, the same in every year; what
    lasts for a while (a trend, a rival); what passes with its month (a campaign, a bad harvest); and sampling. Snapshots
    closer than the `span` of their windows, in months, agree in season, in what passes and in sampling by the share that their
    windows have in common. How much there is of each, few months cannot tell: predictions are averaged over GRID by
    restricted likelihood, and what is not known of it is in the variances. Months seen once tell a season from the rest by its
    size only, months that came back by coming back; where years disagree, seasons go to 0.
    """
    n, every = len(months), np.r_[months, ahead]
    apart = np.abs(every[:, None] - every[None, :])
    around = np.minimum(apart % MONTHS, -apart % MONTHS)
    same = [np.clip(1 - gap / np.clip(span, 1, MONTHS / 2), 0, None) for gap in (around, apart)]
    season, lasting, passing = (part.ravel() ** 2 for part in np.meshgrid(GRID, GRID, GRID, indexing="ij"))
    kinds = zip((season, lasting, passing), (same[0], KEEPS**apart, same[1]), strict=True)
    whole, chance = sum(size[:, None, None] * kind for size, kind in kinds), lasting + passing
    noise = np.sqrt(np.outer(sampling, sampling)) * same[1][:n, :n] + 1e-9 * np.eye(n)
    inverse, across = np.linalg.inv(whole[:, :n, :n] + noise), whole[:, n:, :n]
    weight = inverse.sum(axis=1)
    total = weight.sum(axis=1)
    own = weight @ levels / total
    rest = levels - own[:, None]
    pull = np.einsum("gij,gj->gi", inverse, rest)
    likely = (
        np.linalg.slogdet(inverse)[1]
        - (rest * pull).sum(axis=1)
        - np.log(total)
        - season / USUAL[0] ** 2
        - chance / USUAL[1] ** 2
    )
    belief = np.exp((likely - likely.max()) / 2)
    belief /= belief.sum()
    each = own[:, None] + np.einsum("gaj,gj->ga", across, pull)
    unsaid = 1 - np.einsum("gaj,gj->ga", across, weight)
    variance = (season + chance)[:, None] - np.einsum("gai,gij,gaj->ga", across, inverse, across) + unsaid**2 / total[:, None]
    best = belief @ each
    return best, belief @ (variance + (each - best) ** 2), float(belief @ season), float(belief @ chance)
