"""Functions as machine code, and the numbers by which they are told what to do."""

from __future__ import annotations

from typing import Any

import numba

SUM, COUNT, MIN, MAX, DAY_SUM = range(5)  # how a leaf puts rows together
ASSETS, DEPOSITS, HIGH_HIGH, HIGH_LOW, LOW_LOW, DAY, GAP = range(7)  # values of spells and of days


def compiled(function: Any) -> Any:
    """The function as machine code, kept beside the source, or only in memory where nothing can be written there."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)


def inlined(function: Any) -> Any:
    """The function as a part of those that call it: to hand a dozen arrays to it costs more than what it does with a row."""
    return numba.njit(nogil=True, inline="always")(function)


@inlined
def next_of(row: Any, end: Any, day: Any, late: Any, late_end: Any, late_day: Any, through: Any) -> Any:
    """The day of the next row of two streams and which it is: 0 the steady, 1 the late one; -1: no more until `through`."""
    when, stream = through + 1, -1
    if row < end and day[row] < when:
        when, stream = day[row], 0
    if late < late_end and late_day[late] < when:
        when, stream = late_day[late], 1
    return when, stream
