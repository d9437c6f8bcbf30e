"""The demo bank in a home: where its files lie, and making them where there are none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flows import faults
from flows.bank import BankFile, load_bank
from flows.chores import under_lease
from flows.home import Home
from flows.screen import Screen
from flows.words import say

Progress = Callable[[str, int, int], None]
CUSTOMERS, SEED = 20_000, 20260930
MANY, MONTHS, MONTHS_OF_MANY = 50_000, 27, 13  # above so many customers the history is shorter, unless asked for
FOLDER, WRITTEN = "demo-bank", "../../var/"  # as configs/banks/demo.yaml names it: in the home, which is var/ by default


def folder_of(home: Path) -> Path:
    """Where a home keeps the demo bank's files."""
    return (home / FOLDER).resolve()


def open_bank(path: Path, home: Path) -> BankFile:
    """The bank of a YAML file, with its inputs found. Raises ConfigError."""
    return placed(load_bank(path, os.environ), home)


def placed(bank: BankFile, home: Path) -> BankFile:
    """The bank with its inputs found: the demo bank's lie in the home, whichever that is; its settings are the same in all."""
    if not is_demo(bank):
        return bank
    inputs = {
        name: spec.model_copy(update={"files": spec.files.removeprefix(WRITTEN)}) if spec.files else spec
        for name, spec in bank.sources.inputs.items()
    }
    return replace(bank, sources=bank.sources.model_copy(update={"inputs": inputs}), base=home.resolve())


def is_demo(bank: BankFile) -> bool:
    """Whether the bank's files are those that Terrace makes itself."""
    paths = [spec.files for spec in bank.sources.inputs.values()]
    return bool(paths) and all((path or "").removeprefix(WRITTEN).startswith(FOLDER + "/") for path in paths)


@contextmanager
def to_oneself(bank: BankFile, home: Home) -> Iterator[None]:
    """The demo bank's files in a home to write to: no run reads them meanwhile.

    Raises LeaseHeld where one does, MachineFault where there is no room even to say so.
    """
    with faults.named(Home(folder_of(home.root.parent)), None):
        home.make()
        with under_lease(bank, home):
            yield


def make_if_missing(bank: BankFile, home: Home, screen: Screen) -> None:
    """Make the demo bank's files where they are asked for and not there."""
    from sources.demo.bank import MARKER

    folder = folder_of(bank.base)
    if not is_demo(bank) or (folder / MARKER).exists():
        return
    screen.line(say(screen.language, "making_demo", customers=f"{CUSTOMERS:,}"))
    with screen, under_lease(bank, home):
        if not (folder / MARKER).exists():
            make(folder, CUSTOMERS, SEED, None, screen.progress)


def make(
    out: Path, customers: int, seed: int, months: int | None, progress: Progress, daily: int = 0, held_back: int = 0
) -> Path:
    """Write the demo bank's files into `out`; the folder. `months`: None for 27, or 13 where there are many customers.

    The last `daily` business days come as files of their own, the last `held_back` of them when they are asked for. Raises
    ConfigError where this user may not write there, MachineFault.
    """
    from sources.demo.bank import make_demo_bank

    span, place = months or (MONTHS if customers <= MANY else MONTHS_OF_MANY), Home(out)
    place.make()
    with faults.named(place, None):
        make_demo_bank(out, customers=customers, months=span, seed=seed, daily=daily, held_back=held_back, progress=progress)
    return out


def deliver_next(out: Path, screen: Screen) -> None:
    """Put the files of the next day that was held back where the bank's files lie, and say what is still to come."""
    from sources.demo.delivery import coming
    from sources.demo.delivery import deliver_next as deliver

    day = deliver(out)
    if day is None:
        screen.line(say(screen.language, "nothing_coming"))
    else:
        screen.line(say(screen.language, "day_delivered", day=day, left=len(coming(out))))
