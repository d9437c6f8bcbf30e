"""The list as a sheet: one row per customer, ready to print, with three columns for what came of the call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from targeting.captions import OUTCOMES, Language, pick, word
from targeting.sheet_style import BAR, Page, Styles, plain, protect, row_points, set_page

HEADER_ROW, FIRST_ROW = 2, 3
Kind = Literal["center", "text", "name", "number", "input", "date", "outcome", "assign", "hidden"]
_CIRCLED = "①②③④⑤⑥"


@dataclass(frozen=True)
class Column:
    """One column of the sheet: its word, its width in characters, and how its cells behave."""

    key: str
    width: float
    kind: Kind


COLUMNS: tuple[Column, ...] = (
    Column("rank", 5, "center"),
    Column("manager", 11, "text"),
    Column("customer_id", 14.5, "center"),
    Column("name", 7.5, "name"),
    Column("phone", 12.5, "center"),
    Column("tier", 8.5, "center"),
    Column("offer", 11.5, "text"),
    Column("band", 7, "center"),
    Column("probability", 16, "hidden"),
    Column("value", 11, "number"),
    Column("reasons", 48, "text"),
    Column("opening", 28, "text"),
    Column("assign", 11, "assign"),
    Column("outcome", 10.5, "outcome"),
    Column("outcome_on", 10.5, "date"),
    Column("note", 14, "input"),
)
LISTS = {  # which columns a kind of list leaves out
    "manager": frozenset({"manager", "assign"}),
    "pool": frozenset({"manager"}),
    "people": frozenset({"assign", "opening", "outcome", "outcome_on", "note", "phone"}),
}


@dataclass(frozen=True)
class ListSheet:
    """What one list sheet says: `rows` hold the text of every column, `value` as a number."""

    title: str
    line: str
    rows: pd.DataFrame
    kind: Literal["manager", "pool", "people"]
    unit: str
    shape: str  # number format of the value
    as_of: dt.date
    handed_to: str = ""  # range with the managers a pool may be handed to


def write(sheet: Worksheet, styles: Styles, page: Page, shown: ListSheet) -> None:
    """Fill one sheet: title, line, header, rows; then what guards, filters and prints it."""
    columns = [c for c in COLUMNS if c.key not in LISTS[shown.kind] and (c.key in shown.rows or c.kind in _FILLED)]
    for at, column in enumerate(columns):
        sheet.set_column(at, at, _width(column, shown), None, {"hidden": column.kind == "hidden"})
        sheet.write_string(HEADER_ROW, at, word(column.key, styles.language, unit=shown.unit), styles.head)
    sheet.set_row(0, 24)
    sheet.write_string(0, 0, plain(shown.title), styles.title)
    sheet.write_string(1, 0, plain(shown.line), styles.line)
    sheet.set_row(HEADER_ROW, 33)
    _write_rows(sheet, styles, columns, shown)
    last = HEADER_ROW + len(shown.rows)
    _guard(sheet, styles.language, columns, shown, last)
    sheet.autofilter(HEADER_ROW, 0, last, len(columns) - 1)
    frozen = next((at for at, c in enumerate(columns) if c.key == "name"), 1) + 1
    sheet.freeze_panes(FIRST_ROW, frozen if shown.kind != "people" else 2)
    set_page(sheet, page, repeat=(HEADER_ROW, HEADER_ROW))
    sheet.print_area(0, 0, last, len(columns) - 1)
    protect(sheet)


def numbered(reasons: str, language: Language) -> str:
    """Sentences, one a line, numbered in their order when there are several."""
    lines = [line for line in reasons.split("\n") if line]
    if len(lines) < 2:
        return "".join(lines)
    marks = _CIRCLED if language == "zh" else [f"{number}." for number in range(1, len(lines) + 1)]
    return "\n".join(f"{mark} {line}" for mark, line in zip(marks, lines, strict=False))


def _width(column: Column, shown: ListSheet) -> float:
    # Where nothing is filled in, the reasons take the room.
    return 80.0 if column.key == "reasons" and shown.kind == "people" else column.width


_FILLED = ("outcome", "date", "input", "assign")  # empty cells for the reader


def _write_rows(sheet: Worksheet, styles: Styles, columns: Sequence[Column], shown: ListSheet) -> None:
    if not len(shown.rows):
        return
    cells = {c.key: shown.rows[c.key].tolist() for c in columns if c.kind not in _FILLED}
    looks = [_look(styles, column, shown.shape) for column in columns]
    for place in range(len(shown.rows)):
        at = FIRST_ROW + place
        wrapping: list[tuple[str, float]] = []
        for number, (column, look) in enumerate(zip(columns, looks, strict=True)):
            if column.kind == "number":
                sheet.write_number(at, number, float(cells[column.key][place]), look)
            elif column.kind in _FILLED:
                sheet.write_blank(at, number, None, look)
            else:
                text = plain(cells[column.key][place])
                sheet.write_string(at, number, text, look)
                if column.kind != "hidden":
                    wrapping.append((text, _width(column, shown)))
        sheet.set_row(at, row_points(wrapping, styles.language))


def _look(styles: Styles, column: Column, shape: str) -> Format:
    """How the cells of a column look."""
    if column.kind == "number":
        return styles.number(shape)
    if column.kind in _FILLED:
        return styles.day() if column.kind == "date" else styles.text(center=column.kind != "input", unlocked=True)
    return styles.text(center=column.kind in ("center", "hidden", "name"), bold=column.kind == "name")


def _guard(sheet: Worksheet, language: Language, columns: Sequence[Column], shown: ListSheet, last: int) -> None:
    """What may be entered where, and bars behind the values."""
    choose = word("outcome_prompt", language)
    rules: Mapping[Kind, Callable[[], dict[str, object]]] = {
        "outcome": lambda: {
            "validate": "list",
            "source": [pick(pair, language) for pair in OUTCOMES.values()],
            "input_message": choose,
            "error_message": choose,
        },
        "date": lambda: {
            "validate": "date",
            "criteria": ">=",
            "value": shown.as_of,
            "error_message": word("date_prompt", language),
        },
        "input": lambda: {"validate": "length", "criteria": "<=", "value": 200, "error_message": word("note_prompt", language)},
        "assign": lambda: {"validate": "list", "source": shown.handed_to} if shown.handed_to else {"validate": "any"},
    }
    for number, column in enumerate(columns):
        if column.kind in rules:
            sheet.data_validation(FIRST_ROW, number, last, number, rules[column.kind]())
        if column.kind == "number":
            sheet.conditional_format(
                FIRST_ROW,
                number,
                last,
                number,
                {
                    "type": "data_bar",
                    "bar_color": BAR,
                    "bar_solid": True,
                    "bar_no_border": True,
                    "min_type": "num",
                    "min_value": 0,
                },
            )
