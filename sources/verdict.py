"""What is said of an intake before it may count: every finding, gate and waiver, written down whatever they say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sources.contract import Checked
from sources.followed import Followed
from sources.gates import ENOUGH_ROWS, Asked, Judged, Share, gates
from sources.landed import ROWS, File, State, TableKept, copy, rows_of
from sources.landing import Landed
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
from sources.sqltext import ident, literal, number
from store.errors import GateBroken
from store.files import write_json, write_parquet


@dataclass(frozen=True)
class Intake:
    """What came, what it became, and what was found on the way."""

    landed: Mapping[str, Landed]  # of this intake
    totals: Mapping[str, Landed]  # of all
    tables: Mapping[str, TableKept]  # of all
    checked: Mapping[str, Checked]  # of the rows looked at
    followed: Followed | None
    newest: dt.date | None
    number: int
    goes_on: bool  # earlier intakes are in force


def quality_report(
    con: duckdb.DuckDBPyConnection, settings: SourceSettings, bank: str, intake: Intake, asked: Asked
) -> QualityReport:
    """The report of an intake: totals of everything, and gates that judge what it brought."""
    running = intake.followed.check if intake.followed else None
    findings = input_findings(intake.totals.values())
    for name in settings.tables:
        findings += table_findings(con, name, intake.tables[name])
    findings += running_findings(con, running) if running else []
    tried = gates(settings, _judged(con, intake), intake.newest, asked)
    waivers = settings.waivers
    used = [waiver_for(waivers, f.table, f.rule, f.column, f.count) for f in findings]
    used += [waiver_for(waivers, g.table, g.rule, "", on=g.on or intake.newest) for g in tried if g.state == "waived"]
    return QualityReport(
        bank=bank,
        newest_business_date=intake.newest,
        inputs=tuple(
            InputSeen(name=i.name, rows=i.rows, unreadable=i.unreadable, garbled=i.garbled) for i in intake.totals.values()
        ),
        days=tuple(
            DaySeen(input=i.name, on=d.on, rows=d.rows, new=d.new, changed=d.changed, gone=d.gone)
            for i in intake.landed.values()
            for d in i.compared
        ),
        tables=tuple(
            TableSeen(
                table=name,
                source_rows=kept.source_rows,
                rows_in=kept.rows,
                kept=kept.rows - kept.quarantined - kept.copies,
                quarantined=kept.quarantined,
                copies=kept.copies,
            )
            for name, kept in ((name, intake.tables[name]) for name in intake.checked)
        ),
        findings=tuple(with_waivers(findings, waivers)),
        gates=tuple(tried),
        account_days=running.account_days if running else 0,
        inexact_days=running.inexact if running else 0,
        idle_waivers=tuple(f"{w.table} {w.rule}: {w.reason}" for w in waivers if w not in used),
    )


def _judged(con: duckdb.DuckDBPyConnection, intake: Intake) -> Judged:
    """What the gates look at: the files and rows of this intake, where they are enough to tell a share by, else all."""
    inputs, tables, start = [], [], intake.number << ROWS
    for name, total in intake.totals.items():
        now = intake.landed[name]
        inputs.append(now if now.compared or now.rows + now.unreadable >= ENOUGH_ROWS else total)
    for name in intake.checked:
        kept = intake.tables[name]
        rows, out, since = kept.rows, kept.quarantined, 0
        if intake.goes_on and (come := number(con, f"SELECT count(*) FROM new_{name}")) >= ENOUGH_ROWS:
            rows, since = come, start
            out = number(con, f"SELECT count(*) FROM now_{name} WHERE out AND _row >= {start}")
        conflicting = number(
            con,
            f"SELECT count(*) FROM (SELECT unnest(rules) AS label FROM now_{name} WHERE _row >= {since})"
            " WHERE starts_with(label, 'key:')",
        )
        tables.append(Share(name, rows, out, conflicting))
    days = {name: kept.days for name, kept in intake.tables.items()}
    if intake.followed:
        days.setdefault("balances", intake.followed.derived_days)
    totals = {name: (kept.rows, kept.sums) for name, kept in intake.tables.items()}
    return Judged(tuple(inputs), tuple(tables), days, totals)


def write_verdict(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    intake: Intake,
    report: QualityReport,
    files: Collection[tuple[str, str]],
    kept: State | None,
) -> File | None:
    """Write quality/ and quarantine/ under `root`; the file of all unreadable lines, of `files` (input, name) in force.

    Raises GateBroken where the report has a broken gate or no date.
    """
    write_json(root / "quality" / "report.json", report.model_dump(mode="json"))
    if intake.followed:
        breaks = con.sql('SELECT account_id, "on", opening, balance, gap FROM all_breaks ORDER BY account_id, "on"')
        write_parquet(root / "quality" / "balance_breaks.parquet", breaks.to_arrow_table())
    lines = keep_lines(con, root, intake, files, kept)
    relations = {
        name: f"(FROM all_lines WHERE input = {literal(name)})" for name, total in intake.totals.items() if total.unreadable
    }
    write_quarantine(con, root / "quarantine", intake.tables, relations)
    if report.broken_gates or report.newest_business_date is None:
        said = "; ".join(f"{g.table}: {g.rule} {g.found}, expected {g.expected}" for g in report.broken_gates)
        do = "see quality/report.json and quarantine/; a known gap is waived in the bank file"
        if any(gate.rule == "gone" for gate in report.broken_gates):
            do = (
                "have the full file sent again, or move it out of the folder; if those rows did leave, waive `gone` of that"
                " input with `on`, its day"
            )
        raise GateBroken(said, where=report.bank, do=do)
    return lines


def keep_lines(
    con: duckdb.DuckDBPyConnection, root: Path, intake: Intake, files: Collection[tuple[str, str]], kept: State | None
) -> File | None:
    """`all_lines` (input, file, line, text, error): lines of all intakes that could not be read; kept as a file."""
    con.execute("CREATE TABLE all_lines (input VARCHAR, file VARCHAR, line BIGINT, text VARCHAR, error VARCHAR)")
    before = kept.lines if kept else None
    read = {(name, seen.file.path.name) for name, now in intake.landed.items() for seen in now.files}
    if before:
        con.execute(f"INSERT INTO all_lines FROM {rows_of(root, [before])}")
        for name, file in con.execute("SELECT DISTINCT input, file FROM all_lines").fetchall():
            if (name, file) in read or (name, file) not in files:
                con.execute("DELETE FROM all_lines WHERE input = ? AND file = ?", [name, file])
    new = [name for name, now in intake.landed.items() if now.unreadable]
    for name in new:
        con.execute(f"INSERT INTO all_lines SELECT {literal(name)}, * FROM {ident('unreadable_' + name)}")
    if not number(con, "SELECT count(*) FROM all_lines"):
        return None
    return copy(con, root, "SELECT * FROM all_lines ORDER BY ALL", f"lines-{intake.number}")
