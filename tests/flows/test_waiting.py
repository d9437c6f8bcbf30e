"""A waiting night goes on as soon as what it waits for is there, and names it when the hour has come."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from flows import process
from flows.settings import Bank
from flows.tonight import gap
from store.ledger import open_ledger

ALL_DAY = '  wait_until: "23:59"\n  look_every_seconds: 0.2\n'
BY_NOW = '  wait_until: "00:00"\n'


@contextmanager
def begun(place: Any, said: Path) -> Iterator[Future[CompletedProcess[str]]]:
    """A waiting night that writes what it says into a file."""
    said.touch()
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(place.run, "nightly", "--wait", out=said)


def until_said(night: Future[CompletedProcess[str]], said: Path, words: str) -> None:
    for _ in range(1200):
        if words in said.read_text():
            return
        assert not night.done(), said.read_text()
        time.sleep(0.1)
    raise AssertionError(said.read_text())


def test_a_file_that_comes_while_the_night_waits_lets_it_go_on(made: Callable[..., Any], tmp_path: Path) -> None:
    place, said = made(ALL_DAY), tmp_path / "said.txt"
    late = place.bank.parent / "data" / "accounts.csv"
    late.rename(late.with_suffix(".part"))
    with begun(place, said) as night:
        until_said(night, said, "Waiting until 23:59: accounts (no file")
        late.with_suffix(".part").rename(late)
        assert night.result().returncode == 0, said.read_text()


def test_a_night_that_waits_lets_another_run_finish_first(made: Callable[..., Any], tmp_path: Path) -> None:
    place, said = made(ALL_DAY), tmp_path / "said.txt"
    ledger = open_ledger(place.home / "small" / "ledger.sqlite", time.time)
    held = ledger.take_lease(process.owner_name(), 600)
    with begun(place, said) as night:
        until_said(night, said, "another run holds this bank")
        ledger.release_lease(held)
        assert night.result().returncode == 0, said.read_text()


def test_at_the_set_hour_the_missing_tables_are_named_in_the_banks_language_and_the_code_is_10(
    made: Callable[..., Any],
) -> None:
    place = made(BY_NOW)
    for name in ("accounts", "consents"):
        (place.bank.parent / "data" / f"{name}.csv").unlink()
    told = place.run("nightly", "--wait", "--language", "zh")
    assert told.returncode == 10
    assert "各项输入：accounts（没有文件 data/accounts.csv）；consents（没有文件 data/consents.csv）。" in told.stderr
    assert "应为：00:00 之前到齐：所有必需的表及其标志文件。" in told.stderr


def test_a_bank_that_says_how_far_behind_its_data_lies_does_not_take_old_files_for_todays(made: Callable[..., Any]) -> None:
    place = made(BY_NOW + "  days_behind: 1\n")
    told = place.run("nightly", "--wait")
    assert told.returncode == 10, told.stdout
    assert "transactions: the data goes to 2025-09-30, not to 20" in told.stderr
    assert "by 00:00" in told.stderr
    assert not place.lists.exists()
    assert place.run("nightly").returncode == 0, "asked for by hand, the newest there is"


def test_missed_days_are_the_working_days_of_the_newest_gap_between_lists() -> None:
    bank, day = Bank(id="hexi", name="禾溪"), dt.date
    assert gap([day(2025, 9, 26)], day(2025, 9, 30), bank) == [day(2025, 9, 28), day(2025, 9, 29)]
    assert gap([day(2025, 9, 26), day(2025, 9, 30)], day(2025, 9, 30), bank) == [day(2025, 9, 28), day(2025, 9, 29)]
    assert gap([day(2025, 9, 5), day(2025, 9, 26), day(2025, 9, 30)], day(2025, 9, 30), bank)[0] == day(2025, 9, 28)
    assert gap([day(2025, 9, 29), day(2025, 9, 30)], day(2025, 9, 30), bank) == []
    assert gap([day(2025, 9, 30)], day(2025, 9, 30), bank) == []
    assert gap([], day(2025, 9, 30), bank) == []


def test_after_three_days_without_a_night_only_the_newest_runs_and_a_backfill_makes_up_the_rest(
    made: Callable[..., Any],
) -> None:
    place = made()
    csv = place.bank.parent / "data" / "transactions.csv"
    lines = csv.read_text().splitlines(keepends=True)
    csv.write_text(
        "".join(line for line in lines if line[0] != "T" or line.split(",")[2] <= "2025-09-27")
        + "Tx,A0001,2025-09-27,1.00,interest,1.00\n"
    )
    assert place.run("nightly").returncode == 0
    csv.write_text("".join(lines))
    dates = lambda: sorted(path.name.removeprefix("as_of=") for path in place.lists.iterdir())  # noqa: E731
    assert dates() == ["2025-09-27"]
    assert place.run("nightly").returncode == 0
    assert dates() == ["2025-09-27", "2025-09-30"]
    assert place.run("nightly", "--backfill").returncode == 3, "the newest was there already"
    assert dates() == ["2025-09-27", "2025-09-28", "2025-09-29", "2025-09-30"]
    assert place.run("nightly").returncode == 3
