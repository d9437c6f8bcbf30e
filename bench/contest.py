"""A contest: ways to the same end raced in pairs, one right after the other, round after round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.answers import Alike, compare
from bench.apart import Lap, Way, lap, python_of
from bench.place import Place

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Pair:
    """One way over another: the ratio says how many times as long the first took.

    Without a second, what the first takes is told alone. `alike`: how their answers must agree, where both answer. `aim`: the
    ratio that was asked for.
    """

    first: Way
    second: Way | None = None
    alike: Alike | None = None
    aim: float | None = None


@dataclass(frozen=True)
class Contest:
    """Pairs on one subject. `before` are run once, untimed: they make what several ways read."""

    name: str
    says: str
    pairs: tuple[Pair, ...]
    before: tuple[Way, ...] = ()
    more: Callable[[list[Raced]], list[str]] | None = None  # what else its laps tell


@dataclass
class Raced:
    """A pair's laps, as many of the one as of the other, and how many figures of their answers were found equal."""

    pair: Pair
    first: list[Lap] = field(default_factory=list)
    second: list[Lap] = field(default_factory=list)
    agreed: int = 0
    absent: str = ""  # the environment that was not there

    @property
    def ratios(self) -> list[float]:
        """Of every round, by wall time."""
        return [a.seconds / b.seconds for a, b in zip(self.first, self.second, strict=True)]

    @property
    def cpu_ratio(self) -> float:
        """The median of the rounds' ratios by processor time, which others on the machine disturb less."""
        return statistics.median(a.cpu / b.cpu for a, b in zip(self.first, self.second, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios)


def race(contest: Contest, place: Place, rounds: int, environments: Path, told: Tell) -> list[Raced]:
    """Every pair's laps. Raises TerraceError where two answers differ or a way fails; then nothing is told of times."""
    for way in contest.before:
        told(f"{contest.name}: {way.name}")
        lap(way, place, environments)
    raced = []
    for pair in contest.pairs:
        ways = [way for way in (pair.first, pair.second) if way is not None]
        absent = sorted({way.environment for way in ways if not python_of(way.environment, environments).exists()})
        raced.append(
            Raced(pair, absent=", ".join(absent)) if absent else _paired(contest, pair, place, rounds, environments, told)
        )
    return raced


def _paired(contest: Contest, pair: Pair, place: Place, rounds: int, environments: Path, told: Tell) -> Raced:
    """In turn: first and second, then second and first, so that neither always comes to a machine the other has warmed."""
    raced = Raced(pair)
    sides = {"first": (pair.first, raced.first)} | ({"second": (pair.second, raced.second)} if pair.second else {})
    for number in range(rounds):
        answers: dict[str, Path] = {}
        for side in sorted(sides, reverse=bool(number % 2)):
            way, laps = sides[side]
            told(f"{contest.name}: {way.name}, round {number + 1} of {rounds}")
            laps.append(lap(way, place, environments))
            if found := laps[-1].answer:
                answers[side] = found
        if pair.alike and pair.second and len(answers) == 2:
            raced.agreed = compare(answers["first"], answers["second"], pair.alike, (pair.first.name, pair.second.name))
    return raced


def versions(raced: Mapping[str, list[Raced]]) -> dict[str, list[str]]:
    """Package -> the versions that were used, over all contests."""
    found: dict[str, set[str]] = {}
    for one in (one for pairs in raced.values() for one in pairs):
        for a_lap in (*one.first, *one.second):
            for package, version in a_lap.versions.items():
                found.setdefault(package, set()).add(version)
    return {package: sorted(held) for package, held in sorted(found.items())}
