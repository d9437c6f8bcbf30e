"""Workbooks for paper and chat: one per manager, one per branch for its head, one for head office. Equal lists, equal bytes."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from xlsxwriter.workbook import Workbook

from targeting import list_sheet, openings, summary
from targeting.captions import BANDS, pick, word
from targeting.list_book import BankWords, ListBook, WorkbookSettings, shown_rows
from targeting.list_sheet import ListSheet
from targeting.scribes import write_each
from targeting.sharing import Reader, Share, readers
from targeting.sheet_style import Page, Styles, plain, protect
from targeting.summary import Drawn, Statement, Summary, Tally, tally

__all__ = ["BankWords", "ListBook", "Statement", "WorkbookSettings", "write_workbooks"]

Progress = Callable[[str, int, int], None]
# In memory the parts of the file carry one fixed time; nothing that is text can become a formula, a link or a number.
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write_workbooks(book: ListBook, out: Path, progress: Progress | None = None, processes: int = 1) -> list[Path]:
    """The paths of all workbooks written into folder `out`, which is then published as a whole; in name order.

    A manager's holds that manager's customers only; a branch's its head's own, its pool and all its managers' lists; head
    office's the counts of all, and the customers it keeps. Raises ConfigError on an opening that must not be said.
    """
    openings.check({str(offer): book.offers[str(offer)] for offer in book.entries["offer"].unique()})
    found = readers(book, shown_rows(book))
    out.mkdir(parents=True, exist_ok=True)
    bare = replace(book, entries=book.entries.iloc[:0], people=book.people.iloc[:0])  # the readers carry their rows
    return write_each(workbook_bytes, bare, found, out, processes, progress)


def workbook_bytes(book: ListBook, reader: Reader) -> bytes:
    """One workbook; its created date is the list's, and nothing in it knows the clock."""
    stream, language = io.BytesIO(), book.bank.language
    made = Workbook(stream, _OPTIONS)
    made.set_properties(
        {
            "title": plain(f"{reader.who} {book.as_of.isoformat()}"),
            "author": book.bank.short,
            "company": book.bank.name,
            "comments": word("internal", language),
            "created": dt.datetime.combine(book.as_of, dt.time()),
        }
    )
    for key, value in (
        ("as_of", book.as_of.isoformat()),
        ("list_version", str(book.version)),
        ("branch_id", reader.branch_id),
        ("manager_id", reader.manager_id),
    ):
        made.set_custom_property(key, plain(value) or "-", "text")
    styles, page = Styles(made, language), _page(book, reader)
    tabs = [share.tab for share in reader.shares]
    tab = word("summary", language)
    sheets = {name: made.add_worksheet(name) for name in ([tab, *tabs] if reader.is_head_office else [*tabs, tab])}
    choices = _choices(made, reader, language)
    for share in reader.shares:
        list_sheet.write(
            sheets[share.tab],
            styles,
            page,
            ListSheet(share.title, _line(book, share), share.rows, share.kind, book.unit, book.shape, book.as_of, choices),
        )
    summary.write(made, sheets[tab], styles, page, _summary(book, reader))
    made.close()
    return stream.getvalue()


def _choices(made: Workbook, reader: Reader, language: str) -> str:
    """A hidden sheet with the managers a pool may be handed to, and its range; empty where nothing is handed out."""
    if not reader.staff or not any(share.kind == "pool" for share in reader.shares):
        return ""
    sheet = made.add_worksheet(word("choices", "zh" if language == "zh" else "en"))
    for row, text in enumerate(reader.staff):
        sheet.write_string(row, 0, plain(text))
    sheet.hide()
    protect(sheet)
    return f"='{sheet.get_name()}'!$A$1:$A${len(reader.staff)}"


def _summary(book: ListBook, reader: Reader) -> Summary:
    language, unit, rows = book.bank.language, book.unit, reader.rows
    glance = Tally(
        word("at_a_glance", language),
        (
            word("customers", language),
            word("used", language),
            word("available", language),
            word("value_sum", language, unit=unit),
        ),
        ("#,##0", "#,##0.0", "#,##0.0", book.shape),
        ((reader.who, (float(len(rows)), len(rows) * book.per_action, reader.hours, float(rows["value"].sum()))),),
    )
    orders = {
        "tier": [pick(pair, language) for pair in book.tiers.values()],
        "band": [*(pick(pair, language) for pair in BANDS.values()), word("blank_tally", language)],
    }
    tallies = [
        tally(
            rows,
            by,
            word(f"by_{by}", language),
            language,
            order=orders.get(by),
            per_action=book.per_action,
            unit=unit,
            shape=book.shape,
        )
        for by in reader.by
    ]
    charts = [Drawn(1 + reader.by.index("offer"), 3, word("chart_offer", language, unit=unit))]
    for people in ("branch", "manager"):
        if people in reader.by:
            charts.insert(0, Drawn(1 + reader.by.index(people), 3, word(f"chart_{people}", language, unit=unit)))
    title = word("title_summary", language, who=reader.who, date=book.day, version=book.version)
    lines = (word("estimate_below", language),)
    return Summary(title, lines, (glance, *tallies), tuple(charts), book.assumptions, book.waivers)


def _page(book: ListBook, reader: Reader) -> Page:
    language = book.bank.language
    header = book.bank.name + (f"　{word('fictitious', language)}" if book.bank.is_fictitious else "")
    right = f"{word('version', language, version=book.version)}  {book.as_of.isoformat()}  {word('page', language)}"
    return Page(header, reader.footer, word("internal", language), right)


def _line(book: ListBook, share: Share) -> str:
    language = book.bank.language
    used = _hours(len(share.rows) * book.per_action)
    line = (
        word("line_plain", language, date=book.day, n=len(share.rows), used=used)
        if share.hours is None
        else word("line", language, date=book.day, n=len(share.rows), used=used, hours=_hours(share.hours))
    )
    return line + ("" if language == "zh" else " ") + word("estimate", language, sheet=word("summary", language))


def _hours(hours: float) -> str:
    return f"{hours:.1f}".removesuffix(".0")
