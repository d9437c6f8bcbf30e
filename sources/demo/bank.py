"""The demo bank, made: its files as a county core would send them, and the truth behind them."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sources.demo import (
    closing,
    contacts,
    delivery,
    demand,
    firms,
    keeping,
    leaving,
    lending,
    living,
    masters,
    movements,
    saving,
    stories,
    story_plans,
)
from sources.demo.beginnings import make_world
from sources.demo.delivery import COMING, RAW
from sources.demo.habits import Habits, make_habits
from sources.demo.ledger import Movements
from sources.demo.seasons import Month, span
from sources.demo.truth import Truth
from sources.demo.world import World
from store.files import fresh_folder, write_json

Progress = Callable[[str, int, int], None]
MARKER = "demo.json"  # written last: a bank without it was not finished
NEWEST = dt.date(2026, 9, 30)  # a quarter's end, after the grain, before National Day


@dataclass(frozen=True)
class DemoBank:
    """Where a demo bank lies and how much of it there is."""

    raw: Path
    truth: Path
    first: dt.date
    newest: dt.date
    customers: int
    transactions: int


def make_demo_bank(
    out: Path,
    *,
    customers: int = 20_000,
    months: int = 27,
    seed: int = 20260930,
    end_on: dt.date = NEWEST,
    daily: int = 0,
    held_back: int = 0,
    progress: Progress | None = None,
) -> DemoBank:
    """Write `out/raw` (the bank's own files) and `out/truth`; what was there before is replaced. Same arguments, same bytes.

    The last `daily` business days come as files of their own, the last `held_back` of them only into `out/coming`; see
    `delivery.deliver_next`.
    """
    at, making = span(end_on, months), out / "making"
    come = delivery.plan(at, making, daily, held_back)
    (out / MARKER).unlink(missing_ok=True)
    fresh_folder(making)
    fresh_folder(making / RAW)
    behind = fresh_folder(making / "truth")
    world = make_world(seed, customers, at)
    story_plans.plan(world)
    habits = make_habits(world)
    movements.write_opening(world, come)
    truth, rows = Truth(behind), 0
    for month in at.months:
        if progress:
            progress(f"{month.year}-{month.month:02d}", month.index, len(at.months))
        if month.index:
            truth.note(world, month.index)
        moves = live_month(world, habits, month)
        movements.write_movements(world, come, month, moves)
        movements.write_balances(world, come, month, moves)
        movements.write_visits(world, come, month)
        movements.write_loan_states(world, come, month, rows)
        rows += len(moves.account)
    truth.note(world, len(at.months))
    assert keeping.found(world) == world.wanted, f"{keeping.found(world)} for {world.wanted}"
    come.close()
    for drop in come.drops():
        drop.folder.mkdir(parents=True, exist_ok=True)
        masters.write_masters(world, drop)
    truth.write(world)
    for name in (RAW, COMING, "truth"):
        shutil.rmtree(out / name, ignore_errors=True)
        if (making / name).exists():
            (making / name).rename(out / name)
    making.rmdir()
    made = {"customers": customers, "months": months, "seed": seed, "end_on": end_on, "daily": daily, "transactions": rows}
    write_json(out / MARKER, made)
    if progress:
        progress("written", len(at.months), len(at.months))
    return DemoBank(out / RAW, out / "truth", at.first, at.last, customers, rows)


def live_month(world: World, habits: Habits, month: Month) -> Movements:
    """One month of the whole bank: who leaves, closes, lives, saves, buys, borrows; booked to the fen."""
    leaving.change_jobs(world, month)
    closing.close(world, month)
    keeping.open_numbers(world, month)
    leaving.leave(world, month)
    stories.tell(world, month)
    living.live(world, habits, month)
    saving.save(world, month)
    demand.buy(world, month)
    keeping.keep_mobile(world, month)
    lending.serve(world, month)
    firms.corporate_month(world, month)
    n = len(world.people)
    held = world.ledger.balance[:n].astype(np.float64)
    moves = world.ledger.close_month(month)
    assert not world.ledger.balance[:n][world.shut_on <= month.end].any(), "money is left on a closed account"
    mine = moves.account < n
    change = np.bincount(moves.account[mine], moves.amount[mine] * (month.end + 1.0 - moves.day[mine]), n)
    world.cumulated += held * month.days + change
    stories.settle(world)
    contacts.campaign(world, month)
    return moves
