"""Runs the steps of a night one after the other: skips what is done and intact, notes what came out, keeps the lease."""

from __future__ import annotations

import errno
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Generic, TypeVar

from sources.in_force import IN_FORCE
from store import fingerprint
from store.errors import TerraceError
from store.lease import Lease, LeaseLost
from store.ledger import Ledger
from store.runs import Run

N = TypeVar("N")
Progress = Callable[[str, int, int], None]

_PASSING = {
    errno.EIO,
    errno.EAGAIN,
    errno.EBUSY,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ECONNRESET,
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EPIPE,
    errno.ENFILE,
    errno.EMFILE,
    errno.EINTR,
}


class StepTimeout(TerraceError):
    """A step took longer than it may."""


@dataclass(frozen=True)
class Done:
    """What a step leaves: files or folders under the bank's home, and a word on what happened for people."""

    outputs: tuple[Path, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Step(Generic[N]):
    """One step of a night: a plain function of the night. A step that always runs is never skipped on resume."""

    name: str
    run: Callable[[N], Done]
    always: bool = False
    retries: bool = False  # reads from outside: worth trying again on a passing input/output error


@dataclass(frozen=True)
class StepResult:
    """How one step went."""

    name: str
    seconds: float
    skipped: bool
    note: str


def is_passing(error: BaseException) -> bool:
    """Whether trying again may help: a network or device hiccup. A full disk, a wrong file or a bug is none."""
    return isinstance(error, ConnectionError | TimeoutError) or (isinstance(error, OSError) and error.errno in _PASSING)


def hashes(outputs: Sequence[Path], root: Path) -> dict[str, str]:
    """Path relative to the home -> content hash; a folder counts with all its files."""
    return {path.relative_to(root).as_posix(): fingerprint.of_path(path) for path in outputs}


def is_intact(outputs: Mapping[str, str], root: Path) -> bool:
    """Whether everything a step left is still there, bit for bit."""
    return all((root / name).exists() and hashes([root / name], root)[name] == held for name, held in outputs.items())


def run_step(step: Step[N], night: N, ledger: Ledger, run: Run, root: Path, seconds: float) -> StepResult:
    """Run one step unless it is done and intact. Raises what the step raises, StepTimeout after `seconds`."""
    record = ledger.steps(run).get(step.name)
    if record is not None and record.state == "done" and not step.always and is_intact(record.outputs, root):
        return StepResult(step.name, 0.0, True, record.note)
    ledger.start_step(run, step.name)
    started = time.perf_counter()
    with limited(step.name, seconds):
        done = step.run(night)
    took = time.perf_counter() - started
    ledger.end_step(run, step.name, hashes(done.outputs, root), took, done.note)
    return StepResult(step.name, took, False, done.note)


@contextmanager
def limited(name: str, seconds: float) -> Iterator[None]:
    """Raise StepTimeout after `seconds`. Signals reach the main thread only; elsewhere the engine's own limit must do."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise StepTimeout(
            f"took longer than {seconds / 60:g} minutes",
            where=f"step {name}",
            do=f"find out why, or allow more under night.minutes.{name.split()[0]}",
        )

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Heartbeat:
    """Keeps a lease alive from a thread of its own while a night runs; `check` raises LeaseLost when it did not."""

    def __init__(self, ledger: Ledger, lease: Lease, seconds: float) -> None:
        self._ledger, self._lease, self._seconds = ledger, lease, seconds
        self._stop = threading.Event()
        self._lost: LeaseLost | None = None
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def check(self) -> None:
        """Raise LeaseLost where another night took over."""
        if self._lost is not None:
            raise self._lost

    def fencing(self, progress: Progress) -> Progress:
        """`progress` of an intake, which raises LeaseLost instead of bringing tables into force that another's now are.

        The ledger itself is asked: of a process that was suspended this thread may run before its heart has beaten again.
        """

        def told(what: str, done: int, total: int) -> None:
            if what == IN_FORCE:
                self._ledger.renew_lease(self._lease, self._seconds)
            progress(what, done, total)

        return told

    def _beat(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            try:
                self._ledger.renew_lease(self._lease, self._seconds)
            except LeaseLost as lost:
                self._lost = lost
                return
            except sqlite3.Error:  # a full or busy disk must not end the thread: the next beat tries again
                continue
