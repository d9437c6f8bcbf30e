"""A disk of its own in memory, that can be made full and larger again; needs the right to mount one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _mount(*arguments: str) -> bool:
    tool = shutil.which("mount")
    return tool is not None and subprocess.run([tool, *arguments], capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[Path]:
    """The folder `at` as a disk of `size`; where this user may mount none the test is skipped."""
    at.mkdir()
    if not _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)):
        pytest.skip("this user may not mount a disk in memory: the full disk was NOT tried")
    try:
        yield at
    finally:
        subprocess.run([str(shutil.which("umount")), "-l", str(at)], check=True)  # a writer that failed may hold a file still


def resize(disk: Path, size: str) -> None:
    """The disk with another size."""
    assert _mount("-o", f"remount,size={size}", str(disk))


def used_kb(disk: Path) -> int:
    """What its files take."""
    return sum(path.stat().st_blocks * 512 for path in disk.rglob("*") if path.is_file()) // 1024
