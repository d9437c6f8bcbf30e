"""What the bank keeps about itself: branches, managers and their hours, grids, products, prices."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from sources.demo import dirt
from sources.demo.catalogue import FTP_SPREAD, POSTED, PRODUCTS, RATE_STEPS, TENOR_NAMES
from sources.demo.chance import chance
from sources.demo.columns import days
from sources.demo.delivery import Drop
from sources.demo.files import write_delimited
from sources.demo.leaving import moved_month
from sources.demo.network import OLD_TOWNS
from sources.demo.world import World

CERTIFICATES = ("", "理财", "理财,保险", "理财,保险,基金")


def write(world: World, drop: Drop) -> None:
    """All tables of this module."""
    _branches(world, drop)
    _managers(world, drop)
    _grids(world, drop)
    write_delimited(
        drop.folder,
        f"PUB_CP_{drop.stamp}",
        [
            [p[0] for p in PRODUCTS],
            [p[1].ljust(16) for p in PRODUCTS],
            [p[2] for p in PRODUCTS],
            [p[3] for p in PRODUCTS],
            [p[4] for p in PRODUCTS],
            [p[5] for p in PRODUCTS],
            [f"{p[6] * 100:.2f}" for p in PRODUCTS],
        ],
        "|+|",
    )
    _prices(world, drop)
    _hours(world, drop)


def _branches(world: World, drop: Drop) -> None:
    n = world.network
    places = n.places.copy()
    places[n.moved] += (0.027, 0.012)  # three kilometres
    moved = ["00000000"] * len(n.branch_ids)
    month = world.at.months[moved_month(world)]
    moved[n.moved] = dt.date(month.year, month.month, 8).strftime("%Y%m%d")
    level = {"head": "1", "branch": "2", "outlet": "3"}
    write_delimited(
        drop.folder,
        f"PUB_JG_{drop.stamp}",
        [
            list(n.branch_ids),
            [x.ljust(20) for x in n.branch_names],
            list(n.branch_names_en),
            list(n.branch_parents),
            [level[x] for x in n.branch_levels],
            [f"{x:.5f}" for x in places[:, 0]],
            [f"{x:.5f}" for x in places[:, 1]],
            moved,
            list(n.branch_heads),
        ],
        "|+|",
    )


def _managers(world: World, drop: Drop) -> None:
    n = world.network
    title = {
        "manager": "客户经理",
        "senior": "资深客户经理",
        "grid": "网格客户经理",
        "branch_head": "支行行长",
        "head_office": "总行业务部经理",
    }
    write_delimited(
        drop.folder,
        f"PUB_KHJL_{drop.stamp}",
        [
            list(n.manager_ids),
            [x.ljust(8) for x in n.manager_names],
            [n.branch_ids[b] for b in n.manager_branch],
            ["4.0" if r == "branch_head" else "6.0" for r in n.manager_roles],
            list(n.manager_roles),
            [CERTIFICATES[i % 4] for i in range(len(n.manager_ids))],
            [title[r] for r in n.manager_roles],
        ],
        "@|@",
    )


def _grids(world: World, drop: Drop) -> None:
    n = world.network
    towns = list(n.grid_towns)
    old = np.array([i for i, town in enumerate(towns) if town in OLD_TOWNS], dtype=np.int64)
    if len(old):
        for i in dirt.some(world, "old_town_name", old, 0.25, pa.array(n.grid_ids)):
            towns[i] = OLD_TOWNS[towns[i]]
    write_delimited(
        drop.folder,
        f"PUB_WG_{drop.stamp}",
        [
            list(n.grid_ids),
            list(n.grid_names),
            [n.branch_ids[b] for b in n.grid_branch],
            [n.manager_ids[m] for m in n.grid_manager],
            towns,
            ["2" if u else "1" for u in n.grid_urban],
            [f"POINT({x:.5f} {y:.5f})" for x, y in n.grid_places],
        ],
        "|+|",
    )


def _prices(world: World, drop: Drop) -> None:
    rows = []
    for product, rates in POSTED.items():
        for step, rate in zip(RATE_STEPS, rates, strict=True):
            day = dt.date(2023, 1, 1) if step < 0 else world.at.date(int(step * world.at.days))
            day = min(day, world.at.first) if step < 0 else day
            rows.append(
                (
                    product,
                    TENOR_NAMES.get(product, ""),
                    day.strftime("%Y%m%d"),
                    f"{rate:.4f}",
                    f"{rate + FTP_SPREAD.get(product, 1.1):.4f}",
                )
            )
    columns = list(zip(*rows, strict=True))
    write_delimited(drop.folder, f"PUB_LL_{drop.stamp}", columns, "|+|")


def _hours(world: World, drop: Drop) -> None:
    """PUB_PB: hours for calls and visits, by manager and working day, from a month before to ten days after the last day."""
    n, rng = world.network, chance(world.seed, "hours")
    when = np.arange(world.at.days - 30, world.at.days + 10)
    when = when[(when + world.at.first.weekday()) % 7 < 5]
    who = np.repeat(np.arange(len(n.manager_ids)), len(when))
    day = np.tile(when, len(n.manager_ids))
    head = np.array([r in ("branch_head", "head_office") for r in n.manager_roles])
    hours = np.where(head[who], 1.0, np.array([2.0, 2.5, 3.0, 3.5, 4.0])[rng.integers(0, 5, len(who))])
    there = rng.random(len(who)) > 0.06
    write_delimited(
        drop.folder,
        f"PUB_PB_{drop.stamp}",
        [[n.manager_ids[i] for i in who[there]], days(world.at.dates(day[there])), [f"{h:.1f}" for h in hours[there]]],
        "|+|",
    )
