"""From a training period to a booster with its calibration: how many rounds, and which probability."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from models import booster, season_level
from models.calibration import Calibration, calibrate, distinct
from models.columns import without_calendar, without_copies
from models.dataset import Dataset
from models.season_level import SeasonLevel
from models.settings import BoosterSettings, ModelSettings
from models.splits import Cut, Window, cut_with_positives, folds, thinned

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """A booster and its calibration, and how the two were found."""

    text: str
    calibration: Calibration
    rounds: int
    how: Literal["later_slices", "cross_fitted"]
    booster: BoosterSettings
    feature_names: tuple[str, ...]
    learned_on: tuple[dt.date, ...]
    calibrated_on: tuple[dt.date, ...]
    season: SeasonLevel | None = None  # never of cross-fitting: it calibrates on all its months at once
    doubt: float = 0.0  # how far off, in log-odds, the level of a calibration without season may lie by chance
    # Of cross-fitting: per row of the training period the raw score and probability by folds that had not seen its customer.
    held_out_raw: Array | None = None
    held_out_probability: Array | None = None


def make(dataset: Dataset, window: Window, settings: ModelSettings, threads: int) -> Recipe:
    """Learn from all rows given; rounds and calibration by the newest snapshots, or by folds where positives are few."""
    splits = settings.splits
    dataset = without_calendar(dataset, splits.season_snapshots)
    parts = cut_with_positives(dataset, window, splits.later_months, splits.calibration_positives) or cut_with_positives(
        dataset, window, splits.later_months, splits.min_slice_positives
    )
    if parts is None:
        return cross_fitted(dataset, settings, threads)
    earlier, later = dataset.during(parts.earlier), dataset.during(parts.later)
    fitted = booster.fit(
        thinned(earlier, splits.most_rows), settings.booster, seed=settings.seed, threads=threads, held_out=later
    )
    # One slice for both: rounds are a single number chosen on it, too little to bend the calibration.
    raw = booster.raw_scores(fitted.text, later.matrix, threads)
    calibration = calibrate(raw, later.target, later.customers, settings.evaluation.level, weight=later.weights)
    season = _season(dataset, parts, window, later, fitted.rounds, calibration(raw), settings, threads)
    return Recipe(
        fitted.text,
        calibration,
        fitted.rounds,
        "later_slices",
        settings.booster,
        dataset.feature_names,
        parts.earlier,
        parts.later,
        season,
        drawn(later, settings.evaluation.level),
    )


def drawn(later: Dataset, level: float) -> float:
    """Half the interval, in log-odds, of the rate of the rows that calibrate: their customers are a draw."""
    positive, all_ = later.positive_customers + 0.5, distinct(later.customers, later.weights) + 1
    return NormalDist().inv_cdf((1 + level) / 2) * float(np.sqrt(1 / positive + 1 / (all_ - positive)))


def _season(
    dataset: Dataset,
    parts: Cut,
    window: Window,
    later: Dataset,
    rounds: int,
    own: Array,
    settings: ModelSettings,
    threads: int,
) -> SeasonLevel | None:
    """The level per month; `own`: the model's probabilities of the rows it was calibrated on."""
    splits, level = settings.splits, settings.evaluation.level
    if len(dataset.as_ofs) < splits.season_level_months:
        return None
    raw = _unseen(dataset, parts.earlier, rounds, settings, threads)
    there = np.isin(dataset.as_of, np.array(parts.later, dtype="datetime64[D]"))
    probability = calibrate(raw[there], later.target, later.customers, level, weight=later.weights)(raw)
    # where both are calibrated, the model and its halves shall promise the same
    ahead = season_level.level_of(later, probability[there])[0] - season_level.level_of(later, own)[0]
    probability = season_level.moved(probability, ahead)
    return season_level.learn(dataset, window.horizon_days, probability, splits.season_level_months, level)


def _unseen(dataset: Dataset, earlier: tuple[dt.date, ...], rounds: int, settings: ModelSettings, threads: int) -> Array:
    """Raw scores by boosters of one half of the customers for the other half.

    A booster expects more of rows that it has learned from: by a third, where positives are few. Measured by itself, the
    months that it learned from would look low, and with them the year. A few rows do for levels.
    """
    half, raw = folds(dataset, 2, "level"), np.empty(len(dataset.rows))
    learned = np.isin(dataset.as_of, np.array(earlier, dtype="datetime64[D]"))
    for part in (0, 1):
        rows = thinned(dataset.take(learned & (half != part)), settings.splits.fold_rows // 2)
        fitted = booster.fit(rows, settings.booster, seed=settings.seed, threads=threads, rounds=rounds)
        for day in dataset.as_ofs:  # a snapshot at a time: all of them together are most of a training's memory
            mask = (half == part) & (dataset.as_of == np.datetime64(day))
            raw[mask] = booster.raw_scores(fitted.text, dataset.take(mask).matrix, threads)
    return raw


def cross_fitted(dataset: Dataset, settings: ModelSettings, threads: int) -> Recipe:
    """Learn from all rows; rounds and calibration from folds of customers within the same period, rounds capped.

    The held-out probabilities are themselves by calibrations that have not seen the fold.
    """
    small, splits = settings.small_booster, settings.splits
    dataset = without_copies(without_calendar(dataset, splits.season_snapshots), splits.copies)
    fold = folds(dataset, min(splits.folds, max(2, dataset.positive_customers)), "cross-fit")
    fits, weights = [], []
    for part in range(int(fold.max()) + 1):
        learned, left_out = (thinned(dataset.take(mask), splits.fold_rows) for mask in (fold != part, fold == part))
        fits.append(booster.fit(learned, small, seed=settings.seed, threads=threads, held_out=left_out, stop=False))
        weights.append(float(dataset.weights[fold == part].sum()))
    shortest = min(len(f.curve) for f in fits)
    curve = np.average([f.curve[:shortest] for f in fits], axis=0, weights=weights)
    rounds = int(np.argmin(curve)) + 1
    raw = np.empty(len(dataset.rows))
    for part, fitted in enumerate(fits):
        mask = fold == part
        raw[mask] = booster.raw_scores(fitted.text, dataset.take(mask).matrix, threads, rounds)
    level = settings.evaluation.level
    probability = np.empty(len(raw))
    for part in range(len(fits)):
        others = fold != part
        probability[~others] = calibrate(raw[others], dataset.target[others], weight=dataset.weights[others])(raw[~others])
    final = booster.fit(thinned(dataset, splits.fold_rows), small, seed=settings.seed, threads=threads, rounds=rounds)
    return Recipe(
        final.text,
        calibrate(raw, dataset.target, dataset.customers, level, weight=dataset.weights),
        rounds,
        "cross_fitted",
        small,
        dataset.feature_names,
        dataset.as_ofs,
        dataset.as_ofs,
        held_out_raw=raw,
        held_out_probability=probability,
    )
