"""Running balances: the order of transactions within account and day, closing balances, and where the figures break.

Numbers of a system are not the order of events, and printed balances may be rounded. A transaction goes from a balance
before (after - amount) to a balance after; a day's order is the chain in which each begins where the last one ended.
Days already in order, and days of one transaction, are settled at once; the others are chained greedily, many days in one
numpy step, each from the closing balance of the account's day before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_NONE = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Before:
    """What is kept of the days before the first ones given, by row: where an account stood, and the last row as it was read."""

    there: Bools  # the account has such a day
    closing: Ints
    after: Ints  # printed balance of the last row in the order the rows were read in
    known: Bools


@dataclass(frozen=True)
class Chained:
    """`order`: per row, its place within account and day from 1. The rest per account-day, in order of `first_row`."""

    order: Ints
    first_row: Ints  # where the day begins in the rows
    opening: Ints  # minor units; the day before's closing, on an account's first day what its chain begins with
    closing: Ints
    gap: Ints  # largest miss of a single step: |balance before + amount - balance after|


def chain(account: Ints, day: Ints, amount: Ints, after: Ints, known: Bools, kept: Before | None = None) -> Chained:
    """Chain transactions sorted by account, day and any total order within the day.

    `account` and `day` are numbers; `known` is false where a transaction has no printed balance (it goes last in doubt, and
    counts as fitting). With `kept` accounts go on where they stood, as if their earlier days were here.
    """
    rows = len(account)
    if rows == 0:
        empty = np.empty(0, dtype=np.int64)
        return Chained(empty, empty, empty, empty, empty)
    begins = np.flatnonzero(np.concatenate(([True], (account[1:] != account[:-1]) | (day[1:] != day[:-1]))))
    size = np.diff(np.append(begins, rows))
    of_day = np.repeat(np.arange(len(begins)), size)
    order = np.arange(rows) - begins[of_day] + 1
    is_first = np.concatenate(([True], account[begins][1:] != account[begins][:-1]))
    goes_on = is_first & kept.there[begins] if kept else np.zeros(len(begins), dtype=bool)
    settled = _in_order(begins, is_first, goes_on, of_day, amount, after, known, kept) | (size == 1)
    state = _State(order.astype(np.int64), np.full(len(begins), _NONE, dtype=np.int64), amount, after, known, begins, size)
    last = begins + size - 1
    state.closing[settled] = after[last[settled]]
    _openings_of_firsts(state, is_first & ~goes_on & ~settled)
    assert state.first_opening is not None
    if kept:
        state.first_opening[goes_on] = kept.closing[begins[goes_on]]
    trusted = settled & (size > 1) & (~is_first | goes_on)  # as they stand, until the day before turns out to end elsewhere
    while not settled.all():
        open_days = np.flatnonzero(~settled)
        state.closing[open_days] = _NONE
        while len(open_days):
            ready = is_first[open_days] | (state.closing[open_days - 1] != _NONE)
            _order_days(state, open_days[ready], is_first)
            open_days = open_days[~ready]
        trusted &= settled
        ended = np.where(goes_on, state.first_opening, np.concatenate(([0], state.closing[:-1])))
        settled = ~(trusted & (ended != after[begins] - amount[begins]))
    return _finish(state, is_first, goes_on, of_day)


@dataclass
class _State:
    order: Ints
    closing: Ints
    amount: Ints
    after: Ints
    known: Bools
    begins: Ints
    size: Ints
    first_opening: Ints | None = None


def _in_order(
    begins: Ints, is_first: Bools, goes_on: Bools, of_day: Ints, amount: Ints, after: Ints, known: Bools, kept: Before | None
) -> Bools:
    """Days whose rows, as they stand, follow one another and the account's row before exactly."""
    fits = np.ones(len(amount), dtype=bool)
    fits[1:] = (after[:-1] + amount[1:] == after[1:]) & known[:-1] & known[1:]
    fits[begins[is_first]] = known[begins[is_first]]
    if kept:
        rows = begins[goes_on]
        fits[rows] = (kept.after[rows] + amount[rows] == after[rows]) & kept.known[rows] & known[rows]
    misfits: npt.NDArray[np.int64] = np.bincount(of_day[~fits], minlength=len(begins))
    return np.equal(misfits, 0)


def _openings_of_firsts(state: _State, days: Bools) -> None:
    """What the chain of an account's first day begins with: a balance before that no transaction of the day ends at."""
    opening = np.zeros(len(state.begins), dtype=np.int64)
    for number in np.flatnonzero(days).tolist():  # first days out of order only: a few per thousand accounts
        part = slice(state.begins[number], state.begins[number] + state.size[number])
        before = (state.after[part] - state.amount[part])[state.known[part]]
        starts = before[~np.isin(before, state.after[part][state.known[part]])]
        candidates = starts if len(starts) else before
        opening[number] = candidates[np.argmin(np.abs(candidates))] if len(candidates) else 0
    state.first_opening = opening


def _order_days(state: _State, days: Ints, is_first: Bools) -> None:
    """Order the rows of `days`, whose openings are known: each step takes the nearest continuation in every day at once."""
    assert state.first_opening is not None
    current = np.where(is_first[days], state.first_opening[days], state.closing[days - 1])
    rows = np.concatenate([np.arange(b, b + n) for b, n in zip(state.begins[days], state.size[days], strict=True)])
    slot = np.repeat(np.arange(len(days)), state.size[days])
    target = current + np.bincount(slot, weights=state.amount[rows], minlength=len(days)).astype(np.int64)
    place = 1
    while len(rows):
        expected = current[slot] + state.amount[rows]
        miss = np.where(state.known[rows], np.abs(expected - state.after[rows]), np.iinfo(np.int64).max)
        ends = state.after[rows] == target[slot]  # between equals, one that leads to the day's end comes later
        best = np.lexsort((np.arange(len(rows)), ends, miss, slot))
        taken = best[np.concatenate(([True], slot[best][1:] != slot[best][:-1]))]
        chosen = rows[taken]
        state.order[chosen] = place
        current[slot[taken]] = np.where(state.known[chosen], state.after[chosen], expected[taken])
        stay = np.ones(len(rows), dtype=bool)
        stay[taken] = False
        rows, slot, place = rows[stay], slot[stay], place + 1
    state.closing[days] = current


def _finish(state: _State, is_first: Bools, goes_on: Bools, of_day: Ints) -> Chained:
    begins = state.begins
    place = begins[of_day] + state.order - 1
    amount, after, known = (np.empty_like(a) for a in (state.amount, state.after, state.known))
    for target, source in ((amount, state.amount), (after, state.after), (known, state.known)):
        target[place] = source
    before = np.concatenate(([0], after[:-1]))
    fits = known & np.concatenate(([False], known[:-1]))
    opening = np.concatenate(([0], state.closing[:-1]))
    opening[is_first] = (after[begins] - amount[begins])[is_first]
    assert state.first_opening is not None
    opening[goes_on] = state.first_opening[goes_on]
    before[begins] = opening
    fits[begins] = known[begins]
    step = np.where(fits, np.abs(before + amount - after), 0)
    gap = np.maximum.reduceat(step, begins)
    return Chained(state.order, begins, opening, state.closing, gap)
