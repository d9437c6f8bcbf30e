"""Steps run in order, are skipped when done and intact, and stop the night when they fail."""

import datetime as dt
import errno
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flows.runner import Done, Heartbeat, Step, StepTimeout, is_passing, run_step
from sources.canonical import CanonicalManifest
from sources.in_force import IN_FORCE, put_in_force
from store.files import write_text
from store.lease import LeaseLost
from store.ledger import Ledger, open_ledger
from store.runs import Run, RunKey

DAY = dt.date(2025, 9, 30)


@dataclass
class Bench:
    """A small night: steps that write a file each and note that they ran."""

    root: Path
    ran: list[str] = field(default_factory=list)

    def step(self, name: str, text: str = "x", **more: bool) -> Step["Bench"]:
        def run(bench: "Bench") -> Done:
            bench.ran.append(name)
            write_text(bench.root / name / "out.txt", text)
            return Done((bench.root / name,), f"{name} done")

        return Step(name, run, **more)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return open_ledger(tmp_path / "ledger.sqlite", time.time)


@pytest.fixture
def run(ledger: Ledger) -> Run:
    return ledger.begin(RunKey("hexi", DAY, "c", "k", {}))[0]


def test_a_step_that_is_done_and_intact_is_not_run_again(tmp_path: Path, ledger: Ledger, run: Run) -> None:
    bench = Bench(tmp_path)
    first = run_step(bench.step("features"), bench, ledger, run, tmp_path, 60)
    again = run_step(bench.step("features"), bench, ledger, run, tmp_path, 60)
    assert bench.ran == ["features"]
    assert (first.skipped, again.skipped, again.note) == (False, True, "features done")


@pytest.mark.parametrize("damage", ["changed", "removed", "added"])
def test_a_step_whose_outputs_were_touched_is_run_again(tmp_path: Path, ledger: Ledger, run: Run, damage: str) -> None:
    bench = Bench(tmp_path)
    run_step(bench.step("features"), bench, ledger, run, tmp_path, 60)
    if damage == "changed":
        write_text(tmp_path / "features" / "out.txt", "y")
    elif damage == "added":
        write_text(tmp_path / "features" / "more.txt", "y")
    else:
        (tmp_path / "features" / "out.txt").unlink()
    run_step(bench.step("features"), bench, ledger, run, tmp_path, 60)
    assert bench.ran == ["features", "features"]
    assert (tmp_path / "features" / "out.txt").read_text() == "x"


def test_a_step_that_always_runs_does(tmp_path: Path, ledger: Ledger, run: Run) -> None:
    bench = Bench(tmp_path)
    for _ in range(2):
        run_step(bench.step("summary", always=True), bench, ledger, run, tmp_path, 60)
    assert bench.ran == ["summary", "summary"]


def test_another_run_does_not_believe_the_steps_of_this_one(tmp_path: Path, ledger: Ledger, run: Run) -> None:
    bench = Bench(tmp_path)
    run_step(bench.step("features"), bench, ledger, run, tmp_path, 60)
    other, _ = ledger.begin(RunKey("hexi", DAY, "another config", "k", {}))
    run_step(bench.step("features"), bench, ledger, other, tmp_path, 60)
    assert bench.ran == ["features", "features"]


def test_a_step_that_fails_is_left_running_in_the_ledger_and_runs_next_time(tmp_path: Path, ledger: Ledger, run: Run) -> None:
    bench = Bench(tmp_path)

    def fail(_: Bench) -> Done:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run_step(Step("score", fail), bench, ledger, run, tmp_path, 60)
    assert ledger.steps(run)["score"].state == "running"
    assert not run_step(bench.step("score"), bench, ledger, run, tmp_path, 60).skipped


def test_a_step_that_takes_too_long_is_stopped_and_says_what_to_do(tmp_path: Path, ledger: Ledger, run: Run) -> None:
    def sleep(_: Bench) -> Done:
        time.sleep(30)
        return Done()

    started = time.monotonic()
    with pytest.raises(StepTimeout, match=r"step train churn_aum.*night\.minutes\.train"):
        run_step(Step("train churn_aum", sleep), Bench(tmp_path), ledger, run, tmp_path, 0.2)
    assert time.monotonic() - started < 20


def test_only_what_may_pass_by_itself_is_tried_again() -> None:
    assert is_passing(ConnectionResetError())
    assert is_passing(OSError(errno.EIO, "I/O error"))
    assert not is_passing(OSError(errno.ENOSPC, "disk full"))
    assert not is_passing(FileNotFoundError(errno.ENOENT, "gone"))
    assert not is_passing(ValueError())


def test_the_heartbeat_keeps_the_lease_and_tells_when_it_was_lost(ledger: Ledger) -> None:
    held = ledger.take_lease("first", 0.4)
    with Heartbeat(ledger, held, 0.4) as heartbeat:
        time.sleep(1.0)  # longer than the lease: it must have been renewed
        heartbeat.check()
        taken = ledger.take_lease("second", 60, is_gone=lambda _: True)
        for _ in range(100):
            time.sleep(0.05)
            try:
                heartbeat.check()
            except LeaseLost:
                break
        with pytest.raises(LeaseLost):
            heartbeat.check()
    assert taken.token == held.token + 1


def test_a_process_that_was_held_up_brings_nothing_into_force_after_its_successor(tmp_path: Path) -> None:
    now = [1000.0]
    ledger = open_ledger(tmp_path / "ledger.sqlite", lambda: now[0])
    heartbeat = Heartbeat(ledger, ledger.take_lease("held up", 60), 60)
    heard: list[str] = []
    say = heartbeat.fencing(lambda what, done, total: heard.append(what))
    say("write transactions", 0, 1)
    say(IN_FORCE, 0, 1)
    now[0] += 61
    ledger.take_lease("successor", 60)
    say("write transactions", 0, 1)
    with pytest.raises(LeaseLost):
        say(IN_FORCE, 0, 1)
    assert heard == ["write transactions", IN_FORCE, "write transactions"]


def test_tables_whose_writer_lost_its_lease_stay_as_they_are(tmp_path: Path) -> None:
    def lost(what: str, _done: int, _total: int) -> None:
        if what == IN_FORCE:
            raise LeaseLost("another run took over")

    made = CanonicalManifest(
        bank="small",
        currency="CNY",
        buckets=1,
        newest_business_date=dt.date(2025, 9, 30),
        inputs={},
        config_hash="",
        code_hash="",
        tables={},
    )
    with pytest.raises(LeaseLost):
        put_in_force(tmp_path, made, None, lost)
    assert not (tmp_path / "manifest.json").exists()
