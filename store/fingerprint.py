"""Content hashes: of files, of settings, of code; and randomness as a keyed hash of stable names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def unlike(path: Path, size: int, sha256: str = "") -> str:
    """What is wrong with a file of which size and hash were noted; without the hash it is not read. Empty: nothing."""
    try:
        if path.stat().st_size != size:
            return f"has {path.stat().st_size:,} bytes instead of {size:,}"
        return "has been changed" if sha256 and of_file(path) != sha256 else ""
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def of_path(path: Path) -> str:
    """SHA-256 of a file's bytes, or of a folder's files with their names, hexadecimal."""
    return of_files((p for p in path.rglob("*") if p.is_file()), path) if path.is_dir() else of_file(path)


def of_files(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over (relative path, content) of files in path order, hexadecimal."""
    return of_contents((path.relative_to(root).as_posix(), of_file(path)) for path in sorted(paths))


def of_contents(contents: Iterable[tuple[str, str]]) -> str:
    """`of_files` of files whose relative paths and SHA-256 are known, in path order."""
    digest = hashlib.sha256()
    for name, sha256 in contents:
        digest.update(f"{name}\0{sha256}\n".encode())
    return digest.hexdigest()


def of_json(content: Any) -> str:
    """SHA-256 of canonical JSON, hexadecimal; equal settings in any key order give the same hash."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def of_code(folders: Iterable[Path]) -> str:
    """SHA-256 over every .py file of the given source folders: the code's version, with or without git."""
    files = {path for folder in folders for path in folder.rglob("*.py")}
    root = Path(*_common(files))
    return of_files(files, root)


def _common(paths: Iterable[Path]) -> tuple[str, ...]:
    parts = [path.resolve().parent.parts for path in paths]
    shared: list[str] = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return tuple(shared)


def keyed_uniform(key: str, *names: str) -> float:
    """A number in [0, 1) that depends on `key` and `names` only: the same draw tonight, tomorrow and anywhere."""
    digest = hashlib.blake2b("\0".join(names).encode(), key=key.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def keyed_below(key: str, share: float, names: Iterable[str]) -> list[str]:
    """Those of the names, each a draw of its own, whose `keyed_uniform` is below the share."""
    begun = hashlib.blake2b(key=key.encode()[:64], digest_size=8)

    def draw(name: str) -> float:
        digest = begun.copy()
        digest.update(name.encode())
        return int.from_bytes(digest.digest(), "big") / 2**64

    return [name for name in names if draw(name) < share]
