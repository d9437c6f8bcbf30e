"""What has moved between two dates is found, what has not is left alone, and the figure is the textbook's."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from models import drift
from store.errors import ConfigError
from store.files import to_json, write_parquet

THEN, NOW = dt.date(2026, 3, 31), dt.date(2026, 9, 30)


@pytest.fixture
def draw() -> np.random.Generator:
    """Fresh for each test: tests run in any order."""
    return np.random.Generator(np.random.PCG64(20260101))


def found(then: object, now: object) -> drift.Shift:
    one = drift.shift("feature", "x", pa.array(then), pa.array(now))
    assert one is not None
    return one


def test_the_index_is_that_of_the_textbook() -> None:
    # by hand: (0.2 - 0.5) ln(0.2 / 0.5) + (0.8 - 0.5) ln(0.8 / 0.5)
    assert drift.psi(np.array([50, 50]), np.array([20, 80])) == pytest.approx(0.3 * np.log(2.5) + 0.3 * np.log(1.6), abs=1e-12)
    assert drift.psi(np.array([50, 50]), np.array([5, 5])) == 0.0


def test_a_part_that_only_one_side_knows_counts_as_half_a_customer_and_one_that_none_knows_as_nothing() -> None:
    p, q = np.array([100, 0.5]) / 100.5, np.array([90, 10]) / 100
    assert drift.psi(np.array([100, 0, 0]), np.array([90, 10, 0])) == pytest.approx(float(((q - p) * np.log(q / p)).sum()))


def test_ten_parts_are_cut_at_the_deciles_of_the_earlier_date() -> None:
    then = np.arange(1.0, 1001.0)
    assert drift.cuts(then).tolist() == [100, 200, 300, 400, 500, 600, 700, 800, 900]
    one = found(then, then)
    assert (one.parts, one.psi) == (10, 0.0)
    tenth_more = np.concatenate([then, np.full(1000, 1000.0)])  # half of all now lie in the top tenth
    q = np.array([0.05] * 9 + [0.55])
    assert found(then, tenth_more).psi == pytest.approx(float(((q - 0.1) * np.log(q / 0.1)).sum()))


def test_two_draws_from_one_population_are_stable_and_one_with_another_mean_has_moved(draw: np.random.Generator) -> None:
    then, now = draw.lognormal(9, 1, 5000), draw.lognormal(9, 1, 5000)
    same, other = found(then, now), found(then, now * 3)
    assert same.reading == "stable"
    assert same.psi < 4 * same.by_chance
    assert other.reading == "moved"
    assert (same.say("zh"), other.say("zh"), other.say("en")) == ("稳定", "已漂移", "moved")


@pytest.mark.parametrize(("psi", "reading"), [(0.0999, "stable"), (0.1, "watch"), (0.25, "watch"), (0.2501, "moved")])
def test_the_usual_reading(psi: float, reading: str) -> None:
    assert drift.Shift("score", "churn_aum", psi, 0.0, 10, 0.0, 0.0).reading == reading


def test_what_chance_gives_is_told_so_that_a_small_bank_is_not_alarmed(draw: np.random.Generator) -> None:
    draws = [found(draw.normal(size=60), draw.normal(size=60)) for _ in range(300)]
    told = float(np.mean([one.by_chance for one in draws]))
    assert told > drift.WATCH
    assert np.mean([one.psi for one in draws]) == pytest.approx(told, rel=0.4)


@pytest.mark.parametrize("now", [3.0, 7.0])
def test_a_value_that_all_have_moves_to_either_side(now: float) -> None:
    then = [5.0] * 200
    assert found(then, [5.0] * 100 + [now] * 100).reading == "moved"


def test_zeros_of_most_customers_are_a_part_of_their_own(draw: np.random.Generator) -> None:
    then = np.concatenate([np.zeros(700), draw.uniform(1, 2, 300)])
    fewer = np.concatenate([np.zeros(350), draw.uniform(1, 2, 650)])
    assert found(then, fewer).reading == "moved"
    assert found(then, -1 * (then == 0) + then).reading == "moved", "zeros that became debts are another part"


def test_a_feed_that_stopped_has_moved(draw: np.random.Generator) -> None:
    then = draw.normal(size=1000)
    one = found(then, [None] * 900 + [0.0] * 100)
    assert one.reading == "moved"
    assert (one.unknown_then, one.unknown_now) == (0.0, 0.9)


def test_categories_are_compared_by_share_and_a_new_one_is_seen() -> None:
    then = ["farmer"] * 500 + ["merchant"] * 500
    assert found(then, then[::-1]).psi == 0.0
    assert found(then, ["farmer"] * 450 + ["merchant"] * 350 + ["online"] * 200).reading == "moved"


def test_what_is_one_value_for_every_customer_of_a_date_is_the_calendars_and_is_not_compared() -> None:
    assert drift.shift("feature", "days_to_festival", pa.array([30.0] * 50), pa.array([200.0] * 50)) is None
    assert drift.shift("feature", "days_to_festival", pa.array([30.0] * 50), pa.array([None] * 50, pa.float64())) is not None


def files(folder: Path, order: np.ndarray) -> drift.Drift:
    """Two dates with one feature and one score that moved, and one of each that did not."""
    draws = np.random.Generator(np.random.PCG64(7))
    steady, moving, kind = draws.normal(size=(2, 800)), draws.normal(size=(2, 800)), draws.choice(["a", "b"], (2, 800))
    for place, day in enumerate((THEN, NOW)):
        name = f"as_of={day}.parquet"
        features = pa.table(
            {
                "customer_id": np.arange(800).astype(str),
                "steady": steady[place],
                "kind": kind[place],
                "moving": moving[place] + 2 * place,
            }
        )
        write_parquet(folder / "features" / name, features.take(pa.array(order)))
        scores = pa.table(
            {"model": np.repeat(["buy_wealth", "churn_aum"], 800), "raw_score": np.r_[steady[place], moving[place] + place]}
        )
        write_parquet(folder / "scores" / name, scores.take(pa.array(np.r_[order, order + 800])))
    two = [tuple(folder / part / f"as_of={day}.parquet" for day in (THEN, NOW)) for part in ("features", "scores")]
    return drift.compare((two[0][0], two[0][1]), (two[1][0], two[1][1]), ["steady", "moving", "kind"])


def test_the_worst_come_first_and_the_order_of_rows_changes_no_byte(draw: np.random.Generator, tmp_path: Path) -> None:
    told = files(tmp_path / "a", np.arange(800))
    assert [s.name for s in told.shifts[:3]] == ["churn_aum", "buy_wealth", "moving"], "scores before features"
    assert {s.name: s.reading for s in told.shifts} == {
        "churn_aum": "moved",
        "buy_wealth": "stable",
        "moving": "moved",
        "steady": "stable",
        "kind": "stable",
    }
    assert (told.reference, told.current, told.customers_then) == (THEN, NOW, 800)
    shuffled = files(tmp_path / "b", draw.permutation(800))
    assert to_json(shuffled.to_dict()) == to_json(told.to_dict())


def test_a_drift_is_told_in_both_languages(tmp_path: Path) -> None:
    told = files(tmp_path, np.arange(800))
    assert told.headline("zh") == "2026-09-30 与训练期末 2026-03-31 相比：已漂移 2 项，需关注 0 项，稳定 3 项。"
    assert told.headline("en").endswith("2 moved, 0 to watch, 3 stable.")
    assert "| 特征 | moving |" in told.markdown("zh")
    assert "steady" not in told.markdown("en", features=1)
    assert told.to_dict()["counts"] == {"moved": 2, "watch": 0, "stable": 3}


def test_a_feature_one_date_does_not_have_is_named(tmp_path: Path) -> None:
    files(tmp_path, np.arange(800))
    paths = [tmp_path / "features" / f"as_of={day}.parquet" for day in (THEN, NOW)]
    with pytest.raises(ConfigError, match="no column gone"):
        drift.features_between(paths[0], paths[1], ["steady", "gone"])
