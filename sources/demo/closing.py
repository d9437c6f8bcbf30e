"""Who closes their last account here: some after leaving slowly, some at once, some through their heirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sources.demo.chance import Bools, Floats, Ints, chance, intercept_for, sigmoid
from sources.demo.characters import death_share
from sources.demo.groups import MIGRANT
from sources.demo.leaving import FLOOR
from sources.demo.registers import frozen_of
from sources.demo.seasons import Month
from sources.demo.terms import EARLY, MATURED, pay_out, term_interest
from sources.demo.world import NEVER, YUAN, World

CLOSE = 0.00036  # a month, on average over everybody at the start
KNOWN_AFTER = 16  # days from a death to the bank's knowing of it
HEIRS, FORGOTTEN = 0.16, 0.04  # a month once the bank knows: where there is money to inherit, and where there is none
NEVER_SURER = 0.35  # a month, whatever speaks for it
HORIZON_MONTHS = 6
STATES = ("here", "left", "deceased")


def able(world: World, day: int) -> Bools:
    """People who may close on a day: nothing lent, nothing in funds, nobody holds a hand on the account."""
    p, n = world.people, len(world.people)
    out: Bools = (np.arange(n) < p.persons) & (p.opened <= day - 30) & (world.shut_on == NEVER) & ~world.told & ~world.spared
    out &= p.twin_of < 0
    out[p.twin_of[p.twin_of >= 0]] = False  # numbers of one person are merged, not closed
    out[frozen_of(world)] = False
    if len(world.loans):
        out[world.loans["owner"][world.loans["closed"] == NEVER]] = False
    if len(world.funds):
        out[world.funds["owner"][world.funds["ended"] == NEVER]] = False
    return out


def _logit(world: World, m: int, ahead: int, left: Floats) -> Floats:
    """Logit, but for a constant, of closing in month m + ahead; `left`: by how much they have left already, 0 to 1."""
    p, temper = world.people, world.temper
    fade = 0.97**ahead
    assets = np.log10(np.maximum(world.assets() / YUAN, 1.0))
    start = world.at.months[m].start if m < len(world.at.months) else world.at.days
    since = np.where(world.gone, np.clip((start - world.left_on) / 30.0, 0, 48), 0.0) + ahead
    ahead_of_us = (
        0.3 * (1 - 0.5625**ahead) + 0.07 * ahead
    )  # what is still to happen can only be averaged over; hazards are convex
    lost = np.where((m - world.wage_lost >= 0) & (m - world.wage_lost < 7), 0.9, 0.0)
    life = 0.9 * np.exp(-(((p.age - 27) / 6) ** 2)) + 0.35 * np.exp(-(((p.age - 80) / 6) ** 2)) + 0.4 * (p.group == MIGRANT)
    out: Floats = (
        2.4 * np.tanh(np.maximum(temper.distance[:, m] * fade + 0.1, 0) ** 1.3 / 3)
        - 0.4 * np.tanh(p.loyalty)
        + 0.7 * temper.mood[:, m] * 0.75**ahead
        + 0.35 * p.nerve
        + life
        + lost
        + ahead_of_us
        + 0.35 * np.maximum(temper.rivals[p.village, m] * fade, 0)
        + left * (2.0 + 1.0 * np.exp(-since / 4.0))
        - 0.55 * (1 - left) * np.clip(assets - 1.0, 0, 4)  # money keeps people
        - 0.9 * (world.term_money() > 0)
        - 0.7 * (1 - left) * ~p.engaged  # who has forgotten a number does not come to close it
    )
    return out


def hazard(world: World, m: int, ahead: int, left: Floats) -> Floats:
    """Chance that the living close in month m + ahead, as the state stands when month m begins."""
    x = 1.2 * _logit(world, m, ahead, left)
    if "close" not in world.intercepts:
        base = (np.arange(len(x)) < world.people.persons) & (world.people.opened < 0)
        world.intercepts["close"] = intercept_for(x[base], CLOSE)
    return np.minimum(sigmoid(x + world.intercepts["close"]), NEVER_SURER)


def heirs(world: World) -> Floats:
    """Chance that the heirs of somebody known to have died close within a month: later where money is on term."""
    some = np.where(world.assets() >= 100 * YUAN, HEIRS, FORGOTTEN)
    out: Floats = some * np.where(world.term_money() > 0, 0.5, 1.0)
    return out


def truth(world: World, m: int, risks: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats, Bools, Ints]:
    """On the eve of month m: chance of closing within 90 and within 180 days, whom it concerns, and their state.

    `risks` are the hazards of leaving in the months to come.
    """
    start = world.at.months[m].start if m < len(world.at.months) else world.at.days
    n, p = len(world.people), world.people
    dead, after = world.dead_from < start, heirs(world)
    dies = death_share(p.age) * 30 / (world.at.days + 200)
    stays, estate, found = np.ones(n), np.zeros(n), np.zeros((2, n))
    going = world.leaving_from != NEVER
    begun = world.gone | (going & ~world.spending)
    left = begun.astype(np.float64)
    for ahead, (leave, _) in enumerate(risks):
        alone = hazard(world, m, ahead, left) * (1 - estate) * ~(going & (ahead == 0))
        stays *= 1 - np.where(dead, after, np.minimum(alone + estate * after, 1.0))
        estate += np.where(dead, 0.0, dies)
        left = 0.97 * left + (1 - left) * leave * (world.assets() >= FLOOR)  # a few come back
        if ahead in (2, 5):
            found[ahead // 3] = 1 - stays
    return found[0], found[1], able(world, start), np.select([dead, begun], [2, 1], 0).astype(np.int64)


def close(world: World, month: Month) -> None:
    """Who closes this month: from its first day on they only wind up, and take everything with them on the day."""
    rng, n = chance(world.seed, "closing", month.index), len(world.people)
    known = world.dead_from + KNOWN_AFTER < month.start
    living = world.dead_from > month.end
    chances = np.where(known, heirs(world), np.where(living, hazard(world, month.index, 0, world.gone.astype(np.float64)), 0.0))
    may = able(world, month.start) & (world.leaving_from == NEVER)
    who = np.flatnonzero(may & (rng.random(n) < chances))
    if not len(who) or month.days < 5:
        return
    day = month.start + rng.integers(2, month.days - 1, len(who))
    for kind, mask in (
        ("close_estate", known[who]),
        ("close_after_leaving", ~known[who] & world.gone[who]),
        ("close_at_once", ~known[who] & ~world.gone[who]),
    ):
        world.event(who[mask], day[mask], kind)
    world.shut_on[who] = day
    world.wage_here[who] = False
    world.to_save[who] = 0
    paid = _end_terms(world, who, month, rng)
    _pay_all_out(world, who, day, month, paid, known[who])


def _end_terms(world: World, who: Ints, month: Month, rng: np.random.Generator) -> Floats:
    """Terms of those who close: matured by then, or broken. Fen that reach the current accounts, by customer."""
    t = world.terms
    rows = np.flatnonzero((t["ended"] == NEVER) & np.isin(t["owner"], who))
    owner = t["owner"][rows]
    room = world.shut_on[owner] - month.start
    when = month.start + np.floor(room * rng.random(len(rows))).astype(np.int64)
    whole = t["matures"][rows] <= when
    when = np.where(whole, t["matures"][rows], when)
    interest = term_interest(world, rows, when, whole)
    for reason, mask, out, into in ((MATURED, whole, "DQZD", "DQDR"), (EARLY, ~whole, "DQZC", "DQZC")):
        pay_out(world, rows[mask], when[mask], reason, interest[mask], out, into)
    return np.bincount(owner, t["amount"][rows] + interest, len(world.people)).astype(np.float64)


def _pay_all_out(world: World, who: Ints, day: Ints, month: Month, paid: Floats, estate: Bools) -> None:
    """Interest up to the day, then everything in cash or to the own account elsewhere."""
    account = world.current[who]
    held = world.ledger.balance[account].astype(np.float64)
    owed = (world.cumulated[who] + held * (day - month.start)) * world.rate("CUR", month.start) / 360
    interest = np.maximum(np.rint(owed), 0)
    world.ledger.post(account, day, 59_000, interest, "JX")
    everything = held + paid[who] + interest
    digital = (world.people.digital[who] > 0) & ~estate
    for mask, mark in ((digital, "BRZC"), (~digital, "GMQK")):
        world.ledger.post(account[mask], day[mask], 60_000, -everything[mask], mark)
