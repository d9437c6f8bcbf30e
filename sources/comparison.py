"""Daily full files, each compared with the state before it: only what changed is kept, as versions of raw rows.

Whole tables in DuckDB, day by day. The result depends on which days came and what they said, not on the order they came
in: a late day is put between its neighbours, and what the day after it changed is found anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sources.delivery import Delivered, Delivery, by_day, content_of
from sources.history import FILE_ON, GONE, Day, History
from sources.landing import Compared, Landed, blanks_of, read_parquet_sql, visible_columns
from sources.settings import Input
from sources.sqltext import ident, literal, number
from sources.textfile import read_file, unreadable_table
from store.errors import GateBroken


def land_full(
    con: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    spec: Input,
    columns: Mapping[str, str],
    scratch: Path,
    history: History,
) -> tuple[Landed, tuple[Day, ...]]:
    """Make the relation `delivery.name` of versions: the bank's columns, `file_on`, `is_gone`; and all days it holds.

    A day already compared is read again only where it says something else. Raises GateBroken where two files of one day
    differ, or a file holds other rows than its flag says.
    """
    name, own = delivery.name, {c: t for c, t in columns.items() if c not in (FILE_ON, GONE)}
    versions = Versions(con, name, visible_columns(spec, own), spec.key)
    versions.load(history)
    unreadable_table(con, name)
    known, compared = {day.on: day for day in history.days}, []
    start, newest = dict(known), max(known, default=dt.date.min)
    rows = aside = garbled = 0
    for day, unreadable, broken, hold in FullFiles(con, delivery, spec, own, scratch).days(start):
        note = "day_resent" if day.on in start else "day_late" if day.on < newest else ""
        before, new, changed, gone = versions.put(day.on, sorted(known), hold=hold)
        known[day.on] = day
        rows, aside, garbled = rows + day.rows, aside + unreadable, garbled + broken
        compared.append(Compared(day.on, day.file, day.rows, before, new, changed, gone, note))
    landed = Landed(
        name,
        rows,
        aside,
        garbled,
        blanks_of(con, ident(name), spec),
        last_on=max(known, default=None),
        compared=tuple(compared),
        twice=by_day(delivery, spec)[1],
    )
    return landed, tuple(known[on] for on in sorted(known))


@dataclass
class Versions:
    """The relation NAME in the working database: rows of full files from the day on which they first said so."""

    con: duckdb.DuckDBPyConnection
    name: str
    columns: Mapping[str, str]
    key: Sequence[str]

    def load(self, history: History) -> None:
        """What was kept; a column the bank has dropped since stays, one that is new was blank before."""
        kept = history.columns(self.con)
        self.columns = dict(self.columns) | {c: t for c, t in kept.items() if c not in self.columns}
        typed = ", ".join(f"{ident(c)} {t}" for c, t in self.columns.items())
        self.con.execute(f"CREATE TABLE {ident(self.name)} ({typed}, {FILE_ON} DATE, {GONE} BOOLEAN)")
        if history.days:
            listed = [f"CAST({ident(c)} AS {t})" if c in kept else "NULL" for c, t in self.columns.items()]
            self.con.execute(
                f"INSERT INTO {ident(self.name)} SELECT {', '.join(listed)}, {FILE_ON}, {GONE} FROM {history.relation}"
            )

    def put(self, on: dt.date, days: Sequence[dt.date], *, hold: bool) -> tuple[int, int, int, int]:
        """Put the rows of `day_rows` at `on` among the `days` compared before; keys before, new, changed, gone.

        `hold`: some lines could not be read, so a key that is missing may be on one of them; it stays as it was.
        """
        earlier, later = [d for d in days if d < on], [d for d in days if d > on]
        self._state("day_before", max(earlier, default=None))
        if later:
            self._state("day_after", min(later))
            self.con.execute(f"DELETE FROM {ident(self.name)} WHERE {FILE_ON} = {_day(min(later))}")
        if on in days:
            self.con.execute(f"DELETE FROM {ident(self.name)} WHERE {FILE_ON} = {_day(on)}")
        listed = ", ".join(ident(c) if c in self._given() else f"NULL AS {ident(c)}" for c in self.columns)
        held = f" UNION ALL SELECT * FROM day_before o ANTI JOIN day_rows n ON {self._same('o', 'n')}" if hold else ""
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE day_now AS SELECT DISTINCT {listed} FROM day_rows{held}")
        before = number(self.con, f"SELECT count(*) FROM (SELECT DISTINCT {self._keys()} FROM day_before)")
        counts = self._write(on, "day_before", "day_now")
        if later:
            self._write(min(later), "day_now", "day_after")
        return before, *counts

    def _given(self) -> set[str]:
        return {d[0] for d in self.con.execute("SELECT * FROM day_rows LIMIT 0").description or []}

    def _state(self, into: str, on: dt.date | None) -> None:
        """The rows as the full file of a day held them."""
        listed = ", ".join(f"v.{ident(c)}" for c in self.columns)
        last = (
            f"SELECT {self._keys()}, max({FILE_ON}) AS {FILE_ON} FROM {ident(self.name)}"
            f" WHERE {FILE_ON} <= {_day(on)} GROUP BY ALL"
        )
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT {listed} FROM {ident(self.name)} v JOIN ({last}) l"
            f" ON {self._same('v', 'l')} AND v.{FILE_ON} = l.{FILE_ON} WHERE NOT v.{GONE}"
        )

    def _write(self, on: dt.date, old: str, new: str) -> tuple[int, int, int]:
        """Versions for the keys whose rows differ between two states; how many keys are new, changed, gone."""
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE day_changed AS SELECT DISTINCT {self._keys()} FROM"
            f" ((SELECT * FROM {new} EXCEPT SELECT * FROM {old}) UNION ALL (SELECT * FROM {old} EXCEPT SELECT * FROM {new}))"
        )
        self.con.execute(
            f"INSERT INTO {ident(self.name)} SELECT n.*, {_day(on)}, false FROM {new} n"
            f" SEMI JOIN day_changed c ON {self._same('n', 'c')}"
        )
        gone = number(  # one row per key that is gone, with what it last said
            self.con,
            f"INSERT INTO {ident(self.name)} SELECT o.*, {_day(on)}, true FROM {old} o ANTI JOIN {new} n"
            f" ON {self._same('o', 'n')} QUALIFY row_number() OVER (PARTITION BY {self._keys('o')} ORDER BY o) = 1",
        )
        changed = number(self.con, "SELECT count(*) FROM day_changed")
        fresh = number(self.con, f"SELECT count(*) FROM day_changed c ANTI JOIN {old} o ON {self._same('c', 'o')}")
        return fresh, changed - fresh - gone, gone

    def _keys(self, of: str = "") -> str:
        return ", ".join(f"{of}.{ident(k)}" if of else ident(k) for k in self.key)

    def _same(self, one_side: str, other: str) -> str:
        return " AND ".join(f"{one_side}.{ident(k)} IS NOT DISTINCT FROM {other}.{ident(k)}" for k in self.key)


@dataclass(frozen=True)
class FullFiles:
    """What came of one input, to be read day by day into `day_rows`."""

    con: duckdb.DuckDBPyConnection
    delivery: Delivery
    spec: Input
    columns: Mapping[str, str]
    scratch: Path

    def days(self, known: Mapping[dt.date, Day]) -> Iterator[tuple[Day, int, int, bool]]:
        """Each day that says something else than is known, oldest first; lines set aside and rows with broken bytes, counted
        once for days read together; and whether a row of the day may be on a line set aside."""
        if self.spec.dated and self.spec.dated.column:
            yield from self._by_column(known, self.spec.dated.column, self.spec.dated.date)
            return
        for on, files in by_day(self.delivery, self.spec)[0].items():
            content = content_of(files)
            if on in known and known[on].content == content:
                continue
            unreadable, broken = self._read(files, "day_rows")
            count = number(self.con, "SELECT count(*) FROM day_rows")
            yield Day(on, "+".join(file.path.name for file in files), count, content), unreadable, broken, unreadable > 0

    def _by_column(self, known: Mapping[dt.date, Day], dated: str, form: str) -> Iterator[tuple[Day, int, int, bool]]:
        """Days stacked in files or a table. A day is compared where its rows and a hash of them differ from those kept."""
        con, column = self.con, ident(dated)
        unreadable, broken = self._read(self.delivery.files, "stacked_rows")
        text = self.columns[dated] == "VARCHAR"
        day = f"CAST(try_strptime({column}, {literal(form)}) AS DATE)" if text else f"CAST({column} AS DATE)"
        own = ", ".join(ident(c) for c in self.columns if c != dated)
        found = con.execute(
            f"SELECT {day} AS day, count(*), concat(count(*), ':', bit_xor(hash({own})), ':', sum(hash({own}) % 1000003))"
            " FROM stacked_rows GROUP BY 1 ORDER BY 1 NULLS FIRST"
        ).fetchall()
        if found and found[0][0] is None:
            raise GateBroken(
                f"{found[0][1]:,} rows say no day that `dated` understands",
                where=f"input {self.delivery.name}, column {dated}",
                expected=form if text else "a date in every row",
                do="set `dated: date` of the input, or ask for the file again",
            )
        name, hold = "+".join(file.path.name for file in self.delivery.files), unreadable > 0  # a line set aside has no day
        for on, count, content in found:
            if on in known and known[on].content == content:
                continue
            con.execute(f"CREATE OR REPLACE TEMP TABLE day_rows AS SELECT {own} FROM stacked_rows WHERE {day} = {_day(on)}")
            yield Day(on, name, count, content), unreadable, broken, hold
            unreadable = broken = 0
        con.execute("DROP TABLE stacked_rows")

    def _read(self, files: Sequence[Delivered], into: str) -> tuple[int, int]:
        """The rows of some files in the table `into`; lines set aside, and rows with broken bytes."""
        con, name, columns = self.con, self.delivery.name, self.columns
        if self.spec.format == "parquet":
            con.execute(f"CREATE OR REPLACE TEMP TABLE {into} AS {read_parquet_sql(con, name, files, self.spec, columns)}")
            return 0, 0
        con.execute(f"CREATE OR REPLACE TEMP TABLE {into} ({', '.join(f'{ident(c)} {t}' for c, t in columns.items())})")
        seen = [read_file(con, into, name, file, self.spec, list(columns), None, self.scratch) for file in files]
        return sum(s.unreadable for s in seen), sum(s.garbled for s in seen)


def _day(on: dt.date | None) -> str:
    return f"DATE '{(on or dt.date.min).isoformat()}'"
