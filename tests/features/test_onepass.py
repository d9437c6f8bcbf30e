"""What kernels sum in one pass is what one would add up by hand, however rows are split into steady and late ones."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.algebra import ALL, Leaf
from features.calendar import Clock
from features.classes import HELD, MOVES
from features.leaf_sums import nothing
from features.moment import Moment
from features.onepass import Late, OnePass
from features.room import Room
from features.rows.balances import DEPOSIT
from features.rows.transactions import CATEGORY, IN, OUT
from features.settings import CalendarSettings
from features.streams import Accounts, Steady, stream, stream_of
from features.windows import EVER, back

AS_OF = dt.date(2025, 6, 30)
TODAY = (AS_OF - dt.date(1970, 1, 1)).days
CUSTOMERS = 4
MOMENT = Moment(Clock(AS_OF, CalendarSettings()))

moves = st.lists(
    st.tuples(
        st.integers(1, CUSTOMERS),
        st.integers(TODAY - 500, TODAY + 20),
        st.integers(1, 10**9),
        st.sampled_from([-1, 1]),
        st.sampled_from(["payroll", "cash", "interest", None]),
        st.booleans(),  # late
    ),
    max_size=60,
)


def _table(rows: list[tuple[int, int, int, int, str | None, bool]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [[], [], [], [], [], []]
    made = {
        "customer_id": pa.array(columns[0], pa.int32()),
        "day": pa.array(columns[1], pa.int32()),
        "amount": pa.array(columns[2], pa.float64()),
        "direction": pa.array(columns[3], pa.int64()),
        "category": pa.array(columns[4], pa.string()),
    }
    nothing = {name: pa.nulls(len(rows), pa.string()) for name in ("channel", "counterparty_kind", "initiated_by")}
    return pa.table({**made, **nothing, "elsewhere": pa.array([0] * len(rows), pa.int64())})


@settings(max_examples=30, deadline=None)
@given(moves, st.integers(1, 3))
def test_sums_counts_and_extremes_of_windows_are_those_of_the_rows(rows: list, threads: int) -> None:
    leaves = [
        Leaf("transactions", "sum", "amount", IN, back(30)),
        Leaf("transactions", "count", "", OUT & CATEGORY.differs("cash"), back(90)),
        Leaf("transactions", "max", "amount", CATEGORY.equals("payroll"), back(365)),
        Leaf("transactions", "min", "amount", ALL, back(180, ago=90)),
        Leaf("transactions", "sum", "amount", ALL, EVER),
    ]
    parts = [stream_of(_table([row for row in rows if row[5] == late]), CUSTOMERS, MOVES, "amount") for late in (False, True)]
    sums = nothing(leaves, np.empty((len(leaves), CUSTOMERS)))
    with Room(threads) as room:
        OnePass(Steady(CUSTOMERS, 0, moves=parts[0]), Late(parts[1], None, None), MOMENT, room).sum(
            {"transactions": leaves}, sums
        )
    for customer in range(1, CUSTOMERS + 1):
        mine = [row for row in rows if row[0] == customer and row[1] <= TODAY]
        assert sums[:, customer - 1].tolist() == [
            sum(row[2] for row in mine if row[3] == 1 and row[1] > TODAY - 30),
            sum(row[3] == -1 and row[4] not in ("cash", None) and row[1] > TODAY - 90 for row in mine),
            max((row[2] for row in mine if row[4] == "payroll" and row[1] > TODAY - 365), default=-np.inf),
            min((row[2] for row in mine if TODAY - 270 < row[1] <= TODAY - 90), default=np.inf),
            sum(row[2] for row in mine),
        ]


changes = st.lists(
    st.tuples(st.integers(1, 6), st.integers(TODAY - 420, TODAY + 5), st.integers(-(10**9), 10**9)),
    unique_by=lambda row: row[:2],
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(changes, st.dictionaries(st.integers(1, 6), st.integers(TODAY - 400, TODAY), max_size=3))
def test_averages_and_peaks_are_those_of_the_balances_day_by_day(rows: list, closed: dict[int, int]) -> None:
    """Account n belongs to customer n % 3 + 1; even accounts hold deposits, odd ones wealth, and 6 counts for nothing."""
    rows = sorted(rows, key=lambda row: (row[0] % 3 + 1, row[1], row[0]))
    account, day, change = (np.array([row[n] for row in rows], dtype=np.int32) for n in range(3))
    wealth, deposit = HELD.codes(pa.table({"holds": ["wealth", "deposit"], "kind": ["current", "current"]}))
    kind = np.array([-1, wealth, deposit, wealth, deposit, wealth, -1], dtype=np.int32)
    ends = np.full(7, 10**6, dtype=np.int32)
    ends[list(closed)] = list(closed.values())
    gone = np.array(sorted(closed, key=lambda n: (n % 3 + 1, closed[n])), dtype=np.int32)
    ending = stream(gone % 3 + 1, ends[gone], np.zeros(len(gone)), gone, 3)
    flow = stream(account % 3 + 1, day, change.astype(np.float64), account, 3)
    empty = stream(*(np.empty(0, dtype=t) for t in (np.int32, np.int32, np.float64, np.int32)), 3)
    average = Leaf("balance_changes", "day_sum", "change", DEPOSIT, back(90))
    totals = [
        Leaf("balance_totals", "max", "assets", ALL, back(180), until="until"),
        Leaf("balance_totals", "min", "deposits", ALL, back(30), until="until"),
        Leaf("balance_totals", "spell_sum", "assets", ALL, back(90), until="until"),
    ]
    sums = nothing([average, *totals], np.empty((4, 3)))
    with Room(2) as room:
        one = OnePass(Steady(3, 6, changes=flow), Late(None, empty, Accounts(kind, ends, ending)), MOMENT, room)
        one.sum({"balance_changes": [average], "balance_totals": totals}, sums)
    for customer in (1, 2, 3):
        held = [_day_by_day([row for row in rows if row[0] == n], ends[n]) for n in range(1, 6) if n % 3 + 1 == customer]
        deposits = sum(h for n, h in zip([n for n in range(1, 6) if n % 3 + 1 == customer], held, strict=True) if n % 2 == 0)
        assets = sum(held)
        at = customer - 1
        assert sums[0, at] == np.sum((deposits + np.zeros(500))[-90:])
        assert sums[1, at] == np.max((assets + np.zeros(500))[-180:])
        assert sums[2, at] == np.min((deposits + np.zeros(500))[-30:])
        assert sums[3, at] == np.sum((assets + np.zeros(500))[-90:])


def _day_by_day(rows: list[tuple[int, int, int]], closed: int) -> np.ndarray:
    """The balance at the close of each of the last 500 days."""
    held = np.zeros(500)
    for _, day, change in rows:
        if day <= TODAY and day < closed:
            held[max(0, day - TODAY + 499) :] += change
    if closed <= TODAY:
        held[closed - TODAY + 499 :] = 0
    return held


def test_rows_of_files_in_any_order_come_out_by_customer_and_day() -> None:
    owner, day = np.array([2, 1, 2, 1, 3], dtype=np.int32), np.array([7, 9, 3, 4, 1], dtype=np.int32)
    made = stream(owner, day, np.arange(5.0), np.arange(5, dtype=np.int32), 4)
    assert made.starts.tolist() == [0, 2, 4, 5, 5]
    assert made.day.tolist() == [4, 9, 3, 7, 1]
    assert made.code.tolist() == [3, 1, 2, 0, 4]
    assert all(a <= b for a, b in pairwise(made.starts))
