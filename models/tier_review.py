"""What head office reads before it approves thresholds: who is in which tier, and the lines that put a proposal in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from models.tier_proposal import Proposal
from models.tier_settings import Level, Scale, TierSettings


@dataclass(frozen=True)
class TierShare:
    """One tier of a scale: its customers, the sum of their graded averages, and how many of them are in which status."""

    id: str
    customers: int
    customer_share: float
    money: float  # currency units; of negative averages nothing
    money_share: float
    notice: int
    provisional: int
    capped: int


def shares(tiers: pa.Table, name: str, scale: Scale) -> tuple[TierShare, ...]:
    """The tiers of a scale, high to low, from a table of tiers (`models.tier_table`)."""
    of_scale = tiers["scale"].to_numpy() == name
    tier, status = tiers["tier"].to_numpy()[of_scale], tiers["status"].to_numpy()[of_scale]
    money = np.maximum(tiers["measure_adb"].to_numpy()[of_scale], 0.0)
    cents = np.round(money * 100).astype(np.int64)  # whole, so that the order of rows changes no sum
    people, total = max(int(of_scale.sum()), 1), max(int(cents.sum()), 1)
    found = []
    for level in scale.levels:
        mine = tier == level.id
        counts = {state: int((mine & (status == state)).sum()) for state in ("notice", "provisional", "capped")}
        found.append(
            TierShare(
                level.id,
                int(mine.sum()),
                int(mine.sum()) / people,
                int(cents[mine].sum()) / 100,
                int(cents[mine].sum()) / total,
                **counts,
            )
        )
    return tuple(found)


def approval_lines(tiers: TierSettings, proposals: Mapping[str, Proposal], year: int) -> list[str]:
    """The lines of a bank's file that put the proposals in force for a calendar year, with those that hold until then.

    A scale without a proposal stays as it is. They stand in the bank's own file, beneath which the house's lie.
    """
    lines = ["tiers:", '  approved_by: ""             # 批准人 who approves', f"  approved_for: {year}", "  scales:"]
    for name, proposal in sorted(proposals.items()):
        said = {level.id: level for level in proposal.levels}
        levels = tuple(
            level.model_copy(update={"adb": said[level.id].adb, "contribution": said[level.id].contribution})
            for level in tiers.scales[name].levels
        )
        vip = tiers.scales[name].vip_adb
        higher = None if vip is None else max(vip, levels[0].adb * 2 if vip <= levels[0].adb else vip)
        lines += _scale_lines(name, tiers.scales[name].model_copy(update={"levels": levels, "vip_adb": higher}), 4)
    lines += ["  earlier:", f"    {year - 1}:            # 到{year - 1}年底仍按此评定 still graded by these until then"]
    for name in sorted(proposals):
        lines += _scale_lines(name, tiers.scales[name], 6)
    return lines


def _scale_lines(name: str, scale: Scale, indent: int) -> list[str]:
    pad = " " * indent
    lines = [f"{pad}{name}:", f"{pad}  kinds: [{', '.join(scale.kinds)}]"]
    lines += [f"{pad}  vip_adb: {scale.vip_adb:.15g}"] if scale.vip_adb is not None else []
    return [*lines, f"{pad}  levels:", *(f"{pad}    - {_level(level)}" for level in scale.levels)]


def _level(level: Level) -> str:
    asks = f", adb: {level.adb:.15g}, contribution: {level.contribution:.15g}" if level.adb else ""
    return f'{{id: {level.id}, zh: "{level.zh}", en: "{level.en}"{asks}}}'
