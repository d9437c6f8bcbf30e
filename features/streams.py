"""Rows as the kernels read them: columns of numbers by customer and day, steady ones of a load and late ones of an as_of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.classes import Classes, Codes
from features.kernels.packing import lie_in_order

Ints = npt.NDArray[np.int32]
Doubles = npt.NDArray[np.float64]
NEVER = 1_000_000  # a day that does not come


@dataclass(frozen=True)
class Stream:
    """Rows by customer and day. `starts` has each customer's first row, and the end; customers are numbered from 1."""

    starts: npt.NDArray[np.int64]
    day: Ints
    amount: Doubles
    code: Codes  # class of the row, or the number of its account

    def of(self, customers: slice) -> Stream:
        """Of customers who stand together, numbered from 1 among themselves; over the same rows."""
        return replace(self, starts=self.starts[customers.start : customers.stop + 1])


def stream(owner: Ints, day: Ints, amount: Doubles, code: Codes, customers: int) -> Stream:
    """The rows, sorted unless they lie sorted."""
    owner, day, amount, code = in_order(owner, day, amount, code)
    return Stream(starts_of(owner, customers), day, amount, code)


def in_order(owner: Ints, day: Ints, amount: Doubles, code: Codes) -> tuple[Ints, Ints, Doubles, Codes]:
    """Rows by customer and day; as they are where they lie so."""
    if lie_in_order(owner, day):
        return owner, day, amount, code
    place = owner.astype(np.int64) << 24 | (day - day.min())
    order = np.argsort(place, kind="stable")  # files are sorted: few runs, which this merges
    return owner[order], day[order], amount[order], code[order]


def starts_of(owner: Ints, customers: int) -> npt.NDArray[np.int64]:
    """The first row of every customer, and the end, of rows by customer."""
    return np.searchsorted(owner, np.arange(1, customers + 2, dtype=np.int32))


def stream_of(table: pa.Table, customers: int, classes: Classes, amount: str) -> Stream:
    """The rows of a table with `customer_id`, `day` and the columns of the classes."""
    owner, day = ints(table["customer_id"]), ints(table["day"])
    return stream(owner, day, doubles(table[amount]), classes.codes(table), customers)


def ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.cast(pa.int32()).to_numpy())


def doubles(column: pa.ChunkedArray) -> Doubles:
    return np.asarray(column.cast(pa.float64()).to_numpy())


@dataclass(frozen=True)
class Accounts:
    """Accounts at an as_of by their number: the class of what they hold (-1: does not count), and the day they closed."""

    kind: Codes
    closed: Ints
    ends: Stream  # accounts by customer and the day they closed

    def of(self, customers: slice) -> Accounts:
        """Of customers who stand together."""
        return replace(self, ends=self.ends.of(customers))


def accounts_at(table: pa.Table, count: int, customers: int, classes: Classes) -> Accounts:
    """Accounts that count, from `account_id`, `customer_id`, `closed_on` and the columns of the classes."""
    number = ints(table["account_id"])
    kind, closed = np.full(count + 1, -1, dtype=np.int32), np.full(count + 1, NEVER, dtype=np.int32)
    kind[number] = classes.codes(table)
    gone = table.filter(table["closed_on"].is_valid())
    which, owner, day = (ints(gone[name]) for name in ("account_id", "customer_id", "closed_on"))
    closed[which] = day
    return Accounts(kind, closed, stream(owner, day, np.zeros(len(day)), which, customers))


@dataclass(frozen=True)
class Steady:
    """What a load holds that any as_of sees as soon as its day has come."""

    customers: int  # numbered from 1
    accounts: int
    moves: Stream | None = None  # transactions that stand
    changes: Stream | None = None  # changes of balances; `code` is the account's number

    def of(self, customers: slice) -> Steady:
        """Of customers who stand together."""
        moves, changes = (one and one.of(customers) for one in (self.moves, self.changes))
        return Steady(customers.stop - customers.start, self.accounts, moves, changes)

    def first_days(self, through: int) -> pa.Table:
        """`account_id`, `first`: the first day of each account in `changes`, as far as known then."""
        first = np.full(self.accounts + 1, NEVER, dtype=np.int64)
        if self.changes is not None:
            first[self.changes.code[::-1]] = self.changes.day[::-1]  # the row written last is the account's first
        account = np.flatnonzero(first <= through)
        return pa.table({"account_id": account, "first": first[account]})
