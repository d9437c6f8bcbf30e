"""What many tests only read is made by the first test process that asks for it, and found by all others."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> tuple[Path, Any]:
    """The folder that `make` fills, and what it says of it (as JSON keeps it), once for all processes of a run."""
    place = factory.getbasetemp()
    whole = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place  # a process of several has a folder below
    folder, note = whole / "once" / name, whole / "once" / f"{name}.json"
    folder.parent.mkdir(exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed
            folder.mkdir()
            note.write_text(json.dumps(make(folder)), encoding="utf-8")
    return folder, json.loads(note.read_text(encoding="utf-8"))
