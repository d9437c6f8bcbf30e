"""The summary sheet: what a list holds, the hours it takes, the assumptions behind it, and how to read it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from targeting.captions import HOW_TO_READ, Language, pick, word
from targeting.sheet_style import CHART, RULE, Page, Styles, dots, plain, protect, set_page

_WIDTHS = (30.0, 11.0, 14.0, 17.0, 17.0, 4.0)
_CHART_COLUMN = 6
_ROOM = 1_040.0  # dots of running text over the page
_MOST_BARS = 9  # two charts then stand on one printed page
_ONE_PAGE = 64  # rows that still read well when shrunk to one page


@dataclass(frozen=True)
class Statement:
    """An assumption or a waiver, in both languages, with its figure where it has one."""

    zh: str
    en: str
    value_zh: str = ""
    value_en: str = ""


@dataclass(frozen=True)
class Tally:
    """One small table: a caption, column words, and rows whose first cell is text and whose others are numbers or unknown."""

    caption: str
    heads: tuple[str, ...]
    shapes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    total: tuple[float | None, ...] | None = None


@dataclass(frozen=True)
class Drawn:
    """A chart: which tally, which of its columns (from 1), under what title."""

    tally: int
    column: int
    title: str


@dataclass(frozen=True)
class Summary:
    """Everything a summary sheet says."""

    title: str
    lines: tuple[str, ...]
    tallies: tuple[Tally, ...]
    charts: tuple[Drawn, ...]
    assumptions: tuple[Statement, ...] = ()
    waivers: tuple[Statement, ...] = ()


def tally(
    rows: pd.DataFrame,
    by: str,
    caption: str,
    language: Language,
    *,
    order: Sequence[str] | None = None,
    per_action: float,
    unit: str,
    shape: str,
) -> Tally:
    """Customers, hours and value of a year per group of `by`; in the given order, else the largest value first."""
    blank, event = word("blank", language), word("blank_tally", language)
    values: dict[str, list[float]] = {}
    for name, value in zip(rows[by].to_list(), rows["value"].to_list(), strict=True):
        values.setdefault(event if name == blank else str(name), []).append(value)
    sums = {name: math.fsum(group) for name, group in values.items()}
    place = {name: number for number, name in enumerate(order or ())}
    ordered = sorted(sums, key=lambda name: (place.get(name, len(place)), -sums[name], name))
    groups = tuple((name, (float(len(values[name])), len(values[name]) * per_action, sums[name])) for name in ordered)
    return Tally(
        caption,
        (word("customers", language), word("used", language), word("value_sum", language, unit=unit)),
        ("#,##0", "#,##0.0", shape),
        groups,
        (float(len(rows)), len(rows) * per_action, math.fsum(sums.values())),
    )


def write(book: Workbook, sheet: Worksheet, styles: Styles, page: Page, summary: Summary) -> None:
    """Fill one summary sheet from top to bottom, a chart beside the tables."""
    language = styles.language
    for at, width in enumerate(_WIDTHS):
        sheet.set_column(at, at, width)
    sheet.set_column(_CHART_COLUMN, _CHART_COLUMN + 5, 11)
    sheet.set_row(0, 24)
    sheet.write_string(0, 0, plain(summary.title), styles.title)
    row = 1
    for line in summary.lines:
        sheet.write_string(row, 0, plain(line), styles.line)
        row += 1
    top, spans = row + 1, []
    for shown in summary.tallies:
        row, span = _write_tally(sheet, styles, shown, row + 1, language)
        spans.append(span)
    row = max(row, _draw(book, sheet, styles, summary.charts, spans, top))
    row = _write_statements(sheet, styles, word("assumptions", language), summary.assumptions, row + 1, language)
    row = _write_statements(sheet, styles, word("waivers", language), summary.waivers, row + 1, language)
    row = _write_lines(sheet, styles, word("how", language), [pick(pair, language) for pair in HOW_TO_READ], row + 1, language)
    set_page(sheet, page, high=1 if row <= _ONE_PAGE else 0)
    sheet.print_area(0, 0, row, _CHART_COLUMN + 5)
    protect(sheet)


def _write_tally(sheet: Worksheet, styles: Styles, shown: Tally, row: int, language: Language) -> tuple[int, tuple[int, int]]:
    sheet.write_string(row, 0, shown.caption, styles.section)
    for at in range(1, len(shown.heads) + 1):
        sheet.write_blank(row, at, None, styles.section)
    sheet.write_string(row + 1, 0, word("item", language), styles.head)
    for at, head in enumerate(shown.heads, 1):
        sheet.write_string(row + 1, at, head, styles.head)
    sheet.set_row(row + 1, 20)
    first = row = row + 2
    body = [(name, numbers, False) for name, numbers in shown.rows]
    if shown.total is not None and len(shown.rows) > 1:
        body.append((word("total", language), shown.total, True))
    for name, numbers, bold in body:
        sheet.write_string(row, 0, plain(name), styles.text(bold=bold))
        for at, number in enumerate(numbers, 1):
            if number is None:
                sheet.write_string(row, at, word("blank", language), styles.text(center=True))
            else:
                sheet.write_number(row, at, number, styles.number(shown.shapes[at - 1], bold=bold))
        row += 1
    return row, (first, first + len(shown.rows) - 1)


def _draw(
    book: Workbook, sheet: Worksheet, styles: Styles, charts: Sequence[Drawn], spans: Sequence[tuple[int, int]], row: int
) -> int:
    """Bar charts of the sheet's own cells, one below the other, largest on top, figures at the bars; the row after them."""
    for drawn in charts:
        first, end = spans[drawn.tally]
        last = min(end, first + _MOST_BARS - 1)
        title = drawn.title if last == end else word("chart_top", styles.language, title=drawn.title, n=_MOST_BARS)
        chart, name = book.add_chart({"type": "bar"}), sheet.get_name()
        chart.add_series(
            {
                "categories": [name, first, 0, last, 0],
                "values": [name, first, drawn.column, last, drawn.column],
                "fill": {"color": CHART},
                "gap": 60,
                "data_labels": {"value": True, "num_format": "#,##0", "font": {"size": 9}},
            }
        )
        chart.set_title({"name": title, "name_font": {"size": 11, "bold": True}, "overlay": False})
        chart.set_legend({"none": True})
        chart.set_y_axis({"reverse": True, "num_font": {"size": 9}, "line": {"color": RULE}, "major_tick_mark": "none"})
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}, "min": 0})
        chart.set_chartarea({"border": {"color": RULE}})
        height = max(140, 74 + 24 * (last - first + 1))
        chart.set_size({"width": 480, "height": height})
        sheet.insert_chart(row, _CHART_COLUMN, chart, {"object_position": 3})
        row += -(-height // 20) + 1
    return row


def _write_statements(
    sheet: Worksheet, styles: Styles, caption: str, statements: Sequence[Statement], row: int, language: Language
) -> int:
    said = [
        pick((s.zh, s.en), language)
        + (
            f"：{s.value_zh}"
            if language == "zh" and s.value_zh
            else f": {s.value_en}"
            if language == "en" and s.value_en
            else ""
        )
        for s in statements
    ]
    return _write_lines(sheet, styles, caption, said or [word("no_waivers", language)], row, language)


def _write_lines(sheet: Worksheet, styles: Styles, caption: str, lines: Sequence[str], row: int, language: Language) -> int:
    """A caption and numbered lines, each broken by hand over the width of the page: no cell is merged, none is cut."""
    sheet.write_string(row, 0, caption, styles.section)
    for at in range(1, _CHART_COLUMN + 6):
        sheet.write_blank(row, at, None, styles.section)
    row += 1
    for number, line in enumerate(lines, 1):
        text = plain(f"{number}. {line}" if len(lines) > 1 else line)
        for piece in _broken(text, language):
            sheet.write_string(row, 0, piece, styles.of(num_format="@"))
            sheet.set_row(row, 15.5)
            row += 1
    return row


@lru_cache(maxsize=1_024)  # a night's workbooks end with the same lines
def _broken(text: str, language: Language) -> tuple[str, ...]:
    """`text` in pieces as wide as the page, broken between Chinese characters or at a space."""
    pieces, piece, space = [], "", 0
    for character in text:
        if dots(piece + character, language) > _ROOM and character not in "，。；：、”）":
            cut = space if character.isascii() and space else len(piece)
            pieces.append(piece[:cut].rstrip())
            piece, space = "    " + piece[cut:].lstrip(), 0
        if character == " ":
            space = len(piece)
        piece += character
    return (*pieces, piece)
