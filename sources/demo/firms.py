"""A month of the firms: they sell, buy, pay wages and taxes."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import chance
from sources.demo.seasons import Month, clock
from sources.demo.world import YUAN, World


def corporate_month(world: World, month: Month) -> None:
    """Firms sell, buy, pay wages and taxes; what lies above a floor goes to the agreed deposit."""
    rng, p = chance(world.seed, "firms", month.index), world.people
    firms = np.arange(p.persons, len(p))
    size = p.wealth[firms] * YUAN
    all_held = world.ledger.balance[world.current[firms]] + np.where(
        world.agreed[firms] >= 0, world.ledger.balance[np.maximum(world.agreed[firms], 0)], 0
    )
    pays = np.clip(0.86 + 0.25 * (all_held / size - 1), 0.3, 1.6)  # firms with much on the account buy more
    for mark, sign in (("DWZR", 1), ("DWZC", -1)):
        who = np.repeat(firms, rng.poisson(9, len(firms)))
        fen = size[who - p.persons] * 0.08 * rng.lognormal(0, 0.8, len(who)) * (1.0 if sign > 0 else pays[who - p.persons])
        world.ledger.post(
            world.current[who],
            month.start + rng.integers(0, month.days, len(who)),
            clock(rng, len(who), 9, 17),
            sign * (fen / 100).round() * 100,
            mark,
        )
    world.ledger.post(
        world.current[firms],
        month.start + np.minimum(8 + firms % 7, month.days - 1),
        9 * 3600,
        -(size * 0.11 / 100).round() * 100,
        "DWGZ",
        must=False,
    )
    if month.month % 3 == 1 and month.days > 14:
        world.ledger.post(world.current[firms], month.start + 13, 10 * 3600, -(size * 0.02 / 100).round() * 100, "SK")
    has = firms[world.agreed[firms] >= 0]
    account = world.agreed[has]
    spare = world.ledger.balance[world.current[has]] - size[has - p.persons] * 0.6
    sums = (np.abs(spare) / 100_000).astype(np.int64) * 100_000
    into = (spare > 0) & (sums > 0)
    world.ledger.move(world.current[has[into]], account[into], month.start, 7_000, sums[into], "XDZ", "XDZ")
    back = (spare < 0) & (sums > 0)
    fen_back = np.minimum(sums[back], world.ledger.balance[account[back]])
    world.ledger.move(account[back], world.current[has[back]], month.start, 7_000, fen_back, "XDZ", "XDZ")
