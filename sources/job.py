"""One intake under way: landed, mapped, checked, judged by the gates, written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from sources.arrivals import Arrivals, arrivals
from sources.balances import check_running, derive_balances
from sources.canonical import Canonical, CanonicalManifest, TableState
from sources.change import write_change
from sources.comparison import land_full
from sources.connection import connect
from sources.contract import Checked, check_table, in_order, last_usual
from sources.delivery import Delivery
from sources.followed import Followed
from sources.gates import Asked
from sources.history import Day, History, keep_history
from sources.identity import merged_roots
from sources.inventory import Counts
from sources.keeping import TableSums, keep_rows, keep_table, read_again, with_pieces
from sources.landed import Piece, State, TableKept, folder_of, write_state
from sources.landing import Landed, empty, land
from sources.mapping import Mapped, map_table
from sources.overwrite import write_canonical
from sources.part import Part
from sources.settings import Input, SourceSettings
from sources.sqltext import literals
from sources.statement import first_sentence
from sources.verdict import Intake, quality_report, write_verdict
from sources.versions import compared_inputs
from sources.written import buckets_for
from store.errors import ConfigError, DataNotArrived
from store.files import fresh_folder
from store.limits import USUAL, Limits

Progress = Callable[[str, int, int], None]

_LARGE = 2_000_000  # rows
_MOST = ("transactions", "balances")  # tables with most of the rows

CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "preserve_insertion_order": "false",
}


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

    def run(
        self,
        found: Mapping[str, Delivery],
        columns: Mapping[str, Mapping[str, str]],
        work: Path,
        asked: Asked,
    ) -> Canonical:
        with closing(self._connection(work)) as con:
            before = self.there.manifest.inputs if self.there else {}
            come = arrivals(con, self.settings, found, before, self.kept)
            landed = self._land(con, come, found, columns, work)
        with closing(self._connection(work)) as con:
            self._lock(con, come, work)
            part = Part(con, self.root, self.kept)
            mapped, files = self._map(con, come, part, asked)
            pieces = with_pieces(come, landed, self.intake)
            tables = self._check(con, part, mapped, files)
            followed = self._follow(con, part)
            newest = self._newest(tables, followed, pieces, landed)
            self.say("quality report", 0, 1)
            totals = self._totals(pieces, landed)
            intake = Intake(landed, totals, tables, part.done, followed, newest, self.intake, self.kept is not None)
            report = quality_report(con, self.settings, self.bank, intake, asked)
            lines = write_verdict(con, self.root, intake, report, {(p.input, p.name) for p in pieces}, self.kept)
            _still_there(found)
            assert newest is not None
            state = State(intake=self.intake, pieces=pieces, lines=lines, running=followed.kept if followed else None)
            return self._write(con, part, found, tables, followed, newest, state)

    def _connection(self, work: Path) -> duckdb.DuckDBPyConnection:
        return connect(self.limits, work / "spill", database=str(work / "intake.duckdb"), more=CLOSED)

    @property
    def intake(self) -> int:
        """This intake's number."""
        return self.there.manifest.intake + 1 if self.there else 1

    def _land(
        self,
        con: duckdb.DuckDBPyConnection,
        come: Arrivals,
        found: Mapping[str, Delivery],
        columns: Mapping[str, Mapping[str, str]],
        work: Path,
    ) -> dict[str, Landed]:
        """What has to be read, as relations of the inputs' names; those with nothing new are empty."""
        landed = {}
        for place, (name, spec) in enumerate(self.settings.inputs.items()):
            self.say(f"read {name}", place, len(self.settings.inputs))
            if spec.delivery == "full" and (self.kept is None or name in come.files):
                delivery = found.get(name, Delivery(name, (), ""))
                landed[name], self.days[name] = land_full(
                    con, delivery, as_landed(spec), columns[name], work, self.histories[name]
                )
            elif spec.delivery == "full":
                landed[name] = replace(
                    empty(con, name, columns[name]), last_on=max(self.histories[name].contents(), default=None)
                )
            elif come.files.get(name):
                landed[name] = land(con, replace(found[name], files=come.files[name]), as_landed(spec), columns[name], work)
            else:
                landed[name] = empty(con, name, columns[name])
        return landed

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

    def _map(
        self, con: duckdb.DuckDBPyConnection, come: Arrivals, part: Part, asked: Asked
    ) -> tuple[dict[str, Mapped], dict[str, TableKept]]:
        """Every table's mapping, its new rows kept under `landed/` and its relations `new_T`, `stored_T`, `gone_T` made."""
        views = {
            n for n, spec in self.settings.inputs.items() if as_landed(spec).format == "parquet" and spec.delivery != "full"
        }
        mapped, kept = {}, {}
        for place, (name, how) in enumerate(self.settings.tables.items()):
            before = self.kept.tables.get(name) if self.kept else None
            if name not in come.tables:
                assert before is not None
                mapped[name], kept[name] = read_again(con, self.root, name, before), before
                part.stored(name)
                continue
            self.say(f"map {name}", place, len(self.settings.tables))
            compared = bool(compared_inputs(con, how, self.settings.inputs))
            parquet = how.from_ in views and bool(come.files.get(str(how.from_)))
            with _readable(name):
                read = map_table(con, name, how, asked.minor_digits, parquet=parquet, compared=compared)
                taken_back, whole = come.replaced.get(str(how.from_), ()), come.tables[name] == "whole"
                mapped[name], kept[name] = keep_rows(con, self.root, read, before, self.intake, part, whole, taken_back)
        return mapped, kept

    def _check(
        self,
        con: duckdb.DuckDBPyConnection,
        part: Part,
        mapped: Mapping[str, Mapped],
        files: Mapping[str, TableKept],
    ) -> dict[str, TableKept]:
        """What is known of every table after its touched rows have been checked."""
        tables: dict[str, TableKept] = {}
        gates = self.settings.gates
        sums = {name: TableSums.of(con, mapped[name], files[name], gates, self.kept is None) for name in mapped}
        ahead = {
            n: last_usual(sums[n].mapped_days, self.settings.checks.ahead_days) if n in gates.fresh else None for n in mapped
        }
        aheads = {name: (files[name].ahead_after, ahead[name]) for name in mapped}
        for name, whose, checked in each_checked(
            con, part, mapped, self.settings, self.currency, aheads, self.say, anew=self.anew
        ):
            tables[name] = files[name]
            if checked is not None:
                goes_on, last = self.kept is not None, ahead[name]
                tables[name] = keep_table(
                    con, self.root, self.settings, whose, checked, files[name], sums[name], self.intake, last, goes_on
                )
        return {name: tables[name] for name in self.settings.tables}

    def _follow(self, con: duckdb.DuckDBPyConnection, part: Part) -> Followed | None:
        """Running balances, where the bank prints them."""
        if not runs(part.mapped):
            return None
        self.say("running balances", 0, 1)
        followed = Followed(con, self.root, part, self.settings, self.intake)
        follow(con, part, followed, self.settings)
        followed.after()
        if self.settings.derived.balances == "transactions":
            derive_balances(con, followed.kept.start)
        return followed

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

    def _write(
        self,
        con: duckdb.DuckDBPyConnection,
        part: Part,
        found: Mapping[str, Delivery],
        tables: Mapping[str, TableKept],
        followed: Followed | None,
        newest: dt.date,
        state: State,
    ) -> Canonical:
        self.say("write tables", 0, 1)
        for name, days in self.days.items():  # only what passed the gates is what the next day is held against
            if days != self.histories[name].days:
                keep_history(con, self.histories[name], days)
        relations = relations_of(part, self.settings)
        is_derived = relations.get("balances") == "derived_balances"
        counted = {name: kept.counts for name, kept in tables.items()}
        counts = {name: counted[name] for name in relations if name in counted}
        if is_derived:
            counts["balances"] = state_counts(self.kept)
        undated = {name: how.undated for name, how in self.settings.tables.items() if how.undated}

        def keep() -> None:
            kept = {name: table.model_copy(update={"counts": counts[name]}) for name, table in tables.items()}
            derived = counts["balances"] if is_derived else None
            write_state(self.root, state.model_copy(update={"tables": kept, "derived": derived}))

        if self.there is None:
            single = {name for name in relations if name in part.done and not part.done[name].has_versions}
            return write_canonical(
                con,
                self.root / "canonical",
                relations,
                bank=self.bank,
                currency=self.currency,
                buckets=self.settings.buckets or buckets_for(sum(tables[n].rows for n in _MOST if n in tables)),
                newest=newest,
                inputs=fingerprints(found),
                config_hash=self.hashes[0],
                code_hash=self.hashes[1],
                undated=undated,
                single=single,
                intake=self.intake,
                counts=counts,
                large=_large(tables, relations, self.root / "work"),
                before_manifest=keep,
                limits=self.limits,
                say=self.say,
            )
        there = self.there.manifest

        def manifest(states: dict[str, TableState]) -> CanonicalManifest:
            new = {"newest_business_date": newest, "inputs": fingerprints(found), "tables": states, "intake": self.intake}
            return there.model_copy(update=new)

        touched = {name: part.touched(name, relations[name]) for name in relations}
        return write_change(
            con,
            self.there,
            {name: rows for name, rows in touched.items() if rows is not None},
            part.owning(relations),
            manifest,
            counts,
            undated=undated,
            intake=self.intake,
            say=self.say,
            before_manifest=keep,
        )


def _large(tables: Mapping[str, TableKept], relations: Mapping[str, str], work: Path) -> dict[str, Path]:
    """Tables too large to be sorted in one go, and where to lay each down."""
    rows = {name: tables[name].rows if name in tables else tables["transactions"].rows for name in relations}
    return {name: fresh_folder(work / "sorted" / name) for name, count in rows.items() if count > _LARGE}


def state_counts(kept: State | None) -> Counts:
    """What the derived balances held."""
    return kept.derived if kept and kept.derived else Counts()


@contextmanager
def _readable(table: str) -> Iterator[None]:
    """A bank's own SQL that meets a value it cannot take is a mistake of the mapping, named as one."""
    try:
        yield
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        if "Failed to read file" in str(error) or "magic bytes" in str(error):  # a file is damaged, no value is strange
            raise
        raise ConfigError(
            first_sentence(str(error)),
            where=f"table {table}, its `select` or `where`",
            expected="SQL that takes every value the bank sends",
            do="use TRY_CAST and try_strptime there, or read the column under `columns`: then only that row is set aside",
        ) from None


def each_checked(
    con: duckdb.DuckDBPyConnection,
    part: Part,
    mapped: Mapping[str, Mapped],
    settings: SourceSettings,
    currency: str,
    aheads: Mapping[str, tuple[dt.date | None, dt.date | None]],
    say: Progress,
    *,
    anew: bool = False,
) -> Iterator[tuple[str, Mapped, Checked | None]]:
    """Check the touched rows of each table, those it refers to first; None where nothing of it is touched."""
    if "merges" not in mapped and part.kept is not None:
        part.note_merges({}, ())
    for place, name in enumerate(in_order(mapped)):
        say(f"check {name}", place, len(mapped))
        if name == "transactions":
            Followed.prepare(con, part.root, part, settings, anew=anew)
        with _readable(name):
            known, checked = set(part.done), None
            whose = part.gather(name, mapped[name], aheads[name], running=runs(mapped))
            if name not in part.still:
                checked = check_table(con, whose, settings.checks, currency, known, last=aheads[name][1])
                part.checked(name, checked)
        if name == "merges" and part.kept is not None:
            _note_merges(con, part)
        yield name, whose, checked


def runs(mapped: Mapping[str, Mapped]) -> bool:
    """Whether printed balances can be followed."""
    return "accounts" in mapped and "transactions" in mapped and "balance_after" in mapped["transactions"].columns


def _note_merges(con: duckdb.DuckDBPyConnection, part: Part) -> None:
    """Which numbers are of one set, merges that are no longer told included, and which sets a merge has changed."""
    pairs = con.execute("SELECT DISTINCT old_id, new_id FROM (FROM all_merges UNION ALL BY NAME FROM before_merges)").fetchall()
    changed = con.execute(
        "SELECT DISTINCT old_id FROM ((FROM clean_merges EXCEPT SELECT * EXCLUDE (_row) FROM before_merges) UNION ALL"
        " (SELECT * EXCLUDE (_row) FROM before_merges EXCEPT FROM clean_merges))"
    ).fetchall()
    sets = merged_roots(pairs)
    part.note_merges(sets, {sets[row[0]] for row in changed})


def follow(con: duckdb.DuckDBPyConnection, part: Part, followed: Followed, settings: SourceSettings) -> None:
    """Chain the printed balances of the touched accounts; makes `ordered_transactions` where the bank has no order."""
    transactions = part.done["transactions"]
    have = tuple(d[0] for d in con.execute("SELECT * FROM clean_transactions LIMIT 0").description or [])
    followed.before()
    check_running(con, have, transactions.has_versions, settings.checks.balance_tolerance)
    if "day_order" not in transactions.columns:
        con.execute(
            "CREATE VIEW ordered_transactions AS SELECT t.* EXCLUDE (_row), coalesce(d.day_order, 1) AS day_order"
            " FROM numbered_transactions t LEFT JOIN day_orders d USING (_row)"
        )


def relations_of(part: Part, settings: SourceSettings) -> dict[str, str]:
    """Table -> relation of its touched rows, as they are to be written."""
    relations = {name: f"clean_{name}" for name in part.done}
    if runs(part.mapped) and "day_order" not in part.done["transactions"].columns:
        relations["transactions"] = "ordered_transactions"
    if runs(part.mapped) and settings.derived.balances == "transactions":
        relations["balances"] = "derived_balances"
    return relations


def as_landed(spec: Input) -> Input:
    """A database's table is landed as Parquet and is a Parquet input from there."""
    return spec.model_copy(update={"format": "parquet"}) if spec.database else spec


def _still_there(found: Mapping[str, Delivery]) -> None:
    """A file that was replaced while it was being read is a delivery that has not finished."""
    for name, delivery in found.items():
        for file in delivery.files:
            if not file.is_unchanged():
                raise DataNotArrived(
                    f"{file.path.name} changed while it was being read",
                    where=f"input {name}",
                    expected="a finished delivery",
                    do="run again; let the sender write under another name and rename",
                )


def fingerprints(found: Mapping[str, Delivery]) -> dict[str, str]:
    """Input -> content hash."""
    return {name: found[name].fingerprint for name in sorted(found)}
