"""Branches, grids and managers of the demo bank; scaled down below 5,000 customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sources.demo.chance import Bools, Floats, Ints, chance
from sources.demo.names import person_names

TOWNS = ("云溪镇", "石桥镇", "柳塘镇", "白马镇", "双河镇", "青山镇", "龙潭镇", "沙洲镇", "梅岭乡", "竹园乡", "永丰镇", "清江镇")
TOWNS_EN = (
    "Yunxi",
    "Shiqiao",
    "Liutang",
    "Baima",
    "Shuanghe",
    "Qingshan",
    "Longtan",
    "Shazhou",
    "Meiling",
    "Zhuyuan",
    "Yongfeng",
    "Qingjiang",
)
OLD_TOWNS = {"云溪镇": "云溪公社", "石桥镇": "石桥乡", "永丰镇": "永丰区"}  # names before the towns were merged
PLACES, PLACES_EN = ("老街", "河口", "新桥"), ("Laojie", "Hekou", "Xinqiao")
VILLAGE_A = "大小上下东西南北新石龙高长金白黄竹松桐茶"
VILLAGE_B = "塘湾坪冲岭桥田坳溪坝井屋山洲树"
URBAN = ("北门", "南门", "西街", "文昌", "人民路", "建设路", "滨河", "火车站", "市场", "学府", "工业园")


@dataclass(frozen=True)
class Network:
    """Branches (head office first), grids and managers, as arrays by index."""

    branch_ids: tuple[str, ...]
    branch_names: tuple[str, ...]
    branch_names_en: tuple[str, ...]
    branch_levels: tuple[str, ...]
    branch_parents: tuple[str, ...]
    branch_heads: tuple[str, ...]
    branch_towns: tuple[str, ...]
    places: Floats  # longitude, latitude by branch
    moved: int  # the outlet that moved three kilometres
    grid_ids: tuple[str, ...]
    grid_names: tuple[str, ...]
    grid_towns: tuple[str, ...]
    grid_urban: Bools
    grid_branch: Ints
    grid_manager: Ints
    grid_places: Floats
    manager_ids: tuple[str, ...]
    manager_names: tuple[str, ...]
    manager_roles: tuple[str, ...]
    manager_branch: Ints

    @property
    def relationship(self) -> int:
        """How many managers look after customers; branch heads and head office come after them."""
        return sum(role in ("manager", "senior", "grid") for role in self.manager_roles)


def make_network(seed: int, customers: int) -> Network:
    """42 branches, 297 grids and 92 managers from 5,000 customers up; a few of each below."""
    share = min(1.0, customers / 5_000)
    branches, grids, managers = max(4, round(42 * share)), max(8, round(297 * share)), max(4, round(92 * share))
    rng = chance(seed, "network")
    names, names_en, levels, towns = _branches(branches)
    ids = tuple(f"{6301 + i:06d}" for i in range(branches))
    where = np.array([111.42, 27.68]) + rng.normal(0, 0.11, (branches, 2)).round(5)
    parents = ["" if i == 0 else ids[0] for i in range(branches)]
    for i in range(branches):
        if levels[i] == "outlet":
            parents[i] = ids[next((j for j in range(branches) if levels[j] == "branch" and towns[j] == towns[i]), 0)]
    urban = np.arange(grids) >= round(grids * 231 / 297)
    home, grid_names, grid_towns = _grids(urban, levels, towns, rng)
    # each manager sits in a branch; every branch has one before any has two
    sits = np.concatenate([np.arange(branches), rng.integers(0, branches, max(0, managers - branches))])[:managers]
    people = managers + branches + 2
    who = person_names(chance(seed, "network", "names"), 1975 + rng.integers(0, 22, people), rng.random(people) < 0.45)
    roles = tuple(
        ["senior" if i % 6 == 0 else "grid" if i % 6 == 5 else "manager" for i in range(managers)]
        + ["branch_head"] * branches
        + ["head_office"] * 2
    )
    staff = tuple(f"{20010 + 7 * i:06d}" for i in range(people))
    seat = np.concatenate([sits, np.arange(branches), np.zeros(2)]).astype(np.int64)
    keeper = np.array([_near(sits, int(home[g]), g) for g in range(grids)], dtype=np.int64)
    return Network(
        ids,
        names,
        names_en,
        levels,
        tuple(parents),
        staff[managers : managers + branches],
        towns,
        where,
        min(branches - 1, 20),
        tuple(f"WG{i + 1:04d}" for i in range(grids)),
        grid_names,
        grid_towns,
        urban,
        home,
        keeper,
        where[home] + rng.normal(0, 0.02, (grids, 2)).round(5),
        staff,
        tuple(who.to_pylist()),
        roles,
        seat,
    )


def _branches(count: int) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    rows = [
        ("总行营业部", "Head Office Banking Hall", "head", "城关镇"),
        ("城关支行", "Chengguan Branch", "branch", "城关镇"),
        ("东门支行", "Dongmen Branch", "branch", "城关镇"),
    ]
    rows += [(f"{t[:2]}支行", f"{e} Branch", "branch", t) for t, e in zip(TOWNS, TOWNS_EN, strict=True)]
    rows += [
        (f"{t[:2]}{p}分理处", f"{e} {q} Outlet", "outlet", t)
        for p, q in zip(PLACES, PLACES_EN, strict=True)
        for t, e in zip(TOWNS, TOWNS_EN, strict=True)
    ]
    kept = rows[:count]
    return (tuple(r[0] for r in kept), tuple(r[1] for r in kept), tuple(r[2] for r in kept), tuple(r[3] for r in kept))


def _grids(
    urban: Bools, levels: tuple[str, ...], towns: tuple[str, ...], rng: np.random.Generator
) -> tuple[Ints, tuple[str, ...], tuple[str, ...]]:
    town_branches = [i for i in range(len(levels)) if towns[i] == "城关镇"]
    rural = [i for i in range(len(levels)) if towns[i] != "城关镇"] or town_branches
    home, names = [], []
    pairs = [a + b for b in VILLAGE_B for a in VILLAGE_A]
    order = rng.permutation(len(pairs))
    for i, is_urban in enumerate(urban):
        pool = town_branches if is_urban else rural
        home.append(pool[i % len(pool)])
        names.append(f"{URBAN[i % len(URBAN)]}社区第{i % 7 + 1}网格" if is_urban else f"{pairs[order[i % len(pairs)]]}村")
    return np.array(home, dtype=np.int64), tuple(names), tuple(towns[h] for h in home)


def _near(sits: Ints, branch: int, turn: int) -> int:
    own = np.flatnonzero(sits == branch)
    return int(own[turn % len(own)]) if len(own) else turn % len(sits)
