"""The quality report on a screen, in the bank's language: what a data steward is to mend, worst first."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from sources.advice import ACTIONS, ADVICE, GATES, STATES
from sources.quality import Finding, QualityReport

Translation = Callable[[str], str]
_STYLE = {
    "passed": "green",
    "broken": "bold red",
    "waived": "yellow",
    "untried": "dim",
    "quarantine": "red",
    "null": "yellow",
    "flag": "cyan",
}


def render(report: QualityReport, language: str = "en", translated: Translation = str) -> Group:
    """Tables, findings with what to do, gates and waivers, as one rich renderable; `translated` tells what gates found."""
    zh = language.startswith("zh")
    parts: list[RenderableType] = [_title(report, zh), _tables(report, zh)]
    if report.days:
        parts.append(_days(report, zh))
    if report.findings:
        parts.append(_findings(report, zh))
    parts.append(_gates(report, zh, translated))
    if report.account_days:
        exact = report.account_days - report.inexact_days
        parts.append(
            Text(
                f"逐笔余额：{report.account_days:,} 个账户日，{exact:,} 个分毫不差。"
                if zh
                else f"Running balances: {report.account_days:,} account-days, {exact:,} add up to the last unit."
            )
        )
    parts += [
        Text(("未用到的豁免，请删除：" if zh else "Waiver that nothing needs, take it out: ") + idle, style="yellow")
        for idle in report.idle_waivers
    ]
    return Group(*parts)


def show(report: QualityReport, language: str = "en", console: Console | None = None, translated: Translation = str) -> None:
    """Print the report."""
    (console or Console()).print(render(report, language, translated))


def _title(report: QualityReport, zh: bool) -> Text:
    day = report.newest_business_date or "?"
    return Text(
        f"数据质量 {report.bank}，数据日期 {day}" if zh else f"Data quality of {report.bank}, business date {day}", style="bold"
    )


def _tables(report: QualityReport, zh: bool) -> Table:
    names = (
        ("表", "源行数", "入表", "可用", "隔离", "重复")
        if zh
        else ("table", "source rows", "taken", "usable", "set aside", "copies")
    )
    table = Table(*names, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for seen in report.tables:
        table.add_row(
            seen.table, *(f"{n:,}" for n in (seen.source_rows, seen.rows_in, seen.kept, seen.quarantined, seen.copies))
        )
    return table


def _days(report: QualityReport, zh: bool) -> Table:
    """Full files compared, the newest ten of each input."""
    names = (
        ("全量文件", "日期", "行数", "新增", "变化", "消失") if zh else ("full file", "day", "rows", "new", "changed", "gone")
    )
    table = Table(*names, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for name in dict.fromkeys(day.input for day in report.days):
        for day in [day for day in report.days if day.input == name][-10:]:
            table.add_row(name, str(day.on), *(f"{n:,}" for n in (day.rows, day.new, day.changed, day.gone)))
    return table


def _findings(report: QualityReport, zh: bool) -> Table:
    names = (
        ("表", "规则", "处理", "笔数", "占比", "例", "怎么办")
        if zh
        else ("table", "rule", "done", "rows", "share", "examples", "what to do")
    )
    table = Table(*names, box=None, pad_edge=False, show_lines=False)
    table.columns[3].justify = table.columns[4].justify = "right"
    for finding in sorted(report.findings, key=_worst_first):
        said = ADVICE.get(finding.rule)
        rule = (said.zh if zh else said.en) if said else finding.rule
        todo = (said.zh_do if zh else said.en_do) if said else ""
        if finding.waived:
            todo = ("已豁免：" if zh else "waived: ") + finding.waived
        table.add_row(
            finding.table,
            Text(f"{finding.column} {rule}".strip()),
            Text(ACTIONS[finding.action][0 if zh else 1], style=_STYLE[finding.action]),
            f"{finding.count:,}",
            f"{finding.share:.2%}",
            Text("\n".join(finding.examples)),
            Text(todo),
        )
    return table


def _worst_first(finding: Finding) -> tuple[bool, int, float, str, str, str]:
    rank = {"quarantine": 0, "null": 1, "flag": 2}[finding.action]
    return bool(finding.waived), rank, -finding.share, finding.table, finding.rule, finding.column


def _gates(report: QualityReport, zh: bool, translated: Translation) -> Table:
    names = ("闸门", "表", "状态", "实际", "要求", "说明") if zh else ("gate", "table", "state", "found", "expected", "why")
    table = Table(*names, box=None, pad_edge=False)
    passed = [gate for gate in report.gates if gate.state == "passed"]
    for gate in [gate for gate in report.gates if gate.state != "passed"] + [
        gate for gate in passed if gate.rule in ("fresh", "volume", "total")
    ]:
        table.add_row(
            GATES[gate.rule][0 if zh else 1],
            gate.table,
            Text(STATES[gate.state][0 if zh else 1], style=_STYLE[gate.state]),
            translated(gate.found),
            translated(gate.expected),
            Text(translated(gate.reason)),
        )
    table.add_row(
        "", "", Text(f"{len(passed)}/{len(report.gates)} " + STATES["passed"][0 if zh else 1], style="green"), "", "", ""
    )
    return table
