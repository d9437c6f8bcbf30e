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
def _worth(balance: Any, day: Any, product: Any, said: Any, first: Any, end: Any, since: Any, rate: Any) -> Any:
    """A balance times the rate of the day it came, to the whole unit; halves go away from zero."""
    by = said[product]
    for place in range(end[product] - 1, first[product] - 1, -1):
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
    rate: Any, column: Any, begin: Any, level: Any, weighted: Any,
) -> None:  # fmt: skip
    """Every change into the grid day it counts from (`column`, from day `begin` on), and that times its day.

    `place`, `closed` and `product` are of accounts; a place below 0 is nobody's. A closed account holds nothing from that day.
    """
    now = np.zeros(len(place))
    for row in range(len(account)):
        which = account[row]
        if place[which] < 0 or day[row] >= closed[which]:
            continue
        worth = _worth(balance[row], day[row], product[which], said, first, end, since, rate)
        _note(level, weighted, column, place[which], day[row] - begin, worth - now[which])
        now[which] = worth
    for which in range(len(place)):
        if place[which] >= 0 and now[which] != 0.0:
            _note(level, weighted, column, place[which], closed[which] - begin, -now[which])


@compiled
def _note(level: Any, weighted: Any, column: Any, place: Any, since: Any, change: Any) -> None:
    if since < len(column):
        at = column[max(since, 0)]
        level[at, place] += change
        weighted[at, place] += change * since


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
        worth = _worth(balance[row], day[row], product[which], said, first, end, since, rate)
        change[row] = worth - left[which]
        left[which] = worth
