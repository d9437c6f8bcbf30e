"""What accounts hold, walked once: against the same reckoned day by day."""

from __future__ import annotations

import datetime as dt
import math
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import account, balances, customer, day, small_bank

from features.held import Balances, Held, Rates, held, read_balances
from features.monthly import together
from sources.canonical import Canonical, connect

BEGIN, DAYS = day("2026-01-01").toordinal(), 40
steps = st.lists(st.tuples(st.integers(0, DAYS - 1), st.integers(0, 10**9)), max_size=8, unique_by=lambda step: step[0])
rate = st.sampled_from([0.0, 0.001, 0.005, 0.0125, math.nan])


@st.composite
def portfolios(draw: st.DrawFn) -> tuple[Held, Rates]:
    """Up to six accounts of four customers, in two products and none."""
    count = draw(st.integers(1, 6))
    of = [(number, *step) for number in range(count) for step in sorted(draw(steps))]
    rows = sorted(of, key=lambda row: row[1])
    dated = [sorted(draw(st.lists(st.integers(0, DAYS), max_size=3, unique=True))) for _ in range(2)]
    ends = np.cumsum([len(days) for days in dated])
    whose = np.array(draw(st.lists(st.integers(-1, 3), min_size=count, max_size=count)), np.int32)
    closed = np.array(draw(st.lists(st.sampled_from([0, 7, 20, DAYS + 9, 5_000_000 - BEGIN]), min_size=count, max_size=count)))
    product = np.array(draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)), np.int32)
    columns = np.array(rows, np.int64).reshape(len(rows), 3)
    since = np.array([BEGIN + one for days in dated for one in days], np.int32)
    return Held(
        columns[:, 0].astype(np.int32),
        (columns[:, 1] + BEGIN).astype(np.int32),
        columns[:, 2].astype(np.float64),
        whose,
        (closed + BEGIN).astype(np.int32),
        product,
        pa.array(["a", "b"]),
    ), Rates(
        np.array([0.012, 0.0075, 0.0]),
        np.array([0, ends[0], 0]),
        np.array([ends[0], ends[1], 0]),
        since,
        np.array([draw(rate) for _ in since]),
    )


def by_hand(of: Held, rates: Rates, customer: int, on: int) -> float:
    """What the customer's accounts are worth at the close of a day."""
    total = 0
    for number in np.flatnonzero(of.place == customer):
        rows = [i for i in np.flatnonzero(of.account == number) if of.day[i] <= on and of.day[i] < of.closed[number]]
        if not rows or on >= of.closed[number]:
            continue
        which = of.product[number]
        known = [i for i in range(rates.first[which], rates.end[which]) if rates.since[i] <= of.day[rows[-1]]]
        by = rates.rate[known[-1]] if known and not math.isnan(rates.rate[known[-1]]) else rates.said[which]
        total += math.floor(of.balance[rows[-1]] * by + 0.5)
    return float(total)


@given(portfolios(), st.integers(0, DAYS), st.integers(1, DAYS))
@settings(max_examples=60, deadline=None)
def test_what_is_earned_is_what_each_balance_earns_by_the_rate_of_the_day_it_came(
    portfolio: tuple[Held, Rates], after: int, length: int
) -> None:
    of, rates = portfolio
    ends = [BEGIN + after - 1, BEGIN + after - 1 + length]
    made = of.course(4, ends, together([]), rates)
    for customer_at in range(4):
        levels = [by_hand(of, rates, customer_at, on) for on in range(ends[0] + 1, ends[1] + 1)]
        assert made.sum_between(*ends)[customer_at] == sum(levels)
        assert made.level_at(ends[1])[customer_at] == levels[-1]


@given(portfolios())
@settings(max_examples=40, deadline=None)
def test_the_movements_of_some_are_those_of_their_course(portfolio: tuple[Held, Rates]) -> None:
    of, rates = portfolio
    moves = of.movements(np.array([0, 2]), rates)
    assert set(moves.place.tolist()) <= {0, 2}
    assert (np.diff(moves.place * 10_000_000 + moves.day) >= 0).all()
    for on in range(BEGIN - 1, BEGIN + DAYS + 12, 5):
        level = of.course(4, [BEGIN - 1, on], together([]), rates).level_at(on)
        for customer_at in (0, 2):
            assert moves.change[(moves.place == customer_at) & (moves.day <= on)].sum() == level[customer_at]


@given(st.permutations(range(9)))
@settings(max_examples=30, deadline=None)
def test_an_accounts_balances_count_by_day_in_whatever_order_their_files_lie(order: list[int]) -> None:
    rows = np.array([(i % 3, BEGIN + i, 100.0 + i) for i in range(9)])[order]
    none = np.empty(0, np.int32)
    lying = Balances(
        pa.array(["1", "2", "3"]), rows[:, 0].astype(np.int32), rows[:, 1].astype(np.int32), rows[:, 2], none, none, none
    )
    number, days, balance = lying.known_at(BEGIN + 6)
    assert sorted(days.tolist()) == list(range(BEGIN, BEGIN + 7))
    assert (balance == 100.0 + days - BEGIN).all()
    for which in range(3):
        assert (np.diff(days[number == which]) > 0).all()


def bank_of(root: Path) -> Canonical:
    """Two customers; the second one's balance of a day was told late, and then corrected."""
    return small_bank(
        root,
        "2026-03-31",
        customers=[customer("A"), customer("B")],
        accounts=[account("1", "A"), account("2", "B"), account("3", "B", "business_loan")],
        balances=[
            *balances("1", ("2026-01-01", 10), ("2026-02-01", 30)),
            *balances("2", ("2026-01-05", 500), recorded_on=day("2026-01-09")),
            *balances("2", ("2026-01-05", 700), recorded_on=day("2026-01-20")),
            *balances("3", ("2026-01-05", 90)),
        ],
    )


def level(con: duckdb.DuckDBPyConnection, bank: Canonical, view: str) -> list[float]:
    on = day(view)
    lying = held(con, bank, read_balances(bank, None), on, None, "places")
    return list(lying.course(2, [on.toordinal() - 1, on.toordinal()], together([])).level_at(on) / 100)


@pytest.mark.parametrize(
    ("view", "expected"),
    [("2026-01-08", [10, 0]), ("2026-01-09", [10, 500]), ("2026-01-20", [10, 700]), ("2026-02-01", [30, 700])],
)
def test_only_what_was_told_by_then_is_held(tmp_path: Path, view: str, expected: list[float]) -> None:
    bank = bank_of(tmp_path)
    with connect() as con:
        con.execute("CREATE TABLE places AS SELECT * FROM (VALUES ('A', 0), ('B', 1)) t(customer_id, place)")
        assert level(con, bank, view) == expected
        con.execute("DELETE FROM places WHERE customer_id = 'A'")
        assert level(con, bank, view) == [0, expected[1]]  # who is not asked for holds nothing


def test_a_bank_without_balances_holds_nothing(tmp_path: Path) -> None:
    bank = small_bank(tmp_path, "2026-03-31", customers=[customer("A")], accounts=[account("1", "A")])
    with connect() as con:
        con.execute("CREATE TABLE places AS SELECT 'A' AS customer_id, 0 AS place")
        lying = held(con, bank, read_balances(bank, None), dt.date(2026, 3, 31), None, "places")
        assert not lying.movements(np.array([0])).place.size
        assert not lying.course(1, [BEGIN, BEGIN + 9], together([])).average(BEGIN, BEGIN + 9).any()
