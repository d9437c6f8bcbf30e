"""First uses of products: drawn from the truth, month by month, and what happens when somebody says yes."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Bools, Floats, Ints, chance, intercept_for, sigmoid
from sources.demo.funds import open_funds
from sources.demo.loans import disburse, grant
from sources.demo.seasons import Month, clock
from sources.demo.temper import OFFERS
from sources.demo.terms import heap_floor, new_products, open_terms
from sources.demo.wishes import FAMILIES, MONTHLY, Standing, wish
from sources.demo.world import NEVER, YUAN, World, recent

FUNDS = {
    "wealth": (("LC01", "LC02", "LC03"), 10_000, 0.3),
    "insurance": (("BX01",), 5_000, 0.15),
    "bond": (("GZ3Y",), 10_000, 0.25),
}
CONTRACTS = {"mobile_bank": "SJYH", "acquiring": "SKM", "etc": "ETC"}


def owns(world: World, family: str) -> Bools:
    """Who has used a family before, here."""
    n = len(world.people)
    out = np.zeros(n, dtype=bool)
    if family == "time_deposit":
        out[world.terms["owner"]] = True
    elif family in FUNDS:
        mine = np.isin(world.funds["product"], FUNDS[family][0])
        out[world.funds["owner"][mine]] = True
    elif family in CONTRACTS:
        rows = (world.holdings["product"] == CONTRACTS[family]) & (world.holdings["activated"] != NEVER)
        out[world.holdings["owner"][rows]] = True
    else:
        out[world.loans["owner"][world.loans["family"] == family]] = True
    return out


def standing(world: World, m: int, ahead: int) -> Standing:
    """Where everybody stands when month m begins, as far as it tells of month m + ahead."""
    line = np.zeros(len(world.people))
    if len(world.facilities):
        line[world.facilities["owner"]] = 1.0
    return Standing(
        world.people,
        world.temper.mood[:, m] * 0.9**ahead,
        world.temper.need[:, m] * 0.9**ahead,
        world.ledger.balance[world.current] / YUAN,
        world.assets() / YUAN,
        line,
        (world.acquiring_from != NEVER).astype(np.float64),
    )


def chances(world: World, family: str, m: int, ahead: int, stands: Standing) -> Floats:
    """Chance of a first use in month m + ahead, as the state stands when month m begins."""
    n, p, months = len(world.people), world.people, world.at.months
    calendar = (months[0].month - 1 + m + ahead) % 12 + 1
    x = wish(family, stands, calendar, min(m + ahead, len(months)) / len(months))
    if family in OFFERS:
        place = OFFERS.index(family)
        x = x + np.where(recent(world, place, m), world.temper.effect[place], 0.0)
    x = x - 2.0 * world.gone - 1.0 * (world.leaving_from != NEVER)
    if family not in world.intercepts:
        base = ~owns(world, family) & (np.arange(n) < p.persons) & (p.opened < 0)
        world.intercepts[family] = intercept_for(0.85 * x[base], MONTHLY[family])
    return sigmoid(0.85 * x + world.intercepts[family])


def eligible(world: World, family: str, first: int, last: int) -> Bools:
    """People here who have not used the family yet and may."""
    p = world.people
    out: Bools = (
        (p.opened <= first)
        & (world.dead_from > last)
        & (world.shut_on > last)
        & (np.arange(len(p)) < p.persons)
        & ~owns(world, family)
    )
    out &= (p.age >= 18) & (p.twin_of < 0)
    if family in ("farmer_credit", "business_loan", "consumer_loan", "mortgage"):
        out &= p.age < 66
    return out


def standings(world: World, m: int) -> tuple[Standing, ...]:
    """For the three months to come."""
    return tuple(standing(world, m, ahead) for ahead in range(3))


def truth(world: World, family: str, m: int, stands: tuple[Standing, ...]) -> tuple[Bools, Floats]:
    """On the eve of month m: who may, and the chance of a first use within 90 days."""
    eve = (world.at.months[m].start if m < len(world.at.months) else world.at.days) - 1
    stays = np.ones(len(world.people))
    for ahead, stand in enumerate(stands):
        stays *= 1 - chances(world, family, m, ahead, stand)
    return eligible(world, family, eve, eve), 1 - stays


def buy(world: World, month: Month) -> None:
    """This month's first uses."""
    stands = standing(world, month.index, 0)
    for family in FAMILIES:
        rng = chance(world.seed, "demand", family, month.index)
        n = len(world.people)
        says_yes = eligible(world, family, month.start, month.end) & (
            rng.random(n) < chances(world, family, month.index, 0, stands)
        )
        who = np.flatnonzero(says_yes)
        day = month.start + rng.integers(0, month.days, len(who))
        start(world, family, who, day, month, rng)


def start(world: World, family: str, who: Ints, day: Ints, month: Month, rng: np.random.Generator) -> None:
    """Somebody uses a family for the first time."""
    if not len(who):
        return
    world.event(who, day, f"buy_{family}")
    p, second = world.people, clock(rng, len(who), 9, 16.5)
    if family == "time_deposit":
        fen = heap_floor(world.ledger.balance[world.current[who]] * 0.85)
        poor = fen < 1_000 * YUAN
        fresh = heap_floor(np.exp(rng.normal(np.log(3_500), 0.8, len(who))).clip(1_000, 60_000) * YUAN)
        for mask, sums, brought in ((~poor, fen, None), (poor, fresh, "GMCK")):
            open_terms(world, who[mask], new_products(rng, sums[mask]), day[mask], second[mask], sums[mask], rng, brought)
    elif family in FUNDS:
        products, low, share = FUNDS[family]
        fen = np.maximum(heap_floor(world.assets()[who] * share * (0.4 + rng.random(len(who)))), low * YUAN)
        choice = rng.integers(0, len(products), len(who))
        poor = world.ledger.balance[world.current[who]] < fen * 1.05
        world.ledger.post(world.current[who[poor]], day[poor], second[poor] - 300, fen[poor], "BRZR")
        for place, product in enumerate(products):
            mine = choice == place
            account = open_funds(world, who[mine], product, family, day[mine], fen[mine])
            mark = {"wealth": "LCSG", "insurance": "BFKK", "bond": "GZGM"}[family]
            world.ledger.move(world.current[who[mine]], account, day[mine], second[mine], fen[mine], mark, mark)
    elif family in CONTRACTS:
        begin_contract(world, family, who, day)
    else:
        disburse(world, grant(world, who, day, family, rng), rng, month)
    assert len(p) > 0


def begin_contract(world: World, family: str, who: Ints, day: Ints) -> None:
    """A contract without a balance, in use from the first day."""
    world.holdings.add(
        owner=who,
        product=np.full(len(who), CONTRACTS[family], dtype="U4"),
        started=day,
        activated=day,
        ended=np.full(len(who), NEVER),
        how=np.full(len(who), 0),
    )
    into = {"mobile_bank": world.mobile_from, "acquiring": world.acquiring_from, "etc": world.toll_from}[family]
    into[who] = day
