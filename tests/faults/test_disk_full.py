"""A disk that fills during the night leaves the last good list in force; with room again the night ends as if undisturbed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def _mount(*arguments: str) -> bool:
    tool = shutil.which("mount")
    return tool is not None and subprocess.run([tool, *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own in memory; needs the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not _mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)):
        pytest.skip("this user may not mount a disk in memory: the full disk was NOT tried")
    yield disk
    subprocess.run([str(shutil.which("umount")), str(disk)], check=True)


def test_a_disk_that_fills_in_the_intake_in_training_or_in_the_list_keeps_the_last_list_and_recovers(
    prepared: Any, drive: Any, small_disk: Path
) -> None:
    home = prepared.copy(small_disk / "home")
    used = sum(path.stat().st_blocks * 512 for path in small_disk.rglob("*") if path.is_file())
    failed = []
    for room in (16, 1_200, 3_600):  # kilobytes left: none, some tables, most of the night
        assert _mount("-o", f"remount,size={used // 1024 + room}k", str(small_disk))
        ended = drive([prepared.scenario(home)])[0]
        assert prepared.is_as_before(home) or prepared.is_undisturbed(home)
        if ended.get("code") != 0:
            failed.append(ended)
            assert prepared.is_as_before(home)
    assert len(failed) >= 2, "the disk was never full"
    assert all(ended["code"] in (1, 30) for ended in failed), failed
    assert _mount("-o", "remount,size=256m", str(small_disk))
    assert drive([prepared.scenario(home)])[0]["code"] in (0, 3)
    assert prepared.is_undisturbed(home)
