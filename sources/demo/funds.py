"""Money put to work in wealth products, insurance and bonds: bought and redeemed."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Ints
from sources.demo.seasons import Month
from sources.demo.terms import close_account
from sources.demo.world import NEVER, World


def open_funds(world: World, owner: Ints, product: str, holds: str, day: Ints, fen: Ints) -> Ints:
    """New accounts of wealth, insurance or bonds."""
    account = world.ledger.open_accounts(len(owner))
    if len(owner):
        wide = np.full(len(owner), product, dtype="U4")
        world.accounts.add(
            account=account,
            owner=owner,
            product=wide,
            holds=holds,
            kind="time" if holds == "bond" else "current",
            opened=day,
            closed=np.full(len(owner), NEVER),
        )
        world.funds.add(
            account=account,
            owner=owner,
            product=wide,
            started=day,
            amount=fen.astype(np.int64),
            ended=np.full(len(owner), NEVER),
            redeem=np.full(len(owner), NEVER),
        )
    return account


def redeem(world: World, month: Month, rng: np.random.Generator) -> None:
    f = world.funds
    if not len(f):
        return
    running = (f["ended"] == NEVER) & (f["started"] < month.start)
    planned = running & (f["redeem"] >= month.start) & (f["redeem"] <= month.end)
    wealth = np.char.startswith(f["product"].astype("U4"), "LC")
    chosen = running & wealth & ~planned & (rng.random(len(f)) < 0.015)
    rows = np.flatnonzero(planned | chosen)
    day = np.where(planned[rows], f["redeem"][rows], month.start + rng.integers(0, month.days, len(rows)))
    owner, account = f["owner"][rows], f["account"][rows]
    gain = np.rint(f["amount"][rows] * 0.021 * (day - f["started"][rows]) / 365).astype(np.int64)
    world.ledger.post(account, day, 9 * 3600, gain, "JX")
    world.ledger.move(account, world.current[owner], day, 9 * 3600 + 600, f["amount"][rows] + gain, "LCZJ", "LCSH")
    f["ended"][rows] = day
    close_account(world, account, day)
    away = np.flatnonzero(planned[rows])
    fen = (f["amount"][rows][away] / 10_000).astype(np.int64) * 10_000
    world.ledger.post(world.current[owner[away]], day[away], 17 * 3600, -fen, "BRZC")
