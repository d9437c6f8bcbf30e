"""The summary sheet: what a list holds, the hours it takes, the assumptions behind it, and how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from targeting.captions import HOW_TO_READ, Language, pick, word
from targeting.sheet_style import CHART, Page, Styles, plain, protect, row_points, set_page

_WIDTHS = (30.0, 13.0, 13.0, 13.0, 17.0, 4.0)
_TABLE_COLUMNS = 5
_CHART_COLUMN = 6


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
class Summary:
    """Everything a summary sheet says."""

    title: str
    lines: tuple[str, ...]
    tallies: tuple[Tally, ...]
    charted: int                    # which tally is drawn
    chart_column: int               # which of its columns, from 1
    chart_title: str
    assumptions: tuple[Statement, ...] = ()
    waivers: tuple[Statement, ...] = ()
    how_to_read: bool = True
    places: dict[int, tuple[int, int]] = field(default_factory=dict)


def tally(rows: pd.DataFrame, by: str, caption: str, language: Language, *, order: Sequence[str] | None = None,
          per_action: float, unit: str, shape: str) -> Tally:
    """Customers, hours and value of a year per group of `by`; in the given order, else the largest value first."""
    sums = rows.groupby(by, sort=True).agg(n=("value", "size"), value=("value", "sum"))
    if order is None:
        sums = sums.reset_index().sort_values(["value", by], ascending=[False, True]).set_index(by)
    else:
        sums = sums.loc[[name for name in order if name in sums.index]]
    groups = tuple((str(name), (float(n), n * per_action, float(value)))
                   for name, n, value in zip(sums.index, sums["n"], sums["value"], strict=True))
    return Tally(caption, (word("customers", language), word("used", language), word("value_sum", language, unit=unit)),
                 ("#,##0", "#,##0.0", shape), groups,
                 (float(len(rows)), len(rows) * per_action, float(rows["value"].sum())))


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
    _draw(book, sheet, summary, spans[summary.charted], top)
    row = max(row, top + 17)
    row = _write_statements(sheet, styles, word("assumptions", language), summary.assumptions, row + 1, language)
    row = _write_statements(sheet, styles, word("waivers", language), summary.waivers, row + 1, language)
    if summary.how_to_read:
        row = _write_lines(sheet, styles, word("how", language), [pick(pair, language) for pair in HOW_TO_READ], row + 1)
    set_page(sheet, page)
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


def _draw(book: Workbook, sheet: Worksheet, summary: Summary, span: tuple[int, int], top: int) -> None:
    """A bar chart of the sheet's own cells: largest on top, no legend, figures at the bars."""
    chart = book.add_chart({"type": "bar"})
    first, last = span
    quoted = sheet.get_name()
    chart.add_series({
        "categories": [quoted, first, 0, last, 0], "values": [quoted, first, summary.chart_column, last, summary.chart_column],
        "fill": {"color": CHART}, "gap": 60, "data_labels": {"value": True, "num_format": "#,##0", "font": {"size": 9}}})
    chart.set_title({"name": summary.chart_title, "name_font": {"size": 11, "bold": True}, "overlay": False})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True, "num_font": {"size": 9}, "line": {"color": "#C9D2D6"}, "major_tick_mark": "none"})
    chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}, "min": 0})
    chart.set_chartarea({"border": {"color": "#C9D2D6"}})
    chart.set_size({"width": 480, "height": max(150, min(90 + 26 * (last - first + 1), 420))})
    sheet.insert_chart(top, _CHART_COLUMN, chart, {"object_position": 3})


def _write_statements(sheet: Worksheet, styles: Styles, caption: str, statements: Sequence[Statement], row: int,
                      language: Language) -> int:
    said = [pick((s.zh, s.en), language) + (f"：{s.value_zh}" if language == "zh" and s.value_zh else
                                            f": {s.value_en}" if language == "en" and s.value_en else "") for s in statements]
    return _write_lines(sheet, styles, caption, said or [word("no_waivers", language)], row)


def _write_lines(sheet: Worksheet, styles: Styles, caption: str, lines: Sequence[str], row: int) -> int:
    """A caption and numbered lines, each broken by hand over the width of the page: no cell is merged, none is cut."""
    sheet.write_string(row, 0, caption, styles.section)
    for at in range(1, _CHART_COLUMN + 6):
        sheet.write_blank(row, at, None, styles.section)
    row += 1
    for number, line in enumerate(lines, 1):
        text = plain(f"{number}. {line}" if len(lines) > 1 else line)
        for piece in _broken(text):
            sheet.write_string(row, 0, piece, styles.of(num_format="@"))
            sheet.set_row(row, row_points([(piece, 1e6)], least=17))
            row += 1
    return row


def _broken(text: str, room: int = 150) -> list[str]:
    """`text` in pieces of at most `room` half-width characters, broken between Chinese characters or at a space."""
    pieces, piece, size, space = [], "", 0, -1
    for character in text:
        width = 1 if character.isascii() else 2
        if size + width > room and character not in "，。；：、”）":
            cut = space if character.isascii() and space > 0 else len(piece)
            pieces.append(piece[:cut].rstrip())
            piece = "    " + piece[cut:].lstrip()
            size, space = sum(1 if c.isascii() else 2 for c in piece), -1
        if character == " ":
            space = len(piece)
        piece += character
        size += width
    return [*pieces, piece]
