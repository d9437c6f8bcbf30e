"""The benchmark compares like with like: ways that answer differently are no contest, and ours answers as plain SQL does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.contest import Answer, Contest, Place, race, table
from bench.feature_ways import WINDOWED
from flows import demo
from flows.chores import taken_in
from flows.home import Home
from sources.demo.bank import make_demo_bank

DEMO = Path(__file__).resolve().parents[2] / "configs" / "banks" / "demo.yaml"


def floor(_place: Place) -> Callable[[], Answer]:
    return lambda: {}


def two(_place: Place) -> Callable[[], Answer]:
    time.sleep(0.5)  # made ready outside the clock
    return lambda: {"all": 2.0}


def another_two(_place: Place) -> Callable[[], Answer]:
    return lambda: {"all": 2.0}


def three(_place: Place) -> Callable[[], Answer]:
    return lambda: {"all": 3.0}


def broken(_place: Place) -> Callable[[], Answer]:
    raise OSError("nothing there")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A small demo bank, taken in."""
    folder = tmp_path_factory.mktemp("bench")
    make_demo_bank(demo.folder_of(folder), customers=150, months=6)
    bank, home = demo.open_bank(DEMO, folder), Home(folder / "demo")
    taken_in(bank, home, lambda *_: None)
    (folder / "work").mkdir()
    return Place(bank, home, folder / "work")


def test_every_way_runs_in_every_round_and_preparing_is_not_timed(place: Place) -> None:
    contest = Contest("sums", "a sum", {"floor": floor, "two": two})
    told: list[str] = []
    runs = race(contest, place, 2, told.append)
    assert [len(run.seconds) for run in runs.values()] == [2, 2]
    assert max(runs["two"].seconds) < 0.5
    assert len(told) == 4
    lines = table(contest, runs)
    assert [line.split()[0] for line in lines[2:4]] == ["floor", "two"]


def test_ways_that_answer_differently_are_no_contest(place: Place) -> None:
    race(Contest("sums", "a sum", {"floor": floor, "two": two, "another": another_two}), place, 1, lambda _: None)
    with pytest.raises(AssertionError, match="three and two do not answer alike"):
        race(Contest("sums", "a sum", {"floor": floor, "two": two, "three": three}), place, 1, lambda _: None)


def test_a_way_that_fails_ends_the_contest(place: Place) -> None:
    with pytest.raises(RuntimeError, match="a way of the contest failed"):
        race(Contest("sums", "a sum", {"floor": floor, "broken": broken}), place, 1, lambda _: None)


def test_our_features_are_what_plain_sql_and_a_notebook_find(place: Place) -> None:
    answers = [dict(answer) for way in WINDOWED.ways.values() if (answer := way(place)())]
    assert len(answers) == 3
    assert answers[0] == answers[1] == answers[2]
    assert sum(1 for total in answers[0].values() if total > 0) > 50
