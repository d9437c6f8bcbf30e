"""Gates, checks and waivers of a bank file, checked against the tables they speak of."""

from __future__ import annotations

from collections.abc import Mapping

from sources.mistakes import Mistakes
from sources.settings import SourceSettings, Totals
from sources.tables import TABLES

RULES = (
    "type",
    "code",
    "required",
    "reference",
    "range",
    "rate",
    "dates",
    "unknown_birth",
    "key",
    "currency",
    "late",
    "before_opening",
    "after_closing",
    "ahead",
    "filled",
    "lines",
    "encoding",
    "balance",
    "unclosed",
    "volume",
    "quarantined",
    "total",
    "gone",
    "day_late",
    "day_resent",
    "day_twice",
)


def check_gates(settings: SourceSettings, filled: Mapping[str, set[str] | None], wrong: Mistakes) -> None:
    """Note what is wrong with `gates` and `derived`. `filled`: table -> canonical columns its mapping fills, where known."""
    gates, derived = settings.gates, settings.derived
    have = set(settings.tables) | ({"balances"} if derived.balances != "none" else set())
    for table in gates.fresh:
        if table not in have or TABLES[table].event is None:
            wrong.unknown(("gates", "fresh"), "gates.fresh: table", table, [t for t in have if t in TABLES and TABLES[t].event])
    if not gates.fresh and gates.newest is None and not any(spec.dated for spec in settings.inputs.values()):
        wrong.add(("gates",), "nothing says how far the data goes; name tables in gates.fresh, or date the files (`dated`)")
    for part, tables in (("volume", set(gates.volume)), ("totals", set(gates.totals))):
        for table in sorted(tables):
            if table not in have:
                wrong.unknown(("gates", part, table), f"gates.{part}: table", table, have)
    for part, tables in (("fresh", set(gates.fresh)), ("volume", set(gates.volume))):
        for table in sorted(tables & have & set(TABLES)):
            _check_event(part, table, filled.get(table), wrong)
    for table in sorted(set(gates.totals) & have - set(settings.tables)):
        wrong.add(("gates", "totals", table), f"gates.totals: table {table} is derived; state totals of what the bank sends")
    _check_totals(gates.totals, filled, wrong)
    if derived.balances == "transactions":
        if "balances" in settings.tables:
            wrong.add(("derived", "balances"), "table balances is mapped already; it cannot be derived as well")
        needed = filled.get("transactions")
        if (
            "accounts" not in settings.tables
            or "transactions" not in settings.tables
            or (needed is not None and "balance_after" not in needed)
        ):
            wrong.add(("derived", "balances"), "balances need the tables accounts and transactions, with balance_after")


def _check_event(part: str, table: str, filled: set[str] | None, wrong: Mistakes) -> None:
    """A gate about days needs the column that says a row's day."""
    event = TABLES[table].event
    if event is None and part == "volume":
        wrong.add(("gates", part, table), f"gates.volume: rows of table {table} have no day")
    elif event is not None and filled is not None and event not in filled:
        wrong.add(("gates", part), f"gates.{part}: table {table} has no days, column '{event}' is not mapped")


def _check_totals(stated: Mapping[str, Totals], filled: Mapping[str, set[str] | None], wrong: Mistakes) -> None:
    for table, totals in stated.items():
        if table not in TABLES:
            continue
        figures = [c.name for c in TABLES[table].columns if c.kind in ("money", "number", "int")]
        mapped = filled.get(table)
        for column in totals.sums:
            if column not in figures or (mapped is not None and column not in mapped):
                have = [c for c in figures if mapped is None or c in mapped]
                wrong.unknown(("gates", "totals", table, "sums", column), f"gates.totals: table {table}: column", column, have)


def check_checks(settings: SourceSettings, wrong: Mistakes) -> None:
    """Note what is wrong with `checks` and `waivers`."""
    for table, limits in settings.checks.ranges.items():
        if table not in TABLES:
            wrong.unknown(("checks", "ranges", table), "checks.ranges: table", table, TABLES)
            continue
        for column in limits:
            if column not in TABLES[table].names:
                wrong.unknown(
                    ("checks", "ranges", table, column), f"checks.ranges: table {table}: column", column, TABLES[table].names
                )
    for table, rules in settings.checks.flag_only.items():
        if table not in TABLES:
            wrong.unknown(("checks", "flag_only", table), "checks.flag_only: table", table, TABLES)
        for rule in rules:
            if rule not in RULES:
                wrong.unknown(("checks", "flag_only", table), "checks.flag_only: rule", rule, RULES)
    for number, waiver in enumerate(settings.waivers):
        if waiver.table not in TABLES and waiver.table not in settings.inputs:
            wrong.unknown(("waivers", number, "table"), "waiver: table", waiver.table, [*TABLES, *settings.inputs])
        if waiver.rule not in RULES:
            wrong.unknown(("waivers", number, "rule"), "waiver: rule", waiver.rule, RULES)
