"""Passes over transactions: sums by class and window, days with movements, blocks of days, money that arrives."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.kernels.machine import COUNT, GAP, MAX, MIN, SUM, compiled, next_of


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
        begin, end = starts[customer], starts[customer + 1]
        late, late_end = late_starts[customer], late_starts[customer + 1]
        if begin == end and late == late_end:
            continue
        total[:] = 0.0
        number[:] = 0.0
        lowest[:] = np.inf
        highest[:] = -np.inf
        _into_cells(
            begin, end, day, amount, code, through, edge_of, day_zero, where_starts, wheres, total, number, lowest, highest
        )  # fmt: skip
        _into_cells(
            late, late_end, late_day, late_amount, late_code, through, edge_of, day_zero, where_starts, wheres, total, number,
            lowest, highest,
        )  # fmt: skip
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
def _into_cells(
    begin: Any, end: Any, day: Any, amount: Any, code: Any, through: Any, edge_of: Any, day_zero: Any, where_starts: Any,
    wheres: Any, total: Any, number: Any, lowest: Any, highest: Any,
) -> None:  # fmt: skip
    """Rows of one customer and stream into the cells of every filter they pass."""
    for row in range(begin, end):
        if day[row] > through:
            continue
        value, bucket = amount[row], edge_of[max(day[row] - day_zero, 0)]
        for place in range(where_starts[code[row]], where_starts[code[row] + 1]):
            where = wheres[place]
            total[where, bucket] += value
            number[where, bucket] += 1.0
            lowest[where, bucket] = min(lowest[where, bucket], value)
            highest[where, bucket] = max(highest[where, bucket], value)


@compiled
def days(
    first: Any, last: Any, starts: Any, day: Any, code: Any, late_starts: Any, late_day: Any, late_code: Any, after: Any,
    through: Any, counts: Any, leaf_value: Any, leaf_how: Any, spans: Any, out: Any,
) -> None:  # fmt: skip
    """Leaves of the days after `after` on which a row of a class that `counts` came, with the days since the one before."""
    for customer in range(first, last):
        row, end, late, before = starts[customer], starts[customer + 1], late_starts[customer], -1
        while row < end and day[row] <= after:
            row += 1
        while True:
            while row < end and day[row] == before:
                row += 1
            when, stream = next_of(row, end, day, late, late_starts[customer + 1], late_day, through)
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
                if when > spans[leaf, 0] and when <= spans[leaf, 1]:
                    if leaf_how[leaf] == COUNT:
                        out[leaf, customer] += 1.0
                    else:
                        value = gap if leaf_value[leaf] == GAP else float(when)
                        out[leaf, customer] = max(out[leaf, customer], value)


@compiled
def blocks(
    first: Any, last: Any, starts: Any, day: Any, amount: Any, code: Any, late_starts: Any, late_day: Any, late_amount: Any,
    late_code: Any, block_of: Any, day_zero: Any, incoming: Any, outgoing: Any, income: Any, spending: Any, has: Any,
) -> None:  # fmt: skip
    """Income and spending per customer and block, and whether anything moved. `block_of`: a day's block, -1: none."""
    for customer in range(first, last):
        _into_blocks(customer, starts, day, amount, code, block_of, day_zero, incoming, outgoing, income, spending, has)
        _into_blocks(
            customer, late_starts, late_day, late_amount, late_code, block_of, day_zero, incoming, outgoing, income, spending,
            has,
        )  # fmt: skip


@compiled
def _into_blocks(
    customer: Any, starts: Any, day: Any, amount: Any, code: Any, block_of: Any, day_zero: Any, incoming: Any, outgoing: Any,
    income: Any, spending: Any, has: Any,
) -> None:  # fmt: skip
    for row in range(starts[customer], starts[customer + 1]):
        block = block_of[day[row] - day_zero]
        if block < 0:
            continue
        has[block, customer] = True
        if incoming[code[row]]:
            income[block, customer] += amount[row]
        if outgoing[code[row]]:
            spending[block, customer] += amount[row]


@compiled
def arriving(
    first: Any, last: Any, starts: Any, day: Any, code: Any, after: Any, through: Any, arrives: Any, count: Any
) -> None:
    """By customer, how many more rows of money that arrived: an upper bound of what `arrivals` writes."""
    for customer in range(first, last):
        for row in range(starts[customer], starts[customer + 1]):
            if arrives[code[row]] >= 0 and day[row] > after and day[row] <= through:
                count[customer] += 1


@compiled
def arrivals(
    first: Any, last: Any, starts: Any, day: Any, amount: Any, code: Any, late_starts: Any, late_day: Any, late_amount: Any,
    late_code: Any, after: Any, through: Any, arrives: Any, leaves: Any, count: Any, kinds: Any, out_day: Any, out_kind: Any,
    out_amount: Any, out_left: Any, out_customer: Any, out_is_last: Any,
) -> Any:  # fmt: skip
    """Rows of money that arrived by customer, day and kind, with what went out that day and the one and two days after, and
    whether it is the customer's last of its kind.

    At most `count` rows of a customer; how many there are. `arrives` is the kind of a class, or -1.
    """
    place = 0
    sums = np.zeros(kinds)
    seen = np.zeros(kinds, dtype=np.bool_)
    newest = np.zeros(kinds, dtype=np.int64)
    for customer in range(first, last):
        if count[customer] == 0:
            continue
        row, late = starts[customer], late_starts[customer]
        mine, current, out, is_seen = place, -1, 0.0, False
        newest[:] = -1
        while True:
            when, stream = next_of(row, starts[customer + 1], day, late, late_starts[customer + 1], late_day, through)
            if when != current:
                for kind in range(kinds if is_seen else 0):
                    if seen[kind]:
                        out_day[place], out_kind[place], out_amount[place] = current, kind, sums[kind]
                        out_customer[place] = customer
                        out_left[0, place] = 0.0
                        out_left[1, place] = 0.0
                        out_left[2, place] = 0.0
                        newest[kind] = place
                        place += 1
                        seen[kind] = False
                        sums[kind] = 0.0
                if out > 0.0:  # what went out on a day belongs to arrivals of that day and the two before
                    for back in range(place - 1, mine - 1, -1):
                        distance = current - out_day[back]
                        if distance > 2:
                            break
                        out_left[distance, back] = out
                current, out, is_seen = when, 0.0, False
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
                seen[arrives[kind]] = is_seen = True
            if leaves[kind]:
                out += value
        for kind in range(kinds):
            if newest[kind] >= 0:
                out_is_last[newest[kind]] = True
    return place


@compiled
def within(
    who: Any, first: Any, last: Any, starts: Any, day: Any, amount: Any, code: Any, late_starts: Any, late_day: Any,
    late_amount: Any, late_code: Any, counts: Any, out: Any,
) -> None:  # fmt: skip
    """Amounts of classes that count, of each customer of `who`, within days of his own."""
    for place in range(len(who)):
        customer, begin, end = who[place], first[place], last[place]
        for row in range(starts[customer], starts[customer + 1]):
            if begin <= day[row] <= end and counts[code[row]]:
                out[place] += amount[row]
        for row in range(late_starts[customer], late_starts[customer + 1]):
            if begin <= late_day[row] <= end and counts[late_code[row]]:
                out[place] += late_amount[row]
