"""The note beside a file: what each part of it was made from, so that nothing is made again that would come out the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from store import fingerprint
from store.files import read_json, write_json


def standing(path: Path) -> dict[str, str]:
    """Part of the file -> hash of all that it was made from; empty where a file that was noted is gone or has changed."""
    beside = _beside(path)
    if not beside.exists():
        return {}
    said = read_json(beside)
    files = [(path.parent / name, held) for name, held in said["files"].items()]
    is_whole = all(file.is_file() and fingerprint.of_file(file) == held for file, held in files)
    made: dict[str, str] = said["made_from"] if is_whole else {}
    return made


def note(path: Path, made_from: Mapping[str, str], others: Iterable[Path] = ()) -> None:
    """Say what the file, and `others` below its folder that go with it, were made from. After they were written."""
    files = {file.relative_to(path.parent).as_posix(): fingerprint.of_file(file) for file in [path, *others]}
    write_json(_beside(path), {"files": files, "made_from": dict(made_from)})


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")
