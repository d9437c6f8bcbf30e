"""The night and its companions as Prefect flows: a thin shell, in which tasks pass names and paths and nothing else."""

from __future__ import annotations

import atexit
import contextlib
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect._internal.concurrency import threads
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.exceptions import MissingContextError
from prefect.logging import get_logger, get_run_logger

from flows import alert, backtest, chores, remains, tidying
from flows import nightly as nights
from flows.bank import BankFile
from flows.demo import open_bank
from flows.home import Home
from flows.nightly import Engine
from flows.request import Outcome, Request, ask
from flows.runner import StepResult, is_passing
from flows.words import difference, noted, say, step_name
from store.errors import TerraceError

_WORK: dict[str, Callable[[], StepResult]] = {}  # step -> its work: tasks get the name, not the thing
_OBSERVER: list[tuple[nights.Progress, Callable[[StepResult], None]]] = []
_OUTCOME: list[Outcome] = []
AGAIN = "started again after a crash"


def end_loops() -> None:
    """End Prefect's event loops: as daemons they outlive the modules, and DuckDB then tells of types that leaked."""
    for loop in (threads.get_run_sync_loop(), threads.get_global_loop()):
        loop.shutdown()
        loop.thread.join(5)


atexit.register(end_loops)


class StepFailed(Exception):
    """A step failed unforeseen. Says no more than the kind: the server keeps messages, and others' may quote data."""

    def __init__(self, step: str, error: BaseException) -> None:
        super().__init__(f"{step}: {type(error).__name__}")
        self.is_passing = is_passing(error)


def _again(_task: Any, _run: Any, state: Any) -> bool:
    """Retry input and output that may pass by itself; nothing else."""
    try:
        state.result()
    except StepFailed as error:
        return error.is_passing
    except BaseException:
        return False
    return False


def _do(step: str, home: str) -> dict[str, Any]:
    """One step of the night of the bank under `home`; the answer is small and without personal data."""
    try:
        result = _WORK[step]()
    except TerraceError:
        raise
    except Exception as error:
        raise StepFailed(step, error) from error
    return {"step": result.name, "seconds": round(result.seconds, 2), "skipped": result.skipped, "note": result.note}


def _engine(home: Path, retries: int, pause: float) -> Engine:
    def each(name: str, may_retry: bool, work: Callable[[], StepResult]) -> StepResult:
        _WORK[name] = work
        run = task(
            name=name,
            retries=retries if may_retry else 0,
            retry_delay_seconds=pause,
            retry_condition_fn=_again,
            cache_policy=NO_CACHE,
            persist_result=False,
        )(_do)
        told = run(name, str(home))
        return StepResult(told["step"], told["seconds"], told["skipped"], told["note"])

    return each


def again(flow: Any, flow_run: Any, state: Any) -> None:
    """A run whose process was killed is told to whoever is on duty, and started again, once."""
    if _OBSERVER or flow_run.deployment_id is None:  # by hand: somebody is there
        return
    left = remains.of_file(Path(flow_run.parameters["bank"]))
    first = AGAIN not in flow_run.tags
    why = alert.send(left.alert, alert.killed(left.bank, flow.name, is_first=first))
    if why:
        _undelivered(why)
    if first:
        with get_client(sync_client=True) as client:
            client.create_flow_run_from_deployment(flow_run.deployment_id, parameters=flow_run.parameters, tags=[AGAIN])


@flow(name="nightly", persist_result=False, validate_parameters=False, on_crashed=[again])
def nightly(
    bank: str, home: str, as_of: str = "", new_version: bool = False, backfill: bool = False, wait: bool = False
) -> str:
    """Tonight's lists of one bank; says where they are. Raises what stopped it."""
    settings = _opened(bank, home)
    night = settings.night
    wanted = Request(
        settings, Home(Path(home) / settings.bank.id), dt.date.fromisoformat(as_of) if as_of else None, new_version, backfill
    )
    progress, ended = _OBSERVER[-1] if _OBSERVER else (_silent, _heard)

    def attempt(request: Request) -> Outcome:
        said = ask(request)
        return (
            said
            if isinstance(said, Outcome)
            else nights.conduct(said, _engine(request.home.root, night.io_retries, night.io_retry_seconds), progress, ended)
        )

    with contextlib.nullcontext() if _OBSERVER else _alerting(settings, as_of or "newest date"):  # else the command line does
        outcome = nights.awaiting(wanted, progress, attempt) if wait else attempt(wanted)
    _OUTCOME[:] = [outcome]
    _tell(outcome, settings)
    return str(outcome.folder)


def _tell(outcome: Outcome, settings: BankFile) -> None:
    """What ran, as artifacts in the bank's language: steps, counts, gates passed; no personal data."""
    run, language = outcome.run, settings.bank.language
    create_table_artifact(
        key="steps",
        description=say(language, "steps_of", as_of=run.as_of),
        table=[
            {
                say(language, "step"): step_name(language, step.name),
                say(language, "seconds"): round(step.seconds, 1),
                say(language, "note"): say(language, "done_before") if step.skipped else noted(language, step.name, step.note),
            }
            for step in outcome.steps
        ],
    )
    counts = "\n".join(f"- {say(language, f'count_{name}')}: {value:,}" for name, value in sorted(outcome.counts.items()))
    what = ("、" if language == "zh" else ", ").join(difference(language, name) for name in outcome.differs)
    known = {"bank": settings.words.name, "as_of": run.as_of, "version": run.version, "what": what, "next": run.version + 1}
    key = "already_differs" if what else "already" if outcome.already else "published"
    said = say(language, key, **known)
    create_markdown_artifact(key="night", description=say(language, "night_in_short"), markdown=f"{said}\n\n{counts}\n")


@flow(name="weekly", persist_result=False, validate_parameters=False, on_crashed=[again])
def weekly(bank: str, home: str) -> str:
    """How far scores and features have drifted, and what the lists of past months would have caught."""
    settings = _opened(bank, home)
    place, language = Home(Path(home) / settings.bank.id), settings.bank.language
    with _alerting(settings, "weekly"):
        drift = chores.monitor(settings, place, _silent)  # first: the replays may take newer data in
        create_markdown_artifact(
            key="monitor",
            description=say(language, "drifted"),
            markdown=drift.markdown(language) if drift else say(language, "no_list"),
        )
        report = backtest.run(settings, place, None, (), _silent)
    create_markdown_artifact(key="backtest", description=say(language, "caught"), markdown=report.markdown(language))
    return str(report.folder)


@flow(name="monthly", persist_result=False, validate_parameters=False, on_crashed=[again])
def monthly(bank: str, home: str) -> str:
    """Retrain behind the gate, and clear what old nights left behind."""
    settings = _opened(bank, home)
    place = Home(Path(home) / settings.bank.id)
    with _alerting(settings, "monthly"):
        told = chores.retrain(settings, place, None, (), _silent)
        removed = tidying.compact(settings, place)
    language = settings.bank.language
    lines = [
        f"- {item.label}: {say(language, item.method)}{'' if item.in_force else say(language, 'challenger')}" for item in told
    ]
    said = "\n".join([*lines, "", say(language, "removed", count=removed), ""])
    create_markdown_artifact(key="retrain", description=say(language, "retrained"), markdown=said)
    return said


def _opened(bank: str, home: str) -> BankFile:
    """The bank; whoever is on duty hears of a mistake in its file too, which nobody is there to read at night."""
    left = remains.of_file(Path(bank))
    with (
        contextlib.nullcontext() if _OBSERVER else alert.alerting(left.alert, left.bank, "bank file", undelivered=_undelivered)
    ):
        return open_bank(Path(bank), Path(home))


def _alerting(settings: BankFile, job: str) -> contextlib.AbstractContextManager[None]:
    return alert.alerting(settings.night.alert, settings.bank.id, job, undelivered=_undelivered)


def run_here(request: Request, progress: nights.Progress, ended: Callable[[StepResult], None]) -> Outcome:
    """The nightly flow in this process, through Prefect; `progress` and `ended` hear of it."""
    _OBSERVER.append((progress, ended))
    try:
        nightly(
            str(request.bank.path),
            str(request.home.root.parent),
            request.as_of.isoformat() if request.as_of else "",
            request.new_version,
            request.backfill,
        )
    finally:
        _OBSERVER.pop()
    return _OUTCOME[0]


def _undelivered(why: str) -> None:
    """Into the run's log; outside of a run into that of the process."""
    try:
        get_run_logger().error(why)
    except MissingContextError:
        get_logger().error(why)


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


def _heard(_result: StepResult) -> None:
    pass
