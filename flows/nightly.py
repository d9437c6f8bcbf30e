"""One night of one bank: what the ledger says, then the steps under the lease, to a published list."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from flows import alert, process
from flows.bank import BankFile
from flows.chores import taken_in
from flows.code import code_hash
from flows.home import Home
from flows.night import Night, plan
from flows.runner import Heartbeat, StepResult, StepTimeout, hashes, limited, run_step
from sources.canonical import CanonicalManifest, open_canonical
from sources.delivery import deliveries
from store import fingerprint
from store.errors import ConfigError, DataNotArrived, GateBroken, ResumedAndFailed, TerraceError
from store.lease import LeaseHeld, LeaseLost
from store.ledger import Ledger, open_ledger
from store.runs import Run, RunKey

Progress = Callable[[str, int, int], None]
Engine = Callable[[str, bool, Callable[[], StepResult]], StepResult]      # step, whether to try again on IO, the work


@dataclass(frozen=True)
class Request:
    """What somebody asks of a night. Without a date: the newest business date."""

    bank: BankFile
    home: Home
    as_of: dt.date | None = None
    new_version: bool = False
    backfill: bool = False


@dataclass(frozen=True)
class Ready:
    """The ledger knows no published list for this; `key` is None where only the intake can tell the date."""

    request: Request
    ledger: Ledger
    inputs: Mapping[str, str]
    code: str
    key: RunKey | None


@dataclass(frozen=True)
class Outcome:
    """How a night ended: its run, whether it was published before this call, what changed since, and how each step went."""

    run: Run
    folder: Path
    already: bool
    differs: tuple[str, ...] = ()
    steps: tuple[StepResult, ...] = ()
    resumed: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


def ask(request: Request) -> Ready | Outcome:
    """What the ledger says, in the time it takes to hash the inputs. Raises DataNotArrived, ConfigError, TerraceError."""
    ledger = open_ledger(request.home.ledger, time.time)
    inputs = {name: found.fingerprint for name, found in deliveries(request.bank.sources.inputs, request.bank.base).items()}
    code = code_hash()
    as_of = request.as_of or _newest(request.home, inputs)
    if as_of is None or any(spec.database for spec in request.bank.sources.inputs.values()):
        return Ready(request, ledger, inputs, code, None)       # what a database holds is known once it has been read
    key = RunKey(request.bank.bank.id, as_of, request.bank.config_hash, code, inputs)
    return _published(request, ledger, key) or Ready(request, ledger, inputs, code, key)


def _newest(home: Home, inputs: Mapping[str, str]) -> dt.date | None:
    """The newest business date of these very inputs, where they have been taken in before."""
    if not (home.canonical / "manifest.json").exists():
        return None
    manifest: CanonicalManifest = open_canonical(home.canonical).manifest
    return manifest.newest_business_date if dict(manifest.inputs) == dict(inputs) else None


def _published(request: Request, ledger: Ledger, key: RunKey) -> Outcome | None:
    """The outcome of a date that is published and not to be published again. Raises ConfigError for a date gone by."""
    run = ledger.published(key.as_of)
    newest = ledger.newest_published()
    if run is None and newest is not None and newest.as_of > key.as_of and not request.backfill:
        raise ConfigError(f"the lists of {newest.as_of} are already published, later than {key.as_of}", where="--as-of",
                          expected="the newest business date: after downtime, days gone by are not made up for",
                          do="add --backfill if this past night is really wanted")
    if run is None or request.new_version:
        return None
    folder = request.home.list_folder(run.as_of, run.version)
    name = folder.relative_to(request.home.lists).as_posix()
    if not folder.is_dir() or hashes([folder], request.home.lists)[name] != run.list_hash:
        raise TerraceError("the files are not those that were published", where=str(folder),
                           expected="a published list, which is never changed",
                           do="restore the folder from a backup, or publish a new version with --new-version")
    return Outcome(run, folder, True, (*run.key.differs_from(key), *_other_champions(ledger, run)),
                   counts=json.loads(run.summary or "{}"))


def _other_champions(ledger: Ledger, run: Run) -> list[str]:
    """Labels whose champion is no longer the one this run was pinned to."""
    pinned = ledger.pins(run)
    now = json.loads(ledger.recall("champions") or "{}")
    return [f"champion {name}" for name in sorted(now) if name in pinned and now[name] != pinned[name]]


def wait_for(request: Request, progress: Progress) -> Ready | Outcome:
    """`ask`, again and again while data is missing, until the bank's set hour. Raises DataNotArrived at that hour."""
    night, zone = request.bank.night, ZoneInfo(request.bank.bank.timezone)
    until = dt.datetime.combine(dt.datetime.now(zone).date(), dt.time.fromisoformat(night.wait_until), zone)
    while True:
        try:
            return ask(request)
        except DataNotArrived as missing:
            if dt.datetime.now(zone) >= until:
                raise DataNotArrived(f"{missing.found} by {night.wait_until}", where=missing.where, expected=missing.expected,
                                     do=missing.do) from None
            progress(f"waiting: {missing.found}", 0, 0)
            time.sleep(min(night.look_every_seconds, max(1.0, (until - dt.datetime.now(zone)).total_seconds())))


@contextlib.contextmanager
def alerting(request: Request) -> Iterator[None]:
    """Send the bank's one-line alert when what is inside fails; a person's interruption is no failure."""
    try:
        yield
    except Exception as error:
        code = error.exit_code if isinstance(error, TerraceError) else 1
        alert.send(request.bank.night.alert, alert.line(request.bank.bank.id, str(request.as_of or ""), step_of(error), code))
        raise


def step_of(error: BaseException) -> str:
    """The step in which an error stopped the night; empty before the first."""
    return str(getattr(error, "step", "")) or (step_of(error.__cause__) if error.__cause__ else "")


def _noted(name: str, work: Callable[[], StepResult]) -> Callable[[], StepResult]:
    """`work`, whose error knows the step it came from."""
    def noted() -> StepResult:
        try:
            return work()
        except Exception as error:
            vars(error).setdefault("step", name)
            raise

    return noted


def plain(retries: int, pause: float) -> Engine:
    """The engine without an engine: runs the step here, and again after a passing input/output error."""
    from flows.runner import is_passing

    def each(_name: str, may_retry: bool, work: Callable[[], StepResult]) -> StepResult:
        for attempt in range(retries + 1):
            try:
                return work()
            except OSError as error:
                if not may_retry or not is_passing(error) or attempt == retries:
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable")

    return each


def conduct(ready: Ready, engine: Engine, progress: Progress, ended: Callable[[StepResult], None]) -> Outcome:
    """Run the night under the lease to a published list; `ended` hears of every step.

    Raises what a step raises: typed errors as they are; anything else, in a night that had crashed before, as
    ResumedAndFailed.
    """
    bank, ledger = ready.request.bank, ready.ledger
    lease = ledger.take_lease(process.owner_name(), bank.night.lease_seconds, process.is_gone)
    unfinished = fingerprint.of_json([bank.config_hash, ready.code, dict(ready.inputs), str(ready.request.as_of)])
    crashed_before = ledger.recall("unfinished") == unfinished
    run: Run | None = None
    try:
        ledger.remember("unfinished", unfinished)
        with Heartbeat(ledger, lease, bank.night.lease_seconds) as heartbeat:
            results = [_take_in(ready, engine, progress)]
            ended(results[0])
            manifest = open_canonical(ready.request.home.canonical).manifest
            key = RunKey(bank.bank.id, ready.request.as_of or manifest.newest_business_date, bank.config_hash, ready.code,
                         manifest.inputs)
            _not_later_than_the_data(ready.request.home, key.as_of)
            already = _published(ready.request, ledger, key)
            if already is not None:
                ledger.remember("unfinished", "")
                return already
            run, resumed = ledger.begin(key)
            crashed_before = crashed_before or resumed
            night = Night(bank, ready.request.home, run, ledger, lease, progress, heartbeat.check, ready.code)
            results += _steps(night, engine, ended)
        ledger.remember("unfinished", "")
        done = ledger.published(run.as_of)
        assert done is not None
        return Outcome(done, ready.request.home.list_folder(done.as_of, done.version), False, (), tuple(results),
                       crashed_before, json.loads(done.summary or "{}"))
    except BaseException as error:
        _note_failure(ledger, run, error)
        if crashed_before and not isinstance(error, DataNotArrived | GateBroken | ConfigError | LeaseLost | KeyboardInterrupt):
            raise ResumedAndFailed(
                f"the resumed night failed again: {_kind(error)}", where=bank.bank.id, expected="a published list",
                do="mend what the log says, then run again; the last published list stays in force") from error
        raise
    finally:
        with contextlib.suppress(sqlite3.Error):
            ledger.release_lease(lease)


def _steps(night: Night, engine: Engine, ended: Callable[[StepResult], None]) -> list[StepResult]:
    results = []
    for step in plan(night):
        night.check_lease()
        seconds = night.bank.night.minutes_for(step.name) * 60

        def work(step: object = step, seconds: float = seconds) -> StepResult:
            return run_step(step, night, night.ledger, night.run, night.home.root, seconds)  # type: ignore[arg-type]

        result = engine(step.name, step.retries, _noted(step.name, work))
        results.append(result)
        ended(result)
    return results


def _take_in(ready: Ready, engine: Engine, progress: Progress) -> StepResult:
    bank, home = ready.request.bank, ready.request.home

    def work() -> StepResult:
        started = time.perf_counter()
        with limited("take_in", bank.night.minutes_for("take_in") * 60):
            canonical = taken_in(bank, home, progress)
        rows = sum(state.rows for state in canonical.manifest.tables.values())
        return StepResult("take_in", time.perf_counter() - started, False, f"{rows:,}")

    return engine("take_in", True, _noted("take_in", work))


def _not_later_than_the_data(home: Home, as_of: dt.date) -> None:
    newest = open_canonical(home.canonical).manifest.newest_business_date
    if as_of > newest:
        raise DataNotArrived(f"the data goes to {newest}, not to {as_of}", where="--as-of",
                             expected=f"a date up to {newest}", do="wait for the day's files, or leave --as-of out")


def _note_failure(ledger: Ledger, run: Run | None, error: BaseException) -> None:
    """Best effort: on a full disk not even this can be written, and the next start then counts this one as crashed."""
    typed = isinstance(error, DataNotArrived | GateBroken | ConfigError | LeaseLost | LeaseHeld | KeyboardInterrupt)
    with contextlib.suppress(sqlite3.Error):
        if typed:
            ledger.remember("unfinished", "")
        if run is not None:
            ledger.fail(run, "gate" if typed else "crash")


def _kind(error: BaseException) -> str:
    """A failure as it may be printed: our own errors in full, others by their class only, for they may quote data."""
    return str(error) if isinstance(error, TerraceError | StepTimeout) else type(error).__name__
