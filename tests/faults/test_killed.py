"""A night killed at any instant leaves the last good list in force, and its rerun gives the bytes of an undisturbed night."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
PUBLISHED_BY = ("call:publish:end", "step:publish:end")


def test_killed_at_every_step_boundary_and_inside_every_steps_writes_the_night_goes_on_to_the_same_bytes(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    home = prepared.copy(tmp_path / "home")
    instants = []
    for step in prepared.ran:
        count = prepared.renames.get(step, 0)
        instants += [f"step:{step}:start"] if step != "take_in" else []
        # a step that keeps its finished files has fewer renames left each time: only the others are killed at their last
        places = {1, count} if step in ("take_in", "list") else {1}
        instants += [f"rename:{step}:{place}" for place in sorted(places) if place <= count]
    instants += [PUBLISHED_BY[0]]
    assert len(instants) > 20
    for ended in drive([prepared.scenario(home, instant) for instant in instants]):
        assert ended["killed"], ended
        if ended["instant"] not in PUBLISHED_BY:
            # the driver goes on at once, so each kill is also a resume of the one before
            assert "code" not in ended
    assert prepared.is_undisturbed(home), "the list was in place when the last kill came"
    last = drive([prepared.scenario(home)])[0]
    assert (last["code"], last["resumed"], last["version"]) == (0, True, 1)
    assert prepared.is_undisturbed(home)
    assert drive([prepared.scenario(home)])[0] == {"killed": False, "instant": "", "code": 3, "differs": []}


def test_whenever_it_was_killed_before_publishing_the_earlier_list_is_the_one_in_force(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    instants = ["rename:take_in:2", "rename:list:3", "rename:publish:1"]
    homes = [prepared.copy(tmp_path / str(number)) for number in range(len(instants))]
    first = drive([prepared.scenario(home, instant) for home, instant in zip(homes, instants, strict=True)])
    assert [ended["killed"] for ended in first] == [True] * len(instants)
    for home, instant in zip(homes, instants, strict=True):
        assert prepared.is_as_before(home), instant
    again = drive([prepared.scenario(home) for home in homes])
    assert [(ended["code"], ended["resumed"]) for ended in again] == [(0, True)] * len(instants)
    for home, instant in zip(homes, instants, strict=True):
        assert prepared.is_undisturbed(home), instant


def test_killed_while_the_tables_are_written_the_earlier_intake_stays_and_the_rerun_is_the_same(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    home = prepared.copy(tmp_path / "home")
    for pause in ("0.02", "0.2"):
        ended = drive([prepared.scenario(home, f"progress:write tables:{pause}")])[0]
        assert ended["killed"], ended
        assert prepared.is_as_before(home)
    assert drive([prepared.scenario(home)])[0]["code"] == 0
    assert prepared.is_undisturbed(home)


def test_a_resumed_night_does_not_do_again_what_was_done(prepared: Any, drive: Any, tmp_path: Path) -> None:
    home = prepared.copy(tmp_path / "home")
    killed, resumed = drive([prepared.scenario(home, "step:score:start"), prepared.scenario(home)])
    assert killed["killed"]
    assert {"features"} <= set(resumed["skipped"])
    assert not any(name.startswith(("train", "labels")) for name in resumed["ran"])


def test_killed_between_publishing_and_the_note_of_it_the_list_is_adopted_and_not_made_twice(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    home = prepared.copy(tmp_path / "home")
    killed, resumed = drive([prepared.scenario(home, "call:publish:end"), prepared.scenario(home)])
    assert killed["killed"]
    assert (resumed["code"], resumed["version"]) == (0, 1)
    assert prepared.is_undisturbed(home)
    assert [path.name for path in prepared.tonight(home).iterdir()] == ["version=1"]


def test_of_two_nights_at_once_one_publishes_and_the_other_is_told(prepared: Any, drive: Any, tmp_path: Path) -> None:
    home = prepared.copy(tmp_path / "home")
    ended = drive([prepared.scenario(home, together="both"), prepared.scenario(home, together="both")])
    assert sorted(one["code"] for one in ended) in ([0, 50], [0, 3])
    refused = next(one for one in ended if one["code"] != 0)
    assert refused["code"] == 3 or "another run holds this bank" in refused["said"]
    assert prepared.is_undisturbed(home)
    assert [path.name for path in prepared.tonight(home).iterdir()] == ["version=1"]


def test_a_new_version_that_is_killed_leaves_the_first_in_force_and_becomes_the_second(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    home = prepared.copy(tmp_path / "home")
    ended = drive([prepared.scenario(home), prepared.scenario(home, "rename:publish:1", new_version=True)])
    assert [one["killed"] for one in ended] == [False, True]
    assert prepared.is_undisturbed(home)
    again = drive([prepared.scenario(home, new_version=True)])[0]
    assert (again["code"], again["version"]) == (0, 2)
    assert sorted(path.name for path in prepared.tonight(home).iterdir()) == ["version=1", "version=2"]


def test_killed_before_the_note_and_then_given_other_inputs_the_list_in_force_is_known_and_a_new_version_is_the_second(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    home, bank = prepared.copy(tmp_path / "home"), tmp_path / "bank"
    shutil.copytree(prepared.bank.parent, bank)
    mine = {"bank": str(bank / prepared.bank.name)}
    assert drive([prepared.scenario(home, "call:publish:end") | mine])[0]["killed"]
    csv = bank / "data" / "transactions.csv"
    csv.write_text(csv.read_text() + "Tx,A0001,2025-09-30,1.00,interest,1.00\n")
    told, second, third = drive(
        [prepared.scenario(home) | mine, *[prepared.scenario(home, new_version=True) | mine for _ in range(2)]]
    )
    assert (told["code"], told["version"]) == (3, 1)
    assert (second["code"], second["version"]) == (0, 2)
    assert (third["code"], third["version"]) == (0, 3)
    assert sorted(path.name for path in prepared.tonight(home).iterdir()) == ["version=1", "version=2", "version=3"]


def test_a_new_version_whose_start_was_killed_before_the_note_is_the_one_that_was_asked_for(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    home = prepared.copy(tmp_path / "home")
    drive([prepared.scenario(home), prepared.scenario(home, "call:publish:end", new_version=True)])
    again = drive([prepared.scenario(home, new_version=True)])[0]
    assert (again["code"], again["differs"]) == (3, [])
    assert sorted(path.name for path in prepared.tonight(home).iterdir()) == ["version=1", "version=2"]
