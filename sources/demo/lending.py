"""Credit lines and loans: granted, served on the 20th, late, cured, renewed, repaid."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Floats, Ints, chance, pick
from sources.demo.living import YUAN
from sources.demo.people import FARMER, MIGRANT
from sources.demo.saving import months_later
from sources.demo.seasons import Month
from sources.demo.world import NEVER, World

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
        (12, 12, 24, 36),
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
    line = _line_of(world, who)
    limit = np.where(line >= 0, _limits(world)[np.maximum(line, 0)], 0)
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
        watch=rng.random(n) < 0.022,
    )
    if len(world.facilities):
        world.facilities["used"][world.loans["facility"][rows][uses]] = True
    return rows


def _limits(world: World) -> Floats:
    return np.asarray(world.facilities["limit"], dtype=np.float64) if len(world.facilities) else np.zeros(1)


def _line_of(world: World, who: Ints) -> Ints:
    """Everybody's last credit line, -1: none."""
    last = np.full(len(world.people), -1, dtype=np.int64)
    if len(world.facilities):
        last[world.facilities["owner"]] = np.arange(len(world.facilities))
    return last[who]


def village_lines(world: World, day: int, share: float) -> None:
    """A batch of credit lines for whole villages (整村授信): most of them will never be used."""
    rng, p = chance(world.seed, "lines", day), world.people
    villages = np.flatnonzero(rng.random(len(world.network.grid_ids)) < 0.22)
    able = np.isin(p.village, villages) & np.isin(p.group, (FARMER, MIGRANT)) & (p.age > 22) & (p.age < 62) & (p.opened < day)
    who = np.flatnonzero(
        able
        & (_line_of(world, np.arange(len(p))) < 0)
        & (world.dead_from > day)
        & (world.shut_on == NEVER)
        & (rng.random(len(p)) < share)
    )
    limit = np.array([30_000, 50_000, 80_000, 100_000])[rng.integers(0, 4, len(who))] * YUAN
    world.facilities.add(
        owner=who,
        product=np.full(len(who), "NHXE", dtype="U4"),
        limit=limit,
        granted=np.full(len(who), day),
        expires=np.full(len(who), day + 1095),
        guarantee=np.full(len(who), 0),
        source=np.full(len(who), 0),
        used=np.zeros(len(who), dtype=bool),
    )


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


def serve(world: World, month: Month) -> None:
    """A month's interest, instalments, maturities, arrears and cures."""
    rng, loans = chance(world.seed, "lending", month.index), world.loans
    if month.month == 5 and month.days > 20:
        village_lines(world, month.start + 14, 0.22)
    running = np.flatnonzero((loans["closed"] == NEVER) & (loans["granted"] < month.start))
    _cure(world, month, running, rng)
    stress = np.exp(0.7 * world.temper.need[loans["owner"][running], month.index] + 0.2 * loans["watch"][running])
    slips = (loans["late"][running] == NEVER) & (rng.random(len(running)) < 0.0042 * stress)
    _due(world, month, running, slips)
    _mature(world, month, rng)
    end = np.flatnonzero((loans["closed"] == NEVER) & (loans["late"] < month.end))
    write_status(world, end, np.full(len(end), month.end))
    write_status_changes(world)


def _pay(world: World, rows: Ints, day: Ints, interest: Ints, principal: Ints) -> None:
    account = world.current[world.loans["owner"][rows]]
    world.ledger.post(account, day, 16 * 3600, -interest, "HKLX", party=LOAN_PARTY + rows, must=True)
    world.ledger.post(account, day, 16 * 3600 + 5, -principal, "HKBJ", party=LOAN_PARTY + rows, must=True)
    world.loans["outstanding"][rows] -= principal


def _due(world: World, month: Month, running: Ints, slips: np.ndarray) -> None:
    loans = world.loans
    if month.days < 20:
        return
    day = month.start + 19
    kind = loans["kind"][running]
    now = (kind == ANNUITY) | (kind == MONTHLY) | ((kind == QUARTERLY) & (month.month % 3 == 0))
    now &= loans["closed"][running] == NEVER  # some were cured and closed a moment ago
    now &= (loans["matures"][running] < month.start) | (loans["matures"][running] > month.end)  # see _mature
    rows, slip = running[now], slips[now]
    interest = np.rint(loans["outstanding"][rows] * loans["rate"][rows] * (day - loans["served"][rows]).clip(0) / 360).astype(
        np.int64
    )
    principal = np.where(
        loans["kind"][rows] == ANNUITY, np.clip(loans["instalment"][rows] - interest, 0, loans["outstanding"][rows]), 0
    )
    loans["served"][rows] = day
    pays = ~slip & (loans["late"][rows] == NEVER)
    _pay(world, rows[pays], np.full(int(pays.sum()), day), interest[pays], principal[pays])
    write_status(world, rows[pays & (principal > 0)], np.full(int((pays & (principal > 0)).sum()), day))
    loans["owed"][rows[~pays]] += interest[~pays]
    loans["owed_principal"][rows[~pays]] += principal[~pays]
    loans["owed_principal"][rows] = np.minimum(loans["owed_principal"][rows], loans["outstanding"][rows])
    begins = rows[slip & (loans["late"][rows] == NEVER)]
    loans["late"][begins] = day
    write_status(world, begins, np.full(len(begins), day + 1 if day < month.end else day))


def _cure(world: World, month: Month, running: Ints, rng: np.random.Generator) -> None:
    loans = world.loans
    due_now = (loans["matures"][running] >= month.start) & (loans["matures"][running] <= month.end)  # see _mature
    late = running[(loans["late"][running] != NEVER) & ~due_now]
    age = month.start - loans["late"][late]
    done = late[rng.random(len(late)) < np.where(age < 60, 0.5, np.where(age < 180, 0.12, 0.025))]
    day = month.start + rng.integers(2, max(3, min(18, month.days)), len(done))
    principal = np.minimum(loans["owed_principal"][done], loans["outstanding"][done])
    ripe = loans["matures"][done] < month.start
    principal = np.where(ripe, loans["outstanding"][done], principal)
    _pay(world, done, day, loans["owed"][done], principal)
    loans["owed"][done], loans["owed_principal"][done], loans["late"][done] = 0, 0, NEVER
    empty = loans["outstanding"][done] == 0
    loans["closed"][done[empty]] = day[empty]
    write_status(world, done, day)


def _mature(world: World, month: Month, rng: np.random.Generator) -> None:
    """What falls due in full: repaid, renewed by a new loan, or late."""
    loans = world.loans
    rows = np.flatnonzero(
        (loans["closed"] == NEVER)
        & (loans["matures"] >= month.start)
        & (loans["matures"] <= month.end)
        & (loans["granted"] < month.start)
    )
    day, who = loans["matures"][rows], loans["owner"][rows]
    interest = np.rint(loans["outstanding"][rows] * loans["rate"][rows] * (day - loans["served"][rows]).clip(0) / 360).astype(
        np.int64
    )
    loans["served"][rows] = np.maximum(day, loans["served"][rows])
    late = (loans["late"][rows] != NEVER) | (rng.random(len(rows)) < 0.03)
    loans["late"][rows[late]] = np.minimum(loans["late"][rows[late]], day[late])
    loans["owed"][rows[late]] += interest[late]
    loans["owed_principal"][rows[late]] = loans["outstanding"][rows[late]]
    ends = ~late
    rows, day, who, interest = rows[ends], day[ends], who[ends], interest[ends]
    again = (loans["kind"][rows] != ANNUITY) & (
        rng.random(len(rows)) < np.where(loans["family"][rows] == "corporate_loan", 0.8, 0.52)
    )
    for family in KINDS:
        pick_ = again & (loans["family"][rows] == family)
        if pick_.any():
            old = rows[pick_]
            new = grant(world, who[pick_], day[pick_], family, rng, previous=old, amount=loans["outstanding"][old])
            loans = world.loans
            loans["facility"][new] = loans["facility"][old]
            world.ledger.post(world.current[who[pick_]], day[pick_], 36_000, loans["amount"][new], "FK", party=LOAN_PARTY + new)
            write_status(world, new, day[pick_])
    _pay(world, rows, day, interest, loans["outstanding"][rows].copy())
    loans["closed"][rows] = day
    write_status(world, rows, day)
    back = rows[~again & (loans["family"][rows] == "farmer_credit") & (rng.random(len(rows)) < 0.5)]
    when = loans["matures"][back] + rng.integers(3, 26, len(back))
    soon = when <= month.end
    if soon.any():
        new = grant(world, loans["owner"][back[soon]], when[soon], "farmer_credit", rng, amount=loans["amount"][back[soon]])
        world.loans["facility"][new] = world.loans["facility"][back[soon]]
        disburse(world, new, rng, month)


def write_status_changes(world: World) -> None:
    """Keep one state per loan and day: the last one noted."""
    s = world.status.columns
    key = s["loan"] * 100_000 + s["day"] + 1_000
    order = np.argsort(key, kind="stable")
    last = order[np.r_[key[order][1:] != key[order][:-1], True]]
    world.status.columns = {name: column[last] for name, column in s.items()}
