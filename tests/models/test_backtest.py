from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from synthetic import LABEL, Synthetic

from models.backtest import Backtest, replay
from models.settings import EvaluationSettings, ModelSettings
from models.splits import Window
from models.stack import stack_features
from store.errors import TerraceError
from store.files import read_json

SETTINGS = ModelSettings(evaluation=EvaluationSettings(resamples=100, capacity=150))


@pytest.fixture(scope="module")
def past(bank: Synthetic) -> Backtest:
    stack = stack_features([bank.features / f"as_of={day}.parquet" for day in bank.as_ofs], bank.columns)
    return replay(LABEL, stack, bank.labels / LABEL, bank.as_ofs[-2:], Window(0, 60), SETTINGS)


def test_each_night_learns_only_from_what_it_could_have_known(past: Backtest) -> None:
    assert len(past.nights) == 2
    for night in past.nights:
        assert night.trained_on
        assert all(day + dt.timedelta(60) <= night.as_of for day in night.trained_on)
    assert len(past.nights[1].trained_on) == len(past.nights[0].trained_on) + 1


def test_the_list_of_a_night_catches_what_the_rows_say(past: Backtest) -> None:
    for night in past.nights:
        rows = past.rows[past.rows["as_of"].dt.date == night.as_of]
        best = rows.sort_values(["raw_score", "customer_id"], ascending=[False, True]).head(150)
        assert night.caught.value == pytest.approx(best["target"].sum(), abs=1.01)
        assert night.caught_by_chance == pytest.approx(150 * rows["target"].mean())
        assert night.caught.low > 2 * night.caught_by_chance


def test_a_backtest_of_a_date_equals_one_whose_files_end_there(bank: Synthetic, past: Backtest) -> None:
    night = bank.as_ofs[-2]
    upto = [bank.features / f"as_of={day}.parquet" for day in bank.as_ofs[:-1]]
    short = replay(LABEL, stack_features(upto, bank.columns), bank.labels / LABEL, [night], Window(0, 60), SETTINGS)
    assert short.nights[0] == past.nights[0]


def test_a_backtest_is_written_as_json_and_picture(past: Backtest, tmp_path: Path) -> None:
    past.write(tmp_path)
    assert read_json(tmp_path / f"{LABEL}.json")["nights"][0]["as_of"] == str(past.nights[0].as_of)
    assert (tmp_path / f"{LABEL}.png").stat().st_size > 5000


def test_a_night_that_nothing_was_known_before_is_said_to_be_skipped(bank: Synthetic) -> None:
    stack = stack_features([bank.features / f"as_of={day}.parquet" for day in bank.as_ofs[:3]], bank.columns)
    with pytest.raises(TerraceError, match="nothing to learn from"):
        replay(LABEL, stack, bank.labels / LABEL, bank.as_ofs[:1], Window(0, 60), SETTINGS)
