"""What becomes of terms: rolled over under their old number, paid out and kept, opened anew, taken away, broken early."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Floats, Ints, intercept_for, sigmoid
from sources.demo.seasons import Month, clock
from sources.demo.terms import EARLY, MATURED, ROLLED, add_terms, heap_floor, new_products, open_terms, pay_out, term_interest
from sources.demo.world import NEVER, YUAN, World

STAYS, LEAVES, REOPENS = 0, 1, 2
GOES = 0.24  # of terms that run when the bank's files begin, how many would be taken away at maturity
MOST = 0.5  # share of all one has that is a drain when it goes


def goes(world: World, rows: Ints, m: int, ahead: int) -> Floats:
    """Chance that the money of terms leaves when they mature in month m + ahead, as the state stands when month m begins."""
    t, p, temper = world.terms, world.people, world.temper
    owner = t["owner"][rows]
    hope = np.clip(m + ahead, 0, len(world.at.months)) / len(world.at.months)  # rate hunting grew common as rates fell

    def logit(owner: Ints, agreed: np.ndarray, small: np.ndarray, ahead: int) -> Floats:
        out: Floats = (
            0.6 * np.maximum(temper.distance[owner, m] * 0.97**ahead, -1)
            + 0.5 * temper.mood[owner, m] * 0.75**ahead
            + np.maximum(p.shopper[owner], -0.5) * (0.3 + 0.3 * hope)
            + 0.4 * temper.need[owner, m] * 0.8**ahead
            - 0.4 * np.tanh(p.loyalty[owner])
            + 0.5 * small
            - 1.4 * agreed
        )
        return out

    if "goes" not in world.intercepts:
        all_small = t["amount"] < 10_000 * YUAN
        world.intercepts["goes"] = intercept_for(logit(t["owner"], t["rollover"] > 0, all_small, 0), GOES)
    x = logit(owner, t["rollover"][rows] > 0, t["amount"][rows] < 10_000 * YUAN, ahead)
    once = np.where(t["product"][rows] == "N07D", 0.04, 1.0)  # seven days' notice: every week anew
    return once * sigmoid(x + world.intercepts["goes"])


def drains(world: World, m: int, ahead: int) -> Floats:
    """Chance, by customer, that half or more of all they have leaves as a term matures in month m + ahead."""
    t, n = world.terms, len(world.people)
    first = (world.at.months[m].start if m < len(world.at.months) else world.at.days) + 30 * ahead
    most = t["amount"] >= MOST * world.assets()[t["owner"]]
    rows = np.flatnonzero((t["ended"] == NEVER) & (t["matures"] >= first) & (t["matures"] < first + 30) & most)
    stays = np.zeros(n)
    np.add.at(stays, t["owner"][rows], np.log1p(-goes(world, rows, m, ahead)))
    out: Floats = 1 - np.exp(stays)
    return out


def mature(world: World, month: Month, rng: np.random.Generator) -> bool:
    """What matures this month: rolled over under its old number, paid out, opened anew. False when nothing did."""
    t = world.terms
    rows = np.flatnonzero((t["ended"] == NEVER) & (t["matures"] >= month.start) & (t["matures"] <= month.end))
    if not len(rows):
        return False
    owner = t["owner"][rows]
    going = (world.leaving_from[owner] != NEVER) | world.gone[owner]
    leaves = (rng.random(len(rows)) < np.where(going, 0.92, goes(world, rows, month.index, 0))) & ~world.spared[owner]
    roll = (t["rollover"][rows] > 0) & ~leaves
    interest = term_interest(world, rows, t["matures"][rows], np.ones(len(rows), dtype=bool))
    _roll(world, rows[roll], interest[roll], rng)
    rows, interest, leaves, going = (x[~roll] for x in (rows, interest, leaves, going))
    pay_out(world, rows, t["matures"][rows], MATURED, interest, "DQZD", "DQDR")
    fate = np.where(leaves, LEAVES, np.where(rng.random(len(rows)) < 0.85, REOPENS, STAYS))
    _reopen(world, rows[fate == REOPENS], month, rng)
    out = fate == LEAVES
    _take_away(world, rows[out], interest[out], going[out], month, rng)
    stays = rows[fate == STAYS]
    world.target += np.bincount(t["owner"][stays], t["amount"][stays] * 0.8, len(world.people))
    return True


def _reopen(world: World, rows: Ints, month: Month, rng: np.random.Generator) -> None:
    """The money goes on term anew within days, under another number; who had agreed to roll mostly does so again."""
    t, n = world.terms, len(rows)
    owner, fen = t["owner"][rows], t["amount"][rows]
    product = np.where(rng.random(n) < 0.7, t["product"][rows], new_products(rng, fen))
    when = np.minimum(t["matures"][rows] + rng.integers(0, 5, n), month.end)
    more = fen + np.where(rng.random(n) < 0.3, heap_floor(fen * 0.25), 0)
    account = open_terms(world, owner, product, when, clock(rng, n, 9, 16.5), more, rng, agreed=0.33)
    world.terms["into"][rows] = account


def _take_away(world: World, rows: Ints, interest: Ints, going: np.ndarray, month: Month, rng: np.random.Generator) -> None:
    """The money leaves within days: to the own account elsewhere, to others, in cash."""
    t, p, n = world.terms, world.people, len(rows)
    owner, day = t["owner"][rows], t["matures"][rows]
    after = np.minimum(day + rng.integers(0, 4, n), month.end)
    fen = ((t["amount"][rows] + interest) / 10_000).astype(np.int64) * 10_000
    digital = p.digital[owner] > -0.3
    own = going | (rng.random(n) < 0.55)
    for mask, mark in ((own & digital, "BRZC"), (own & ~digital, "GMBR"), (~own & digital, "SJZC"), (~own & ~digital, "GMQK")):
        world.ledger.post(world.current[owner[mask]], after[mask], 16 * 3600, -fen[mask], mark)
    most = ~going & (t["amount"][rows] >= MOST * (world.assets()[owner] + t["amount"][rows]))
    world.event(owner[most], after[most], "drain")
    world.left_on[owner[most]] = after[most]


def _roll(world: World, rows: Ints, interest: Ints, rng: np.random.Generator) -> None:
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
    ends = rng.random(len(rows)) < np.where(product == "N07D", 0.0, 0.2)  # one in five does not want it rolled once more
    rollover, broken = np.where(ends, 0, t["rollover"][rows]), t["broken"][rows]
    add_terms(world, account, owner, product, day, fen + np.where(keeps, interest, 0), rollover, broken)


def break_early(world: World, month: Month, rng: np.random.Generator) -> None:
    """Terms ended before their time: by a sudden want of money, or by those on their way out."""
    t = world.terms
    running = (t["ended"] == NEVER) & (t["matures"] > month.end) & (t["started"] < month.start)
    owner = t["owner"]
    strained = 0.0003 * np.exp(0.5 * world.temper.need[owner, month.index])
    free = ~world.spared[owner] & (world.leaving_from[owner] == NEVER) & (t["product"] != "N07D")
    chosen = running & free & (rng.random(len(t)) < strained)
    rows = np.flatnonzero(chosen)
    day = month.start + rng.integers(0, month.days, len(rows))
    planned = np.flatnonzero(running & (t["broken"] >= month.start) & (t["broken"] <= month.end) & ~chosen)
    both, when = np.concatenate([rows, planned]), np.concatenate([day, t["broken"][planned]])
    interest = term_interest(world, both, when, np.zeros(len(both), dtype=bool))
    leaves = np.concatenate([rng.random(len(rows)) < 0.75, np.ones(len(planned), dtype=bool)])
    pay_out(world, both, when, EARLY, interest, "DQZC", "DQZC")
    _use(world, both[leaves], np.minimum(when[leaves] + rng.integers(0, 2, int(leaves.sum())), month.end))
    world.event(owner[rows], day, "early_break")


def _use(world: World, rows: Ints, after: Ints) -> None:
    """What was broken for is paid."""
    owner = world.terms["owner"][rows]
    away, old = world.leaving_from[owner] != NEVER, world.people.digital[owner] < 0
    fen = (world.terms["amount"][rows] / 10_000).astype(np.int64) * 10_000
    for mask, mark in ((away & ~old, "BRZC"), (away & old, "GMBR"), (~away & ~old, "SJZC"), (~away & old, "GMQK")):
        world.ledger.post(world.current[owner[mask]], after[mask], 17 * 3600, -fen[mask], mark)
