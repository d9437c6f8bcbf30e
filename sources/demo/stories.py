"""What a banker will look for: the planted stories as the months tell them, and the bulge at a quarter's end."""

from __future__ import annotations

import datetime as dt

import numpy as np

from sources.demo.chance import Ints, chance
from sources.demo.loans import disburse, grant
from sources.demo.seasons import Month, clock
from sources.demo.terms import heap_floor, open_terms
from sources.demo.world import NEVER, YUAN, World


def tell(world: World, month: Month) -> None:
    """What the stories bring this month."""
    _land(world, month)
    if month.index == month_of(world, "teachers_payroll"):
        staff = told_of(world, "teachers_payroll")
        world.wage_here[staff] = False
        world.wage_lost[staff] = month.index
        world.event(staff, month.start, "wage_lost")
    elif month.index > month_of(world, "teachers_payroll"):
        world.wage_here[told_of(world, "teachers_payroll")] = False
    _merchant(world, month)
    _couple(world, month)
    _ring(world, month)
    _park(world, month)


def _land(world: World, month: Month) -> None:
    if month.index != month_of(world, "land_compensation"):
        return
    rng, who = chance(world.seed, "stories", "land"), told_of(world, "land_compensation")
    fen = (rng.normal(165_000, 60_000, len(who)).clip(40_000, 420_000) / 100).round() * 100 * YUAN
    day = np.full(len(who), min(month.start + 14, month.end))
    world.ledger.post(world.current[who], day, 9 * 3600 + 1800 + np.arange(len(who)), fen, "ZDK")
    keeps = rng.random(len(who)) < 0.55
    saves = who[keeps]
    sums = heap_floor(fen[keeps] * 0.7)
    later = np.minimum(day[keeps] + rng.integers(1, 9, len(saves)), month.end)
    open_terms(world, saves, np.full(len(saves), "T01Y", dtype="U4"), later, clock(rng, len(saves), 9, 16), sums, rng)
    world.target[who] += np.where(keeps, 0.2, 0.55) * fen


def _merchant(world: World, month: Month) -> None:
    rng, who = chance(world.seed, "stories", "merchant", month.index), told_of(world, "merchant_settles_out")
    days = np.arange(month.start, month.end + 1)
    fen = np.rint(1_550 * YUAN * rng.lognormal(0, 0.35, len(days)))
    account = np.repeat(world.current[who], len(days))
    world.ledger.post(account, days, 8 * 3600 + 600, fen, "SDJS")
    daily = month.index >= month_of(world, "merchant_settles_out")
    turns = slice(None) if daily else slice(6, None, 7)
    share = 0.8 if daily else 1.9
    world.ledger.post(
        account[turns], days[turns], 8 * 3600 + 2400, -np.rint(fen[turns] * share / 100) * 100, "BRZC" if daily else "GMZC"
    )


def _couple(world: World, month: Month) -> None:
    who = told_of(world, "widow_joint_maturity")
    if month.index != month_of(world, "widow_joint_maturity") or len(who) < 2 or month.days < 20:
        return
    rng, after = chance(world.seed, "stories", "couple"), world.at.days + 17
    day = after - 365  # a year before the eighteenth of the coming month
    if not month.start <= day <= month.end:
        day = month.start + 17
    sums = np.array([80_000, 120_000]) * YUAN
    account = open_terms(world, who, np.full(2, "T01Y", dtype="U4"), np.full(2, day), np.full(2, 37_000), sums, rng, "GMCK")
    mine = np.isin(world.terms["account"], account)
    world.terms["rollover"][mine] = 0
    if month.index == len(world.at.months) - 12:
        world.terms["matures"][mine] = after


def _ring(world: World, month: Month) -> None:
    who = told_of(world, "guarantor_ring")
    if month.index == month_of(world, "guarantor_ring"):
        rng = chance(world.seed, "stories", "ring")
        rows = grant(
            world, who, np.full(len(who), month.start + 10), "business_loan", rng, amount=np.full(len(who), 300_000 * YUAN)
        )
        world.loans["matures"][rows] = month.start + 10 + 1096
        world.loans["kind"][rows], world.loans["months"][rows], world.loans["instalment"][rows] = 2, 36, 0
        disburse(world, rows, rng, month)
        world.stories["guarantor_ring"]["loans"] = rows
    if month.index == month_of(world, "guarantor_ring", "late") and "loans" in world.stories["guarantor_ring"]:
        row = np.asarray(world.stories["guarantor_ring"]["loans"])[:1]
        if world.loans["late"][row[0]] == NEVER and world.loans["closed"][row[0]] == NEVER:
            world.loans["late"][row] = month.start + 2
            world.loans["owed"][row] = 1_300 * YUAN


def _park(world: World, month: Month) -> None:
    """Two percent more on the quarter's last days, gone in three: the grading trick."""
    who = told_of(world, "quarter_end_parking")
    who = who[~world.gone[who] & (world.leaving_from[who] == NEVER)]
    out = np.flatnonzero(world.parked > 0)
    if len(out):
        rng = chance(world.seed, "stories", "unpark", month.index)
        day = month.start + rng.integers(0, 3, len(out))
        day[0] = min(month.start + 1, month.end)
        world.ledger.post(world.current[out], day, clock(rng, len(out), 9, 16), -world.parked[out], "BRZC")
    if month.month % 3 or month.days < 28:
        return
    rng = chance(world.seed, "stories", "park", month.index)
    comes = who[(rng.random(len(who)) < 0.75) | (np.arange(len(who)) == 0)]
    fen = (np.exp(rng.normal(np.log(180_000), 0.5, len(comes))) / 10_000).round().clip(2) * 10_000 * YUAN
    day = month.end - rng.integers(0, 3, len(comes))
    day[:1] = month.end - 1
    world.ledger.post(world.current[comes], day, clock(rng, len(comes), 9, 16), fen, "BRZR")
    world.arriving = (comes, fen)


def settle(world: World) -> None:
    """After a month is booked: what was parked is gone, what came is parked."""
    world.parked[:] = 0
    if world.arriving is not None:
        world.parked[world.arriving[0]] = world.arriving[1]
        world.arriving = None


def facts(world: World) -> dict[str, dict[str, object]]:
    """The stories as told: customers and dates."""
    out: dict[str, dict[str, object]] = {}
    for name, story in sorted(world.stories.items()):
        plain = {k: v for k, v in story.items() if k not in ("rows", "loans", "month", "late", "died")}
        month = world.at.months[month_of(world, name)]
        out[name] = plain | {"from": dt.date(month.year, month.month, 1).isoformat()}
        if "loans" in story:
            out[name]["loans"] = [loan_id(int(row)) for row in np.asarray(story["loans"])]
    return out


def loan_id(row: int) -> str:
    """The number of a loan's row."""
    return str(2_039_000_000_000 + row)


def told_of(world: World, name: str) -> Ints:
    return np.asarray(world.stories[name]["rows"], dtype=np.int64)


def month_of(world: World, name: str, key: str = "month") -> int:
    return int(str(world.stories[name][key]))
