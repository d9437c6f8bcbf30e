"""What somebody asks of a night, and what the ledger and the published folders answer before anything runs."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.bank import BankFile
from flows.code import code_hash
from flows.home import Home
from flows.runner import StepResult, hashes
from sources.canonical import CanonicalManifest, open_canonical
from sources.intake import arrived
from store.errors import ConfigError, ListDamaged
from store.ledger import Ledger, open_ledger
from store.runs import Run, RunKey
from targeting import manifest as manifests
from targeting.publish import latest_version

_UNTOUCHED = "every file as it was published: lists are never changed"


@dataclass(frozen=True)
class Request:
    """What somebody asks of a night. Without a date: the newest business date."""

    bank: BankFile
    home: Home
    as_of: dt.date | None = None
    new_version: bool = False
    backfill: bool = False


@dataclass(frozen=True)
class Ready:
    """The ledger knows no published list for this; `key` is None where only the intake can tell the date."""

    request: Request
    ledger: Ledger
    inputs: Mapping[str, str]
    code: str
    key: RunKey | None


@dataclass(frozen=True)
class Outcome:
    """How a night ended: its run, whether it was published before this call, what changed since, and how each step went."""

    run: Run
    folder: Path
    already: bool
    differs: tuple[str, ...] = ()
    steps: tuple[StepResult, ...] = ()
    resumed: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


def ask(request: Request) -> Ready | Outcome:
    """What the ledger says, in the time it takes to hash the inputs. Raises DataNotArrived, ConfigError, TerraceError."""
    ledger = open_ledger(request.home.ledger, time.time)
    inputs = arrived(request.bank.sources, request.home.root, request.bank.base)
    code = code_hash()
    as_of = request.as_of or (None if inputs is None else _newest(request.home, inputs))
    if as_of is None or inputs is None:
        return Ready(request, ledger, inputs or {}, code, None)  # what a database holds is known once it has been read
    key = RunKey(request.bank.bank.id, as_of, request.bank.config_hash, code, inputs)
    return published(request, ledger, key) or Ready(request, ledger, inputs, code, key)


def _newest(home: Home, inputs: Mapping[str, str]) -> dt.date | None:
    """The newest business date of these very inputs, where they have been taken in before."""
    if not (home.canonical / "manifest.json").exists():
        return None
    manifest: CanonicalManifest = open_canonical(home.canonical).manifest
    return manifest.newest_business_date if dict(manifest.inputs) == dict(inputs) else None


def published(request: Request, ledger: Ledger, key: RunKey) -> Outcome | None:
    """The outcome of a date that is published and not to be published again. Raises ConfigError for a date
    gone by, ListDamaged where somebody changed or removed what was published."""
    adopted = _adopted(request, ledger, key)
    run = ledger.published(key.as_of)
    newest = ledger.newest_published()
    if run is None and newest is not None and newest.as_of > key.as_of and not request.backfill:
        raise ConfigError(
            f"the lists of {newest.as_of} are already published, later than {key.as_of}",
            where="--as-of",
            expected="the newest business date: after downtime, days gone by are not made up for",
            do="add --backfill if this past night is really wanted",
        )
    if run is None:
        return None
    folder = request.home.list_folder(run.as_of, run.version)
    if not (folder / manifests.NAME).is_file():
        raise ListDamaged(
            "the published list is gone",
            where=str(folder),
            expected=_UNTOUCHED,
            do="restore the folder from a backup; without one this date stays without a list, later dates go on",
        )
    if request.new_version and not (adopted and run.key == key):  # else the new version is there already
        return None
    name = folder.relative_to(request.home.lists).as_posix()
    if hashes([folder], request.home.lists)[name] != run.list_hash:
        raise ListDamaged(
            "; ".join(_damage(folder)),
            where=str(folder),
            expected=_UNTOUCHED,
            do="restore the folder from a backup, or publish a new version with --new-version",
        )
    return Outcome(
        run, folder, True, (*run.key.differs_from(key), *_other_champions(ledger, run)), counts=json.loads(run.summary or "{}")
    )


def _adopted(request: Request, ledger: Ledger, key: RunKey) -> bool:
    """Whether the list in force was only now noted as published: its start was killed between the rename and the note.

    A plain start of the same key is left to go on with that run by itself.
    """
    version = latest_version(request.home.lists, key.as_of)
    runs = [] if version is None else ledger.unnoted(key.as_of, version)
    if version is None or not runs:
        return False
    goes_on = ledger.published(key.as_of) is None and not request.new_version
    if goes_on and any(run.key == key for run in runs):
        return False
    folder = request.home.list_folder(key.as_of, version)
    found = hashes([folder], request.home.lists)[folder.relative_to(request.home.lists).as_posix()]
    if found not in {run.list_hash for run in runs}:
        return False
    ledger.adopt(key.as_of, version, found)
    return True


def _damage(folder: Path) -> list[str]:
    """Which files of a published folder are not as they were published, a few of each kind."""
    try:
        wanted = manifests.read(folder).files
    except ValueError:
        return [f"files were changed since they were published: {manifests.NAME}"]
    found = manifests.file_hashes(folder)
    kinds = {
        "removed": sorted(wanted.keys() - found.keys()),
        "added": sorted(found.keys() - wanted.keys()),
        "changed": sorted(name for name in wanted.keys() & found.keys() if wanted[name] != found[name]),
    }
    said = [
        f"files were {kind} since they were published: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
        for kind, names in kinds.items()
        if names
    ]
    return said or [f"files were changed since they were published: {manifests.NAME}"]


def _other_champions(ledger: Ledger, run: Run) -> list[str]:
    """Labels whose champion is no longer the one this run was pinned to."""
    pinned = ledger.pins(run)
    now = json.loads(ledger.recall("champions") or "{}")
    return [f"champion {name}" for name in sorted(now) if name in pinned and now[name] != pinned[name]]
