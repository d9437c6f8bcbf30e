"""Daily averages of every customer's money over many windows, from one pass over the balances.

A balance holds until the account's next row, so a customer's level is a sum of daily movements, and the sum of daily closing
levels up to any day g is (g + 1) * S0 - S1 with S0 the movements and S1 the movements times their day up to g. Two sums per
customer and grid day therefore give the average over every window between grid days. Money is whole minor units in
DOUBLE, so the sums are exact in any order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sources.canonical import Canonical, as_of_sql

MINOR = 100  # minor units per unit of the currency
_WIDTH = 4_000_000  # more than any day number
Days = NDArray[np.int64]
Money = NDArray[np.float64]


@dataclass(frozen=True)
class Movements:
    """One row per movement of a measure: place of the customer, day number, change; sorted by place and day."""

    place: Days
    day: Days
    change: Money


@dataclass(frozen=True)
class Course:
    """The course of a measure: per grid day (row) and customer (column) the level, and per end, which is one of these days,
    the sum of all movements up to it times their day, counted from the first grid day."""

    grid: Days
    level: Money
    ends: Days
    weighted: Money

    def risen(self, more: Movements) -> Course:
        """From what came between a day and the one before, and more movements, what had come until each: in the same arrays.

        Movements after the last day are left out.
        """
        for days, of in ((self.grid, self.level), (self.ends, self.weighted)):
            rows = np.searchsorted(days, more.day, side="left")
            inside = rows < len(days)
            change = more.change[inside]
            if of is self.weighted:
                change = change * (more.day[inside] - self.grid[0]).astype(np.float64)
            np.add.at(of.reshape(-1), rows[inside] * of.shape[1] + more.place[inside], change)
            for row in range(1, len(of)):  # whole rows: cumsum would go down every column
                of[row] += of[row - 1]
        return self

    def column(self, day: dt.date | int) -> int:
        """Where a grid day stands. Raises KeyError for a day that is not on the grid."""
        return _place(self.grid, day if isinstance(day, int) else day.toordinal())

    def level_at(self, day: dt.date | int) -> Money:
        """The level at the close of a grid day, per customer."""
        return np.asarray(self.level[self.column(day)])

    def sum_between(self, after: int, until: int) -> Money:
        """Sum of the daily levels over the days in (after, until], per customer."""
        return self._sum_to(until) - self._sum_to(after)

    def average(self, after: int, until: int) -> Money:
        """Average daily level over (after, until], per customer."""
        return self.sum_between(after, until) / (until - after)

    def _sum_to(self, day: int) -> Money:
        level, weighted = self.level[self.column(day)], self.weighted[_place(self.ends, day)]
        return np.asarray(float(day - self.grid[0] + 1) * level - weighted)


def _place(days: Days, day: int) -> int:
    at = int(np.searchsorted(days, day))
    if at == len(days) or days[at] != day:
        raise KeyError(f"{dt.date.fromordinal(day)} is not on the grid")
    return at


def course(moves: Movements, customers: int, grid: Collection[int]) -> Course:
    """The course of a measure at the grid days; movements after the last of them are left out."""
    days = np.unique(np.fromiter(grid, dtype=np.int64))
    level, weighted = np.zeros((len(days), customers)), np.zeros((len(days), customers))
    return Course(days, level, days, weighted).risen(moves)


def together(parts: Sequence[Movements]) -> Movements:
    """The movements of several parts as one, sorted by place and day."""
    if not parts:
        return Movements(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    place = np.concatenate([p.place for p in parts])
    day = np.concatenate([p.day for p in parts])
    change = np.concatenate([p.change for p in parts])
    order = np.argsort(place * _WIDTH + day, kind="stable")  # sorted parts are merged, where lexsort would start anew
    return Movements(place[order], day[order], change[order])


def set_aside(moves: Movements, credits: Movements, days: int) -> Movements:
    """Movements that take one-off credits (a loan paid out, compensation for land) out of the level for `days` days.

    What lies there of such a credit is the level above that of the day before it, at most the credit: spent money is no
    longer deducted, and the customer's own earlier money never is. Own money that comes in meanwhile counts only when the
    days are over or where it exceeds the credit (approximate, on the careful side). The deduction of a day depends on that
    day and those before it only. Credits of one customer less than `days` apart form one chain.
    """
    if not len(credits.place):
        return together([])
    credits = together([credits])
    place, day = credits.place, credits.day
    starts = np.concatenate([[True], (place[1:] != place[:-1]) | (day[1:] - day[:-1] > days)])
    chain = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    last = np.concatenate([first[1:], [len(place)]]) - 1
    lengths = day[last] + days - day[first]
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    owner = np.repeat(np.arange(len(first)), lengths)
    total = int(lengths.sum())
    on = day[first][owner] + np.arange(total) - begins[owner]
    at = begins[chain] + day - day[first][chain]
    active = np.bincount(at, credits.change, total + days + 1)
    active = np.cumsum(active - np.bincount(at + days, credits.change, total + days + 1))[:total]
    level = _level(moves, place[first][owner], on)
    before = _level(moves, place[first], day[first] - 1)[owner]
    kept = np.clip(level - before, 0.0, active)
    earlier = np.concatenate([[0.0], kept[:-1]])
    earlier[begins] = 0.0
    ends = begins + lengths - 1
    return together(
        [
            Movements(place[first][owner], on, earlier - kept),
            Movements(place[first], on[ends] + 1, kept[ends]),
        ]
    )


def _level(moves: Movements, place: Days, day: Days) -> Money:
    """The level of a customer at the close of a day, for many (place, day)."""
    key = moves.place * _WIDTH + moves.day
    running = np.concatenate([[0.0], np.cumsum(moves.change)])
    upto = running[np.searchsorted(key, place * _WIDTH + day, side="right")]
    since = running[np.searchsorted(key, place * _WIDTH, side="left")]
    return np.asarray(upto - since)


def counted_accounts_sql(canonical: Canonical, view: dt.date, bucket: int | None, counts_as: Sequence[str]) -> str:
    """SELECT of the accounts whose product counts as one of `counts_as`: account_id, customer_id, product_id, closed_on."""
    wanted = ", ".join("'" + c.replace("'", "''") + "'" for c in counts_as)
    return f"""
        SELECT a.account_id, a.customer_id, a.product_id,
               CASE WHEN a.closed_on IS NOT NULL THEN greatest(a.closed_on, a.known_from) END AS closed_on
        FROM ({as_of_sql("accounts", canonical.relation_sql("accounts", bucket), view)}) a
        LEFT JOIN ({as_of_sql("products", canonical.relation_sql("products"), view)}) p USING (product_id)
        WHERE coalesce(p.counts_as, CASE WHEN a.holds = 'deposit' THEN 'deposit' ELSE 'aum' END) IN ({wanted})"""


def fetch_movements(con: duckdb.DuckDBPyConnection, query: str) -> Movements:
    """The movements a query yields as place, day (a date), change, summed per customer and day."""
    table = con.sql(f"""
        SELECT place::BIGINT AS place, (day - DATE '0001-01-01') + 1 AS day, sum(change::DOUBLE) AS change
        FROM ({query}) GROUP BY 1, 2 HAVING sum(change::DOUBLE) <> 0 ORDER BY 1, 2""").to_arrow_table()
    return Movements(_numbers(table, "place"), _numbers(table, "day"), table["change"].to_numpy().astype(np.float64))


def _numbers(table: pa.Table, name: str) -> Days:
    return np.asarray(table[name].to_numpy(), dtype=np.int64)


def loan_credits(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, view: dt.date, bucket: int | None, places: str
) -> Movements:
    """Loans as credits: the day of granting and the amount. A renewal brings no new money and is none."""
    loans = as_of_sql("loans", canonical.relation_sql("loans", bucket), view)
    return fetch_movements(
        con,
        f"""
        SELECT p.place, granted_on AS day, amount AS change FROM ({loans}) JOIN {places} p USING (customer_id)
        WHERE renewal IS NULL AND previous_loan_id IS NULL""",
    )


def flow_credits(
    con: duckdb.DuckDBPyConnection,
    canonical: Canonical,
    view: dt.date,
    bucket: int | None,
    places: str,
    categories: Sequence[str],
) -> Movements:
    """Money in by transactions of these categories: one-off sums that pass through."""
    wanted = ", ".join("'" + c.replace("'", "''") + "'" for c in categories) or "NULL"
    flows = as_of_sql("transactions", canonical.relation_sql("transactions", bucket), view)
    return fetch_movements(
        con,
        f"""
        SELECT p.place, "on" AS day, amount AS change FROM ({flows}) JOIN {places} p USING (customer_id)
        WHERE category IN ({wanted}) AND amount > 0""",
    )


def month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """Every last day of a month in [first, last]."""
    ends: list[dt.date] = []
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        end = dt.date(year, month, 1) - dt.timedelta(days=1)
        if end > last:
            return ends
        if end >= first:
            ends.append(end)
