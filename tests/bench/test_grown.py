"""The large models of the bench have the trees and leaves they are said to have, and the promises of those they copy."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from bench import grown
from models import booster
from models.calibration import Calibration
from models.champion import Champion
from models.stack import Stack
from store.errors import TerraceError


def stack_of(customers: int) -> Stack:
    rng = np.random.Generator(np.random.PCG64(7))
    names = tuple(f"dep_{place:03d}" for place in range(160))
    ids = np.array([f"C{place:05d}" for place in range(customers)], dtype=object)
    days = np.full(customers, np.datetime64("2026-06-30", "D"))
    cells = rng.standard_normal((customers, len(names))).astype(np.float32)
    return Stack(ids, np.arange(customers), days, cells, names, {}, {})


def promise_of(stack: Stack) -> grown.Promise:
    day = dt.date(2026, 6, 30)
    copied = Champion("buy_etc", "model", ("dep_000",), {}, 0.1, (day,), day, "a booster", Calibration((0.0, 1.0), (0.0, 1.0)))
    cells = stack.matrix
    return grown.Promise(copied, np.arange(len(cells)), 1 / (1 + np.exp(2 - cells[:, 0] - cells[:, 1])))


def test_a_large_model_has_its_500_trees_of_31_leaves_and_promises_what_the_copied_one_does() -> None:
    stack = stack_of(4_000)
    promise = promise_of(stack)
    made = grown.booster_of(promise, stack, seed=1, threads=1)
    assert len(made.feature_names) == 150
    assert booster.load(made.booster_text).num_trees() == 500
    assert made.calibration is not None
    columns = [stack.feature_names.index(name) for name in made.feature_names]
    said = made.calibration(booster.raw_scores(made.booster_text, stack.matrix[:, columns], 1))
    assert said.mean() == pytest.approx(
        promise.probability.mean(), rel=0.5
    )  # what half of these few have learned by heart lifts them
    assert np.corrcoef(said, promise.probability)[0, 1] > 0.5  # who stands high there stands high here


def test_too_few_customers_for_so_many_leaves_are_refused() -> None:
    stack = stack_of(400)
    with pytest.raises(TerraceError, match=r"500 trees of \d+\.\d leaves grew for 'buy_etc' on 200 rows"):
        grown.booster_of(promise_of(stack), stack, seed=1, threads=1)
