"""The scheduler's contract, code by code, each asked of the real command in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows import process
from store.ledger import open_ledger
from tests.flows.conftest import TERRACE

ROOT = Path(__file__).resolve().parents[2]


def test_a_night_that_crashed_and_crashes_again_is_exit_30_and_goes_on_once_mended(made: Callable[..., Any]) -> None:
    place = made()
    in_the_way = place.home / "small" / "tiers"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where a folder must be")
    first = place.run("nightly")
    assert first.returncode == 1, first.stdout + first.stderr
    assert "unforeseen error (NotADirectoryError" in first.stderr or "unforeseen error (FileExistsError" in first.stderr
    again = place.run("nightly")
    assert again.returncode == 30, again.stdout + again.stderr
    assert "the resumed night failed again" in again.stderr
    assert "Traceback" not in first.stderr + again.stderr
    in_the_way.unlink()
    mended = place.run("nightly")
    assert mended.returncode == 0, mended.stderr
    assert "went on where it stood" in mended.stdout


def test_a_second_start_while_a_run_holds_the_bank_is_exit_50_and_names_who_and_since_when(published: Any) -> None:
    ledger = open_ledger(published.home / "small" / "ledger.sqlite", time.time)
    held = ledger.take_lease(process.owner_name(), 60)
    for command in (["nightly", "--new-version"], ["check"], ["train"]):
        told = published.run(*command)
        assert told.returncode == 50, told.stdout + told.stderr
        assert f"process {os.getpid()} on " in told.stderr
        assert "another run holds this bank since 20" in told.stderr
        assert "UTC (" in told.stderr
    assert published.run("nightly").returncode == 3, "asking whether it is published needs no hold"
    ledger.release_lease(held)


def test_a_second_night_through_prefect_leaves_the_first_ones_server_alone(published: Any) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        note = published.home / "small" / "prefect" / "server.json"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(f'{{"pid": {other.pid}, "born": "{process.born(other.pid)}"}}')
        ledger = open_ledger(published.home / "small" / "ledger.sqlite", time.time)
        ledger.take_lease(process.owner_name(), 60)
        assert published.run("nightly", "--new-version", "--runner", "prefect").returncode == 50
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_night_through_prefect_ends_without_a_word_of_its_libraries(published: Any) -> None:
    asked = ["nightly", "--new-version", "--runner", "prefect", "--bank", str(published.bank), "--home", str(published.home)]
    told = subprocess.run([sys.executable, "-c", TERRACE, *asked], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    assert "leaked" not in told.stderr


def test_a_published_folder_that_somebody_removed_is_exit_20_and_says_to_restore_it(published: Any) -> None:
    folder = published.lists / "as_of=2025-09-30" / "version=1"
    shutil.rmtree(folder)
    for more in ([], ["--new-version"]):
        told = published.run("nightly", *more)
        assert told.returncode == 20
        assert str(folder) in told.stderr
        assert "the published list is gone" in told.stderr
        assert "restore the folder from a backup" in told.stderr
        assert "stays in force" not in told.stdout


def test_files_removed_from_and_added_to_a_published_folder_are_named(published: Any) -> None:
    folder = published.lists / "as_of=2025-09-30" / "version=1"
    (folder / "explanations.parquet").unlink()
    (folder / "notes.txt").write_text("mine")
    told = published.run("nightly", "--language", "zh")
    assert told.returncode == 20
    assert "名单发布之后，文件被删除：explanations.parquet" in told.stderr
    assert "文件被添加：notes.txt" in told.stderr
    (folder / "manifest.json").write_text("{")
    assert "manifest.json" in published.run("nightly").stderr


def test_a_folder_for_a_bank_file_and_a_home_that_cannot_be_written_are_exit_40(
    made: Callable[..., Any], tmp_path: Path
) -> None:
    place = made()
    assert place.run("check").returncode == 0
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    told = type(place)(place.bank, in_the_way, place.warm).run("nightly")
    assert told.returncode == 40
    assert "cannot be written: Not a directory" in told.stderr
    told = type(place)(place.bank.parent, place.home, place.warm).run("nightly")
    assert told.returncode == 40
    assert "cannot be read: Is a directory" in told.stderr
    assert "Traceback" not in told.stderr


def test_what_nobody_foresaw_is_told_by_its_kind_and_the_log_is_for_this_user_only(published: Any) -> None:
    (published.lists / "as_of=2025-09-30" / "version=1" / "lists.parquet").write_bytes(b"no parquet")
    told = published.run("lists")
    assert told.returncode == 1
    assert "unforeseen error (ArrowInvalid)" in told.stderr
    assert "Traceback" not in told.stderr
    logs = list((published.home / "small" / "logs").glob("*.log"))
    assert len(logs) == 1
    assert logs[0].stat().st_mode & 0o077 == 0
