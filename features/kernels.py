"""Sums over rows that lie sorted by customer and day, in one compiled pass each; whole numbers in doubles, exact in any order.

Every kernel takes a span of customers, so that spans run beside each other. Rows come in two streams: the steady ones, which
any as_of sees as soon as their day has come, and `late`, those of one as_of: corrected, told later, or undone. `starts` gives
each customer's first row in a stream (customers + 1 long). Windows are (after, through], as everywhere.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

SUM, COUNT, MIN, MAX, DAY_SUM = range(5)  # how a leaf puts rows together
ASSETS, DEPOSITS, HIGH_HIGH, HIGH_LOW, LOW_LOW, DAY, GAP = range(7)  # values of spells and of days
LIMB = 1_000_000.0


def compiled(function: Any) -> Any:
    """The function as machine code, kept beside the source, or only in memory where nothing can be written there."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)


@compiled
def cells(
    first: Any, last: Any, starts: Any, day: Any, amount: Any, code: Any, late_starts: Any, late_day: Any, late_amount: Any,
    late_code: Any, through: Any, edge_of: Any, day_zero: Any, where_starts: Any, wheres: Any, count_wheres: Any,
    count_edges: Any, leaf_where: Any, leaf_low: Any, leaf_high: Any, leaf_how: Any, out: Any,
) -> None:  # fmt: skip
    """Leaves of rows with an amount and a class: summed once per class filter and time bucket, then bucket by bucket."""
    total = np.zeros((count_wheres, count_edges + 1))
    number = np.zeros((count_wheres, count_edges + 1))
    lowest = np.full((count_wheres, count_edges + 1), np.inf)
    highest = np.full((count_wheres, count_edges + 1), -np.inf)
    for customer in range(first, last):
        any_row = False
        for stream in range(2):
            begin, end = starts[customer], starts[customer + 1]
            if stream == 1:
                begin, end = late_starts[customer], late_starts[customer + 1]
            for row in range(begin, end):
                when = day[row] if stream == 0 else late_day[row]
                if when > through:
                    continue
                value = amount[row] if stream == 0 else late_amount[row]
                kind = code[row] if stream == 0 else late_code[row]
                if not any_row:
                    any_row = True
                    total[:] = 0.0
                    number[:] = 0.0
                    lowest[:] = np.inf
                    highest[:] = -np.inf
                bucket = edge_of[max(when - day_zero, 0)]
                for place in range(where_starts[kind], where_starts[kind + 1]):
                    where = wheres[place]
                    total[where, bucket] += value
                    number[where, bucket] += 1.0
                    lowest[where, bucket] = min(lowest[where, bucket], value)
                    highest[where, bucket] = max(highest[where, bucket], value)
        if not any_row:
            continue
        for leaf in range(len(leaf_where)):
            where, how = leaf_where[leaf], leaf_how[leaf]
            value = 0.0
            if how == MIN:
                value = np.inf
            elif how == MAX:
                value = -np.inf
            for bucket in range(leaf_low[leaf], leaf_high[leaf] + 1):
                if how == SUM:
                    value += total[where, bucket]
                elif how == COUNT:
                    value += number[where, bucket]
                elif how == MIN:
                    value = min(value, lowest[where, bucket])
                else:
                    value = max(value, highest[where, bucket])
            out[leaf, customer] = value


@compiled
def balances(
    first: Any, last: Any, starts: Any, day: Any, account: Any, change: Any, late_starts: Any, late_day: Any, late_change: Any,
    late_code: Any, end_starts: Any, end_day: Any, end_account: Any, closed: Any, kind_of: Any, is_deposit: Any, through: Any,
    history: Any, edge_of: Any, day_zero: Any, where_starts: Any, wheres: Any, count_wheres: Any, count_edges: Any,
    leaf_where: Any, leaf_low: Any, leaf_high: Any, leaf_how: Any, leaf_length: Any, leaf_since: Any, out: Any,
    spell_value: Any, spell_how: Any, spell_after: Any, spell_through: Any, spell_until: Any, spells: Any,
) -> None:  # fmt: skip
    """Leaves of balance changes, and of the spells in which what a customer holds is the same.

    `kind_of` and `closed` are of accounts at the as_of: the class (-1: not counted) and the day it is closed. A closed account
    goes to zero on that day; what it is told to hold later is passed over.
    """
    total = np.zeros((count_wheres, count_edges + 1))
    days = np.zeros((count_wheres, count_edges + 1))
    held = np.zeros(len(kind_of))
    known = np.zeros(len(kind_of), dtype=np.bool_)
    for customer in range(first, last):
        any_row = False
        total[:] = 0.0
        days[:] = 0.0
        for leaf in range(len(spell_value)):
            spells[leaf, customer] = 0.0
            if spell_how[leaf] == MIN:
                spells[leaf, customer] = np.inf
            elif spell_how[leaf] == MAX:
                spells[leaf, customer] = -np.inf
        since, assets, deposits = history - 1, 0.0, 0.0
        row, late, end = starts[customer], late_starts[customer], end_starts[customer]
        while True:
            # the next event of the three streams, by day
            when, stream = through + 1, -1
            while row < starts[customer + 1] and (kind_of[account[row]] < 0 or day[row] >= closed[account[row]]):
                row += 1
            if row < starts[customer + 1] and day[row] < when:
                when, stream = day[row], 0
            if late < late_starts[customer + 1] and late_day[late] < when:
                when, stream = late_day[late], 1
            if end < end_starts[customer + 1] and end_day[end] < when:
                when, stream = end_day[end], 2
            if stream == -1:
                break
            if stream == 0:
                which = account[row]
                value, kind = change[row], kind_of[which]
                held[which] += value
                known[which] = True
                row += 1
            elif stream == 1:
                value, kind = late_change[late], late_code[late]
                late += 1
            else:
                which = end_account[end]
                end += 1
                if not known[which]:
                    continue
                value, kind = -held[which], kind_of[which]
                known[which] = False
            any_row = True
            bucket = edge_of[max(when - day_zero, 0)]
            for place in range(where_starts[kind], where_starts[kind + 1]):
                total[wheres[place], bucket] += value
                days[wheres[place], bucket] += value * (through + 1 - when)
            now = max(when, history)
            if now != since:
                if now > history:
                    _spell(
                        spells,
                        customer,
                        since,
                        now,
                        assets,
                        deposits,
                        spell_value,
                        spell_how,
                        spell_after,
                        spell_through,
                        spell_until,
                    )
                since = now
            assets += value
            if is_deposit[kind]:
                deposits += value
        _spell(
            spells,
            customer,
            since,
            through + 1,
            assets,
            deposits,
            spell_value,
            spell_how,
            spell_after,
            spell_through,
            spell_until,
        )
        if not any_row:
            continue
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


@compiled
def _spell(
    spells: Any, customer: Any, day: Any, until: Any, assets: Any, deposits: Any, values: Any, hows: Any, afters: Any,
    throughs: Any, untils: Any,
) -> None:  # fmt: skip
    """One spell into every leaf whose window it meets."""
    high = np.floor(deposits / LIMB)
    low = deposits - high * LIMB
    for leaf in range(len(values)):
        after, through = afters[leaf], throughs[leaf]
        if day > through:
            continue
        if untils[leaf]:
            if until <= after + 1:
                continue
        elif day <= after:
            continue
        kind, how = values[leaf], hows[leaf]
        value = assets
        if kind == DEPOSITS:
            value = deposits
        elif kind == HIGH_HIGH:
            value = high * high
        elif kind == HIGH_LOW:
            value = high * low
        elif kind == LOW_LOW:
            value = low * low
        if how == MIN:
            spells[leaf, customer] = min(spells[leaf, customer], value)
        elif how == MAX:
            spells[leaf, customer] = max(spells[leaf, customer], value)
        elif how == COUNT:
            spells[leaf, customer] += 1.0
        elif untils[leaf]:
            spells[leaf, customer] += value * (min(until, through + 1) - max(day, after + 1))
        else:
            spells[leaf, customer] += value


@compiled
def days(
    first: Any, last: Any, starts: Any, day: Any, code: Any, late_starts: Any, late_day: Any, late_code: Any, after: Any,
    through: Any, counts: Any, leaf_value: Any, leaf_how: Any, leaf_after: Any, leaf_through: Any, out: Any,
) -> None:  # fmt: skip
    """Leaves of the days after `after` on which a row of a class that `counts` came, with the days since the one before."""
    for customer in range(first, last):
        for leaf in range(len(leaf_value)):
            out[leaf, customer] = 0.0 if leaf_how[leaf] == COUNT else -np.inf
        row, late, before = starts[customer], late_starts[customer], -1
        while True:
            when, stream = through + 1, -1
            if row < starts[customer + 1] and day[row] < when:
                when, stream = day[row], 0
            if late < late_starts[customer + 1] and late_day[late] < when:
                when, stream = late_day[late], 1
            if stream == -1:
                break
            if stream == 0:
                kind = code[row]
                row += 1
            else:
                kind = late_code[late]
                late += 1
            if when <= after or not counts[kind] or when == before:
                continue
            gap = float(when - before) if before >= 0 else -np.inf
            before = when
            for leaf in range(len(leaf_value)):
                if when > leaf_after[leaf] and when <= leaf_through[leaf]:
                    if leaf_how[leaf] == COUNT:
                        out[leaf, customer] += 1.0
                    else:
                        value = gap if leaf_value[leaf] == GAP else float(when)
                        out[leaf, customer] = max(out[leaf, customer], value)


@compiled
def blocks(
    first: Any, last: Any, starts: Any, day: Any, amount: Any, code: Any, late_starts: Any, late_day: Any, late_amount: Any,
    late_code: Any, through: Any, length: Any, incoming: Any, outgoing: Any, income: Any, spending: Any, has: Any,
) -> None:  # fmt: skip
    """Income and spending per customer and block of `length` days counted back from `through`, and whether anything moved."""
    count = has.shape[0]
    for customer in range(first, last):
        for stream in range(2):
            begin, end = starts[customer], starts[customer + 1]
            if stream == 1:
                begin, end = late_starts[customer], late_starts[customer + 1]
            for row in range(begin, end):
                when = day[row] if stream == 0 else late_day[row]
                block = (through - when) // length
                if when > through or block >= count:
                    continue
                value = amount[row] if stream == 0 else late_amount[row]
                kind = code[row] if stream == 0 else late_code[row]
                has[block, customer] = True
                if incoming[kind]:
                    income[block, customer] += value
                if outgoing[kind]:
                    spending[block, customer] += value


@compiled
def arrivals(
    first: Any, last: Any, starts: Any, day: Any, amount: Any, code: Any, late_starts: Any, late_day: Any, late_amount: Any,
    late_code: Any, after: Any, through: Any, arrives: Any, leaves: Any, kinds: Any, out_day: Any, out_kind: Any,
    out_amount: Any, out_left: Any, out_customer: Any, begin_at: Any,
) -> Any:  # fmt: skip
    """Rows of money that arrived by customer, day and kind, with what went out that day and the one and two days after.

    Written from `begin_at` on, at most one row per row read; the place after the last. `arrives` is the kind of a class, or -1.
    """
    place = begin_at
    sums = np.zeros(kinds)
    seen = np.zeros(kinds, dtype=np.bool_)
    for customer in range(first, last):
        row, late = starts[customer], late_starts[customer]
        mine, current, out = place, -1, 0.0
        while True:
            when, stream = through + 1, -1
            if row < starts[customer + 1] and day[row] < when:
                when, stream = day[row], 0
            if late < late_starts[customer + 1] and late_day[late] < when:
                when, stream = late_day[late], 1
            if when != current:
                for kind in range(kinds):
                    if seen[kind]:
                        out_day[place], out_kind[place], out_amount[place] = current, kind, sums[kind]
                        out_customer[place] = customer
                        out_left[0, place] = 0.0
                        out_left[1, place] = 0.0
                        out_left[2, place] = 0.0
                        place += 1
                        seen[kind] = False
                        sums[kind] = 0.0
                if out > 0.0:  # what went out on a day belongs to arrivals of that day and the two before
                    for back in range(place - 1, mine - 1, -1):
                        distance = current - out_day[back]
                        if distance > 2:
                            break
                        out_left[distance, back] = out
                current, out = when, 0.0
            if stream == -1:
                break
            if stream == 0:
                kind, value = code[row], amount[row]
                row += 1
            else:
                kind, value = late_code[late], late_amount[late]
                late += 1
            if when <= after:
                continue
            if arrives[kind] >= 0:
                sums[arrives[kind]] += value
                seen[arrives[kind]] = True
            if leaves[kind]:
                out += value
    return place


@compiled
def changes(account: Any, balance: Any, change: Any, count: Any) -> None:
    """By how much each balance differs from the one before of the same account, 0 before the first."""
    before = np.zeros(count + 1)
    for row in range(len(account)):
        which = account[row]
        change[row] = balance[row] - before[which]
        before[which] = balance[row]
