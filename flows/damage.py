"""Which of the files a bank's home keeps is not as it was written: looked for only after something could not be read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.home import Home
from sources.canonical import damaged, open_canonical
from sources.landed import read_state
from sources.repair import ask_landed, wrong_files
from store.errors import DataDamaged
from store.files import parquet_parts, read_json
from store.fingerprint import of_path


def found(home: Home) -> DataDamaged | None:
    """The first canonical file, landed file or folder of features whose content has changed; all of them are read."""
    if not (home.canonical / "manifest.json").exists():
        return None
    there = open_canonical(home.canonical)
    for table, file, said in wrong_files(there, read=True):
        return damaged(table, file, said)
    kept = read_state(home.root, there.manifest.intake)
    try:
        if kept is not None:
            ask_landed(home.root, kept, read=True)
    except DataDamaged as landed:
        return landed
    folders = sorted(home.features.glob("as_of=*.parquet"))
    return next((wrong for folder in folders if (wrong := _of_features(folder)) is not None), None)


def _of_features(folder: Path) -> DataDamaged | None:
    note = folder.with_suffix(".json")
    if not note.exists() or read_json(note).get("fingerprint") == of_path(folder):
        return None
    broken = [part.name for part in parquet_parts(folder) if not _is_whole(part)]
    return DataDamaged(
        f"the file {broken[0]} has been changed" if broken else "a file has been changed, added or removed",
        where=f"{folder.parent.name}/{folder.name}",
        expected="the features as they were built",
        do="run again: they are built anew",
    )


def _is_whole(part: Path) -> bool:
    try:
        pq.read_table(part, partitioning=None)
    except (pa.ArrowException, OSError):
        return False
    return True


def unreadable(path: Path, home: Home) -> DataDamaged:
    """The error for a file that is there and cannot be read."""
    if path.is_relative_to(home.lists):
        do = "restore the folder from a backup, or publish a new version with --new-version"
    elif path.is_relative_to(home.root / "history"):
        do = "put it back from a backup"
    elif path.is_relative_to(home.root):
        do = "let this user read it; or remove it and run again: it is made anew"
    else:
        do = "let this user read it, or ask the sender for it again"
    place = path.relative_to(home.root) if path.is_relative_to(home.root) else path
    return DataDamaged(
        f"the file {place} cannot be read",
        where=home.root.name,
        expected="a whole Parquet file that this user may read",
        do=do,
    )
