"""What a data steward is told: per input, table and rule how much is wrong, with examples, and which gates hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import duckdb
from pydantic import BaseModel, ConfigDict

from sources.balances import RunningCheck
from sources.contract import Checked
from sources.landing import Landed
from sources.mapping import Mapped
from sources.settings import Waiver
from sources.sqltext import ident, literal
from sources.tables import TABLES

if TYPE_CHECKING:
    from sources.landed import TableKept


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True)


class InputSeen(_Said):
    """One input: rows read, lines set aside, rows with broken bytes."""

    name: str
    rows: int
    unreadable: int
    garbled: int


class DaySeen(_Said):
    """One day's full file of an input and what it changed; counts are of keys."""

    input: str
    on: dt.date
    rows: int
    new: int
    changed: int
    gone: int


class TableSeen(_Said):
    """One canonical table. rows_in == kept + quarantined + copies."""

    table: str
    source_rows: int  # before `where`
    rows_in: int
    kept: int
    quarantined: int
    copies: int  # exact copies of another row, dropped


class Finding(_Said):
    """One rule of one table and the rows that break it."""

    table: str
    rule: str
    column: str
    action: Literal["quarantine", "null", "flag"]
    count: int
    of: int
    examples: tuple[str, ...] = ()
    waived: str = ""  # the waiver's reason

    @property
    def share(self) -> float:
        """Rows that break the rule, of all."""
        return self.count / self.of if self.of else 0.0


class Gate(_Said):
    """One condition a night needs."""

    rule: str
    table: str
    state: Literal["passed", "broken", "waived", "untried"]
    found: str
    expected: str
    reason: str = ""  # the waiver's reason, or why it could not be tried
    on: dt.date | None = None  # the day of the full file it is about


class QualityReport(_Said):
    """Everything `terrace check` says, as it stands in quality/report.json."""

    bank: str
    newest_business_date: dt.date | None
    inputs: tuple[InputSeen, ...]
    days: tuple[DaySeen, ...] = ()  # full files compared in this intake
    tables: tuple[TableSeen, ...]
    findings: tuple[Finding, ...]
    gates: tuple[Gate, ...]
    account_days: int = 0  # with a printed running balance
    inexact_days: int = 0  # of them, whose figures do not add up to the last unit
    idle_waivers: tuple[str, ...] = ()  # waivers nothing needed: take them out

    @property
    def broken_gates(self) -> tuple[Gate, ...]:
        """The gates that stop a night."""
        return tuple(gate for gate in self.gates if gate.state == "broken")


def input_findings(landed: Iterable[Landed]) -> list[Finding]:
    """What is wrong with files before any mapping: unreadable lines, broken bytes, blanks where there should be none."""
    found: list[Finding] = []
    for item in landed:
        lines = item.rows + item.unreadable
        if item.unreadable:
            found.append(
                Finding(table=item.name, rule="lines", column="", action="quarantine", count=item.unreadable, of=lines)
            )
        if item.garbled:
            found.append(Finding(table=item.name, rule="encoding", column="", action="flag", count=item.garbled, of=lines))
        found += _day_findings(item)
        blanks = sum(item.blanks.values())
        if blanks:
            column = "+".join(c for c, n in item.blanks.items() if n)
            found.append(
                Finding(table=item.name, rule="filled", column=column, action="flag", count=blanks, of=lines * len(item.blanks))
            )
    return found


def _day_findings(item: Landed) -> list[Finding]:
    """Full files that came late, again with other content, or twice word for word."""
    named = {note: tuple(f"{d.on}: {d.file}" for d in item.compared if d.note == note) for note in ("day_late", "day_resent")}
    days = len(item.compared)
    return [
        Finding(
            table=item.name, rule=rule, column="", action="flag", count=len(files), of=max(days, len(files)), examples=files[:3]
        )
        for rule, files in (*named.items(), ("day_twice", item.twice))
        if files
    ]


def examples_of(con: duckdb.DuckDBPyConnection, mapped: Mapped, checked: Checked) -> dict[str, list[str]]:
    """Rule and column -> up to three rows just read that break it: key and the value that stood in the source."""
    if not checked.broken:
        return {}
    spec, personal = TABLES[mapped.table], personal_columns(mapped)
    keys = [c for c in spec.key if c in mapped.columns]
    shown = " || ', ' || ".join(
        f"{literal(k + '=')} || coalesce({masked(f'm.{ident(k)}::VARCHAR', k in personal)}, '')" for k in keys
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _examples AS SELECT v._row, label, {shown} AS shown FROM"
        f" (SELECT _row, unnest(rules) AS label FROM verdict_{mapped.table}) v"
        f" JOIN {mapped.relation} m USING (_row) WHERE label IS NOT NULL"
        " QUALIFY row_number() OVER (PARTITION BY label ORDER BY shown, v._row) <= 3"
    )
    columns = sorted({c for b in checked.broken for c in b.column.split("+") if c in mapped.origin})
    values = ", ".join(f"{masked(f's.{ident(mapped.origin[c])}::VARCHAR', c in personal)} AS {ident(c)}" for c in columns)
    rows = con.execute(
        f"SELECT e.label, e.shown{', ' + values if values else ''} FROM _examples e"
        f" JOIN {mapped.source} s USING (_row) ORDER BY ALL"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for row in rows:
        column = row[0].partition(":")[2]
        place = columns.index(column) + 2 if column in columns else None
        found.setdefault(row[0], []).append(row[1] or "" if place is None else f"{row[1]}: {column}={row[place]!r}")
    return found


def table_findings(con: duckdb.DuckDBPyConnection, table: str, kept: TableKept) -> list[Finding]:
    """The broken rules of one table over all its rows."""
    counts = con.execute(
        f"SELECT label, count(*) FROM (SELECT unnest(rules) AS label FROM now_{table})"
        " WHERE label IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return [
        Finding(
            table=table,
            rule=label.partition(":")[0],
            column=label.partition(":")[2],
            action=kept.actions[label],
            count=count,
            of=kept.rows,
            examples=kept.examples.get(label, ()),
        )
        for label, count in counts
    ]


def running_findings(con: duckdb.DuckDBPyConnection, running: RunningCheck) -> list[Finding]:
    """Account-days whose movements do not add up to the printed balance, and closed accounts with money left."""
    found = []
    if running.breaks:
        rows = con.execute(
            'SELECT account_id, "on", gap FROM balance_breaks ORDER BY gap DESC, account_id, "on" LIMIT 3'
        ).fetchall()
        found.append(
            Finding(
                table="transactions",
                rule="balance",
                column="balance_after",
                action="flag",
                count=running.breaks,
                of=running.account_days,
                examples=tuple(f"account_id={a}, on={d}: {g} minor units" for a, d, g in rows),
            )
        )
    if running.unclosed:
        found.append(
            Finding(
                table="accounts", rule="unclosed", column="closed_on", action="flag", count=running.unclosed, of=running.closed
            )
        )
    return found


def with_waivers(findings: Sequence[Finding], waivers: Sequence[Waiver]) -> list[Finding]:
    """Findings with the reason of the waiver that covers them."""
    return [
        f.model_copy(update={"waived": w.reason}) if (w := waiver_for(waivers, f.table, f.rule, f.column, f.count)) else f
        for f in findings
    ]


def waiver_for(
    waivers: Sequence[Waiver], table: str, rule: str, column: str, count: int | None = None, on: dt.date | None = None
) -> Waiver | None:
    """The first waiver that covers so many rows of this rule of this table."""
    return next(
        (
            w
            for w in waivers
            if w.table == table
            and w.rule == rule
            and w.column in (None, column)
            and (w.on is None or on is None or w.on == on)
            and (w.at_most is None or count is None or count <= w.at_most)
        ),
        None,
    )


def personal_columns(mapped: Mapped) -> set[str]:
    """Canonical columns whose values are masked wherever they are shown."""
    return {c.name for c in TABLES[mapped.table].columns if c.personal}


def masked(value: str, personal: bool) -> str:
    """SQL for a value fit to be shown: the first character of a personal one, the last four digits of a long number."""
    if personal:
        return f"CASE WHEN {value} IS NULL THEN NULL ELSE substr({value}, 1, 1) || '***' END"
    return f"regexp_replace({value}, '^[0-9]{{11,}}([0-9]{{4}})$', '****\\1')"
