"""Windows of days before or after an as_of, and the words for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from features.calendar import Clock

_PERIODS = {"mtd": "month", "qtd": "quarter", "ytd": "year"}
_ZH = {"mtd": "本月以来", "qtd": "本季以来", "ytd": "今年以来"}
_EN = {"mtd": "this month to date", "qtd": "this quarter to date", "ytd": "this year to date"}


@dataclass(frozen=True)
class Window:
    """A stretch of whole days; `bounds` gives (after, through): the days after `after`, up to and with `through`."""

    kind: Literal["back", "ahead", "ever", "to_date", "season", "day"]
    days: int = 0
    ago: int = 0  # the whole window this many days earlier
    name: str = ""  # of the period or season
    back: int = 0  # this many seasons earlier
    elapsed: bool = False  # of an earlier season, only as many days as have passed of the present one

    def bounds(self, clock: Clock) -> tuple[int, int] | None:
        """None where the window does not exist at this as_of (no such season)."""
        end = clock.day - self.ago
        if self.kind == "back":
            return end - self.days, end
        if self.kind == "ahead":
            return end, end + self.days
        if self.kind == "ever":
            return -1_000_000, end
        if self.kind == "to_date":
            return clock.start_of(_PERIODS[self.name]) - 1, end
        if self.kind == "day":
            return end - 1, end
        return self._season(clock)

    def _season(self, clock: Clock) -> tuple[int, int] | None:
        spell, present = clock.season(self.name, self.back), clock.season(self.name)
        if spell is None or present is None:
            return None
        last = spell[1]
        if self.elapsed:
            last = min(last, spell[0] + min(clock.day, present[1]) - present[0])
        return spell[0] - 1, min(last, clock.day)

    @property
    def suffix(self) -> str:
        """The part of a feature's name that says the window."""
        return f"{self.days}d" if self.kind in ("back", "ahead") else self.name or self.kind

    @property
    def zh(self) -> str:
        return _ZH.get(self.name) or (
            f"未来{self.days}天" if self.kind == "ahead" else "历来" if self.kind == "ever" else f"近{self.days}天"
        )

    @property
    def en(self) -> str:
        return _EN.get(self.name) or (
            f"in the next {self.days} days"
            if self.kind == "ahead"
            else "ever"
            if self.kind == "ever"
            else f"over {self.days} days"
        )


def back(days: int, ago: int = 0) -> Window:
    """The last `days` days, the as_of included."""
    return Window("back", days, ago)


def ahead(days: int) -> Window:
    """The `days` days after the as_of."""
    return Window("ahead", days)


def season(name: str, back: int = 0, elapsed: bool = False) -> Window:
    """The season that began last, or one `back` seasons earlier (then with `elapsed` its same first days)."""
    return Window("season", name=name, back=back, elapsed=elapsed)


EVER = Window("ever")


def window(of: int | str | Window) -> Window:
    """A number of days back, one of mtd, qtd, ytd, or a window as it is."""
    if isinstance(of, Window):
        return of
    return Window("back", of) if isinstance(of, int) else Window("to_date", name=of)
