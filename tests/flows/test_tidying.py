"""Clearing away changes no row, no feature and no list, whatever a killed run left behind."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from features.engine import build, file_of
from flows import chores, tidying
from flows.bank import BankFile, load_bank
from flows.home import Home
from sources.canonical import open_canonical
from sources.connection import connect
from sources.tables import TABLES
from store.files import read_json
from store.ledger import open_ledger

NIGHT = dt.date(2025, 9, 30)


def silent(_what: str, _done: int, _total: int) -> None:
    pass


def opened(place: Any) -> tuple[BankFile, Home]:
    return load_bank(place.bank, {}), Home(place.home / "small")


def rows(home: Home) -> dict[str, list[Any]]:
    canonical = open_canonical(home.canonical)
    with connect() as con:
        return {
            name: con.execute(f"SELECT * FROM {canonical.relation_sql(name)} ORDER BY ALL").fetchall()
            for name in canonical.manifest.tables
        }


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def features(bank: BankFile, home: Home, out: Path) -> dict[str, bytes]:
    build(open_canonical(home.canonical), bank.features, [NIGHT], out)
    return contents(file_of(out, NIGHT))


def test_after_compaction_rows_features_and_the_bytes_of_a_list_are_what_they_were(published: Any, tmp_path: Path) -> None:
    bank, home = opened(published)
    csv = published.bank.parent / "data" / "transactions.csv"
    kept = csv.read_text()
    csv.write_text(kept + "Tx,A0001,2025-09-30,1.00,interest,1.00\n")
    chores.taken_in(bank, home, silent)
    csv.write_text(kept)  # and back again: a row that came and went
    chores.taken_in(bank, home, silent)
    before, made, lists = rows(home), features(bank, home, tmp_path / "one"), contents(home.lists)
    files = len(set(home.canonical.rglob("*.parquet")))
    assert tidying.compact(bank, home) > 0
    tidying.compact(bank, home)  # the first one leaves the files of who may just be reading
    assert len(set(home.canonical.rglob("*.parquet"))) < files
    assert not any(state.hidden for state in open_canonical(home.canonical).manifest.tables.values())
    assert rows(home) == before
    assert features(bank, home, tmp_path / "two") == made
    assert contents(home.lists) == lists
    again = published.run("nightly", "--new-version")
    assert again.returncode == 0, again.stderr
    for name in ("entries.parquet", "explanations.parquet"):
        first, second = (home.list_folder(NIGHT, version) / name for version in (1, 2))
        drop = ["list_version"] if name == "entries.parquet" else []
        assert pq.read_table(first).drop_columns(drop).equals(pq.read_table(second).drop_columns(drop)), name


def test_an_intake_that_was_killed_half_way_costs_the_tables_in_force_nothing(published: Any) -> None:
    bank, home = opened(published)
    before = rows(home)
    folder = home.canonical / "transactions"
    half = DeltaTable(str(folder)).to_pyarrow_table().slice(0, 7)
    write_deltalake(str(folder), half, mode="overwrite", partition_by=["bucket"])  # no manifest names this version
    tidying.compact(bank, home)
    assert rows(home) == before
    assert published.run("nightly").returncode == 3


def test_a_table_that_the_bank_no_longer_delivers_goes_and_so_does_what_a_killed_weekly_run_left(published: Any) -> None:
    bank, home = opened(published)
    gone = home.canonical / next(name for name in TABLES if name not in open_canonical(home.canonical).manifest.tables)
    write_deltalake(str(gone), DeltaTable(str(home.canonical / "branches")).to_pyarrow_table())
    (home.root / ".monitor-abc").mkdir()
    tidying.compact(bank, home)
    assert not gone.exists()
    assert not (home.root / ".monitor-abc").exists()


def test_lists_of_any_age_stay(published: Any) -> None:
    bank, home = opened(published)
    old = home.list_folder(dt.date(2020, 1, 31), 1)
    old.mkdir(parents=True)
    (old / "as_of=2020-01-31.json").write_text("{}")
    proposal = home.tiers / "proposal=personal" / "as_of=2020-01-31"
    proposal.mkdir(parents=True)
    tidying.compact(bank, home)
    assert (old / "as_of=2020-01-31.json").exists()
    assert not proposal.exists()


def test_retraining_touches_neither_a_published_list_nor_what_it_was_pinned_to(published: Any) -> None:
    bank, home = opened(published)
    ledger = open_ledger(home.ledger, lambda: 0.0)
    run = ledger.published(NIGHT)
    assert run is not None
    lists, pins = contents(home.lists), ledger.pins(run)
    done = chores.retrain(bank, home, None, (), silent)
    assert {one.label for one in done} == set(pins)
    assert all(one.in_force for one in done), "a segment rate may take the place of a segment rate"
    assert contents(home.lists) == lists
    assert ledger.pins(run) == pins
    for name, content in pins.items():
        champion = read_json(home.champions / name / content[:16] / "champion.json")
        assert champion["content_hash"] == content


def test_what_an_intake_wrote_that_was_killed_before_its_commit_goes_and_what_a_reader_has_open_stays(published: Any) -> None:
    bank, home = opened(published)
    csv = published.bank.parent / "data" / "transactions.csv"
    csv.write_text(csv.read_text() + "Tx,A0001,2025-09-30,1.00,interest,1.00\n")
    reading = chores.taken_in(bank, home, silent)
    before, named = rows(home), {file.path for state in reading.manifest.tables.values() for file in state.files}
    bucket = next((home.canonical / "transactions").glob("bucket=*"))
    left = [bucket / "part-killed.parquet", home.canonical / "branches" / "part-killed.parquet"]
    for path in left:  # Delta's log knows nothing of them
        path.write_bytes(next(bucket.glob("*.parquet")).read_bytes())
    tidying.compact(bank, home)
    assert not any(path.exists() for path in left)
    assert rows(home) == before
    assert all((home.canonical / name).exists() for name in named)
    tidying.compact(bank, home)
    assert rows(home) == before
    now = {file.path for state in open_canonical(home.canonical).manifest.tables.values() for file in state.files}
    assert {path.relative_to(home.canonical).as_posix() for path in home.canonical.rglob("*.parquet")} == now
