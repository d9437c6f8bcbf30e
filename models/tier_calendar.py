"""The days on which tiers may change, and the spans of days that are measured for them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise

from features.monthly import month_ends
from models.tier_settings import TierSettings

Turn = tuple[tuple[int, tuple[int, ...]], ...]  # days on either side of a month's turn, each with the days that bound it


@dataclass(frozen=True)
class Window:
    """The days (after, until] a measure is taken over; the bank's first balances may cut its beginning."""

    after: int
    until: int

    @property
    def days(self) -> int:
        return self.until - self.after

    def parked(self, edge: int) -> dict[int, list[int]]:
        """Days on either side of a month's turn -> the days whose levels bound what counts of theirs.

        The last `edge` days of a month, and of the window, count at most what was there before them; the first days of a
        month at most what was there after them, or before the turn while that is not known yet.
        """
        turns = [end.toordinal() for end in month_ends(dt.date.fromordinal(self.after), dt.date.fromordinal(self.until))]
        bounds: dict[int, list[int]] = {}
        for turn in sorted({*turns, self.until}):
            for day in range(max(turn - edge, self.after) + 1, turn + 1):
                bounds.setdefault(day, []).append(turn - edge)
            later = turn + edge + 1 if turn + edge + 1 <= self.until else turn - edge
            for day in range(turn + 1, min(turn + edge, self.until) + 1):
                bounds.setdefault(day, []).append(later)
        return bounds

    def turns(self, edge: int) -> tuple[Turn, ...]:
        """`parked`, in runs of days: windows that hold the same turn have the same run."""
        found: list[list[tuple[int, tuple[int, ...]]]] = []
        for day, bounds in sorted(self.parked(edge).items()):
            if not found or found[-1][-1][0] + 1 < day:
                found.append([])
            found[-1].append((day, tuple(bounds)))
        return tuple(map(tuple, found))


@dataclass(frozen=True)
class Event:
    """A day on which tiers may change: a month end (up only) or the first day of a quarter (graded)."""

    on: int
    windows: tuple[Window, ...]  # of the average: all of them must reach a level
    years: tuple[Window, ...]  # of the contribution: likewise
    is_grading: bool
    may_fall: bool = True


def calendar(settings: TierSettings, first: dt.date, as_of: dt.date) -> tuple[Event, ...]:
    """The events up to `as_of` in a bank whose balances begin on `first`, in order."""
    start = first.toordinal() - 1
    ends = [start] + [end.toordinal() for end in month_ends(first, as_of)]
    months = [Window(a, b) for a, b in pairwise(ends)]
    if months and months[0].days < settings.least_month_days:
        months = months[1:]
    events: list[Event] = []
    for at, month in enumerate(months):
        lately = tuple(months[max(0, at + 1 - settings.months_above) : at + 1])
        years = tuple(Window(max(start, of.until - 365), of.until) for of in lately)
        if len(lately) == settings.months_above:
            events.append(Event(month.until, lately, years, False))
        end = dt.date.fromordinal(month.until)
        quarter = Window(max(start, _quarter_begin(end) - 1), month.until)
        if end.month % 3 == 0 and end < as_of and quarter.days >= settings.least_quarter_days:
            coming = dt.date.fromordinal(month.until + 1)
            events.append(Event(month.until + 1, (quarter,), years[-1:], True, _may_fall(settings, coming)))
    return tuple(events)


def next_fall(settings: TierSettings, as_of: dt.date) -> dt.date:
    """The first grading day after `as_of` on which a tier under notice may fall."""
    day = _next_quarter(as_of)
    while not _may_fall(settings, day):
        day = _next_quarter(day)
    return day


def _may_fall(settings: TierSettings, grading: dt.date) -> bool:
    return (grading.month - 1) // 3 + 1 not in settings.no_fall_quarters


def _next_quarter(day: dt.date) -> dt.date:
    quarter = (day.month - 1) // 3
    return dt.date(day.year + 1, 1, 1) if quarter == 3 else dt.date(day.year, quarter * 3 + 4, 1)


def _quarter_begin(day: dt.date) -> int:
    return dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1).toordinal()
