"""One intake under way: landed, mapped, checked, judged by the gates, written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import duckdb

from sources.arrivals import Arrivals, arrivals
from sources.canonical import Canonical
from sources.comparison import land_full
from sources.connection import CLOSED, connect
from sources.delivery import Delivery, fingerprints, still_there
from sources.followed import Followed
from sources.gates import Asked
from sources.history import Day, History, keep_history
from sources.keeping import keep_rows, read_again, with_pieces
from sources.landed import Piece, State, TableKept, folder_of
from sources.landing import Landed, empty, land
from sources.lanes import beside
from sources.mapping import Mapped, map_table
from sources.part import Part
from sources.release import Release
from sources.review import Terms, gone_over, readable
from sources.settings import Input, SourceSettings
from sources.sqltext import literals
from sources.verdict import Intake, quality_report, write_verdict
from sources.versions import compared_inputs
from store.limits import USUAL, Limits

Progress = Callable[[str, int, int], None]
_LITTLE = 256 * 1024**2  # bytes of new files, of which no table is worth more than one thread
_SMALL = 16 * 1024**2  # bytes of a file that is not worth more than one thread while it is read
_LANES = 4  # at most: movements alone take a third of a day


@dataclass
class Job:
    """One intake under way. `there`, `kept`: the tables in force and what earlier intakes left; None: all is taken in anew."""

    settings: SourceSettings
    root: Path
    bank: str
    currency: str
    hashes: tuple[str, str]  # of the settings and of this room's code
    say: Progress
    histories: Mapping[str, History] = field(default_factory=dict)  # of inputs that are delivered in full
    there: Canonical | None = None
    kept: State | None = None
    days: dict[str, tuple[Day, ...]] = field(default_factory=dict)  # that the histories hold after this intake
    limits: Limits = USUAL
    anew: bool = False  # running balances are followed from the first movement on
    last: int = 0  # number of the intake in force, also where all is taken in anew: its files stay until this one holds

    def run(
        self,
        found: Mapping[str, Delivery],
        columns: Mapping[str, Mapping[str, str]],
        work: Path,
        asked: Asked,
    ) -> Canonical:
        with closing(connect(self.limits, more=CLOSED)) as con:
            before = self.there.manifest.inputs if self.there else {}
            come = arrivals(con, self.settings, found, before, self.kept)
        sizes = [file.path.stat().st_size for files in come.files.values() for file in files]
        lanes = self._lanes(sum(sizes))
        with closing(self._connection(work, is_little=bool(lanes))) as con:
            reading = lanes if max(sizes, default=0) < _SMALL else 0
            if reading:
                con.execute("SET threads = 1")
            landed = self._land(con, come, found, columns, work, reading or 1)
            if lanes:
                con.execute("SET threads = 1")
            self._lock(con, come, work)
            part = Part(con, self.root, self.kept, in_force=self.there, lanes=lanes or 1)
            mapped, files = self._map(come, part, asked)
            pieces = with_pieces(come, landed, self.intake)
            terms = Terms(self.settings, self.currency, self.intake, self.anew)
            tables, followed = gone_over(part, mapped, files, terms, self.say)
            newest = self._newest(tables, followed, pieces, landed)
            self.say("quality report", 0, 1)
            totals = self._totals(pieces, landed)
            intake = Intake(landed, totals, tables, part.done, followed, newest, self.intake, self.kept is not None)
            report = quality_report(con, self.settings, self.bank, intake, asked)
            lines = write_verdict(con, self.root, intake, report, {(p.input, p.name) for p in pieces}, self.kept)
            still_there(found)
            assert newest is not None
            state = State(intake=self.intake, pieces=pieces, lines=lines, running=followed.kept if followed else None)
            self.say("write tables", 0, 1)
            self._keep_histories(con)
            release = Release(part, self.settings, tables, state, newest, fingerprints(found), self.say)
            if self.there is not None:
                return release.change(self.there)
            return release.whole(self.bank, self.currency, self.hashes, self.limits)

    def _connection(self, work: Path, *, is_little: bool) -> duckdb.DuckDBPyConnection:
        """The working database: a file; a day's rows are not worth its log and are held in memory, or spilled."""
        database = ":memory:" if is_little else str(work / "intake.duckdb")
        con = connect(self.limits, work / "spill", database=database, more=CLOSED)
        con.execute("SET parquet_metadata_cache = true")  # a day asks the same files a thousand times
        con.execute("PRAGMA disable_checkpoint_on_shutdown")  # the file is thrown away
        return con

    def _lanes(self, size: int) -> int:
        """In how many lanes of one thread a day's tables are gone over; 0: each in turn, by all threads. `size`: of new files.

        A thousand statements over few rows cost a fifth less than shared out.
        """
        return min(self.limits.threads, _LANES) if self.kept is not None and size < _LITTLE else 0

    @property
    def intake(self) -> int:
        """This intake's number."""
        return self.last + 1

    def _land(
        self,
        con: duckdb.DuckDBPyConnection,
        come: Arrivals,
        found: Mapping[str, Delivery],
        columns: Mapping[str, Mapping[str, str]],
        work: Path,
        lanes: int,
    ) -> dict[str, Landed]:
        """What has to be read, as relations of the inputs' names; those with nothing new are empty."""

        def land_one(name: str, con: duckdb.DuckDBPyConnection) -> Landed:
            spec, have = self.settings.inputs[name], columns[name]
            if spec.delivery == "full" and (self.kept is None or name in come.files):
                delivery = found.get(name, Delivery(name, (), ""))
                landed, self.days[name] = land_full(con, delivery, as_landed(spec), have, work, self.histories[name])
                return landed
            if spec.delivery == "full":
                return replace(empty(con, name, have), last_on=max(self.histories[name].contents(), default=None))
            if come.files.get(name):
                return land(con, replace(found[name], files=come.files[name]), as_landed(spec), have, work)
            return empty(con, name, have)

        names = self.settings.inputs
        made = beside(con, {f"read {name}": partial(land_one, name) for name in names}, lanes, self.say)
        return {name: made[f"read {name}"] for name in names}

    def _lock(self, con: duckdb.DuckDBPyConnection, come: Arrivals, work: Path) -> None:
        """Mapping SQL is the bank's: from here on nothing but the inputs and what Terrace itself keeps can be read, and no
        setting can be changed."""
        files = literals(str(file.path) for name in sorted(come.files) for file in come.files[name])
        folders = [folder_of(self.root), self.root / "canonical", work]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        con.execute(f"SET allowed_paths = [{files}]")
        con.execute(f"SET allowed_directories = [{literals(str(folder) for folder in folders)}]")
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")

    def _map(self, come: Arrivals, part: Part, asked: Asked) -> tuple[dict[str, Mapped], dict[str, TableKept]]:
        """Every table's mapping, its new rows kept under `landed/` and its relations `new_T`, `stored_T`, `gone_T` made."""
        names = self.settings.tables
        order = sorted(names, key=lambda name: name != "transactions")  # the longest work first
        works = {f"map {name}": partial(self._map_table, name, come, part, asked) for name in order}
        found = beside(part.con, works, part.lanes, self.say)
        return {name: found[f"map {name}"][0] for name in names}, {name: found[f"map {name}"][1] for name in names}

    def _map_table(
        self, name: str, come: Arrivals, part: Part, asked: Asked, con: duckdb.DuckDBPyConnection
    ) -> tuple[Mapped, TableKept]:
        how, before, part = self.settings.tables[name], self.kept.tables.get(name) if self.kept else None, part.on(con)
        if name not in come.tables:
            assert before is not None
            again = read_again(con, self.root, name, before)
            part.stored(name)
            return again, before
        one = self.settings.inputs.get(str(how.from_))
        is_view = one is not None and as_landed(one).format == "parquet" and one.delivery != "full"
        compared = bool(compared_inputs(con, how, self.settings.inputs))
        with readable(name):
            parquet = is_view and bool(come.files.get(str(how.from_)))
            read = map_table(con, name, how, asked.minor_digits, parquet=parquet, compared=compared)
            taken_back, whole = come.replaced.get(str(how.from_), ()), come.tables[name] == "whole"
            return keep_rows(con, self.root, read, before, self.intake, part, whole, taken_back)

    def _newest(
        self,
        tables: Mapping[str, TableKept],
        followed: Followed | None,
        pieces: tuple[Piece, ...],
        landed: Mapping[str, Landed],
    ) -> dt.date | None:
        """The last business date with every required source delivered."""
        if self.settings.gates.newest is not None:
            return self.settings.gates.newest
        dates = []
        for name in self.settings.gates.fresh:
            days = tables[name].days if name in tables else followed.derived_days if followed else {}
            dates.append(max(days, default=None))
        for name, spec in self.settings.inputs.items():
            if spec.dated and spec.required:
                last = max((p.on for p in pieces if p.input == name and p.on), default=landed[name].last_on)
                if last is not None or not spec.dated.first_load:
                    dates.append(last)
        known = [day for day in dates if day is not None]
        return min(known) if known and len(known) == len(dates) else None

    def _totals(self, pieces: tuple[Piece, ...], landed: Mapping[str, Landed]) -> dict[str, Landed]:
        """Each input as all intakes together have read it."""
        totals = {}
        for name, spec in self.settings.inputs.items():
            of = [piece for piece in pieces if piece.input == name]
            if spec.delivery == "full":
                totals[name] = landed[name]
                continue
            blanks = {c: sum(p.blanks.get(c, 0) for p in of) for c in sorted({c for p in of for c in p.blanks})}
            rows, aside, garbled = sum(p.rows for p in of), sum(p.unreadable for p in of), sum(p.garbled for p in of)
            totals[name] = Landed(name, rows, aside, garbled, blanks)
        return totals

    def _keep_histories(self, con: duckdb.DuckDBPyConnection) -> None:
        """Only what has passed the gates is what the next day's full files are held against."""
        for name, days in self.days.items():
            if days != self.histories[name].days:
                keep_history(con, self.histories[name], days)


def as_landed(spec: Input) -> Input:
    """A database's table is landed as Parquet and is a Parquet input from there."""
    return spec.model_copy(update={"format": "parquet"}) if spec.database else spec
