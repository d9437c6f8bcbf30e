"""What is kept about customers beside their money: contracts, kin, merged numbers, contacts, consents, suppressions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from sources.demo import dirt
from sources.demo.chance import Floats, Ints, chance
from sources.demo.columns import always, days, numbered, one_of, put, texts
from sources.demo.contacts import CHANNELS, OUTCOMES
from sources.demo.delivery import Drop
from sources.demo.files import write_delimited
from sources.demo.groups import OTHER
from sources.demo.registers import frozen_of, staff_of
from sources.demo.temper import OFFERS
from sources.demo.world import NEVER, World

OPEN_END = "99991231"
HOW = ("1", "2", "3")


def write(world: World, drop: Drop) -> None:
    """All tables of this module."""
    _holdings(world, drop)
    _links(world, drop)
    _merges(world, drop)
    _contacts(world, drop)
    _consents(world, drop)
    _suppressions(world, drop)


def _until(world: World, drop: Drop, day: Ints, sentinel: str = OPEN_END) -> pa.Array:
    over = day <= drop.until
    return days(world.at.dates(np.where(over, day, 0)), ~over, sentinel)


def _holdings(world: World, drop: Drop) -> None:
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
        drop.folder,
        f"CIF_QYCP_{drop.stamp}",
        [
            p.ids.take(h["owner"][rows]),
            one_of(h["product"][rows]),
            days(world.at.dates(h["started"][rows])),
            _until(world, drop, h["activated"][rows], "00000000"),
            _until(world, drop, ended[rows]),
            texts(HOW, h["how"][rows]),
        ],
        "@|@",
        rows=drop.rows(h["started"][rows], h["activated"][rows], ended[rows]),
    )


def _links(world: World, drop: Drop) -> None:
    """CIF_GX: 1 household, 2 spouse, 3 guarantor, 4 legal representative, 6 employer."""
    p, rng = world.people, chance(world.seed, "links")
    persons = np.flatnonzero((np.arange(len(p)) < p.persons) & (p.twin_of < 0) & (p.opened < 0))
    few = _couples(world, persons, rng)
    couple = np.asarray(world.stories["widow_joint_maturity"]["rows"])
    if len(couple) == 2:
        few.append((int(couple[0]), int(couple[1]), 2, -9_000, NEVER))
    ring = np.asarray(world.stories["guarantor_ring"]["rows"])
    begun = world.at.months[int(str(world.stories["guarantor_ring"]["month"]))].start + 10
    few += [(int(a), int(b), 3, begun, NEVER) for a, b in zip(ring, np.roll(ring, -1), strict=True) if a != b]
    firms = np.arange(p.persons, len(p))
    heads = rng.permutation(persons[(p.age[persons] > 32) & (p.age[persons] < 62) & p.engaged[persons]])[: len(firms)]
    paid = np.flatnonzero((p.wage > 0) & (p.opened < world.at.days))
    since = np.maximum(p.opened[paid], -1_500)
    parts = [
        np.array(few, dtype=np.int64).reshape(-1, 5),
        np.stack(np.broadcast_arrays(heads, firms[: len(heads)], 4, -1_000, NEVER), axis=1),
        np.stack(np.broadcast_arrays(paid, p.employer[paid], 6, since, world.shut_on[paid]), axis=1),
    ]
    rows = np.concatenate(parts)
    a, b, kind, begin, end = rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))].T
    columns = [p.ids.take(a), p.ids.take(b), one_of(kind), days(world.at.dates(begin)), _until(world, drop, end)]
    write_delimited(drop.folder, f"CIF_GX_{drop.stamp}", columns, "|+|", rows=drop.rows(begin, end))


def _couples(world: World, persons: Ints, rng: np.random.Generator) -> list[tuple[int, int, int, int, int]]:
    """Women and the first man of their village who is free and within seven years of their age."""
    p = world.people
    wives, men = (persons[(p.woman[persons] == w) & (p.age[persons] > 24)] for w in (True, False))
    at_home: dict[int, tuple[list[float], list[int]]] = {}
    for man, village, age in _told(p.village, p.age, men[np.argsort(p.age[men], kind="stable")]):
        ages, free = at_home.setdefault(village, ([], []))
        ages.append(age)
        free.append(man)
    rows: list[tuple[int, int, int, int, int]] = []
    wanted = max(1, round(0.02 * len(p)))
    for wife, village, age in _told(p.village, p.age, rng.permutation(wives)):
        if len(rows) == wanted:
            break
        ages, free = at_home.get(village, ([], []))
        place = bisect_right(ages, age - 7)
        if place < len(ages) and ages[place] < age + 7:
            ages.pop(place)
            kind = 2 if rng.random() < 0.6 else 1
            rows.append((wife, free.pop(place), kind, -int(rng.integers(30, 3000)), NEVER))
    return rows


def _told(village: Ints, age: Floats, who: Ints) -> Iterator[tuple[int, int, float]]:
    return zip(who.tolist(), village[who].tolist(), age[who].tolist(), strict=True)


def _merges(world: World, drop: Drop) -> None:
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
        drop.folder,
        f"CIF_HB_{drop.stamp}",
        [p.ids.take(second), p.ids.take(target), days(world.at.dates(day)), _until(world, drop, undone, "00000000")],
        "|+|",
        rows=drop.rows(day, undone),
    )


def _contacts(world: World, drop: Drop) -> None:
    """MKT_CJ: contacts and the control group, with what was said; some lines twice, one code nobody knows."""
    c, p = world.contacts, world.people
    order = np.lexsort((c["offer"], c["who"], c["day"]))
    col = {name: values[order] for name, values in c.columns.items()}
    said = col["outcome"]
    numbers = numbered("CJ", np.arange(1, len(said) + 1), 9)
    reached = np.flatnonzero(said >= 0)
    unknown = dirt.some(world, "visit_outcome_unknown", reached[::2], 0.003, numbers)
    nobody = dirt.some(world, "contact_without_customer", reached[1::2], 0.002, numbers)
    twice = dirt.some(world, "double_contact", np.setdiff1d(np.arange(len(said)), []), 0.002, numbers)
    at = np.sort(np.concatenate([np.arange(len(said)), twice]))
    told = (said >= 0) & (col["said_on"] <= drop.until)
    rows = drop.rows(col["day"][at], np.where(said >= 0, col["said_on"], NEVER)[at])
    columns = [
        numbers,
        put(p.ids.take(col["who"]), nobody, ["9999999999"] * len(nobody)),
        texts(world.network.manager_ids, col["manager"]),
        texts(OFFERS, col["offer"]),
        texts(CHANNELS, np.where(told, col["channel"], -1)),
        days(world.at.dates(col["day"])),
        one_of(col["probability"], lambda x: "" if np.isnan(x) else f"{x:.2f}"),
        one_of(col["arm"]),
        put(texts(OUTCOMES, np.where(told, said, -1)), unknown[told[unknown]], ["99"] * int(told[unknown].sum())),
        days(world.at.dates(col["said_on"]), ~told),
    ]
    write_delimited(drop.folder, f"MKT_CJ_{drop.stamp}", [column.take(at) for column in columns], "|+|", rows=rows)


def _consents(world: World, drop: Drop) -> None:
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
    served_rows, ids = np.flatnonzero(purpose[order] == "service"), p.ids.take(who[order])
    dateless = dirt.some(world, "consent_without_date", served_rows, 0.001, ids)
    dates = put(dates, dateless, ["20241301"] * len(dateless))
    columns = [ids, one_of(purpose[order]), always("any", len(who)), dates, one_of(yes[order])]
    write_delimited(drop.folder, f"MKT_SQ_{drop.stamp}", columns, "@|@", rows=drop.rows(day[order]))


def _suppressions(world: World, drop: Drop) -> None:
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
    dead = np.flatnonzero((world.dead_from + 16 < world.at.days) & (p.opened < world.at.days))
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
    began, ended = np.array(begin), np.array(end)
    columns = [p.ids.take(who), list(kinds), days(world.at.dates(began)), _until(world, drop, ended), list(word)]
    write_delimited(drop.folder, f"CIF_MRMD_{drop.stamp}", columns, "|+|", rows=drop.rows(began, ended))
