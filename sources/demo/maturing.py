"""What becomes of terms: rolled over under their old number, paid out, opened anew, broken early."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Ints
from sources.demo.seasons import Month, clock
from sources.demo.terms import (
    EARLY,
    MATURED,
    ROLLED,
    _matures,
    _rates,
    heap_floor,
    new_products,
    open_terms,
    pay_out,
    term_interest,
)
from sources.demo.world import NEVER, World

STAYS, LEAVES, REOPENS = 0, 1, 2


def mature(world: World, month: Month, rng: np.random.Generator) -> bool:
    """What matures this month: rolled over under its old number, paid out, opened anew. False when nothing did."""
    t, p = world.terms, world.people
    rows = np.flatnonzero((t["ended"] == NEVER) & (t["matures"] >= month.start) & (t["matures"] <= month.end))
    if not len(rows):
        return False
    owner, day, fen, product = t["owner"][rows], t["matures"][rows], t["amount"][rows], t["product"][rows]
    interest = term_interest(world, rows, day, np.ones(len(rows), dtype=bool))
    away = (world.leaving_from[owner] != NEVER) | world.gone[owner]
    roll = (t["rollover"][rows] > 0) & ~(away & (rng.random(len(rows)) < 0.9))
    _roll(world, rows[roll], interest[roll])
    paid = ~roll
    rows, owner, day, fen, interest, away, product = (x[paid] for x in (rows, owner, day, fen, interest, away, product))
    pay_out(world, rows, day, MATURED, interest, "DQZD", "DQDR")
    u = rng.random(len(rows))
    fate = np.where(away, LEAVES, np.where(u < 0.85, REOPENS, np.where(u < 0.90, LEAVES, STAYS)))
    again = np.flatnonzero(fate == REOPENS)
    new = np.where(rng.random(len(again)) < 0.7, product[again], new_products(rng, fen[again]))
    when = np.minimum(day[again] + rng.integers(0, 5, len(again)), month.end)
    more = fen[again] + np.where(rng.random(len(again)) < 0.3, heap_floor(fen[again] * 0.25), 0)
    account = open_terms(world, owner[again], new, when, clock(rng, len(again), 9, 16.5), more, rng)
    world.terms["into"][rows[again]] = account
    out = np.flatnonzero(fate == LEAVES)
    after = np.minimum(day[out] + rng.integers(0, 4, len(out)), month.end)
    fen_out = ((fen + interest)[out] / 10_000).astype(np.int64) * 10_000
    digital = p.digital[owner[out]] > -0.3
    own = away[out] | (rng.random(len(out)) < 0.4)
    for mask, mark in ((own & digital, "BRZC"), (own & ~digital, "GMBR"), (~own & digital, "SJZC"), (~own & ~digital, "GMQK")):
        world.ledger.post(world.current[owner[out][mask]], after[mask], 16 * 3600, -fen_out[mask], mark)
    stays = fate == STAYS
    world.target += np.bincount(owner[stays], fen[stays] * 0.8, len(p))
    return True


def _roll(world: World, rows: Ints, interest: Ints) -> None:
    """Rolled terms keep their account number; the core overwrites maturity and rate, so a new term row begins."""
    if not len(rows):
        return
    t = world.terms
    account, owner, day, fen, product = (t[c][rows] for c in ("account", "owner", "matures", "amount", "product"))
    world.ledger.post(account, day, 3_500, interest, "JX")
    keeps = t["rollover"][rows] == 2
    world.ledger.move(account[~keeps], world.current[owner[~keeps]], day[~keeps], 3_600, interest[~keeps], "DQZD", "DQDR")
    t["ended"][rows] = day
    t["reason"][rows] = ROLLED
    t["into"][rows] = account
    world.terms.add(
        account=account,
        owner=owner,
        product=product,
        started=day,
        matures=_matures(world, product, day),
        amount=fen + np.where(keeps, interest, 0),
        rate=_rates(world, product, day, owner),
        rollover=t["rollover"][rows],
        ended=np.full(len(rows), NEVER),
        reason=np.zeros(len(rows), dtype=np.int64),
        broken=t["broken"][rows],
        into=np.full(len(rows), -1),
    )


def break_early(world: World, month: Month, rng: np.random.Generator) -> None:
    t, p = world.terms, world.people
    running = (t["ended"] == NEVER) & (t["matures"] > month.end) & (t["started"] < month.start)
    strained = np.exp(0.5 * world.temper.need[t["owner"], month.index])
    chosen = (
        running
        & ~world.spared[t["owner"]]
        & (world.leaving_from[t["owner"]] == NEVER)
        & (rng.random(len(t)) < 0.0009 * strained)
        & (t["product"] != "N07D")
    )
    rows = np.flatnonzero(chosen)
    day = month.start + rng.integers(0, month.days, len(rows))
    planned = np.flatnonzero(running & (t["broken"] >= month.start) & (t["broken"] <= month.end) & ~chosen)
    both, when = np.concatenate([rows, planned]), np.concatenate([day, t["broken"][planned]])
    interest = term_interest(world, both, when, np.zeros(len(both), dtype=bool))
    leaves = np.concatenate([rng.random(len(rows)) < 0.75, np.ones(len(planned), dtype=bool)])
    pay_out(world, both, when, EARLY, interest, "DQZC", "DQZC")
    owner = t["owner"][both]
    use = np.flatnonzero(leaves)
    after = np.minimum(when[use] + rng.integers(0, 2, len(use)), month.end)
    away = world.leaving_from[owner[use]] != NEVER
    fen = (t["amount"][both][use] / 10_000).astype(np.int64) * 10_000
    old = p.digital[owner[use]] < 0
    for mask, mark in ((away & ~old, "BRZC"), (away & old, "GMBR"), (~away & ~old, "SJZC"), (~away & old, "GMQK")):
        world.ledger.post(world.current[owner[use][mask]], after[mask], 17 * 3600, -fen[mask], mark)
    world.event(owner[: len(rows)], day, "early_break")
