"""How good a score is, each figure with its interval."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from models.bootstrap import Array, Estimate, Ints, Resamples, ranking
from models.calibration import distinct
from models.settings import EvaluationSettings

Judged = Literal["out_of_time", "cross_fitted"]
CURVE = tuple(round(float(s), 4) for s in np.linspace(0, 1, 51)[1:])


@dataclass(frozen=True)
class Decile:
    """One tenth of the cohort by probability: what was expected, what came."""

    rows: int
    expected: float
    observed: Estimate


@dataclass(frozen=True)
class Season:
    """The same measures within one season."""

    name: str
    rows: int
    positives: int
    roc_auc: Estimate
    observed_expected: Estimate


@dataclass(frozen=True)
class Evaluation:
    """One score on one cohort. Gain is the share of positives caught in a share of the cohort; lift is gain over that share."""

    judged: Judged
    as_ofs: tuple[dt.date, ...]
    rows: int
    customers: int
    positives: int
    positive_customers: int
    base_rate: float
    capacity: int
    capacity_share: float
    roc_auc: Estimate
    pr_auc: Estimate
    lift_10: Estimate
    gain_10: Estimate
    lift_capacity: Estimate
    gain_capacity: Estimate
    brier: Estimate
    brier_base: Estimate  # of the base rate, which a model must beat
    log_loss: Estimate
    log_loss_base: Estimate
    ece: Estimate
    observed_expected: Estimate
    deciles: tuple[Decile, ...]
    seasons: tuple[Season, ...]
    gains: tuple[Estimate, ...]  # at every share of CURVE

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        content: dict[str, Any] = plain(asdict(self))
        return content

    def figures(self) -> dict[str, float]:
        """Flat figures for tracking: name, name_low, name_high."""
        flat: dict[str, float] = {}
        named = {name: value for name, value in vars(self).items() if isinstance(value, Estimate)}
        for season in self.seasons:
            named[f"roc_auc_{season.name}"] = season.roc_auc
            named[f"observed_expected_{season.name}"] = season.observed_expected
        for name, value in named.items():
            flat |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        for place, decile in enumerate(self.deciles, 1):
            flat |= {f"decile_{place:02d}_expected": decile.expected, f"decile_{place:02d}_observed": decile.observed.value}
        for name in ("rows", "customers", "positives", "positive_customers", "base_rate", "capacity_share"):
            flat[name] = float(vars(self)[name])
        return {name: value for name, value in flat.items() if np.isfinite(value)}


def plain(content: Any) -> Any:
    """As JSON knows it: lists for tuples, text for dates, null for what is not a number."""
    if isinstance(content, dict):
        return {name: plain(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    if isinstance(content, dt.date):
        return content.isoformat()
    return None if isinstance(content, float) and not np.isfinite(content) else content


@dataclass(frozen=True)
class Scored:
    """What an evaluation looks at: one row per as_of and customer."""

    as_of: npt.NDArray[np.datetime64]
    customers: Ints  # codes
    target: npt.NDArray[np.int8]
    probability: Array
    raw: Array
    weight: npt.NDArray[np.float32] | None = None  # rows a row stands for, where negatives were sampled

    @property
    def weights(self) -> Array:
        return np.ones(len(self.target)) if self.weight is None else self.weight.astype(np.float64)

    def compact(self) -> Ints:
        """Customer codes from 0 without gaps."""
        return np.asarray(np.unique(self.customers, return_inverse=True)[1], dtype=np.int64)


def evaluate(
    scored: Scored,
    settings: EvaluationSettings,
    *,
    base_rate: float,
    capacity: int,
    seed: int,
    judged: Judged = "out_of_time",
    seasons: Mapping[dt.date, str] | None = None,
    doubt: float = 0.0,
) -> Evaluation:
    """Measures with percentile intervals over customers drawn with replacement. `base_rate` is the rate of training.

    `doubt`: how far off the level of the probabilities may lie, in log-odds: what is expected is an estimate too, and the
    intervals of observed over expected hold both.
    """
    codes = scored.compact()
    resamples = Resamples.draw(int(codes.max()) + 1, settings.resamples, seed, settings.level)
    days = [day.astype("datetime64[D]").item() for day in np.unique(scored.as_of)]
    weight = scored.weights
    share = min(1.0, capacity * len(days) / float(weight.sum()))
    ranks = ranking(scored.raw, scored.target, codes, resamples, (0.1, share, *CURVE), scored.weight)
    est = resamples.estimate
    p, y = scored.probability, scored.target.astype(np.float64)
    base = np.full(len(p), np.clip(base_rate, 1e-6, 1 - 1e-6))
    columns = [np.ones_like(p), y, p, (p - y) ** 2, (base - y) ** 2, _loss(p, y), _loss(base, y)]
    sums = resamples.sums(codes, np.stack(columns, 1) * weight[:, None])
    means = sums / sums[:, :1]
    with np.errstate(invalid="ignore", divide="ignore"):
        over = sums[:, 1] / sums[:, 2]
    deciles, ece = _deciles(scored, codes, resamples, settings.deciles)
    return Evaluation(
        judged=judged,
        as_ofs=tuple(days),
        rows=round(float(weight.sum())),
        customers=round(distinct(codes, weight)),
        positives=int(y.sum()),
        positive_customers=len(np.unique(codes[scored.target == 1])),
        base_rate=float((y * weight).sum() / weight.sum()),
        capacity=capacity,
        capacity_share=share,
        roc_auc=est(ranks.roc_auc),
        pr_auc=est(ranks.pr_auc),
        lift_10=est(ranks.gains[:, 0] / 0.1),
        gain_10=est(ranks.gains[:, 0]),
        lift_capacity=est(ranks.gains[:, 1] / share),
        gain_capacity=est(ranks.gains[:, 1]),
        brier=est(means[:, 3]),
        brier_base=est(means[:, 4]),
        log_loss=est(means[:, 5]),
        log_loss_base=est(means[:, 6]),
        ece=est(ece),
        observed_expected=_doubted(est(over), p, weight, doubt),
        deciles=deciles,
        seasons=_seasons(scored, codes, resamples, seasons or {day: _quarter(day) for day in days}, doubt),
        gains=tuple(est(ranks.gains[:, 2 + i]) for i in range(len(CURVE))),
    )


def _doubted(ratio: Estimate, p: Array, weight: Array, doubt: float) -> Estimate:
    """Observed over expected whose interval also holds what the level of the probabilities may be off by."""
    if not doubt or not ratio.low > 0:
        return ratio
    off = doubt * float((p * (1 - p) * weight).sum() / (p * weight).sum())  # of what is expected, on a logarithmic scale
    down, up = (float(np.hypot(np.log(end / ratio.value), off)) for end in (ratio.low, ratio.high))
    return Estimate(ratio.value, ratio.value * float(np.exp(-down)), ratio.value * float(np.exp(up)))


def _loss(p: Array, y: Array) -> Array:
    safe = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(-(y * np.log(safe) + (1 - y) * np.log1p(-safe)))


def _quarter(day: dt.date) -> str:
    return f"quarter_{(day.month + 2) // 3}"


def _deciles(scored: Scored, codes: Ints, resamples: Resamples, count: int) -> tuple[tuple[Decile, ...], Array]:
    """Equal parts by probability, and the expected calibration error over them."""
    order = np.lexsort((scored.customers, scored.raw, scored.probability))
    part, weight = np.empty(len(order), dtype=np.int64), scored.weights
    before = np.cumsum(weight[order]) - weight[order]
    part[order] = np.minimum(np.floor(before * count / weight.sum()), count - 1)
    inside = np.eye(count)[part] * weight[:, None]
    n = resamples.sums(codes, inside)
    observed = resamples.sums(codes, inside * scored.target[:, None])
    expected = resamples.sums(codes, inside * scored.probability[:, None])
    ece = np.abs(observed - expected).sum(1) / n.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = observed / n
    deciles = tuple(
        Decile(round(float(n[0, d])), float(expected[0, d] / max(n[0, d], 1)), resamples.estimate(rate[:, d]))
        for d in range(count)
        if n[0, d] > 0
    )
    return deciles, ece


def _seasons(
    scored: Scored, codes: Ints, resamples: Resamples, seasons: Mapping[dt.date, str], doubt: float
) -> tuple[Season, ...]:
    days, place = np.unique(scored.as_of, return_inverse=True)
    names = np.array([seasons.get(day.astype("datetime64[D]").item(), "other") for day in days], dtype=object)[place]
    rows = []
    for name in sorted(set(names.tolist())):
        mask = names == name
        y, p, weight = scored.target[mask], scored.probability[mask], scored.weights[mask]
        sums = resamples.sums(codes[mask], np.stack([y.astype(np.float64), p], 1) * weight[:, None])
        own = None if scored.weight is None else scored.weight[mask]
        ranks = ranking(scored.raw[mask], y, codes[mask], resamples, (0.1,), own)
        with np.errstate(invalid="ignore", divide="ignore"):
            over = sums[:, 0] / sums[:, 1]
        ratio = _doubted(resamples.estimate(over), p, weight, doubt)
        rows.append(Season(name, round(float(weight.sum())), int(y.sum()), resamples.estimate(ranks.roc_auc), ratio))
    return tuple(rows)


@dataclass(frozen=True)
class Difference:
    """First minus second score on the same customers, resampled together."""

    roc_auc: Estimate
    lift_10: Estimate


def compare(
    first: Array,
    second: Array,
    target: npt.NDArray[np.int8],
    customers: npt.NDArray[Any],
    *,
    weight: npt.NDArray[np.float32] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Difference:
    """The paired difference of two score vectors in ROC AUC and in lift at ten percent."""
    codes = np.asarray(np.unique(customers, return_inverse=True)[1], dtype=np.int64)
    draws = Resamples.draw(int(codes.max()) + 1, resamples, seed, level)
    one, other = (ranking(score, target, codes, draws, (0.1,), weight) for score in (first, second))
    return Difference(draws.estimate(one.roc_auc - other.roc_auc), draws.estimate((one.gains[:, 0] - other.gains[:, 0]) / 0.1))
