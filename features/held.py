"""What accounts hold: the balances of a pass of customers read once, and walked once for every measure of them.

A measure is the balance itself or what it earns, in whole minor units, so that sums are exact in any order. Days are day
numbers (`date.toordinal`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
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

    def course(
        self,
        customers: int,
        grid: Collection[int],
        more: Movements,
        rates: Rates | None = None,
        ends: Collection[int] | None = None,
    ) -> Course:
        """The course of balances, or of what they earn, and of more movements, at the grid days, by place.

        `ends` are those of the grid days up to which it can be summed; all of them where nothing is said.
        """
        days, until = _days(grid), _days(grid if ends is None else ends)
        level, weighted = np.zeros((len(days), customers)), np.zeros((len(until), customers))
        kernels.walk(*self._rows(rates), int(days[0]), _row_of(days, days), _row_of(until, days), level, weighted)
        return Course(days, level, until, weighted).risen(more)

    def movements(self, places: Days, rates: Rates | None = None) -> Movements:
        """The movements of a measure of these places only."""
        asked = np.isin(self.place, places)
        rows = np.flatnonzero(asked[self.account])
        own = replace(self, account=self.account[rows], day=self.day[rows], balance=self.balance[rows])
        change, left = np.empty(len(rows)), np.zeros(len(self.place))
        kernels.changes(*own._rows(rates), change, left)
        moved, ended = np.flatnonzero(change), np.flatnonzero((left != 0.0) & (self.closed < _NEVER))
        return together(
            [
                _movements(self.place[own.account[moved]], own.day[moved], change[moved]),
                _movements(self.place[ended], self.closed[ended], -left[ended]),
            ]
        )

    def _rows(self, rates: Rates | None) -> tuple[NDArray[Any], ...]:
        """Account, day and worth of every balance, and whose and until when an account is."""
        worth = self.balance
        if rates is not None:
            by = (self.product, rates.said, rates.first, rates.end, rates.since, rates.rate)
            worth = kernels.earnings(*_to_read(self.account, self.day, self.balance, *by))
        return _to_read(self.account, self.day, worth, self.place, self.closed)


def _days(days: Collection[int]) -> Days:
    return np.unique(np.fromiter(days, dtype=np.int64))


def _row_of(days: Days, grid: Days) -> NDArray[np.int64]:
    """For every day from the grid's first to its last, which of the days is the first not before it; -1: none."""
    at = np.searchsorted(days, np.arange(grid[0], grid[-1] + 1))
    return np.where(at < len(days), at, -1)


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
