from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from synthetic import LABEL, Synthetic, make

from models.champion import Champion
from models.cold_start import SegmentRates, segment_rates, shrink
from models.score import raw_and_probability
from models.settings import ColdStartSettings, ModelSettings, Segment
from models.splits import Window
from models.train import train_label

SEGMENTS = (Segment(feature="not_in_this_bank"), Segment(feature="dep_adb_90d", parts=3), Segment(feature="group_code"))


@pytest.fixture(scope="module")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    return make(tmp_path_factory.mktemp("rare"), customers=2500, months=6, level=-8.5)


def test_few_positives_are_answered_by_a_segment_rate_and_said_to_be(rare: Synthetic, window: Window) -> None:
    settings = ModelSettings(cold_start=ColdStartSettings(segments=SEGMENTS))
    dataset = rare.dataset()
    result = train_label(LABEL, dataset, window, settings, known_at=dt.date(2025, 1, 31))
    assert 0 < dataset.positive_customers < 50
    assert result.champion.method == "segment_rate"
    assert result.champion.feature_names == ("dep_adb_90d", "group_code")
    assert f"Only {dataset.positive_customers} customers" in result.champion.reasons_en[0]
    assert f"只有{dataset.positive_customers}位" in result.champion.reasons_zh[0]


def test_a_bank_may_ask_for_fewer_positives_label_by_label(rare: Synthetic, window: Window) -> None:
    few = train_label(LABEL, rare.dataset(), window, ModelSettings(), known_at=dt.date(2025, 1, 31), min_positives=5)
    assert few.evaluation is not None
    assert few.evaluation.judged == "cross_fitted"


def test_the_interval_of_a_segment_holds_its_true_rate() -> None:
    rng = np.random.Generator(np.random.PCG64(11))
    held, width = [], []
    for _ in range(30):
        truth = 0.01 * np.exp(rng.normal(0, 0.6, 6))
        trials = np.array([900.0, 700, 500, 300, 200, 100])
        mean, low, high = shrink(rng.binomial(trials.astype(int), truth).astype(float), trials)
        held.append((low <= truth) & (truth <= high))
        width.append((high - low) / mean)
    assert 0.90 <= np.mean(held) <= 0.995
    assert np.median(width) > 0.8  # a couple of dozen positives: nobody knows it better


def test_segments_without_a_positive_are_drawn_towards_the_cohort() -> None:
    mean, low, high = shrink(np.array([20.0, 0.0]), np.array([1000.0, 40.0]))
    assert 0.001 < mean[1] < mean[0]
    assert high[1] - low[1] > high[0] - low[0]


def test_no_positive_at_all_still_gives_an_honest_upper_end() -> None:
    mean, _, high = shrink(np.array([0.0]), np.array([200.0]))
    assert mean[0] < 0.01
    assert 0.005 < high[0] < 0.05  # the rule of three says 0.015


def test_contributions_of_a_segment_add_up_to_its_score(rare: Synthetic) -> None:
    dataset = rare.dataset()
    rates = segment_rates(dataset, SEGMENTS, 2)
    champion = Champion(LABEL, "segment_rate", rates.feature_names, {}, 0.1, (), dt.date(2025, 1, 1), segments=rates)
    matrix = dataset.select(rates.feature_names, dataset.encodings)
    raw, probability = raw_and_probability(champion, matrix, 1, dt.date(2025, 1, 1))
    assert np.abs(rates.contributions(matrix).sum(1) - raw).max() < 1e-9
    assert len(np.unique(probability)) > 4
    assert SegmentRates.from_dict(rates.to_dict()) == rates


def test_the_same_customers_in_more_months_are_not_more_evidence(tmp_path: Path) -> None:
    dataset = make(tmp_path, customers=800, months=4, level=-6.5).dataset()
    months = [np.flatnonzero(dataset.as_of == np.datetime64(day)) for day in dataset.as_ofs]
    for rows in months:
        dataset.target[rows] = dataset.target[months[0]]  # an outcome that four windows see
    one = segment_rates(dataset.during(dataset.as_ofs[:1]), (), 0)
    four = segment_rates(dataset, (), 0)
    assert four.rates[0] == pytest.approx(one.rates[0], rel=0.01)
    assert four.high[0] - four.low[0] == pytest.approx(one.high[0] - one.low[0], rel=0.02)
