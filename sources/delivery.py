"""What has come: the files of each input with their days and flags, and what is still missing."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sources.settings import Input
from store.errors import ConfigError, DataNotArrived, GateBroken
from store.files import read_json, write_json
from store.fingerprint import of_file, of_json


@dataclass(frozen=True)
class Delivered:
    """One file of an input: its delivery day where names say it, and the rows its flag promises."""

    path: Path
    sha256: str
    stamp: tuple[int, int]  # size and time of change when it was hashed
    on: dt.date | None = None
    rows: int | None = None
    name: str = ""  # under which it counts

    def is_unchanged(self) -> bool:
        """Whether the file is still the one that was hashed."""
        return self.path.exists() and _stamp(self.path) == self.stamp


@dataclass(frozen=True)
class Delivery:
    """All files of one input, in path order, and the hash of their content."""

    name: str
    files: tuple[Delivered, ...]
    fingerprint: str

    @property
    def last_on(self) -> dt.date | None:
        """The last day delivered, where file names say days."""
        return max((file.on for file in self.files if file.on), default=None)


class Hashes:
    """Content hashes of delivered files, noted with size, time of change and inode: an unchanged file is not read again."""

    def __init__(self, path: Path | None = None, *, anew: bool = False) -> None:
        self.path, self.used = path, dict[str, dict[str, Any]]()
        self.known: dict[str, dict[str, Any]] = read_json(path) if path and path.exists() and not anew else {}

    def of(self, path: Path, method: str = "sha256") -> str:
        """Content hash of a file, by `method`: sha256 or md5."""
        name, found = path.absolute().as_posix(), path.stat()
        stamp = [found.st_size, found.st_mtime_ns, found.st_ino]
        note = self.used.get(name) or self.known.get(name, {})
        if note.get("stamp") != stamp:
            note = {"stamp": stamp}
        if method not in note:
            note[method] = of_file(path) if method == "sha256" else _md5(path)
        self.used[name] = note
        return str(note[method])

    def keep(self) -> None:
        """Note what was asked for, so that the next intake need not read it."""
        if self.path and self.used != self.known:
            write_json(self.path, self.used)


def deliveries(inputs: Mapping[str, Input], base: Path, hashes: Hashes | None = None) -> dict[str, Delivery]:
    """Every file input's files, checked against their flags. Raises DataNotArrived naming all that are missing."""
    hashes = hashes or Hashes()
    found: dict[str, Delivery] = {}
    missing: list[str] = []
    for name, spec in inputs.items():
        if spec.files is None:
            continue
        paths, root = paths_of(base, spec), root_of(base, spec)
        if not paths and spec.required:
            missing.append(f"{name} (no file {spec.files})")
        flags = [_flag_path(path, spec) for path in paths]
        missing += [
            f"{name} (no flag {flag.name} for {path.name})"
            for path, flag in zip(paths, flags, strict=True)
            if flag is not None and not flag.exists()
        ]
        if not missing:
            files = tuple(_delivered(name, path, root, flag, spec, hashes) for path, flag in zip(paths, flags, strict=True))
            _ask_days(name, root, files, spec)
            found[name] = Delivery(name, files, said_by([file.name, file.sha256] for file in files))
    if missing:
        raise DataNotArrived(
            "; ".join(missing),
            where="inputs",
            expected="every required table and its flag",
            do="ask the sender, then run again; nothing was changed",
        )
    hashes.keep()
    return found


def said_by(files: Iterable[Sequence[str]]) -> str:
    """Content hash of an input, from name and hash of each file, whatever the order in which they came."""
    return of_json(sorted(list(file) for file in files))


def _ask_days(name: str, root: Path, files: Sequence[Delivered], spec: Input) -> None:
    """Names must say their day, but for those of the first load."""
    if spec.dated is None or spec.dated.column is not None:
        return
    for file in files:
        if file.on is None and not (spec.dated.first_load and re.search(spec.dated.first_load, file.path.name)):
            raise ConfigError(
                f"the name {file.path.relative_to(root).as_posix()} holds no date that `dated` understands",
                where=f"input {name}",
                expected=f"{spec.dated.pattern} as {spec.dated.date}",
                do="set `dated` of the input; `first_load` there says which files have no day",
            )


def by_day(delivery: Delivery, spec: Input) -> tuple[dict[dt.date, tuple[Delivered, ...]], tuple[str, ...]]:
    """The files of each day, oldest first, and the names of those that came twice, word for word.

    A day of text is one file; Parquet may come in parts. Raises GateBroken where two texts of one day differ: which of them
    holds would be a guess.
    """
    days: dict[dt.date, dict[str, Delivered]] = {}
    twice: list[str] = []
    for file in delivery.files:
        if file.on is None:
            continue
        same = days.setdefault(file.on, {})
        if file.sha256 in same:
            twice.append(file.path.name)
        elif same and spec.format != "parquet":
            raise GateBroken(
                f"{next(iter(same.values())).path.name} and {file.path.name} are both of {file.on} and differ",
                where=f"input {delivery.name}",
                expected="one full file a day",
                do="move the one that does not hold out of the folder",
            )
        same.setdefault(file.sha256, file)
    return {day: tuple(days[day].values()) for day in sorted(days)}, tuple(twice)


def content_of(files: Sequence[Delivered]) -> str:
    """Hash of what the files of one day say."""
    return files[0].sha256 if len(files) == 1 else of_json([file.sha256 for file in files])


def paths_of(base: Path, spec: Input) -> list[Path]:
    """The files of a path, a glob, or (Parquet) a folder with everything in it, in order; flags are no data."""
    folder, root = _pattern(base, spec), root_of(base, spec)
    if folder.is_dir():
        return sorted(path for path in folder.rglob("*.parquet") if path.is_file())
    if folder.parent == root and not _is_open(folder.name):
        return [folder] if folder.exists() else []
    suffix = spec.flag.name.rpartition("}")[2] if spec.flag else ""
    return sorted(
        path
        for path in root.glob("/".join(folder.parts[len(root.parts) :]))
        if path.is_file() and not (suffix and path.name.endswith(suffix))
    )


def root_of(base: Path, spec: Input) -> Path:
    """The folder below which an input's files lie: what comes before says nothing of them."""
    folder = _pattern(base, spec)
    if folder.is_dir():
        return folder
    depth = next((place for place, part in enumerate(folder.parts) if _is_open(part)), len(folder.parts) - 1)
    return Path(*folder.parts[:depth])


def _pattern(base: Path, spec: Input) -> Path:
    return Path(str(spec.files)) if Path(str(spec.files)).is_absolute() else base / str(spec.files)


def _is_open(part: str) -> bool:
    return any(mark in part for mark in "*?[")


def _name(path: Path, root: Path, spec: Input) -> str:
    """The name under which a file counts: with partition folders, and with its day where a folder says it and not the name."""
    if spec.format == "parquet":
        return "/".join([*(part for part in path.parts[:-1] if "=" in part), path.name])
    on = None if _day_in(path.name, spec) else _day(path, root, spec)
    return f"{on.isoformat()}/{path.name}" if on else path.name


def _flag_path(path: Path, spec: Input) -> Path | None:
    if spec.flag is None:
        return None
    return path.with_name(spec.flag.name.replace("{name}", path.name).replace("{stem}", path.name.partition(".")[0]))


def _delivered(name: str, path: Path, root: Path, flag: Path | None, spec: Input, hashes: Hashes) -> Delivered:
    stamp, sha256, rows = _stamp(path), hashes.of(path), None
    if flag is not None and spec.flag is not None:
        match = re.search(spec.flag.pattern, flag.read_text(encoding="utf-8", errors="replace"))
        groups = match.groupdict() if match else {}
        if match is None or not (groups.get("rows") or "0").isdecimal():
            raise GateBroken(
                f"flag {flag.name} says nothing that `pattern` understands",
                where=f"input {name}",
                expected=spec.flag.pattern,
                do="look at the flag, or set `flag.pattern` of the input",
            )
        rows = int(groups["rows"]) if groups.get("rows") else None
        stated = (groups.get("checksum") or "").lower()
        if spec.flag.checksum != "none":
            actual = hashes.of(path, spec.flag.checksum)
            if stated != actual:
                raise GateBroken(
                    f"{path.name} has {spec.flag.checksum} {actual}, its flag says {stated or 'none'}",
                    where=f"input {name}",
                    expected="the file its flag describes",
                    do="ask for the file again: it was cut short or changed on its way",
                )
    return Delivered(path, sha256, stamp, _day(path, root, spec), rows, _name(path, root, spec))


def delivered_file(path: Path, sha256: str) -> Delivered:
    """A file without flag or day: a landed table."""
    return Delivered(path, sha256, _stamp(path), name=path.name)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _md5(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _day(path: Path, root: Path, spec: Input) -> dt.date | None:
    """The day that a file's name says, or else a folder below the input's own, the nearest first."""
    return _day_in(path.name, spec) or _day_in("/" + path.relative_to(root).as_posix(), spec)


def _day_in(text: str, spec: Input) -> dt.date | None:
    """The last day that `dated` finds in a text."""
    if spec.dated is None or spec.dated.column is not None:
        return None
    for match in reversed(list(re.finditer(spec.dated.pattern, text))):
        with suppress(ValueError, IndexError, TypeError):
            return dt.datetime.strptime(match.group(1), spec.dated.date).date()  # noqa: DTZ007 - a day has no zone
    return None


def still_there(found: Mapping[str, Delivery]) -> None:
    """Raises DataNotArrived: a file that was replaced while it was being read is a delivery that has not finished."""
    for name, delivery in found.items():
        for file in delivery.files:
            if not file.is_unchanged():
                raise DataNotArrived(
                    f"{file.path.name} changed while it was being read",
                    where=f"input {name}",
                    expected="a finished delivery",
                    do="run again; let the sender write under another name and rename",
                )


def fingerprints(found: Mapping[str, Delivery]) -> dict[str, str]:
    """Input -> content hash."""
    return {name: found[name].fingerprint for name in sorted(found)}
