"""LightGBM, deterministic: fit, its text, raw scores and contributions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from models.dataset import Dataset
from models.settings import BoosterSettings
from models.stack import Floats

Array = npt.NDArray[np.float64]
WORTH_THREADS = 20_000  # rows below which threads wait for each other longer than they work
BIN_SAMPLE = 30_000  # rows whose values shape the bins: sorting all of them took longer than the trees
_PARAMETERS, _END = "\nparameters:", "end of parameters\n"


@dataclass(frozen=True)
class Fitted:
    """A booster's text and, per round, the log loss on the rows held out."""

    text: str
    rounds: int
    curve: tuple[float, ...] = ()


def parameters(settings: BoosterSettings, seed: int, threads: int) -> dict[str, Any]:
    """LightGBM's parameters: same rows in, same trees out, whatever the number of threads."""
    return {
        "objective": "binary",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.min_rows_in_leaf,
        "feature_fraction": settings.feature_share,
        "lambda_l2": settings.l2,
        "max_bin": settings.max_bin,
        "extra_trees": settings.extra_trees,
        "path_smooth": settings.path_smooth,
        "bagging_freq": 0,
        "cat_smooth": 50.0,
        "cat_l2": 20.0,
        "feature_pre_filter": False,
        "bin_construct_sample_cnt": BIN_SAMPLE,
        "boost_from_average": True,
        "metric": "binary_logloss",
        "verbosity": -1,
        "deterministic": True,
        "force_col_wise": True,  # of 290 columns a tree looks at some forty: half the time of row-wise, the same trees
        "num_threads": threads,
        "seed": seed,
    }


def prepare(dataset: Dataset, settings: BoosterSettings, seed: int, threads: int) -> lgb.Dataset:
    """The rows binned for LightGBM; only these rows shape the bins."""
    names, coded = list(dataset.feature_names), dataset.encodings
    ready = lgb.Dataset(
        dataset.matrix,
        label=dataset.target,
        weight=dataset.weight,
        feature_name=names,
        free_raw_data=True,
        categorical_feature=[i for i, name in enumerate(names) if name in coded],
        params=parameters(settings, seed, threads),
    )
    return ready.construct()


def fit(
    dataset: Dataset,
    settings: BoosterSettings,
    *,
    seed: int,
    threads: int,
    rounds: int | None = None,
    held_out: Dataset | None = None,
    stop: bool = True,
) -> Fitted:
    """A booster of `rounds` rounds, or, with rows held out, of as many as serve them best.

    `stop=False` runs all rounds and only records the curve.
    """
    threads = threads if len(dataset.rows) >= WORTH_THREADS else 1
    training = prepare(dataset, settings, seed, threads)
    parameter = parameters(settings, seed, threads)
    curves: dict[str, Any] = {}
    valid, callbacks = [], []
    if held_out is not None:
        valid = [
            lgb.Dataset(held_out.matrix, label=held_out.target, weight=held_out.weight, reference=training, params=parameter)
        ]
        callbacks = [lgb.record_evaluation(curves)]
        if stop:
            callbacks.append(lgb.early_stopping(settings.stop_after, verbose=False))
    booster = lgb.train(parameter, training, num_boost_round=rounds or settings.rounds, valid_sets=valid, callbacks=callbacks)
    curve = tuple(float(v) for v in curves["valid_0"]["binary_logloss"]) if curves else ()
    used = booster.best_iteration if booster.best_iteration > 0 else booster.num_trees()
    return Fitted(plain_text(booster.model_to_string(num_iteration=used)), used, curve)


def plain_text(text: str) -> str:
    """A booster's text without the block of parameters: threads and paths change no score and must change no hash."""
    start, end = text.find(_PARAMETERS), text.find(_END)
    return text if start < 0 or end < 0 else text[:start] + "\n" + text[end + len(_END) :]


@lru_cache(maxsize=64)
def load(text: str) -> lgb.Booster:
    """The booster of a text."""
    return lgb.Booster(model_str=text)


def raw_scores(text: str, matrix: Floats, threads: int, rounds: int | None = None) -> Array:
    """Log-odds per row before calibration."""
    predicted = load(text).predict(matrix, raw_score=True, num_threads=threads, num_iteration=rounds)
    return np.asarray(predicted, dtype=np.float64)


def contributions(text: str, matrix: Floats, threads: int) -> Array:
    """Exact TreeSHAP: one column per feature and a last one for the base value; a row sums to its raw score."""
    return np.asarray(load(text).predict(matrix, pred_contrib=True, num_threads=threads), dtype=np.float64)
