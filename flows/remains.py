"""What a bank file that is wrong elsewhere still says: whom to alert, how the bank is called, which language it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.settings import Alert, Language
from store.errors import ConfigError
from store.settings import read_yaml


@dataclass(frozen=True)
class Remains:
    """Enough to tell somebody that the file is wrong."""

    bank: str
    alert: Alert
    language: Language | None


def of_file(path: Path) -> Remains:
    """The remains of a bank file; nobody is alerted where that much cannot be read."""
    try:
        content, _ = read_yaml(path)
    except ConfigError:
        return Remains(path.stem, Alert(), None)
    bank, night = _section(content, "bank"), _section(content, "night")
    try:
        to = Alert.model_validate(_section(night, "alert"))
    except ValueError:
        to = Alert()
    spoken = bank.get("language", "zh")
    return Remains(str(bank.get("id", path.stem)), to, spoken if spoken in ("zh", "en") else None)


def _section(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content.get(name)
    return found if isinstance(found, dict) else {}
