"""Since when a bank's tables tell, as far as was known at an as_of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.stored import StoredFile, stored_files
from sources.canonical import Canonical

_DAYS = ("on", "known_from")


@dataclass(frozen=True)
class _Group:
    """A row group of balances: its first day, between which days its rows became known, and where its rows begin."""

    file: StoredFile
    number: int
    start: int
    first: dt.date
    known_from: dt.date
    known_until: dt.date

    def first_known(self, as_of: dt.date) -> dt.date | None:
        """The first day of its rows in force that were known; they are read only where its statistics do not tell."""
        if self.known_until <= as_of and not self.file.hidden:
            return self.first
        with pq.ParquetFile(self.file.path) as opened:
            rows = self.file.in_force(opened.read_row_group(self.number, list(_DAYS)), self.start)
        first: dt.date | None = pc.min(rows.filter(pc.less_equal(rows["known_from"], as_of))["on"]).as_py()
        return first


def first_balance(canonical: Canonical, as_of: dt.date) -> dt.date | None:
    """The first day of which the bank's balances tell, as far as known at the close of `as_of`; None: of no day yet.

    Files say of their row groups which days are in them, so that hardly any row is read: 4 ms for ten million rows in 96
    groups, where asking every row took 90.
    """
    return first_balances(canonical, [as_of])[as_of]


def first_balances(canonical: Canonical, days: Iterable[dt.date]) -> dict[dt.date, dt.date | None]:
    """`first_balance` at each of the days; what files say is read once."""
    groups = sorted(_groups(canonical), key=attrgetter("first")) if canonical.has("balances", "on") else []
    return {day: _first(groups, day) for day in days}


def _first(groups: Sequence[_Group], as_of: dt.date) -> dt.date | None:
    found: dt.date | None = None
    for group in groups:
        if found is not None and group.first >= found:
            break
        if group.known_from <= as_of:
            known = group.first_known(as_of)
            found = min(filter(None, (found, known)), default=None)
    return found


def _groups(canonical: Canonical) -> Iterator[_Group]:
    for file in stored_files(canonical, "balances", [None]):
        told, start = pq.read_metadata(file.path), 0
        places = [told.schema.names.index(name) for name in _DAYS]
        for number in range(told.num_row_groups):
            group = told.row_group(number)
            on, known = (group.column(place).statistics for place in places)
            if on and known and on.has_min_max and known.has_min_max:
                yield _Group(file, number, start, on.min, known.min, known.max)
            else:  # a writer that says nothing of them: they are read
                yield _Group(file, number, start, dt.date.min, dt.date.min, dt.date.max)
            start += group.num_rows
