"""What a banker will look for: planted stories, and the bulge at a quarter's end."""

from __future__ import annotations

import datetime as dt

import numpy as np

from sources.demo.chance import Ints, chance
from sources.demo.leaving import moved_month
from sources.demo.lending import disburse, grant
from sources.demo.living import YUAN, clock
from sources.demo.people import FARMER, MERCHANT, PUBLIC
from sources.demo.saving import heap_floor, open_terms
from sources.demo.seasons import Month
from sources.demo.world import NEVER, World


def plan(world: World) -> None:
    """Choose whom the stories are about. What is told when follows from the last month."""
    rng, p, last = chance(world.seed, "stories"), world.people, len(world.at.months) - 1
    plain = (p.opened < -100) & (p.twin_of < 0) & (world.dead_from == NEVER) & (np.arange(len(p)) < p.persons)
    rural = np.flatnonzero(~world.network.grid_urban)
    village = int(
        rural[np.argmax(np.bincount(p.village[plain & (p.group == FARMER)], minlength=len(world.network.grid_ids))[rural])]
    )
    paid = np.flatnonzero(plain & (p.village == village) & (p.age > 20) & (rng.random(len(p)) < 0.7))
    _tell_of(
        world,
        "land_compensation",
        paid,
        month=max(0, last - 5),
        day=14,
        village=world.network.grid_names[village],
        grid_id=world.network.grid_ids[village],
        zh="整村征地补偿款到账",
        en="A whole village is paid for its land",
    )
    teachers = plain & (p.group == PUBLIC) & world.wage_here
    schools = np.bincount(p.employer[teachers], minlength=len(p)) if teachers.any() else np.zeros(len(p))
    school = int(np.argmax(schools))
    staff = np.flatnonzero(teachers & (p.employer == school))
    _tell_of(
        world,
        "teachers_payroll",
        staff,
        month=max(0, last - 6),
        employer=p.ids[school],
        employer_name=p.names[school],
        zh="教师代发工资转到他行",
        en="A school moves its payroll to another bank",
    )
    shops = np.flatnonzero(
        plain
        & (p.group == MERCHANT)
        & p.engaged
        & (world.acquiring_from == NEVER)
        & ~np.isin(np.arange(len(p)), world.loans["owner"])
    )
    shop = shops[:1] if len(shops) else np.flatnonzero(plain)[:1]
    world.holdings.add(
        owner=shop,
        product=np.full(1, "SKM", dtype="U4"),
        started=np.full(1, -200),
        activated=np.full(1, -200),
        ended=np.full(1, NEVER),
        how=np.full(1, 0),
    )
    _tell_of(
        world,
        "merchant_settles_out",
        shop,
        month=max(1, last - 8),
        zh="收款码结算款每日转出八成",
        en="A merchant moves four fifths out every day",
    )
    wives = np.flatnonzero(plain & p.woman & (p.age > 66) & (p.age < 80) & (p.manager < 0))
    men = np.flatnonzero(plain & ~p.woman & (p.age > 66) & (p.age < 84))
    couple = np.concatenate([wives[:1], men[:1]])
    _tell_of(
        world,
        "widow_joint_maturity",
        couple,
        month=max(0, last - 11),
        died=max(1, last - 4),
        matures="the month after the last day",
        zh="丧偶老人夫妻两笔定期同日到期",
        en="Two deposits of a widow and her late husband mature together",
    )
    ring = np.setdiff1d(np.flatnonzero(plain & (p.group == MERCHANT) & p.engaged & (p.age < 60) & (p.age > 28)), shop)
    ring = np.setdiff1d(ring, world.loans["owner"])[:5]
    if len(ring) < 5:
        ring = np.setdiff1d(np.flatnonzero(plain & (p.age < 60)), world.loans["owner"])[:5]
    _tell_of(
        world,
        "guarantor_ring",
        ring,
        month=max(0, last - 14),
        late=max(1, last - 1),
        zh="五户联保互保圈，一户已逾期",
        en="Five borrowers guarantee one another; one is overdue",
    )
    movers = np.flatnonzero(plain & (p.branch == world.network.moved))
    _tell_of(
        world,
        "outlet_moved",
        movers,
        month=moved_month(world),
        branch_id=world.network.branch_ids[world.network.moved],
        branch=world.network.branch_names[world.network.moved],
        zh="网点搬迁三公里",
        en="An outlet moved three kilometres",
    )
    parkers = _parkers(world)
    _tell_of(
        world,
        "quarter_end_parking",
        parkers,
        month=0,
        zh="季末冲时点：29日存入，次月2日转出",
        en="Deposits in on the 29th, out on the 2nd",
    )
    world.spared[couple] = True
    for name in world.stories.keys() - {"outlet_moved"}:
        world.told[_who(world, name)] = True
    if len(couple) == 2:
        world.dead_from[couple[1]] = world.at.months[max(1, last - 4)].start + 9


def _tell_of(world: World, name: str, who: Ints, **facts: object) -> None:
    world.stories[name] = {"customers": [world.people.ids[i] for i in who], "rows": who, **facts}


def _who(world: World, name: str) -> Ints:
    return np.asarray(world.stories[name]["rows"], dtype=np.int64)


def _when(world: World, name: str, key: str = "month") -> int:
    return int(str(world.stories[name][key]))


def _parkers(world: World) -> Ints:
    rng, p = chance(world.seed, "stories", "parkers"), world.people
    able = np.flatnonzero(
        (p.wealth > 30_000) & p.engaged & (p.opened < -200) & (np.arange(len(p)) < p.persons) & (world.dead_from == NEVER)
    )
    return np.sort(rng.permutation(able)[: max(1, round(len(p) * 0.0034))])


def tell(world: World, month: Month) -> None:
    """What the stories bring this month."""
    _land(world, month)
    if month.index == _when(world, "teachers_payroll"):
        staff = _who(world, "teachers_payroll")
        world.wage_here[staff] = False
        world.wage_lost[staff] = month.index
        world.event(staff, month.start, "wage_lost")
    elif month.index > _when(world, "teachers_payroll"):
        world.wage_here[_who(world, "teachers_payroll")] = False
    _merchant(world, month)
    _couple(world, month)
    _ring(world, month)
    _park(world, month)


def _land(world: World, month: Month) -> None:
    if month.index != _when(world, "land_compensation"):
        return
    rng, who = chance(world.seed, "stories", "land"), _who(world, "land_compensation")
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
    rng, who = chance(world.seed, "stories", "merchant", month.index), _who(world, "merchant_settles_out")
    days = np.arange(month.start, month.end + 1)
    fen = np.rint(1_550 * YUAN * rng.lognormal(0, 0.35, len(days)))
    account = np.repeat(world.current[who], len(days))
    world.ledger.post(account, days, 8 * 3600 + 600, fen, "SDJS")
    daily = month.index >= _when(world, "merchant_settles_out")
    turns = slice(None) if daily else slice(6, None, 7)
    share = 0.8 if daily else 1.9
    world.ledger.post(
        account[turns], days[turns], 8 * 3600 + 2400, -np.rint(fen[turns] * share / 100) * 100, "BRZC" if daily else "GMZC"
    )


def _couple(world: World, month: Month) -> None:
    who = _who(world, "widow_joint_maturity")
    if month.index != _when(world, "widow_joint_maturity") or len(who) < 2 or month.days < 20:
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
    who = _who(world, "guarantor_ring")
    if month.index == _when(world, "guarantor_ring"):
        rng = chance(world.seed, "stories", "ring")
        rows = grant(
            world, who, np.full(len(who), month.start + 10), "business_loan", rng, amount=np.full(len(who), 300_000 * YUAN)
        )
        world.loans["matures"][rows] = month.start + 10 + 1096
        world.loans["kind"][rows], world.loans["months"][rows], world.loans["instalment"][rows] = 2, 36, 0
        disburse(world, rows, rng, month)
        world.stories["guarantor_ring"]["loans"] = rows
    if month.index == _when(world, "guarantor_ring", "late") and "loans" in world.stories["guarantor_ring"]:
        row = np.asarray(world.stories["guarantor_ring"]["loans"])[:1]
        if world.loans["late"][row[0]] == NEVER and world.loans["closed"][row[0]] == NEVER:
            world.loans["late"][row] = month.start + 2
            world.loans["owed"][row] = 1_300 * YUAN


def _park(world: World, month: Month) -> None:
    """Two percent more on the quarter's last days, gone in three: the grading trick."""
    who = _who(world, "quarter_end_parking")
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
        month = world.at.months[_when(world, name)]
        out[name] = plain | {"from": dt.date(month.year, month.month, 1).isoformat()}
        if "loans" in story:
            out[name]["loans"] = [loan_id(int(row)) for row in np.asarray(story["loans"])]
    return out


def loan_id(row: int) -> str:
    """The number of a loan's row."""
    return str(2_039_000_000_000 + row)
