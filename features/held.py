"""What accounts hold: the balances of a pass of customers read once, and walked once for every measure of them.

A measure is the balance itself or what it earns, in whole minor units, so that sums are exact in any order. Days are day
numbers (`date.toordinal`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.kernels import held as kernels
from features.monthly import Course, Days, Movements, counted_accounts_sql, together
from features.stored import stored_files
from features.streams import Doubles, Ints, doubles
from sources.canonical import Canonical

_DAY_0 = dt.date(1970, 1, 1).toordinal()
_NEVER = 5_000_000  # a day that does not come
_READ = ("account_id", "on", "balance", "known_from", "known_to")


@dataclass(frozen=True)
class Balances:
    """The balances of a pass in all their versions. Late are rows that were not known on their own day, or were corrected."""

    accounts: pa.Array  # ids
    account: Ints  # place among them
    day: Ints
    balance: Doubles
    late: Days  # which rows, and from when until when these count
    known_from: Ints
    known_to: Ints

    def known_at(self, day: int) -> tuple[Ints, Ints, Doubles]:
        """Account, day and balance of the rows that counted at the close of a day. Those of an account lie by day."""
        known = self.day <= day
        known[self.late] = (self.known_from <= day) & (self.known_to > day)
        account, days, balance = self.account, self.day, self.balance
        if not known.all():
            account, days, balance = account[known], days[known], balance[known]
        mixed = kernels.unordered(account, days, len(self.accounts))
        if mixed.any():  # of somebody merged, or of files that overlap
            rows = np.flatnonzero(mixed[account])
            order = rows[np.argsort(days[rows], kind="stable")]
            account, days, balance = account.copy(), days.copy(), balance.copy()
            account[rows], days[rows], balance[rows] = account[order], days[order], balance[order]
        return account, days, balance


def read_balances(canonical: Canonical, bucket: int | None) -> Balances:
    """The balances of a bucket, or of all customers."""
    files = stored_files(canonical, "balances", [bucket]) if "balances" in canonical.manifest.tables else []
    read = [table for table in (file.read(_READ, ["account_id"]) for file in files) if table.num_rows]
    if not read:
        none = np.empty(0, dtype=np.int32)
        return Balances(pa.array([], pa.string()), none, none, np.empty(0), np.empty(0, np.int64), none, none)
    table = pa.concat_tables(sorted(read, key=lambda one: pc.min(one["on"]).as_py()))  # what came later after what there was
    ids = table["account_id"].unify_dictionaries()
    day, known_from = _numbers(table["on"]), _numbers(table["known_from"])
    late = known_from != day
    if table["known_to"].null_count < table.num_rows:
        late |= pc.is_valid(table["known_to"]).to_numpy()
    rows = np.flatnonzero(late)
    return Balances(
        ids.chunk(0).dictionary.cast(pa.string()),
        np.concatenate([chunk.indices.to_numpy() for chunk in ids.chunks]).astype(np.int32, copy=False),
        day,
        doubles(table["balance"]),
        rows,
        known_from[rows],
        _numbers(table["known_to"].take(pa.array(rows))),
    )


def _numbers(column: pa.ChunkedArray) -> Ints:
    """Dates as day numbers; a blank one does not come."""
    days = column.cast(pa.int32())
    return np.asarray((days.fill_null(_NEVER - _DAY_0) if days.null_count else days).to_numpy()) + np.int32(_DAY_0)


@dataclass(frozen=True)
class Rates:
    """By product (the last: none): the rate that is said, and the places of its dated rates, which go before that."""

    said: Doubles
    first: Days
    end: Days
    since: Ints
    rate: Doubles  # NaN: not known

    @classmethod
    def beside(cls, several: Sequence[Rates]) -> Rates:
        """Those of several measures, a row each."""
        above = np.cumsum([0, *(len(of.since) for of in several)])
        said, first, end = (np.stack(rows) for rows in zip(*((of.said, of.first, of.end) for of in several), strict=True))
        since, rate = (np.concatenate(rows) for rows in zip(*((of.since, of.rate) for of in several), strict=True))
        return cls(said, first + above[:-1, None], end + above[:-1, None], since, rate)

    @classmethod
    def one(cls, products: int) -> Rates:
        """Every balance as it is."""
        none = np.zeros(products + 1, dtype=np.int64)
        return cls(np.ones(products + 1), none, none, np.empty(0, dtype=np.int32), np.empty(0))


@dataclass(frozen=True)
class Measure:
    """What is followed: balances or what they earn, and more movements, at the days of a grid.

    `ends` are those of them up to which it can be summed.
    """

    grid: Collection[int]
    ends: Collection[int]
    more: Movements
    rates: Rates | None = None


@dataclass(frozen=True)
class Held:
    """Balances of the accounts that count, as known at a day, and by account whose it is, when it closes, and its product."""

    account: Ints
    day: Ints
    balance: Doubles
    place: Ints  # -1: does not count
    closed: Ints
    product: Ints
    products: pa.Array

    def course(self, customers: int, grid: Collection[int], more: Movements, rates: Rates | None = None) -> Course:
        """The course of one measure, and more movements, at the grid days, by place."""
        return self.courses(customers, [Measure(grid, grid, more, rates)])[0]

    def courses(self, customers: int, measures: Sequence[Measure]) -> list[Course]:
        """The courses of several measures, by place, from one walk."""
        grids, ends = ([_days(days) for days in kind] for kind in zip(*((of.grid, of.ends) for of in measures), strict=True))
        level, weighted = (np.zeros((sum(map(len, kind)), customers)) for kind in (grids, ends))
        begin = np.array([grid[0] for grid in grids])
        kernels.walk(
            *self._rows([of.rates for of in measures]), begin, _rows_of(grids, begin), _rows_of(ends, begin), level, weighted
        )
        parts = zip(grids, _split(level, grids), ends, _split(weighted, ends), measures, strict=True)
        return [Course(grid, of_grid, end, of_end).risen(of.more) for grid, of_grid, end, of_end, of in parts]

    def movements(self, places: Days, rates: Rates | None = None) -> Movements:
        """The movements of a measure of these places only."""
        asked = np.isin(self.place, places)
        rows = np.flatnonzero(asked[self.account])
        own = Held(self.account[rows], self.day[rows], self.balance[rows], self.place, self.closed, self.product, self.products)
        change, left = np.empty(len(rows)), np.zeros(len(self.place))
        kernels.changes(*own._rows([rates]), change, left)
        moved, ended = np.flatnonzero(change), np.flatnonzero((left != 0.0) & (self.closed < _NEVER))
        return together(
            [
                _movements(self.place[own.account[moved]], own.day[moved], change[moved]),
                _movements(self.place[ended], self.closed[ended], -left[ended]),
            ]
        )

    def _rows(self, rates: Sequence[Rates | None]) -> tuple[NDArray[Any], ...]:
        by = Rates.beside([of or Rates.one(len(self.products)) for of in rates])
        return _to_read(
            self.account,
            self.day,
            self.balance,
            self.place,
            self.closed,
            self.product,
            by.said,
            by.first,
            by.end,
            by.since,
            by.rate,
        )


def _days(days: Collection[int]) -> Days:
    return np.unique(np.fromiter(days, dtype=np.int64))


def _rows_of(kind: Sequence[Days], begin: Days) -> NDArray[np.int64]:
    """Per measure, for every day from its first one on, the row of the first of its days that is not before it, or -1."""
    last = max(int(days[-1]) for days in kind)
    rows = np.full((len(kind), last - int(begin.min()) + 1), -1)
    above = 0
    for of, days in enumerate(kind):
        known = np.arange(begin[of], days[-1] + 1)
        rows[of, : len(known)] = above + np.searchsorted(days, known)
        above += len(days)
    return rows


def _split(rows: Doubles, kind: Sequence[Days]) -> list[Doubles]:
    return np.split(rows, np.cumsum([len(days) for days in kind])[:-1])


def _to_read(*arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The same arrays, which may not be written: else machine code is made for every mixture of those that may and may not."""
    still = tuple(array.view() for array in arrays)
    for array in still:
        array.flags.writeable = False
    return still


def _movements(place: Ints, day: Ints, change: Doubles) -> Movements:
    return Movements(place.astype(np.int64), day.astype(np.int64), change)


def held(
    con: duckdb.DuckDBPyConnection,
    canonical: Canonical,
    balances: Balances,
    view: dt.date,
    bucket: int | None,
    places: str,
    counts_as: Sequence[str] = ("deposit", "aum"),
) -> Held:
    """What the customers' accounts hold, as known at the close of `view`.

    `places` names a table of `con` with customer_id and place: the customers wanted, and where each stands. An account
    that was closed holds nothing from then on, whether or not the bank sends a last row of zero. Before its first row an
    account adds nothing: unknown is never taken for money.
    """
    counted = counted_accounts_sql(canonical, view, bucket, counts_as)
    found = con.sql(
        f"SELECT a.account_id, p.place::INTEGER AS place, a.closed_on, a.product_id FROM ({counted}) a"
        f" JOIN {places} p USING (customer_id)"
    ).to_arrow_table()
    at = pc.index_in(found["account_id"], value_set=balances.accounts)
    found, at = found.filter(at.is_valid()), at.drop_null().to_numpy()
    products = found["product_id"].cast(pa.string()).unique()
    products = products.drop_null()
    count = len(balances.accounts)
    place, closed = np.full(count, -1, dtype=np.int32), np.full(count, _NEVER, dtype=np.int32)
    product = np.full(count, len(products), dtype=np.int32)
    place[at], closed[at] = found["place"].to_numpy(), _numbers(found["closed_on"])
    product[at] = pc.index_in(found["product_id"], value_set=products).fill_null(len(products)).to_numpy()
    return Held(*balances.known_at(view.toordinal()), place, closed, product, products)


def account_sums(balances: Balances, as_of: dt.date, days: int) -> pa.Table:
    """One row per account with a balance: account_id, total: the sum of the closing balances of the days up to `as_of`."""
    account, day, balance = balances.known_at(as_of.toordinal())
    count, until = len(balances.accounts), as_of.toordinal()
    everyone, none = np.arange(count, dtype=np.int32), np.zeros(count, dtype=np.int32)
    own = Held(account, day, balance, everyone, np.full(count, _NEVER, dtype=np.int32), none, pa.array([], pa.string()))
    total = own.course(count, [until - days, until], together([])).sum_between(until - days, until)
    told = np.bincount(account, minlength=count) > 0  # an account of somebody merged lies under both numbers
    return pa.table({"account_id": balances.accounts, "total": total}).filter(pa.array(told))
