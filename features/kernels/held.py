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
def earnings(account: Any, day: Any, balance: Any, product: Any, said: Any, first: Any, end: Any, since: Any, rate: Any) -> Any:
    """Every balance times the rate of the day it came, to the whole unit; halves go away from zero."""
    found = np.empty(len(balance))
    for row in range(len(balance)):
        of = product[account[row]]
        by = said[of]
        for place in range(end[of] - 1, first[of] - 1, -1):
            if since[place] <= day[row]:
                if not np.isnan(rate[place]):
                    by = rate[place]
                break
        amount = abs(balance[row] * by)
        whole = np.floor(amount)
        if amount - whole >= 0.5:
            whole += 1.0
        found[row] = whole if balance[row] * by >= 0.0 else -whole
    return found


@compiled
def walk(
    account: Any, day: Any, worth: Any, place: Any, closed: Any, begin: Any, column: Any, until: Any, level: Any, weighted: Any
) -> None:  # fmt: skip
    """Every change of a measure into the grid day from which it counts, and times its day into the end up to which it does.

    `begin` is the first grid day; `column` and `until` have, from that day on, the rows of `level` and of `weighted`, below 0
    where none follows. `place` and `closed` are of accounts; a place below 0 is nobody's. A closed account holds nothing from
    that day.
    """
    now = np.zeros(len(place))
    for row in range(len(account)):
        which = account[row]
        who = place[which]
        if who < 0 or day[row] >= closed[which]:
            continue
        since = day[row] - begin
        at = max(since, 0)
        if at < len(column):
            change = worth[row] - now[which]
            if column[at] >= 0:
                level[column[at], who] += change
            if until[at] >= 0:
                weighted[until[at], who] += change * since
        now[which] = worth[row]
    for which in range(len(place)):
        who, since = place[which], closed[which] - begin
        at = max(since, 0)
        if who >= 0 and now[which] != 0.0 and at < len(column):
            if column[at] >= 0:
                level[column[at], who] -= now[which]
            if until[at] >= 0:
                weighted[until[at], who] -= now[which] * since


@compiled
def changes(account: Any, day: Any, worth: Any, place: Any, closed: Any, change: Any, left: Any) -> None:
    """The change of every row, and what each account holds after its last one, before it is closed."""
    for row in range(len(account)):
        which = account[row]
        change[row] = 0.0
        if place[which] < 0 or day[row] >= closed[which]:
            continue
        change[row] = worth[row] - left[which]
        left[which] = worth[row]
