"""The demo bank's days: months, festivals, harvests, terms of school, days on which interest is paid."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from sources.demo.chance import Floats, Ints

NEVER = 1_000_000  # the number of a day that does not come
SPRING_FESTIVALS = tuple(
    dt.date.fromisoformat(d)
    for d in (
        "2019-02-05",
        "2020-01-25",
        "2021-02-12",
        "2022-02-01",
        "2023-01-22",
        "2024-02-10",
        "2025-01-29",
        "2026-02-17",
        "2027-02-06",
        "2028-01-26",
        "2029-02-13",
        "2030-02-03",
        "2031-01-23",
        "2032-02-11",
        "2033-01-31",
    )
)


@dataclass(frozen=True)
class Month:
    """One month of the bank's history: its place, its first day's number, its length."""

    index: int
    year: int
    month: int
    start: int  # day number, 0 is the bank's first day
    days: int

    @property
    def name(self) -> str:
        """As partitions are called: 202609."""
        return f"{self.year}{self.month:02d}"

    @property
    def end(self) -> int:
        """Day number of its last day."""
        return self.start + self.days - 1


@dataclass(frozen=True)
class Span:
    """The days the bank's files tell of; day 0 is `first`."""

    first: dt.date
    last: dt.date
    months: tuple[Month, ...]

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def day(self, date: dt.date) -> int:
        """The number of a date; negative before the first day."""
        return (date - self.first).days

    def date(self, day: int) -> dt.date:
        """The date of a day number."""
        return self.first + dt.timedelta(days=int(day))

    def dates(self, days: Ints) -> np.ndarray:
        """Day numbers as datetime64[D]."""
        return np.datetime64(self.first, "D") + days.astype("timedelta64[D]")


def span(end_on: dt.date, months: int) -> Span:
    """`months` whole months, the last ending at `end_on` (a month's last day, else that month is cut there)."""
    first_index = end_on.year * 12 + end_on.month - months
    first = dt.date(first_index // 12, first_index % 12 + 1, 1)
    found = []
    for i in range(months):
        year, month = divmod(first_index + i, 12)
        begin = dt.date(year, month + 1, 1)
        after = dt.date((first_index + i + 1) // 12, (first_index + i + 1) % 12 + 1, 1)
        stop = min(after, end_on + dt.timedelta(days=1))
        found.append(Month(i, year, month + 1, (begin - first).days, (stop - begin).days))
    return Span(first, end_on, tuple(found))


def to_festival(at: Span, days: Ints) -> Ints:
    """Days since the nearest Spring Festival, negative before it."""
    feasts = np.array([at.day(d) for d in SPRING_FESTIVALS], dtype=np.int64)
    gaps = days[:, None] - feasts[None, :]
    near = np.abs(gaps).argmin(axis=1)
    out: Ints = gaps[np.arange(len(days)), near]
    return out


def month_days(month: Month) -> Ints:
    """Day numbers of a month."""
    return np.arange(month.start, month.start + month.days, dtype=np.int64)


def cash_weights(at: Span, month: Month) -> Floats:
    """How eager people are to draw cash, by day: three times from the 20th of the last lunar month to New Year's Eve."""
    gap = to_festival(at, month_days(month))
    weights = np.ones(month.days)
    weights[(gap >= -10) & (gap < 0)] = 3.0
    weights[(gap >= 0) & (gap < 4)] = 0.3
    return weights


def shopping_weights(at: Span, month: Month) -> Floats:
    """How eager people are to pay by phone, by day: weekends, National Day, Singles' Day, the festival."""
    days = month_days(month)
    weekday = (days + at.first.weekday()) % 7
    weights = np.where(weekday >= 5, 1.25, 1.0)
    gap = to_festival(at, days)
    weights[(gap >= -12) & (gap < 8)] *= 1.3
    if month.month == 10:
        weights[:7] *= 1.4
    if month.month == 11 and month.days > 11:
        weights[9:12] *= 1.5
    return weights


OPENING_CAMPAIGN = {1: 6.8, 2: 6.2, 3: 4.6, 4: 0.1, 5: 0.1, 6: 0.15, 7: 0.1, 8: 0.1, 9: 0.15, 10: 0.1, 11: 0.1, 12: 0.2}
"""New savings by month: the opening campaign (开门红) brings more than half of the year's growth."""


def months_later(at: Span, day: Ints, months: Ints) -> Ints:
    """The day `months` calendar months on; the last of the month where that day does not exist."""
    date = at.dates(day)
    month = date.astype("datetime64[M]")
    target = month + months.astype("timedelta64[M]")
    room = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    dom = np.minimum((date - month.astype("datetime64[D]")).astype(np.int64), room - 1)
    out: Ints = (target.astype("datetime64[D]") - np.datetime64(at.first, "D")).astype(np.int64) + dom
    return out


def clock(rng: np.random.Generator, size: int, opens: float = 8.0, closes: float = 21.5) -> Ints:
    """Seconds of the day, more of them in the late morning and the afternoon."""
    hours = opens + (closes - opens) * (0.6 * rng.beta(2.2, 3.0, size) + 0.4 * rng.beta(4, 3.0, size))
    return np.asarray(hours * 3600, dtype=np.int64)
