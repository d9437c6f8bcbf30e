from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.calibration import Calibration, calibrate, centred_isotonic, logit, sigmoid


def test_centred_isotonic_regression_agrees_with_a_case_worked_by_hand() -> None:
    # Doses 1 to 5, ten patients each; the responses 0.3 and 0.1 at doses 2 and 3 violate the order and are pooled to 0.2
    # at dose 2.5; the responses at 4 and 5 stand.
    x, y, weight = centred_isotonic(np.arange(1.0, 6.0), np.array([0.0, 0.3, 0.1, 0.4, 0.9]), np.full(5, 10.0))
    assert x.tolist() == [1.0, 2.5, 4.0, 5.0]
    assert y.tolist() == pytest.approx([0.0, 0.2, 0.4, 0.9])
    assert weight.tolist() == [10.0, 20.0, 10.0, 10.0]


def test_a_pooled_block_sits_at_the_weighted_mean_of_its_members() -> None:
    x, y, _ = centred_isotonic(np.array([0.0, 1.0, 3.0]), np.array([0.1, 0.6, 0.3]), np.array([1.0, 1.0, 3.0]))
    assert x.tolist() == pytest.approx([0.0, 2.5])
    assert y.tolist() == pytest.approx([0.1, 0.375])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 400), st.floats(0.01, 0.9), st.floats(-3, 3))
@example(4703, 292, 0.5, 0.125)  # two parts of one rate, 9 of 17 and 18 of 34, a rounding apart
def test_calibrated_probabilities_rise_strictly_with_the_raw_score(seed: int, rows: int, rate: float, slope: float) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    raw = rng.normal(logit(rate), 1.5, rows)
    target = rng.random(rows) < sigmoid(slope * raw)
    learned = calibrate(raw, target)
    p = learned(np.linspace(raw.min() - 4, raw.max() + 4, 500))
    assert (np.diff(p) > 0).all()
    assert p.min() > 0
    assert p.max() < 1


def test_what_is_already_calibrated_stays_as_it_is() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    raw = rng.normal(-2.5, 1.0, 60_000)
    learned = calibrate(raw, rng.random(len(raw)) < sigmoid(raw))
    assert np.abs(learned(raw) - sigmoid(raw)).mean() < 0.006  # the mean probability is 0.11
    common = np.linspace(-4, -1, 50)
    assert np.abs(learned(common) / sigmoid(common) - 1).max() < 0.2


def test_a_booster_that_is_too_sure_of_itself_is_put_right() -> None:
    rng = np.random.Generator(np.random.PCG64(6))
    truth = rng.normal(-2.5, 1.0, 40_000)
    learned = calibrate(2 * truth, rng.random(len(truth)) < sigmoid(truth))
    assert np.abs(learned(2 * truth) - sigmoid(truth)).mean() < 0.01
    # beyond the last knot it is not believed more than before it
    assert learned(np.array([12.0]))[0] < sigmoid(12.0)


def test_thousands_of_scores_keep_thousands_of_values() -> None:
    rng = np.random.Generator(np.random.PCG64(7))
    raw = rng.normal(-3, 1, 20_000)
    p = calibrate(raw, rng.random(len(raw)) < sigmoid(raw))(raw)
    assert len(np.unique(p)) == len(np.unique(raw))


def test_the_band_holds_the_probability_and_never_falls() -> None:
    rng = np.random.Generator(np.random.PCG64(8))
    raw = rng.normal(-3, 1, 5000)
    learned = calibrate(raw, rng.random(len(raw)) < sigmoid(raw))
    p = np.sort(learned(raw))
    low, high = learned.interval(p)
    assert ((low <= p) & (p <= high)).all()
    assert (high - low).min() > 0
    table = np.array(learned.band)
    assert (np.diff(table, axis=0) >= 0).all()


def test_the_band_is_wider_when_rows_are_the_same_customers_again() -> None:
    rng = np.random.Generator(np.random.PCG64(9))
    raw = np.tile(rng.normal(-2, 1, 800), 6)
    target = np.tile(rng.random(800) < 0.15, 6)
    own = calibrate(raw, target, np.arange(len(raw)))
    shared = calibrate(raw, target, np.tile(np.arange(800), 6))
    width = [np.diff(np.array(c.band)[:, 1:]).mean() for c in (own, shared)]
    assert width[1] > 1.5 * width[0]


def test_a_calibration_survives_being_written_down() -> None:
    learned = calibrate(np.linspace(-4, 1, 400), np.arange(400) % 7 == 0)
    assert Calibration.from_dict(learned.to_dict()) == learned
