"""What comes in by itself: wages, pensions, subsidies, harvests, money sent home, settlements of payment codes."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Bools, Floats, Ints
from sources.demo.habits import Habits
from sources.demo.seasons import Month, clock
from sources.demo.world import YUAN, World


def incomes(world: World, habits: Habits, month: Month, here: Bools, rng: np.random.Generator) -> Floats:
    p = world.people
    total = np.zeros(len(p))
    paid = np.flatnonzero(here & (p.wage > 0) & world.wage_here)
    fen = p.wage[paid] * YUAN * (1 + 0.03 * rng.standard_normal(len(paid))) * np.where(month.month == 1, 1.55, 1.0)
    second = 9 * 3600 + 60 * rng.integers(0, 90, len(paid))
    world.ledger.post(
        world.current[paid],
        workday(world, month, habits.payday[paid]),
        second,
        fen,
        "DFGZ",
        party=world.current[p.employer[paid]] + 1,
    )
    total += by_customer(world, paid, fen)
    old = np.flatnonzero(here & (p.wage < 0))
    fen = np.rint(-p.wage[old] * (1 + 0.03 * (month.index // 12))) * YUAN
    world.ledger.post(
        world.current[old], workday(world, month, habits.payday[old]), 30_000 + rng.integers(0, 3000, len(old)), fen, "YLJ"
    )
    total += by_customer(world, old, fen)
    farm = np.flatnonzero(here & (habits.subsidy > 0) & (5 + p.village % 4 == month.month))
    world.ledger.post(
        world.current[farm], workday(world, month, 6 + p.village[farm] % 19), 33_000, habits.subsidy[farm], "HNBT"
    )
    total += by_customer(world, farm, habits.subsidy[farm])
    if month.month in (7, 8, 10, 11):
        grow = np.flatnonzero(here & (habits.harvest > 0) & (rng.random(len(p)) < (0.5 if month.month in (7, 8) else 0.62)))
        fen = (habits.harvest[grow] * rng.lognormal(-0.05, 0.3, len(grow)) / 5000).round() * 5000
        world.ledger.post(
            world.current[grow], month.start + rng.integers(3, month.days, len(grow)), clock(rng, len(grow), 9, 17), fen, "LSK"
        )
    sends = np.flatnonzero(here & habits.household & (rng.random(len(p)) < 0.45))
    fen = (np.exp(rng.normal(np.log(1500), 0.6, len(sends)))).round(-2) * YUAN
    world.ledger.post(
        world.current[sends], month.start + rng.integers(0, month.days, len(sends)), clock(rng, len(sends)), fen, "WGHK"
    )
    return total + by_customer(world, sends, fen)


def acquire(world: World, habits: Habits, month: Month, busy: Bools, rng: np.random.Generator) -> Floats:
    """Settlements of payment codes, the next morning; most of it goes on to suppliers."""
    who = np.flatnonzero(busy & (world.acquiring_from < month.start))
    days = np.arange(month.start, month.start + month.days)
    hit = rng.random((len(who), month.days)) < 0.85
    row, column = np.nonzero(hit)
    fen = habits.turnover[who[row]] * rng.lognormal(-0.2, 0.6, len(row)) * np.where(world.gone[who[row]], 0.2, 1.0)
    world.ledger.post(world.current[who[row]], days[column], 8 * 3600 + rng.integers(0, 1800, len(row)), fen, "SDJS")
    got = by_customer(world, who[row], fen)
    for week in range(4):
        # a merchant who has grown distant leaves less of it here
        keeps = np.clip(0.22 - 0.07 * world.temper.distance[who, month.index], 0.03, 0.5)
        out = got[who] / 4 * (1 - keeps) * rng.lognormal(0, 0.15, len(who))
        own = rng.random(len(who)) < np.clip(0.25 + 0.2 * world.temper.distance[who, month.index], 0.05, 0.8)
        day = np.minimum(month.start + 7 * week + 4 + rng.integers(0, 4, len(who)), month.end)
        for mask, mark in ((own, "BRZC"), (~own, "GMZC")):
            world.ledger.post(
                world.current[who[mask]],
                day[mask],
                clock(rng, int(mask.sum()), 9, 18),
                -(out[mask] / 1000).round() * 1000,
                mark,
            )
    return got * 0.2


def sweep_wages(world: World, habits: Habits, month: Month, busy: Bools, rng: np.random.Generator) -> None:
    """Those who have grown distant send their wage on to their own account elsewhere within two days."""
    p = world.people
    distance = world.temper.distance[:, month.index]
    sweeps = busy & (p.wage > 0) & world.wage_here & (distance + 0.4 * p.digital + 0.5 * rng.standard_normal(len(p)) > 1.1)
    who = np.flatnonzero(sweeps)
    day = np.minimum(workday(world, month, habits.payday[who]) + rng.integers(0, 3, len(who)), month.end)
    fen = (p.wage[who] * (0.6 + 0.35 * rng.random(len(who)))).round(-2) * YUAN
    world.ledger.post(world.current[who], day, 12 * 3600 + rng.integers(0, 30_000, len(who)), -fen, "BRZC")


def workday(world: World, month: Month, offset: Ints) -> Ints:
    """Day numbers of days of the month, moved off weekends."""
    day = month.start + np.minimum(offset, month.days) - 1
    weekday = (day + world.at.first.weekday()) % 7
    return np.where(weekday == 5, np.maximum(day - 1, month.start), np.where(weekday == 6, np.minimum(day + 1, month.end), day))


def by_customer(world: World, who: Ints, fen: Floats) -> Floats:
    return np.bincount(who, fen, len(world.people)).astype(np.float64)
