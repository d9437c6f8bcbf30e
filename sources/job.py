"""One intake under way: landed, mapped, checked, judged by the gates, written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sources.balances import RunningCheck, check_running, derive_balances
from sources.canonical import Canonical, write_canonical
from sources.contract import Checked, check_table, in_order, life_table
from sources.delivery import Delivery
from sources.gates import Calendar, gates
from sources.landing import Landed, empty, land
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
from sources.sqltext import literals, one, quiet
from sources.tables import TABLES
from store.errors import DataNotArrived, GateBroken
from store.files import write_json, write_parquet

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
    digits: int
    hashes: tuple[str, str]  # of the settings and of this room's code
    say: Progress

    def run(
        self,
        found: Mapping[str, Delivery],
        columns: Mapping[str, Mapping[str, str]],
        work: Path,
        expected: dt.date | None,
        calendar: Calendar,
        limits: Mapping[str, str],
    ) -> Canonical:
        database = str(work / "intake.duckdb")
        config = CLOSED | dict(limits)
        con = quiet(duckdb.connect(database, config=config))
        landed = self._land(con, found, columns, work)
        con.close()
        con = quiet(duckdb.connect(database, config=config))
        try:
            mapped = self._map(con, found)
            checked = self._check(con, mapped)
            relations = {name: f"clean_{name}" for name in checked}
            running = self._balances(con, checked, relations)
            newest = self._newest(con, found, checked)
            report = self._report(con, landed, mapped, checked, running, relations, newest, expected, calendar)
            if report.broken_gates or newest is None:
                raise _broken(report)
            _still_there(found)
            self.say("write tables", 0, 1)
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
            )
        finally:
            con.close()

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
            landed[name] = (
                land(con, found[name], as_landed(spec), columns[name], work) if come else empty(con, name, columns[name])
            )
        return landed

    def _map(self, con: duckdb.DuckDBPyConnection, found: Mapping[str, Delivery]) -> dict[str, Mapped]:
        """Mapping SQL is the bank's: from here on nothing but the inputs can be read and no setting can be changed."""
        views = {
            name
            for name, spec in self.settings.inputs.items()
            if as_landed(spec).format == "parquet" and name in found and found[name].files
        }
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
        self, con: duckdb.DuckDBPyConnection, found: Mapping[str, Delivery], checked: Mapping[str, Checked]
    ) -> dt.date | None:
        """The last business date with every required source delivered."""
        if self.settings.gates.newest is not None:
            return self.settings.gates.newest
        dates = [
            one(con, f'SELECT max("{TABLES[name].event}") FROM clean_{name}')[0]
            for name in self.settings.gates.fresh
            if name in checked
        ]
        dates += [
            delivery.last_on
            for name, delivery in found.items()
            if self.settings.inputs[name].dated and self.settings.inputs[name].required
        ]
        return min(dates) if dates and None not in dates else None

    def _report(
        self,
        con: duckdb.DuckDBPyConnection,
        landed: Mapping[str, Landed],
        mapped: Mapping[str, Mapped],
        checked: Mapping[str, Checked],
        running: RunningCheck | None,
        relations: Mapping[str, str],
        newest: dt.date | None,
        expected: dt.date | None,
        calendar: Calendar,
    ) -> QualityReport:
        self.say("quality report", 0, 1)
        findings = input_findings(landed.values())
        for name in mapped:
            findings += table_findings(con, mapped[name], checked[name])
        findings += running_findings(con, running) if running else []
        tried = gates(con, self.settings, landed, checked, relations, newest, expected, calendar, self.digits)
        waivers = self.settings.waivers
        used = [waiver_for(waivers, f.table, f.rule, f.column, f.count) for f in findings]
        used += [waiver_for(waivers, g.table, g.rule, "", on=newest) for g in tried if g.state == "waived"]
        report = QualityReport(
            bank=self.bank,
            newest_business_date=newest,
            inputs=tuple(
                InputSeen(name=i.name, rows=i.rows, unreadable=i.unreadable, garbled=i.garbled) for i in landed.values()
            ),
            tables=tuple(
                TableSeen(
                    table=c.table,
                    source_rows=mapped[c.table].rows_in,
                    rows_in=c.rows_in,
                    kept=c.rows_kept,
                    quarantined=c.rows_quarantined,
                    copies=c.rows_copies,
                )
                for c in checked.values()
            ),
            findings=tuple(with_waivers(findings, waivers)),
            gates=tuple(tried),
            account_days=running.account_days if running else 0,
            inexact_days=running.inexact if running else 0,
            idle_waivers=tuple(f"{w.table} {w.rule}: {w.reason}" for w in waivers if w not in used),
        )
        write_json(self.root / "quality" / "report.json", report.model_dump(mode="json"))
        if running:
            breaks = con.sql('SELECT account_id, "on", opening, balance, gap FROM balance_breaks ORDER BY account_id, "on"')
            write_parquet(self.root / "quality" / "balance_breaks.parquet", breaks.to_arrow_table())
        write_quarantine(con, self.root / "quarantine", [(mapped[n], checked[n]) for n in mapped], landed.values())
        return report


def as_landed(spec: Input) -> Input:
    """A database's table is landed as Parquet and is a Parquet input from there."""
    return spec.model_copy(update={"format": "parquet"}) if spec.database else spec


def _broken(report: QualityReport) -> GateBroken:
    said = "; ".join(f"{g.table}: {g.rule} {g.found}, expected {g.expected}" for g in report.broken_gates)
    return GateBroken(
        said, where=report.bank, do="see quality/report.json and quarantine/; a known gap is waived in the bank file"
    )


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
