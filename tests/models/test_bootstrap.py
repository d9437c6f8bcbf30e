from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from models.bootstrap import Resamples, ranking
from models.evaluate import compare


def _sample(rng: np.random.Generator, customers: int, months: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    codes = np.repeat(np.arange(customers), months)
    target = np.repeat(rng.random(customers) < 0.15, months).astype(np.int8)
    score = rng.normal(size=len(codes)) + 1.0 * target
    return score, target, codes


@pytest.mark.parametrize("rounded", [8, 0])
def test_rank_measures_are_the_textbook_ones_ties_included(rounded: int) -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    score, target, codes = _sample(rng, 800)
    score = np.round(score, rounded)
    resamples = Resamples.draw(800, 20, seed=3)
    ranks = ranking(score, target, codes, resamples, (0.1,))
    for b, weight in enumerate(resamples.counts):
        assert ranks.roc_auc[b] == pytest.approx(roc_auc_score(target, score, sample_weight=weight), abs=1e-6)
        assert ranks.pr_auc[b] == pytest.approx(average_precision_score(target, score, sample_weight=weight), abs=1e-6)


def test_gain_counts_positives_among_the_first_tenth() -> None:
    score = np.arange(100.0)
    target = np.zeros(100, dtype=np.int8)
    target[[99, 95, 90, 50]] = 1
    ranks = ranking(score, target, np.arange(100), Resamples.draw(100, 100, seed=1), (0.1, 0.5))
    assert ranks.gains[0].tolist() == [0.75, 1.0]


def test_an_interval_of_95_percent_holds_the_truth_about_95_times_in_100() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    truth = norm.cdf(1 / np.sqrt(2))
    held = 0
    for trial in range(120):
        score, target, codes = _sample(rng, 400)
        resamples = Resamples.draw(400, 200, seed=trial)
        found = resamples.estimate(ranking(score, target, codes, resamples, (0.1,)).roc_auc)
        held += found.low <= truth <= found.high
    assert 0.88 <= held / 120 <= 0.99


def test_months_of_the_same_customers_do_not_make_the_interval_narrower() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    score, target, codes = _sample(rng, 500)
    many = [np.tile(column, 9) for column in (score, target, codes)]
    widths = []
    for s, t, c in ((score, target, codes), tuple(many)):
        resamples = Resamples.draw(500, 400, seed=1)
        found = resamples.estimate(ranking(s, t, c, resamples, (0.1,)).roc_auc)
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0], rel=0.05)


def test_a_paired_difference_is_surer_than_two_intervals_side_by_side() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    score, target, codes = _sample(rng, 1500)
    worse = score + rng.normal(scale=0.5, size=len(score))
    difference = compare(score, worse, target, codes, resamples=400, seed=1).roc_auc
    assert difference.low > 0
    resamples = Resamples.draw(1500, 400, seed=1)
    one = resamples.estimate(ranking(score, target, codes, resamples, (0.1,)).roc_auc)
    assert difference.high - difference.low < 0.8 * (one.high - one.low)
    same = compare(score, score, target, codes, resamples=200).roc_auc
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_the_same_seed_draws_the_same_customers() -> None:
    assert np.array_equal(Resamples.draw(50, 30, seed=9).counts, Resamples.draw(50, 30, seed=9).counts)
    assert not np.array_equal(Resamples.draw(50, 30, seed=9).counts, Resamples.draw(50, 30, seed=8).counts)
