"""People leave over weeks, or spend what they have; both are drawn from the truth, which is written down beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sources.demo.chance import Bools, Floats, Ints, chance, intercept_for, sigmoid
from sources.demo.maturing import drains
from sources.demo.seasons import Month, clock
from sources.demo.temper import LEAVE, SPEND, leave_logit, spend_logit
from sources.demo.world import NEVER, YUAN, World, alive, recent

FLOOR = 5_000 * YUAN  # below this nobody is asked to leave
COHORT = 10_000 * YUAN
LAST_MONTHS = 3


def moved_near(world: World, month: int) -> Floats:
    """The pull away from an outlet that has moved three kilometres: strong at first, for those without a phone bank."""
    since = month - moved_month(world)
    if since < 0:
        return np.zeros(len(world.people))
    old = 1.0 + 0.4 * (world.people.age > 60)
    out: Floats = (world.people.branch == world.network.moved) * 1.3 * old * np.exp(-since / 6)
    return out


def moved_month(world: World) -> int:
    """The month in which the outlet moved: ten months before the end."""
    return max(1, len(world.at.months) - 10)


def hazards(world: World, m: int, ahead: int) -> tuple[Floats, Floats]:
    """Chance of leaving and of spending it all in month m + ahead, as the state stands when month m begins."""
    start = world.at.months[m].start if m < len(world.at.months) else world.at.days
    first = start + 30 * ahead
    lends = np.zeros(len(world.people))
    if len(world.loans):
        lends[world.loans["owner"][world.loans["closed"] == NEVER]] = 1.0
    x = leave_logit(
        world.people,
        world.temper,
        m,
        ahead,
        len(world.at.months),
        world.due(first, first + 29),
        world.wage_lost,
        moved_near(world, m),
        lends,
    )
    due = world.due(first, first + 44)
    locked = np.clip(world.term_money() / np.maximum(world.assets(), 1.0) - due, 0, 1)
    free = (1 - locked) ** 2.5  # waiting for the day costs less than breaking: who has all on term hardly ever goes at once
    effect = world.temper.effect[0]
    x = x + 0.12 * ahead  # what is still to happen to people can only be averaged over, and hazards are convex
    x = x - np.where(recent(world, 0, m), effect, 0.0)
    y = spend_logit(world.people, world.temper, m, ahead)
    if "leave" not in world.intercepts:
        base = (world.assets() >= COHORT) & (np.arange(len(world.people)) < world.people.persons)
        world.intercepts["leave"] = intercept_for(2.0 * x[base], LEAVE)
        world.intercepts["spend"] = intercept_for(y[base], SPEND)
    return free * sigmoid(2.0 * x + world.intercepts["leave"]), free * sigmoid(y + world.intercepts["spend"])


def truth(world: World, m: int, risks: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Bools, Ints]:
    """On the eve of month m: chance of leaving within 90 days, whom it concerns, and their state.

    `risks` are the `hazards` of the months to come.
    States: 0 here; 1 on the way out; 2 has left, or spent it all, within the last 90 days (averages still remember it);
    3 left before, and what is still on term follows when it matures.
    """
    stays = np.ones(len(world.people))
    for ahead, (leave, spend) in enumerate(risks[:LAST_MONTHS]):
        stays *= (1 - leave) * (1 - spend) * (1 - drains(world, m, ahead))
    eve = (world.at.months[m].start if m < len(world.at.months) else world.at.days) - 1
    going = (world.leaving_from <= eve) & (world.leaving_until > eve)
    known = (
        (world.people.opened <= eve)
        & (world.dead_from > eve)
        & (world.shut_on > eve)
        & (np.arange(len(stays)) < world.people.persons)
    )
    left = ~going & ((world.left_on > eve - 90) | ((world.leaving_until <= eve) & (world.leaving_until > eve - 90)))
    known &= ((world.assets() >= FLOOR) | left) & ~world.spared
    rest = world.gone & ~going & ~left
    chance_of = np.where(going | left, 1.0, np.where(rest, np.minimum(world.due(eve + 1, eve + 60), 1.0), 1 - stays))
    return chance_of, known, np.select([going, left, rest], [1, 2, 3], 0).astype(np.int64)


def leave(world: World, month: Month) -> None:
    """Who begins to leave this month, and what those on the way take with them."""
    rng, n = chance(world.seed, "leaving", month.index), len(world.people)
    _settle_gone(world, month, rng)
    may = alive(world, month) & ~world.spared & (world.assets() >= FLOOR) & ~world.gone & (world.leaving_from == NEVER)
    leave_p, spend_p = hazards(world, month.index, 0)
    leaves, spends = may & (rng.random(n) < leave_p), may & (rng.random(n) < spend_p)
    spends &= ~leaves
    day = month.start + rng.integers(0, month.days, n)
    weeks = rng.integers(1, 5, n)
    for who, kind in ((np.flatnonzero(leaves), "leave"), (np.flatnonzero(spends), "spend")):
        begin_exit(
            world, who, day[who], day[who] + (7 * weeks[who] if kind == "leave" else rng.integers(2, 12, len(who))), kind, rng
        )
    _take_out(world, month, rng)


def begin_exit(world: World, who: Ints, day: Ints, until: Ints, kind: str, rng: np.random.Generator) -> None:
    """Somebody makes up their mind: plans which terms are broken and what is redeemed, by when."""
    world.event(who, day, kind)
    world.leaving_from[who] = day
    world.leaving_until[who] = until
    world.spending[who] = kind == "spend"
    for rows, ends, share in ((world.terms, "broken", 0.92), (world.funds, "redeem", 0.85)):
        if not len(rows):
            continue
        mine = np.flatnonzero((rows["ended"] == NEVER) & np.isin(rows["owner"], who) & (rng.random(len(rows)) < share))
        begin, end = world.leaving_from[rows["owner"][mine]], world.leaving_until[rows["owner"][mine]]
        rows[ends][mine] = begin + np.rint((end - begin) * rng.random(len(mine)) ** 1.5).astype(np.int64)
    if kind == "leave":
        stops = who[(world.people.wage[who] > 0) & (rng.random(len(who)) < 0.7)]
        world.wage_here[stops] = False


def _take_out(world: World, month: Month, rng: np.random.Generator) -> None:
    """Weekly transfers out of the current account until little is left."""
    p = world.people
    going = np.flatnonzero((world.leaving_from <= month.end) & (world.leaving_until >= month.start))
    held = world.ledger.balance[world.current[going]].astype(np.float64)
    for turn in range(6):
        day = world.leaving_from[going] + 7 * turn + rng.integers(0, 4, len(going))
        now = (day >= month.start) & (day <= month.end) & (day <= world.leaving_until[going] + 3)
        share = 0.45 + 0.45 * rng.random(len(going))
        fen = np.where(now, (held * share / 10_000).astype(np.int64) * 10_000, 0)
        held -= fen
        spends, digital = world.spending[going], p.digital[going] > -0.4
        for mask, mark in (
            (~spends & digital, "BRZC"),
            (~spends & ~digital & (going % 2 == 0), "GMBR"),
            (~spends & ~digital & (going % 2 == 1), "GMQK"),
            (spends, "GMZC"),
        ):
            hit = mask & (fen > 0)
            world.ledger.post(world.current[going[hit]], day[hit], clock(rng, int(hit.sum()), 9, 17.5), -fen[hit], mark)


def _settle_gone(world: World, month: Month, rng: np.random.Generator) -> None:
    done = np.flatnonzero((world.leaving_from != NEVER) & (world.leaving_until < month.start))
    spent = world.spending[done]
    world.gone[done[~spent]] = True
    world.target[done] *= np.where(spent, 0.15 + 0.3 * rng.random(len(done)), 0.02 + 0.1 * rng.random(len(done)))
    world.left_on[done] = world.leaving_until[done]
    world.leaving_from[done] = NEVER
    world.leaving_until[done] = NEVER


def change_jobs(world: World, month: Month) -> None:
    """Payrolls stop when people change jobs or their firm changes bank, and come back to a few."""
    rng, p = chance(world.seed, "jobs", month.index), world.people
    x = 0.35 * np.maximum(world.temper.distance[:, month.index], 0) + 0.15 * (p.age < 35)
    stops = np.flatnonzero(
        (p.wage > 0) & (p.opened <= month.start) & world.wage_here & (rng.random(len(p)) < 0.006 * np.exp(x))
    )
    world.wage_here[stops] = False
    world.wage_lost[stops] = month.index
    world.event(stops, month.start, "wage_lost")
    back = np.flatnonzero((p.wage > 0) & ~world.wage_here & ~world.gone & (rng.random(len(p)) < 0.025))
    world.wage_here[back] = True
