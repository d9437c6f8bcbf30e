"""The eve of the first day: who has what, who works where, who agreed to be called."""

from __future__ import annotations

import numpy as np

from sources.demo import keeping
from sources.demo.chance import chance
from sources.demo.characters import death_share
from sources.demo.counts import mobile_on_the_eve, wanted
from sources.demo.groups import MERCHANT
from sources.demo.ledger import Ledger
from sources.demo.network import make_network
from sources.demo.opening_loans import stock as loans_stock
from sources.demo.opening_terms import stock as terms_stock
from sources.demo.people import make_people
from sources.demo.seasons import Span
from sources.demo.temper import OFFERS, make_temper
from sources.demo.world import NEVER, YUAN, World


def make_world(seed: int, customers: int, at: Span) -> World:
    """The bank before its first day."""
    network = make_network(seed, customers)
    people = make_people(seed, customers, at, network)
    n = len(people)
    rng = chance(seed, "beginnings")
    dies = rng.random(n) < death_share(people.age)
    dies &= people.opened < 0
    dies[people.persons :] = False
    dead = np.where(dies, rng.integers(-200, at.days, n), NEVER)
    persons = np.arange(n) < people.persons
    spread = np.exp(0.5 * rng.standard_normal(n))
    last = wanted(customers)
    world = World(
        seed=seed,
        at=at,
        wanted=last,
        began=last,
        people=people,
        network=network,
        temper=make_temper(seed, at, people, network),
        ledger=Ledger(seed, np.zeros(n, dtype=np.int64)),
        target=np.zeros(n),
        usual=np.zeros(n),
        current=np.arange(n),
        wage_here=people.wage > 0,
        wage_lost=np.full(n, -99),
        leaving_from=np.full(n, NEVER),
        leaving_until=np.full(n, NEVER),
        left_on=np.full(n, -NEVER),
        gone=np.zeros(n, dtype=bool),
        spending=np.zeros(n, dtype=bool),
        mobile_from=np.full(n, NEVER),
        acquiring_from=np.full(n, NEVER),
        agreed=np.full(n, -1),
        consent=np.where(persons, np.where(rng.random(n) < 0.62, 1, np.where(rng.random(n) < 0.16, 0, -1)), -1),
        idle_phone=rng.random(n) < 0.33,
        dead_from=dead,
        toll_from=np.full(n, NEVER),
        worked=np.full((len(OFFERS), n), -99),
        saver=np.zeros(n, dtype=bool),
        to_save=np.zeros(n),
        parked=np.zeros(n),
        spared=np.zeros(n, dtype=bool),
        told=np.zeros(n, dtype=bool),
        shut_on=np.full(n, NEVER),
        cumulated=np.zeros(n),
    )
    terms_stock(world)
    _firms(world)
    world.target = (
        np.maximum(world.ledger.balance[:n], 20 * YUAN) * np.minimum(spread, 1.3) * np.where(people.engaged, 0.75, 1.0)
    )
    world.target[people.opened >= 0] = 0.3 * people.wealth[people.opened >= 0] * YUAN
    world.usual = world.target.copy()
    world.cumulated = np.concatenate([world.ledger.balance[:n] * (30.0 if at.first.month % 3 == 1 else 55.0)])
    _contracts(world)
    loans_stock(world)
    world.began = keeping.found(world)
    return world


def _firms(world: World) -> None:
    """Two firms in five keep an agreed deposit."""
    p, rng = world.people, chance(world.seed, "beginnings", "firms")
    has = np.flatnonzero((np.arange(len(p)) >= p.persons) & (rng.random(len(p)) < 0.42))
    account = world.ledger.open_accounts(len(has))
    world.agreed[has] = account
    world.accounts.add(
        account=account,
        owner=has,
        product=np.full(len(has), "XDCK", dtype="U4"),
        holds="deposit",
        kind="current",
        opened=np.full(len(has), -400),
        closed=np.full(len(has), NEVER),
    )
    world.ledger.balance[account] = np.rint(world.ledger.balance[has] * 0.4).astype(np.int64)
    world.ledger.balance[has] -= world.ledger.balance[account]


def _contracts(world: World) -> None:
    """Phone banks, payment codes, toll boxes and social-security cards that are there already."""
    p, rng = world.people, chance(world.seed, "beginnings", "contracts")
    n, old = len(p), (p.opened < -30) & (np.arange(len(p)) < p.persons) & (p.twin_of < 0)
    order = 1.0 * p.digital + 0.8 * p.engaged + 0.8 * rng.standard_normal(n) - 9 * ~old
    in_use, idle = mobile_on_the_eve(world.wanted, len(world.at.months))
    phone = np.sort(np.argsort(-order, kind="stable")[:in_use])
    shop = np.flatnonzero(old & p.engaged & (rng.random(n) < np.where(p.group == MERCHANT, 0.32, 0.004)))
    toll = np.flatnonzero(old & p.engaged & (p.age < 60) & (rng.random(n) < 0.05))
    for product, who, into in (
        ("SJYH", phone, world.mobile_from),
        ("SKM", shop, world.acquiring_from),
        ("ETC", toll, world.toll_from),
    ):
        day = -rng.integers(5, 900, len(who))
        day = np.maximum(day, p.opened[who])
        world.holdings.add(
            owner=who,
            product=np.full(len(who), product, dtype="U4"),
            started=day,
            activated=day,
            ended=np.full(len(who), NEVER),
            how=rng.integers(0, 2, len(who)),
        )
        into[who] = day
    # some were opened at the counter with the card and never used: no first use of their own
    batch = np.sort(rng.permutation(np.flatnonzero(old & (world.mobile_from == NEVER)))[:idle])
    cards = np.flatnonzero(old & (rng.random(n) < 0.42))
    for product, who, used in (("SJYH", batch, 0.0), ("SBK", cards, 0.6)):
        day = np.maximum(-rng.integers(5, 1500, len(who)), p.opened[who])
        world.holdings.add(
            owner=who,
            product=np.full(len(who), product, dtype="U4"),
            started=day,
            activated=np.where(rng.random(len(who)) < used, np.minimum(day + 40, -1), NEVER),
            ended=np.full(len(who), NEVER),
            how=np.full(len(who), 2),
        )
    paid = np.flatnonzero(p.wage > 0)
    day = np.maximum(p.opened[paid], -800)
    world.holdings.add(
        owner=paid,
        product=np.full(len(paid), "DFGZ", dtype="U4"),
        started=day,
        activated=day,
        ended=np.full(len(paid), NEVER),
        how=np.full(len(paid), 2),
    )
