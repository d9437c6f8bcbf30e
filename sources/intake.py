"""From what the bank delivers to canonical tables: landed, mapped, checked, written; nothing changed, nothing done."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from babel.core import UnknownLocaleError
from babel.numbers import get_currency_precision

from sources.balances import RunningCheck, check_running, derive_balances
from sources.canonical import Canonical, open_canonical, write_canonical
from sources.checking import check_settings
from sources.contract import Checked, check_table, in_order, life_table
from sources.database import database_columns, fetch
from sources.delivery import Delivered, Delivery, deliveries, paths_of
from sources.gates import gates
from sources.landing import Landed, columns_of, empty, land
from sources.mapping import Mapped, map_table
from sources.quality import (
    InputSeen,
    QualityReport,
    TableSeen,
    input_findings,
    running_findings,
    table_findings,
    waiver_for,
    with_waivers,
)
from sources.quarantine import write_quarantine
from sources.settings import Input, SourceSettings
from sources.sqltext import literals, one
from sources.tables import TABLES
from store.errors import GateBroken
from store.files import fresh_folder, read_json, write_json, write_parquet
from store.fingerprint import of_code, of_json

Progress = Callable[[str, int, int], None]
Places = Mapping[tuple[str | int, ...], str]


def take_in(settings: SourceSettings, root: Path, base: Path, bank: str, currency: str, *, expected: dt.date | None = None,
            country: str = "", places: Places | None = None, memory_limit: str = "2GB", threads: int = 2,
            progress: Progress | None = None) -> Canonical:
    """The bank's canonical tables under `root`, taken in anew where an input, the settings or the code have changed.

    `base`: the folder that paths of the settings start from. `expected`: the business date that must be there. `country`:
    whose holidays are rest days. `places`: key path within the section -> file:line, for messages. Writes
    quality/report.json and quarantine/ before it raises GateBroken; the tables in force stay as they were then.
    Raises ConfigError, DataNotArrived, GateBroken.
    """
    say = progress or (lambda what, done, total: None)
    digits = _minor_digits(currency)
    there = _unchanged(settings, root, base, bank, currency)
    if there is not None:
        _ask_fresh(there.manifest.newest_business_date, expected)
        return there
    look = duckdb.connect(config=_CLOSED)
    columns = {name: columns_of(look, name, spec, paths_of(base, spec)) if spec.files else database_columns(name, spec, base, settings)
               for name, spec in settings.inputs.items()}
    look.close()
    check_settings(settings, columns, digits, places or {})
    say("look for files", 0, 1)
    found = _delivered(settings, root, base, say)
    job = _Job(settings, root, bank, currency, digits, say)
    work = fresh_folder(root / "work")
    try:
        return job.run(found, {name: have or {} for name, have in columns.items()}, work, expected, country,
                       {"memory_limit": memory_limit, "threads": str(threads), "temp_directory": str(work / "spill")})
    finally:
        shutil.rmtree(work, ignore_errors=True)


def read_report(root: Path) -> QualityReport:
    """The quality report of the last intake under `root`."""
    return QualityReport.model_validate(read_json(root / "quality" / "report.json"))


_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "python_enable_replacements": "false",
    "preserve_insertion_order": "false"}


@dataclass
class _Job:
    """One intake under way."""

    settings: SourceSettings
    root: Path
    bank: str
    currency: str
    digits: int
    say: Progress

    def run(self, found: Mapping[str, Delivery], columns: Mapping[str, Mapping[str, str]], work: Path,
            expected: dt.date | None, country: str, limits: Mapping[str, str]) -> Canonical:
        database = str(work / "intake.duckdb")
        config = _CLOSED | dict(limits)
        con = duckdb.connect(database, config=config)
        landed = self._land(con, found, columns, work)
        con.close()
        con = duckdb.connect(database, config=config)
        try:
            mapped = self._map(con, found)
            checked = self._check(con, mapped)
            relations = {name: f"clean_{name}" for name in checked}
            running = self._balances(con, checked, relations)
            newest = self._newest(con, found, checked)
            report = self._report(con, landed, mapped, checked, running, relations, newest, expected, country)
            if report.broken_gates or newest is None:
                raise _broken(report)
            self.say("write tables", 0, 1)
            return write_canonical(
                con, self.root / "canonical", relations, bank=self.bank, currency=self.currency, buckets=self.settings.buckets,
                newest=newest, inputs=_fingerprints(found), code_hash=_code_hash(),
                config_hash=_config_hash(self.settings, self.bank, self.currency),
                undated={name: how.undated for name, how in self.settings.tables.items() if how.undated})
        finally:
            con.close()

    def _land(self, con: duckdb.DuckDBPyConnection, found: Mapping[str, Delivery], columns: Mapping[str, Mapping[str, str]],
              work: Path) -> dict[str, Landed]:
        landed = {}
        for number, (name, spec) in enumerate(self.settings.inputs.items()):
            self.say(f"read {name}", number, len(self.settings.inputs))
            come = name in found and found[name].files
            landed[name] = land(con, found[name], _as_landed(spec), columns[name], work) if come else empty(con, name, columns[name])
        return landed

    def _map(self, con: duckdb.DuckDBPyConnection, found: Mapping[str, Delivery]) -> dict[str, Mapped]:
        """Mapping SQL is the bank's: from here on nothing but the inputs can be read and no setting can be changed."""
        views = {name for name, spec in self.settings.inputs.items() if _as_landed(spec).format == "parquet" and name in found
                 and found[name].files}
        files = literals(str(file.path) for name in sorted(views) for file in found[name].files)
        con.execute(f"SET allowed_paths = [{files}]")
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        mapped = {}
        for number, (name, how) in enumerate(self.settings.tables.items()):
            self.say(f"map {name}", number, len(self.settings.tables))
            mapped[name] = map_table(con, name, how, self.digits, parquet=how.from_ in views)
        return mapped

    def _check(self, con: duckdb.DuckDBPyConnection, mapped: Mapping[str, Mapped]) -> dict[str, Checked]:
        checked: dict[str, Checked] = {}
        for number, name in enumerate(in_order(mapped)):
            self.say(f"check {name}", number, len(mapped))
            checked[name] = check_table(con, mapped[name], self.settings.checks, self.currency, set(checked))
            if name in ("accounts", "loans"):
                life_table(con, name, checked[name].columns)
        return checked

    def _balances(self, con: duckdb.DuckDBPyConnection, checked: Mapping[str, Checked], relations: dict[str, str]
                  ) -> RunningCheck | None:
        transactions = checked.get("transactions")
        if transactions is None or "balance_after" not in transactions.columns or "accounts" not in checked:
            return None
        self.say("running balances", 0, 1)
        have = tuple(d[0] for d in con.execute("SELECT * FROM clean_transactions LIMIT 0").description or [])
        running = check_running(con, have, transactions.has_versions, self.settings.checks.balance_tolerance)
        if "day_order" not in transactions.columns:
            con.execute("CREATE VIEW ordered_transactions AS SELECT t.* EXCLUDE (_row), coalesce(d.day_order, 1) AS day_order"
                        " FROM numbered_transactions t LEFT JOIN day_orders d USING (_row)")
            relations["transactions"] = "ordered_transactions"
        if self.settings.derived.balances == "transactions":
            derive_balances(con)
            relations["balances"] = "derived_balances"
        return running

    def _newest(self, con: duckdb.DuckDBPyConnection, found: Mapping[str, Delivery], checked: Mapping[str, Checked]
                ) -> dt.date | None:
        """The last business date with every required source delivered."""
        if self.settings.gates.newest is not None:
            return self.settings.gates.newest
        dates = [one(con, f'SELECT max("{TABLES[name].event}") FROM clean_{name}')[0] for name in self.settings.gates.fresh
                 if name in checked]
        dates += [delivery.last_on for name, delivery in found.items() if self.settings.inputs[name].dated
                  and self.settings.inputs[name].required]
        return min(dates) if dates and None not in dates else None

    def _report(self, con: duckdb.DuckDBPyConnection, landed: Mapping[str, Landed], mapped: Mapping[str, Mapped],
                checked: Mapping[str, Checked], running: RunningCheck | None, relations: Mapping[str, str], newest: dt.date | None,
                expected: dt.date | None, country: str) -> QualityReport:
        self.say("quality report", 0, 1)
        findings = input_findings(landed.values())
        for name in mapped:
            findings += table_findings(con, mapped[name], checked[name])
        findings += running_findings(con, running) if running else []
        tried = gates(con, self.settings, landed, checked, relations, newest, expected, country, self.digits)
        waivers = self.settings.waivers
        used = [waiver_for(waivers, f.table, f.rule, f.column, f.count) for f in findings]
        used += [waiver_for(waivers, g.table, g.rule, "", on=newest) for g in tried if g.state == "waived"]
        report = QualityReport(
            bank=self.bank, newest_business_date=newest,
            inputs=tuple(InputSeen(name=i.name, rows=i.rows, unreadable=i.unreadable, garbled=i.garbled) for i in landed.values()),
            tables=tuple(TableSeen(table=c.table, source_rows=mapped[c.table].rows_in, rows_in=c.rows_in, kept=c.rows_kept,
                                   quarantined=c.rows_quarantined, copies=c.rows_copies) for c in checked.values()),
            findings=tuple(with_waivers(findings, waivers)), gates=tuple(tried),
            account_days=running.account_days if running else 0, inexact_days=running.inexact if running else 0,
            idle_waivers=tuple(f"{w.table} {w.rule}: {w.reason}" for w in waivers if w not in used))
        write_json(self.root / "quality" / "report.json", report.model_dump(mode="json"))
        if running:
            breaks = con.sql('SELECT account_id, "on", opening, balance, gap FROM balance_breaks ORDER BY account_id, "on"')
            write_parquet(self.root / "quality" / "balance_breaks.parquet", breaks.to_arrow_table())
        write_quarantine(con, self.root / "quarantine", [(mapped[n], checked[n]) for n in mapped], landed.values())
        return report


def _as_landed(spec: Input) -> Input:
    """A database's table is landed as Parquet and is a Parquet input from there."""
    return spec.model_copy(update={"format": "parquet"}) if spec.database else spec


def _broken(report: QualityReport) -> GateBroken:
    said = "; ".join(f"{g.table}: {g.rule} {g.found}, expected {g.expected}" for g in report.broken_gates)
    return GateBroken(said, where=report.bank, do="see quality/report.json and quarantine/; a known gap is waived in the bank file")


def _ask_fresh(newest: dt.date, expected: dt.date | None) -> None:
    if expected is not None and newest < expected:
        raise GateBroken(f"the data goes to {newest}", where="fresh", expected=f"{expected} or later",
                         do="wait for the delivery, or ask for the date that is there")


def _delivered(settings: SourceSettings, root: Path, base: Path, say: Progress) -> dict[str, Delivery]:
    """Every input's files; tables of databases are fetched and landed first."""
    found = deliveries(settings.inputs, base)
    for name, spec in settings.inputs.items():
        if spec.database is not None:
            say(f"fetch {name}", 0, 1)
            path, sha256 = fetch(name, spec, list(database_columns(name, spec, base, settings)), base, root / "landed")
            found[name] = Delivery(name, (Delivered(path, sha256),), sha256)
    return found


def _unchanged(settings: SourceSettings, root: Path, base: Path, bank: str, currency: str) -> Canonical | None:
    """The tables in force, where settings, code and every input are those they were made of."""
    if not (root / "canonical" / "manifest.json").exists() or not (root / "quality" / "report.json").exists():
        return None
    there = open_canonical(root / "canonical")
    if (there.manifest.config_hash, there.manifest.code_hash) != (_config_hash(settings, bank, currency), _code_hash()):
        return None
    found = _delivered(settings, root, base, lambda what, done, total: None)
    return there if there.manifest.inputs == _fingerprints(found) else None


def _fingerprints(found: Mapping[str, Delivery]) -> dict[str, str]:
    return {name: found[name].fingerprint for name in sorted(found)}


def _code_hash() -> str:
    return of_code([Path(__file__).parent])


def _config_hash(settings: SourceSettings, bank: str, currency: str) -> str:
    """What the settings say, without the addresses and passwords of databases."""
    content = settings.model_dump(mode="json", exclude={"inputs": {name: {"uri"} for name in settings.inputs}})
    return of_json([content, bank, currency])


def _minor_digits(currency: str) -> int:
    try:
        return get_currency_precision(currency)
    except UnknownLocaleError:
        return 2
