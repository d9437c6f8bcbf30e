"""Arithmetic over sums is what one would reckon by hand for each customer, the unknown included."""

from __future__ import annotations

import datetime as dt
import math
import operator
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.algebra import ALL, Leaf, Number, Term, leaf, of_clock, when
from features.calendar import Clock
from features.declare import Feature
from features.program import columns, program
from features.room import Room
from features.settings import CalendarSettings
from features.windows import Window, back

CLOCK = Clock(dt.date(2026, 3, 31), CalendarSettings())
A, B, C = (leaf("customers", "max", name) for name in "abc")
LEAVES = [next(iter(one.leaves)) for one in (A, B, C)]

figures = st.sampled_from([0.0, 1.0, -1.0, 3.0, 0.1, -2.5e9, 1e-9]) | st.floats(-1e12, 1e12)
known_or_not = st.none() | figures


def _answer(how: Callable[..., object], *values: float | None) -> float | None:
    return None if None in values else float(how(*values))  # type: ignore[arg-type]


def _divided(a: float | None, b: float | None) -> float | None:
    return None if b == 0 else _answer(operator.truediv, a, b)


CASES: list[tuple[Term, Callable[[float | None, float | None, float | None], float | None]]] = [
    (A + B, lambda a, b, c: _answer(operator.add, a, b)),
    (2 - A, lambda a, b, c: _answer(lambda x: 2 - x, a)),
    (A * B - C, lambda a, b, c: _answer(lambda x, y, z: x * y - z, a, b, c)),
    (A / B, lambda a, b, c: _divided(a, b)),
    (-A, lambda a, b, c: _answer(lambda x: 0 - x, a)),
    (A > B, lambda a, b, c: _answer(operator.gt, a, b)),
    (A >= B, lambda a, b, c: _answer(operator.ge, a, b)),
    (A < B, lambda a, b, c: _answer(operator.lt, a, b)),
    (A <= B, lambda a, b, c: _answer(operator.le, a, b)),
    (A.equals(B), lambda a, b, c: _answer(operator.eq, a, b)),
    (A.known(), lambda a, b, c: float(a is not None)),
    (A.fill(7), lambda a, b, c: 7.0 if a is None else a),
    (when(A > B, C), lambda a, b, c: c if None not in (a, b) and a > b else None),  # type: ignore[operator]
    (when(A > B, C, A), lambda a, b, c: c if None not in (a, b) and a > b else a),  # type: ignore[operator]
    ((A > 0) & (B > 0), lambda a, b, c: _both(_answer(lambda x: x > 0, a), _answer(lambda x: x > 0, b))),
    ((A > B).flag(), lambda a, b, c: float(None not in (a, b) and a > b)),  # type: ignore[operator]
    (A.at_least(B), lambda a, b, c: _answer(max, a, b)),
    (A.at_most(3), lambda a, b, c: _answer(lambda x: min(x, 3), a)),
    (A.root(), lambda a, b, c: _answer(lambda x: math.sqrt(x), a) if a is not None and a >= 0 else None),
]


def _both(a: float | None, b: float | None) -> float | None:
    return 0.0 if 0.0 in (a, b) else None if None in (a, b) else 1.0


def _made(terms: list[Term], rows: list[tuple[float | None, ...]], unit: str = "count", threads: int = 1) -> list[list[Number]]:
    made = program([Feature(f"f{n}", one, unit, "", "") for n, one in enumerate(terms)], LEAVES, 100)  # type: ignore[arg-type]
    sums = np.array([[np.nan if value is None else value for value in row] for row in zip(*rows, strict=True)])
    with Room(threads) as room:
        lines = made.run(sums, np.arange(len(rows)), CLOCK, np.empty((len(terms), len(rows))), room)
    return [column.to_pylist() for column in columns(made.names, lines).values()]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(known_or_not, known_or_not, known_or_not), min_size=1, max_size=5))
def test_every_step_is_what_one_reckons_by_hand(rows: list[tuple[float | None, ...]]) -> None:
    made = _made([one for one, _ in CASES], rows)
    for place, (_, by_hand) in enumerate(CASES):
        assert made[place] == [by_hand(*row) for row in rows], place


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_figures_that_share_parts_are_those_of_each_alone(data: st.DataObject) -> None:
    """However many terms a program has, room that is used again never holds another's figure."""
    terms = [A, B, C]
    for _ in range(data.draw(st.integers(1, 25))):
        left, right = (data.draw(st.sampled_from(terms)) for _ in range(2))
        terms.append(
            data.draw(st.sampled_from([left + right, left - right, left.at_least(right), when(left > right, C, left)]))
        )
    row = tuple(data.draw(st.integers(-50, 50).map(float) | st.none()) for _ in range(3))
    assert _made(terms, [row]) == [_made([one], [row])[0] for one in terms]


def test_blocks_and_threads_change_nothing_and_everyone_has_their_own_row() -> None:
    rows = [(float(n), float(n % 7), None if n % 5 else float(-n)) for n in range(1111)]
    terms = [A / B, (A + C).fill(-1)]
    whole = _made(terms, rows)
    assert _made(terms, rows, threads=3) == whole
    assert whole[0] == [None if n % 7 == 0 else n / (n % 7) for n in range(1111)]
    assert whole[1] == [-1.0 if n % 5 else 0.0 for n in range(1111)]


def test_money_leaves_in_whole_units_and_the_others_as_they_are() -> None:
    assert _made([A, A + 1], [(250.0, None, None)], "money") == [[2.5], [2.51]]
    assert _made([A], [(250.0, None, None)]) == [[250.0]]


def test_a_window_or_season_that_is_not_there_is_unknown_and_the_clock_tells_its_number() -> None:
    of_season = leaf("transactions", "sum", "amount", window=Window("season", name="harvest"))
    last_days = leaf("transactions", "sum", "amount", window=back(30))
    leaves = [next(iter(one.leaves)) for one in (of_season, last_days)]
    features = [
        Feature("season", of_season, "count", "", ""),
        Feature("days", last_days, "count", "", ""),
        Feature("today", of_clock(lambda clock: clock.day), "date", "", ""),
        Feature("never", of_clock(lambda clock: None), "date", "", ""),
    ]
    lines = program(features, leaves, 100).run(np.ones((2, 1)), np.arange(1), CLOCK, np.empty((4, 1)))
    assert columns([one.name for one in features], lines)["season"].to_pylist() == [None]
    assert lines[1:3, 0].tolist() == [1.0, float(CLOCK.day)]
    assert math.isnan(lines[3, 0])


@pytest.mark.parametrize("how", ["sum", "count", "min", "max"])
def test_who_has_no_row_has_nothing_of_sums_and_no_lowest_and_no_highest(how: str) -> None:
    one = Leaf("customers", how, "a", ALL)  # type: ignore[arg-type]
    made = program([Feature("f", Term("leaf", what=one, leaves=frozenset({one})), "count", "", "")], [one], 100)
    column = pa.chunked_array([pa.array([4.0, None])])
    over = made.over(pa.table({"sum": column}), {one: "sum"}, CLOCK)
    assert over["f"].to_pylist() == [4.0, None if how in ("min", "max") else 0.0]
