"""Text is text: no name, however hostile, becomes a formula or a link."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targeting.workbook import WorkbookSettings, write_workbooks
from tests.targeting.books import (
    BRANCHES,
    MANAGERS,
    entry,
    list_book,
    reread,
)

HOSTILE = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "{=1}",
    "http://x.example/",
    "mailto:a@b.example",
    "internal:Sheet2!A1",
    "external:c:\\x.xlsx",
    "00123",
    "1e5",
    "\x00\x1f刘",
    "‮=1",
    '=HYPERLINK("http://x.example")',
]


def written_cells(names: list[str], out: Path) -> list[Any]:
    """Every cell of every workbook whose people carry these names, in all places a name can reach."""
    entries = [entry(f"c{n}", "0132", "B01", n + 1, 10.0, reasons_zh=name or "事实。") for n, name in enumerate(names)]
    managers = pd.DataFrame(
        [("0132", names[0], "B01", "manager"), *MANAGERS[:1]], columns=["manager_id", "name", "branch_id", "role"]
    )
    branches = pd.DataFrame(
        [("B01", names[-1], "", "B00", "branch", "0101"), BRANCHES[0]],
        columns=["branch_id", "name", "name_en", "parent_id", "level", "head_manager_id"],
    )
    book = list_book(
        entries=entries, names=names, managers=managers, branches=branches, settings=WorkbookSettings(names="full")
    )
    cells = []
    for path in write_workbooks(book, out):
        with zipfile.ZipFile(path) as parts:
            for name in parts.namelist():
                text = parts.read(name).decode("utf-8")
                assert "<f>" not in text or name.startswith("xl/charts/")
                assert "<hyperlink" not in text
                assert "/externalLink" not in text
        cells += [cell for sheet in reread(path) for row in sheet.iter_rows() for cell in row]
    return cells


def test_a_hostile_name_stays_text(tmp_path: Path) -> None:
    cells = written_cells(HOSTILE, tmp_path)
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert all(cell.hyperlink is None for cell in cells)
    assert "=1+1" in [cell.value for cell in cells]
    assert all(cell.number_format == "@" for cell in cells if isinstance(cell.value, str))
    assert all(path.name == re.sub(r"[^\w.（）()-]", "", path.name) for path in tmp_path.iterdir())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(HOSTILE), min_size=1, max_size=6
    )
)
def test_no_name_whatever_it_is_becomes_a_formula_or_a_link(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    cells = written_cells(names, tmp_path_factory.mktemp("hostile"))
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert all(cell.hyperlink is None for cell in cells)
