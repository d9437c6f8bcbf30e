"""A level per calendar month: how far in log-odds a label's rate there lies from what its model expects by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.calibration import distinct
from models.dataset import Dataset

Array = npt.NDArray[np.float64]
MONTHS = 12
LASTS = 0.5  # share of what the calibration's months lie off the year's level that is expected to last
DOUBT = 2  # degrees of freedom given to "half of what months differ by does not come back next year"


@dataclass(frozen=True)
class SeasonLevel:
    """One shift in log-odds per calendar month, January first; the year's where the month was never seen.

    One shift for all of a night: who stands before whom does not change. `season` and `chance` say how sure it is: the
    variance between calendar months that comes back every year, and the variance of one month from year to year.
    """

    shifts: tuple[float, ...]
    season: float = 0.0
    chance: float = 0.0

    def __call__(self, probability: npt.ArrayLike, as_of: dt.date | npt.NDArray[np.datetime64], back: bool = False) -> Array:
        """Probabilities at the level of their month (`as_of`: one day, or one per row); `back` undoes it."""
        p = np.asarray(probability, dtype=np.float64)
        month = np.asarray(as_of, dtype="datetime64[M]").astype(np.int64) % MONTHS  # months since January 1970
        odds = np.exp((-1.0 if back else 1.0) * np.array(self.shifts)[month])
        return _moved(p, odds)

    def to_dict(self) -> dict[str, object]:
        return {
            "shifts": {f"{month:02d}": shift for month, shift in enumerate(self.shifts, 1)},
            "season": self.season,
            "chance": self.chance,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, object]) -> SeasonLevel:
        shifts, season, chance = content["shifts"], content["season"], content["chance"]
        assert isinstance(shifts, dict)
        assert isinstance(season, float)
        assert isinstance(chance, float)
        return cls(tuple(float(shifts[f"{month:02d}"]) for month in range(1, MONTHS + 1)), season, chance)


def learn(known: Dataset, calibrated_on: Sequence[dt.date], probability: Array, least_months: int) -> SeasonLevel | None:
    """The season level of a label's known outcomes, or None with fewer months than `least_months`.

    `probability` is the model's, one per row of `known`, calibrated. A month's level is the shift under which those of its own
    rows would average its rate: a season that the features tell (fewer payments in May) is in the probabilities already, and
    is not counted twice. Of a month's difference to the year's level a share is believed: season / (season + chance +
    sampling). What the calibration's own months lie off the year beyond their season lasts by half: a bank that calibrates on
    the months of its campaign does not promise the campaign all year, and one whose product grows is not held to last year.
    Sampling counts distinct customers with a positive. `chance` is what moves a month without coming back: a campaign, a
    trend, a bad harvest. Only months seen in two years tell it from season; a month seen once is one draw of both. Without
    repeated months, half of what is beyond sampling counts as season; repeated months replace this assumption as they come,
    and where years disagree, shifts go to 0.
    """
    month = known.as_of.astype("datetime64[M]").astype(np.int64)
    months = np.unique(month)
    if len(months) < least_months:
        return None
    found = [_level(known.take(month == one), probability[month == one]) for one in months]
    level, sampling = (np.array(values) for values in zip(*found, strict=True))
    there_too = np.isin(known.as_of, np.array(sorted(calibrated_on), dtype="datetime64[D]"))
    reference, _ = _level(known.take(there_too), probability[there_too])
    calendar = months % MONTHS
    seen = np.bincount(calendar, minlength=MONTHS)
    there, times = np.flatnonzero(seen), seen[seen > 0]
    mean = np.bincount(calendar, weights=level, minlength=MONTHS)[there] / times
    noise = np.bincount(calendar, weights=sampling, minlength=MONTHS)[there] / times**2
    season, chance = _variances(level - mean[np.searchsorted(there, calendar)], sampling, mean, noise, times)
    year = float(mean.mean())
    seasons = np.zeros(MONTHS)
    seasons[there] = (mean - year) * season / np.maximum(season + chance / times + noise, 1e-12)
    lately = reference - year - float(np.mean([seasons[day.month - 1] for day in calibrated_on]))
    shifts = year + seasons + LASTS * lately - reference
    return SeasonLevel(tuple((shifts + 0.0).tolist()), season, chance)  # no -0.0 for people to read


def _level(part: Dataset, probability: Array) -> tuple[float, float]:
    """The shift that makes the probabilities average the rate of these rows, and its sampling variance."""
    weight = part.weights
    share = (part.positives + 0.5) / (weight.sum() + 1)  # half a count keeps a month without positives finite
    positive = part.positive_customers + 0.5
    rest = distinct(part.customers, weight) - part.positive_customers + 0.5
    shift, slope = 0.0, 1.0
    for _ in range(50):  # Newton: the mean rises smoothly in the shift
        moved = _moved(probability, np.exp(shift))
        slope = float((moved * (1 - moved) * weight).sum() / weight.sum())
        step = (share - float((moved * weight).sum() / weight.sum())) / slope
        shift += min(max(step, -1.0), 1.0)
        if abs(step) < 1e-10:
            break
    return shift, (1 / positive + 1 / rest) * (share * (1 - share) / slope) ** 2


def _moved(probability: Array, odds: Array | float) -> Array:
    return np.asarray(probability * odds / (1 - probability + probability * odds))


def _variances(apart: Array, sampling: Array, mean: Array, noise: Array, times: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Variance between calendar months that comes back, and of one month from year to year, by the method of moments."""
    # one standard error more than sampling explains on average: else every second label of pure chance would get seasons
    expected = float(noise.mean()) * (1 + float(np.sqrt(2 / max(len(mean) - 1, 1))))
    beyond = max(0.0, float(np.var(mean, ddof=1)) - expected) if len(mean) > 1 else 0.0
    free = int((times - 1).sum())
    repeated = float((apart**2).sum()) - free * float(sampling.mean())
    chance = max(0.0, (repeated + DOUBT * beyond / 2) / (free + DOUBT))
    return max(0.0, beyond - chance * float((1 / times).mean())), chance
