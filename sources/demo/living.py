"""What comes in and what goes out in a month: wages, pensions, harvests, the phone at the till, cash for the festival."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sources.demo.chance import Bools, Floats, Ints, chance, pick
from sources.demo.people import FARMER, MIGRANT
from sources.demo.seasons import SPRING_FESTIVALS, Month, cash_weights, shopping_weights
from sources.demo.world import NEVER, World

YUAN = 100
MEAN_PAYMENT = 40 * YUAN


@dataclass(frozen=True)
class Habits:
    """What stays with a customer for years."""

    payday: Ints
    subsidy: Floats  # fen a year, 0: none
    harvest: Floats  # fen a season
    turnover: Floats  # fen a day by payment code
    cash: Floats  # withdrawals a month
    utility: Bools
    household: Bools  # somebody away sends money home
    text_fee: Bools
    school: Bools
    travel: tuple[Ints, Ints, Ints, Floats]  # who comes home for the festival, in, out, with how much


def make_habits(world: World) -> Habits:
    """Draw everybody's habits once."""
    p, n = world.people, len(world.people)
    rng = chance(world.seed, "habits")
    firm_day = 6 + rng.integers(0, 10, n)
    farmer = p.group == FARMER
    grows = farmer & p.engaged & (rng.random(n) < 0.34)
    gets = farmer & (rng.random(n) < np.where(p.engaged, 0.9, 0.15))
    harvest = np.where(grows, np.exp(rng.normal(np.log(11_500), 0.75, n)).clip(5_000, 80_000), 0.0) * YUAN
    return Habits(
        payday=np.where(p.employer >= 0, firm_day[p.employer], 10 + rng.integers(0, 11, n)),
        subsidy=np.where(gets, np.exp(rng.normal(np.log(800), 0.5, n)).clip(300, 2_000), 0.0).round() * YUAN,
        harvest=harvest,
        turnover=np.exp(rng.normal(np.log(900), 0.9, n)).clip(80, 20_000) * YUAN,
        cash=np.where(p.engaged, 0.25 + 0.7 * rng.random(n) * (p.age > 45) + 0.3, 0.0),
        utility=p.engaged & (rng.random(n) < 0.4),
        household=farmer & p.engaged & (rng.random(n) < 0.35),
        text_fee=p.engaged & (rng.random(n) < 0.25),
        school=p.engaged & (p.age > 34) & (p.age < 55) & (rng.random(n) < 0.3),
        travel=_travel(world, rng),
    )


def _travel(world: World, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Floats]:
    p = world.people
    who, come, go, sums = [], [], [], []
    for feast in SPRING_FESTIVALS:
        day = world.at.day(feast)
        if not -40 < day < world.at.days + 20:
            continue
        home = np.flatnonzero((p.group == MIGRANT) & (rng.random(len(p)) < np.where(p.engaged, 0.85, 0.25)))
        who.append(home)
        come.append(day - 15 + rng.integers(0, 22, len(home)))
        go.append(day + 10 + rng.integers(0, 19, len(home)))
        sums.append(
            np.maximum(p.wealth[home] * 0.45, 600 + 2500 * rng.random(len(home))) * rng.lognormal(0, 0.4, len(home)) * YUAN
        )
    if not who:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none, np.zeros(0)
    return np.concatenate(who), np.concatenate(come), np.concatenate(go), np.concatenate(sums)


def clock(rng: np.random.Generator, size: int, opens: float = 8.0, closes: float = 21.5) -> Ints:
    """Seconds of the day, more of them in the late morning and the afternoon."""
    hours = opens + (closes - opens) * (0.6 * rng.beta(2.2, 3.0, size) + 0.4 * rng.beta(4, 3.0, size))
    return np.asarray(hours * 3600, dtype=np.int64)


def alive(world: World, month: Month) -> Bools:
    """People with a number in this month who have neither died nor closed it."""
    out: Bools = (world.people.opened <= month.start) & (world.dead_from > month.end) & (world.shut_on > month.end)
    out[world.people.persons :] = False
    return out


def live(world: World, habits: Habits, month: Month) -> None:
    """Post a month's everyday movements of all people."""
    rng = chance(world.seed, "living", month.index)
    here = alive(world, month)
    busy = here & world.people.engaged
    busy &= ~world.gone | (rng.random(len(here)) < 0.35)
    income = _incomes(world, habits, month, here, rng)
    income += _acquiring(world, habits, month, busy, rng)
    outlay = _payments(world, month, busy, rng)
    outlay += _bills(world, habits, month, busy, rng)
    outlay += _cash(world, habits, month, busy, rng)
    _festival(world, habits, month, here, rng)
    _balance_books(world, habits, month, busy, income, outlay, rng)
    _draw_all(world, month, here & ~busy, rng)
    _sweep_wages(world, habits, month, busy, rng)
    _interest(world, month)


def _sum(world: World, who: Ints, fen: Floats) -> Floats:
    return np.bincount(who, fen, len(world.people)).astype(np.float64)


def _workday(world: World, month: Month, offset: Ints) -> Ints:
    """Day numbers of days of the month, moved off weekends."""
    day = month.start + np.minimum(offset, month.days) - 1
    weekday = (day + world.at.first.weekday()) % 7
    return np.where(weekday == 5, np.maximum(day - 1, month.start), np.where(weekday == 6, np.minimum(day + 1, month.end), day))


def _incomes(world: World, habits: Habits, month: Month, here: Bools, rng: np.random.Generator) -> Floats:
    p = world.people
    total = np.zeros(len(p))
    paid = np.flatnonzero(here & (p.wage > 0) & world.wage_here)
    fen = p.wage[paid] * YUAN * (1 + 0.03 * rng.standard_normal(len(paid))) * np.where(month.month == 1, 1.55, 1.0)
    second = 9 * 3600 + 60 * rng.integers(0, 90, len(paid))
    world.ledger.post(
        world.current[paid],
        _workday(world, month, habits.payday[paid]),
        second,
        fen,
        "DFGZ",
        party=world.current[p.employer[paid]] + 1,
    )
    total += _sum(world, paid, fen)
    old = np.flatnonzero(here & (p.wage < 0))
    fen = np.rint(-p.wage[old] * (1 + 0.03 * (month.index // 12))) * YUAN
    world.ledger.post(
        world.current[old], _workday(world, month, habits.payday[old]), 30_000 + rng.integers(0, 3000, len(old)), fen, "YLJ"
    )
    total += _sum(world, old, fen)
    farm = np.flatnonzero(here & (habits.subsidy > 0) & (5 + p.village % 4 == month.month))
    world.ledger.post(
        world.current[farm], _workday(world, month, 6 + p.village[farm] % 19), 33_000, habits.subsidy[farm], "HNBT"
    )
    total += _sum(world, farm, habits.subsidy[farm])
    if month.month in (7, 8, 10, 11):
        grow = np.flatnonzero(here & (habits.harvest > 0) & (rng.random(len(p)) < (0.5 if month.month in (7, 8) else 0.62)))
        fen = (habits.harvest[grow] * rng.lognormal(-0.05, 0.3, len(grow)) / 5000).round() * 5000
        world.ledger.post(
            world.current[grow], month.start + rng.integers(3, month.days, len(grow)), clock(rng, len(grow), 9, 17), fen, "LSK"
        )
    sends = np.flatnonzero(here & habits.household & (rng.random(len(p)) < 0.45))
    fen = (np.exp(rng.normal(np.log(1500), 0.6, len(sends)))).round(-2) * YUAN
    world.ledger.post(
        world.current[sends], month.start + rng.integers(0, month.days, len(sends)), clock(rng, len(sends)), fen, "WGHK"
    )
    return total + _sum(world, sends, fen)


def _acquiring(world: World, habits: Habits, month: Month, busy: Bools, rng: np.random.Generator) -> Floats:
    """Settlements of payment codes, the next morning; most of it goes on to suppliers."""
    who = np.flatnonzero(busy & (world.acquiring_from < month.start))
    days = np.arange(month.start, month.start + month.days)
    hit = rng.random((len(who), month.days)) < 0.85
    row, column = np.nonzero(hit)
    fen = habits.turnover[who[row]] * rng.lognormal(-0.2, 0.6, len(row)) * np.where(world.gone[who[row]], 0.2, 1.0)
    world.ledger.post(world.current[who[row]], days[column], 8 * 3600 + rng.integers(0, 1800, len(row)), fen, "SDJS")
    got = _sum(world, who[row], fen)
    for week in range(4):
        # a merchant who has grown distant leaves less of it here
        keeps = np.clip(0.22 - 0.07 * world.temper.distance[who, month.index], 0.03, 0.5)
        out = got[who] / 4 * (1 - keeps) * rng.lognormal(0, 0.15, len(who))
        own = rng.random(len(who)) < np.clip(0.25 + 0.2 * world.temper.distance[who, month.index], 0.05, 0.8)
        day = np.minimum(month.start + 7 * week + 4 + rng.integers(0, 4, len(who)), month.end)
        for mask, mark in ((own, "BRZC"), (~own, "GMZC")):
            world.ledger.post(
                world.current[who[mask]],
                day[mask],
                clock(rng, int(mask.sum()), 9, 18),
                -(out[mask] / 1000).round() * 1000,
                mark,
            )
    return got * 0.2


def _payments(world: World, month: Month, busy: Bools, rng: np.random.Generator) -> Floats:
    """Payments by phone: most rows of the bank, most of them small."""
    p = world.people
    weights = shopping_weights(world.at, month)
    rate = p.payments * np.exp(
        -0.12 * np.maximum(world.temper.distance[:, month.index], 0) + 0.12 * world.temper.need[:, month.index]
    )
    rate = np.where(busy, rate, 0.0) * np.where(world.gone, 0.3, 1.0) * weights.mean() * month.days / 31
    who = np.repeat(np.arange(len(p)), rng.poisson(rate))
    fen = np.exp(rng.normal(np.log(18 * YUAN), 1.25, len(who))).clip(1, 600_000)
    whole = rng.random(len(who))
    fen = np.where(
        whole < 0.5, np.maximum(np.rint(fen / 100), 1) * 100, np.where(whole < 0.8, np.maximum(np.rint(fen / 10), 1) * 10, fen)
    )
    day = month.start + pick(rng, weights, len(who))
    world.ledger.post(
        world.current[who], day, clock(rng, len(who), 6.5, 23.9), -fen, "KJZF", party=-1 - rng.integers(0, 4000, len(who))
    )
    out: Floats = rate * MEAN_PAYMENT
    return out


def _bills(world: World, habits: Habits, month: Month, busy: Bools, rng: np.random.Generator) -> Floats:
    p, n, post = world.people, len(world.people), world.ledger.post
    out = np.zeros(n)

    def bill(mask: Bools, fen: npt.NDArray[Any], mark: str, low: int, high: int, must: bool = False) -> None:
        who = np.flatnonzero(mask)
        day = month.start + np.minimum(rng.integers(low, high, len(who)), month.days - 1)
        post(world.current[who], day, clock(rng, len(who), 8, 20), -np.rint(fen[who] / 10) * 10, mark, must=must)
        out[who] += fen[who]

    bill(busy & habits.utility, np.exp(rng.normal(np.log(9_500), 0.5, n)), "SDQF", 4, 22)
    bill(busy & habits.text_fee, np.full(n, 200.0), "DXF", 24, 25)
    bill(busy & (rng.random(n) < 0.02 + 0.03 * (p.age > 62)), np.exp(rng.normal(np.log(30_000), 0.9, n)), "YBYF", 0, 30)
    if month.month == 2 or month.month == 8:
        low, high = (12, 27) if month.month == 2 else (20, 31)
        bill(busy & habits.school, np.exp(rng.normal(np.log(220_000), 0.6, n)).round(-4), "XF", low, high, must=True)
    if month.month in (11, 12):
        bill(busy & (rng.random(n) < 0.3), 40_000.0 * rng.integers(1, 4, n), "YBJF", 3, 28)
    toll = busy & (world.toll_from < month.start)
    for _ in range(2):
        bill(toll & (rng.random(n) < 0.8), np.exp(rng.normal(np.log(4_500), 0.6, n)), "ETCT", 0, 30)
    sent = np.repeat(np.arange(n), rng.poisson(np.where(busy, 0.18 + 0.012 * p.payments.clip(0, 60), 0.0)))
    fen = np.rint(np.exp(rng.normal(np.log(450), 0.9, len(sent)))).clip(20, 20_000) * YUAN
    mark = np.where(world.mobile_from[sent] <= month.start, 1, 0)
    for code, name in ((1, "SJZC"), (0, "POSX")):
        m = mark == code
        post(
            world.current[sent[m]],
            month.start + rng.integers(0, month.days, int(m.sum())),
            clock(rng, int(m.sum())),
            -fen[m],
            name,
        )
    return out + _sum(world, sent, fen)


def _cash(world: World, habits: Habits, month: Month, busy: Bools, rng: np.random.Generator) -> Floats:
    weights = cash_weights(world.at, month)
    distant = np.exp(0.25 * np.clip(world.temper.distance[:, month.index], -1, 3) * (world.people.age > 50))
    who = np.repeat(np.arange(len(busy)), rng.poisson(np.where(busy, habits.cash * weights.mean() * distant, 0.0)))
    fen = (np.exp(rng.normal(np.log(700), 0.8, len(who))) / 100).round().clip(1, 200) * 10_000
    held = world.ledger.balance[world.current[who]]
    fen = np.minimum(fen, np.maximum(held * 0.6 // 10_000 * 10_000, 10_000))
    mark = rng.random(len(who)) < 0.55
    day = month.start + pick(rng, weights, len(who))
    for mask, name in ((mark, "ATMQ"), (~mark, "GMQK")):
        world.ledger.post(world.current[who[mask]], day[mask], clock(rng, int(mask.sum()), 8.5, 17.5), -fen[mask], name)
    return _sum(world, who, fen)


def _festival(world: World, habits: Habits, month: Month, here: Bools, rng: np.random.Generator) -> None:
    who, come, go, fen = habits.travel
    fen = (fen / 10_000).round().clip(1) * 10_000
    for day, sign, marks in ((come, 1, ("GMCK", "WGHK")), (go, -1, ("GMQK", "SJZC"))):
        now = (day >= month.start) & (day <= month.end) & here[who]
        side = rng.random(len(who)) < 0.5
        for mask, mark in ((now & side, marks[0]), (now & ~side, marks[1])):
            world.ledger.post(world.current[who[mask]], day[mask], clock(rng, int(mask.sum()), 8.5, 17), sign * fen[mask], mark)


def _balance_books(
    world: World, habits: Habits, month: Month, busy: Bools, income: Floats, outlay: Floats, rng: np.random.Generator
) -> None:
    """People bring what their month needs and take away what they do not mean to keep here."""
    p, n = world.people, len(world.people)
    held = world.ledger.balance[world.current] - world.parked
    settled = busy & (world.leaving_from == NEVER)
    need = np.where(settled, outlay * 1.1 + world.target - held - income, 0.0)
    bring = np.flatnonzero(need > 3_000)
    parts = 1 + (need[bring] > 150_000) + (rng.random(len(bring)) < 0.3)
    who = np.repeat(bring, parts)
    fen = need[who] / np.repeat(parts, parts) * rng.lognormal(0, 0.25, len(who))
    fen = np.where(fen > 50_000, (fen / 10_000).round() * 10_000, (fen / 1_000).round().clip(1) * 1_000)
    how = rng.random(len(who)) + 0.3 * np.tanh(p.digital[who])
    marks = (
        ("GMCK", how < 0.35),
        ("SJZR", (how >= 0.35) & (how < 0.75)),
        ("BRZR", (how >= 0.75) & (how < 0.95)),
        ("PTTX", how >= 0.95),
    )
    day = month.start + np.minimum(rng.integers(0, 12, len(who)) + rng.integers(0, 12, len(who)), month.days - 1)
    for mark, mask in marks:
        world.ledger.post(world.current[who[mask]], day[mask], clock(rng, int(mask.sum()), 8, 18), fen[mask], mark)
    spare = np.where(settled, held + income - outlay - world.target * 1.25, 0.0)
    leave = np.flatnonzero((spare > 20_000) & (spare > world.target * 0.15) & (rng.random(n) < 0.8))
    # small sums go at once; the money of a harvest is spent over half a year
    out = spare[leave] * np.where(
        spare[leave] < 500_000, 0.5 + 0.5 * rng.random(len(leave)), 0.07 + 0.16 * rng.random(len(leave))
    )
    saves = (rng.random(len(leave)) < 0.25) & (spare[leave] > 400_000) & world.saver[leave]
    world.to_save[leave[saves]] = spare[leave[saves]] * (0.6 + 0.35 * rng.random(int(saves.sum())))
    leave, out = leave[~saves], out[~saves]
    fen = np.where(out > 50_000, (out / 10_000).round() * 10_000, (out / 1_000).round().clip(1) * 1_000)
    how = rng.random(len(leave)) + 0.25 * np.tanh(p.digital[leave])
    tie = 0.12 + 0.1 * np.clip(world.temper.distance[leave, month.index], -1, 3)
    draws = np.where(how < 0.35, 0, np.where(rng.random(len(leave)) < tie, 1, np.where(how < 0.6, 2, 3)))
    day = month.start + rng.integers(6, month.days, len(leave)) if month.days > 7 else month.end
    day = np.broadcast_to(day, len(leave))
    for code, mark in enumerate(("GMQK", "BRZC", "GMZC", "SJZC")):
        m = draws == code
        world.ledger.post(world.current[leave[m]], day[m], clock(rng, int(m.sum()), 9, 18), -fen[m], mark)


def _draw_all(world: World, month: Month, quiet: Bools, rng: np.random.Generator) -> None:
    """People who only come for their pension or subsidy draw all of it, some months later."""
    held = world.ledger.balance[world.current]
    over = held - world.target
    come = np.flatnonzero(quiet & (over > 12_000) & (rng.random(len(quiet)) < 0.55))
    large = over[come] > 500_000  # a large sum is not carried home in one day
    fen = np.where(large, over[come] * 0.15, over[come]).astype(np.int64) // 10_000 * 10_000
    side = rng.random(len(come)) < 0.4
    day = month.start + rng.integers(0, month.days, len(come))
    for mask, mark in ((side, "ATMQ"), (~side, "GMQK")):
        world.ledger.post(world.current[come[mask]], day[mask], clock(rng, int(mask.sum()), 8.5, 17), -fen[mask], mark)


def _sweep_wages(world: World, habits: Habits, month: Month, busy: Bools, rng: np.random.Generator) -> None:
    """Those who have grown distant send their wage on to their own account elsewhere within two days."""
    p = world.people
    distance = world.temper.distance[:, month.index]
    sweeps = busy & (p.wage > 0) & world.wage_here & (distance + 0.4 * p.digital + 0.5 * rng.standard_normal(len(p)) > 1.1)
    who = np.flatnonzero(sweeps)
    day = np.minimum(_workday(world, month, habits.payday[who]) + rng.integers(0, 3, len(who)), month.end)
    fen = (p.wage[who] * (0.6 + 0.35 * rng.random(len(who)))).round(-2) * YUAN
    world.ledger.post(world.current[who], day, 12 * 3600 + rng.integers(0, 30_000, len(who)), -fen, "BRZC")


def _interest(world: World, month: Month) -> None:
    """Interest on current accounts, on the 21st of a quarter's last month, from the cumulated daily balances."""
    if month.month % 3 or month.days < 21:
        return
    first = world.ledger.balance[world.current].astype(np.float64)
    fen = np.rint((world.cumulated + first * 20.0) * world.rate("CUR", month.start) / 360)
    paid = np.flatnonzero((fen > 0) & (world.shut_on == NEVER))
    world.ledger.post(world.current[paid], month.start + 20, 1_800, fen[paid], "JX")
    world.cumulated = -first * 20.0
