"""What a scheduler and the person on duty see of a night: exit codes, messages, versions."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.bank import load_bank
from flows.home import Home
from flows.request import Outcome, Request, ask
from store.files import read_json


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_night_ends_by_saying_where_the_lists_are_how_many_names_for_whom_and_how_long_each_step_took(
    first_night: Any,
) -> None:
    place, said = first_night
    assert "the lists of 2025-09-30 are published (version 1)" in said
    names = re.search(r"(\d+) names for (\d+) managers", said)
    assert names
    assert int(names.group(1)) > 10
    assert int(names.group(2)) >= 2
    assert str(place.lists / "as_of=2025-09-30" / "version=1") in said.replace("\n", "")
    for step in ("take in and check", "features", "train churn_aum", "score", "tiers", "publish", "Total"):
        assert step in said
    assert "客户" not in said  # nobody's name


def test_run_again_it_is_already_published_and_identical_and_nothing_is_touched(published: Any) -> None:
    before = contents(published.lists)
    again = published.run("nightly")
    assert again.returncode == 3
    assert "already published (version 1) and identical" in again.stdout
    assert contents(published.lists) == before


def test_a_bank_that_sends_full_files_is_told_as_quickly_that_its_night_is_published(made: Callable[..., Any]) -> None:
    place = made()
    data = place.bank.parent / "data"
    (data / "customers.csv").rename(data / "customers_20250930.csv")
    place.bank.write_text(
        place.bank.read_text().replace(
            "customers: {<<: *csv, files: data/customers.csv}",
            "customers: {<<: *csv, files: data/customers_*.csv, delivery: full, key: [customer_id], dated: {}}",
        )
    )
    assert place.run("nightly").returncode == 0
    assert isinstance(ask(Request(load_bank(place.bank, {}), Home(place.home / "small"))), Outcome)  # nothing was taken in
    for more in ((), ("--as-of", "2025-09-30")):
        again = place.run("nightly", *more)
        assert again.returncode == 3
        assert "already published (version 1) and identical" in again.stdout


def test_a_changed_setting_is_named_and_makes_the_next_version_only_when_asked(published: Any) -> None:
    before = contents(published.lists)
    published.bank.write_text(published.bank.read_text().replace("pool_names: 5", "pool_names: 3"))
    told = published.run("nightly")
    assert told.returncode == 3
    assert "these changed: configuration." in told.stdout.replace("\n", " ")
    assert "--new-version" in told.stdout
    assert contents(published.lists) == before
    kept = [published.home / "small" / name / "as_of=2025-09-30.parquet" for name in ("features", "scores", "tiers")]
    made = [path.stat().st_mtime_ns for path in kept]
    second = published.run("nightly", "--new-version")
    assert second.returncode == 0, second.stdout
    assert "version 2" in second.stdout
    assert [path.stat().st_mtime_ns for path in kept] == made, "a rule of the list changes neither scores nor tiers"
    assert {name: held for name, held in contents(published.lists).items() if "version=1/" in name} == before


def test_changed_data_of_a_published_date_is_named_by_its_table(published: Any) -> None:
    path = published.bank.parent / "data" / "consents.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    told = published.run("nightly")
    assert told.returncode == 3
    assert "data consents" in told.stdout


def test_a_published_list_that_somebody_changed_is_not_called_identical(published: Any) -> None:
    victim = next(published.lists.rglob("entries.parquet"))
    victim.write_bytes(victim.read_bytes() + b"x")
    told = published.run("nightly")
    assert told.returncode == 20
    assert "files were changed since they were published: entries.parquet" in told.stderr


def test_a_date_gone_by_runs_only_when_a_backfill_asks(published: Any) -> None:
    refused = published.run("nightly", "--as-of", "2025-08-29")
    assert refused.returncode == 40
    assert "--backfill" in refused.stderr
    done = published.run("nightly", "--as-of", "2025-08-29", "--backfill")
    assert done.returncode == 0, done.stdout
    made = read_json(published.lists / "as_of=2025-08-29" / "version=1" / "manifest.json")
    now = read_json(published.lists / "as_of=2025-09-30" / "version=1" / "manifest.json")
    assert set(made["champions"]) == set(now["champions"])
    for name, content in made["champions"].items():  # trained on what was known by then
        champion = read_json(published.home / "small" / "champions" / name / content[:16] / "champion.json")
        assert champion["known_at"] <= "2025-08-29"
    assert published.run("nightly").returncode == 3  # the newest date's champions are untouched


def test_data_that_did_not_come_is_exit_10_and_names_the_table(made: Callable[..., Any]) -> None:
    place = made()
    (place.bank.parent / "data" / "accounts.csv").unlink()
    told = place.run("nightly")
    assert told.returncode == 10
    assert "accounts" in told.stderr


def test_a_date_the_data_does_not_reach_is_exit_10(made: Callable[..., Any]) -> None:
    told = made().run("nightly", "--as-of", "2025-10-08")
    assert told.returncode == 10
    assert "2025-09-30" in told.stderr


def test_a_broken_gate_is_exit_20_and_alerts_in_one_line_without_personal_data(
    made: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "alert.txt"
    script = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + chr(10))"
    command = json.dumps([sys.executable, "-c", script, str(out)])
    place = made(more=f"  alert: {{command: {command}}}\n")
    place.bank.write_text(
        place.bank.read_text().replace(
            "gates: {fresh: [transactions]}", "gates: {fresh: [transactions], totals: {accounts: {rows: 41}}}"
        )
    )
    told = place.run("nightly")
    assert told.returncode == 20, told.stdout + told.stderr
    assert "accounts" in told.stderr
    assert not place.lists.exists()
    lines = out.read_text().splitlines()
    assert len(lines) == 1
    assert "small" in lines[0]
    assert "exit 20" in lines[0]
    assert place.run("nightly").returncode == 20, "a gate that broke is not a crash, and stays broken"


def test_a_mistake_in_the_bank_file_is_exit_40_and_names_its_line(made: Callable[..., Any]) -> None:
    place = made()
    place.bank.write_text(place.bank.read_text().replace("buckets: 2", "bukets: 2"))
    told = place.run("nightly")
    assert told.returncode == 40
    assert "did you mean 'buckets'" in told.stderr
    assert re.search(r"small\.yaml:\d+", told.stderr)
    assert "Traceback" not in told.stderr + told.stdout


def test_impossible_options_are_exit_40(made: Callable[..., Any]) -> None:
    place = made()
    assert place.run("nightly", "--as-of", "yesterday").returncode == 40
    assert place.run("nightly", "--no-such-option").returncode == 40
