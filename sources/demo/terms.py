"""Money on term: in round sums, at the posted rate, until it matures or is broken."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sources.demo.catalogue import NEW_MIX, TENOR_MONTHS, TENORS
from sources.demo.chance import Floats, Ints, pick
from sources.demo.seasons import months_later
from sources.demo.world import NEVER, YUAN, World

HEAPS = (
    np.array(
        [
            500,
            1_000,
            2_000,
            3_000,
            5_000,
            10_000,
            20_000,
            30_000,
            50_000,
            80_000,
            100_000,
            150_000,
            200_000,
            300_000,
            500_000,
            1_000_000,
        ],
        dtype=np.int64,
    )
    * YUAN
)
MONTHS_OF = dict(zip(TENORS, TENOR_MONTHS, strict=True)) | {"CD3Y": 36}
ROLLED, MATURED, EARLY = 2, 1, 3
AGREED = 0.65  # of new terms, how many are to be rolled over


def heap_floor(fen: npt.NDArray[Any]) -> Ints:
    """The largest round amount people like that is not above `fen`; 0 below 500 yuan."""
    place = np.searchsorted(HEAPS, fen, side="right")
    out: Ints = np.where(place > 0, HEAPS[np.maximum(place - 1, 0)], 0)
    return out


def new_terms(world: World, owner: Ints, product: np.ndarray, day: Ints, fen: Ints, rollover: Ints) -> Ints:
    """New accounts with a term each, their money still to be moved there."""
    account = world.ledger.open_accounts(len(owner))
    world.accounts.add(
        account=account,
        owner=owner,
        product=product.astype("U4"),
        holds="deposit",
        kind="time",
        opened=day,
        closed=np.full(len(owner), NEVER),
    )
    add_terms(world, account, owner, product, day, fen, rollover, np.full(len(owner), NEVER))
    world.saver[owner] = True
    return account


def add_terms(
    world: World, account: Ints, owner: Ints, product: np.ndarray, day: Ints, fen: Ints, rollover: Ints, broken: Ints
) -> None:
    """Terms that begin on accounts: maturity by the product, the rate that is posted."""
    world.terms.add(
        account=account,
        owner=owner,
        product=product.astype("U4"),
        started=day,
        matures=_matures(world, product, day),
        amount=fen.astype(np.int64),
        rate=_rates(world, product, day, owner),
        rollover=rollover,
        ended=np.full(len(owner), NEVER),
        reason=np.zeros(len(owner), dtype=np.int64),
        broken=broken,
        into=np.full(len(owner), -1),
    )


def open_terms(
    world: World,
    owner: Ints,
    product: np.ndarray,
    day: Ints,
    second: Ints,
    fen: Ints,
    rng: np.random.Generator,
    brought: str | None = None,
    agreed: float = AGREED,
) -> Ints:
    """Put money from the current account on term; with `brought`, the money comes in the minute before."""
    keep = fen > 0
    owner, product, day, second, fen = (x[keep] for x in (owner, product, day, second, fen))
    if not len(owner):
        return owner
    if brought:
        world.ledger.post(world.current[owner], day, second - 120, fen, brought)
    account = new_terms(world, owner, product, day, fen, draw_rollover(rng, len(owner), agreed))
    world.ledger.move(world.current[owner], account, day, second, fen, "DQZR", "DQZR")
    return account


def new_products(rng: np.random.Generator, fen: Ints) -> np.ndarray:
    """Which term people choose for a new deposit of this size."""
    product = np.array(TENORS)[pick(rng, np.array(NEW_MIX), len(fen))]
    product = np.where((fen >= 200_000 * YUAN) & (rng.random(len(fen)) < 0.55), "CD3Y", product)
    out: np.ndarray = np.where((fen >= 50_000 * YUAN) & (rng.random(len(fen)) < 0.02), "N07D", product)
    return out


def draw_rollover(rng: np.random.Generator, size: int, agreed: float = AGREED) -> Ints:
    """Who has agreed to roll (2: with the interest, as most; 1: without), and who has not (0)."""
    out: Ints = np.where(rng.random(size) < agreed, np.where(rng.random(size) < 0.75, 2, 1), 0)
    return out


def _matures(world: World, product: np.ndarray, day: Ints) -> Ints:
    months = np.array([MONTHS_OF.get(str(x), 0) for x in product], dtype=np.int64)
    out: Ints = np.where(product == "N07D", day + 7, months_later(world.at, day, months))
    return out


def _rates(world: World, product: np.ndarray, day: Ints, owner: Ints) -> Floats:
    """The posted rate; people attached to a larger branch get a little more."""
    rate = np.zeros(len(product))
    for name in np.unique(product):
        rate[product == name] = world.rates(str(name), day[product == name])
    out: Floats = np.round(rate + 0.0005 * (owner % 3 == 0) * (product != "N07D"), 6)
    return out


def term_interest(world: World, rows: Ints, day: Ints, whole: np.ndarray) -> Ints:
    """Interest on terms that end on a day: the agreed rate where they ran their `whole` time, else that of current accounts."""
    t = world.terms
    months = np.array([MONTHS_OF.get(str(x), 0) for x in t["product"][rows]])
    agreed = t["rate"][rows] * np.where(months > 0, months / 12, 7 / 360)
    broken = world.rates("CUR", day) * (day - t["started"][rows]) / 360
    out: Ints = np.rint(t["amount"][rows] * np.where(whole, agreed, broken)).astype(np.int64)
    return out


def pay_out(world: World, rows: Ints, day: Ints, reason: int, interest: Ints, out: str, into: str) -> None:
    """End terms: interest to the term's account, everything to the current account."""
    account, owner = world.terms["account"][rows], world.terms["owner"][rows]
    fen = world.terms["amount"][rows] + interest
    second = 10 * 3600 + (account * 7919) % 18_000 if reason == EARLY else np.full(len(rows), 3_600)
    world.ledger.post(account, day, second - 30, interest, "JX")
    world.ledger.move(account, world.current[owner], day, second, fen, out, into)
    world.terms["ended"][rows] = day
    world.terms["reason"][rows] = reason
    close_account(world, account, day)


def close_account(world: World, account: Ints, day: Ints) -> None:
    """Note that accounts other than current ones are closed."""
    place = np.searchsorted(world.accounts["account"], account)
    world.accounts["closed"][place] = day
