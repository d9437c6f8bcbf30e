"""What lies on term and in funds on the eve of the first day."""

from __future__ import annotations

import numpy as np

from sources.demo.catalogue import STOCK_MIX, TENORS
from sources.demo.chance import chance, pick, sigmoid
from sources.demo.funds import open_funds
from sources.demo.terms import MONTHS_OF, draw_rollover, heap_floor, new_terms
from sources.demo.world import YUAN, World


def stock(world: World) -> None:
    """What lies on term on the eve of the first day."""
    p, rng = world.people, chance(world.seed, "saving", "stock")
    wealth = p.wealth * YUAN
    often = np.interp(np.log10(np.maximum(p.wealth, 1)), [2.8, 3.2, 4.0, 4.5, 5.3], [0.001, 0.45, 0.78, 0.96, 0.98])
    # those with a mind to it have done so long ago: else they would all come in the first months, and fewer every year
    inclined = 0.6 * p.thrift + 0.5 * (p.age > 50) - 0.35 * p.digital
    holds = rng.random(len(p)) < sigmoid(np.log(often / (1 - often)) + inclined + 0.5)
    holds &= (p.opened < -1) & (np.arange(len(p)) < p.persons)
    left = np.where(
        holds, wealth * (1 - p.current_share * np.interp(np.log10(np.maximum(p.wealth, 1)), [3, 5], [2.4, 1.2])), 0.0
    )
    owner, fen = [], []
    for turn in range(7):
        take = heap_floor(left * (0.35 + 0.65 * rng.random(len(p)) if turn < 5 else 1.0))
        got = np.flatnonzero(take > 0)
        owner.append(got)
        fen.append(take[got])
        left[got] -= take[got]
    who, sums = np.concatenate(owner), np.concatenate(fen)
    tenor = pick(rng, np.array(STOCK_MIX), len(who))
    product = np.array(TENORS)[tenor]
    product = np.where((sums >= 200_000 * YUAN) & (rng.random(len(who)) < 0.5), "CD3Y", product)
    product = np.where((sums >= 50_000 * YUAN) & (rng.random(len(who)) < 0.025), "N07D", product)
    length = np.array([MONTHS_OF.get(str(x), 0) for x in product]) * 30.4
    started = np.where(
        product == "N07D", -1 - rng.integers(0, 6, len(who)), -np.rint(length * rng.random(len(who)) * 0.95) - 1
    ).astype(np.int64)
    started = np.maximum(started, p.opened[who])
    account = new_terms(world, who, product, started, sums, draw_rollover(rng, len(who)))
    world.ledger.balance[account] = sums
    late = world.terms["matures"] < 0
    assert not late.any(), "a term of the opening stock has matured before the first day"
    world.ledger.balance[: len(p)] = np.where(
        p.opened < 0, np.rint(np.maximum(wealth - np.bincount(who, sums, len(p)), 0)), 0
    ).astype(np.int64)
    _fund_stock(world, rng)


def _fund_stock(world: World, rng: np.random.Generator) -> None:
    p = world.people
    rich = np.log10(np.maximum(p.wealth, 1))
    for product, holds, scale, sum_share in (
        ("LC01", "wealth", 0.13, 0.3),
        ("LC02", "wealth", 0.06, 0.2),
        ("BX01", "insurance", 0.06, 0.15),
        ("GZ3Y", "bond", 0.05, 0.3),
    ):
        has = np.flatnonzero(
            (rng.random(len(p)) < scale * np.clip(rich - 4.0, 0, 1.2)) & (p.opened < -400) & (np.arange(len(p)) < p.persons)
        )
        fen = np.maximum(heap_floor(p.wealth[has] * YUAN * sum_share * (0.5 + rng.random(len(has)))), 5_000 * YUAN)
        account = open_funds(world, has, product, holds, -1 - rng.integers(0, 390, len(has)), fen)
        world.ledger.balance[account] = fen
