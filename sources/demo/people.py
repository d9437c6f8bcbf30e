"""Who banks here: groups, ages, homes, wealth, and the tempers nobody sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sources.demo.chance import Bools, Floats, Ints, chance, pick
from sources.demo.names import identity_numbers, person_names, phones
from sources.demo.network import Network
from sources.demo.seasons import Span

GROUPS = ("farmer", "migrant", "merchant", "payroll", "public", "pensioner", "other")
FARMER, MIGRANT, MERCHANT, PAYROLL, PUBLIC, PENSIONER, OTHER = range(7)
CORPORATE = 7
SHARES = np.array([0.58, 0.14, 0.06, 0.11, 0.04, 0.05, 0.02])
AGE_BANDS = ((18, 35), (35, 55), (55, 65), (65, 88))
AGES = np.array(
    [
        [0.08, 0.32, 0.28, 0.32],
        [0.35, 0.50, 0.13, 0.02],
        [0.22, 0.55, 0.18, 0.05],
        [0.33, 0.52, 0.14, 0.01],
        [0.28, 0.52, 0.20, 0],
        [0, 0.02, 0.28, 0.70],
        [0.60, 0.20, 0.10, 0.10],
    ]
)
ENGAGED = np.array([0.26, 0.28, 0.80, 0.64, 0.76, 0.52, 0.4])
# deposits in yuan: upper limit of a bin and the share of customers up to it
BINS = np.array([0.5, 60, 260, 2_400, 8_500, 20_000, 45_000, 85_000, 180_000, 280_000, 470_000, 750_000, 1_900_000, 4_000_000])
UP_TO = np.array([0.0, 0.48, 0.58, 0.72, 0.79, 0.85, 0.905, 0.945, 0.977, 0.987, 0.9945, 0.9975, 0.9995, 1.0])
CORPORATE_SHARE = 1_360 / 388_494


@dataclass(frozen=True)
class People:
    """One entry per customer number: people first, then firms; money in yuan here, in fen everywhere else."""

    ids: tuple[str, ...]
    persons: int
    group: Ints
    born: np.ndarray  # datetime64[D]
    age: Floats  # at the last day
    woman: Bools
    names: tuple[str, ...]
    phones: tuple[str, ...]
    identities: tuple[str, ...]
    opened: Ints  # day number; negative before the span
    engaged: Bools
    wealth: Floats  # financial assets meant at the start
    branch: Ints
    grid: Ints  # -1: in none
    village: Ints  # where they live, known to nobody
    manager: Ints  # -1: none
    twin_of: Ints  # the other number of the same person, -1: none
    loyalty: Floats
    shopper: Floats
    digital: Floats
    thrift: Floats
    enterprise: Floats
    nerve: Floats  # leaves no trace anywhere
    wage: Floats  # yuan a month, 0: none
    employer: Ints  # a firm's index, -1: none
    payments: Floats  # platform payments a month
    current_share: Floats

    def __len__(self) -> int:
        return len(self.ids)


def make_people(seed: int, customers: int, at: Span, network: Network) -> People:
    """`customers` numbers: people of the county and a few firms."""
    firms = max(3, round(customers * CORPORATE_SHARE))
    n = customers - firms
    rng = chance(seed, "people")
    group = pick(rng, SHARES, n)
    band = (rng.random(n)[:, None] > np.cumsum(AGES, axis=1)[group]).sum(axis=1).clip(0, 3)
    low, high = np.array(AGE_BANDS)[band].T
    age = low + rng.random(n) * (high - low)
    born = np.datetime64(at.last, "D") - np.round(age * 365.25).astype("timedelta64[D]")
    woman = rng.random(n) < 0.49
    latent = rng.standard_normal((6, n))
    loyalty = 0.8 * latent[0] + 0.5 * (age - 48) / 17
    digital = 0.75 * latent[2] - 0.75 * (age - 46) / 17 + np.array([-0.3, 0.3, 0.5, 0.4, 0.5, -0.2, 0.4])[group]
    engaged = rng.random(n) < ENGAGED[group]
    rank = (
        1.8 * engaged
        + 0.35 * latent[3]
        + 0.25 * np.minimum(age - 40, 20) / 20
        + np.array([0, -0.1, 0.7, 0.2, 0.6, 0.4, -0.5])[group]
        + 0.75 * rng.standard_normal(n)
    )
    place = (np.argsort(np.argsort(rank, kind="stable"), kind="stable") + 0.5) / n
    wealth = np.exp(np.interp(place, UP_TO, np.log(BINS)))
    wealth *= 0.93 * np.exp(rng.normal(0, 0.02, n))  # what is in transit comes on top
    urban = rng.random(n) < np.array([0.03, 0.1, 0.6, 0.7, 0.8, 0.6, 0.5])[group]
    village = _homes(rng, urban, network)
    branch = network.grid_branch[village]
    branch = np.where(rng.random(n) < 0.12, 0, branch)  # the banking hall keeps some of everybody
    in_grid = rng.random(n) < 0.596 + 0.02
    managed = rng.random(n) < np.clip(0.03 + 0.9 * np.clip(place - 0.905, 0, 1) / 0.095 * 0.9, 0, 0.9)
    local = [np.flatnonzero(network.manager_branch[: network.relationship] == b) for b in range(len(network.branch_ids))]
    everyone = np.arange(network.relationship)
    draw = rng.random(n)
    keeper = np.array([_one(local[b] if len(local[b]) else everyone, u) for b, u in zip(branch, draw, strict=True)])
    names = person_names(chance(seed, "people", "names"), born.astype("datetime64[Y]").astype(np.int64) + 1970, woman)
    wage = np.where(np.isin(group, (PAYROLL, PUBLIC)), np.exp(rng.normal(np.log(4800), 0.22, n)).clip(3200, 7500), 0.0)
    wage *= (rng.random(n) < 0.85) & engaged
    retired = np.where((group == PENSIONER) & (rng.random(n) < 0.9), 2000 + 1800 * rng.random(n), 0.0)
    rural = (
        (group != PENSIONER)
        & (age >= 60)
        & (rng.random(n) < np.where(engaged, 0.85, 0.15))
        & np.isin(group, (FARMER, MIGRANT, OTHER))
    )
    wage = np.where(retired > 0, -retired, np.where(rural, -(180 + 40 * rng.random(n)), wage))  # negative: a pension
    payments = np.where(engaged, np.exp(rng.normal(0.0, 1.45, n) + 0.75 * digital.clip(-1.5, 2)), 0.0)
    payments = (payments * 6.2 / payments.mean()).clip(0, 220)
    opened = _openings(rng, n, at, age)
    twin = _twins(rng, n, wealth, firms)
    identities = np.array(identity_numbers(chance(seed, "people", "identities"), born, woman), dtype=object)
    phone = np.array(phones(chance(seed, "people", "phones"), n), dtype=object)
    phone[rng.random(n) < 0.12] = ""
    second = np.flatnonzero(twin >= 0)
    who = np.array(names, dtype=object)
    for values in (identities, phone, who, born, age, woman):
        values[second] = values[twin[second]]
    opened[second] = np.minimum(np.maximum(opened[second], opened[twin[second]] + 30), -1)
    firm = _firms(seed, firms, network, at)

    def both(mine: np.ndarray, theirs: np.ndarray | np.datetime64 | float) -> np.ndarray:
        return np.concatenate([mine, np.broadcast_to(np.asarray(theirs, dtype=mine.dtype), firms)])

    employer = np.full(n, -1)
    staff = wage > 0
    pick_firm = rng.integers(0, firms, n)
    school = (pick_firm - pick_firm % 5 + 3) % firms  # see _firms: the fourth of every five is a school
    works = np.where(group == PUBLIC, school, np.where(pick_firm % 5 == 3, (pick_firm + 1) % firms, pick_firm))
    employer[staff] = n + works[staff]
    return People(
        ids=tuple(f"{10_000_000 + 37 * i + 5:010d}" for i in range(customers)),
        persons=n,
        group=both(group, CORPORATE),
        born=both(born, np.datetime64("NaT")),
        age=both(age, 0.0),
        woman=both(woman, False),
        names=tuple(who) + firm[0],
        phones=tuple(phone) + ("",) * firms,
        identities=tuple(identities) + firm[1],
        opened=both(opened, -900),
        engaged=both(engaged, True),
        wealth=both(wealth, firm[2]),
        branch=both(branch, firm[3]),
        grid=both(np.where(in_grid, village, -1), -1),
        village=both(village, 0),
        manager=both(np.where(managed, keeper, -1), rng.integers(0, network.relationship, firms)),
        twin_of=both(twin, -1),
        loyalty=both(loyalty, 0.0),
        shopper=both(np.maximum(latent[1], -1), 0.0),
        digital=both(digital, 0.0),
        thrift=both(latent[3], 0.0),
        enterprise=both(latent[4], 0.0),
        nerve=both(latent[5], 0.0),
        wage=both(wage, 0.0),
        employer=both(employer, -1),
        payments=both(payments, 0.0),
        current_share=both(0.05 + 0.17 * rng.random(n), 1.0),
    )


def death_share(age: Floats) -> Floats:
    """Share of people of an age who die within the span or in the months before it."""
    out: Floats = np.interp(age, [0, 55, 70, 90], [0, 0.0012, 0.012, 0.06])
    return out


def _one(pool: Ints, u: float) -> int:
    return int(pool[int(u * len(pool))])


def _homes(rng: np.random.Generator, urban: Bools, network: Network) -> Ints:
    towns, villages = np.flatnonzero(network.grid_urban), np.flatnonzero(~network.grid_urban)
    towns = towns if len(towns) else villages
    sizes = np.exp(chance(len(villages), "sizes").normal(0, 0.4, len(villages)))
    out: Ints = np.where(urban, towns[rng.integers(0, len(towns), len(urban))], villages[pick(rng, sizes, len(urban))])
    return out


def _openings(rng: np.random.Generator, n: int, at: Span, age: Floats) -> Ints:
    """When each number was opened: 7.8 percent within the span, the rest over the years before."""
    new = rng.random(n) < 0.0029 * len(at.months)
    past = -np.minimum(30 + np.exp(rng.normal(7.3, 0.8, n)), (age - 16).clip(0.3) * 360)
    out: Ints = np.where(new, rng.integers(0, max(1, at.days - 5), n), np.minimum(past, -1)).astype(np.int64)
    return out


def _twins(rng: np.random.Generator, n: int, wealth: Floats, firms: int) -> Ints:
    """Two numbers in a hundred belong to somebody who has another: mostly forgotten ones with little on them."""
    twin = np.full(n, -1, dtype=np.int64)
    small = np.flatnonzero(wealth < 500)
    second = rng.permutation(small)[: round(n * 0.02)]
    first = rng.permutation(np.setdiff1d(np.arange(n), second))[: len(second)]
    chained = len(second) // 12  # a few people have three numbers
    if chained:
        first[:chained] = first[chained : 2 * chained]
    twin[second] = first
    return twin


def _firms(seed: int, firms: int, network: Network, at: Span) -> tuple[tuple[str, ...], tuple[str, ...], Floats, Ints]:
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
    codes = tuple(f"9443990{i:011d}" for i in range(firms))
    wealth = np.exp(rng.normal(np.log(280_000), 1.1, firms)).clip(5_000, 8_000_000)
    return tuple(names), codes, wealth, rng.integers(0, len(network.branch_ids), firms)
