"""A month of everyday life: what comes in, what goes out, and what people bring or take away to square the two."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Bools, Floats, chance
from sources.demo.habits import Habits
from sources.demo.incomes import acquire, incomes, sweep_wages
from sources.demo.outlays import bills, cash, festival, payments
from sources.demo.seasons import Month, clock
from sources.demo.world import NEVER, World, alive


def live(world: World, habits: Habits, month: Month) -> None:
    """Post a month's everyday movements of all people."""
    rng = chance(world.seed, "living", month.index)
    here = alive(world, month)
    world.target -= 0.05 * np.maximum(world.target - world.usual, 0)  # what came in once is spent or put away in the end
    busy = here & world.people.engaged
    busy &= ~world.gone | (rng.random(len(here)) < 0.35)
    income = incomes(world, habits, month, here, rng)
    income += acquire(world, habits, month, busy, rng)
    outlay = payments(world, month, busy, rng)
    outlay += bills(world, habits, month, here, busy, rng)
    outlay += cash(world, habits, month, busy, rng)
    festival(world, habits, month, here, rng)
    _balance_books(world, habits, month, busy, income, outlay, rng)
    _draw_all(world, month, here & ~busy, rng)
    sweep_wages(world, habits, month, busy, rng)
    _interest(world, month)


def _balance_books(
    world: World, habits: Habits, month: Month, busy: Bools, income: Floats, outlay: Floats, rng: np.random.Generator
) -> None:
    """People bring what their month needs and take away what they do not mean to keep here."""
    p, n = world.people, len(world.people)
    held = world.ledger.balance[world.current] - world.parked
    settled = busy & (world.leaving_from == NEVER)
    need = np.where(settled, outlay * 1.1 + world.target - held - income, 0.0)
    bring = np.flatnonzero(need > 3_000)
    parts = 1 + (need[bring] > 150_000) + (rng.random(len(bring)) < 0.3)
    who = np.repeat(bring, parts)
    fen = need[who] / np.repeat(parts, parts) * rng.lognormal(0, 0.25, len(who))
    fen = np.where(fen > 50_000, (fen / 10_000).round() * 10_000, (fen / 1_000).round().clip(1) * 1_000)
    how = rng.random(len(who)) + 0.3 * np.tanh(p.digital[who])
    marks = (
        ("GMCK", how < 0.35),
        ("SJZR", (how >= 0.35) & (how < 0.75)),
        ("BRZR", (how >= 0.75) & (how < 0.95)),
        ("PTTX", how >= 0.95),
    )
    day = month.start + np.minimum(rng.integers(0, 12, len(who)) + rng.integers(0, 12, len(who)), month.days - 1)
    for mark, mask in marks:
        world.ledger.post(world.current[who[mask]], day[mask], clock(rng, int(mask.sum()), 8, 18), fen[mask], mark)
    spare = np.where(settled, held + income - outlay - world.target * 1.25, 0.0)
    leave = np.flatnonzero((spare > 20_000) & (spare > world.target * 0.15) & (rng.random(n) < 0.8))
    # small sums go at once; a wage is spent or put away elsewhere; the money of a harvest is spent over half a year
    earned = np.minimum(0.85 * np.maximum(income - outlay, 0)[leave], spare[leave])
    out = spare[leave] * np.where(
        spare[leave] < 500_000, 0.5 + 0.5 * rng.random(len(leave)), 0.07 + 0.16 * rng.random(len(leave))
    )
    out = np.where(spare[leave] < 500_000, out, np.minimum(out + earned, spare[leave]))
    saves = (rng.random(len(leave)) < 0.5) & (spare[leave] > 400_000) & world.saver[leave]
    world.to_save[leave[saves]] = spare[leave[saves]] * (0.6 + 0.35 * rng.random(int(saves.sum())))
    leave, out = leave[~saves], out[~saves]
    fen = np.where(out > 50_000, (out / 10_000).round() * 10_000, (out / 1_000).round().clip(1) * 1_000)
    how = rng.random(len(leave)) + 0.25 * np.tanh(p.digital[leave])
    tie = 0.12 + 0.1 * np.clip(world.temper.distance[leave, month.index], -1, 3)
    draws = np.where(how < 0.35, 0, np.where(rng.random(len(leave)) < tie, 1, np.where(how < 0.6, 2, 3)))
    day = month.start + rng.integers(6, month.days, len(leave)) if month.days > 7 else month.end
    day = np.broadcast_to(day, len(leave))
    for code, mark in enumerate(("GMQK", "BRZC", "GMZC", "SJZC")):
        m = draws == code
        world.ledger.post(world.current[leave[m]], day[m], clock(rng, int(m.sum()), 9, 18), -fen[m], mark)


def _draw_all(world: World, month: Month, quiet: Bools, rng: np.random.Generator) -> None:
    """People who only come for their pension or subsidy draw all of it, some months later."""
    held = world.ledger.balance[world.current]
    over = held - world.target
    come = np.flatnonzero(quiet & (over > 12_000) & (rng.random(len(quiet)) < 0.55))
    large = over[come] > 500_000  # a large sum is not carried home in one day
    fen = np.where(large, over[come] * 0.15, over[come]).astype(np.int64) // 10_000 * 10_000
    side = rng.random(len(come)) < 0.4
    day = month.start + rng.integers(0, month.days, len(come))
    for mask, mark in ((side, "ATMQ"), (~side, "GMQK")):
        world.ledger.post(world.current[come[mask]], day[mask], clock(rng, int(mask.sum()), 8.5, 17), -fen[mask], mark)


def _interest(world: World, month: Month) -> None:
    """Interest on current accounts, on the 21st of a quarter's last month, from the cumulated daily balances."""
    if month.month % 3 or month.days < 21:
        return
    first = world.ledger.balance[world.current].astype(np.float64)
    fen = np.rint((world.cumulated + first * 20.0) * world.rate("CUR", month.start) / 360)
    paid = np.flatnonzero((fen > 0) & (world.shut_on == NEVER))
    world.ledger.post(world.current[paid], month.start + 20, 1_800, fen[paid], "JX")
    world.cumulated = -first * 20.0
