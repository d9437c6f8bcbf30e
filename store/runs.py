"""What a night is to the ledger: the key that decides its list, the run on that key, its steps."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from store import fingerprint


@dataclass(frozen=True)
class RunKey:
    """What decides a night's list. `inputs` maps each input to the hash of its content."""

    bank: str
    as_of: dt.date
    config: str
    code: str
    inputs: Mapping[str, str]

    def to_json(self) -> str:
        """Canonical text: equal keys, equal text."""
        return json.dumps(
            {
                "bank": self.bank,
                "as_of": self.as_of.isoformat(),
                "config": self.config,
                "code": self.code,
                "inputs": dict(self.inputs),
            },
            sort_keys=True,
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> RunKey:
        """The key that `to_json` wrote."""
        held = json.loads(text)
        return cls(held["bank"], dt.date.fromisoformat(held["as_of"]), held["config"], held["code"], held["inputs"])

    @property
    def digest(self) -> str:
        """One hash of the whole key."""
        return fingerprint.of_json(json.loads(self.to_json()))

    def differs_from(self, other: RunKey) -> list[str]:
        """What is not the same: `config`, `code`, and `input NAME` for each input."""
        names = [name for name in ("bank", "as_of", "config", "code") if getattr(self, name) != getattr(other, name)]
        inputs = sorted(k for k in self.inputs.keys() | other.inputs.keys() if self.inputs.get(k) != other.inputs.get(k))
        return names + [f"input {name}" for name in inputs]


@dataclass(frozen=True)
class Run:
    """One night on one key; `version` is that of the list it publishes. `attempts` counts starts."""

    run_id: int
    key: RunKey
    version: int
    state: str  # running, failed, published
    attempts: int
    failure: str | None = None  # "gate" for typed stops, "crash" for everything unforeseen
    list_hash: str | None = None
    summary: str | None = None

    @property
    def as_of(self) -> dt.date:
        return self.key.as_of


@dataclass(frozen=True)
class StepRecord:
    """One step of a run; `outputs` maps paths relative to the bank's home to the hash of what stood there."""

    name: str
    state: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    attempts: int = 0
    note: str = ""
