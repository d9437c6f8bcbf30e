"""`terrace nightly`: asks the ledger, runs the night through Prefect or plainly, says how it ended, and gives the exit code."""

from __future__ import annotations

import datetime as dt
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from flows import nightly, working_days
from flows.bank import BankFile
from flows.home import Home
from flows.nightly import Outcome, Ready, Request
from flows.screen import Screen, step_table
from flows.words import difference, say
from sources.canonical import open_canonical
from store.errors import ResumedAndFailed, TerraceError
from store.files import write_text

PUBLISHED, ALREADY, UNFORESEEN = 0, 3, 1


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
    """Every working day after the newest published list, oldest first, then the newest business date."""
    newest = asked.home.newest_list()
    if newest is not None and (asked.home.canonical / "manifest.json").exists():
        from flows.chores import taken_in, under_lease

        with screen, under_lease(asked.bank, asked.home):
            taken_in(asked.bank, asked.home, screen.progress)
        last = open_canonical(asked.home.canonical).manifest.newest_business_date
        for day in working_days.between(newest[0], last - dt.timedelta(days=1), asked.bank.bank):
            code = _one(asked, day, screen)
            if code not in (PUBLISHED, ALREADY):
                return code
    return _one(asked, None, screen)


def _one(asked: Asked, as_of: dt.date | None, screen: Screen) -> int:
    request = Request(asked.bank, asked.home, as_of, asked.new_version, asked.backfill)
    try:
        with nightly.alerting(request):
            outcome = _conducted(asked, request, screen)
    except TerraceError as error:
        _say_failure(error, asked, screen)
        return error.exit_code
    except Exception as error:
        _say_failure(error, asked, screen)
        return UNFORESEEN
    return _tell(outcome, asked, screen)


def _conducted(asked: Asked, request: Request, screen: Screen) -> Outcome:
    with screen:
        said = nightly.wait_for(request, screen.progress) if asked.wait else nightly.ask(request)
        if isinstance(said, Outcome):
            return said
        if asked.is_plain:
            night = asked.bank.night
            return nightly.conduct(said, nightly.plain(night.io_retries, night.io_retry_seconds), screen.progress, screen.ended)
        return _through_prefect(said, screen)


def _through_prefect(ready: Ready, screen: Screen) -> Outcome:
    from flows.prefect_home import own_server

    screen.progress("prefect", 0, 0)
    with own_server(ready.request.home.prefect):
        from flows.prefect_flows import run_here

        return run_here(ready.request, screen.progress, screen.ended)


def _tell(outcome: Outcome, asked: Asked, screen: Screen) -> int:
    language, run = screen.language, outcome.run
    bank = asked.bank.bank.name if language == "zh" else asked.bank.bank.name_en or asked.bank.bank.name
    known = {"bank": bank, "as_of": run.as_of, "version": run.version}
    if outcome.already:
        what = "、".join(difference(language, name) for name in outcome.differs) if language == "zh" else ", ".join(
            difference(language, name) for name in outcome.differs)
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
        screen.line(say(language, "names" if managers else "names_branches", names=f"{counts['names']:,}",
                        owners=managers or counts["branches"]))
    screen.line(say(language, "where", path=_shown(outcome.folder)))
    return ALREADY if outcome.already else PUBLISHED


def _shown(path: Path) -> Path:
    """A path as people type it: relative where it lies below the working directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _say_failure(error: Exception, asked: Asked, screen: Screen) -> None:
    language = screen.language
    cause = error.__cause__ if isinstance(error, ResumedAndFailed) else error
    if isinstance(error, TerraceError):
        screen.line(f"{say(language, 'refused')}: {error}", style="bold red")
    if not isinstance(cause, TerraceError) and cause is not None:
        kind, place, log = _logged(cause, asked.home)
        screen.line(say(language, "unforeseen", kind=kind, place=place, log=log), style="bold red")
    if asked.home.newest_list() is not None:
        screen.line(say(language, "kept"))


def _logged(error: BaseException, home: Home) -> tuple[str, str, str]:
    """Kind, place in our code, and the log with the whole story; what the error says may quote data, so it is not shown."""
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    frames = [frame for frame in traceback.extract_tb(root.__traceback__) if "site-packages" not in frame.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    path = home.logs / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.log"
    kind = f"{type(root).__name__}: {root.strerror}" if isinstance(root, OSError) and root.strerror else type(root).__name__
    try:
        write_text(path, "".join(traceback.format_exception(error)))
        path.chmod(0o600)
    except OSError:
        return kind, place, "-"
    return kind, place, str(_shown(path))
