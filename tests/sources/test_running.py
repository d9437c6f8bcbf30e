"""Running balances: the order within a day is found again, and what does not add up is told."""

from __future__ import annotations

import datetime as dt
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import balances
from sources.running import Chained, chain
from tests.sources.conftest import MOVEMENTS, SmallBank, rows


def _chained(days: list[list[tuple[int, int]]]) -> Chained:
    """One account; per day, rows of (amount, balance after) in the order given."""
    day = np.repeat(np.arange(len(days)), [len(d) for d in days])
    pairs = np.array([pair for rows_of_day in days for pair in rows_of_day], dtype=np.int64)
    return chain(np.zeros(len(pairs), dtype=np.int64), day, pairs[:, 0], pairs[:, 1], np.ones(len(pairs), dtype=bool))


@given(
    st.lists(st.lists(st.integers(1, 10_000), min_size=1, max_size=6), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_shuffled_days_are_put_in_order_again(amounts: list[list[int]], shuffler: random.Random) -> None:
    balance, days, closing = 500, [], []
    for of_day in amounts:
        rows_of_day = []
        for amount in of_day:
            balance += amount  # money in only: every balance is met once, so there is one right order
            rows_of_day.append((amount, balance))
        closing.append(balance)
        days.append(shuffler.sample(rows_of_day, len(rows_of_day)))
    result = _chained(days)
    assert result.closing.tolist() == closing
    assert not result.gap.any()
    after = [pair[1] for rows_of_day in days for pair in rows_of_day]
    assert sorted(zip(np.repeat(np.arange(len(days)), [len(d) for d in days]), result.order, after, strict=True)) == sorted(
        (d, n + 1, b) for d, rows_of_day in enumerate(days) for n, b in enumerate(sorted(x[1] for x in rows_of_day))
    )


def test_money_that_comes_and_goes_within_a_day_leaves_the_right_balance() -> None:
    assert _chained([[(100, 100)], [(50, 150), (100, 200), (-100, 100)]]).closing.tolist() == [100, 150]


def test_a_missing_movement_is_a_gap_of_its_size_and_the_day_after_is_sound() -> None:
    result = _chained([[(100, 100)], [(50, 175)], [(-75, 100)]])
    assert result.gap.tolist() == [0, 25, 0]


def test_rounded_balances_miss_by_their_rounding_only() -> None:
    result = _chained([[(1000, 1000)], [(-333, 670), (105, 770)], [(-10, 760)]])
    assert result.order.tolist() == [1, 1, 2, 1]
    assert result.gap.tolist() == [0, 5, 0]


def test_no_rows_are_no_days() -> None:
    none = np.empty(0, dtype=np.int64)
    assert len(chain(none, none, none, none, np.empty(0, dtype=bool)).gap) == 0


def test_balances_begin_with_the_account_and_hold_until_they_change(bank: SmallBank) -> None:
    canonical = bank.take()
    assert rows(canonical, "balances", dt.date(2023, 9, 1), 'account_id, "on", balance') == [
        ("A1", dt.date(2023, 1, 2), 100_000),
        ("A1", dt.date(2023, 1, 5), 64_950),
        ("A1", dt.date(2023, 9, 1), 65_050),
        ("A2", dt.date(2023, 1, 2), 0),
        ("A2", dt.date(2023, 1, 3), 500_000),
        ("A2", dt.date(2023, 1, 10), 500_005),
        ("A3", dt.date(2023, 1, 2), 0),
        ("A3", dt.date(2023, 1, 4), 8_000),
        ("A3", dt.date(2023, 8, 31), 0),
    ]


def test_the_order_within_a_day_is_kept_with_the_movements(bank: SmallBank) -> None:
    bank.write("mov.dat", [MOVEMENTS[0].replace("T01", "T90"), MOVEMENTS[1].replace("T02", "T09"), *MOVEMENTS[2:]])
    placed = rows(bank.take(), "transactions", dt.date(2023, 1, 31), "transaction_id, day_order")
    assert dict(placed)["T09"] == 1
    assert dict(placed)["T03"] == 2


def test_a_break_is_reported_and_the_row_stays(bank: SmallBank) -> None:
    bank.write("mov.dat", [line.replace("5000.05", "5000.25") for line in MOVEMENTS])
    canonical = bank.take()
    assert canonical.manifest.tables["transactions"].rows == len(MOVEMENTS)
    finding = bank.findings()["transactions", "balance", "balance_after"]
    assert (finding.count, finding.of, finding.examples) == (1, 7, ("account_id=A2, on=2023-01-10: 20 minor units",))


def test_a_closed_account_ends_at_nothing(bank: SmallBank) -> None:
    bank.write("mov.dat", [line for line in MOVEMENTS if not line.startswith("T07")])
    canonical = bank.take()
    assert rows(canonical, "balances", dt.date(2023, 9, 1), 'account_id, "on", balance')[-1] == ("A3", dt.date(2023, 9, 1), 0)
    assert bank.findings()["accounts", "unclosed", "closed_on"].count == 1


def test_movements_are_followed_alike_however_many_at_a_time(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.write("mov.dat", [*MOVEMENTS, "T09|+|A1|+|20230905|+|C|+|1.00|+|9.00|+|INT"])  # a break, of an account of many days
    at_once = bank.take("at_once").manifest.content()
    monkeypatch.setattr(balances, "_AT_ONCE", 2)
    assert bank.take("by_few").manifest.content() == at_once
    one, other = bank.report("at_once"), bank.report("by_few")
    assert (one.account_days, one.inexact_days) == (other.account_days, other.inexact_days)
    assert other.inexact_days == 1
