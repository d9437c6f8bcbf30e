"""Loans: what is granted, paid out, and written down of their state day by day."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Ints, pick
from sources.demo.facilities import limits, line_of
from sources.demo.seasons import Month, months_later
from sources.demo.world import NEVER, YUAN, World

ANNUITY, QUARTERLY, MONTHLY, BULLET = range(4)


REPAYMENTS = ("annuity", "interest_quarterly", "interest_monthly", "bullet")


LOAN_PARTY = 1_000_000_000  # numbers of loans as the other side of a movement


# family: products, their weights, log mean and spread of the amount, lowest and highest, months, yearly rate, annuity share
KINDS: dict[str, tuple[tuple[str, ...], tuple[float, ...], float, float, int, int, tuple[int, ...], float, float]] = {
    "farmer_credit": (
        ("NHXE", "BMK", "TPXD"),
        (0.5, 0.38, 0.12),
        np.log(48_000),
        0.55,
        5_000,
        300_000,
        (6, 12, 12, 24),
        0.0585,
        0.08,
    ),
    "business_loan": (
        ("SYD", "LSD", "SYDS", "CYD"),
        (0.55, 0.25, 0.15, 0.05),
        np.log(480_000),
        0.75,
        50_000,
        3_000_000,
        (12, 12, 24, 36),
        0.0520,
        0.15,
    ),
    "consumer_loan": (("XFD", "GZD"), (0.55, 0.45), np.log(115_000), 0.6, 20_000, 500_000, (24, 36, 36, 60), 0.0540, 0.72),
    "mortgage": (("AJ",), (1.0,), np.log(330_000), 0.35, 120_000, 900_000, (180, 240, 300), 0.0345, 1.0),
    "student_loan": (("ZXD",), (1.0,), np.log(12_000), 0.25, 6_000, 20_000, (60,), 0.0300, 0.0),
    "corporate_loan": (("DWD",), (1.0,), np.log(18_000_000), 0.8, 2_000_000, 60_000_000, (12, 24), 0.0455, 0.0),
}


def grant(
    world: World,
    who: Ints,
    day: Ints,
    family: str,
    rng: np.random.Generator,
    *,
    previous: Ints | None = None,
    amount: Ints | None = None,
) -> Ints:
    """New loans of a family; the numbers of their rows."""
    products, weights, mean, spread, low, high, months, rate, annuity = KINDS[family]
    n = len(who)
    fen = np.exp(rng.normal(mean, spread, n)).clip(low, high)
    fen = (np.where(fen >= 100_000, fen / 10_000, fen / 1_000)).round() * np.where(fen >= 100_000, 10_000, 1_000) * YUAN
    product = np.array(products)[pick(rng, np.array(weights), n)].astype("U4")
    line = line_of(world, who)
    limit = np.where(line >= 0, limits(world)[np.maximum(line, 0)], 0)
    uses = (line >= 0) & (family == "farmer_credit")
    fen = np.where(uses, np.minimum(fen, limit), fen)
    fen = np.where(product == "TPXD", np.minimum(fen, 50_000 * YUAN), fen)
    if amount is not None:
        fen = amount.astype(np.float64)
    term = np.array(months)[rng.integers(0, len(months), n)]
    yearly = np.round(rate * (1 + 0.12 * rng.standard_normal(n)).clip(0.75, 1.35), 4)
    yearly = np.where(product == "TPXD", 0.0345, yearly)
    kind = np.where(
        rng.random(n) < annuity,
        ANNUITY,
        np.where(rng.random(n) < 0.78, QUARTERLY, np.where(rng.random(n) < 0.6, MONTHLY, BULLET)),
    )
    kind = np.where(np.array(family == "student_loan"), BULLET, kind)
    r = yearly / 12
    instalment = np.where(kind == ANNUITY, np.rint(fen * r / (1 - (1 + r) ** -term)), 0).astype(np.int64)
    rows = world.loans.add(
        owner=who,
        product=product,
        family=np.full(n, family, dtype="U16"),
        facility=np.where(uses, line, -1),
        granted=day,
        amount=fen.astype(np.int64),
        outstanding=fen.astype(np.int64),
        rate=yearly,
        months=term,
        matures=months_later(world.at, day, term),
        kind=kind,
        instalment=instalment,
        closed=np.full(n, NEVER),
        previous=np.full(n, -1) if previous is None else previous,
        late=np.full(n, NEVER),
        owed=np.zeros(n, dtype=np.int64),
        owed_principal=np.zeros(n, dtype=np.int64),
        served=day.copy(),
        watch=rng.random(n) < 0.033,
    )
    if len(world.facilities):
        world.facilities["used"][world.loans["facility"][rows][uses]] = True
    return rows


def disburse(world: World, rows: Ints, rng: np.random.Generator, month: Month) -> None:
    """Pay a loan out; most of it goes on within days to whoever is bought from."""
    loans = world.loans
    who, day, fen = loans["owner"][rows], loans["granted"][rows], loans["amount"][rows]
    world.ledger.post(world.current[who], day, 36_000, fen, "FK", party=LOAN_PARTY + rows)
    write_status(world, rows, day)
    for _ in range(2):
        part = (fen * (0.30 + 0.19 * rng.random(len(rows))) / 10_000).astype(np.int64) * 10_000
        after = np.minimum(day + rng.integers(0, 8, len(rows)), month.end)
        world.ledger.post(world.current[who], after, 15 * 3600, -part, "GMZC")


def overdue_class(days: Ints, watch: np.ndarray) -> Ints:
    """Five classes by days overdue; a few are watched without being late."""
    out: Ints = np.select([days > 360, days > 180, days > 90, (days > 30) | watch], [4, 3, 2, 1], 0)
    return out


def write_status(world: World, rows: Ints, day: Ints) -> None:
    """Note the state of loans at the close of a day."""
    if not len(rows):
        return
    loans = world.loans
    late = np.where(loans["late"][rows] == NEVER, 0, np.maximum(day - loans["late"][rows], 0))
    world.status.add(
        loan=rows,
        day=day,
        outstanding=loans["outstanding"][rows],
        overdue_days=late,
        overdue=np.where(late > 0, loans["owed"][rows] + loans["owed_principal"][rows], 0),
        grade=overdue_class(late, loans["watch"][rows]),
    )


def write_status_changes(world: World) -> None:
    """Keep one state per loan and day: the last one noted."""
    s = world.status.columns
    key = s["loan"] * 100_000 + s["day"] + 1_000
    order = np.argsort(key, kind="stable")
    last = order[np.r_[key[order][1:] != key[order][:-1], True]]
    world.status.columns = {name: column[last] for name, column in s.items()}
