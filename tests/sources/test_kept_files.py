"""Files that Terrace keeps: damage is noticed, named and mended alone; a killed intake and compaction change no row."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from features.engine import build
from features.settings import FeatureSettings
from sources.canonical import open_canonical
from sources.compaction import compact_landed, compact_tables
from sources.intake import take_in
from sources.landed import forget, read_state
from store.errors import DataDamaged
from store.files import sync
from store.limits import Limits
from tests.sources.conftest import SmallBank
from tests.sources.daily_bank import D, daily_bank, deliver, seen
from tests.sources.test_by_day import BASE

DATES = [D(2023, 9, day) for day in (1, 2, 3, 4, 9)]


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> SmallBank:
    """Three days taken in one by one: a merge, a correction, an account that changes hands."""
    bank = daily_bank(tmp_path_factory.mktemp("three"))
    deliver(bank, None, {**BASE, "visit": ["C1|20230901|mobile|1", "C2|20230901|mobile|2"]})
    bank.take()
    deliver(bank, D(2023, 9, 2), {"mov": ["T2|A2|20230902|2.00|2.00|CSH|0", "T1|A1|20230901|2.00|2.00|SAL|0"]})
    bank.take()
    deliver(bank, D(2023, 9, 3), {"merge": ["C2|C1|20230903|0"], "acct": ["A1|C2|20200301|0|0"]})
    bank.take()
    return bank


@pytest.fixture
def daily(three_days: SmallBank, tmp_path: Path) -> SmallBank:
    """Those three days, to be hurt."""
    shutil.copytree(three_days.folder, tmp_path, dirs_exist_ok=True)
    return SmallBank(tmp_path, three_days.yaml)


def verified(bank: SmallBank) -> None:
    settings, places = bank.settings()
    take_in(settings, bank.folder / "home", bank.folder, "small", "CNY", country="CN", places=places, verify=True)


def test_every_damaged_or_missing_canonical_file_is_mended_alone_from_what_was_landed(daily: SmallBank) -> None:
    canonical = open_canonical(daily.folder / "home" / "canonical")
    before = seen(canonical, DATES)
    for table, state in canonical.manifest.tables.items():
        now = open_canonical(canonical.root)
        others = {f.path for name, t in now.manifest.tables.items() if name != table for f in t.files}
        if not now.manifest.tables[table].files:
            continue
        file = now.manifest.tables[table].files[-1]
        (now.root / file.path).unlink()
        with pytest.raises(DataDamaged, match=rf"table {table}.*{Path(file.path).name}.* is missing.*terrace check"):
            now.relation_sql(table)
        mended = daily.take()
        assert seen(mended, DATES) == before, table
        assert mended.manifest.tables[table].fingerprint == state.fingerprint
        assert others == {f.path for name, t in mended.manifest.tables.items() if name != table for f in t.files}


def test_a_file_changed_without_a_trace_is_found_by_a_full_check(daily: SmallBank) -> None:
    canonical = open_canonical(daily.folder / "home" / "canonical")
    before = seen(canonical, DATES)
    path = canonical.root / canonical.manifest.tables["customers"].files[0].path
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 255
    path.write_bytes(bytes(content))
    verified(daily)
    assert seen(open_canonical(canonical.root), DATES) == before


def test_a_damaged_landed_file_is_named_with_what_to_do(daily: SmallBank) -> None:
    path = daily.folder / "home" / "landed" / "transactions" / "1.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataDamaged, match=r"landed: the file transactions/1\.parquet has .* bytes instead of .*from a backup"):
        daily.take()


def test_compaction_leaves_one_file_a_bucket_and_every_row_as_it_was(daily: SmallBank) -> None:
    home = daily.folder / "home"
    before = open_canonical(home / "canonical")
    rows = seen(before, DATES)
    assert any(state.hidden for state in before.manifest.tables.values())
    assert compact_tables(home / "canonical") > 0
    compact_landed(home)
    after = open_canonical(home / "canonical")
    assert seen(after, DATES) == rows
    assert after.manifest.content() == before.manifest.content()
    for state in after.manifest.tables.values():
        assert state.hidden is None
        assert len({file.bucket for file in state.files}) == len(state.files)
    deliver(daily, D(2023, 9, 4), {"mov": ["T2|A2|20230902|3.00|3.00|CSH|0", "T3|A1|20230904|1.00|3.00|CSH|0"]})
    assert seen(daily.take(), DATES) == seen(daily.take("at_once"), DATES)


def test_an_intake_killed_before_its_manifest_costs_nothing(daily: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    home = daily.folder / "home"
    before = open_canonical(home / "canonical")
    rows = seen(before, DATES)
    deliver(daily, D(2023, 9, 4), {"mov": ["T3|A1|20230904|1.00|3.00|CSH|0"], "visit": ["C1|20230904|mobile|1"]})
    with monkeypatch.context() as cut:
        cut.setattr("sources.in_force.write_json", _killed)
        with pytest.raises(KeyboardInterrupt):
            daily.take()
    assert open_canonical(home / "canonical").manifest == before.manifest
    assert seen(open_canonical(home / "canonical"), DATES) == rows
    assert seen(daily.take(), DATES) == seen(daily.take("at_once"), DATES)


def test_features_of_days_one_by_one_are_those_of_all_at_once(daily: SmallBank) -> None:
    at_once, built = daily.take("at_once"), []
    for canonical in (daily.take(), at_once):
        out = canonical.root.parent / "features"
        build(canonical, FeatureSettings(), DATES[1:3], out)
        built.append({path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*.parquet")) if path.is_file()})
    assert len(built[0]) >= 2
    assert built[0] == built[1]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_half_written_version_of_a_table_is_not_read(daily: SmallBank) -> None:
    folder = daily.folder / "home" / "canonical" / "transactions"
    rows = seen(open_canonical(folder.parent), DATES)
    write_deltalake(str(folder), DeltaTable(str(folder)).to_pyarrow_table().slice(0, 1), mode="append", partition_by=["bucket"])
    assert seen(daily.take(), DATES) == rows
    deliver(daily, D(2023, 9, 4), {"mov": ["T3|A1|20230904|1.00|3.00|CSH|0"]})
    assert seen(daily.take(), DATES) == seen(daily.take("at_once"), DATES)


def test_a_day_without_news_writes_no_table(daily: SmallBank) -> None:
    before = daily.take().manifest
    deliver(daily, D(2023, 9, 4), {})
    after = daily.take().manifest
    assert {n: t.delta_version for n, t in after.tables.items()} == {n: t.delta_version for n, t in before.tables.items()}
    assert after.inputs != before.inputs


def test_files_of_days_gone_by_may_be_cleared_away(daily: SmallBank) -> None:
    before = daily.take()
    for path in (daily.folder / "in").glob("*_2023090[123].dat"):
        path.unlink()
    after = daily.take()
    assert after.manifest == before.manifest
    deliver(daily, D(2023, 9, 4), {"mov": ["T3|A1|20230904|1.00|3.00|CSH|0"]})
    assert len(seen(daily.take(), [dt.date(2023, 9, 9)])["transactions", dt.date(2023, 9, 9)]) == 3


def test_a_day_sent_again_with_other_content_replaces_what_it_said(daily: SmallBank) -> None:
    deliver(daily, D(2023, 9, 2), {"mov": ["T2|A2|20230902|4.00|4.00|CSH|0"]})
    again = daily.take()
    assert seen(again, DATES) == seen(daily.take("at_once"), DATES)
    assert again.manifest.content() == daily.take("at_once").manifest.content()


def test_the_limits_of_the_bank_hold_on_a_day_that_brings_something_too(daily: SmallBank) -> None:
    settings, places = daily.settings()
    deliver(daily, D(2023, 9, 5), {"mov": ["T9|A1|20230905|1.00|4.00|CSH|0"]})
    limits = Limits(threads=1, memory="1GB")
    made = take_in(settings, daily.folder / "home", daily.folder, "small", "CNY", places=places, limits=limits)
    assert made.limits == limits


def test_a_day_is_the_same_to_the_last_byte_in_one_lane_and_in_four(daily: SmallBank) -> None:
    settings, places = daily.settings()
    movements = ["T9|A1|20230905|1.00|4.00|CSH|0", "T2|A2|20230902|3.00|3.00|CSH|0", "T7|A9|20230905|1.00|1.00|CSH|0"]
    deliver(daily, D(2023, 9, 5), {"mov": movements, "merge": ["C2|C1|20230903|20230905"], "visit": ["C9|20230904|mobile|1"]})
    made, left = [], []
    for threads in (1, 4):
        home = daily.folder / f"home_{threads}"
        shutil.copytree(daily.folder / "home", home)
        limits = Limits(threads=threads)
        made.append(take_in(settings, home, daily.folder, "small", "CNY", country="CN", places=places, limits=limits))
        kept = [path for folder in ("landed", "quality", "quarantine") for path in sorted((home / folder).rglob("*.*"))]
        left.append({path.relative_to(home): path.read_bytes() for path in kept if path.name != "hashes.json"})
    one, four = made
    assert seen(one, DATES) == seen(four, DATES)
    assert one.manifest.content() == four.manifest.content()
    assert left[0] == left[1]


def test_who_reads_while_the_tables_are_put_together_finds_the_same_rows(daily: SmallBank) -> None:
    root = daily.folder / "home" / "canonical"
    reader = open_canonical(root)
    rows = seen(reader, DATES)
    compact_tables(root)
    for state in reader.manifest.tables.values():
        for file in {f.path for f in state.files} - {
            f.path for now in open_canonical(root).manifest.tables.values() for f in now.files
        }:
            (root / file).unlink()
    assert seen(reader, DATES) == rows


def test_before_the_manifest_names_a_file_it_is_synced_to_the_disk(daily: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    root = daily.folder / "home" / "canonical"
    synced: set[str] = set()
    earlier = open_canonical(root).manifest
    before = {file.path for state in earlier.tables.values() for file in state.files}
    deliver(daily, D(2023, 9, 5), {"mov": ["T9|A1|20230905|1.00|4.00|CSH|0"]})

    def noted(paths: Iterable[Path]) -> None:
        listed = list(paths)
        assert open_canonical(root).manifest == earlier, "the manifest comes after"
        sync(listed)
        synced.update(path.relative_to(root).as_posix() for path in listed)

    with monkeypatch.context() as heard:
        heard.setattr("sources.in_force.sync", noted)
        tables = daily.take().manifest.tables
    come = {name: {file.path for file in state.files} - before for name, state in tables.items()}
    assert come["transactions"]
    logs = {f"{name}/_delta_log/{tables[name].delta_version:020d}.json" for name, files in come.items() if files}
    assert synced == logs.union(*come.values())


def test_lines_that_could_not_be_read_are_kept_once_and_only_as_long_as_their_file_counts(daily: SmallBank) -> None:
    landed = daily.folder / "home" / "landed"
    (landed / "core.parquet").write_bytes(b"a table of a database")
    (landed / "lines-99.parquet").write_bytes(b"left by an earlier release")
    for day in (4, 5):
        deliver(daily, D(2023, 9, day), {"cust": [f"C{day}|name and phone number in one"]})
        state = read_state(daily.folder / "home", daily.take().manifest.intake)
        assert state is not None
        assert state.lines is not None
        assert [path.name for path in landed.glob("lines-*")] == [state.lines.path]
    for day in (4, 5):
        deliver(daily, D(2023, 9, day), {})
    daily.take()
    assert not list(landed.glob("lines-*"))
    assert (landed / "core.parquet").exists()


def test_how_many_files_were_forgotten_is_how_many_went(daily: SmallBank) -> None:
    root = daily.folder / "home"
    state = read_state(root, daily.take().manifest.intake)
    assert state is not None
    for name in ("core.parquet", "lines-99.parquet", "state-0.json", "running/stray.parquet"):
        (root / "landed" / name).write_bytes(b"")
    before = {path for path in (root / "landed").rglob("*") if path.is_file()}
    went = forget(root, state)
    assert went == 3
    assert len(before - {path for path in (root / "landed").rglob("*") if path.is_file()}) == went
