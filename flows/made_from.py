"""What each step's files are made from, as hashes: equal hashes, equal files, and the step need not run again."""

from __future__ import annotations

from collections.abc import Sequence

from features.labels import Label
from flows.code import ROOT
from flows.night import Night
from models.champion import Champion
from store import fingerprint

_BELOW = ("store", "sources", "features", "models")  # the rooms whose code scores, tiers and contributions come from


def scores(night: Night, champions: Sequence[Champion]) -> dict[str, str]:
    """Per label: the day's features, the champion, who belongs to the cohort, how bands are cut."""
    labels: dict[str, Label] = {label.name: label for label in night.labels}
    shared = [
        _data(night),
        fingerprint.of_path(night.of_day(night.home.features)),
        night.bank.models.bands.model_dump(mode="json"),
    ]
    return {
        one.name: fingerprint.of_json([*shared, one.content_hash, labels[one.name].settings.model_dump(mode="json")])
        for one in champions
    }


def tiers(night: Night) -> str:
    """The canonical tables, all that decides a tier, a contribution or a group, and the words of the picture."""
    bank = night.bank
    parts = (bank.tiers, bank.value, bank.groups, *bank.overrides)
    settings = [part.model_dump(mode="json") if part else None for part in parts]
    return fingerprint.of_json([_data(night), settings, bank.tier_words, bank.bank.language])


def contributions(night: Night, champions: Sequence[Champion]) -> dict[str, str]:
    """Per label: the day's features and the champion."""
    shared = [_code(), fingerprint.of_path(night.of_day(night.home.features))]
    return {one.name: fingerprint.of_json([*shared, one.content_hash]) for one in champions}


def _data(night: Night) -> list[str]:
    return [night.as_of.isoformat(), fingerprint.of_json(night.canonical.manifest.content()), _code()]


def _code() -> str:
    return fingerprint.of_code([ROOT / room for room in _BELOW])
