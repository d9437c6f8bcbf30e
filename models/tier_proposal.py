"""What clustering would propose as tiers, for head office to approve; it changes nothing by itself.

Customers above a small floor are clustered on the logarithms of their quarter's average and of their contribution brought to
assets (k-means, a fixed seed, clusters ordered by centroid). Between neighbouring clusters the average that tells them apart
best becomes a threshold, rounded to a figure of the series 1-2-5. Ids are those of the scale in force, from the lowest up, so
that a refit never renames a tier. Of five clusters down to three it takes the first count whose rounded thresholds agree
with the clusters as aimed, else the count that agrees best. Tiers above the highest cluster keep the thresholds they have.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from models.tier_settings import Scale
from store.files import read_json, write_json

Money = NDArray[np.float64]
Ranks = NDArray[np.int64]


@dataclass(frozen=True)
class ProposedLevel:
    """One tier as the clusters see it: thresholds in force and proposed, and how many reach each."""

    id: str
    adb: float
    contribution: float
    adb_in_force: float
    contribution_in_force: float
    customers: int
    customers_in_force: int
    is_kept: bool  # no cluster speaks of it: as in force


Counts = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Proposal:
    """Thresholds to approve, with the agreement of rule and cluster."""

    as_of: dt.date
    customers: int
    levels: tuple[ProposedLevel, ...]  # low to high
    crossing: Counts  # customers by tier of the clusters' thresholds (rows) and by cluster, low to high
    moves: Counts  # customers by tier in force (rows) and by tier proposed, low to high
    agreement: float  # share of customers whose rule by the proposed thresholds equals their cluster
    agreement_in_force: float  # the same by the thresholds in force; tiers above the highest cluster are with it
    aim: float
    seed: int

    @classmethod
    def read(cls, path: Path) -> Proposal:
        """The proposal of a `tier_proposal.json`. Raises KeyError or TypeError for one of another version."""
        told = read_json(path)
        told.pop("meets_aim")
        as_of, levels = dt.date.fromisoformat(told.pop("as_of")), tuple(ProposedLevel(**one) for one in told.pop("levels"))
        crossing, moves = (tuple(tuple(row) for row in told.pop(name)) for name in ("crossing", "moves"))
        return cls(as_of, levels=levels, crossing=crossing, moves=moves, **told)

    @property
    def up(self) -> int:
        """Customers whose figures reach a higher tier by the proposed thresholds."""
        return sum(count for at, row in enumerate(self.moves) for count in row[at + 1 :])

    @property
    def down(self) -> int:
        """Customers whose figures reach a lower one."""
        return sum(count for at, row in enumerate(self.moves) for count in row[:at])

    @property
    def meets_aim(self) -> bool:
        return self.agreement >= self.aim

    def write(self, folder: Path) -> None:
        """`tier_proposal.json` in `folder`, in one step."""
        write_json(folder / "tier_proposal.json", asdict(self) | {"meets_aim": self.meets_aim})


def one_two_five(amount: float) -> float:
    """The nearest figure of 1, 2, 5, 10, 20, 50, ... on a logarithmic scale."""
    if amount <= 0:
        return 0.0
    tens = 10.0 ** np.floor(np.log10(amount))
    figures = np.array([1.0, 2.0, 5.0, 10.0]) * tens
    return float(figures[np.argmin(np.abs(np.log(figures) - np.log(amount)))])


def propose(
    tiers: pa.Table,
    scale: Scale,
    as_of: dt.date,
    *,
    spread: float = 0.012,
    floor: float = 1000.0,
    seed: int = 20,
    aim: float = 0.9,
    at_least: int = 3,
) -> Proposal:
    """A proposal from graded customers of one scale (`tiers.grade`): measure_adb, measure_contribution.

    `spread` brings contribution to assets (a funds-transfer margin of 1.2 percent); below `floor` of both
    everyone is of the lowest tier. Rows in any order give the same proposal.
    """
    adb, contribution = (np.asarray(tiers[name].to_numpy(), np.float64) for name in ("measure_adb", "measure_contribution"))
    assets = np.maximum(adb, contribution / spread)
    order = np.lexsort((adb, assets))
    counts = range(max(min(len(scale.levels), 5), at_least), at_least - 1, -1)
    tried: list[Split] = []
    while len(tried) < len(counts) and not (tried and tried[-1].agreement >= aim):
        tried.append(_split(adb[order], assets[order], counts[len(tried)], floor, seed))
    best = max(tried, key=lambda split: split.agreement)
    levels = _levels(best.cuts, scale, spread)
    in_force = np.minimum(scale.reached(adb, contribution)[0], len(levels) - 1)[order]
    by_rule = np.maximum(
        _reached([level.adb for level in levels], adb), _reached([level.contribution for level in levels], contribution)
    )[order]
    by_cut = np.searchsorted(np.array(best.cuts), assets[order], side="right")
    levels = tuple(
        replace(level, customers=int((by_rule == rank).sum()), customers_in_force=int((in_force == rank).sum()))
        for rank, level in enumerate(levels)
    )
    return Proposal(
        as_of,
        len(assets),
        levels,
        _counts(by_cut, best.cluster, len(best.cuts) + 1),
        _counts(in_force, by_rule, len(levels)),
        best.agreement,
        _share(np.minimum(in_force, len(best.cuts)), best.cluster),
        aim,
        seed,
    )


@dataclass(frozen=True)
class Split:
    """Clusters of ascending assets, the rounded thresholds between them, and the share of customers on which both agree."""

    cluster: Ranks
    cuts: tuple[float, ...]
    agreement: float


def _split(adb: Money, assets: Money, count: int, floor: float, seed: int) -> Split:
    cluster = _clusters(adb, assets, count, floor, seed)
    cuts: list[float] = []
    for rank in range(1, int(cluster.max(initial=0)) + 1):
        cut = one_two_five(_cut(assets, cluster, rank))
        if not cuts or cut > cuts[-1]:
            cuts.append(cut)
    cluster = np.minimum(cluster, len(cuts))
    return Split(cluster, tuple(cuts), _share(np.searchsorted(np.array(cuts), assets, side="right"), cluster))


def _share(rule: Ranks, cluster: Ranks) -> float:
    return float((rule == cluster).mean()) if len(rule) else 1.0


def _levels(cuts: Sequence[float], scale: Scale, spread: float) -> tuple[ProposedLevel, ...]:
    """The scale's tiers from the lowest up with the thresholds the clusters propose; above them those in force."""
    levels: list[ProposedLevel] = []
    for rank, step in enumerate(scale.steps()[: len(scale.levels)]):  # the VIP step is no tier of its own
        below = levels[-1] if levels else None
        is_kept = rank > len(cuts) and below is not None and step.adb > below.adb and step.contribution > below.contribution
        if rank == 0:
            adb = 0.0
        elif rank <= len(cuts):
            adb = cuts[rank - 1]
        else:
            adb = step.adb if is_kept or below is None else one_two_five(below.adb * 2)
        contribution = step.contribution if is_kept else round(adb * spread, 2)
        levels.append(ProposedLevel(step.id, adb, contribution, step.adb, step.contribution, 0, 0, is_kept))
    return tuple(levels)


def _reached(thresholds: Sequence[float], measure: Money) -> Ranks:
    return np.asarray(np.searchsorted(np.array(thresholds[1:]), measure, side="right"), np.int64)


def _counts(rows: Ranks, columns: Ranks, size: int) -> Counts:
    counted = np.bincount(rows * size + columns, minlength=size * size).reshape(size, size)
    return tuple(tuple(int(count) for count in row) for row in counted)


def _clusters(adb: Money, assets: Money, most: int, floor: float, seed: int) -> Ranks:
    """Rank of each customer's cluster, lowest centroid first; those below the floor belong to the lowest."""
    ranks = np.zeros(len(assets), np.int64)
    above = assets >= floor
    points = np.column_stack([np.log10(np.maximum(adb[above], floor / 10)), np.log10(assets[above])])
    count = min(most, len(np.unique(points.round(2), axis=0)))
    if count < 2:
        return ranks
    with threadpool_limits(1, "openmp"):  # its last bits depend on the number of threads, and one is the fastest
        fitted = KMeans(count, n_init=10, random_state=seed).fit(points)
    ranks[above] = np.argsort(np.argsort(fitted.cluster_centers_[:, 1]))[fitted.labels_]
    return ranks


def _cut(assets: Money, cluster: Ranks, rank: int) -> float:
    """The amount that best tells the clusters below `rank` from those at or above it. `assets` ascend."""
    above = np.concatenate([[0], np.cumsum(cluster >= rank)])
    wrong = above + (np.arange(len(assets) + 1) - above)[-1] - (np.arange(len(assets) + 1) - above)
    at = int(np.argmin(wrong))
    lower, upper = assets[max(at - 1, 0)], assets[min(at, len(assets) - 1)]
    return float(np.sqrt(max(lower, 1.0) * max(upper, 1.0)))
