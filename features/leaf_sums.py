"""Leaves of one row set at an as_of, as kernels want them: arrays beside each other, and lines to sum into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.algebra import Leaf, Where
from features.kernels import machine
from features.moment import BEFORE_ALL, Moment
from features.streams import Doubles, Ints, Stream

Longs = npt.NDArray[np.int64]
HOW = {
    "sum": machine.SUM,
    "count": machine.COUNT,
    "min": machine.MIN,
    "max": machine.MAX,
    "day_sum": machine.DAY_SUM,
    "spell_sum": machine.SUM,
}
VALUES = {
    "assets": machine.ASSETS,
    "deposits": machine.DEPOSITS,
    "high_high": machine.HIGH_HIGH,
    "high_low": machine.HIGH_LOW,
    "low_low": machine.LOW_LOW,
    "day": machine.DAY,
    "gap": machine.GAP,
}


def nothing(leaves: Sequence[Leaf], sums: Doubles) -> Doubles:
    """`sums`, leaves x customers, as it is before any row: nothing, or no lowest and no highest."""
    for line, leaf in enumerate(leaves):
        sums[line] = {"min": np.inf, "max": -np.inf}.get(leaf.how, 0.0)
    return sums


@dataclass(frozen=True)
class Edges:
    """Days on which some window begins or ends, ascending; a time bucket lies between two of them."""

    days: Longs
    of: Ints  # bucket of each day from `zero` on
    zero: int


@dataclass(frozen=True)
class LeafSums:
    """Leaves at one as_of."""

    leaves: tuple[Leaf, ...]
    moment: Moment

    @property
    def through(self) -> int:
        return self.moment.clock.day

    @cached_property
    def bounds(self) -> Longs:
        """(after, through) of each leaf's window; of one that does not exist, a day before all."""
        nowhere = (BEFORE_ALL - 1, BEFORE_ALL)
        found = [leaf.window.bounds(self.moment.clock) or nowhere for leaf in self.leaves]
        return np.array(found, dtype=np.int64).reshape(-1, 2)

    @property
    def by_window(self) -> tuple[Longs, Longs, Longs]:
        """The leaves in the order of their windows, where each window begins there (and the end), and the windows."""
        windows, of = np.unique(self.bounds, axis=0, return_inverse=True)
        order = np.argsort(of.ravel(), kind="stable")
        return order, np.searchsorted(of.ravel()[order], np.arange(len(windows) + 1)), windows

    @cached_property
    def filters(self) -> tuple[list[Where], Longs]:
        """The different filters of the leaves, and each leaf's place among them."""
        places: dict[str, int] = {}
        filters: list[Where] = []
        for leaf in self.leaves:
            if leaf.where.text not in places:
                places[leaf.where.text] = len(filters)
                filters.append(leaf.where)
        return filters, np.array([places[leaf.where.text] for leaf in self.leaves], dtype=np.int64)

    @property
    def how(self) -> Longs:
        """How each leaf puts rows together."""
        return np.array([HOW[leaf.how] for leaf in self.leaves], dtype=np.int64)

    @property
    def value(self) -> Longs:
        """Which value of a row each leaf takes."""
        return np.array([VALUES[leaf.value or "day"] for leaf in self.leaves], dtype=np.int64)

    def edges(self, *streams: Stream) -> Edges:
        """The edges of all windows, as far as there are rows."""
        first = min((int(rows.day.min()) for rows in streams if len(rows.day)), default=self.through)
        first = min(first, self.through)
        days = np.unique(np.clip(self.bounds, first - 1, self.through))
        return Edges(days, np.searchsorted(days, np.arange(first, self.through + 1)).astype(np.int32), first)

    def buckets(self, edges: Edges) -> tuple[Longs, Longs]:
        """Each leaf's first and last time bucket."""
        clipped = np.searchsorted(edges.days, np.clip(self.bounds, edges.zero - 1, self.through))
        return clipped[:, 0] + 1, clipped[:, 1]
