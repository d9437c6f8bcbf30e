"""One small bank with one published night, for all tests of the flows; each test works on a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import small_bank

sys.path.pop(0)

ROOT = Path(__file__).resolve().parents[2]


def terrace(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as a scheduler calls it."""
    command = [sys.executable, "-c", "from flows.cli import main; main()", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=600, env={**os.environ, "COLUMNS": "160"}
    )


@dataclass(frozen=True)
class Place:
    """A bank's folder and a home."""

    bank: Path
    home: Path

    def run(self, command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """A command on this bank and home."""
        plain = ["--runner", "plain"] if command == "nightly" and "--runner" not in arguments else []
        return terrace(command, "--bank", self.bank, "--home", self.home, *plain, *arguments)

    @property
    def lists(self) -> Path:
        return self.home / "small" / "lists"


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str]:
    folder = tmp_path_factory.mktemp("flows")
    place = Place(small_bank.make(folder / "bank", customers=120), folder / "home")
    done = place.run("nightly")
    assert done.returncode == 0, done.stdout + done.stderr
    return place, done.stdout


@pytest.fixture
def published(first_night: tuple[Place, str], tmp_path: Path) -> Place:
    place = first_night[0]
    shutil.copytree(place.bank.parent, tmp_path / "bank")
    shutil.copytree(place.home, tmp_path / "home")
    return Place(tmp_path / "bank" / "small.yaml", tmp_path / "home")


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Place]:
    """A fresh bank and an empty home."""
    return lambda more="": Place(small_bank.make(tmp_path / "bank", customers=40, more=more), tmp_path / "home")
