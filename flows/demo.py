"""The demo bank in a home: where its files lie, and making them where there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flows.bank import BankFile
from flows.screen import Screen

Progress = Callable[[str, int, int], None]


def folder_of(home: Path) -> Path:
    """Where a home keeps the demo bank's files."""
    return (home / "demo-bank").resolve()


def placed(bank: BankFile, home: Path) -> BankFile:
    """The bank with its inputs found; the demo bank's lie in the home, not beside its YAML."""
    return bank


def make_if_missing(bank: BankFile, screen: Screen) -> None:
    """Make the demo bank's files where they are asked for and not there."""


def make(out: Path, customers: int, seed: int, months: int, progress: Progress) -> Path:
    """Write the demo bank's files into `out`; the folder."""
    raise NotImplementedError
