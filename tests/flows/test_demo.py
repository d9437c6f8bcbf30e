"""The demo bank's files are found in any home, and say the same in its settings wherever that is."""

import time
from pathlib import Path

import pytest
from typer.main import get_command

from flows import demo, faults, session
from flows.bank import load_bank
from flows.chores import taken_in
from flows.cli import app, main
from flows.home import Home
from flows.screen import Screen
from flows.translation import told
from sources.delivery import Hashes, deliveries
from sources.demo.bank import make_demo_bank
from store.errors import ConfigError, OutOfMemory
from store.lease import LeaseHeld
from store.ledger import open_ledger
from tests.small_disk import resize, small_disk

DEMO = Path(__file__).resolve().parents[2] / "configs" / "banks" / "demo.yaml"


def test_the_demo_bank_is_read_from_its_home_and_its_settings_name_no_place(tmp_path: Path) -> None:
    make_demo_bank(demo.folder_of(tmp_path / "one"), customers=120, months=3)
    one, two = demo.open_bank(DEMO, tmp_path / "one"), demo.open_bank(DEMO, tmp_path / "two")
    assert demo.is_demo(one)
    assert one.sources == two.sources
    assert str(tmp_path) not in str(one.sources)
    found = deliveries(one.sources.inputs, one.base, Hashes(tmp_path / "hashes.json"))
    assert len(found) == len(one.sources.inputs)
    assert all(str(file.path).startswith(str(tmp_path / "one")) for table in found.values() for file in table.files)


def test_another_banks_files_are_left_where_its_yaml_says(tmp_path: Path) -> None:
    berka = load_bank(DEMO.with_name("berka.yaml"), {})
    assert not demo.is_demo(berka)
    assert demo.placed(berka, tmp_path) is berka


def test_days_held_back_are_delivered_one_at_a_time_and_taken_in_so_as_if_they_had_come_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, folder = ["--home", str(tmp_path), "--language", "en"], demo.folder_of(tmp_path)
    asked = ["--customers", "120", "--months", "2", "--daily", "3", "--hold-back", "1"]
    terrace = get_command(app)
    terrace.main(["demo-bank", *home, *asked], standalone_mode=False)
    bank = demo.open_bank(DEMO, tmp_path)
    assert not list(folder.glob("raw/*D20260930*"))
    eve = taken_in(bank, Home(tmp_path / "by-day"), _quiet)
    for said in ("2026-09-30 are delivered; 0 days", "No day is held back"):
        terrace.main(["demo-bank", *home, "--next-day"], standalone_mode=False)
        assert said in capsys.readouterr().out
    assert len(list(folder.glob("raw/*D20260930*.ok"))) == 11
    by_day, at_once = (taken_in(bank, Home(tmp_path / name), _quiet) for name in ("by-day", "at-once"))
    assert by_day.manifest.content() == at_once.manifest.content()
    assert (eve.manifest.intake, by_day.manifest.intake) == (1, 2)
    new = by_day.manifest.tables["balances"].rows - eve.manifest.tables["balances"].rows
    assert 0 < new < eve.manifest.tables["balances"].rows
    with pytest.raises(ConfigError, match="3000 days of their own"):
        terrace.main(["demo-bank", *home, *asked, "--daily", "3000"], standalone_mode=False)


@pytest.mark.parametrize("asked", [["--next-day"], ["--customers", "120", "--months", "2"]])
def test_no_file_comes_while_a_run_holds_the_bank(asked: list[str], tmp_path: Path) -> None:
    folder = demo.folder_of(tmp_path)
    make_demo_bank(folder, customers=120, months=2, daily=3, held_back=1)
    home, before, terrace = Home(tmp_path / "demo"), _files(folder), get_command(app)
    home.make()
    ledger = open_ledger(home.ledger, time.time)
    lease = ledger.take_lease("a night", 600, lambda _: False)
    with pytest.raises(LeaseHeld):
        terrace.main(["demo-bank", "--home", str(tmp_path), *asked], standalone_mode=False)
    assert _files(folder) == before
    ledger.release_lease(lease)
    terrace.main(["demo-bank", "--home", str(tmp_path), *asked], standalone_mode=False)
    assert _files(folder) != before


def _files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def _quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody looks."""


def made_by_hand(monkeypatch: pytest.MonkeyPatch, language: str, home: Path) -> object:
    """The exit code of `terrace demo-bank` over a home."""
    asked = ["demo-bank", "--customers", "120", "--months", "2", "--home", str(home), "--language", language]
    monkeypatch.setattr("sys.argv", ["terrace", *asked])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_on_a_full_disk_the_disk_is_named_and_with_room_again_the_demo_bank_is_made_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", "200k") as disk:
        home = disk / "home"
        assert made_by_hand(monkeypatch, "en", home) == 60
        said = " ".join(capsys.readouterr().err.split())
        assert "demo-bank: the disk is full: 0 MB are left" in said
        assert f"room on the disk of {home}/demo-bank" in said
        assert "make room, or name a --home on a larger disk; then run again: it begins anew" in said
        assert "unforeseen" not in said
        assert made_by_hand(monkeypatch, "zh", home) == 60
        said = "".join(capsys.readouterr().err.split())
        assert "demo-bank：磁盘已满：只剩0MB" in said
        assert "清理磁盘，或用--home换到更大的磁盘；然后重新运行，会从头开始" in said
        resize(disk, "64m")
        assert made_by_hand(monkeypatch, "zh", home) == 0
        assert (home / "demo-bank" / "demo.json").exists()


def test_where_this_user_may_not_write_the_demo_bank_is_refused_as_a_wrong_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    assert made_by_hand(monkeypatch, "en", tmp_path / "file" / "home") == 40
    assert "name another --home" in " ".join(capsys.readouterr().err.split())


def test_memory_that_does_not_do_for_the_demo_bank_is_told_without_the_limits_of_a_bank(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory, match="ask for fewer customers") as caught, faults.named(Home(tmp_path), None):
        bytearray(1 << 60)
    assert "减少客户数，或腾出内存；然后重新运行，会从头开始" in told(caught.value, "zh")


def test_nothing_is_made_for_a_bank_that_is_not_the_demo_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    demo.make_if_missing(load_bank(DEMO.with_name("berka.yaml"), {}), Home(tmp_path / "berka"), Screen("en"))
    assert list(tmp_path.iterdir()) == []


def test_a_day_that_is_no_date_is_refused_before_a_demo_bank_is_made_for_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'x' is no date"):
        session.opened(None, tmp_path, "en", reads=True, days=["x"])
    assert not list(tmp_path.iterdir())
