"""Money on term and money put to work: opened, rolled, matured, broken early, redeemed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sources.demo.catalogue import NEW_MIX, TENOR_MONTHS, TENORS
from sources.demo.chance import Floats, Ints, chance, pick
from sources.demo.living import YUAN, alive, clock
from sources.demo.seasons import OPENING_CAMPAIGN, Month, Span
from sources.demo.world import NEVER, World

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
STAYS, LEAVES, REOPENS = 0, 1, 2


def heap_floor(fen: npt.NDArray[Any]) -> Ints:
    """The largest round amount people like that is not above `fen`; 0 below 500 yuan."""
    place = np.searchsorted(HEAPS, fen, side="right")
    out: Ints = np.where(place > 0, HEAPS[np.maximum(place - 1, 0)], 0)
    return out


def months_later(at: Span, day: Ints, months: Ints) -> Ints:
    """The day `months` calendar months on; the last of the month where that day does not exist."""
    date = at.dates(day)
    month = date.astype("datetime64[M]")
    target = month + months.astype("timedelta64[M]")
    room = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    dom = np.minimum((date - month.astype("datetime64[D]")).astype(np.int64), room - 1)
    out: Ints = (target.astype("datetime64[D]") - np.datetime64(at.first, "D")).astype(np.int64) + dom
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


def new_terms(world: World, owner: Ints, product: np.ndarray, day: Ints, fen: Ints, rollover: Ints) -> Ints:
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
        broken=np.full(len(owner), NEVER),
        into=np.full(len(owner), -1),
    )
    world.saver[owner] = True
    return account


def draw_rollover(rng: np.random.Generator, size: int) -> Ints:
    """65 in 100 have agreed to roll, most of them with the interest."""
    out: Ints = np.where(rng.random(size) < 0.65, np.where(rng.random(size) < 0.75, 2, 1), 0)
    return out


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


def open_terms(
    world: World,
    owner: Ints,
    product: np.ndarray,
    day: Ints,
    second: Ints,
    fen: Ints,
    rng: np.random.Generator,
    brought: str | None = None,
) -> Ints:
    """Put money from the current account on term; with `brought`, the money comes in the minute before."""
    keep = fen > 0
    owner, product, day, second, fen = (x[keep] for x in (owner, product, day, second, fen))
    if not len(owner):
        return owner
    if brought:
        world.ledger.post(world.current[owner], day, second - 120, fen, brought)
    account = new_terms(world, owner, product, day, fen, draw_rollover(rng, len(owner)))
    world.ledger.move(world.current[owner], account, day, second, fen, "DQZR", "DQZR")
    return account


def new_products(rng: np.random.Generator, fen: Ints) -> np.ndarray:
    """Which term people choose for a new deposit of this size."""
    product = np.array(TENORS)[pick(rng, np.array(NEW_MIX), len(fen))]
    product = np.where((fen >= 200_000 * YUAN) & (rng.random(len(fen)) < 0.55), "CD3Y", product)
    out: np.ndarray = np.where((fen >= 50_000 * YUAN) & (rng.random(len(fen)) < 0.02), "N07D", product)
    return out


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
    _break_early(world, month, rng)
    for turn in range(6):
        if not _mature(world, month, chance(world.seed, "maturing", month.index, turn)):
            break
    _redeem(world, month, rng)
    _arrivals(world, month, here, rng)


def _arrivals(world: World, month: Month, here: np.ndarray, rng: np.random.Generator) -> None:
    """Money comes into people's lives: somebody returns, sells a house, inherits; some of those who left come back."""
    p = world.people
    hope = np.exp(0.5 * p.thrift + 0.4 * p.engaged - 0.6) * {1: 4.2, 2: 4.0, 3: 2.8}.get(month.month, 0.2)
    settled = here & (world.leaving_from == NEVER)
    comes = np.flatnonzero(settled & (rng.random(len(p)) < np.where(world.gone, 0.03, 0.0015 * hope)))
    fen = np.exp(rng.normal(np.log(26_000), 0.95, len(comes))).clip(4_000, 600_000)
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


def pay_out(world: World, rows: Ints, day: Ints, reason: int, interest: Ints, out: str, into: str) -> None:
    """End terms: interest to the term's account, everything to the current account."""
    account, owner = world.terms["account"][rows], world.terms["owner"][rows]
    fen = world.terms["amount"][rows] + interest
    second = 10 * 3600 + (account * 7919) % 18_000 if reason == EARLY else np.full(len(rows), 3_600)
    world.ledger.post(account, day, second - 30, interest, "JX")
    world.ledger.move(account, world.current[owner], day, second, fen, out, into)
    world.terms["ended"][rows] = day
    world.terms["reason"][rows] = reason
    _close(world, account, day)


def term_interest(world: World, rows: Ints, day: Ints, whole: np.ndarray) -> Ints:
    """Interest on terms that end on a day: the agreed rate where they ran their `whole` time, else that of current accounts."""
    t = world.terms
    months = np.array([MONTHS_OF.get(str(x), 0) for x in t["product"][rows]])
    agreed = t["rate"][rows] * np.where(months > 0, months / 12, 7 / 360)
    broken = world.rates("CUR", day) * (day - t["started"][rows]) / 360
    out: Ints = np.rint(t["amount"][rows] * np.where(whole, agreed, broken)).astype(np.int64)
    return out


def _close(world: World, account: Ints, day: Ints) -> None:
    place = np.searchsorted(world.accounts["account"], account)
    world.accounts["closed"][place] = day


def _break_early(world: World, month: Month, rng: np.random.Generator) -> None:
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


def _mature(world: World, month: Month, rng: np.random.Generator) -> bool:
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


def _redeem(world: World, month: Month, rng: np.random.Generator) -> None:
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
    _close(world, account, day)
    away = np.flatnonzero(planned[rows])
    fen = (f["amount"][rows][away] / 10_000).astype(np.int64) * 10_000
    world.ledger.post(world.current[owner[away]], day[away], 17 * 3600, -fen, "BRZC")
