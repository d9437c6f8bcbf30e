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
