"""Cost against size: demo banks of several sizes, the exponent by least squares on logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np

from bench import feature_ways
from bench.apart import Lap, Way
from bench.contest import Contest, Pair, Raced
from bench.place import Found, Place, Run
from flows.bank import BankFile
from flows.chores import taken_in
from flows.demo import SEED, folder_of, make, open_bank
from flows.home import Home

MONTHS = 13


def grow(place: Place, folder: str, customers: int) -> Run:
    """A demo bank of so many customers taken in, unless it lies there already."""
    at = _at(place, folder, customers)

    def run() -> Found:
        bank, home = _bank(at)
        if not (home.canonical / "manifest.json").exists():
            make(folder_of(at.home), customers, SEED, MONTHS, lambda *_: None)
            taken_in(bank, home, lambda *_: None)
        return Found()

    return run


def features(place: Place, folder: str, customers: int) -> Run:
    """All features of one date of the bank of that size."""
    return feature_ways.whole(_at(place, folder, customers), 1)


def _bank(at: Place) -> tuple[BankFile, Home]:
    bank = open_bank(at.bank, at.home)
    return bank, Home(at.home.resolve() / bank.bank.id)


def _at(place: Place, folder: str, customers: int) -> Place:
    return replace(place, home=Path(folder) / f"customers={customers}")


def growth(folder: Path, sizes: Sequence[int]) -> Contest:
    """Every size against the next smaller one."""
    ways = {size: Way(f"{size:,} customers", "bench.growth:features", _given(folder, size)) for size in sorted(sizes)}
    return Contest(
        "growth",
        f"every feature of one date, demo banks of {MONTHS} months; each size over the next smaller",
        tuple(Pair(ways[larger], ways[smaller]) for smaller, larger in pairwise(sorted(ways))),
        before=tuple(Way(f"bank of {size:,} customers", "bench.growth:grow", _given(folder, size)) for size in ways),
        more=exponents,
    )


def _given(folder: Path, size: int) -> dict[str, object]:
    return {"folder": str(folder.resolve()), "customers": size}


def exponents(raced: Sequence[Raced]) -> list[str]:
    """Exponents of wall and processor time over all sizes, and the memory of each size."""
    laps: dict[int, list[Lap]] = {}
    for one in (one for pair in raced for one in (*pair.first, *pair.second)):
        laps.setdefault(one.rows, []).append(one)
    if len(laps) < 2:
        return []
    sizes = sorted(laps)
    wall = exponent(sizes, [median(one.seconds for one in laps[size]) for size in sizes])
    cpu = exponent(sizes, [median(one.cpu for one in laps[size]) for size in sizes])
    memory = ", ".join(f"{max(one.peak_mb for one in laps[size]):,.0f} MB at {size:,}" for size in sizes)
    return [f"exponent of cost: {wall:.2f} by wall time, {cpu:.2f} by processor time; peak memory {memory}"]


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The slope of the line that fits the logarithms best: 1 is in proportion, 2 is the square."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
