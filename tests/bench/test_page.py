"""The page of results keeps what was written by hand and what other runs found."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from bench import page, table
from bench.__main__ import LONG, contests
from bench.machine import Setting

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
SMALL = Setting("demo", 20_000, 5_000_000, dt.date(2026, 9, 30), dt.date(2026, 11, 22), "2 cores", 0.3, 3)
LARGE = replace(SMALL, customers=388_494, transactions=40_000_000)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "benchmarks.md"
    path.write_text("# Benchmarks\n\nBy hand.\n\n## Results\n", encoding="utf-8")
    return path


def test_a_contest_repeated_the_same_day_replaces_its_own_table_only(copy: Path) -> None:
    page.write(copy, SMALL, ["2 cores"], {"features": ["| 1 |"], "scores": ["| 2 |"]})
    page.write(copy, LARGE, ["2 cores"], {"features": ["| 3 |"]})
    page.write(copy, SMALL, ["2 cores, again"], {"scores": ["| 4 |"]})
    text = copy.read_text(encoding="utf-8")
    assert text.startswith("# Benchmarks\n\nBy hand.\n\n## Results\n")
    held = page.read(text)
    assert list(held) == [SMALL.title, LARGE.title]
    assert held[SMALL.title] == {"": ["2 cores, again"], "features": ["| 1 |"], "scores": ["| 4 |"]}
    assert held[LARGE.title] == {"": ["2 cores"], "features": ["| 3 |"]}


def test_what_is_read_is_written_word_for_word(copy: Path) -> None:
    page.write(copy, SMALL, ["2 cores"], {"features": ["Every feature.", "", "| 1 |"]})
    results = copy.read_text(encoding="utf-8").partition(f"\n{page.RESULTS}\n")[2]
    assert page.written(page.read(results)) == results


def test_the_page_tells_of_every_contest_and_has_a_place_for_results() -> None:
    text = PAGE.read_text(encoding="utf-8")
    held = contests(Path(), (1, 2), Path())
    assert set(LONG) < set(held)
    assert [name for name in held if f"| `{name}` |" not in text] == []
    results = text.partition(f"\n{page.RESULTS}\n")[2]
    assert page.RESULTS in text
    assert {name for run in page.read(results).values() for name in run} <= {"", *held}


def test_one_round_is_told_as_one() -> None:
    assert [table.in_words(count) for count in (1, 3)] == ["One round", "3 rounds"]
    assert "1 rounds" not in PAGE.read_text(encoding="utf-8")
