"""An as_of as features see it: plain numbers for a data frame, or slots of a stencil that is compiled once for all dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import narwhals.stable.v2 as nw

from features.calendar import Clock
from features.windows import Window

BEFORE_ALL = -1_000_000
_BASE, _WIDTH, _MIDDLE = 7_700_000_000_000, 1_000_000, 500_000
_SLOT = re.compile(r"\b77\d{11}(\.0)?\b")


@dataclass
class Moment:
    """One as_of: its clock, and since when the bank's tables tell."""

    clock: Clock
    starts: Mapping[str, int] = field(default_factory=dict)

    def of(self, make: Callable[[Moment], int]) -> int:
        """A whole number that depends on the as_of. Only add to it and subtract from it: it may stand for a slot."""
        return make(self)

    def number(self, make: Callable[[Clock], float | None]) -> nw.Expr:
        """A number that depends on the as_of and may be unknown."""
        value = make(self.clock)
        return nw.lit(None, nw.Float64) if value is None else nw.lit(float(value))

    @property
    def day(self) -> int:
        """The as_of as a day number."""
        return self.of(lambda moment: moment.clock.day)

    def first_day(self, table: str) -> int:
        """The first day the bank has rows of, as known; the day after the as_of where it has none."""
        return self.of(lambda moment: moment.starts.get(table, moment.clock.day + 1))

    def bounds(self, window: Window) -> tuple[int, int]:
        """(after, through) of a window; of one that does not exist, a day before all."""
        return self.of(lambda moment: _bounds(window, moment)[0]), self.of(lambda moment: _bounds(window, moment)[1])

    def buckets(self, window: Window, edges: Sequence[tuple[Window, int]]) -> tuple[int, int]:
        """First and last time bucket of a window; a day's bucket is the number of edges before it."""

        def first(moment: Moment) -> int:
            after = _bounds(window, moment)[0]
            return sum(_bounds(of, moment)[side] <= after for of, side in edges)

        def last(moment: Moment) -> int:
            through = _bounds(window, moment)[1]
            return sum(_bounds(of, moment)[side] < through for of, side in edges)

        return self.of(first), self.of(last)


def _bounds(window: Window, moment: Moment) -> tuple[int, int]:
    return window.bounds(moment.clock) or (BEFORE_ALL - 1, BEFORE_ALL)


class Stencil(Moment):
    """A moment whose numbers are marks in the compiled text, to be filled in for one as_of after another.

    Compiling takes a hundred times as long as filling in, and a night builds fifteen dates.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._makes: list[Callable[[Moment], float | None]] = []

    def of(self, make: Callable[[Moment], int]) -> int:
        return self._slot(make)

    def number(self, make: Callable[[Clock], float | None]) -> nw.Expr:
        return nw.lit(float(self._slot(lambda moment: make(moment.clock))))

    def _slot(self, make: Callable[[Moment], float | None]) -> int:
        self._makes.append(make)
        return _BASE + (len(self._makes) - 1) * _WIDTH + _MIDDLE

    def filled(self, text: str, moment: Moment) -> str:
        """The text with every mark replaced by its number at `moment`."""
        values = [make(moment) for make in self._makes]

        def said(match: re.Match[str]) -> str:
            mark, is_float = int(match.group().removesuffix(".0")) - _BASE, match.group(1) is not None
            value = values[mark // _WIDTH]
            if value is None:
                return "NULL"
            number = int(value) + mark % _WIDTH - _MIDDLE
            return f"({number}.0)" if is_float else f"({number})"

        return _SLOT.sub(said, text)
