"""Passes over balances: changes of accounts, sums by class and window, and spells of what a customer holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.kernels.machine import (
    COUNT,
    DAY_SUM,
    DEPOSITS,
    HIGH_HIGH,
    HIGH_LOW,
    LOW_LOW,
    MAX,
    MIN,
    SUM,
    compiled,
    inlined,
    next_of,
)

LIMB = 1_000_000.0
NONE, STEADY, LATE, ENDS = -1, 0, 1, 2  # streams of changes


@compiled
def changes(account: Any, balance: Any, count: Any) -> None:
    """In place of each balance by how much it differs from the one before of the same account, 0 before the first."""
    before = np.zeros(count + 1)
    for row in range(len(account)):
        which, now = account[row], balance[row]
        balance[row] = now - before[which]
        before[which] = now


@compiled
def balances(
    first: Any, last: Any, starts: Any, day: Any, account: Any, change: Any, late_starts: Any, late_day: Any, late_change: Any,
    late_code: Any, end_starts: Any, end_day: Any, end_account: Any, closed: Any, kind_of: Any, is_deposit: Any, through: Any,
    history: Any, edge_of: Any, day_zero: Any, where_starts: Any, wheres: Any, count_wheres: Any, count_edges: Any,
    leaf_where: Any, leaf_low: Any, leaf_high: Any, leaf_how: Any, leaf_length: Any, leaf_since: Any, out: Any,
    spell_value: Any, spell_how: Any, spell_spans: Any, spell_until: Any, spell_line: Any, spell_begins: Any, spells: Any,
) -> None:  # fmt: skip
    """Leaves of balance changes, and of the spells in which what a customer holds is the same.

    `kind_of` and `closed` are of accounts at the as_of: the class (-1: not counted) and the day it is closed. A closed account
    goes to zero on that day; what it is told to hold later is passed over.
    """
    total = np.zeros((count_wheres, count_edges + 1))
    days = np.zeros((count_wheres, count_edges + 1))
    held = np.zeros(len(kind_of))
    known = np.zeros(len(kind_of), dtype=np.bool_)
    mine = np.empty(len(spell_line))  # the spells' leaves of one customer, side by side
    for customer in range(first, last):
        total[:] = 0.0
        days[:] = 0.0
        mine[:] = spells[:, customer][spell_line]
        begin, was_assets, was_deposits = history - 1, 0.0, 0.0  # the spell: assets and deposits since that day
        today, assets, deposits = begin, 0.0, 0.0  # the day whose changes come in
        row, late, end = starts[customer], late_starts[customer], end_starts[customer]
        while True:
            when, stream, row = _next(
                row, starts[customer + 1], day, account, late, late_starts[customer + 1], late_day, end,
                end_starts[customer + 1], end_day, closed, kind_of, through,
            )  # fmt: skip
            if stream == NONE or max(when, history) != today:
                begin, was_assets, was_deposits = _turn(
                    mine, begin, today, history, was_assets, was_deposits, assets, deposits, spell_value, spell_how,
                    spell_spans, spell_until, spell_begins,
                )  # fmt: skip
                today = max(when, history)
            if stream == NONE:
                break
            if stream == STEADY:
                which, value = account[row], change[row]
                kind = kind_of[which]
                held[which] += value
                known[which] = True
                row += 1
            elif stream == LATE:
                value, kind = late_change[late], late_code[late]
                late += 1
            else:
                which = end_account[end]
                value, kind = -held[which] if known[which] else 0.0, kind_of[which]
                known[which] = False
                end += 1
            bucket = edge_of[max(when - day_zero, 0)]
            _count(total, days, where_starts[kind], where_starts[kind + 1], wheres, bucket, value, through + 1 - when)
            assets += value
            deposits += value if is_deposit[kind] else 0.0
        _spell(
            mine, begin, through + 1, was_assets, was_deposits, spell_value, spell_how, spell_spans, spell_until, spell_begins
        )  # fmt: skip
        spells[:, customer][spell_line] = mine
        _windows(customer, total, days, leaf_where, leaf_low, leaf_high, leaf_how, leaf_length, leaf_since, out)


@compiled
def between(
    who: Any, first: Any, last: Any, starts: Any, day: Any, account: Any, change: Any, late_starts: Any, late_day: Any,
    late_change: Any, closed: Any, kind_of: Any, rose: Any,
) -> None:  # fmt: skip
    """By how much what each customer of `who` holds rose within days of his own. What an account held goes when it is closed;
    late changes have that in them."""
    for place in range(len(who)):
        customer, begin, end = who[place], first[place], last[place]
        for row in range(starts[customer], starts[customer + 1]):
            gone = closed[account[row]]
            if kind_of[account[row]] < 0 or day[row] >= gone:
                continue
            if begin <= day[row] <= end:
                rose[place] += change[row]
            if begin <= gone <= end:
                rose[place] -= change[row]
        for row in range(late_starts[customer], late_starts[customer + 1]):
            if begin <= late_day[row] <= end:
                rose[place] += late_change[row]


@inlined
def _next(
    row: Any, last: Any, day: Any, account: Any, late: Any, late_last: Any, late_day: Any, end: Any, end_last: Any,
    end_day: Any, closed: Any, kind_of: Any, through: Any,
) -> Any:  # fmt: skip
    """The day and stream of a customer's next change, and the steady row to go on from; what does not count is passed over."""
    while row < last and (kind_of[account[row]] < 0 or day[row] >= closed[account[row]]):
        row += 1
    when, stream = next_of(row, last, day, late, late_last, late_day, through)
    if end < end_last and end_day[end] < when:
        when, stream = end_day[end], ENDS
    return when, stream, row


@inlined
def _count(total: Any, days: Any, first: Any, last: Any, wheres: Any, bucket: Any, value: Any, length: Any) -> None:
    """A change into the cells of every filter it passes."""
    for place in range(first, last):
        total[wheres[place], bucket] += value
        days[wheres[place], bucket] += value * length


@inlined
def _turn(
    mine: Any, begin: Any, today: Any, history: Any, was_assets: Any, was_deposits: Any, assets: Any,
    deposits: Any, values: Any, hows: Any, spans: Any, untils: Any, begins: Any,
) -> Any:  # fmt: skip
    """The spell that holds after a day: a new one if the day changed anything, and the one before is put into its leaves."""
    if assets == was_assets and deposits == was_deposits:
        return begin, was_assets, was_deposits
    if today > history:
        _spell(mine, begin, today, was_assets, was_deposits, values, hows, spans, untils, begins)
    return today, assets, deposits


@compiled
def _windows(
    customer: Any, total: Any, days: Any, leaf_where: Any, leaf_low: Any, leaf_high: Any, leaf_how: Any, leaf_length: Any,
    leaf_since: Any, out: Any,
) -> None:  # fmt: skip
    """Leaves of changes from the cells of a customer: sums, and running totals over every day of a window."""
    for leaf in range(len(leaf_where)):
        where, value = leaf_where[leaf], 0.0
        for bucket in range(leaf_low[leaf], leaf_high[leaf] + 1):
            if leaf_how[leaf] == SUM:
                value += total[where, bucket]
            else:
                value += days[where, bucket] - total[where, bucket] * leaf_since[leaf]
        if leaf_how[leaf] == DAY_SUM:
            for bucket in range(leaf_low[leaf]):
                value += total[where, bucket] * leaf_length[leaf]
        out[leaf, customer] = value


@inlined
def _spell(
    mine: Any, day: Any, until: Any, assets: Any, deposits: Any, values: Any, hows: Any, spans: Any, untils: Any, begins: Any,
) -> None:  # fmt: skip
    """One spell into every leaf whose window it meets. Leaves lie by window, those of a window from `begins` on."""
    high = np.floor(deposits / LIMB)
    low = deposits - high * LIMB
    for span in range(len(spans)):
        after, through = spans[span, 0], spans[span, 1]
        if day > through or until <= after + 1:
            continue
        length = float(min(until, through + 1) - max(day, after + 1))
        for leaf in range(begins[span], begins[span + 1]):
            how = hows[leaf]
            if not untils[leaf] and day <= after:
                continue
            value = _value(values[leaf], assets, deposits, high, low)
            if how == MIN:
                mine[leaf] = min(mine[leaf], value)
            elif how == MAX:
                mine[leaf] = max(mine[leaf], value)
            elif how == COUNT:
                mine[leaf] += 1.0
            else:
                mine[leaf] += value * length if untils[leaf] else value


@inlined
def _value(kind: Any, assets: Any, deposits: Any, high: Any, low: Any) -> Any:
    if kind == DEPOSITS:
        return deposits
    if kind == HIGH_HIGH:
        return high * high
    if kind == HIGH_LOW:
        return high * low
    if kind == LOW_LOW:
        return low * low
    return assets
