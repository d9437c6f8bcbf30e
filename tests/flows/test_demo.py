"""The demo bank's files are found in any home, and say the same in its settings wherever that is."""

from pathlib import Path

import pytest
from typer.main import get_command

from flows import demo
from flows.bank import load_bank
from flows.chores import taken_in
from flows.cli import app
from flows.home import Home
from flows.screen import Screen
from sources.delivery import Hashes, deliveries
from sources.demo.bank import make_demo_bank
from store.errors import ConfigError

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


def _quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody looks."""


def test_nothing_is_made_for_a_bank_that_is_not_the_demo_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    demo.make_if_missing(load_bank(DEMO.with_name("berka.yaml"), {}), Home(tmp_path / "berka"), Screen("en"))
    assert list(tmp_path.iterdir()) == []
