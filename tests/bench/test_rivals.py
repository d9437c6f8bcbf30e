"""Ours and rivals find the same sums of every customer; a day carved off comes to the same rows."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from bench import declared, flat_rows, some_customers
from bench.answers import Alike, compare, relation
from bench.feature_ways import TO_THE_FEN, sums, sums_floor
from bench.intake_ways import ROWS_OF_A_CUSTOMER, a_day, by_customer, part
from bench.opened import opened
from bench.place import Found, Place
from flows import demo
from flows.chores import taken_in
from flows.home import Home
from sources.canonical import open_canonical
from sources.demo.bank import make_demo_bank
from store.errors import TerraceError

DEMO = Path(__file__).resolve().parents[2] / "configs" / "banks" / "demo.yaml"
RIVALS = {
    "in_sql": "duckdb",
    "in_pandas": "pandas",
    "in_polars": "polars",
    "in_ibis": "ibis",
    "in_featuretools": "featuretools",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A small demo bank, taken in."""
    folder = tmp_path_factory.mktemp("bench")
    make_demo_bank(demo.folder_of(folder), customers=150, months=6)
    taken_in(demo.open_bank(DEMO, folder), Home(folder / "demo"), lambda *_: None)
    (folder / "work").mkdir()
    return Place(DEMO, folder, folder / "work")


@pytest.fixture(scope="module")
def ours(place: Place) -> Path:
    """Our own sums, with the flat rows and the task lying ready for rivals."""
    flat_rows.flat(place)()
    return answer(sums(place)())


def answer(found: Found) -> Path:
    path = found.answer() if isinstance(found.answer, Callable) else found.answer  # type: ignore[arg-type]
    assert isinstance(path, Path)
    return path


@pytest.mark.parametrize("module", RIVALS)
def test_a_rival_finds_the_same_of_every_customer(place: Place, ours: Path, module: str) -> None:
    pytest.importorskip(RIVALS[module], reason="a rival in an environment of its own, which `make bench` sets up")
    theirs = answer(importlib.import_module(f"bench.rivals.{module}").sums(place)())
    assert compare(theirs, ours, TO_THE_FEN, (module, "ours")) > 100 * 60


def test_most_of_the_sums_say_something(place: Place, ours: Path) -> None:
    names = declared.names(opened(place))
    filled = ", ".join(f"count_if({name} > 0)" for name in names)
    counts = duckdb.execute(f"SELECT {filled} FROM {relation(ours)}").fetchall()[0]
    assert len(names) > 60
    assert sum(count > 0 for count in counts) > 50


def test_a_single_fen_too_much_is_found(place: Place, ours: Path) -> None:
    name = next(one.name for one in declared.sums(opened(place)) if one.is_money)
    other = ours.with_name("other.parquet")
    duckdb.execute(f"COPY (SELECT * REPLACE ({name} + 0.01 AS {name}) FROM {relation(ours)}) TO '{other}' (FORMAT parquet)")
    with pytest.raises(TerraceError, match=rf"customer \d+.*{name} is"):
        compare(other, ours, TO_THE_FEN, ("other", "ours"))


def test_filters_become_trees_that_any_library_can_be_written_from() -> None:
    assert declared.filter_of("all") is None
    assert declared.filter_of("((category == 'cash' & direction == -1) | elsewhere != 1)") == [
        "or",
        ["and", ["category", "==", "cash"], ["direction", "==", -1]],
        ["elsewhere", "!=", 1],
    ]
    with pytest.raises(ValueError, match="no rival can be written"):
        declared.filter_of("channel is None")


def test_a_floor_writes_what_was_found_and_tells_its_parts(place: Place, ours: Path) -> None:
    found = sums_floor(place)()
    assert list(found.parts) == ["read", "write"]
    written = place.work / "floor" / "0"
    assert compare(written, ours, Alike(), ("floor", "ours")) == found.rows * len(declared.names(opened(place)))
    both = [{path.name: path.read_bytes() for path in folder.glob("*.parquet")} for folder in (written, ours)]
    assert both[0] == both[1]  # as many files, to the byte: the floor writes what ours writes
    assert len(both[0]) == opened(place).canonical.manifest.buckets > 1


def test_a_few_customers_by_themselves_have_the_sums_they_have_among_all(place: Place, ours: Path) -> None:
    whole = place.work / "whole"
    shutil.copytree(ours, whole)
    some_customers.some(place, 40)()
    few = sums(place, 40)()
    assert compare(answer(few), whole, Alike(is_part=True), ("few", "all")) == 40 * len(declared.names(opened(place)))
    assert few.rows > 0
    shutil.rmtree(ours)
    shutil.copytree(whole, ours)


def test_a_day_carved_off_and_taken_in_later_comes_to_the_same_rows(place: Place) -> None:
    part(place)()
    here = opened(place)
    before = open_canonical(place.work / "before" / "demo" / "canonical").manifest
    assert before.newest_business_date < here.as_of
    assert before.tables["transactions"].rows < here.canonical.manifest.tables["transactions"].rows
    later, at_once = answer(a_day(place)()), by_customer(here.canonical, place.work / "at-once.parquet")
    assert compare(later, at_once, ROWS_OF_A_CUSTOMER, ("a day", "everything")) > 1_000
    lost = later.with_name("lost.parquet")
    duckdb.execute(f"COPY (FROM read_parquet('{later}') ORDER BY ALL OFFSET 1) TO '{lost}' (FORMAT parquet)")
    with pytest.raises(TerraceError, match="only one of them has this customer"):
        compare(lost, at_once, Alike(("table", "customer_id")), ("lost", "everything"))
