"""The order in which versions of a row were told, and the day on which each was: the same for all who ask."""

from __future__ import annotations

from collections.abc import Iterable

from sources.sqltext import ident

EVER = "DATE '0001-01-01'"


def told_columns(present: Iterable[str]) -> list[str]:
    """The columns that say when a row was told, among those present."""
    have = set(present)
    return [c for c in ("recorded_on", "valid_from") if c in have]


def told_sql(told: Iterable[str], *others: str) -> str:
    """SQL for the day on which a row was told, `others` (columns) being days it was not known before; NULL: ever since."""
    days = [ident(c) for c in (*others, *told)]
    return f"greatest({', '.join(days)})" if days else "NULL::DATE"


def turn_sql(told: Iterable[str]) -> str:
    """SQL by which versions of one key lie in the order of their telling; of those told on one day the one recorded later, then
    the one valid later, is last. A row without a day was told before all others."""
    columns = list(told)
    days = [told_sql(columns), *(ident(c) for c in columns)]
    return f"row({', '.join(f'coalesce({day}, {EVER})' for day in days)})"
