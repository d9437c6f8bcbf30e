"""Where people live and who looks after them: village, branch, grid, manager."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sources.demo.chance import Bools, Floats, Ints, chance, pick
from sources.demo.network import Network


@dataclass(frozen=True)
class Homes:
    """One entry per person."""

    village: Ints
    branch: Ints
    grid: Ints  # -1: in none
    manager: Ints  # -1: none


def settle(rng: np.random.Generator, group: Ints, place: Floats, network: Network) -> Homes:
    """Homes of people of these groups and places by wealth: managers look after the wealthy, grids after six in ten."""
    n = len(group)
    urban = rng.random(n) < np.array([0.03, 0.1, 0.6, 0.7, 0.8, 0.6, 0.5])[group]
    village = _homes(rng, urban, network)
    branch = network.grid_branch[village]
    branch = np.where(rng.random(n) < 0.12, 0, branch)  # the banking hall keeps some of everybody
    in_grid = rng.random(n) < 0.596
    managed = rng.random(n) < np.clip(0.03 + 0.9 * np.clip(place - 0.905, 0, 1) / 0.095 * 0.9, 0, 0.9)
    local = [np.flatnonzero(network.manager_branch[: network.relationship] == b) for b in range(len(network.branch_ids))]
    pools = [pool if len(pool) else np.arange(network.relationship) for pool in local]
    sizes = np.array([len(pool) for pool in pools])
    begins = np.cumsum(sizes) - sizes
    keeper = np.concatenate(pools)[begins[branch] + (rng.random(n) * sizes[branch]).astype(np.int64)]
    return Homes(village, branch, np.where(in_grid, village, -1), np.where(managed, keeper, -1))


def _homes(rng: np.random.Generator, urban: Bools, network: Network) -> Ints:
    towns, villages = np.flatnonzero(network.grid_urban), np.flatnonzero(~network.grid_urban)
    towns = towns if len(towns) else villages
    sizes = np.exp(chance(len(villages), "sizes").normal(0, 0.4, len(villages)))
    out: Ints = np.where(urban, towns[rng.integers(0, len(towns), len(urban))], villages[pick(rng, sizes, len(urban))])
    return out
