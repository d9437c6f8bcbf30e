"""Whom the planted stories are about, chosen before the first day."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Ints, chance
from sources.demo.leaving import moved_month
from sources.demo.people import FARMER, MERCHANT, PUBLIC
from sources.demo.stories import told_of
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
    tell_of(
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
    tell_of(
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
    tell_of(
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
    tell_of(
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
    tell_of(
        world,
        "guarantor_ring",
        ring,
        month=max(0, last - 14),
        late=max(1, last - 1),
        zh="五户联保互保圈，一户已逾期",
        en="Five borrowers guarantee one another; one is overdue",
    )
    movers = np.flatnonzero(plain & (p.branch == world.network.moved))
    tell_of(
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
    tell_of(
        world,
        "quarter_end_parking",
        parkers,
        month=0,
        zh="季末冲时点：29日存入，次月2日转出",
        en="Deposits in on the 29th, out on the 2nd",
    )
    world.spared[couple] = True
    for name in world.stories.keys() - {"outlet_moved"}:
        world.told[told_of(world, name)] = True
    if len(couple) == 2:
        world.dead_from[couple[1]] = world.at.months[max(1, last - 4)].start + 9


def tell_of(world: World, name: str, who: Ints, **facts: object) -> None:
    world.stories[name] = {"customers": [world.people.ids[i] for i in who], "rows": who, **facts}


def _parkers(world: World) -> Ints:
    rng, p = chance(world.seed, "stories", "parkers"), world.people
    able = np.flatnonzero(
        (p.wealth > 30_000) & p.engaged & (p.opened < -200) & (np.arange(len(p)) < p.persons) & (world.dead_from == NEVER)
    )
    return np.sort(rng.permutation(able)[: max(1, round(len(p) * 0.0034))])
