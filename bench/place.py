"""Where a contest is held, and what a way finds there. Only the standard library: every environment imports it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """The file of the bank whose data is raced over, the home a night of it has run in, and a folder to write to."""

    bank: Path
    home: Path
    work: Path

    def to_json(self) -> str:
        return json.dumps({name: str(path) for name, path in asdict(self).items()})

    @classmethod
    def from_json(cls, text: str) -> Place:
        return cls(**{name: Path(path) for name, path in json.loads(text).items()})


@dataclass(frozen=True)
class Found:
    """What a way answers: a Parquet file to be compared (or how it is written once the clock has stopped), the rows it went
    over, the seconds of its parts in order, and what else is told of it, a sentence each."""

    answer: Path | Callable[[], Path] | None = None
    rows: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


Run = Callable[[], Found]  # what stands against the clock; a way makes it ready beforehand
