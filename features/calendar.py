"""The days a bank counts from: an as_of with its month, quarter and year, and the seasons around it."""

from __future__ import annotations

import calendar as months
import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import holidays

from features.settings import CalendarSettings, Season

EPOCH = dt.date(1970, 1, 1).toordinal()


def day_number(on: dt.date) -> int:
    """Whole days since 1970-01-01: what a date is inside the engine."""
    return on.toordinal() - EPOCH


def date_of(day: int) -> dt.date:
    """The date of a day number."""
    return dt.date.fromordinal(day + EPOCH)


@dataclass(frozen=True)
class Clock:
    """One as_of and the days that hang on it; every window is resolved here, before any engine sees it."""

    as_of: dt.date
    settings: CalendarSettings

    @property
    def day(self) -> int:
        return day_number(self.as_of)

    def start_of(self, period: str) -> int:
        """The first day of the as_of's month, quarter or year."""
        year, month = self.as_of.year, self.as_of.month
        first = {"month": month, "quarter": (month - 1) // 3 * 3 + 1, "year": 1}[period]
        return day_number(dt.date(year, first, 1))

    def days_to_end_of(self, period: str) -> int:
        """Days until the last day of the as_of's quarter or year; 0 on that day."""
        year, month = self.as_of.year, self.as_of.month
        last = {"month": month, "quarter": (month - 1) // 3 * 3 + 3, "year": 12}[period]
        return day_number(dt.date(year, last, months.monthrange(year, last)[1])) - self.day

    def season(self, name: str, back: int = 0) -> tuple[int, int] | None:
        """First and last day of the season that began last on or before the as_of, or `back` seasons earlier."""
        season = self.settings.seasons.get(name)
        if season is None:
            return None
        year = self.as_of.year
        spells = [spell for y in range(year - 3, year + 2) if (spell := self._spell(season, y)) and spell[0] <= self.day]
        return spells[-1 - back] if len(spells) > back else None

    def next_season(self, name: str) -> tuple[int, int] | None:
        """First and last day of the first season that begins after the as_of."""
        season = self.settings.seasons.get(name)
        if season is None:
            return None
        year = self.as_of.year
        spells = (self._spell(season, y) for y in range(year - 1, year + 3))
        return next((spell for spell in spells if spell and spell[0] > self.day), None)

    def _spell(self, season: Season, year: int) -> tuple[int, int] | None:
        if season.festival:
            middle = self._festival(season.festival, year)
            return None if middle is None else (middle - season.days_before, middle + season.days_after)
        assert season.solar_from is not None
        assert season.solar_to is not None
        first, last = _in_year(season.solar_from, year), _in_year(season.solar_to, year)
        return (first, last) if last >= first else (first, _in_year(season.solar_to, year + 1))

    def _festival(self, name: str, year: int) -> int | None:
        own = [on for on in self.settings.festivals.get(name, []) if on.year == year]
        return day_number(own[0]) if own else spring_festival(year)


def _in_year(text: str, year: int) -> int:
    month, day = int(text[:2]), int(text[3:])
    return day_number(dt.date(year, month, min(day, months.monthrange(year, month)[1])))


@lru_cache(maxsize=256)
def spring_festival(year: int) -> int | None:
    """Day number of the first day of the first lunar month, from the holidays package; None for a year it lacks."""
    days = holidays.country_holidays("CN", years=year, language="en_US", observed=False)
    named = sorted(on for on, name in days.items() if "(Spring Festival)" in name)
    return day_number(named[0]) if named else None
