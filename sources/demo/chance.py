"""Random generators named by purpose, so that a new purpose shifts no other's draws."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def chance(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of (seed, names): the same draws whatever else the bank is made of."""
    text = "\0".join([str(seed), *map(str, names)])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def pick(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """`size` indices drawn in proportion to `weights`."""
    edges = np.cumsum(weights, dtype=np.float64)
    found = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    out: Ints = np.minimum(found, len(weights) - 1).astype(np.int64)
    return out


def evenly(rng: np.random.Generator, p: Floats) -> Bools:
    """Each with its chance `p`, and together as many as expected, give or take one: a few loans are else a matter of luck."""
    reached = np.floor(np.cumsum(p) + rng.random())
    out: Bools = np.diff(reached, prepend=0.0) > 0
    return out


def sigmoid(x: Floats) -> Floats:
    """Logit to probability."""
    out: Floats = 1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0)))
    return out


def intercept_for(x: Floats, mean: float) -> float:
    """The constant to add to logits `x` so that their average probability is `mean`."""
    low, high = -25.0, 15.0
    if len(x) == 0:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(x + middle).mean() < mean else (low, middle)
    return (low + high) / 2
