"""When the demo bank's files come: all at once, or a first load and then a file of its own for each of the last days."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import holidays
import numpy as np
import pyarrow as pa

from sources.demo.chance import Ints
from sources.demo.files import MonthFile, write_table
from sources.demo.seasons import Span
from store.errors import ConfigError

RAW, COMING = "raw", "coming"
FIRST_LOAD, DAY = "BASE", "D"  # how texts are called where days follow the first load: CIF_KHXX_BASE, CIF_KHXX_D20260929


@dataclass(frozen=True)
class Drop:
    """What comes at one time: rows that are new or have changed after the day `since`, as they are known on the day `until`."""

    folder: Path
    stamp: str
    since: int
    until: int

    def rows(self, begun: Ints, *changed: Ints) -> Ints:
        """Rows that have begun by then and have begun, or changed, since."""
        news = begun > self.since
        for day in changed:
            news = news | ((day > self.since) & (day <= self.until))
        return np.flatnonzero(news & (begun <= self.until)).astype(np.int64)


@dataclass
class Plan:
    """Which days come as files of their own, and which of them are held back; the large tables wait here for their day."""

    at: Span
    out: Path
    days: tuple[int, ...] = ()  # day numbers, rising; none: everything comes at once
    eve: int = 0  # the last day of the first load
    held: int = 0  # of the last days, how many are not delivered yet
    _waiting: dict[tuple[str, int], list[pa.Table]] = field(default_factory=dict)

    def drops(self) -> Iterator[Drop]:
        """The first load, then day by day."""
        if not self.days:
            yield Drop(self.out / RAW, self.at.last.strftime("%Y%m%d"), -(10**9), self.at.days - 1)
            return
        yield Drop(self.out / RAW, FIRST_LOAD, -(10**9), self.eve)
        for since, day in zip((self.eve, *self.days), self.days, strict=False):
            yield Drop(self.folder(day), f"{DAY}{self.at.date(day):%Y%m%d}", since, day)

    def folder(self, day: int) -> Path:
        """Where the files of a day lie: with the others, or among those to come."""
        if self.held and day in self.days[-self.held :]:
            return self.out / COMING / f"{self.at.date(day):%Y%m%d}" / RAW
        return self.out / RAW

    def pour(self, name: str, month: str, parts: Iterable[tuple[dict[str, pa.Array], Ints]]) -> None:
        """A month of a large table in parts, each with the days of recording: the first load at once, the rest on its day."""
        with MonthFile(self.out / RAW, name, month) as file:
            for columns, recorded in parts:
                table = pa.table(columns)
                if not self.days or recorded.max(initial=-1) <= self.eve:
                    file.write(table)
                    continue
                turn = np.searchsorted(np.array((self.eve, *self.days)), recorded, side="left")
                if (turn == 0).any():
                    file.write(table.filter(pa.array(turn == 0)))
                for place, day in enumerate(self.days):
                    self._waiting.setdefault((name, day), []).append(table.filter(pa.array(turn == place + 1)))

    def close(self) -> None:
        """The large tables' files of the days."""
        for (name, day), parts in sorted(self._waiting.items()):
            on = self.at.date(day)
            place = self.folder(day) / name / f"YF={on:%Y%m}"
            place.mkdir(parents=True, exist_ok=True)
            write_table(place / f"day-{on:%Y%m%d}.parquet", pa.concat_tables(parts).combine_chunks())
        self._waiting.clear()


def plan(at: Span, out: Path, daily: int, held: int) -> Plan:
    """The last `daily` business days on their own; what happens on days of rest comes with the next business day."""
    if not daily:
        return Plan(at, out)
    rest = holidays.country_holidays("CN", years=sorted({at.first.year, at.last.year}))
    working = [day for day in range(at.days - 1) if rest.is_working_day(at.date(day))] + [at.days - 1]
    if daily >= len(working):
        raise ConfigError(
            f"{daily} days of their own, where the bank has {len(working)} business days",
            where="--daily",
            expected="fewer days than the bank has",
            do="ask for fewer days, or for more months",
        )
    return Plan(at, out, tuple(working[-daily:]), working[-daily - 1], min(held, daily))


def coming(out: Path) -> list[dt.date]:
    """The days that are made and not yet delivered."""
    folder = out / COMING
    return sorted(dt.date.fromisoformat(p.name) for p in folder.iterdir()) if folder.exists() else []


def deliver_next(out: Path) -> dt.date | None:
    """Move the files of the next day to where the bank's files lie; the day, or None where nothing is to come.

    Flags come last, as in a real delivery; started again after a crash, it moves what is left.
    """
    days = coming(out)
    if not days:
        return None
    source = out / COMING / f"{days[0]:%Y%m%d}"
    found = sorted(path for path in source.rglob("*") if path.is_file())
    for path in sorted(found, key=lambda path: path.suffix == ".ok"):
        place = out / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    shutil.rmtree(source)
    if len(days) == 1:
        source.parent.rmdir()
    return days[0]
