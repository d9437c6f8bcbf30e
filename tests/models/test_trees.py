"""Rows that a booster's trees ask together are given the scores of LightGBM's own prediction, to the bit."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import booster
from models.trees import CATEGORY, in_strips, trees_of


def grown(rows: np.ndarray, rounds: int, **asked: object) -> str:
    """A booster of these rows, of which column 3 is a category."""
    outcome = (np.nan_to_num(rows[:, 1] + rows[:, 7] * rows[:, 8]) + np.isin(rows[:, 3], [1, 34]) * (rounds > 0) > 0.5).astype(
        np.float64
    )
    known = lgb.Dataset(rows, outcome, categorical_feature=[3], params={"verbosity": -1, "min_data_in_leaf": 5} | asked)
    wanted = {"objective": "binary", "verbosity": -1, "cat_smooth": 1.0, "min_data_per_group": 5} | asked
    trained = lgb.train(wanted | {"min_gain_to_split": 0 if rounds else 1e9}, known, max(rounds, 1))
    return booster.plain_text(trained.model_to_string())


def drawn_rows(seed: int, count: int, unknown: float = 0.1) -> np.ndarray:
    drawn = np.random.default_rng(seed)
    rows = drawn.normal(size=(count, 9)).astype(np.float32)
    rows[:, 3] = drawn.integers(0, 40, count)
    rows[:, 5] = drawn.integers(-1, 2, count)  # many rows stand at one threshold, and at zero
    rows[drawn.random(rows.shape) < unknown] = np.nan
    return rows


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**16), st.integers(2, 32), st.integers(0, 4), st.sampled_from([0.0, 0.1]), st.integers(1, 1200))
@example(seed=1461, leaves=13, rounds=2, unknown=0.1, count=34)  # a row at a threshold within 1e-35 of zero
def test_rows_that_are_asked_together_have_the_scores_of_lightgbm(
    seed: int, leaves: int, rounds: int, unknown: float, count: int
) -> None:
    text = grown(drawn_rows(seed, 400, unknown), rounds, num_leaves=leaves)
    trees, rows = trees_of(text), drawn_rows(seed + 1, count)
    assert trees is not None
    rows[0, 3] = -1.0  # no code of any value
    rows[count // 2 :, 3] -= np.float32(0.25)  # what is behind the point is cut off
    for row, at in enumerate(np.flatnonzero(trees.kind != CATEGORY)[: count // 3]):  # at a fork, and beside it
        here = trees.threshold[at]
        rows[3 * row : 3 * row + 3, trees.used[trees.column[at]]] = np.nextafter(here, here + np.array([-1, 0, 1], np.float32))
    assert set(trees.used) == set(np.flatnonzero(booster.load(text).feature_importance("split")))
    turned = np.roll(np.arange(9), seed % 9)  # columns stand elsewhere
    found = np.empty(count)
    trees.ask(in_strips([rows[:, place] for place in turned], count), np.argsort(turned)[trees.used], found)
    assert np.array_equal(found, booster.raw_scores(text, rows, 1))


def test_trees_of_another_kind_are_left_to_lightgbm() -> None:
    rows = drawn_rows(1, 4_000)
    assert trees_of(grown(rows, 2, num_leaves=32)) is not None
    assert trees_of(grown(rows, 2, num_leaves=33)) is None
    assert trees_of(grown(rows, 2, zero_as_missing=True)) is None
    assert trees_of(grown(rows, 2, boosting="rf", bagging_freq=1, bagging_fraction=0.5)) is None


def test_what_is_between_minus_one_and_zero_is_the_first_category() -> None:
    rows = drawn_rows(2, 400, unknown=0.0)
    rows[:200, 3] = 0.0
    outcome = (rows[:, 3] == 0).astype(np.float64)
    told = lgb.Dataset(rows[:, 3:4], outcome, categorical_feature=[0], params={"verbosity": -1})
    text = booster.plain_text(lgb.train({"objective": "binary", "verbosity": -1, "cat_smooth": 1.0}, told, 3).model_to_string())
    trees = trees_of(text)
    assert trees is not None
    assert set(trees.kind) == {CATEGORY}
    values = np.array([-1.0, -0.999, -0.5, -1e-30, -0.0, 0.0, 0.5, 0.999, 1.0, 34.7, np.nan, np.inf, 3e9], np.float32)
    found = np.empty(len(values))
    trees.ask(in_strips([values], len(values)), np.arange(1), found)
    assert np.array_equal(found, booster.raw_scores(text, values[:, None], 1))
    assert found[1] == found[3] == found[5] > found[0]


def test_a_text_without_trees_or_with_a_torn_one_is_left_to_lightgbm() -> None:
    whole = grown(drawn_rows(1, 400), 2, num_leaves=4)
    head, first, _ = whole.split("\nTree=", 2)
    assert trees_of(whole) is not None
    assert trees_of(head + "\nend of trees\n") is None
    lines = first.split("\n")
    for lost in range(1, len(lines)):
        torn = trees_of(f"{head}\nTree=" + "\n".join(lines[:lost]))
        assert (torn is None) == (not any(line.startswith("leaf_value") for line in lines[:lost]))
