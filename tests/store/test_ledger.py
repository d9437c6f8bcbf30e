"""The ledger: what ran, what came out, who may run, which champions count."""

import contextlib
import datetime as dt
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from store.errors import TerraceError
from store.lease import LeaseHeld, LeaseLost
from store.ledger import Ledger, open_ledger
from store.runs import RunKey

DAY = dt.date(2025, 9, 30)
KEY = RunKey("hexi", DAY, config="c1", code="k1", inputs={"accounts.csv": "a", "trans.csv": "t"})


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return open_ledger(tmp_path / "ledger.sqlite", clock)


def publish(ledger: Ledger, key: RunKey = KEY, owner: str = "a") -> int:
    held = ledger.take_lease(owner, 60)
    run, _ = ledger.begin(key)
    with ledger.publishing(held, run):
        pass
    ledger.release_lease(held)
    return run.version


def test_the_second_night_is_refused_while_the_first_one_runs(ledger: Ledger) -> None:
    ledger.take_lease("first", 60)
    with pytest.raises(LeaseHeld, match="another run holds this bank") as told:
        ledger.take_lease("second", 60)
    assert told.value.exit_code == 50, "neither data nor settings are at fault"
    with pytest.raises(LeaseHeld):
        ledger.assert_free("second")
    ledger.assert_free("first")


def test_who_is_refused_is_told_who_holds_the_bank_since_when_and_for_how_long_at_most(ledger: Ledger, clock: Clock) -> None:
    clock.now = dt.datetime(2025, 9, 30, 21, 5, tzinfo=dt.UTC).timestamp()
    ledger.take_lease("core-1/boot/ns/4711/99", 600)
    clock.now += 300
    with pytest.raises(LeaseHeld) as told:
        ledger.take_lease("core-1/boot/ns/4712/99", 600)
    assert told.value.where == "process 4711 on core-1"
    assert "since 2025-09-30 21:05 UTC (5 minutes)" in told.value.found
    assert "in 300 s" in told.value.do


def test_a_clock_that_was_put_back_frees_the_bank_after_one_lease_and_not_years_later(ledger: Ledger, clock: Clock) -> None:
    dead = ledger.take_lease("somewhere else", 60)
    clock.now -= 3 * 365 * 86_400
    with pytest.raises(LeaseHeld):
        ledger.take_lease("second", 60)
    clock.now += 61
    assert ledger.take_lease("second", 60).token == dead.token + 1


def test_a_clock_that_was_put_back_takes_nothing_from_an_owner_that_lives(ledger: Ledger, clock: Clock) -> None:
    held = ledger.take_lease("first", 60)
    clock.now -= 86_400
    for _ in range(4):
        with pytest.raises(LeaseHeld):
            ledger.take_lease("second", 60)
        clock.now += 30
        held = ledger.renew_lease(held, 60)


def test_an_expired_lease_is_taken_over_and_its_old_owner_can_publish_nothing(ledger: Ledger, clock: Clock) -> None:
    old = ledger.take_lease("first", 60)
    run, _ = ledger.begin(KEY)
    clock.now += 61
    new = ledger.take_lease("second", 60)
    assert new.token == old.token + 1
    with pytest.raises(LeaseLost), ledger.publishing(old, run):
        pytest.fail("the old owner must not get as far as publishing")
    assert ledger.published(DAY) is None
    with pytest.raises(LeaseLost):
        ledger.renew_lease(old, 60)
    ledger.release_lease(old)  # must not free what belongs to the new owner
    with pytest.raises(LeaseHeld):
        ledger.take_lease("third", 60)


def test_a_lease_that_is_renewed_in_time_never_expires(ledger: Ledger, clock: Clock) -> None:
    held = ledger.take_lease("first", 60)
    for _ in range(5):
        clock.now += 50
        held = ledger.renew_lease(held, 60)
    with pytest.raises(LeaseHeld):
        ledger.take_lease("second", 60)


def test_the_lease_of_an_owner_who_is_known_to_be_gone_is_free_at_once(ledger: Ledger) -> None:
    ledger.take_lease("dead", 3600)
    assert ledger.take_lease("living", 60, is_gone=lambda owner: owner == "dead").owner == "living"


def test_of_many_nights_at_once_exactly_one_gets_the_lease(tmp_path: Path, clock: Clock) -> None:
    open_ledger(tmp_path / "l.sqlite", clock)
    won: list[str] = []

    def night(name: str) -> None:
        with contextlib.suppress(LeaseHeld):
            won.append(Ledger(tmp_path / "l.sqlite", clock).take_lease(name, 60).owner)

    threads = [threading.Thread(target=night, args=(f"night {n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_published_date_gets_its_next_version_only_by_a_new_run(ledger: Ledger) -> None:
    assert publish(ledger) == 1
    assert publish(ledger, replace(KEY, code="k2")) == 2
    newest = ledger.published(DAY)
    assert newest is not None
    assert (newest.version, newest.key.code) == (2, "k2")


def test_publishing_that_fails_half_way_leaves_the_date_unpublished(ledger: Ledger) -> None:
    held = ledger.take_lease("a", 60)
    run, _ = ledger.begin(KEY)
    with pytest.raises(OSError, match="no space"), ledger.publishing(held, run):
        raise OSError("no space")
    assert ledger.published(DAY) is None


def test_a_run_that_died_is_taken_up_again_with_its_steps(ledger: Ledger) -> None:
    run, resumed = ledger.begin(KEY)
    assert not resumed
    ledger.start_step(run, "features")
    ledger.end_step(run, "features", {"features/x.parquet": "h"}, 1.5, "note")
    ledger.start_step(run, "score")
    again, resumed = ledger.begin(KEY)  # the process died: nobody said failed
    assert resumed
    assert (again.run_id, again.attempts) == (run.run_id, 2)
    steps = ledger.steps(again)
    assert list(steps) == ["features", "score"]
    assert steps["features"].state == "done"
    assert steps["features"].outputs == {"features/x.parquet": "h"}
    assert steps["score"].state == "running"


def test_a_night_stopped_by_a_gate_is_not_a_crash_when_it_runs_again(ledger: Ledger) -> None:
    run, _ = ledger.begin(KEY)
    ledger.fail(run, "gate")
    assert ledger.begin(KEY)[1] is False
    ledger.fail(run, "crash")
    assert ledger.begin(KEY)[1] is True


def test_a_step_that_starts_again_no_longer_vouches_for_its_old_outputs(ledger: Ledger) -> None:
    run, _ = ledger.begin(KEY)
    ledger.start_step(run, "score")
    ledger.end_step(run, "score", {"scores/x.parquet": "h"}, 1.0)
    ledger.start_step(run, "score")
    step = ledger.steps(run)["score"]
    assert (step.state, dict(step.outputs), step.attempts) == ("running", {}, 2)


def test_champions_are_pinned_once_and_a_rerun_uses_the_pin(ledger: Ledger) -> None:
    run, _ = ledger.begin(KEY)
    assert ledger.pin(run, {"churn_aum": "old", "closure": "c"}) == {"churn_aum": "old", "closure": "c"}
    again, _ = ledger.begin(KEY)
    assert ledger.pin(again, {"churn_aum": "newer", "buy_wealth": "w"}) == {"churn_aum": "old", "closure": "c"}


def test_keys_say_what_differs_by_name(ledger: Ledger) -> None:
    other = replace(KEY, code="k2", inputs={"accounts.csv": "a", "trans.csv": "T", "loans.csv": "l"})
    assert KEY.differs_from(other) == ["code", "input loans.csv", "input trans.csv"]
    assert KEY.differs_from(RunKey.from_json(KEY.to_json())) == []
    assert RunKey.from_json(KEY.to_json()).digest == KEY.digest != other.digest


def test_the_newest_published_night_is_that_of_the_newest_date_not_the_last_run(ledger: Ledger) -> None:
    publish(ledger)
    publish(ledger, replace(KEY, as_of=DAY - dt.timedelta(days=30)))
    newest = ledger.newest_published()
    assert newest is not None
    assert newest.as_of == DAY


def test_facts_are_kept_and_the_last_one_counts(ledger: Ledger) -> None:
    assert ledger.recall("newest") is None
    ledger.remember("newest", "1")
    ledger.remember("newest", "2")
    assert ledger.recall("newest") == "2"


def test_a_file_that_is_no_ledger_is_said_to_be_none(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "ledger.sqlite").write_text("not a database, certainly not one\n" * 50)
    with pytest.raises(TerraceError, match="cannot be used as the run ledger"):
        open_ledger(tmp_path / "ledger.sqlite", clock)


def test_a_transaction_that_is_interrupted_leaves_no_trace(ledger: Ledger) -> None:
    def interrupted() -> None:
        with ledger.transaction() as con:
            con.execute("INSERT INTO facts VALUES ('half', 'done')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ledger.recall("half") is None
    with sqlite3.connect(ledger.path) as con:
        assert con.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    con.close()


def test_a_list_in_force_whose_start_died_before_the_note_is_noted_and_the_next_asked_for_is_a_new_version(
    ledger: Ledger,
) -> None:
    killed, _ = ledger.begin(KEY)
    ledger.intend(killed, "of the list on the disk")
    other = replace(KEY, inputs={"accounts.csv": "b", "trans.csv": "t"})
    assert [run.run_id for run in ledger.unnoted(DAY, 1)] == [killed.run_id]
    ledger.adopt(DAY, 1, "of another list")
    assert ledger.published(DAY) is None
    for _ in range(2):
        ledger.adopt(DAY, 1, "of the list on the disk")
    noted = ledger.published(DAY)
    assert noted is not None
    assert (noted.run_id, noted.version) == (killed.run_id, 1)
    assert not ledger.unnoted(DAY, 1)
    assert ledger.begin(other)[0].version == 2


def test_a_version_the_ledger_knows_nothing_of_is_not_made_again(ledger: Ledger) -> None:
    assert ledger.begin(KEY, version=3)[0].version == 3
