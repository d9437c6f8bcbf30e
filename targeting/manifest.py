"""What made a list, by content: fingerprints, counts, waivers, assumptions, proof. No clock, host, path or registry id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sources.canonical import Canonical
from store import fingerprint
from store.files import read_json, write_json

NAME = "manifest.json"


class Manifest(BaseModel):
    """One version of one day's lists. Equal manifests mean equal lists."""

    model_config = ConfigDict(frozen=True)
    bank: str
    currency: str
    as_of: dt.date
    list_version: int
    work_on: dt.date  # the day whose hours the lists fill
    fingerprints: dict[str, str]  # what went in
    champions: dict[str, str]  # model -> content hash
    waivers: dict[str, str]  # rule passed over -> reason
    assumptions: list[dict[str, Any]]  # figures behind the expected values
    balance_from: str  # where the 90-day average was read
    customers: int
    owner_steps: dict[str, int]  # add up to `customers`
    never_listed: dict[str, int]  # rule -> customers; for compliance
    blocked: dict[str, int]  # rule -> customer-offers; for compliance
    offers: dict[str, dict[str, int]]  # offer -> candidates, allowed, listed
    offers_without_scores: list[str]
    models_without_offer: list[str]
    names: int
    lists: int  # lists with at least one name
    proof: dict[str, int]  # rule -> rows proved
    files: dict[str, str]  # every other file of the version -> SHA-256

    def differs_in(self, other: Manifest) -> list[str]:
        """What went in differently, dotted names in order; only results, if nothing did."""
        one, two = self.model_dump(mode="json"), other.model_dump(mode="json")
        inputs = ("fingerprints", "champions", "waivers", "work_on")
        found = [name for key in inputs for name in _differing(key, one[key], two[key])]
        return found or [key for key in sorted(one) if one[key] != two[key]]


def _differing(name: str, one: Any, two: Any) -> list[str]:
    if isinstance(one, dict) and isinstance(two, dict):
        return [f"{name}.{key}" for key in sorted(set(one) | set(two)) if one.get(key) != two.get(key)]
    return [name] if one != two else []


def fingerprints(
    canonical: Canonical, files: Mapping[str, Path], settings: BaseModel, given: Mapping[str, str]
) -> dict[str, str]:
    """Content hashes of all that goes into a list; `given` are those the caller knows (code, bank file)."""
    manifest = canonical.manifest
    return {
        "canonical": fingerprint.of_json([manifest.inputs, manifest.config_hash, manifest.code_hash]),
        **{name: fingerprint.of_path(path) for name, path in sorted(files.items())},
        "targeting": fingerprint.of_json(settings.model_dump(mode="json")),
        **dict(sorted(given.items())),
    }


def file_hashes(folder: Path) -> dict[str, str]:
    """Every file of a version but the manifest -> SHA-256."""
    return {
        path.relative_to(folder).as_posix(): fingerprint.of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME
    }


def write(folder: Path, manifest: Manifest) -> None:
    """The manifest into its version's folder, last of all files."""
    write_json(folder / NAME, manifest.model_dump(mode="json"))


def read(folder: Path) -> Manifest:
    """The manifest of a version."""
    return Manifest.model_validate(read_json(folder / NAME))
