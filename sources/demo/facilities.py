"""Credit lines: granted to whole villages or to who applied, most of them never drawn."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Floats, Ints, chance
from sources.demo.groups import FARMER, MIGRANT
from sources.demo.world import NEVER, YUAN, World


def village_lines(world: World, day: int, share: float) -> None:
    """A batch of credit lines for whole villages (整村授信): most of them will never be used."""
    rng, p = chance(world.seed, "lines", day), world.people
    villages = np.flatnonzero(rng.random(len(world.network.grid_ids)) < 0.22)
    able = np.isin(p.village, villages) & np.isin(p.group, (FARMER, MIGRANT)) & (p.age > 22) & (p.age < 62) & (p.opened < day)
    who = np.flatnonzero(
        able
        & (line_of(world, np.arange(len(p))) < 0)
        & (world.dead_from > day)
        & (world.shut_on == NEVER)
        & (rng.random(len(p)) < share)
    )
    limit = np.array([30_000, 50_000, 80_000, 100_000])[rng.integers(0, 4, len(who))] * YUAN
    world.facilities.add(
        owner=who,
        product=np.full(len(who), "NHXE", dtype="U4"),
        limit=limit,
        granted=np.full(len(who), day),
        expires=np.full(len(who), day + 1095),
        guarantee=np.full(len(who), 0),
        source=np.full(len(who), 0),
        used=np.zeros(len(who), dtype=bool),
    )


def line_of(world: World, who: Ints) -> Ints:
    """Everybody's last credit line, -1: none."""
    last = np.full(len(world.people), -1, dtype=np.int64)
    if len(world.facilities):
        last[world.facilities["owner"]] = np.arange(len(world.facilities))
    return last[who]


def limits(world: World) -> Floats:
    return np.asarray(world.facilities["limit"], dtype=np.float64) if len(world.facilities) else np.zeros(1)
