"""A bank with one published night, and a driver that runs further nights over copies of it and kills them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import small_bank
from tests.once import once
from tests.warm import Warm

DRIVER = str(Path(__file__).with_name("driver.py"))
BEFORE, TONIGHT = dt.date(2025, 9, 28), dt.date(2025, 9, 30)
Drive = Callable[[Sequence[dict[str, Any]]], list[dict[str, Any]]]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by relative name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@dataclass(frozen=True)
class Prepared:
    """A home with the list of BEFORE, the files of TONIGHT, and what an undisturbed night makes of them."""

    bank: Path
    base: Path
    undisturbed: Path
    renames: dict[str, int]
    ran: list[str]

    def copy(self, to: Path) -> Path:
        """A fresh home before tonight."""
        shutil.copytree(self.base, to)
        return to

    def scenario(self, home: Path, instant: str = "", **more: Any) -> dict[str, Any]:
        return {"bank": str(self.bank), "home": str(home), "instant": instant, **more}

    def tonight(self, home: Path) -> Path:
        return home / "small" / "lists" / f"as_of={TONIGHT}"

    def is_as_before(self, home: Path) -> bool:
        """Whether the list of BEFORE is the one in force, and whole."""
        lists = contents(home / "small" / "lists")
        return lists == contents(self.base / "small" / "lists") and len(lists) > 3

    def is_undisturbed(self, home: Path) -> bool:
        """Whether tonight's list is there, with the bytes of the undisturbed night, and the earlier one untouched."""
        same = contents(home / "small" / "lists") == contents(self.undisturbed / "small" / "lists")
        return same and len(contents(self.tonight(home))) > 3


@pytest.fixture(scope="session")
def drive(warm: Warm) -> Drive:
    """How each scenario ended; see driver.py."""

    def run(scenarios: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        done = warm.run(DRIVER, said=json.dumps(scenarios))
        assert done.returncode == 0, done.stderr[-3000:]
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    return run


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, drive: Drive) -> Prepared:
    def make(folder: Path) -> dict[str, Any]:
        bank, base = small_bank.make(folder / "bank", until=BEFORE), folder / "base"
        first = drive([{"bank": str(bank), "home": str(base)}])[0]
        assert first["code"] == 0, first
        for name in ("mlflow", "champions", "features", "labels"):  # tonight trains anew, so that training is killed too
            shutil.rmtree(base / "small" / name)
        small_bank.make(folder / "bank")
        shutil.copytree(base, folder / "undisturbed")
        told = drive([{"bank": str(bank), "home": str(folder / "undisturbed")}])[0]
        assert told["code"] == 0, told
        return {"renames": told["renames"], "ran": told["ran"]}

    folder, told = once(tmp_path_factory, "prepared", make)
    return Prepared(folder / "bank" / "small.yaml", folder / "base", folder / "undisturbed", **told)
