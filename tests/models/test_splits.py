from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import Synthetic, month_ends

from models.splits import Window, cut, cut_with_positives, folds, thinned

YEARS = month_ends(24)


@given(st.integers(0, 60), st.integers(1, 200), st.integers(1, 6))
def test_no_outcome_learned_from_lies_after_the_first_snapshot_judged(gap: int, horizon: int, months: int) -> None:
    window = Window(gap, horizon)
    parts = cut(YEARS, window, months)
    assert parts.later == YEARS[-months:]
    assert parts.earlier
    assert all(day + dt.timedelta(gap + horizon) <= parts.later[0] for day in parts.earlier)
    # and nothing that production would have had is thrown away
    left_out = set(YEARS) - set(parts.earlier) - set(parts.later)
    assert all(day + dt.timedelta(gap + horizon) > parts.later[0] for day in left_out)


def test_the_later_part_grows_until_it_holds_enough_positives(bank: Synthetic) -> None:
    dataset, window = bank.dataset(), Window(0, 60)
    one_month = dataset.during(dataset.as_ofs[-1:]).positive_customers
    parts = cut_with_positives(dataset, window, 1, one_month + 1)
    assert parts is not None
    assert len(parts.later) == 2
    assert cut_with_positives(dataset, window, 1, 10**6) is None


def test_a_customer_is_in_one_fold_only_and_positives_are_dealt_evenly(bank: Synthetic) -> None:
    dataset = bank.dataset()
    fold = folds(dataset, 5, "x")
    pairs = np.unique(np.stack([dataset.customers, fold]), axis=1)
    assert pairs.shape[1] == len(np.unique(dataset.customers))
    positive = [len(np.unique(dataset.customers[(fold == part) & (dataset.target == 1)])) for part in range(5)]
    assert max(positive) - min(positive) <= 1


@pytest.mark.parametrize("count", [2, 7])
def test_folds_depend_on_the_customers_and_not_on_the_order_of_rows(bank: Synthetic, count: int) -> None:
    dataset = bank.dataset()
    some = dataset.take(dataset.customers % 2 == 0)
    assert np.array_equal(folds(some, count, "x"), folds(some.take(np.ones(len(some.rows), dtype=bool)), count, "x"))


def test_thinning_keeps_every_customer_with_a_positive_and_the_base_rate(bank: Synthetic) -> None:
    dataset = bank.dataset()
    thin = thinned(dataset, 24_000)
    assert thin.weight is not None
    assert len(thin.rows) == pytest.approx(24_000, rel=0.05)
    assert thin.positives == dataset.positives
    assert np.average(thin.target, weights=thin.weight) == pytest.approx(dataset.base_rate, rel=0.02)
    assert thin.weight.sum() == pytest.approx(len(dataset.rows), rel=0.02)
    assert thinned(dataset, 10**6) is dataset
