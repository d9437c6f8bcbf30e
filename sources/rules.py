"""The contract as rules: predicates that are true for rows that break them, and what is done with such a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import narwhals.stable.v2 as nw

from sources.settings import Checks
from sources.tables import TABLES, Table

Action = Literal["quarantine", "null", "flag"]


@dataclass(frozen=True)
class Rule:
    """One rule of one table. `broken` is true for rows that break it.

    quarantine: the row cannot be used. null: the row can, this cell cannot; it becomes unknown. flag: reported only.
    """

    name: str
    column: str
    action: Action
    broken: nw.Expr

    @property
    def label(self) -> str:
        """Rule and column, as quarantine and report name it."""
        return f"{self.name}:{self.column}" if self.column else self.name


# (table, earlier column, later column): the later one, where both are known, is not before the earlier one.
_IN_ORDER = (
    ("accounts", "opened_on", "closed_on"),
    ("terms", "started_on", "matures_on"),
    ("terms", "started_on", "ended_on"),
    ("facilities", "granted_on", "expires_on"),
    ("loans", "granted_on", "matures_on"),
    ("loans", "granted_on", "closed_on"),
    ("holdings", "started_on", "activated_on"),
    ("holdings", "started_on", "ended_on"),
    ("links", "started_on", "ended_on"),
    ("suppressions", "started_on", "ended_on"),
    ("contacts", "on", "outcome_on"),
    ("customers", "birth_on", "opened_on"),
    ("merges", "on", "undone_on"),
)
_POSITIVE = (("terms", "amount"), ("facilities", "limit"), ("loans", "amount"), ("availability", "hours"))
_NOT_NEGATIVE = (
    ("loans", "instalment"),
    ("loan_status", "outstanding"),
    ("loan_status", "overdue_days"),
    ("loan_status", "overdue_amount"),
    ("activity", "count"),
    ("managers", "hours"),
)
# (table, event, column of the owner's row joined by the contract): events of an account or loan lie within its life.
_WITHIN = (
    ("transactions", "on", "account"),
    ("balances", "on", "account"),
    ("terms", "started_on", "account"),
    ("loan_status", "on", "loan"),
)


def rules_of(table: str, filled: Iterable[str], unread: Iterable[str], joined: Iterable[str], checks: Checks) -> list[Rule]:
    """All rules of a table that can be asked of the columns a bank fills.

    `unread`: columns with an `unread_` flag; `joined`: helper columns the contract joined (`lacks_COLUMN`, `conflict`,
    `owner_from`, `owner_to`, `is_ahead`, `currency_wrong`, `days_late`).
    """
    spec, have, helpers, doubtful = TABLES[table], set(filled), set(joined), set(unread)
    rules = [_unread(spec, c) for c in unread if c in have or c in KNOWING]
    rules += [
        _required(c.name, c.name in doubtful)
        for c in spec.columns
        if (c.required or c.name in spec.key) and c.name in have and c.name not in _OPTIONAL_KEYS
    ]
    rules += [
        Rule("reference", c, _action(spec, c), nw.col(f"lacks_{c}")) for c, _ in spec.references if f"lacks_{c}" in helpers
    ]
    rules += _ranges(spec, have, checks)
    rules += [
        Rule("dates", _blamed(spec, late, early), _action(spec, _blamed(spec, late, early)), nw.col(late) < nw.col(early))
        for name, early, late in _IN_ORDER
        if name == table and {early, late} <= have
    ]
    if "owner_from" in helpers:
        on = next(event for name, event, _ in _WITHIN if name == table)
        rules.append(Rule("before_opening", on, "flag", nw.col(on) < nw.col("owner_from")))
        rules.append(Rule("after_closing", on, "flag", nw.col(on) > nw.col("owner_to")))
    if "is_ahead" in helpers:
        rules.append(Rule("ahead", spec.event or "", "quarantine", nw.col("is_ahead")))
    if "conflict" in helpers:
        rules.append(Rule("key", "+".join(spec.key), "quarantine", nw.col("conflict")))
    if "currency_wrong" in helpers:
        rules.append(Rule("currency", "", "quarantine", nw.col("currency_wrong")))
    if "days_late" in helpers:
        rules.append(Rule("late", "recorded_on", "flag", nw.col("days_late") > checks.late_days))
        rules.append(Rule("dates", "recorded_on", "flag", nw.col("days_late") < 0))
    silent = checks.flag_only.get(table, ())
    return [Rule(r.name, r.column, "flag", r.broken) if r.name in silent and not _is_needed(r) else r for r in rules]


def _is_needed(rule: Rule) -> bool:
    """A row that cannot be read, placed or told from another is never let through, whatever `flag_only` says."""
    return rule.action == "quarantine" and rule.name in ("type", "code", "required", "reference", "key", "currency")


_OPTIONAL_KEYS = ("tenor", "channel")  # parts of a key that may be blank
KNOWING = ("recorded_on", "valid_from", "deleted", "currency_of_row")  # beside a table's own columns: sources.mapping


def _unread(spec: Table, column: str) -> Rule:
    is_code = column in spec.names and bool(spec.column(column).codes)
    return Rule("code" if is_code else "type", column, _action(spec, column), nw.col(f"unread_{column}"))


def _required(column: str, doubtful: bool) -> Rule:
    """A value that is there but unreadable breaks `type` or `code`, not this."""
    missing = nw.col(column).is_null()
    return Rule("required", column, "quarantine", missing & ~nw.col(f"unread_{column}") if doubtful else missing)


def _action(spec: Table, column: str) -> Action:
    """A row goes only when a column it cannot do without is wrong; any other cell becomes unknown and the row stays."""
    if column not in spec.names:  # recorded_on, deleted: a row that is known from an unknown day cannot be placed
        return "quarantine"
    return "quarantine" if spec.column(column).required or column in spec.key else "null"


def _blamed(spec: Table, late: str, early: str) -> str:
    """Which of two dates in the wrong order is given up: the one the row can do without."""
    return early if spec.name == "customers" else late


def _ranges(spec: Table, have: set[str], checks: Checks) -> list[Rule]:
    rules = [Rule("range", c, _action(spec, c), nw.col(c) <= 0) for t, c in _POSITIVE if t == spec.name and c in have]
    rules += [Rule("range", c, _action(spec, c), nw.col(c) < 0) for t, c in _NOT_NEGATIVE if t == spec.name and c in have]
    rates = [c.name for c in spec.columns if c.kind == "rate" and c.name in have and c.name != "margin"]
    rules += [Rule("rate", c, _action(spec, c), (nw.col(c) > checks.highest_rate) | (nw.col(c) < 0)) for c in rates]
    if spec.name == "customers" and "birth_on" in have:
        rules.append(Rule("unknown_birth", "birth_on", "null", nw.col("birth_on").is_in(list(checks.unknown_birth))))
        rules.append(Rule("range", "birth_on", "null", nw.col("birth_on") < dt.date(1900, 1, 1)))
    for column, limits in checks.ranges.get(spec.name, {}).items():
        if column in have:
            if limits.low is not None:
                rules.append(Rule("range", column, _action(spec, column), nw.col(column) < limits.low))
            if limits.high is not None:
                rules.append(Rule("range", column, _action(spec, column), nw.col(column) > limits.high))
    return rules
