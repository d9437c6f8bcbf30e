"""Walks over balances: what every account holds, or what that earns, as changes from day to day."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.kernels.machine import compiled


@compiled
def unordered(account: Any, day: Any, accounts: Any) -> Any:
    """By account, whether its rows do not lie by day."""
    last = np.full(accounts, -1, dtype=np.int32)
    found = np.zeros(accounts, dtype=np.bool_)
    for row in range(len(account)):
        which = account[row]
        if day[row] < last[which]:
            found[which] = True
        last[which] = day[row]
    return found


@compiled
def _worth(balance: Any, day: Any, product: Any, of: Any, said: Any, first: Any, end: Any, since: Any, rate: Any) -> Any:
    """What measure `of` sees in a balance: times the rate of the day it came, to the whole unit; halves go away from zero."""
    by = said[of, product]
    for place in range(end[of, product] - 1, first[of, product] - 1, -1):
        if since[place] <= day:
            if not np.isnan(rate[place]):
                by = rate[place]
            break
    amount = abs(balance * by)
    whole = np.floor(amount)
    if amount - whole >= 0.5:
        whole += 1.0
    return whole if balance * by >= 0.0 else -whole


@compiled
def walk(
    account: Any, day: Any, balance: Any, place: Any, closed: Any, product: Any, said: Any, first: Any, end: Any, since: Any,
    rate: Any, begin: Any, column: Any, until: Any, level: Any, weighted: Any,
) -> None:  # fmt: skip
    """Every change of each measure into the grid day from which it counts, and times its day into the end up to which it does.

    `begin` is the first grid day of each measure; `column` and `until` have, from that day on, the rows of `level` and of
    `weighted`, below 0 where none follows. `place`, `closed` and `product` are of accounts; a place below 0 is nobody's. A
    closed account holds nothing from that day.
    """
    now = np.zeros((len(place), len(begin)))
    for row in range(len(account)):
        which = account[row]
        if place[which] < 0 or day[row] >= closed[which]:
            continue
        for of in range(len(begin)):
            worth = _worth(balance[row], day[row], product[which], of, said, first, end, since, rate)
            _note(level, weighted, column, until, of, place[which], day[row] - begin[of], worth - now[which, of])
            now[which, of] = worth
    for which in range(len(place)):
        for of in range(len(begin)):
            if place[which] >= 0 and now[which, of] != 0.0:
                _note(level, weighted, column, until, of, place[which], closed[which] - begin[of], -now[which, of])


@compiled
def _note(level: Any, weighted: Any, column: Any, until: Any, of: Any, place: Any, since: Any, change: Any) -> None:
    at = max(since, 0)
    if at < column.shape[1]:
        if column[of, at] >= 0:
            level[column[of, at], place] += change
        if until[of, at] >= 0:
            weighted[until[of, at], place] += change * since


@compiled
def changes(
    account: Any, day: Any, balance: Any, place: Any, closed: Any, product: Any, said: Any, first: Any, end: Any, since: Any,
    rate: Any, change: Any, left: Any,
) -> None:  # fmt: skip
    """The change of every row, and what each account holds after its last one, before it is closed."""
    for row in range(len(account)):
        which = account[row]
        change[row] = 0.0
        if place[which] < 0 or day[row] >= closed[which]:
            continue
        worth = _worth(balance[row], day[row], product[which], 0, said, first, end, since, rate)
        change[row] = worth - left[which]
        left[which] = worth
