"""Tiers given by hand: which hold on a day, which are over or yet to come, and which name a customer nobody knows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.tier_settings import Override, Scale, TierSettings
from models.tier_standing import Standing, Words
from store.errors import ConfigError

State = Literal["in_force", "replaced", "to_come", "expired", "unknown"]


@dataclass(frozen=True)
class OverrideState:
    """One override as it stands on a day; `replaced` by a later one for the same customer."""

    override: Override
    state: State


def check(overrides: Iterable[Override], tiers: TierSettings) -> None:
    """Raises ConfigError for overrides whose tier no scale has, naming each."""
    known = [level.id for scale in tiers.scales.values() for level in scale.levels]
    wrong = [f"'{one.tier}' for {one.customer_id}" for one in overrides if one.tier not in known]
    if wrong:
        raise ConfigError(
            f"no tier {', '.join(wrong)}",
            where="overrides",
            expected=f"one of {', '.join(known)}",
            do="write the id of a tier of the customer's scale",
        )


def states(
    overrides: Iterable[Override], as_of: dt.date, known: Iterable[str], merged: Mapping[str, str] | None = None
) -> tuple[OverrideState, ...]:
    """Every override with its state, by customer and day; `known` are the customers of the day, `merged` old -> new."""
    customers, stands_for = set(known), merged or {}
    ordered = sorted(overrides, key=lambda one: (one.customer_id, one.since, one.until, one.tier))
    chosen = in_force(ordered, as_of, stands_for)
    found = []
    for one in ordered:
        who = stands_for.get(one.customer_id, one.customer_id)
        state: State = "in_force" if chosen.get(who) is one else "replaced"
        if one.until < as_of:
            state = "expired"
        elif one.since > as_of:
            state = "to_come"
        elif who not in customers:
            state = "unknown"
        found.append(OverrideState(one, state))
    return tuple(found)


def in_force(overrides: Iterable[Override], as_of: dt.date, merged: Mapping[str, str]) -> dict[str, Override]:
    """Customer -> the override that holds on the day: of two the later. One for a merged number holds for the new one."""
    ordered = sorted(overrides, key=lambda one: (one.since, one.until, one.tier, one.customer_id))
    return {merged.get(one.customer_id, one.customer_id): one for one in ordered if one.since <= as_of <= one.until}


def apply(
    chosen: Mapping[str, Override], scale: Scale, tiers: TierSettings, ids: pa.Array, standing: Standing, status: Words
) -> Sequence[Override | None]:
    """Put the given tiers into the standing; the override of each customer of `ids`, or None.

    Raises ConfigError for a tier that is not of the customer's scale.
    """
    given: list[Override | None] = [None] * len(ids)
    names = sorted(chosen)
    for at in np.flatnonzero(pc.is_in(ids, pa.array(names, pa.string())).to_numpy(zero_copy_only=False)).tolist():
        one = chosen[ids[at].as_py()]
        if one.tier not in {level.id for level in scale.levels}:
            raise ConfigError(
                f"'{one.tier}' for {one.customer_id} is a tier of the scale '{tiers.scale_of(one.tier)}'",
                where="overrides",
                expected=f"one of {', '.join(level.id for level in scale.levels)}",
                do="give a tier of the customer's own scale",
            )
        given[at] = one
        standing.rank[at] = scale.rank_of(one.tier)
        standing.by[at], status[at] = "override", "graded"
        standing.since[at] = one.since.toordinal()
    return given
