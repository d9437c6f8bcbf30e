"""What is wrong with a section of a bank file: every mistake with its line and the nearest name that is known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Path_ = tuple[str | int, ...]


@dataclass
class Mistakes:
    """What is wrong with a section, each with its line."""

    places: Mapping[Path_, str]
    found: list[str] = field(default_factory=list)

    def add(self, at: Path_, text: str) -> None:
        """Note a mistake at a key path of the section."""
        place = next((self.places[at[:size]] for size in range(len(at), 0, -1) if at[:size] in self.places), "")
        self.found.append(f"{place}: {text}" if place else text)

    def unknown(self, at: Path_, what: str, name: str, names: Iterable[str]) -> None:
        """Note a name nobody knows, with the nearest one that is known."""
        known = sorted(set(names))
        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known[:30])}"
        self.add(at, f"{what} '{name}' is not known; {hint}")
