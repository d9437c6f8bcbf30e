"""How sheets look and print: formats, page set-up, text that stays text, and rows as high as their words need."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from targeting.captions import Language

_INK, RULE, _HEAD, _INPUT, _QUIET = "#1F2A30", "#C9D2D6", "#23566B", "#FFF8E1", "#5F6B72"
BAR, CHART = "#A9CBB7", "#4E8A6B"
# Of 10 point text: a line's height in points; the width in screen dots of a Latin letter, of a Chinese character.
_LINE: dict[Language, float] = {"zh": 15.0, "en": 13.6}
_LATIN: dict[Language, float] = {"zh": 7.0, "en": 5.9}
_WIDE = 13.6
_MOST_POINTS = 405.0  # Excel's highest row is 409
_LONGEST = 2_000  # characters of one cell; nobody's name is longer

# Tab and newline may stay in text; other control characters, half surrogates and non-characters may not stand in XML.
_NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Styles:
    """The formats of one workbook, made once; text formats are Text cells, so that editing never makes a formula."""

    book: Workbook
    language: Language
    made: dict[tuple[tuple[str, Any], ...], Format] = field(default_factory=dict)

    def of(self, **properties: Any) -> Format:
        """A format in the bank's font with these properties on top."""
        key = tuple(sorted(properties.items()))
        if key not in self.made:
            plain = {
                "font_name": "微软雅黑" if self.language == "zh" else "Calibri",
                "font_size": 10,
                "font_color": _INK,
                "valign": "vcenter",
            }
            self.made[key] = self.book.add_format(plain | properties)
        return self.made[key]

    @property
    def title(self) -> Format:
        return self.of(bold=True, font_size=14, num_format="@")

    @property
    def line(self) -> Format:
        return self.of(font_color=_QUIET, num_format="@")

    @property
    def head(self) -> Format:
        return self.of(
            bold=True,
            font_color="#FFFFFF",
            bg_color=_HEAD,
            border=1,
            border_color=RULE,
            align="center",
            text_wrap=True,
            num_format="@",
        )

    @property
    def section(self) -> Format:
        return self.of(bold=True, font_size=11, font_color=_HEAD, bottom=2, bottom_color=_HEAD, num_format="@")

    def text(self, *, center: bool = False, bold: bool = False, unlocked: bool = False) -> Format:
        more: dict[str, Any] = {"align": "center"} if center else {"align": "left", "indent": 1}
        if unlocked:
            more |= {"locked": False, "bg_color": _INPUT}
        return self.of(border=1, border_color=RULE, text_wrap=True, num_format="@", bold=bold, **more)

    def free(self) -> Format:
        """Running text on the summary sheet."""
        return self.of(text_wrap=True, num_format="@", valign="top")

    def number(self, shape: str = "#,##0", *, bold: bool = False) -> Format:
        return self.of(border=1, border_color=RULE, num_format=shape, align="right", indent=1, bold=bold)

    def day(self) -> Format:
        return self.of(border=1, border_color=RULE, num_format="yyyy-mm-dd", align="center", locked=False, bg_color=_INPUT)


@dataclass(frozen=True)
class Page:
    """What every printed page of a workbook says above and below its table."""

    header: str
    footer_left: str
    footer_center: str
    footer_right: str


def set_page(sheet: Worksheet, page: Page, *, repeat: tuple[int, int] | None = None, high: int = 0) -> None:
    """A4 landscape, one page wide and `high` pages high (0: as many as needed); header and footer; rows `repeat` on each."""
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, high)
    sheet.set_margins(left=0.35, right=0.35, top=0.6, bottom=0.65)
    sheet.center_horizontally()
    sheet.set_header(f"&R&9{_coded(page.header, 150)}", {"margin": 0.25})
    sheet.set_footer(f"&L&9{_coded(page.footer_left)}&C&9{_coded(page.footer_center)}&R&9{page.footer_right}", {"margin": 0.3})
    sheet.hide_gridlines(2)
    if repeat:
        sheet.repeat_rows(*repeat)


def protect(sheet: Worksheet) -> None:
    """Locked but for unlocked cells; filtering, column widths and hidden columns stay in the reader's hands."""
    sheet.protect(
        "",
        {
            "autofilter": True,
            "format_columns": True,
            "format_rows": True,
            "select_locked_cells": True,
            "select_unlocked_cells": True,
        },
    )


def plain(text: object) -> str:
    """Text fit for a cell: no control or direction-changing characters, not endless; never anything but text."""
    return _NOT_TEXT.sub("", str(text))[:_LONGEST]


def row_points(cells: list[tuple[str, float]], language: Language, least: float = 22.0) -> float:
    """The height, in points, of a row whose (text, column width) cells wrap: enough for the tallest."""
    lines = max((_lines(text, width, language) for text, width in cells), default=1)
    return min(max(lines * _LINE[language] + 6, least), _MOST_POINTS)


def dots(text: str, language: Language) -> float:
    """The width of a text on screen, in dots."""
    wide = sum(map(_is_wide, text))
    return wide * _WIDE + (len(text) - wide) * _LATIN[language]


@lru_cache(maxsize=32_768)
def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WFA"


def _coded(text: str, most: int = 70) -> str:
    # In headers & begins a code, and a figure straight after &9 would join the size: hence the space.
    return " " + plain(text).replace("\n", " ")[:most].replace("&", "&&")


def _lines(text: str, width: float, language: Language) -> int:
    room = (width * 7 - 12) * 0.95  # 12 dots of indent and padding
    return sum(_wrapped(paragraph, room, language) for paragraph in text.split("\n"))


@lru_cache(maxsize=32_768)  # openings and common sentences come back on every page
def _wrapped(paragraph: str, room: float, language: Language) -> int:
    lines, at = 1, 0.0
    for piece in re.findall(r"[A-Za-z0-9.,%*'()/-]+|.", paragraph):
        size = dots(piece, language)
        if at + size > room and at > 0:
            lines, at = lines + 1, 0.0
        lines += math.floor(size / room) if size > room else 0
        at += size % room if size > room else size
    return lines
