"""One intake under way: landed, mapped, checked, judged by the gates, written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from sources.balances import RunningCheck, check_running, derive_balances
from sources.canonical import Canonical, write_canonical
from sources.comparison import land_full
from sources.contract import Checked, check_table, in_order, life_table
from sources.delivery import Delivery
from sources.gates import Asked
from sources.history import Day, History, keep_history
from sources.landing import Landed, empty, land
from sources.mapping import Mapped, map_table
from sources.settings import Input, SourceSettings
from sources.sqltext import literals, one, quiet
from sources.statement import first_sentence
from sources.tables import TABLES
from sources.verdict import Intake, quality_report, write_verdict
from sources.versions import compared_inputs
from store.errors import ConfigError, DataNotArrived

Progress = Callable[[str, int, int], None]

CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "preserve_insertion_order": "false",
}


@dataclass
class Job:
    """One intake under way."""

    settings: SourceSettings
    root: Path
    bank: str
    currency: str
    hashes: tuple[str, str]  # of the settings and of this room's code
    say: Progress
    histories: Mapping[str, History] = field(default_factory=dict)  # of inputs that are delivered in full
    days: dict[str, tuple[Day, ...]] = field(default_factory=dict)  # that they hold after this intake

    def run(
        self,
        found: Mapping[str, Delivery],
        columns: Mapping[str, Mapping[str, str]],
        work: Path,
        asked: Asked,
        limits: Mapping[str, str],
    ) -> Canonical:
        database = str(work / "intake.duckdb")
        config = CLOSED | dict(limits)
        with closing(quiet(duckdb.connect(database, config=config))) as con:
            landed = self._land(con, found, columns, work)
        with closing(quiet(duckdb.connect(database, config=config))) as con:
            mapped = self._map(con, found, asked)
            checked = self._check(con, mapped)
            relations = {name: f"clean_{name}" for name in checked}
            running = self._balances(con, checked, relations)
            newest = self._newest(con, landed, relations)
            self.say("quality report", 0, 1)
            intake = Intake(landed, mapped, checked, relations, running, newest)
            write_verdict(con, self.root, intake, quality_report(con, self.settings, self.bank, intake, asked))
            _still_there(found)
            assert newest is not None
            single = {name for name in relations if name in checked and not checked[name].has_versions}
            return self._write(con, found, relations, newest, single)

    def _write(
        self,
        con: duckdb.DuckDBPyConnection,
        found: Mapping[str, Delivery],
        relations: Mapping[str, str],
        newest: dt.date,
        single: Collection[str],
    ) -> Canonical:
        self.say("write tables", 0, 1)
        for name, days in self.days.items():  # only what passed the gates is what the next day is held against
            if days != self.histories[name].days:
                keep_history(con, self.histories[name], days)
        return write_canonical(
            con,
            self.root / "canonical",
            relations,
            bank=self.bank,
            currency=self.currency,
            buckets=self.settings.buckets,
            newest=newest,
            inputs=fingerprints(found),
            config_hash=self.hashes[0],
            code_hash=self.hashes[1],
            undated={name: how.undated for name, how in self.settings.tables.items() if how.undated},
            single=single,
        )

    def _land(
        self,
        con: duckdb.DuckDBPyConnection,
        found: Mapping[str, Delivery],
        columns: Mapping[str, Mapping[str, str]],
        work: Path,
    ) -> dict[str, Landed]:
        landed = {}
        for number, (name, spec) in enumerate(self.settings.inputs.items()):
            self.say(f"read {name}", number, len(self.settings.inputs))
            come = name in found and found[name].files
            if spec.delivery == "full":
                delivery = found.get(name, Delivery(name, (), ""))
                landed[name], self.days[name] = land_full(
                    con, delivery, as_landed(spec), columns[name], work, self.histories[name]
                )
            elif come:
                landed[name] = land(con, found[name], as_landed(spec), columns[name], work)
            else:
                landed[name] = empty(con, name, columns[name])
        return landed

    def _map(self, con: duckdb.DuckDBPyConnection, found: Mapping[str, Delivery], asked: Asked) -> dict[str, Mapped]:
        """Mapping SQL is the bank's: from here on nothing but the inputs can be read and no setting can be changed."""
        views = {
            name
            for name, spec in self.settings.inputs.items()
            if as_landed(spec).format == "parquet" and spec.delivery != "full" and name in found and found[name].files
        }
        files = literals(str(file.path) for name in sorted(views) for file in found[name].files)
        con.execute(f"SET allowed_paths = [{files}]")
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        mapped = {}
        for number, (name, how) in enumerate(self.settings.tables.items()):
            self.say(f"map {name}", number, len(self.settings.tables))
            compared = bool(compared_inputs(con, how, self.settings.inputs))
            with _readable(name):
                mapped[name] = map_table(con, name, how, asked.minor_digits, parquet=how.from_ in views, compared=compared)
        return mapped

    def _check(self, con: duckdb.DuckDBPyConnection, mapped: Mapping[str, Mapped]) -> dict[str, Checked]:
        checked: dict[str, Checked] = {}
        for number, name in enumerate(in_order(mapped)):
            self.say(f"check {name}", number, len(mapped))
            with _readable(name):
                checked[name] = check_table(
                    con,
                    mapped[name],
                    self.settings.checks,
                    self.currency,
                    set(checked),
                    tells_day=name in self.settings.gates.fresh,
                )
            if name in ("accounts", "loans"):
                life_table(con, name, checked[name].columns, mapped[name].knowing)
        return checked

    def _balances(
        self, con: duckdb.DuckDBPyConnection, checked: Mapping[str, Checked], relations: dict[str, str]
    ) -> RunningCheck | None:
        transactions = checked.get("transactions")
        if transactions is None or "balance_after" not in transactions.columns or "accounts" not in checked:
            return None
        self.say("running balances", 0, 1)
        have = tuple(d[0] for d in con.execute("SELECT * FROM clean_transactions LIMIT 0").description or [])
        running = check_running(con, have, transactions.has_versions, self.settings.checks.balance_tolerance)
        if "day_order" not in transactions.columns:
            con.execute(
                "CREATE VIEW ordered_transactions AS SELECT t.* EXCLUDE (_row), coalesce(d.day_order, 1) AS day_order"
                " FROM numbered_transactions t LEFT JOIN day_orders d USING (_row)"
            )
            relations["transactions"] = "ordered_transactions"
        if self.settings.derived.balances == "transactions":
            derive_balances(con)
            relations["balances"] = "derived_balances"
        return running

    def _newest(
        self, con: duckdb.DuckDBPyConnection, landed: Mapping[str, Landed], relations: Mapping[str, str]
    ) -> dt.date | None:
        """The last business date with every required source delivered."""
        if self.settings.gates.newest is not None:
            return self.settings.gates.newest
        dates = [
            one(con, f'SELECT max("{TABLES[name].event}") FROM {relations[name]}')[0] for name in self.settings.gates.fresh
        ]
        dates += [landed[name].last_on for name, spec in self.settings.inputs.items() if spec.dated and spec.required]
        return min(dates) if dates and None not in dates else None


@contextmanager
def _readable(table: str) -> Iterator[None]:
    """A bank's own SQL that meets a value it cannot take is a mistake of the mapping, named as one."""
    try:
        yield
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        raise ConfigError(
            first_sentence(str(error)),
            where=f"table {table}, its `select` or `where`",
            expected="SQL that takes every value the bank sends",
            do="use TRY_CAST and try_strptime there, or read the column under `columns`: then only that row is set aside",
        ) from None


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
