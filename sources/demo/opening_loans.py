"""Lines and loans on the eve of the first day."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import chance
from sources.demo.counts import DEPOSIT_CUSTOMERS, on_the_eve
from sources.demo.facilities import village_lines
from sources.demo.groups import CORPORATE, FARMER, MERCHANT, MIGRANT, PAYROLL, PUBLIC
from sources.demo.loans import ANNUITY, grant, write_status
from sources.demo.seasons import months_later
from sources.demo.world import NEVER, World

# loans at the start, of 388,494 customers
STOCK = {
    "farmer_credit": 4_900,
    "business_loan": 2_600,
    "consumer_loan": 1_900,
    "mortgage": 800,
    "student_loan": 260,
    "corporate_loan": 38,
}


def stock(world: World) -> None:
    """Lines and loans on the eve of the first day."""
    p, rng = world.people, chance(world.seed, "lending", "stock")
    village_lines(world, -41, 0.16)
    suits = {
        "farmer_credit": np.isin(p.group, (FARMER, MIGRANT)) * np.exp(0.8 * p.enterprise - ((p.age - 44) / 11) ** 2),
        "business_loan": ((p.group == MERCHANT) + 0.08 * (p.group == FARMER)) * np.exp(0.9 * p.enterprise),
        "consumer_loan": (np.isin(p.group, (PAYROLL, PUBLIC)) + 0.05) * np.exp(-(((p.age - 37) / 9) ** 2)),
        "mortgage": (np.isin(p.group, (PAYROLL, PUBLIC)) + 0.1) * np.exp(-(((p.age - 34) / 6) ** 2)),
        "student_loan": 1.0 * (p.age < 24),
        "corporate_loan": 1.0 * (p.group == CORPORATE),
    }
    taken = np.zeros(len(p), dtype=bool)
    for family, count in STOCK.items():
        size = max(
            1, round((on_the_eve(world.wanted, len(world.at.months)) + world.wanted.corporate) * count / DEPOSIT_CUSTOMERS)
        )
        weight = (
            suits[family] * ~taken * (p.opened < -300) * (p.engaged | (rng.random(len(p)) < 0.1)) * (world.dead_from == NEVER)
        )
        weight[p.persons :] = 0.0
        if family == "corporate_loan":
            weight, size = suits[family] * ~taken, world.wanted.corporate_borrowers
        order = np.argsort(-np.log(rng.random(len(p))) / np.maximum(weight, 1e-12), kind="stable")
        who = np.sort(order[: min(size, int((weight > 0).sum()))])
        taken[who] = True
        rows = grant(world, who, np.full(len(who), -1), family, rng)
        run = world.loans["months"][rows]
        past = np.floor(run * rng.random(len(rows)) * 0.97).astype(np.int64)
        begun = months_later(world.at, np.full(len(rows), -1) - rng.integers(0, 28, len(rows)), -past)
        world.loans["granted"][rows] = np.minimum(begun, -1)
        world.loans["matures"][rows] = months_later(world.at, world.loans["granted"][rows], run)
        soon = rows[world.loans["matures"][rows] < 5]
        world.loans["matures"][soon] = 5 + rng.integers(0, 25, len(soon))
        r, paid = world.loans["rate"][rows] / 12, past
        left = world.loans["amount"][rows] * ((1 + r) ** run - (1 + r) ** paid) / ((1 + r) ** run - 1)
        world.loans["outstanding"][rows] = np.where(
            world.loans["kind"][rows] == ANNUITY, np.rint(left), world.loans["amount"][rows]
        )
        world.loans["served"][rows] = -11
    _lines_of_applicants(world, rng)
    loans = world.loans
    people = np.flatnonzero(loans["family"] != "corporate_loan")
    late = np.sort(rng.permutation(people)[: round(0.035 * len(people))])
    loans["late"][late] = -np.rint(np.exp(rng.normal(4.6, 1.0, len(late)))).clip(5, 900).astype(np.int64)
    loans["owed"][late] = np.rint(
        loans["outstanding"][late] * loans["rate"][late] / 12 * np.maximum(-loans["late"][late] / 30, 1)
    ).astype(np.int64)
    write_status(world, np.arange(len(loans)), np.full(len(loans), -1))


def _lines_of_applicants(world: World, rng: np.random.Generator) -> None:
    """Most loans to people lie under a line they applied for."""
    loans = world.loans
    rows = np.flatnonzero((loans["facility"] < 0) & np.isin(loans["family"], ("farmer_credit", "business_loan")))
    lines = world.facilities.add(
        owner=loans["owner"][rows],
        product=loans["product"][rows],
        limit=np.maximum(loans["amount"][rows], 0),
        granted=loans["granted"][rows],
        expires=loans["granted"][rows] + 1095,
        guarantee=rng.integers(0, 4, len(rows)),
        source=np.full(len(rows), 1),
        used=np.ones(len(rows), dtype=bool),
    )
    loans["facility"][rows] = lines
