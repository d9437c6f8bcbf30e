"""A month of saving: new money on term, what matures, what is redeemed, what comes into people's lives."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import chance
from sources.demo.funds import redeem
from sources.demo.maturing import break_early, mature
from sources.demo.seasons import OPENING_CAMPAIGN, Month, clock
from sources.demo.terms import heap_floor, new_products, open_terms
from sources.demo.world import NEVER, YUAN, World, alive


def save(world: World, month: Month) -> None:
    """A month of terms and funds: new money, what matures, what is broken."""
    rng = chance(world.seed, "saving", month.index)
    here = alive(world, month)
    p = world.people
    wants = world.to_save[: len(p)]
    who = np.flatnonzero(wants > 0)
    fen = heap_floor(wants[who])
    day = month.start + np.minimum(rng.integers(14, 28, len(who)), month.days - 1)
    open_terms(world, who, new_products(rng, fen), day, clock(rng, len(who), 9, 16.5), fen, rng)
    wants[:] = 0
    eager = here & world.saver & ~world.gone & (world.leaving_from == NEVER)
    fresh = np.flatnonzero(eager & (rng.random(len(p)) < 0.020 * OPENING_CAMPAIGN[month.month]))
    fen = heap_floor(np.maximum(p.wealth[fresh] * YUAN * (0.06 + 0.3 * rng.random(len(fresh))), 1_000 * YUAN))
    day = month.start + rng.integers(0, month.days, len(fresh))
    open_terms(world, fresh, new_products(rng, fen), day, clock(rng, len(fresh), 9, 16.5), fen, rng, "GMCK")
    break_early(world, month, rng)
    for turn in range(6):
        if not mature(world, month, chance(world.seed, "maturing", month.index, turn)):
            break
    redeem(world, month, rng)
    _arrivals(world, month, here, rng)


def _arrivals(world: World, month: Month, here: np.ndarray, rng: np.random.Generator) -> None:
    """Money comes into people's lives: somebody returns, sells a house, inherits; some of those who left come back."""
    p = world.people
    hope = (
        np.exp(0.5 * p.thrift + 0.4 * p.engaged - 0.6)
        * np.where(p.wealth > 5_000, 2.2, 0.4)
        * {1: 6.5, 2: 6.0, 3: 4.2}.get(month.month, 0.2)
    )
    settled = here & (world.leaving_from == NEVER)
    comes = np.flatnonzero(settled & (rng.random(len(p)) < np.where(world.gone, 0.03, 0.0015 * hope)))
    fen = np.exp(rng.normal(np.log(9_000), 0.7, len(comes))).clip(2_000, 100_000) + p.wealth[comes] * 0.4 * rng.random(
        len(comes)
    )
    fen = np.where(world.gone[comes], np.maximum(p.wealth[comes] * 0.6, 2_000), fen)
    fen = (fen / 500).round() * 500 * YUAN
    world.gone[comes] = False
    puts_away = world.saver[comes] & (rng.random(len(comes)) < 0.75)
    world.to_save[comes[puts_away]] = 0.95 * fen[puts_away]
    world.target[comes] += np.where(puts_away, 0.05, 0.85) * fen
    day = month.start + rng.integers(0, month.days, len(comes))
    side = rng.random(len(comes))
    for mask, mark in ((side < 0.4, "GMCK"), ((side >= 0.4) & (side < 0.7), "BRZR"), (side >= 0.7, "SJZR")):
        world.ledger.post(world.current[comes[mask]], day[mask], clock(rng, int(mask.sum()), 9, 17), fen[mask], mark)
    world.event(comes, day, "arrival")
