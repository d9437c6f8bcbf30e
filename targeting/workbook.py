"""Workbooks for paper and chat: one per manager, one per branch for its head, one for head office. Equal lists, equal bytes."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from xlsxwriter.workbook import Workbook

from store.files import write_bytes
from targeting import list_sheet, openings, summary
from targeting.captions import BANDS, Language, pick, word
from targeting.list_book import BankWords, ListBook, WorkbookSettings, branch_names, shown_rows
from targeting.list_sheet import ListSheet
from targeting.sheet_style import Page, Styles, plain, protect
from targeting.summary import Statement, Summary, Tally, tally

__all__ = ["BankWords", "ListBook", "Statement", "WorkbookSettings", "write_workbooks"]

Progress = Callable[[str, int, int], None]
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_UNFIT = re.compile(r"[^\w.（）()-]+")      # what a file name may not hold on any system


@dataclass(frozen=True)
class _Sheet:
    """One list sheet to come: its tab, title, kind and rows."""

    tab: str
    title: str
    kind: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class _File:
    """One workbook to come: who it is for, its sheets, and what its summary counts."""

    name: str
    who: str
    footer: str
    branch_id: str
    manager_id: str
    sheets: tuple[_Sheet, ...]
    rows: pd.DataFrame
    hours: float | None
    by: tuple[str, ...]


def write_workbooks(book: ListBook, out: Path, progress: Progress | None = None) -> list[Path]:
    """The paths of all workbooks written into folder `out`, in name order.

    A manager's holds that manager's customers only; a branch's its head's own, its pool and all its managers' lists; head
    office's the counts of all, and its own customers. Raises ConfigError on an opening that must not be said.
    """
    openings.check({str(offer): book.offers[str(offer)] for offer in book.entries["offer"].unique()})
    files = sorted(_files(book, shown_rows(book)), key=lambda file: file.name)
    paths = []
    for number, (file, name) in enumerate(zip(files, _distinct([file.name for file in files]), strict=True)):
        path = out / f"{name}.xlsx"
        write_bytes(path, _bytes(book, file))
        paths.append(path)
        if progress:
            progress("workbooks", number + 1, len(files))
    return paths


def _files(book: ListBook, rows: pd.DataFrame) -> Iterator[_File]:
    heads, home = _heads(book), _home(book)
    by_branch = rows.assign(home=[home.get(branch, branch) for branch in rows["branch_id"]])
    for manager_id, own in rows[rows["manager_id"] != ""].groupby("manager_id", sort=True):
        if str(manager_id) not in heads.values():
            yield _manager_file(book, str(manager_id), own)
    top = _head_office(book)
    for branch_id, own in by_branch.groupby("home", sort=True):
        if str(branch_id) != top:
            yield _branch_file(book, str(branch_id), own, heads.get(str(branch_id), ""))
    if len(book.branches) > 1:
        yield _head_office_file(book, rows, top, by_branch)


def _manager_file(book: ListBook, manager_id: str, own: pd.DataFrame) -> _File:
    name, branch_id = _manager(book, manager_id, own)
    branch = branch_names(book).get(branch_id, branch_id)
    who = f"{branch} " + word("staff", book.bank.language, name=name, id=manager_id)
    sheet = _Sheet(word("list", book.bank.language), _title(book, "title", who), "manager", own)
    return _File(_name(book, branch, name, manager_id), who, _footer(book, branch, name, manager_id), branch_id, manager_id,
                 (sheet,), own, _hours(book, [manager_id], None), ("offer", "tier", "band"))


def _branch_file(book: ListBook, branch_id: str, own: pd.DataFrame, head: str) -> _File:
    language = book.bank.language
    branch = branch_names(book).get(branch_id, branch_id)
    name = _manager(book, head, own)[0] if head else ""
    who = f"{branch} " + word("staff", language, name=name, id=head) if head else branch
    pool, mine = own[own["manager_id"] == ""], own[(own["manager_id"] == head) & (head != "")]
    people = own[(own["manager_id"] != "") & (own["manager_id"] != head)]
    alone = len(people) + len(mine) == 0
    sheets = (
        _Sheet(word("own", language), _title(book, "title", who), "manager", mine),
        _Sheet(word("list" if alone else "pool", language), _title(book, "title" if alone else "title_pool", who),
               "manager" if alone and not _staff(book, branch_id) else "pool", pool),
        _Sheet(word("people", language), _title(book, "title_people", who), "people", people))
    ids = sorted(set(own["manager_id"]) - {""})
    return _File(_name(book, branch, word("branch_book", language)), who, _footer(book, branch, name, head), branch_id, head,
                 tuple(sheet for sheet in sheets if len(sheet.rows)), own,
                 _hours(book, ids, sorted(set(pool["branch_id"]))),
                 ("manager", "offer", "tier") if ids else ("offer", "tier", "band"))


def _head_office_file(book: ListBook, rows: pd.DataFrame, top: str, by_branch: pd.DataFrame) -> _File:
    language = book.bank.language
    name = word("overview", language)
    own = rows[(rows["branch_id"] == top) & (rows["manager_id"] == "")]
    sheets = (_Sheet(word("list", language), _title(book, "title_pool", name), "pool", own),) if len(own) else ()
    names = branch_names(book)
    counted = rows.assign(branch=[names.get(branch, branch) for branch in by_branch["home"]])
    return _File(_name(book, name), name, _footer(book, name, "", ""), top, "", sheets, counted,
                 float(book.hours["hours"].sum()) if len(book.hours) else None, ("branch", "offer", "tier", "band"))


def _bytes(book: ListBook, file: _File) -> bytes:
    """One workbook; its created date is the list's, and nothing in it knows the clock."""
    stream, language = io.BytesIO(), book.bank.language
    workbook = Workbook(stream, _OPTIONS)
    created = dt.datetime.combine(book.as_of, dt.time())
    workbook.set_properties({"title": plain(_title(book, "title", file.who)), "author": book.bank.short,
                             "company": book.bank.name, "comments": word("internal", language), "created": created})
    for key, value in (("as_of", book.as_of.isoformat()), ("list_version", str(book.version)),
                       ("branch_id", file.branch_id), ("manager_id", file.manager_id)):
        workbook.set_custom_property(key, plain(value) or "-")
    styles = Styles(workbook, language)
    page = _page(book, file)
    head_office_first = not file.sheets or "branch" in file.by
    summary_tab = word("summary", language)
    if head_office_first:
        workbook.add_worksheet(summary_tab)
    made = [(workbook.add_worksheet(sheet.tab), sheet) for sheet in file.sheets]
    if not head_office_first:
        workbook.add_worksheet(summary_tab)
    choices = _choices(workbook, book, file)
    for place, sheet in made:
        list_sheet.write(place, styles, page, ListSheet(
            sheet.title, _line(book, file, sheet), sheet.rows, sheet.kind,      # type: ignore[arg-type]
            book.unit, book.shape, book.as_of, choices))
    summary.write(workbook, workbook.get_worksheet_by_name(summary_tab), styles, page, _summary(book, file))
    workbook.close()
    return stream.getvalue()


def _choices(workbook: Workbook, book: ListBook, file: _File) -> str:
    """A hidden sheet with the managers a pool may be handed to, and its range; empty where there is no one."""
    staff = _staff(book, file.branch_id) if any(sheet.kind == "pool" for sheet in file.sheets) else []
    if not staff:
        return ""
    sheet = workbook.add_worksheet(word("choices", book.bank.language))
    for row, text in enumerate(staff):
        sheet.write_string(row, 0, plain(text))
    sheet.hide()
    protect(sheet)
    return f"='{sheet.get_name()}'!$A$1:$A${len(staff)}"


def _summary(book: ListBook, file: _File) -> Summary:
    language = book.bank.language
    value = float(file.rows["value"].sum())
    glance = Tally(word("at_a_glance", language),
                   (word("customers", language), word("used", language), word("available", language),
                    word("value_sum", language, unit=book.unit)),
                   ("#,##0", "#,##0.0", "#,##0.0", book.shape),
                   ((file.who, (float(len(file.rows)), len(file.rows) * book.per_action, file.hours, value)),))
    orders = {"tier": [pick(pair, language) for pair in book.tiers.values()],
              "band": _band_order(language)}
    tallies = tuple(tally(file.rows, by, word(f"by_{by}", language), language, order=orders.get(by),
                          per_action=book.per_action, unit=book.unit, shape=book.shape) for by in file.by)
    by_branch = "branch" in file.by
    return Summary(
        _title(book, "title_summary", file.who), (word("estimate", language, sheet=word("assumptions_short", language)),),
        (glance, *tallies), 1 + file.by.index("branch" if by_branch else "offer"), 3 if by_branch else 1,
        word("chart_branch" if by_branch else "chart", language), book.assumptions, book.waivers)


def _band_order(language: Language) -> list[str]:
    return [*(pick(pair, language) for pair in BANDS.values()), word("blank", language)]


def _page(book: ListBook, file: _File) -> Page:
    language = book.bank.language
    header = book.bank.name + (f"　{word('fictitious', language)}" if book.bank.is_fictitious else "")
    right = f"{word('version', language, version=book.version)}  {book.as_of.isoformat()}  {word('page', language)}"
    return Page(header, file.footer, word("internal", language), right)


def _line(book: ListBook, file: _File, sheet: _Sheet) -> str:
    language = book.bank.language
    facts = {"date": book.day, "n": len(sheet.rows), "used": _hours_text(len(sheet.rows) * book.per_action)}
    line = word("line_plain", language, **facts) if sheet.kind != "manager" or file.hours is None else word(
        "line", language, **facts, hours=_hours_text(_hours(book, [file.manager_id], None) if file.manager_id else file.hours))
    return line + ("" if language == "zh" else " ") + word("estimate", language, sheet=word("summary", language))


def _hours_text(hours: float | None) -> str:
    return "—" if hours is None else f"{hours:.1f}".removesuffix(".0")


def _title(book: ListBook, key: str, who: str) -> str:
    return word(key, book.bank.language, who=who, date=book.day, version=book.version)


def _footer(book: ListBook, branch: str, name: str, staff_no: str) -> str:
    said = [branch, name, word("staff_no", book.bank.language, id=staff_no) if staff_no else ""]
    return "  ".join(part for part in said if part)


def _name(book: ListBook, *parts: str) -> str:
    """禾溪农商行_城关支行_周建国_0132_2026-09-30_v1, fit for any file system."""
    said = [book.bank.short, *parts, book.as_of.isoformat(), f"v{book.version}"]
    return "_".join(_UNFIT.sub("", part.strip()).strip(".")[:40] or "-" for part in said)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names that a system without capitals would confuse get a number."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        times = seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        distinct.append(name if times == 1 else f"{name}_{times}")
    return distinct


def _manager(book: ListBook, manager_id: str, own: pd.DataFrame) -> tuple[str, str]:
    found = book.managers[book.managers["manager_id"] == manager_id]
    name = str(found["name"].iloc[0]) if len(found) and pd.notna(found["name"].iloc[0]) else manager_id
    branch = str(found["branch_id"].iloc[0]) if len(found) else str(own["branch_id"].iloc[0])
    return name, branch


def _staff(book: ListBook, branch_id: str) -> list[str]:
    """The managers at a branch and its outlets, as `0132 周建国`, in number order."""
    home = _home(book)
    here = [home.get(str(branch), str(branch)) == branch_id for branch in book.managers["branch_id"]]
    staff = book.managers[here].sort_values("manager_id")
    return [f"{number} {name}" for number, name in zip(staff["manager_id"], staff["name"], strict=True)]


def _hours(book: ListBook, managers: Sequence[str], pools: Sequence[str] | None) -> float | None:
    """Hours of the day of these managers and these branches' pools; None where nothing is known of them."""
    own = book.hours["manager_id"].isin(list(managers))
    pooled = book.hours["manager_id"].isna() & book.hours["branch_id"].isin(list(pools or ()))
    known = book.hours.loc[own | pooled, "hours"]
    return float(known.sum()) if len(known) else None


def _heads(book: ListBook) -> dict[str, str]:
    """Branch id -> its head: the one the branch names, else the lowest number with that role."""
    heads: dict[str, str] = {}
    if "role" in book.managers:
        role = book.managers[book.managers["role"] == "branch_head"].sort_values("manager_id", ascending=False)
        heads |= {str(branch): str(manager) for branch, manager in zip(role["branch_id"], role["manager_id"], strict=True)}
    if "head_manager_id" in book.branches:
        named = book.branches[book.branches["head_manager_id"].notna()]
        heads |= {str(b): str(m) for b, m in zip(named["branch_id"], named["head_manager_id"], strict=True)}
    heads.pop(_head_office(book), None)
    return heads


def _home(book: ListBook) -> dict[str, str]:
    """Branch id -> the branch whose head reads it: itself, or for an outlet without a head the branch above."""
    heads, top = _heads(book), _head_office(book)
    if "parent_id" not in book.branches:
        return {}
    below = book.branches[book.branches["parent_id"].notna()]
    parents = {str(branch): str(above) for branch, above in zip(below["branch_id"], below["parent_id"], strict=True)}
    return {branch: parent for branch, parent in parents.items() if branch not in heads and parent in heads and parent != top}


def _head_office(book: ListBook) -> str:
    """The branch at head office's level; empty where the bank names none."""
    if "level" not in book.branches:
        return ""
    top = book.branches.loc[book.branches["level"] == "head", "branch_id"]
    return str(top.iloc[0]) if len(top) else ""
