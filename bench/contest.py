"""A contest: ways to the same end, each run in a process of its own, in turn, round after round."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from flows.bank import BankFile
from flows.home import Home

Answer = Mapping[str, float]


@dataclass(frozen=True)
class Place:
    """The bank whose data is raced over, its home after a night, and a folder to write to."""

    bank: BankFile
    home: Home
    work: Path


Way = Callable[[Place], Callable[[], Answer]]  # made ready, then run against the clock; what it found, to be compared


@dataclass(frozen=True)
class Contest:
    """Ways by name; the first is the floor, which answers nothing. What several ways answer must agree."""

    name: str
    says: str
    ways: Mapping[str, Way]


@dataclass
class Run:
    """What one way took."""

    seconds: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)  # MB of the whole process
    answer: Answer = field(default_factory=dict)


def race(contest: Contest, place: Place, rounds: int, told: Callable[[str], None]) -> dict[str, Run]:
    """Every way's runs. Raises AssertionError where two ways answer differently, RuntimeError where one fails."""
    runs = {name: Run() for name in contest.ways}
    for number in range(rounds):
        for name, way in contest.ways.items():
            told(f"{contest.name}: {name}, round {number + 1} of {rounds}")
            seconds, peak, answer = _apart(way, place)
            runs[name].seconds.append(seconds)
            runs[name].peak.append(peak)
            runs[name].answer = answer
    answers = [(name, run.answer) for name, run in runs.items() if run.answer]
    for name, answer in answers[1:]:
        assert answer == answers[0][1], f"{contest.name}: {name} and {answers[0][0]} do not answer alike"
    return runs


def table(contest: Contest, runs: Mapping[str, Run]) -> list[str]:
    """Lines: the way, its median time as a multiple of the floor's, the spread of that, and its peak memory."""
    floor = statistics.median(next(iter(runs.values())).seconds)
    lines = [f"{contest.name}: {contest.says}", f"  {'way':44}{'x floor':>9}{'from':>8}{'to':>8}{'peak MB':>9}"]
    for name, run in runs.items():
        times = [seconds / floor for seconds in run.seconds]
        figures = (statistics.median(times), min(times), max(times))
        lines.append(f"  {name:44}{figures[0]:>9.2f}{figures[1]:>8.2f}{figures[2]:>8.2f}{max(run.peak):>9.0f}")
    return [*lines, f"  (the floor took {floor:.2f} s)"]


def _apart(way: Way, place: Place) -> tuple[float, float, Answer]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_run, args=(way, place, there))
    child.start()
    there.close()
    try:
        found: tuple[float, float, Answer] = here.recv()
    except EOFError:
        raise RuntimeError("a way of the contest failed; its trace stands above") from None
    finally:
        child.join()
    return found


def _run(way: Way, place: Place, out: Connection) -> None:
    ready = way(place)
    started = time.perf_counter()
    answer = ready()
    seconds = time.perf_counter() - started
    out.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, dict(answer)))
