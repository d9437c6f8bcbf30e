"""What is kept about customers beside their money: contracts, kin, merged numbers, contacts, consents, suppressions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sources.demo import dirt
from sources.demo.chance import Ints, chance
from sources.demo.contacts import CHANNELS, OUTCOMES
from sources.demo.files import days, write_delimited
from sources.demo.groups import OTHER
from sources.demo.registers import frozen_of, staff_of
from sources.demo.temper import OFFERS
from sources.demo.world import NEVER, World

OPEN_END = "99991231"
HOW = ("1", "2", "3")


def write(world: World, raw: Path, stamp: str) -> None:
    """All tables of this module."""
    _holdings(world, raw, stamp)
    _links(world, raw, stamp)
    _merges(world, raw, stamp)
    _contacts(world, raw, stamp)
    _consents(world, raw, stamp)
    _suppressions(world, raw, stamp)


def _until(world: World, day: Ints, sentinel: str = OPEN_END) -> list[str]:
    known = day < world.at.days
    return days(world.at.dates(np.where(known, day, 0)), ~known, sentinel)


def _holdings(world: World, raw: Path, stamp: str) -> None:
    h, p = world.holdings, world.people
    lost = np.full(len(p), NEVER, dtype=np.int64)
    stops = world.events["kind"] == "wage_lost"
    lost[world.events["who"][stops]] = world.events["day"][stops]
    lost[world.wage_here] = NEVER
    ended = np.where(h["product"] == "DFGZ", np.maximum(lost[h["owner"]], h["started"]), h["ended"])
    ended = np.minimum(ended, world.shut_on[h["owner"]])  # a contract ends with the last account
    keep = h["started"] < world.at.days
    rows = np.flatnonzero(keep)
    write_delimited(
        raw,
        f"CIF_QYCP_{stamp}",
        [
            [p.ids[i] for i in h["owner"][rows]],
            [str(x) for x in h["product"][rows]],
            days(world.at.dates(h["started"][rows])),
            _until(world, h["activated"][rows], "00000000"),
            _until(world, ended[rows]),
            [HOW[x] for x in h["how"][rows]],
        ],
        "@|@",
    )


def _links(world: World, raw: Path, stamp: str) -> None:
    """CIF_GX: 1 household, 2 spouse, 3 guarantor, 4 legal representative, 6 employer."""
    p, rng = world.people, chance(world.seed, "links")
    persons = np.flatnonzero((np.arange(len(p)) < p.persons) & (p.twin_of < 0) & (p.opened < 0))
    wives, men = (persons[(p.woman[persons] == w) & (p.age[persons] > 24)] for w in (True, False))
    rows: list[tuple[int, int, str, int, int]] = []
    by_home: dict[int, list[int]] = {}
    for i in men[np.argsort(p.age[men], kind="stable")]:
        by_home.setdefault(int(p.village[i]), []).append(int(i))
    wanted = max(1, round(0.02 * len(p)))
    for w in rng.permutation(wives):
        pool = by_home.get(int(p.village[w]), [])
        near = [m for m in pool if abs(p.age[m] - p.age[w]) < 7]
        if near and wanted > 0:
            pool.remove(near[0])
            rows.append((int(w), near[0], "2" if rng.random() < 0.6 else "1", -int(rng.integers(30, 3000)), NEVER))
            wanted -= 1
    couple = np.asarray(world.stories["widow_joint_maturity"]["rows"])
    if len(couple) == 2:
        rows.append((int(couple[0]), int(couple[1]), "2", -9_000, NEVER))
    ring = np.asarray(world.stories["guarantor_ring"]["rows"])
    begun = world.at.months[int(str(world.stories["guarantor_ring"]["month"]))].start + 10
    rows += [(int(a), int(b), "3", begun, NEVER) for a, b in zip(ring, np.roll(ring, -1), strict=True) if a != b]
    firms = np.arange(p.persons, len(p))
    heads = rng.permutation(persons[(p.age[persons] > 32) & (p.age[persons] < 62) & p.engaged[persons]])[: len(firms)]
    rows += [(int(h), int(f), "4", -1_000, NEVER) for h, f in zip(heads, firms, strict=False)]
    paid = np.flatnonzero((p.wage > 0) & (p.opened < world.at.days))
    rows += [(int(i), int(p.employer[i]), "6", int(max(p.opened[i], -1_500)), int(world.shut_on[i])) for i in paid]
    rows.sort(key=lambda r: (r[0], r[1], r[2], r[3]))
    a, b, kind, begin, end = zip(*rows, strict=True)
    write_delimited(
        raw,
        f"CIF_GX_{stamp}",
        [
            [p.ids[i] for i in a],
            [p.ids[i] for i in b],
            list(kind),
            days(world.at.dates(np.array(begin))),
            _until(world, np.array(end)),
        ],
        "|+|",
    )


def _merges(world: World, raw: Path, stamp: str) -> None:
    """CIF_HB: numbers of one person put together, some in two steps, a few undone."""
    p, rng = world.people, chance(world.seed, "merges")
    second = np.flatnonzero(p.twin_of >= 0)
    second = second[rng.random(len(second)) < 0.75] if len(second) > 3 else second
    target, day = (
        p.twin_of[second].copy(),
        rng.integers(30, world.at.days - 5, len(second)) if len(second) else np.zeros(0, dtype=np.int64),
    )
    order = np.lexsort((second, target))
    second, target, day = second[order], target[order], day[order]
    for i in range(len(second) - 1):  # A into B, later B into C
        if target[i] == target[i + 1]:
            target[i], day[i] = second[i + 1], min(day[i], day[i + 1] - 3)
    undone = np.where(rng.random(len(second)) < 0.03, np.minimum(day + 40, world.at.days - 1), NEVER)
    write_delimited(
        raw,
        f"CIF_HB_{stamp}",
        [[p.ids[i] for i in second], [p.ids[i] for i in target], days(world.at.dates(day)), _until(world, undone, "00000000")],
        "|+|",
    )


def _contacts(world: World, raw: Path, stamp: str) -> None:
    """MKT_CJ: contacts and the control group, with what was said; some lines twice, one code nobody knows."""
    c, p = world.contacts, world.people
    order = np.lexsort((c["offer"], c["who"], c["day"]))
    col = {name: values[order] for name, values in c.columns.items()}
    said = col["outcome"]
    numbers = [f"CJ{i + 1:09d}" for i in range(len(said))]
    persons = [p.ids[i] for i in col["who"]]
    outcome = [OUTCOMES[s] if s >= 0 else "" for s in said]
    reached = np.flatnonzero(said >= 0)
    for i in dirt.some(world, "visit_outcome_unknown", reached[::2], 0.003, numbers):
        outcome[i] = "99"
    for i in dirt.some(world, "contact_without_customer", reached[1::2], 0.002, numbers):
        persons[i] = "9999999999"
    twice = dirt.some(world, "double_contact", np.setdiff1d(np.arange(len(said)), []), 0.002, numbers)
    at = np.sort(np.concatenate([np.arange(len(said)), twice]))
    keeper = ["" if m < 0 else world.network.manager_ids[m] for m in col["manager"]]
    told = said >= 0
    columns = [
        numbers,
        persons,
        keeper,
        [OFFERS[o] for o in col["offer"]],
        [CHANNELS[x] if t else "" for x, t in zip(col["channel"], told, strict=True)],
        days(world.at.dates(col["day"])),
        ["" if np.isnan(x) else f"{x:.2f}" for x in col["probability"]],
        [str(x) for x in col["arm"]],
        outcome,
        days(world.at.dates(col["said_on"]), ~told),
    ]
    write_delimited(raw, f"MKT_CJ_{stamp}", [[column[i] for i in at] for column in columns], "|+|")


def _consents(world: World, raw: Path, stamp: str) -> None:
    """MKT_SQ: what customers have agreed to and taken back."""
    p, rng = world.people, chance(world.seed, "consents")
    persons = np.flatnonzero((np.arange(len(p)) < p.persons) & (p.opened < world.at.days - 3))
    given = persons[world.consent[persons] == 1]
    refused = persons[world.consent[persons] == 0]
    regrets = refused[rng.random(len(refused)) < 0.5]
    served = persons[rng.random(len(persons)) < 0.9]
    machine = given[rng.random(len(given)) < 0.04]
    life = given[rng.random(len(given)) < 0.3]
    parts = [
        (given, "marketing", "1", 0.3),
        (regrets, "marketing", "1", 0.2),
        (refused, "marketing", "0", 0.9),
        (served, "service", "1", 0.1),
        (machine, "automated_marketing", "0", 0.7),
        (life, "life_stage", "1", 0.4),
    ]
    who = np.concatenate([x for x, _, _, _ in parts])
    purpose = np.repeat([x for _, x, _, _ in parts], [len(x) for x, _, _, _ in parts])
    yes = np.repeat([x for _, _, x, _ in parts], [len(x) for x, _, _, _ in parts])
    place = np.repeat([x for _, _, _, x in parts], [len(x) for x, _, _, _ in parts])
    begin = np.maximum(p.opened[who], -700)
    until = np.minimum(world.at.days - 2, world.shut_on[who])
    day = begin + np.floor((until - begin) * np.clip(place + 0.1 * rng.random(len(who)), 0, 0.99)).astype(np.int64)
    order = np.lexsort((day, purpose, who))
    dates = days(world.at.dates(day[order]))
    for i in dirt.some(
        world, "consent_without_date", np.flatnonzero(purpose[order] == "service"), 0.001, [p.ids[i] for i in who[order]]
    ):
        dates[i] = "20241301"
    write_delimited(
        raw,
        f"MKT_SQ_{stamp}",
        [[p.ids[i] for i in who[order]], list(purpose[order]), ["any"] * len(who), dates, list(yes[order])],
        "@|@",
    )


def _suppressions(world: World, raw: Path, stamp: str) -> None:
    """CIF_MRMD: who must not be called, and by whose word."""
    p, rng = world.people, chance(world.seed, "suppressions")
    able = rng.permutation(
        np.flatnonzero(
            (np.arange(len(p)) < p.persons)
            & (p.twin_of < 0)
            & (p.opened < 0)
            & (world.dead_from == NEVER)
            & (world.shut_on == NEVER)
        )
    )
    staff, related = staff_of(world)
    rows: list[tuple[int, str, int, int, str]] = []
    dead = np.flatnonzero(world.dead_from + 16 < world.at.days)
    rows += [(int(i), "deceased", int(max(world.dead_from[i] + 16, p.opened[i])), NEVER, "公安户籍") for i in dead]
    rows += [(int(i), "court_freeze", int(rng.integers(1, world.at.days)), NEVER, "县人民法院") for i in frozen_of(world)]
    rows += [(i, "staff", -100, NEVER, "人力资源部") for i in sorted(staff)] + [
        (i, "related_party", -100, NEVER, "董事会办公室") for i in sorted(related)
    ]
    rows += [
        (int(i), "student", -50, NEVER, "零售业务部")
        for i in np.flatnonzero((p.group == OTHER) & (p.age < 23) & (p.opened < -50))
    ]
    used = 0
    for kind, share, lasts, authority in (
        ("fraud", 0.0006, 0, "反诈中心"),
        ("aml", 0.0006, 0, "合规部"),
        ("complaint", 0.003, 60, "消保办"),
        ("dishonest_debtor", 0.002, 0, "执行信息公开网"),
        ("do_not_call", 0.006, 0, "客户本人"),
        ("exit", 0.001, 0, "信贷管理部"),
    ):
        count = max(1, round(share * len(p)))
        for i in able[used : used + count]:
            day = int(rng.integers(0, world.at.days - 1))
            rows.append((int(i), kind, day, day + lasts if lasts and rng.random() < 0.8 else NEVER, authority))
        used += count
    rows.sort(key=lambda r: (r[0], r[1], r[2]))
    who, kinds, begin, end, word = zip(*rows, strict=True)
    write_delimited(
        raw,
        f"CIF_MRMD_{stamp}",
        [[p.ids[i] for i in who], list(kinds), days(world.at.dates(np.array(begin))), _until(world, np.array(end)), list(word)],
        "|+|",
    )
