"""From a training period to a booster with its calibration: how many rounds, and which probability."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from models import booster, season_level
from models.calibration import Calibration, calibrate
from models.columns import without_calendar, without_copies
from models.dataset import Dataset
from models.season_level import SeasonLevel
from models.settings import BoosterSettings, ModelSettings
from models.splits import Window, cut_with_positives, folds, thinned

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
    season = _season(dataset, parts.later, fitted.text, calibration, settings, threads)
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
    )


def _season(
    dataset: Dataset,
    calibrated_on: tuple[dt.date, ...],
    text: str,
    calibration: Calibration,
    settings: ModelSettings,
    threads: int,
) -> SeasonLevel | None:
    if len(dataset.as_ofs) < settings.splits.season_level_months:
        return None
    # a snapshot at a time: all of them together are most of a training's memory
    raw = [booster.raw_scores(text, dataset.during([day]).matrix, threads) for day in dataset.as_ofs]
    return season_level.learn(dataset, calibrated_on, calibration(np.concatenate(raw)), settings.splits.season_level_months)


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
        None,
        raw,
        probability,
    )
