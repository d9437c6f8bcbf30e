"""Lists in force: a version appears in one step, and nothing that was published ever changes."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from store.errors import TerraceError
from store.files import publish_folder
from targeting import manifest as manifests
from targeting.manifest import Manifest

T = TypeVar("T")
Status = Literal["published", "identical", "differs"]


@dataclass(frozen=True)
class Staged:
    """A whole version, made but not in force."""

    folder: Path
    manifest: Manifest

    @property
    def as_of(self) -> dt.date:
        return self.manifest.as_of

    @property
    def version(self) -> int:
        return self.manifest.list_version


@dataclass(frozen=True)
class Published:
    """What is in force after `publish`, and how it stands to what was staged.

    `published`: the staged version is in force now. `identical`: it was already, to the byte. `differs`: another content is in
    force under this version and stays so; `differs_in` names what went in differently. A new version must be asked for.
    """

    folder: Path
    manifest: Manifest
    status: Status
    differs_in: tuple[str, ...] = ()


def version_folder(lists_root: Path, as_of: dt.date, version: int) -> Path:
    """`lists/as_of=D/version=N`."""
    return lists_root / f"as_of={as_of.isoformat()}" / f"version={version}"


def latest_version(lists_root: Path, as_of: dt.date) -> int | None:
    """The version in force for a day, or None."""
    return max(_numbers(lists_root / f"as_of={as_of.isoformat()}", "version=", int), default=None)


def version_to_make(lists_root: Path, as_of: dt.date, *, new_version: bool = False) -> int:
    """The number to give `make_list`: that in force, to be compared with it; the next only when asked; 1 on a fresh day."""
    latest = latest_version(lists_root, as_of)
    return 1 if latest is None else latest + 1 if new_version else latest


def publish(staged: Staged, lists_root: Path) -> Published:
    """Put a staged version in force in one rename. Raises TerraceError where staging is not whole or skips a number."""
    _prove_whole(staged)
    final = version_folder(lists_root, staged.as_of, staged.version)
    if final.exists():
        return _compared(staged, final)
    latest = latest_version(lists_root, staged.as_of) or 0
    if staged.version != latest + 1:
        raise TerraceError(
            f"version {staged.version} staged, {latest} in force",
            where=f"lists of {staged.as_of}",
            expected=f"version {latest + 1}",
            do="make the list again with the next version",
        )
    try:
        publish_folder(staged.folder, final)
    except (FileExistsError, OSError):
        if not (final / manifests.NAME).exists():
            raise
        return _compared(staged, final)  # another run was faster by a moment
    return Published(final, staged.manifest, "published")


def _compared(staged: Staged, final: Path) -> Published:
    there = manifests.read(final)
    shutil.rmtree(staged.folder, ignore_errors=True)
    if there == staged.manifest and manifests.file_hashes(final) == there.files:
        return Published(final, there, "identical")
    return Published(final, there, "differs", tuple(staged.manifest.differs_in(there)) or ("files",))


def _prove_whole(staged: Staged) -> None:
    found = manifests.file_hashes(staged.folder)
    if found != staged.manifest.files or manifests.read(staged.folder) != staged.manifest:
        missing = sorted(set(staged.manifest.files) ^ set(found)) or ["contents differ"]
        raise TerraceError(
            f"a staged list is not whole: {', '.join(missing[:5])}",
            where=str(staged.folder.name),
            expected="every file as its manifest says",
            do="make the list again; nothing was published",
        )


def _numbers(folder: Path, prefix: str, read: Callable[[str], T]) -> list[T]:
    """What follows `prefix` in the names of whole versions and days; anything else in the folder is none of ours."""
    found = []
    for path in sorted(folder.glob(f"{prefix}*")):
        try:
            found.append(read(path.name.removeprefix(prefix)))
        except ValueError:
            continue
    return found
