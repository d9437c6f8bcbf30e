"""Who banks here: people of the county with their papers, homes and means, and a few firms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sources.demo.chance import Bools, Floats, Ints, chance
from sources.demo.characters import Characters, draw_characters
from sources.demo.columns import numbered
from sources.demo.counts import on_the_eve, room, wanted
from sources.demo.groups import CORPORATE
from sources.demo.homes import settle
from sources.demo.means import employers, phone_payments, ranks, wages, wealth_of
from sources.demo.names import identity_numbers, person_names, phones
from sources.demo.network import Network
from sources.demo.seasons import NEVER, Span

FIRM = {"group": CORPORATE, "engaged": True}  # what firms have instead of a character


@dataclass(frozen=True)
class People(Characters):
    """One entry per customer number: people first, then firms; money in yuan here, in fen everywhere else."""

    ids: pa.Array
    persons: int
    born: np.ndarray  # datetime64[D]
    names: pa.Array
    phones: pa.Array
    identities: pa.Array
    reachable: Bools  # has a phone
    opened: Ints  # day number; negative before the span, NEVER: not yet
    wealth: Floats  # financial assets meant at the start
    branch: Ints
    grid: Ints  # -1: in none
    village: Ints  # where they live, known to nobody
    manager: Ints  # -1: none
    twin_of: Ints  # the other number of the same person, -1: none
    wage: Floats  # yuan a month, 0: none
    employer: Ints  # a firm's index, -1: none
    payments: Floats  # platform payments a month
    current_share: Floats


def make_people(seed: int, customers: int, at: Span, network: Network) -> People:
    """Numbers for a bank of `customers` on its last day: people of the county, some still to come, and a few firms."""
    last = wanted(customers)
    firms, come = last.corporate, room(last, len(at.months))
    n = on_the_eve(last, len(at.months)) + come
    rng = chance(seed, "people")
    who = draw_characters(rng, n)
    place = ranks(rng, who)
    wealth = wealth_of(rng, place)
    homes = settle(rng, who.group, place, network)
    wage = wages(rng, who)
    payments = phone_payments(rng, who)
    opened = _openings(rng, come, who.age)
    twin = _twins(rng, wealth, opened < 0)
    papers = _papers(seed, rng, who, at)
    second = np.flatnonzero(twin >= 0)
    same = np.where(twin >= 0, twin, np.arange(n))  # the second number of a person tells of the same person
    for values in (papers.born, who.age, who.woman):
        values[second] = values[twin[second]]
    phone = papers.phones.take(same)
    opened[second] = np.minimum(np.maximum(opened[second], opened[twin[second]] + 30), -1)
    firm = _firms(seed, firms, network)

    def both(mine: np.ndarray, theirs: np.ndarray | np.datetime64 | float) -> np.ndarray:
        return np.concatenate([mine, np.broadcast_to(np.asarray(theirs, dtype=mine.dtype), firms)])

    employer = employers(rng, who, wage, firms)
    return People(
        ids=numbered("", 10_000_000 + 37 * np.arange(n + firms) + 5, 10),
        persons=n,
        born=both(papers.born, np.datetime64("NaT")),
        names=pa.concat_arrays([papers.names.take(same), pa.array(firm.names)]),
        phones=pa.concat_arrays([phone, pa.array([""] * firms)]),
        identities=pa.concat_arrays([papers.identities.take(same), firm.codes]),
        reachable=both(pc.not_equal(phone, "").to_numpy(zero_copy_only=False), False),
        opened=both(opened, -900),
        wealth=both(wealth, firm.wealth),
        branch=both(homes.branch, firm.branch),
        grid=both(homes.grid, -1),
        village=both(homes.village, 0),
        manager=both(homes.manager, rng.integers(0, network.relationship, firms)),
        twin_of=both(twin, -1),
        wage=both(wage, 0.0),
        employer=both(employer, -1),
        payments=both(payments, 0.0),
        current_share=both(0.05 + 0.17 * rng.random(n), 1.0),
        **{name: both(values, FIRM.get(name, 0.0)) for name, values in vars(who).items()},
    )


@dataclass(frozen=True)
class _Papers:
    """What stands in people's papers, before second numbers take over what stands in the first."""

    names: pa.Array
    phones: pa.Array
    identities: pa.Array
    born: np.ndarray


def _papers(seed: int, rng: np.random.Generator, who: Characters, at: Span) -> _Papers:
    born = np.datetime64(at.last, "D") - np.round(who.age * 365.25).astype("timedelta64[D]")
    names = person_names(chance(seed, "people", "names"), born.astype("datetime64[Y]").astype(np.int64) + 1970, who.woman)
    identities = identity_numbers(chance(seed, "people", "identities"), born, who.woman)
    phone = phones(chance(seed, "people", "phones"), len(who))
    return _Papers(names, pc.if_else(pa.array(rng.random(len(who)) < 0.12), "", phone), identities, born)


def _openings(rng: np.random.Generator, come: int, age: Floats) -> Ints:
    """When each number was opened, over the years before; `come` people have not come yet."""
    n = len(age)
    past = -np.minimum(30 + np.exp(rng.normal(7.3, 0.8, n)), (age - 16).clip(0.3) * 360)
    out: Ints = np.minimum(past, -1).astype(np.int64)
    out[rng.permutation(n)[:come]] = NEVER
    return out


def _twins(rng: np.random.Generator, wealth: Floats, known: Bools) -> Ints:
    """Two numbers in a hundred belong to somebody who has another: mostly forgotten ones with little on them."""
    twin = np.full(len(wealth), -1, dtype=np.int64)
    second = rng.permutation(np.flatnonzero(known & (wealth < 500)))[: round(len(wealth) * 0.02)]
    first = rng.permutation(np.setdiff1d(np.flatnonzero(known), second))[: len(second)]
    chained = len(second) // 12  # a few people have three numbers
    if chained:
        first[:chained] = first[chained : 2 * chained]
    twin[second] = first
    return twin


@dataclass(frozen=True)
class _Firms:
    names: tuple[str, ...]
    codes: pa.Array
    wealth: Floats
    branch: Ints


def _firms(seed: int, firms: int, network: Network) -> _Firms:
    rng = chance(seed, "firms")
    trades = ("粮油", "建材", "水泥制品", "茶业", "机械配件", "百货", "运输", "食品", "竹木加工", "农资", "置业", "餐饮")
    names = []
    for i in range(firms):
        town = network.branch_towns[i % len(network.branch_towns)][:2]
        kind = (
            "禾溪县{t}{x}有限公司",
            "禾溪县{t}{x}农民专业合作社",
            "禾溪县{t}镇集体经济组织",
            "禾溪县第{n}小学",
            "禾溪县{t}{x}有限公司",
        )[i % 5]
        names.append(kind.format(t=town, x=trades[i % len(trades)], n="一二三四五六七八九十"[i % 10]))
    codes = numbered("9443990", np.arange(firms), 11)
    wealth = np.exp(rng.normal(np.log(280_000), 1.1, firms)).clip(5_000, 8_000_000)
    return _Firms(tuple(names), codes, wealth, rng.integers(0, len(network.branch_ids), firms))
