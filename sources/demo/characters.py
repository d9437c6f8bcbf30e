"""Who people are: group, age, and the tempers nobody sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sources.demo.chance import Bools, Floats, Ints, pick
from sources.demo.groups import AGE_BANDS, AGES, ENGAGED, SHARES


@dataclass(frozen=True)
class Characters:
    """One entry per person."""

    group: Ints
    age: Floats  # at the last day
    woman: Bools
    loyalty: Floats
    shopper: Floats
    digital: Floats
    thrift: Floats
    enterprise: Floats
    nerve: Floats  # leaves no trace anywhere
    engaged: Bools

    def __len__(self) -> int:
        return len(self.group)


def draw_characters(rng: np.random.Generator, n: int) -> Characters:
    """`n` people of the county."""
    group = pick(rng, SHARES, n)
    band = (rng.random(n)[:, None] > np.cumsum(AGES, axis=1)[group]).sum(axis=1).clip(0, 3)
    low, high = np.array(AGE_BANDS)[band].T
    age = low + rng.random(n) * (high - low)
    woman = rng.random(n) < 0.49
    latent = rng.standard_normal((6, n))
    lean = np.array([-0.3, 0.3, 0.5, 0.4, 0.5, -0.2, 0.4])[group]
    return Characters(
        group=group,
        age=age,
        woman=woman,
        loyalty=0.8 * latent[0] + 0.5 * (age - 48) / 17,
        shopper=np.maximum(latent[1], -1),
        digital=0.75 * latent[2] - 0.75 * (age - 46) / 17 + lean,
        thrift=latent[3],
        enterprise=latent[4],
        nerve=latent[5],
        engaged=rng.random(n) < ENGAGED[group],
    )


def death_share(age: Floats) -> Floats:
    """Share of people of an age who die within the span or in the months before it."""
    out: Floats = np.interp(age, [0, 55, 70, 90], [0, 0.0012, 0.012, 0.06])
    return out
