"""Whom the planted stories are about, chosen before the first day; what is told when follows from the last month."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Bools, Ints, chance
from sources.demo.groups import FARMER, MERCHANT, PUBLIC
from sources.demo.leaving import moved_month
from sources.demo.stories import told_of
from sources.demo.world import NEVER, World


def plan(world: World) -> None:
    """Choose everybody of every story."""
    p = world.people
    plain = (p.opened < -100) & (p.twin_of < 0) & (world.dead_from == NEVER) & (np.arange(len(p)) < p.persons)
    _land(world, plain)
    _teachers(world, plain)
    shop = _merchant(world, plain)
    couple = _couple(world, plain)
    _ring(world, plain, shop)
    _outlet(world, plain)
    _parkers(world)
    world.spared[couple] = True
    for name in world.stories.keys() - {"outlet_moved"}:
        world.told[told_of(world, name)] = True
    if len(couple) == 2:
        world.dead_from[couple[1]] = world.at.months[max(1, _last(world) - 4)].start + 9


def _last(world: World) -> int:
    return len(world.at.months) - 1


def _tell_of(world: World, name: str, who: Ints, zh: str, en: str, **facts: object) -> None:
    world.stories[name] = {"customers": world.people.ids.take(who).to_pylist(), "rows": who, **facts, "zh": zh, "en": en}


def _land(world: World, plain: Bools) -> None:
    rng, p, network = chance(world.seed, "stories"), world.people, world.network
    rural = np.flatnonzero(~network.grid_urban)
    farmers = np.bincount(p.village[plain & (p.group == FARMER)], minlength=len(network.grid_ids))
    village = int(rural[np.argmax(farmers[rural])])
    paid = np.flatnonzero(plain & (p.village == village) & (p.age > 20) & (rng.random(len(p)) < 0.7))
    facts = {"day": 14, "village": network.grid_names[village], "grid_id": network.grid_ids[village]}
    en = "A whole village is paid for its land"
    _tell_of(world, "land_compensation", paid, "整村征地补偿款到账", en, month=max(0, _last(world) - 5), **facts)


def _teachers(world: World, plain: Bools) -> None:
    p = world.people
    teachers = plain & (p.group == PUBLIC) & world.wage_here
    schools = np.bincount(p.employer[teachers], minlength=len(p)) if teachers.any() else np.zeros(len(p))
    school = int(np.argmax(schools))
    staff = np.flatnonzero(teachers & (p.employer == school))
    facts = {"employer": p.ids[school].as_py(), "employer_name": p.names[school].as_py()}
    en = "A school moves its payroll to another bank"
    _tell_of(world, "teachers_payroll", staff, "教师代发工资转到他行", en, month=max(0, _last(world) - 6), **facts)


def _merchant(world: World, plain: Bools) -> Ints:
    p = world.people
    free = (world.acquiring_from == NEVER) & ~np.isin(np.arange(len(p)), world.loans["owner"])
    shops = np.flatnonzero(plain & (p.group == MERCHANT) & p.engaged & free)
    shops = np.concatenate([shops[p.wealth[shops] < 10_000], shops])  # money of other kinds would drown the story
    shop = shops[:1] if len(shops) else np.flatnonzero(plain)[:1]
    world.holdings.add(
        owner=shop,
        product=np.full(1, "SKM", dtype="U4"),
        started=np.full(1, -200),
        activated=np.full(1, -200),
        ended=np.full(1, NEVER),
        how=np.full(1, 0),
    )
    en = "A merchant moves four fifths out every day"
    _tell_of(world, "merchant_settles_out", shop, "收款码结算款每日转出八成", en, month=max(1, _last(world) - 8))
    return shop


def _couple(world: World, plain: Bools) -> Ints:
    p, last = world.people, _last(world)
    wives = np.flatnonzero(plain & p.woman & (p.age > 66) & (p.age < 80) & (p.manager < 0))
    men = np.flatnonzero(plain & ~p.woman & (p.age > 66) & (p.age < 84))
    couple = np.concatenate([wives[:1], men[:1]])
    facts = {"died": max(1, last - 4), "matures": "the month after the last day"}
    en = "Two deposits of a widow and her late husband mature together"
    _tell_of(world, "widow_joint_maturity", couple, "丧偶老人夫妻两笔定期同日到期", en, month=max(0, last - 11), **facts)
    return couple


def _ring(world: World, plain: Bools, shop: Ints) -> None:
    p, last = world.people, _last(world)
    ring = np.setdiff1d(np.flatnonzero(plain & (p.group == MERCHANT) & p.engaged & (p.age < 60) & (p.age > 28)), shop)
    ring = np.setdiff1d(ring, world.loans["owner"])[:5]
    if len(ring) < 5:
        ring = np.setdiff1d(np.flatnonzero(plain & (p.age < 60)), world.loans["owner"])[:5]
    en = "Five borrowers guarantee one another; one is overdue"
    months = {"month": max(0, last - 14), "late": max(1, last - 1)}
    _tell_of(world, "guarantor_ring", ring, "五户联保互保圈，一户已逾期", en, **months)


def _outlet(world: World, plain: Bools) -> None:
    moved, network = world.network.moved, world.network
    movers = np.flatnonzero(plain & (world.people.branch == moved))
    facts = {"branch_id": network.branch_ids[moved], "branch": network.branch_names[moved]}
    en = "An outlet moved three kilometres"
    _tell_of(world, "outlet_moved", movers, "网点搬迁三公里", en, month=moved_month(world), **facts)


def _parkers(world: World) -> None:
    rng, p = chance(world.seed, "stories", "parkers"), world.people
    able = np.flatnonzero(
        (p.wealth > 30_000) & p.engaged & (p.opened < -200) & (np.arange(len(p)) < p.persons) & (world.dead_from == NEVER)
    )
    able = np.setdiff1d(
        able, np.concatenate([told_of(world, name) for name in ("merchant_settles_out", "widow_joint_maturity")])
    )
    parkers = np.sort(rng.permutation(able)[: max(1, round(len(p) * 0.0042))])
    en = "Deposits in on the 29th, out on the 2nd"
    _tell_of(world, "quarter_end_parking", parkers, "季末冲时点：29日存入，次月2日转出", en, month=0)
