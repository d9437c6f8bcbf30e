"""Ways to race in tests: run in processes of their own, found by name as any way is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.place import Found, Place, Run


def answers(place: Place, file: str) -> Run:
    """Answers with a file that lies there."""
    return lambda: Found(place.work / file)


def notes(place: Place, text: str) -> Run:
    """Adds a word when made ready, and another when run."""
    log = place.work / "log.txt"
    _add(log, f"ready {text}")

    def run() -> Found:
        _add(log, f"run {text}")
        return Found(parts={"read": 0.25, "write": 0.75}, notes=[f"{text} came in"])

    return run


def _add(log: Path, line: str) -> None:
    with log.open("a") as out:
        out.write(line + "\n")


def breaks(_place: Place) -> Run:
    raise OSError("the vault is shut")


def parent_of(_place: Place, megabytes: int) -> Run:
    """Starts a process that holds so much memory for a while."""
    holds = f"import time; held = b'1' * ({megabytes} << 20); time.sleep(1.5)"

    def run() -> Found:
        subprocess.run([sys.executable, "-c", holds], check=True)
        return Found()

    return run
