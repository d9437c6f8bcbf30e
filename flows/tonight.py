"""`terrace nightly`: asks the ledger, runs the night through Prefect or plainly, says how it ended, and gives the exit code."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from flows import failure, nightly, process, request, working_days
from flows.alert import alerting
from flows.bank import BankFile
from flows.chores import taken_in, under_lease
from flows.home import Home
from flows.request import Outcome, Ready, Request
from flows.screen import Screen, step_table
from flows.settings import Bank
from flows.words import difference, say
from store.errors import ListDamaged
from store.lease import LeaseHeld

PUBLISHED, ALREADY = 0, 3


@dataclass(frozen=True)
class Asked:
    """What the command line asked for."""

    bank: BankFile
    home: Home
    as_of: dt.date | None
    new_version: bool
    backfill: bool
    wait: bool
    is_plain: bool


def run(asked: Asked, screen: Screen) -> int:
    """The exit code: 0 published, 3 already published, else that of what stopped it."""
    if asked.backfill and asked.as_of is None:
        return _missed(asked, screen)
    return _one(asked, asked.as_of, screen)


def _missed(asked: Asked, screen: Screen) -> int:
    """The working days of the newest gap between lists, oldest first, then the newest business date."""
    days: list[dt.date | None] = [None]
    if asked.home.listed_dates() and (asked.home.canonical / "manifest.json").exists():
        try:
            with _alerting(asked, "missed nights", screen), screen, under_lease(asked.bank, asked.home) as heartbeat:
                there = taken_in(asked.bank, asked.home, heartbeat.fencing(screen.progress))
                last = there.manifest.newest_business_date
        except Exception as error:
            return _failed(error, asked, screen)
        days = [*gap(asked.home.listed_dates(), last, asked.bank.bank), None]
    for day in days:
        code = _one(asked, day, screen)
        if code not in (PUBLISHED, ALREADY):
            return code
    return code


def gap(listed: Sequence[dt.date], last: dt.date, bank: Bank) -> list[dt.date]:
    """The working days before `last` that the newest gap in `listed` dates leaves out; none before the first list of all."""
    for earlier in sorted(listed, reverse=True):
        missed = [day for day in working_days.between(earlier, last - dt.timedelta(days=1), bank) if day not in listed]
        if missed:
            return missed
    return []


def _one(asked: Asked, as_of: dt.date | None, screen: Screen) -> int:
    wanted = Request(asked.bank, asked.home, as_of, asked.new_version, asked.backfill)
    try:
        with _alerting(asked, str(as_of or "newest date"), screen), screen:
            outcome = (
                nightly.awaiting(wanted, screen.progress, lambda one: _attempt(asked, one, screen))
                if asked.wait
                else _attempt(asked, wanted, screen)
            )
    except Exception as error:
        return _failed(error, asked, screen)
    return _tell(outcome, asked, screen)


def _alerting(asked: Asked, job: str, screen: Screen) -> contextlib.AbstractContextManager[None]:
    held = () if asked.wait else (LeaseHeld,)  # who asks while another run holds the bank reads it on the screen
    return alerting(asked.bank.night.alert, asked.bank.bank.id, job, held, screen.undelivered)


def _failed(error: Exception, asked: Asked, screen: Screen) -> int:
    code = failure.show(error, asked.home, screen)
    if asked.home.newest_list() is not None and not isinstance(error, ListDamaged):
        screen.line(say(screen.language, "kept"))
    return code


def _attempt(asked: Asked, wanted: Request, screen: Screen) -> Outcome:
    said = request.ask(wanted)
    if isinstance(said, Outcome):
        return said
    if asked.is_plain:
        night = asked.bank.night
        return nightly.conduct(said, nightly.plain(night.io_retries, night.io_retry_seconds), screen.progress, screen.ended)
    return _through_prefect(said, screen)


def _through_prefect(ready: Ready, screen: Screen) -> Outcome:
    from flows.prefect_home import own_server

    ready.ledger.assert_free(process.owner_name(), process.is_gone)  # before a server is started, or another's ended
    screen.progress("prefect", 0, 0)
    with own_server(ready.request.home.prefect):
        from flows.prefect_flows import run_here

        return run_here(ready.request, screen.progress, screen.ended)


def _tell(outcome: Outcome, asked: Asked, screen: Screen) -> int:
    language, run = screen.language, outcome.run
    bank = asked.bank.bank.name if language == "zh" else asked.bank.bank.name_en or asked.bank.bank.name
    known = {"bank": bank, "as_of": run.as_of, "version": run.version}
    if outcome.already:
        what = (
            "、".join(difference(language, name) for name in outcome.differs)
            if language == "zh"
            else ", ".join(difference(language, name) for name in outcome.differs)
        )
        key = "already_differs" if outcome.differs else "already"
        screen.line(say(language, key, what=what, next=run.version + 1, **known), style="bold")
    else:
        if outcome.resumed:
            screen.line(say(language, "resuming"))
        step_table(screen, outcome.steps)
        screen.line(say(language, "published", **known), style="bold green")
    counts = outcome.counts
    if counts:
        managers = counts.get("managers", 0)
        screen.line(
            say(
                language,
                "names" if managers else "names_branches",
                names=f"{counts['names']:,}",
                owners=managers or counts["branches"],
            )
        )
    screen.line(say(language, "where", path=failure.shown(outcome.folder)))
    return ALREADY if outcome.already else PUBLISHED
