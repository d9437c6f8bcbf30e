"""A night as its steps see it: the bank, its home, the run, and the champions that are pinned to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.labels import Label, named
from flows.bank import BankFile
from flows.home import Home
from models.champion import Champion
from sources.canonical import Canonical, open_canonical
from store.lease import Lease
from store.ledger import Ledger
from store.runs import Run

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Night:
    """All that a step may know. Steps hand each other files, never frames."""

    bank: BankFile
    home: Home
    run: Run
    ledger: Ledger
    lease: Lease
    progress: Progress
    check_lease: Callable[[], None]  # raises LeaseLost where another night took over
    code: str

    @property
    def as_of(self) -> dt.date:
        return self.run.as_of

    @property
    def canonical(self) -> Canonical:
        return open_canonical(self.home.canonical, self.bank.limits)

    @property
    def labels(self) -> tuple[Label, ...]:
        return named(self.bank.labels)

    def of_day(self, folder: Path) -> Path:
        """The file of this night's date in a folder of dated files."""
        return self.home.of_day(folder, self.as_of)

    @property
    def staging(self) -> Path:
        """Where this night's version is made; the same after a crash."""
        return self.home.staging / f"as_of={self.as_of.isoformat()}"


def kept(night: Night, name: str, content_hash: str) -> Champion:
    """The champion of that content from the bank's own folder, or from the registry where the folder was lost."""
    folder = night.home.champions / name / content_hash[:16]
    if (folder / "champion.json").exists():
        champion = Champion.read(folder)
        if champion.content_hash == content_hash:
            return champion
    from models.registry import Registry

    champion = Registry(night.home.mlflow).load_pinned(name, content_hash)
    champion.write(folder)
    return champion


def pinned(night: Night) -> list[Champion]:
    """Tonight's champions, by label."""
    return [kept(night, name, content) for name, content in sorted(night.ledger.pins(night.run).items())]
