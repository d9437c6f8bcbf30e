"""Workbooks by several processes are those of one; a process that dies is told, and nobody is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store.errors import ProcessDied
from targeting import scribes
from targeting.list_book import ListBook
from targeting.sharing import Reader
from targeting.workbook import write_workbooks
from tests.targeting.books import list_book


def killed(_book: ListBook, reader: Reader) -> bytes:
    """The kernel ends a process where memory is short; it gets no word in."""
    if reader.is_head_office:
        os.kill(os.getpid(), 9)
    return b"a workbook"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few workbooks are shared out as well."""
    monkeypatch.setattr(scribes, "WORTH", 1)


def test_two_processes_write_the_same_bytes_as_one(eager: None, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    alone = write_workbooks(list_book(), tmp_path / "one")
    both = write_workbooks(list_book(), tmp_path / "two", lambda *said: told.append(said), processes=2)
    assert [path.name for path in both] == [path.name for path in alone]
    assert [path.read_bytes() for path in both] == [path.read_bytes() for path in alone]
    assert told == [("workbooks", number, len(alone)) for number in range(1, len(alone) + 1)]


def test_a_process_that_dies_stops_the_list_and_says_so(eager: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("targeting.workbook.workbook_bytes", killed)
    with pytest.raises(ProcessDied, match="a process that writes workbooks died"):
        write_workbooks(list_book(), tmp_path, processes=2)
