"""The moment in which canonical tables come into force: all that is named lies on the disk, then the manifest names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from sources.canonical import CanonicalManifest, TableState
from store.files import sync, write_json

IN_FORCE = "into_force"
Progress = Callable[[str, int, int], None]


def put_in_force(root: Path, made: CanonicalManifest, before: CanonicalManifest | None, say: Progress) -> None:
    """Make these tables under `root` the ones in force. `before`: those that were; None: nothing is known to lie on the disk.

    `say` hears of it last of all, with nothing in force yet: one who may no longer write raises there.
    """
    stood = before.tables if before else {}
    sync(path for name, state in made.tables.items() for path in _come(root, name, state, stood.get(name)))
    say(IN_FORCE, 0, 1)
    write_json(root / "manifest.json", made.model_dump(mode="json"))


def _come(root: Path, name: str, state: TableState, stood: TableState | None) -> Iterator[Path]:
    """The files of a table that were written for this manifest, and what Delta's log was told of them."""
    known = {file.path for file in stood.files} if stood else set()
    yield from (root / file.path for file in state.files if file.path not in known)
    since = stood.delta_version + 1 if stood and stood.delta_version <= state.delta_version else state.delta_version
    if stood is None or state.delta_version != stood.delta_version:
        logs = (root / name / "_delta_log" / f"{version:020d}.json" for version in range(since, state.delta_version + 1))
        yield from (path for path in logs if path.exists())
