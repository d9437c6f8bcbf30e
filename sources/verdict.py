"""What is said of an intake before it may count: every finding, gate and waiver, written down whatever they say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sources.balances import RunningCheck
from sources.contract import Checked
from sources.gates import Asked, gates
from sources.landing import Landed
from sources.mapping import Mapped
from sources.quality import (
    DaySeen,
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
from sources.settings import SourceSettings
from store.errors import GateBroken
from store.files import write_json, write_parquet


@dataclass(frozen=True)
class Intake:
    """What came, what it became, and what was found on the way."""

    landed: Mapping[str, Landed]
    mapped: Mapping[str, Mapped]
    checked: Mapping[str, Checked]
    relations: Mapping[str, str]
    running: RunningCheck | None
    newest: dt.date | None


def quality_report(
    con: duckdb.DuckDBPyConnection, settings: SourceSettings, bank: str, intake: Intake, asked: Asked
) -> QualityReport:
    """The report of an intake."""
    findings = input_findings(intake.landed.values())
    for name in intake.mapped:
        findings += table_findings(con, intake.mapped[name], intake.checked[name])
    findings += running_findings(con, intake.running) if intake.running else []
    tried = gates(con, settings, intake.landed, intake.checked, intake.relations, intake.newest, asked)
    waivers = settings.waivers
    used = [waiver_for(waivers, f.table, f.rule, f.column, f.count) for f in findings]
    used += [waiver_for(waivers, g.table, g.rule, "", on=g.on or intake.newest) for g in tried if g.state == "waived"]
    return QualityReport(
        bank=bank,
        newest_business_date=intake.newest,
        inputs=tuple(
            InputSeen(name=i.name, rows=i.rows, unreadable=i.unreadable, garbled=i.garbled) for i in intake.landed.values()
        ),
        days=tuple(
            DaySeen(input=i.name, on=d.on, rows=d.rows, new=d.new, changed=d.changed, gone=d.gone)
            for i in intake.landed.values()
            for d in i.compared
        ),
        tables=tuple(
            TableSeen(
                table=c.table,
                source_rows=intake.mapped[c.table].rows_in,
                rows_in=c.rows_in,
                kept=c.rows_kept,
                quarantined=c.rows_quarantined,
                copies=c.rows_copies,
            )
            for c in intake.checked.values()
        ),
        findings=tuple(with_waivers(findings, waivers)),
        gates=tuple(tried),
        account_days=intake.running.account_days if intake.running else 0,
        inexact_days=intake.running.inexact if intake.running else 0,
        idle_waivers=tuple(f"{w.table} {w.rule}: {w.reason}" for w in waivers if w not in used),
    )


def write_verdict(con: duckdb.DuckDBPyConnection, root: Path, intake: Intake, report: QualityReport) -> None:
    """Write quality/ and quarantine/ under `root`. Raises GateBroken where the report has a broken gate or no date."""
    write_json(root / "quality" / "report.json", report.model_dump(mode="json"))
    if intake.running:
        breaks = con.sql('SELECT account_id, "on", opening, balance, gap FROM balance_breaks ORDER BY account_id, "on"')
        write_parquet(root / "quality" / "balance_breaks.parquet", breaks.to_arrow_table())
    pairs = [(intake.mapped[name], intake.checked[name]) for name in intake.mapped]
    write_quarantine(con, root / "quarantine", pairs, intake.landed.values())
    if report.broken_gates or report.newest_business_date is None:
        said = "; ".join(f"{g.table}: {g.rule} {g.found}, expected {g.expected}" for g in report.broken_gates)
        do = "see quality/report.json and quarantine/; a known gap is waived in the bank file"
        if any(gate.rule == "gone" for gate in report.broken_gates):
            do = (
                "have the full file sent again, or move it out of the folder; if those rows did leave, waive `gone` of that"
                " input with `on`, its day"
            )
        raise GateBroken(said, where=report.bank, do=do)
