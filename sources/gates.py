"""Gates: the data came, but may it be used? Control totals, freshness, volume, keys, and how much was set aside."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import holidays

from sources.landing import Landed
from sources.quality import Gate, waiver_for
from sources.settings import Gates, SourceSettings, Totals, Volume, Waiver
from sources.tables import TABLES

_ENOUGH_DAYS = 3
ENOUGH_ROWS = 1000  # of fewer rows a share says little: one bad line would stop the night


@dataclass(frozen=True)
class Calendar:
    """Whose holidays and make-up days count, and the bank's own exceptions, which come first."""

    country: str = ""
    workdays: tuple[dt.date, ...] = ()
    rest_days: tuple[dt.date, ...] = ()

    def is_rest(self, day: dt.date) -> bool:
        """Whether branches are closed: a Saturday made up for a holiday is a working day."""
        if day in self.workdays or day in self.rest_days:
            return day in self.rest_days
        return day.weekday() >= 5 if not self.country else not _of_country(self.country, day.year).is_working_day(day)


@cache
def _of_country(country: str, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, years=year)


def day_kind(day: dt.date, calendar: Calendar) -> str:
    """Days are compared with their kind: a quarter's interest day, a month's last day, a rest day, a working day."""
    if (day + dt.timedelta(days=1)).day == 1:
        return "month end"
    if day.month % 3 == 0 and day.day in (20, 21):
        return "interest day"
    return "rest day" if calendar.is_rest(day) else "working day"


@dataclass(frozen=True)
class Asked:
    """What an intake is judged by beside its settings: the business date that must be there, days, minor digits."""

    expected: dt.date | None
    calendar: Calendar
    minor_digits: int


@dataclass(frozen=True)
class Share:
    """Rows of a table, and how many of them were set aside, and contradict others of their key."""

    table: str
    rows: int
    quarantined: int
    conflicting: int


@dataclass(frozen=True)
class Judged:
    """What gates look at: what an intake brought, and what has come so far."""

    inputs: tuple[Landed, ...]
    tables: tuple[Share, ...]
    days: Mapping[str, Mapping[dt.date, int]]  # table -> event date -> usable rows
    totals: Mapping[str, tuple[int, Mapping[str, str]]]  # table -> rows and sums of all that was mapped


def gates(settings: SourceSettings, judged: Judged, newest: dt.date | None, asked: Asked) -> list[Gate]:
    """Every gate with its state."""
    limits, waivers = settings.gates, settings.waivers
    found = [
        _gate("lines", item.name, item.unreadable, item.rows + item.unreadable, limits.highest_unreadable, waivers)
        for item in judged.inputs
    ]
    found += [
        _gate("gone", item.name, day.gone, day.before, limits.highest_gone, waivers, day.on)
        for item in judged.inputs
        for day in item.compared
    ]
    found += [_gate("quarantined", t.table, t.quarantined, t.rows, limits.highest_quarantined, waivers) for t in judged.tables]
    found += [_gate("key", t.table, t.conflicting, t.rows, limits.highest_conflicting, waivers) for t in judged.tables]
    found += _fresh(limits, newest, asked.expected)
    for table, totals in limits.totals.items():
        found += _totals(table, totals, *judged.totals[table], asked.minor_digits, waivers)
    found += [
        _volume(table, judged.days[table], volume, newest, asked.calendar, waivers)
        for table, volume in limits.volume.items()
        if newest is not None
    ]
    return found


def _fresh(limits: Gates, newest: dt.date | None, expected: dt.date | None) -> list[Gate]:
    if expected is None and newest is not None:
        return []
    return [
        Gate(
            rule="fresh",
            table="+".join(limits.fresh) or "inputs",
            found=str(newest or "no usable row"),
            expected=f"{expected or 'any date'} or later",
            state="passed" if newest is not None and (expected is None or newest >= expected) else "broken",
        )
    ]


def _totals(
    table: str, totals: Totals, rows: int, sums: Mapping[str, str], minor_digits: int, waivers: Sequence[Waiver]
) -> list[Gate]:
    found = [_exact(table, "rows", Decimal(rows), Decimal(totals.rows), waivers)] if totals.rows is not None else []
    for column, stated in totals.sums.items():
        scale = Decimal(10) ** -minor_digits if TABLES[table].column(column).kind == "money" else Decimal(1)
        found.append(_exact(table, column, Decimal(sums.get(column, "0")) * scale, stated, waivers))
    return found


def _gate(
    rule: str, table: str, count: int, of: int, highest: float, waivers: Sequence[Waiver], on: dt.date | None = None
) -> Gate:
    """A share that must not be exceeded."""
    share = count / of if of else 0.0
    waiver = waiver_for(waivers, table, rule, "", count, on) if share > highest else None
    return Gate(
        rule=rule,
        table=table,
        found=f"{count:,} of {of:,} ({share:.2%})" + (f" on {on}" if on else ""),
        expected=f"at most {highest:.2%}",
        on=on,
        state="passed" if share <= highest else "waived" if waiver else "broken",
        reason=waiver.reason if waiver else "",
    )


def _exact(table: str, column: str, found: Decimal, stated: Decimal, waivers: Sequence[Waiver]) -> Gate:
    fits = found == stated
    waiver = None if fits else waiver_for(waivers, table, "total", column)
    return Gate(
        rule="total",
        table=table,
        found=f"{column} {found.normalize():f}",
        expected=f"{column} {stated.normalize():f}",
        state="passed" if fits else "waived" if waiver else "broken",
        reason=waiver.reason if waiver else "",
    )


def _volume(
    table: str, days: Mapping[dt.date, int], limits: Volume, newest: dt.date, calendar: Calendar, waivers: Sequence[Waiver]
) -> Gate:
    first = newest - dt.timedelta(days=800)
    rows = {day: count for day, count in days.items() if first <= day <= newest}
    kind, begin = day_kind(newest, calendar), min(rows, default=newest)
    earlier = [newest - dt.timedelta(days=back) for back in range(1, (newest - begin).days + 1)]
    like = [rows.get(day, 0) for day in earlier if day_kind(day, calendar) == kind][: limits.days]
    count = rows.get(newest, 0)
    if len(like) < _ENOUGH_DAYS:
        return Gate(
            rule="volume",
            table=table,
            state="untried",
            found=f"{count:,} rows on {newest}",
            expected="",
            reason=f"only {len(like)} earlier days of its kind ({kind})",
        )
    usual = statistics.median(like)
    fits = limits.low * usual <= count <= limits.high * usual
    waiver = None if fits else waiver_for(waivers, table, "volume", "", on=newest)
    return Gate(
        rule="volume",
        table=table,
        found=f"{count:,} rows on {newest}",
        expected=f"{limits.low * usual:,.0f} to {limits.high * usual:,.0f}, after {len(like)} days of its kind ({kind})",
        state="passed" if fits else "waived" if waiver else "broken",
        reason=waiver.reason if waiver else "",
    )
