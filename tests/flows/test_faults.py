"""What the machine does to a run is said as such, in both languages, and the run goes on where it stood."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from features.engine import build, file_of
from flows import chores, faults
from flows.bank import load_bank
from flows.home import Home
from flows.translation import told
from sources.canonical import Canonical
from sources.connection import connect
from store.errors import DataDamaged, DiskFull, MachineFault, OutOfMemory
from store.limits import USUAL, Limits
from tests import small_bank
from tests.features import county
from tests.small_disk import resize, small_disk
from tests.sources.daily_bank import daily_bank, deliver
from tests.sources.test_by_day import BASE

ON = dt.date(2025, 8, 31)
VIEWS = ("account_holdings",)
DATES = [dt.date(2024, 12, 31), ON, dt.date(2026, 3, 31)]
SO_LITTLE = Limits.model_construct(threads=2, memory="8MB", temporary_space="2MB", rows_per_load=20)  # no file may say so


def in_two_languages(fault: MachineFault) -> tuple[str, str]:
    chinese = told(fault, "zh")
    assert not any(word in chinese for word in (" is ", " the ", " run ", "higher"))
    return str(fault), chinese


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "small")


@pytest.fixture
def canonical(home: Home) -> Canonical:
    return replace(county.write(home.canonical, county.make(36), buckets=4), limits=Limits(rows_per_load=20))


def test_memory_that_does_not_do_is_named_with_the_limit_and_more_of_it_gives_the_usual_features(
    home: Home, canonical: Canonical
) -> None:
    with pytest.raises(OutOfMemory) as caught, faults.named(home, SO_LITTLE):
        build(replace(canonical, limits=SO_LITTLE), county.SETTINGS, [ON], home.features, views=VIEWS)
    english, chinese = in_two_languages(caught.value)
    assert "memory ran out" in english
    assert "8MB, one half of it for the database engine" in english
    assert "set limits.memory higher" in english
    assert "内存不足" in chinese
    assert caught.value.exit_code == 60
    after = build(canonical, county.SETTINGS, [ON], home.features, views=VIEWS)
    assert after.fingerprints == build(canonical, county.SETTINGS, [ON], home.root / "fresh", views=VIEWS).fingerprints


def test_memory_that_python_does_not_get_is_the_same_fault(home: Home) -> None:
    home.make()
    with pytest.raises(OutOfMemory, match="memory ran out"), faults.named(home, USUAL):
        bytearray(1 << 60)


def test_temporary_space_that_is_used_up_is_named_with_its_limit(home: Home) -> None:
    home.make()
    with pytest.raises(DiskFull) as caught, faults.named(home, SO_LITTLE), connect(SO_LITTLE, home.root / "spill") as con:
        con.execute("CREATE TABLE many AS SELECT hash(range) AS x FROM range(4_000_000)")
    english, chinese = in_two_languages(caught.value)
    assert "the temporary space is used up" in english
    assert "2MB beside the bank's tables" in english
    assert "limits.temporary_space" in chinese


def test_features_on_a_full_disk_go_on_after_the_last_finished_bucket(tmp_path: Path, canonical: Canonical) -> None:
    whole = build(canonical, county.SETTINGS, DATES, tmp_path / "whole", views=VIEWS).fingerprints
    with small_disk(tmp_path / "disk", "36k") as disk:
        home, steps = Home(disk), []
        with pytest.raises(DiskFull) as caught, faults.named(home, USUAL):
            build(canonical, county.SETTINGS, DATES, disk / "features", views=VIEWS)
        english, chinese = in_two_languages(caught.value)
        assert f"room on the disk of {disk}" in english
        assert "磁盘已满" in chinese
        finished = list((disk / "features").rglob("*.parquet"))
        assert any(path.is_file() for path in finished)
        resize(disk, "64m")
        again = build(canonical, county.SETTINGS, DATES, disk / "features", lambda *step: steps.append(step), VIEWS)
        assert again.fingerprints == whole
        assert 0 < len(steps) < 4 * len(DATES)


def garble(path: Path) -> None:
    """As many bytes as before, and not the same: what a dying disk does."""
    content = path.read_bytes()
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")  # where a Parquet file's footer begins
    path.write_bytes(content[:4] + bytes(end - 4) + content[end:])


def test_a_garbled_canonical_file_is_named_with_table_and_bucket(home: Home, canonical: Canonical) -> None:
    file = canonical.manifest.tables["transactions"].files[-1]
    garble(canonical.root / file.path)
    with pytest.raises(DataDamaged) as caught, faults.named(home, USUAL):
        build(canonical, county.SETTINGS, [ON], home.features, views=["flow_elsewhere"])
    english, chinese = in_two_languages(caught.value)
    assert f"table transactions, bucket {file.bucket}: the file {file.path} has been changed" in english
    assert "run `terrace check`" in english
    assert f"表 transactions 第 {file.bucket} 分桶" in chinese
    assert caught.value.exit_code == 60


def test_a_garbled_part_of_finished_features_is_named_and_the_next_build_makes_the_date_anew(
    home: Home, canonical: Canonical
) -> None:
    made = build(canonical, county.SETTINGS, [ON], home.features, views=VIEWS)
    garble(file_of(home.features, ON) / "bucket-0002.parquet")
    with pytest.raises(DataDamaged) as caught, faults.named(home, USUAL):
        made.read(ON)
    english, _ = in_two_languages(caught.value)
    assert f"features/as_of={ON}.parquet: the file bucket-0002.parquet has been changed" in english
    assert build(canonical, county.SETTINGS, [ON], home.features, views=VIEWS).fingerprints == made.fingerprints
    made.read(ON)


def test_a_garbled_landed_file_is_named_when_the_next_day_needs_it(tmp_path: Path) -> None:
    bank = daily_bank(tmp_path)
    deliver(bank, None, BASE)
    bank.take()
    garble(bank.folder / "home" / "landed" / "transactions" / "1.parquet")
    deliver(bank, dt.date(2023, 9, 2), {"mov": ["T1|A1|20230901|2.00|2.00|SAL|0"]})
    with pytest.raises(DataDamaged) as caught, faults.named(Home(bank.folder / "home"), USUAL):
        bank.take()
    english, chinese = in_two_languages(caught.value)
    assert "landed: the file transactions/1.parquet has been changed" in english
    assert "put it back from a backup" in english
    assert "内容已被改动" in chinese


def test_a_file_that_was_delivered_broken_is_named_with_where_to_get_another(home: Home, tmp_path: Path) -> None:
    home.make()
    path = tmp_path / "delivered.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataDamaged) as caught, faults.named(home, USUAL):
        duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()
    english, _ = in_two_languages(caught.value)
    assert f"the file {path} cannot be read" in english
    assert "ask the sender for it again" in english


def test_what_a_killed_run_had_spilled_is_gone_once_another_takes_data_in(tmp_path: Path) -> None:
    bank, home = load_bank(small_bank.make(tmp_path / "bank", customers=20), {}), Home(tmp_path / "home" / "small")
    left = home.root / "spill" / "duckdb_temp_1_0_storage_DEFAULT-0.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(bytes(1000))
    chores.taken_in(bank, home, lambda what, done, total: None)
    assert not left.exists()


def test_what_the_machine_has_no_part_in_stays_what_it_is(home: Home, canonical: Canonical) -> None:
    for wrong in ("SELECT missing", "SELECT 'a'::INTEGER"):
        with pytest.raises(duckdb.Error), faults.named(home, USUAL):
            duckdb.sql(wrong).fetchall()
    with pytest.raises(FileNotFoundError), faults.named(home, USUAL):
        (home.root / "nothing").read_bytes()
