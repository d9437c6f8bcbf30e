"""What stays with a customer for years: paydays, harvests, how much cash, who sends money home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sources.demo.chance import Bools, Floats, Ints, chance
from sources.demo.groups import FARMER, MIGRANT
from sources.demo.seasons import SPRING_FESTIVALS
from sources.demo.world import YUAN, World


@dataclass(frozen=True)
class Habits:
    """What stays with a customer for years."""

    payday: Ints
    subsidy: Floats  # fen a year, 0: none
    harvest: Floats  # fen a season
    turnover: Floats  # fen a day by payment code
    cash: Floats  # withdrawals a month
    utility: Bools
    household: Bools  # somebody away sends money home
    text_fee: Bools
    school: Bools
    travel: tuple[Ints, Ints, Ints, Floats]  # who comes home for the festival, in, out, with how much


def make_habits(world: World) -> Habits:
    """Draw everybody's habits once."""
    p, n = world.people, len(world.people)
    rng = chance(world.seed, "habits")
    firm_day = 6 + rng.integers(0, 10, n)
    farmer = p.group == FARMER
    grows = farmer & p.engaged & (rng.random(n) < 0.34)
    gets = farmer & (rng.random(n) < np.where(p.engaged, 0.9, 0.15))
    harvest = np.where(grows, np.exp(rng.normal(np.log(11_500), 0.75, n)).clip(5_000, 80_000), 0.0) * YUAN
    return Habits(
        payday=np.where(p.employer >= 0, firm_day[p.employer], 10 + rng.integers(0, 11, n)),
        subsidy=np.where(gets, np.exp(rng.normal(np.log(800), 0.5, n)).clip(300, 2_000), 0.0).round() * YUAN,
        harvest=harvest,
        turnover=np.exp(rng.normal(np.log(900), 0.9, n)).clip(80, 20_000) * YUAN,
        cash=np.where(p.engaged, 0.25 + 0.7 * rng.random(n) * (p.age > 45) + 0.3, 0.0),
        utility=p.engaged & (rng.random(n) < 0.75),
        household=farmer & p.engaged & (rng.random(n) < 0.35),
        text_fee=rng.random(n) < np.where(p.engaged, 0.4, 0.8 * (p.wealth > 60)),
        school=p.engaged & (p.age > 34) & (p.age < 55) & (rng.random(n) < 0.3),
        travel=_travel(world, rng),
    )


def _travel(world: World, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Floats]:
    p = world.people
    who, come, go, sums = [], [], [], []
    for feast in SPRING_FESTIVALS:
        day = world.at.day(feast)
        if not -40 < day < world.at.days + 20:
            continue
        home = np.flatnonzero((p.group == MIGRANT) & (rng.random(len(p)) < np.where(p.engaged, 0.85, 0.25)))
        who.append(home)
        come.append(day - 15 + rng.integers(0, 22, len(home)))
        go.append(day + 10 + rng.integers(0, 19, len(home)))
        sums.append(
            np.maximum(p.wealth[home] * 0.45, 600 + 2500 * rng.random(len(home))) * rng.lognormal(0, 0.4, len(home)) * YUAN
        )
    if not who:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none, np.zeros(0)
    return np.concatenate(who), np.concatenate(come), np.concatenate(go), np.concatenate(sums)
