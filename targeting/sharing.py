"""Who gets which workbook: managers their own customers, branch heads their branch, head office the counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from targeting.captions import word
from targeting.list_book import ListBook, branch_names

_UNFIT = re.compile(r"[^\w.（）()-]+")  # what a file name may not hold on any system


@dataclass(frozen=True)
class Share:
    """One list sheet to come: its tab, title, kind and rows."""

    tab: str
    title: str
    kind: Literal["manager", "pool", "people"]
    rows: pd.DataFrame
    hours: float | None = None


@dataclass(frozen=True)
class Reader:
    """One workbook to come: for whom, under what name, with which sheets; `rows` and `by` are what its summary counts."""

    file_name: str
    who: str
    footer: str
    branch_id: str
    manager_id: str
    shares: tuple[Share, ...]
    rows: pd.DataFrame
    hours: float | None
    by: tuple[str, ...]
    staff: tuple[str, ...] = ()  # whom a pool may be handed to

    @property
    def is_head_office(self) -> bool:
        return "branch" in self.by


def readers(book: ListBook, rows: pd.DataFrame) -> list[Reader]:
    """Every workbook of a version, in order of its file name; file names are distinct on every file system."""
    found = sorted(_Bank(book).readers(rows), key=lambda reader: (reader.file_name, reader.branch_id, reader.manager_id))
    seen: dict[str, int] = {}
    distinct = []
    for reader in found:
        times = seen[reader.file_name.casefold()] = seen.get(reader.file_name.casefold(), 0) + 1
        name = reader.file_name if times == 1 else f"{reader.file_name}_{times}"
        distinct.append(Reader(**{**reader.__dict__, "file_name": name}))
    return distinct


class _Bank:
    """The bank's branches and people, looked up once."""

    def __init__(self, book: ListBook) -> None:
        self.book, self.language, self.names = book, book.bank.language, branch_names(book)
        self.managers = {
            str(m): ("" if pd.isna(name) else str(name), str(b))
            for m, name, b in zip(book.managers["manager_id"], book.managers["name"], book.managers["branch_id"], strict=True)
        }
        day = book.hours
        self.hours = [
            ("" if pd.isna(manager) else str(manager), branch, hours)  # no manager: a pool
            for manager, branch, hours in zip(day["manager_id"], day["branch_id"], day["hours"], strict=True)
        ]
        self.top = self._top()
        self.heads = self._heads()
        self.home = self._homes()

    def readers(self, rows: pd.DataFrame) -> Iterator[Reader]:
        homes = pd.Series([self.home.get(str(branch), str(branch)) for branch in rows["branch_id"]], index=rows.index)
        for manager_id, own in rows[rows["manager_id"] != ""].groupby("manager_id", sort=True):
            if str(manager_id) not in self.heads.values():
                yield self._manager(str(manager_id), own)
        for branch_id, own in rows.groupby(homes, sort=True):
            if branch_id != self.top:
                yield self._branch(str(branch_id), own)
        if len(self.book.branches) > 1:
            yield self._head_office(rows.assign(branch=[self.names.get(str(home), str(home)) for home in homes]))

    def _manager(self, manager_id: str, own: pd.DataFrame) -> Reader:
        name, branch_id = self.managers.get(manager_id, ("", str(own["branch_id"].iloc[0])))
        branch, hours = self.names.get(branch_id, branch_id), self._hours([manager_id])
        who = self._who(branch, name, manager_id)
        share = Share(word("list", self.language), self._title("title", who), "manager", own, hours)
        return Reader(
            self._file_name(branch, name, manager_id),
            who,
            self._footer(branch, name, manager_id),
            branch_id,
            manager_id,
            (share,),
            own,
            hours,
            ("offer", "tier", "band"),
        )

    def _branch(self, branch_id: str, own: pd.DataFrame) -> Reader:
        """A head's own customers, those to hand out, and everyone's; where a branch has no managers, its one list."""
        head = self.heads.get(branch_id, "")
        branch, name = self.names.get(branch_id, branch_id), self.managers.get(head, ("", ""))[0]
        who = self._who(branch, name, head) if head else branch
        pool, mine = own[own["manager_id"] == ""], own[(own["manager_id"] == head) & (head != "")]
        people = own[(own["manager_id"] != "") & (own["manager_id"] != head)]
        staff = tuple(
            f"{number} {name}".strip()
            for number, (name, at) in sorted(self.managers.items())
            if self.home.get(at, at) == branch_id
        )
        pooled = self._hours([], sorted(set(pool["branch_id"])))
        shares = [
            Share(word("own", self.language), self._title("title", who), "manager", mine, self._hours([head])),
            Share(word("pool", self.language), self._title("title_pool", who), "pool", pool, pooled)
            if staff
            else Share(word("list", self.language), self._title("title", who), "manager", pool, pooled),
            Share(word("people", self.language), self._title("title_people", who), "people", people),
        ]
        ids = sorted(set(own["manager_id"]) - {""})
        return Reader(
            self._file_name(branch, word("branch_book", self.language)),
            who,
            self._footer(branch, name, head),
            branch_id,
            head,
            tuple(share for share in shares if len(share.rows)),
            own,
            self._hours(ids, sorted(set(pool["branch_id"]))),
            ("manager", "offer", "tier") if ids else ("offer", "tier", "band"),
            staff,
        )

    def _head_office(self, rows: pd.DataFrame) -> Reader:
        """Counts of all, no names; but for the customers head office itself keeps."""
        name = word("overview", self.language)
        own = rows[(rows["branch_id"] == self.top) & (rows["manager_id"] == "")]
        shares = (
            (Share(word("list", self.language), self._title("title_pool", name), "manager", own, self._hours([], [self.top])),)
            if len(own)
            else ()
        )
        known = self.book.hours["hours"]
        return Reader(
            self._file_name(name),
            name,
            name,
            self.top,
            "",
            shares,
            rows,
            float(known.sum()) if len(known) else None,
            ("offer", "tier", "band", "branch"),
        )

    def _who(self, branch: str, name: str, manager_id: str) -> str:
        return f"{branch} " + word("staff" if name else "staff_no", self.language, name=name, id=manager_id)

    def _title(self, key: str, who: str) -> str:
        return word(key, self.language, who=who, date=self.book.day, version=self.book.version)

    def _footer(self, branch: str, name: str, staff_no: str) -> str:
        said = [branch, name, word("staff_no", self.language, id=staff_no) if staff_no else ""]
        return "  ".join(part for part in said if part)

    def _file_name(self, *parts: str) -> str:
        """禾溪农商行_城关支行_周建国_0132_2026-09-30_v1, fit for any file system."""
        said = [self.book.bank.short, *(part for part in parts if part), self.book.as_of.isoformat(), f"v{self.book.version}"]
        return "_".join(_UNFIT.sub("", re.sub(r"[\s-]+", "-", part.strip())).strip(".")[:40] or "-" for part in said)

    def _hours(self, managers: Sequence[str], pools: Sequence[str] = ()) -> float | None:
        """Hours of the day of these managers and these branches' pools; None where nothing is known of them."""
        wanted, at = set(managers), set(pools)
        known = [hours for manager, branch, hours in self.hours if (manager in wanted if manager else branch in at)]
        return float(np.sum(known)) if known else None

    def _top(self) -> str:
        """The branch at head office's level; empty where the bank names none."""
        branches = self.book.branches
        top = branches.loc[branches["level"] == "head", "branch_id"] if "level" in branches else branches["branch_id"][:0]
        return str(top.iloc[0]) if len(top) else ""

    def _heads(self) -> dict[str, str]:
        """Branch id -> its head: the one the branch names, else the lowest number with that role. Head office has none."""
        heads: dict[str, str] = {}
        managers, branches = self.book.managers, self.book.branches
        if "role" in managers:
            role = managers[managers["role"] == "branch_head"].sort_values("manager_id", ascending=False)
            heads |= {str(branch): str(manager) for branch, manager in zip(role["branch_id"], role["manager_id"], strict=True)}
        if "head_manager_id" in branches:
            named = branches[branches["head_manager_id"].notna()]
            heads |= {str(b): str(m) for b, m in zip(named["branch_id"], named["head_manager_id"], strict=True)}
        heads.pop(self.top, None)
        return heads

    def _homes(self) -> dict[str, str]:
        """Outlet id -> the branch above it whose head reads it, where the outlet has no head of its own."""
        if "parent_id" not in self.book.branches:
            return {}
        below = self.book.branches[self.book.branches["parent_id"].notna()]
        above = {str(branch): str(parent) for branch, parent in zip(below["branch_id"], below["parent_id"], strict=True)}
        return {branch: parent for branch, parent in above.items() if branch not in self.heads and parent in self.heads}
