"""A disk that fills during the night leaves the last good list in force; with room again the night ends as if undisturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.small_disk import resize, small_disk, used_kb


def test_a_disk_that_fills_in_the_intake_in_training_or_in_the_list_keeps_the_last_list_and_recovers(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "64m") as disk:
        home = prepared.copy(disk / "home")
        used = used_kb(disk)
        failed = []
        for room in (16, 1_200, 3_600):  # kilobytes left: none, some tables, most of the night
            resize(disk, f"{used + room}k")
            ended = drive([prepared.scenario(home)])[0]
            assert prepared.is_as_before(home) or prepared.is_undisturbed(home)
            if ended.get("code") != 0:
                failed.append(ended)
                assert prepared.is_as_before(home)
        assert len(failed) >= 2, "the disk was never full"
        assert all(ended["code"] == 60 and "the disk is full" in ended["said"] for ended in failed), failed
        resize(disk, "256m")
        assert drive([prepared.scenario(home)])[0]["code"] in (0, 3)
        assert prepared.is_undisturbed(home)
