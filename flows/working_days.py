"""The bank's working days: the country's calendar with the bank's own exceptions."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import holidays

from flows.settings import Bank


@lru_cache(maxsize=64)
def _calendar(country: str, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, years=year)


def is_working_day(day: dt.date, bank: Bank) -> bool:
    """Whether branches are open: the bank's exceptions first, then the country's days off and make-up days."""
    if day in bank.workdays or day in bank.rest_days:
        return day in bank.workdays
    return bool(_calendar(bank.holidays, day.year).is_working_day(day))


def after(day: dt.date, bank: Bank) -> dt.date:
    """The next working day."""
    return next(found for ahead in range(1, 40) if is_working_day(found := day + dt.timedelta(days=ahead), bank))


def between(first: dt.date, last: dt.date, bank: Bank) -> list[dt.date]:
    """The working days after `first` up to and with `last`."""
    days = (first + dt.timedelta(days=ahead) for ahead in range(1, (last - first).days + 1))
    return [day for day in days if is_working_day(day, bank)]
