"""Campaigns: who was called about what, drawn at random in part, and what they said."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Ints, chance, pick, sigmoid
from sources.demo.demand import eligible
from sources.demo.leaving import COHORT
from sources.demo.seasons import Month
from sources.demo.temper import OFFERS
from sources.demo.world import World, alive

OUTCOMES = ("interested", "accepted", "declined", "no_answer", "call_later", "wrong_number", "complaint")
CHANNELS = ("phone", "visit", "wechat")


def campaign(world: World, month: Month) -> None:
    """A month's contacts: a randomised half with its control group, the rest as managers saw fit."""
    p, n = world.people, len(world.people)
    rng = chance(world.seed, "contacts", month.index)
    reachable = alive(world, month) & (world.consent == 1) & p.reachable
    for place, offer in enumerate(OFFERS):
        pool = reachable & ~world.gone & (p.age >= 18)
        pool &= world.assets() >= COHORT if offer == "churn_aum" else eligible(world, offer, month.start, month.end)
        pool &= p.engaged | (rng.random(n) < 0.2)
        found = rng.permutation(np.flatnonzero(pool))[: max(2, round(n * 0.0036))]
        if not len(found):
            continue
        treated = rng.random(len(found)) < 0.6
        _write(world, month, place, found[treated], 0.6, "treatment", rng)
        _write(world, month, place, found[~treated], 0.6, "control", rng)
        world.worked[place, found[treated]] = month.index + 1
    fit = rng.permutation(np.flatnonzero(reachable & (p.manager >= 0) & (world.assets() >= COHORT)))[: max(1, round(n * 0.002))]
    for place in (0, 1, 2):
        mine = fit[place::3]
        _write(world, month, place, mine, np.nan, "", rng)
        world.worked[place, mine] = month.index + 1


def _write(world: World, month: Month, place: int, who: Ints, chance_of: float, arm: str, rng: np.random.Generator) -> None:
    if not len(who):
        return
    n = len(who)
    effect = world.temper.effect[place, who]
    day = month.start + rng.integers(0, max(1, month.days - 2), n)
    warm = sigmoid(effect - 0.9)
    u = rng.random(n)
    said = np.where(
        u < 0.27,
        3,
        np.where(
            u < 0.31,
            5,
            np.where(
                u < 0.42,
                4,
                np.where(
                    rng.random(n) < 0.18 * warm,
                    1,
                    np.where(rng.random(n) < warm, 0, np.where((effect < -0.3) & (u > 0.97), 6, 2)),
                ),
            ),
        ),
    )
    if arm == "control":
        said = np.full(n, -1)
    keeper = np.where(
        world.people.manager[who] >= 0,
        world.people.manager[who],
        np.where(world.people.grid[who] >= 0, world.network.grid_manager[world.people.village[who]], -1),
    )
    world.contacts.add(
        who=who,
        offer=np.full(n, place),
        day=day,
        manager=keeper,
        channel=pick(rng, np.array([0.62, 0.25, 0.13]), n),
        probability=np.full(n, chance_of),
        arm=np.full(n, arm, dtype="U9"),
        outcome=said,
        said_on=np.minimum(day + rng.integers(0, 3, n), month.end),
    )
