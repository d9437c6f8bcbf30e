"""One small bank with one published night, for all tests of the flows; each test works on a copy."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import small_bank
from tests.once import once
from tests.warm import Warm

TERRACE = "from flows.cli import main; main()"


@dataclass(frozen=True)
class Place:
    """A bank's folder and a home."""

    bank: Path
    home: Path
    warm: Warm

    def run(self, command: str, *arguments: str | Path, out: Path | None = None) -> subprocess.CompletedProcess[str]:
        """A command on this bank and home, in a process of its own, as a scheduler calls it."""
        plain = ["--runner", "plain"] if command == "nightly" and "--runner" not in arguments else []
        asked = (command, "--bank", self.bank, "--home", self.home, *plain, *arguments)
        return self.warm.run(TERRACE, asked, env={"COLUMNS": "160"}, out=out)

    @property
    def lists(self) -> Path:
        return self.home / "small" / "lists"


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> tuple[Place, str]:
    """A published night that nobody writes to, and what it said."""

    def make(folder: Path) -> str:
        done = Place(small_bank.make(folder / "bank", customers=120), folder / "home", warm).run("nightly")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    folder, said = once(tmp_path_factory, "first_night", make)
    return Place(folder / "bank" / "small.yaml", folder / "home", warm), said


@pytest.fixture
def published(first_night: tuple[Place, str], tmp_path: Path) -> Place:
    place = first_night[0]
    shutil.copytree(place.bank.parent, tmp_path / "bank")
    shutil.copytree(place.home, tmp_path / "home")
    return Place(tmp_path / "bank" / "small.yaml", tmp_path / "home", place.warm)


@pytest.fixture
def made(tmp_path: Path, warm: Warm) -> Callable[..., Place]:
    """A fresh bank and an empty home."""
    return lambda more="": Place(small_bank.make(tmp_path / "bank", customers=40, more=more), tmp_path / "home", warm)
