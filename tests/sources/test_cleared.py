"""Files that a bank clears away, moves or takes back, and settings that change and change back: nothing taken in is lost."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from store.errors import DataNotArrived, GateBroken
from tests.sources.conftest import SmallBank
from tests.sources.daily_bank import YAML, D, daily_bank, deliver, seen

BASE = {"cust": ["C1|19640512|20200110|B1"], "acct": ["A1|C1|20200301|0|0"], "mov": ["T1|A1|20230901|1.00|1.00|SAL|0"]}
LAST = D(2023, 9, 30)


def movements(bank: SmallBank) -> list[str]:
    """The numbers of all movements as they are known after taking in."""
    rows = seen(bank.take(), [LAST])["transactions", LAST]
    return sorted(str(value) for row in rows for value in row if str(value).startswith("T"))


def day(number: int, code: str = "SAL") -> dict[str, list[str]]:
    return {"mov": [f"T{number}|A1|2023090{number}|1.00|{number}.00|{code}|0"]}


def three_days(folder: Path) -> SmallBank:
    bank = daily_bank(folder)
    deliver(bank, None, BASE)
    bank.take()
    for number in (2, 3):
        deliver(bank, D(2023, 9, number), day(number))
        assert len(movements(bank)) == number
    return bank


def test_files_cleared_away_stay_taken_in_and_are_asked_for_where_all_is_taken_in_anew(tmp_path: Path) -> None:
    bank = three_days(tmp_path)
    away = tmp_path / "away"
    away.mkdir()
    for path in (tmp_path / "in").glob("*_20230902.dat"):
        shutil.move(path, away)
    assert movements(bank) == ["T1", "T2", "T3"]
    landed = sorted(path.name for path in (tmp_path / "home/landed/transactions").iterdir())
    bank.change("derived:", "checks: {late_days: 6}\n  derived:")
    with pytest.raises(DataNotArrived, match=r"mov mov_20230902\.dat"):
        bank.take()
    assert sorted(path.name for path in (tmp_path / "home/landed/transactions").iterdir()) == landed
    for path in away.iterdir():
        shutil.move(path, tmp_path / "in" / path.name)
    assert movements(bank) == ["T1", "T2", "T3"]


def test_a_setting_that_is_put_back_finds_what_was_taken_in_before_as_it_was(tmp_path: Path) -> None:
    bank = three_days(tmp_path)
    before, good = seen(bank.take(), [LAST]), bank.yaml
    bank.change("SAL: payroll, CSH: cash", "CSH: cash").change("highest_quarantined: 1", "highest_quarantined: 0.1")
    with pytest.raises(GateBroken):
        bank.take()
    bank.yaml = good
    assert seen(bank.take(), [LAST]) == before
    deliver(bank, D(2023, 9, 4), day(4))
    assert movements(bank) == ["T1", "T2", "T3", "T4"]


def test_a_refused_delivery_that_is_taken_back_leaves_no_word_of_it(tmp_path: Path) -> None:
    bank = daily_bank(tmp_path)
    deliver(bank, None, BASE)
    bank.change("highest_quarantined: 1", "highest_quarantined: 0.2").take()
    deliver(bank, D(2023, 9, 2), day(2, "?"))
    with pytest.raises(GateBroken):
        bank.take()
    assert bank.report().broken_gates
    for path in (tmp_path / "in").glob("*_20230902.dat"):
        path.unlink()
    assert movements(bank) == ["T1"]
    assert not bank.report().broken_gates
    assert not list((tmp_path / "home/quarantine").glob("transactions*"))


def in_folders(folder: Path, glob: str) -> SmallBank:
    """A bank whose movements lie in a folder per day, all of one name."""
    bank = SmallBank(
        folder, YAML.replace("in/mov_*.dat", f"{glob}mov.dat").replace("code, gone]}", "code, gone], dated: {}}", 1)
    )
    deliver(bank, None, {name: lines for name, lines in BASE.items() if name != "mov"})
    for path in (folder / "in").glob("mov_*"):
        path.unlink()
    return bank


def put(bank: SmallBank, on: dt.date, lines: list[str]) -> None:
    (bank.folder / "in" / f"{on:%Y%m%d}").mkdir(parents=True, exist_ok=True)
    bank.write(f"{on:%Y%m%d}/mov.dat", lines)


def test_folders_by_the_day_keep_their_days_when_the_oldest_is_cleared_away(tmp_path: Path) -> None:
    bank = in_folders(tmp_path, "in/*/")
    for number in (1, 2, 3):
        put(bank, D(2023, 9, number), day(number)["mov"])
        assert len(movements(bank)) == number
    shutil.rmtree(tmp_path / "in/20230901")
    assert movements(bank) == ["T1", "T2", "T3"]
    put(bank, D(2023, 9, 4), day(4)["mov"])
    assert movements(bank) == ["T1", "T2", "T3", "T4"]


def test_what_a_bank_says_does_not_depend_on_the_folder_it_lies_in(tmp_path: Path) -> None:
    found = []
    for place in ("plain", "20220131", "95588001/20231301"):
        (tmp_path / place).mkdir(parents=True)
        bank = three_days(tmp_path / place)
        deliver(bank, D(2023, 9, 4), {"mov": ["T1|A1|20230901|7.00|7.00|SAL|0"]})  # told again
        found.append(seen(bank.take(), [D(2023, 9, 2), LAST]))
    assert found[0] == found[1] == found[2]
