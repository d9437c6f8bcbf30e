"""One night of one bank: the steps under the lease, to a published list; waiting for its data until the set hour."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from flows import faults, process
from flows.chores import taken_in
from flows.night import Night
from flows.plan import plan
from flows.request import Outcome, Ready, Request, published
from flows.runner import Heartbeat, StepResult, StepTimeout, is_passing, limited, run_step
from flows.screen import WAITING
from sources.canonical import open_canonical
from store import fingerprint
from store.errors import ConfigError, DataNotArrived, GateBroken, MachineFault, ResumedAndFailed, TerraceError
from store.lease import LeaseHeld, LeaseLost
from store.ledger import Ledger
from store.runs import Run, RunKey
from targeting.publish import version_to_make

Progress = Callable[[str, int, int], None]
_SAYS_ITSELF = DataNotArrived | GateBroken | ConfigError | LeaseLost | KeyboardInterrupt
Engine = Callable[[str, bool, Callable[[], StepResult]], StepResult]  # step, whether to try again on IO, the work


def awaiting(request: Request, progress: Progress, attempt: Callable[[Request], Outcome]) -> Outcome:
    """`attempt`, again and again while data is missing or another run holds the bank, until the bank's set hour.

    A bank that says how many days its data lies behind waits for that very business date, and so not for ever on yesterday's
    files. Raises at that hour what the last attempt raised.
    """
    night, zone = request.bank.night, ZoneInfo(request.bank.bank.timezone)
    today = dt.datetime.now(zone).date()
    until = dt.datetime.combine(today, dt.time.fromisoformat(night.wait_until), zone)
    if request.as_of is None and night.days_behind is not None:
        request = replace(request, as_of=today - dt.timedelta(days=night.days_behind))
    while True:
        try:
            return attempt(request)
        except (DataNotArrived, LeaseHeld) as missing:
            left = (until - dt.datetime.now(zone)).total_seconds()
            if left <= 0:
                if isinstance(missing, LeaseHeld):
                    raise
                raise DataNotArrived(
                    missing.found,
                    where=missing.where,
                    do=missing.do,
                    expected=f"{missing.expected or 'the data'} by {night.wait_until}",
                ) from None
            progress(f"{WAITING}{night.wait_until}: {missing.found}", 0, 0)
            time.sleep(min(night.look_every_seconds, max(1.0, left)))


def _noted(name: str, work: Callable[[], StepResult]) -> Callable[[], StepResult]:
    """`work`, whose error knows the step it came from."""

    def noted() -> StepResult:
        try:
            return work()
        except Exception as error:
            vars(error).setdefault("step", name)
            traceback.clear_frames(error.__traceback__)  # Prefect keeps the error, and with it what the step had in hand
            raise

    return noted


def plain(retries: int, pause: float) -> Engine:
    """The engine without an engine: runs the step here, and again after a passing input/output error."""

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

    Raises what a step raises: typed errors as they are, and MachineFault for what the machine did; anything else, in a night
    that had crashed before, as ResumedAndFailed.
    """
    bank, ledger = ready.request.bank, ready.ledger
    lease = ledger.take_lease(process.owner_name(), bank.night.lease_seconds, process.is_gone)
    unfinished = fingerprint.of_json([bank.config_hash, ready.code, dict(ready.inputs), str(ready.request.as_of)])
    crashed_before = ledger.recall("unfinished") == unfinished
    run: Run | None = None
    try:
        ledger.remember("unfinished", unfinished)
        with Heartbeat(ledger, lease, bank.night.lease_seconds) as heartbeat, faults.named(ready.request.home, bank.limits):
            results = [_take_in(ready, engine, heartbeat.fencing(progress))]
            ended(results[0])
            key = _key(ready)
            already = published(ready.request, ledger, key)
            if already is not None:
                ledger.remember("unfinished", "")
                return already
            lists, new = ready.request.home.lists, ready.request.new_version
            run, resumed = ledger.begin(key, version_to_make(lists, key.as_of, new_version=new))
            crashed_before = crashed_before or resumed
            night = Night(bank, ready.request.home, run, ledger, lease, progress, heartbeat.check, ready.code)
            results += _steps(night, engine, ended)
        ledger.remember("unfinished", "")
        done = ledger.published(run.as_of)
        assert done is not None
        return Outcome(
            done,
            ready.request.home.list_folder(done.as_of, done.version),
            False,
            (),
            tuple(results),
            crashed_before,
            json.loads(done.summary or "{}"),
        )
    except BaseException as error:
        _note_failure(ledger, run, error)
        if crashed_before and not isinstance(error, _SAYS_ITSELF | MachineFault):
            raise ResumedAndFailed(
                f"the resumed night failed again: {_kind(error)}",
                where=bank.bank.id,
                expected="a published list",
                do="mend what the log says, then run again; the last published list stays in force",
            ) from error
        raise
    finally:
        with contextlib.suppress(sqlite3.Error):
            ledger.release_lease(lease)


def _steps(night: Night, engine: Engine, ended: Callable[[StepResult], None]) -> list[StepResult]:
    results = []
    for step in plan(night):
        night.check_lease()
        work = partial(
            run_step, step, night, night.ledger, night.run, night.home.root, night.bank.night.minutes_for(step.name) * 60
        )
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


def _key(ready: Ready) -> RunKey:
    """What decides the list, once the data is in. Raises DataNotArrived for a date that the data does not reach."""
    bank, manifest = ready.request.bank, open_canonical(ready.request.home.canonical).manifest
    as_of = ready.request.as_of or manifest.newest_business_date
    if as_of > manifest.newest_business_date:
        short = [
            name
            for name in bank.sources.gates.fresh
            if name in manifest.tables and (manifest.tables[name].last_on or dt.date.min) < as_of
        ]
        raise DataNotArrived(
            f"the data goes to {manifest.newest_business_date}, not to {as_of}",
            where=", ".join(short) or "--as-of",
            expected=f"a date up to {manifest.newest_business_date}",
            do="wait for the day's files, or leave --as-of out",
        )
    return RunKey(bank.bank.id, as_of, bank.config_hash, ready.code, manifest.inputs)


def _note_failure(ledger: Ledger, run: Run | None, error: BaseException) -> None:
    """Best effort: on a full disk not even this can be written, and the next start then counts this one as crashed."""
    typed = isinstance(error, _SAYS_ITSELF | LeaseHeld)
    with contextlib.suppress(sqlite3.Error):
        if typed:
            ledger.remember("unfinished", "")
        if run is not None:
            ledger.fail(run, "gate" if typed else "crash")


def _kind(error: BaseException) -> str:
    """A failure as it may be printed: our own errors in full, others by their class only, for they may quote data."""
    return str(error) if isinstance(error, TerraceError | StepTimeout) else type(error).__name__
