"""Features of sums: steps over blocks of customers small enough to stay in the processor's own memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.kernels.machine import compiled

BLOCK = 256  # customers
LEAF, NUMBER, ADD, SUBTRACT, MULTIPLY, DIVIDE, ABOVE, AT_LEAST, EQUALS, BOTH, KNOWN, WHEN, ROOT, STORE = range(14)
NONE = -1  # no third operand


@compiled
def reckon(steps: Any, numbers: Any, sums: Any, who: Any, first: Any, last: Any, room: Any, out: Any) -> None:
    """Lines of `out` from `first` to `last`, for customers whose places in the lines of `sums` are `who`.

    A step is (how, to, a, b, c); what is not known is no number. A sum that is infinite never had a row.
    """
    lines = np.empty((room, BLOCK))
    for start in range(first, last, BLOCK):
        count = min(BLOCK, last - start)
        for step in range(len(steps)):
            how, to, a, b, c = steps[step, 0], steps[step, 1], steps[step, 2], steps[step, 3], steps[step, 4]
            if how == STORE:
                out[to, start : start + count] = lines[a, :count]
            elif how == LEAF:
                _read(sums[a], who[start : start + count], lines[to])
            elif how == NUMBER:
                lines[to, :count] = numbers[a]
            elif how == WHEN:
                _choose(lines[to], lines[a], lines[b], lines[c], c != NONE, count)
            elif how in (KNOWN, ROOT):
                _of_one(how, lines[to], lines[a], count)
            else:
                _of_two(how, lines[to], lines[a], lines[b], count)


@compiled
def _read(line: Any, who: Any, to: Any) -> None:
    for i in range(len(who)):
        value = line[who[i]]
        to[i] = np.nan if np.isinf(value) else value


@compiled
def _choose(to: Any, condition: Any, yes: Any, no: Any, has_no: Any, count: Any) -> None:
    for i in range(count):
        other = no[i] if has_no else np.nan
        to[i] = yes[i] if condition[i] == 1.0 else other


@compiled
def _of_one(how: Any, to: Any, a: Any, count: Any) -> None:
    if how == KNOWN:
        for i in range(count):
            to[i] = 0.0 if np.isnan(a[i]) else 1.0
    else:
        for i in range(count):
            to[i] = np.sqrt(a[i]) if a[i] >= 0.0 else np.nan


@compiled
def _of_two(how: Any, to: Any, a: Any, b: Any, count: Any) -> None:
    if how == ADD:
        for i in range(count):
            to[i] = a[i] + b[i]
    elif how == SUBTRACT:
        for i in range(count):
            to[i] = a[i] - b[i]
    elif how == MULTIPLY:
        for i in range(count):
            to[i] = a[i] * b[i]
    elif how == DIVIDE:
        for i in range(count):
            to[i] = a[i] / b[i] if b[i] != 0.0 else np.nan
    elif how == BOTH:  # no is no, whatever the other is
        for i in range(count):
            to[i] = 0.0 if a[i] == 0.0 or b[i] == 0.0 else a[i] * b[i]
    else:
        for i in range(count):
            if np.isnan(a[i]) or np.isnan(b[i]):
                to[i] = np.nan
            elif how == ABOVE:
                to[i] = 1.0 if a[i] > b[i] else 0.0
            elif how == AT_LEAST:
                to[i] = 1.0 if a[i] >= b[i] else 0.0
            else:
                to[i] = 1.0 if a[i] == b[i] else 0.0
