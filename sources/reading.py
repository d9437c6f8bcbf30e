"""One source column read as one canonical column: SQL for its value, and SQL for "there was something, unreadable"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sources.settings import ColumnMap
from sources.sqltext import ident, literal, literals
from sources.tables import SQL_TYPE, Column

_RATE_SHARE = {"fraction": "1", "percent": "0.01", "per_mille": "0.001", "per_ten_thousand": "0.0001"}
_RATE_TIMES = {"year": 1, "month": 12, "day": 360}
_DATE_WIDTHS = {"%Y": 4, "%y": 2, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


@dataclass(frozen=True)
class Reading:
    """SQL of a canonical value over the source's columns; `unread` is true where a value was there and could not be read."""

    value: str
    unread: str | None = None


def reading(column: Column, how: ColumnMap, types: Mapping[str, str], minor_digits: int) -> Reading:
    """How `column` is read from a source whose columns have `types` (DuckDB type names)."""
    target = SQL_TYPE[column.kind]
    if how.value is not None:
        return Reading(f"CAST({literal(str(how.value).lower() if isinstance(how.value, bool) else how.value)} AS {target})")
    given = types[how.column or ""]
    raw = ident(how.column or "")
    if how.sentinels:
        raw = f"CASE WHEN CAST({raw} AS VARCHAR) IN ({literals(how.sentinels)}) THEN NULL ELSE {raw} END"
    value = _value(column, how, raw, given, minor_digits)
    if column.kind in ("id", "text"):
        return Reading(value)
    if column.kind == "code" and how.codes is not None:
        known = f"CAST({raw} AS VARCHAR) IN ({literals(how.codes)})"
        return Reading(value, None if how.otherwise is not None else f"(({raw}) IS NOT NULL AND NOT ({known}))")
    if how.blank is not None:
        return Reading(value, f"(({raw}) IS NOT NULL AND ({value}) IS NULL)")
    exact = given == target and how.sign is None and column.kind not in ("code", "money")
    return Reading(value, None if exact else f"(({raw}) IS NOT NULL AND ({value}) IS NULL)")


def _value(column: Column, how: ColumnMap, raw: str, given: str, minor_digits: int) -> str:
    text = raw if given == "VARCHAR" else f"CAST({raw} AS VARCHAR)"
    match column.kind:
        case "id" | "text":
            value = f"({literal(how.prefix)} || {text})" if how.prefix else text
        case "code":
            value = _code(column, how, text)
        case "date" | "timestamp":
            value = _moment(how, raw, given, SQL_TYPE[column.kind])
        case "money":
            value = _money(how, raw, given, minor_digits)
        case "rate":
            share = f"TRY_CAST({raw} AS DECIMAL(24, 10)) * {_RATE_SHARE[how.rate]} * {_RATE_TIMES[how.per]}"
            value = f"CAST({share} AS DOUBLE)"
        case "bool":
            value = (
                raw
                if given == "BOOLEAN"
                else (
                    f"CASE WHEN {text} IN ({literals(how.true)}) THEN true"
                    f" WHEN {text} IN ({literals(how.false)}) THEN false END"
                )
            )
        case _:
            value = f"TRY_CAST({raw} AS {SQL_TYPE[column.kind]})"
    if how.blank is not None:
        value = f"CASE WHEN ({raw}) IS NULL THEN CAST({literal(how.blank)} AS {SQL_TYPE[column.kind]}) ELSE {value} END"
    return value


def _code(column: Column, how: ColumnMap, text: str) -> str:
    if how.codes is None:
        return f"CASE WHEN {text} IN ({literals(column.codes)}) THEN {text} END" if column.codes else text
    whens = " ".join(
        f"WHEN {text} = {literal(code)} THEN {literal(to) if to is not None else 'NULL'}" for code, to in how.codes.items()
    )
    rest = f" WHEN {text} IS NULL THEN NULL ELSE {literal(how.otherwise)}" if how.otherwise is not None else ""
    return f"CASE {whens}{rest} END"


def _moment(how: ColumnMap, raw: str, given: str, target: str) -> str:
    if how.date is None:
        return f"TRY_CAST({raw} AS {target})"
    text = raw if given == "VARCHAR" else f"CAST({raw} AS VARCHAR)"
    read = f"try_strptime({text}, {literal(how.date)})"
    length = _fixed_length(how.date)
    if length is not None:  # strptime would take 2024111 for 2024-11-01
        read = f"CASE WHEN length({text}) = {length} THEN {read} END"
    if how.pivot is None:
        return f"CAST({read} AS {target})"
    # two-digit years: DuckDB puts 69..99 into the 1900s and the rest into the 2000s; move to the hundred years meant
    years = f"({how.pivot} + ((year({read}) - {how.pivot}) % 100 + 100) % 100 - year({read}))"
    moved = f"({read} + to_years(CAST({years} AS INTEGER)))"
    return f"CAST(CASE WHEN day({moved}) = day({read}) THEN {moved} END AS {target})"


def _fits(given: str, shift: int) -> bool:
    """Whether every value of a decimal type is a whole number of minor units."""
    found = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", given)
    return found is not None and int(found.group(2)) <= shift and int(found.group(1)) - int(found.group(2)) <= 18 - shift


def _fixed_length(form: str) -> int | None:
    rest, length = form, 0
    for mark, width in _DATE_WIDTHS.items():
        length += width * rest.count(mark)
        rest = rest.replace(mark, "")
    return None if "%" in rest else length + len(rest)


def _money(how: ColumnMap, raw: str, given: str, minor_digits: int) -> str:
    shift = {"major": minor_digits, "minor": 0, "ten_thousand": minor_digits + 4}[how.unit]
    if given in _WHOLE:
        value = f"TRY_CAST({raw} AS BIGINT) * {10**shift}" if shift else f"TRY_CAST({raw} AS BIGINT)"
    else:  # decimal all the way: 0.1 has no exact double; 18 digits fit a machine word and are fast
        kept = f"CAST({raw} AS DECIMAL(18, {shift}))" if _fits(given, shift) else f"TRY_CAST({raw} AS DECIMAL(18, {shift}))"
        value = f"CAST({kept} * {10**shift} AS BIGINT)"
        if not how.round and not _fits(given, shift):
            value = f"CASE WHEN TRY_CAST({raw} AS DECIMAL(18, {shift + 2})) = {kept} THEN {value} END"
    if how.sign is None:
        return value
    mark = f"CAST({ident(how.sign.column)} AS VARCHAR)"
    return (
        f"CASE WHEN {mark} IN ({literals(how.sign.credit)}) THEN {value}"
        f" WHEN {mark} IN ({literals(how.sign.debit)}) THEN -({value}) END"
    )
