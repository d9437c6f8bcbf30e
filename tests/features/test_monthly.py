"""Averages over windows: exact, as known, and without money that only passes."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import account, balances, customer, day, loan, small_bank

from features.held import held, read_balances
from features.monthly import (
    Movements,
    course,
    loan_credits,
    month_ends,
    set_aside,
    together,
)
from sources.canonical import Canonical
from sources.connection import connect


def average(bank: Canonical, view: str, after: str, until: str, quiet: int = 0) -> list[float]:
    """Average assets in yuan by customer, over (after, until]."""
    with connect() as con:
        con.execute(
            "CREATE TABLE places AS SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS place "
            f"FROM {bank.relation_sql('customers')}"
        )
        size = con.sql("SELECT count(*) FROM places").fetchall()[0][0]
        assets, aside = held(con, bank, read_balances(bank, None), day(view), None, "places"), together([])
        if quiet:
            credits = loan_credits(con, bank, day(view), None, "places")
            aside = set_aside(assets.movements(credits.place), credits, quiet)
        ends = [day(after).toordinal(), day(until).toordinal()]
        return list(assets.course(size, ends, aside).average(*ends) / 100)


def test_the_average_is_the_mean_of_the_daily_closing_balances() -> None:
    rng = np.random.default_rng(7)
    place, when = rng.integers(0, 9, 400), rng.integers(700_000, 700_400, 400)
    change = rng.integers(-50_000_00, 60_000_00, 400).astype(float)
    grid = [700_010, 700_100, 700_101, 700_365]
    made = course(together([Movements(place, when, change)]), 9, grid)
    for a, b in [(700_010, 700_100), (700_100, 700_101), (700_010, 700_365)]:
        by_hand = [np.mean([change[(place == p) & (when <= d)].sum() for d in range(a + 1, b + 1)]) for p in range(9)]
        np.testing.assert_allclose(made.average(a, b), by_hand, rtol=1e-13)


def test_a_day_off_the_grid_is_refused() -> None:
    made = course(Movements(*(np.empty(0, int), np.empty(0, int), np.empty(0))), 1, [10, 20])
    with pytest.raises(KeyError):
        made.average(10, 15)


def test_all_accounts_of_a_customer_add_up_and_a_loan_account_is_none_of_them(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path,
        "2026-03-31",
        customers=[customer("A")],
        accounts=[
            account("1", "A"),
            account("2", "A", "time_deposit"),
            account("3", "A", "wealth"),
            account("4", "A", "business_loan"),
        ],
        balances=[
            *balances("1", ("2026-01-01", 1000)),
            *balances("2", ("2026-01-01", 20000)),
            *balances("3", ("2026-01-01", 5000)),
            *balances("4", ("2026-01-01", 70000)),
        ],
    )
    assert average(bank, "2026-03-31", "2026-02-28", "2026-03-31") == [26000.0]


def test_a_closed_account_holds_nothing_even_without_a_last_row(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path,
        "2026-03-31",
        customers=[customer("A")],
        accounts=[account("1", "A", closed="2026-03-16")],
        balances=balances("1", ("2026-01-01", 3100)),
    )
    assert average(bank, "2026-03-31", "2026-02-28", "2026-03-31") == [3100 * 15 / 31]
    assert average(bank, "2026-03-15", "2026-02-28", "2026-03-31") == [3100.0]  # not yet known to close


def test_a_correction_recorded_later_is_not_seen_before(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path,
        "2026-04-30",
        customers=[customer("A")],
        accounts=[account("1", "A")],
        balances=[
            *balances("1", ("2026-01-01", 1000), recorded_on=day("2026-01-01")),
            *balances("1", ("2026-01-01", 9000), recorded_on=day("2026-04-05")),
        ],
    )
    assert average(bank, "2026-03-31", "2026-02-28", "2026-03-31") == [1000.0]
    assert average(bank, "2026-04-05", "2026-02-28", "2026-03-31") == [9000.0]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("2026-01-01", 1000), ("2026-03-01", 101_000)], 1000.0),  # lies untouched
        ([("2026-01-01", 1000), ("2026-03-01", 101_000), ("2026-03-11", 1000)], 1000.0),  # spent
        ([("2026-01-01", 1000), ("2026-03-01", 151_000)], 51_000.0),  # 50,000 of the customer's own
        ([("2026-01-01", 1000), ("2026-03-01", 0)], 0.0),  # paid out elsewhere, own money gone
    ],
)
def test_the_balance_of_a_loan_just_paid_out_is_not_the_customers(
    tmp_path: Path, steps: list[tuple[str, float]], expected: float
) -> None:
    bank = small_bank(
        tmp_path,
        "2026-03-31",
        customers=[customer("A")],
        accounts=[account("1", "A")],
        balances=balances("1", *steps),
        loans=[loan("L", "A", "2026-03-01", 100_000)],
    )
    assert average(bank, "2026-03-31", "2026-02-28", "2026-03-31", quiet=90) == [expected]


def test_a_second_loan_within_the_quiet_days_is_set_aside_with_the_first(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path,
        "2026-06-30",
        customers=[customer("A")],
        accounts=[account("1", "A")],
        balances=balances("1", ("2026-01-01", 500), ("2026-03-01", 10_500), ("2026-03-20", 30_500)),
        loans=[loan("L", "A", "2026-03-01", 10_000), loan("M", "A", "2026-03-20", 20_000)],
    )
    assert average(bank, "2026-06-30", "2026-02-28", "2026-04-30", quiet=60) != [500.0]  # the first is over on 30 April
    assert average(bank, "2026-06-30", "2026-02-28", "2026-04-29", quiet=60) == [500.0]
    assert average(bank, "2026-06-30", "2026-05-31", "2026-06-30", quiet=60) == [30_500.0]  # both are long past


def test_a_renewed_loan_brings_no_new_money(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path,
        "2026-03-31",
        customers=[customer("A")],
        accounts=[account("1", "A")],
        balances=balances("1", ("2026-01-01", 1000), ("2026-03-01", 41_000)),
        loans=[loan("L", "A", "2026-03-01", 100_000, previous_loan_id="K", renewal="extension")],
    )
    assert average(bank, "2026-03-31", "2026-02-28", "2026-03-31", quiet=90) == [41_000.0]


def test_month_ends_know_leap_years() -> None:
    assert month_ends(dt.date(2023, 12, 31), dt.date(2024, 2, 29)) == [
        dt.date(2023, 12, 31),
        dt.date(2024, 1, 31),
        dt.date(2024, 2, 29),
    ]
