"""What goes out in a month: the phone at the till, bills, cash for the festival."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sources.demo.chance import Bools, Floats, pick
from sources.demo.habits import Habits
from sources.demo.incomes import by_customer
from sources.demo.seasons import Month, cash_weights, clock, shopping_weights
from sources.demo.world import YUAN, World

MEAN_PAYMENT = 40 * YUAN


def payments(world: World, month: Month, busy: Bools, rng: np.random.Generator) -> Floats:
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


def bills(world: World, habits: Habits, month: Month, here: Bools, busy: Bools, rng: np.random.Generator) -> Floats:
    p, n, post = world.people, len(world.people), world.ledger.post
    out = np.zeros(n)

    def bill(mask: Bools, fen: npt.NDArray[Any], mark: str, low: int, high: int, must: bool = False) -> None:
        who = np.flatnonzero(mask)
        day = month.start + np.minimum(rng.integers(low, high, len(who)), month.days - 1)
        post(world.current[who], day, clock(rng, len(who), 8, 20), -np.rint(fen[who] / 10) * 10, mark, must=must)
        out[who] += fen[who]

    bill(busy & habits.utility, np.exp(rng.normal(np.log(9_500), 0.5, n)), "SDQF", 4, 22)
    bill(here & habits.text_fee, np.full(n, 200.0), "DXF", 24, 25)
    bill(busy & (rng.random(n) < 0.02 + 0.03 * (p.age > 62)), np.exp(rng.normal(np.log(30_000), 0.9, n)), "YBYF", 0, 30)
    if month.month == 2 or month.month == 8:
        low, high = (12, 27) if month.month == 2 else (20, 31)
        bill(busy & habits.school, np.exp(rng.normal(np.log(220_000), 0.6, n)).round(-4), "XF", low, high, must=True)
    if month.month in (11, 12):
        bill(busy & (rng.random(n) < 0.3), 40_000.0 * rng.integers(1, 4, n), "YBJF", 3, 28)
    toll = busy & (world.toll_from < month.start)
    for _ in range(2):
        bill(toll & (rng.random(n) < 0.8), np.exp(rng.normal(np.log(4_500), 0.6, n)), "ETCT", 0, 30)
    sent = np.repeat(np.arange(n), rng.poisson(np.where(busy, 0.75 + 0.020 * p.payments.clip(0, 60), 0.0)))
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
    return out + by_customer(world, sent, fen)


def cash(world: World, habits: Habits, month: Month, busy: Bools, rng: np.random.Generator) -> Floats:
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
    return by_customer(world, who, fen)


def festival(world: World, habits: Habits, month: Month, here: Bools, rng: np.random.Generator) -> None:
    who, come, go, fen = habits.travel
    fen = (fen / 10_000).round().clip(1) * 10_000
    for day, sign, marks in ((come, 1, ("GMCK", "WGHK")), (go, -1, ("GMQK", "SJZC"))):
        now = (day >= month.start) & (day <= month.end) & here[who]
        side = rng.random(len(who)) < 0.5
        for mask, mark in ((now & side, marks[0]), (now & ~side, marks[1])):
            world.ledger.post(world.current[who[mask]], day[mask], clock(rng, int(mask.sum()), 8.5, 17), sign * fen[mask], mark)
