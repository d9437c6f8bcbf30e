"""Keeping the counts on their paths: newcomers, contracts in batches, early repayments and loans taken once more."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Bools, Ints, chance
from sources.demo.counts import Counts, due, on_the_eve
from sources.demo.seasons import Month
from sources.demo.world import NEVER, World


def here(world: World) -> Bools:
    """Who has a deposit account: opened by now, and not closed."""
    out: Bools = (world.people.opened < NEVER) & (world.shut_on == NEVER)
    return out


def borrowing(world: World) -> Bools:
    """Who owes something on a loan."""
    out, loans = np.zeros(len(world.people), dtype=bool), world.loans
    out[loans["owner"][(loans["closed"] == NEVER) & (loans["outstanding"] > 0)]] = True
    return out


def using_mobile(world: World) -> Bools:
    """Who has a contract of mobile banking."""
    out, held = np.zeros(len(world.people), dtype=bool), world.holdings
    out[held["owner"][(held["product"] == "SJYH") & (held["ended"] == NEVER)]] = True
    return out & here(world)


def found(world: World) -> Counts:
    """The counts as they stand."""
    firm = np.arange(len(world.people)) >= world.people.persons
    who, owes = here(world), borrowing(world)
    return Counts(*(int(x.sum()) for x in (who, who & firm, owes, owes & firm, using_mobile(world))))


def open_numbers(world: World, month: Month) -> None:
    """This month's newcomers: as many as make up for those who close, and for the growth."""
    p, rng = world.people, chance(world.seed, "newcomers", month.index)
    persons = int(here(world)[: p.persons].sum())
    months, last = len(world.at.months), world.wanted.customers - world.wanted.corporate
    lacks = due(on_the_eve(world.wanted, months), last, month.index, months) - persons
    comes = np.sort(rng.permutation(np.flatnonzero(p.opened == NEVER))[: max(0, lacks)])
    latest = month.days - 5 * (month.end == world.at.days - 1)
    p.opened[comes] = month.start + rng.integers(0, max(1, latest), len(comes))
    held = world.holdings
    paid = np.flatnonzero((held["started"] == NEVER) & np.isin(held["owner"], comes))  # their wage is paid in here
    for name in ("started", "activated"):
        held[name][paid] = p.opened[held["owner"][paid]]


def keep_mobile(world: World, month: Month) -> None:
    """Contracts of mobile banking opened in batches at the counter, or cleared away because nobody uses them."""
    p, held, rng = world.people, world.holdings, chance(world.seed, "batches", month.index)
    has = using_mobile(world)
    lacks = due(world.began.mobile, world.wanted.mobile, month.index, len(world.at.months)) - int(has.sum())
    last_day = max(1, month.days - 1)
    if lacks > 0:
        able = (p.opened <= month.start) & here(world) & ~has & (p.twin_of < 0) & (world.dead_from > month.end) & (p.age >= 16)
        able[p.persons :] = False
        who = np.sort(rng.permutation(np.flatnonzero(able))[:lacks])
        day = month.start + rng.integers(0, last_day, len(who))
        idle = np.full(len(who), NEVER)
        product = np.full(len(who), "SJYH", dtype="U4")
        held.add(owner=who, product=product, started=day, activated=idle, ended=idle, how=np.full(len(who), 2))
    elif lacks < 0:
        unused = (held["product"] == "SJYH") & (held["activated"] == NEVER) & (held["ended"] == NEVER)
        unused &= (held["started"] < month.start) & has[held["owner"]] & (world.mobile_from[held["owner"]] == NEVER)
        rows = np.sort(rng.permutation(np.flatnonzero(unused))[:-lacks])
        held["ended"][rows] = month.start + rng.integers(0, last_day, len(rows))


def too_many_borrowers(world: World, month: Month, firms: bool) -> int:
    """By how many the borrowers among people, or among firms, exceed what the month's end shall see; negative: too few."""
    owes, persons = borrowing(world), world.people.persons
    if firms:
        return int(owes[persons:].sum()) - world.wanted.corporate_borrowers
    first = world.began.borrowers - world.began.corporate_borrowers
    last = world.wanted.borrowers - world.wanted.corporate_borrowers
    return int(owes[:persons].sum()) - due(first, last, month.index, len(world.at.months))


def single(world: World) -> Ints:
    """Rows of the loans of people who owe on one loan only."""
    loans = world.loans
    open_rows = np.flatnonzero((loans["closed"] == NEVER) & (loans["outstanding"] > 0))
    each = np.bincount(loans["owner"][open_rows], minlength=len(world.people))
    out: Ints = open_rows[each[loans["owner"][open_rows]] == 1]
    return out
