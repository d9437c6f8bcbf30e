"""A booster's trees as arrays that ask many rows together: LightGBM's log-odds to the bit, in a fraction of its time.

LightGBM takes one row after the other from fork to fork, and a processor cannot guess which way each goes. Here every fork of a
tree asks all rows of a strip at once, and strikes out for those that go right the leaves on its left; the first leaf that a row
is left with is its own (QuickScorer: Lucchese et al., SIGIR 2015; with rows side by side: SIGIR 2016). More comparisons, and
nothing to guess. Only the night's scores come this way: what explains them (`models.explain`) is LightGBM's own and is held
against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from features.kernels.machine import compiled
from models.stack import Floats, Ints

Array = npt.NDArray[np.float64]
Said: TypeAlias = dict[str, list[str]]  # what a booster's text says of a tree, by name
STRIP = 512  # rows that are asked together: with all their columns they stay in a processor's cache
LEAVES = 32  # of a tree, at most: a bit of a word for each
PLAIN, UNKNOWN_LEFT, CATEGORY = range(3)  # at most the threshold goes left; so does what is unknown; so do some values
_CATEGORY, _DEFAULT_LEFT, _MISSING = 1, 2, 12  # bits of LightGBM's decision types, and what the last say of the unknown:
_NONE, _IS_NAN = 0, 8  # there was none to learn from and it counts as 0; it goes by default
_ONE_TREE, _STRANGE = "num_tree_per_iteration=1\n", ("\naverage_output", "\nis_linear=1")
_OF_FORKS = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_ZERO = np.float32(1e-35)
_SPREAD, _SHIFT = 0x077CB531, 27  # times a single bit, then shifted: another number below 32 for each (de Bruijn)
_PLACES = np.array([((1 << bit) * _SPREAD & 0xFFFFFFFF) >> _SHIFT for bit in range(LEAVES)])


@dataclass(frozen=True)
class Trees:
    """The forks of all trees, tree by tree."""

    used: Ints  # the columns that any fork asks for, ascending
    column: Ints  # of a fork: its place among these
    threshold: Floats
    kind: npt.NDArray[np.int8]
    kept: npt.NDArray[np.uint32]  # the leaves that a row still may reach when it goes right
    bits_from: Ints  # of a fork by category: where in `bits` those of the values that go left begin
    bits_to: Ints
    bits: npt.NDArray[np.uint32]
    first: Ints  # of a tree: its first fork; and the end of all
    leaf: Array  # tree x place of a leaf's bit

    def ask(self, cells: Floats, places: Ints, into: Array) -> None:
        """Write the log-odds of all rows of `in_strips`. `places`: where among its columns the used ones stand."""
        by_category = (self.bits_from, self.bits_to, self.bits)
        _ask(cells, places[self.column], self.threshold, self.kind, self.kept, *by_category, self.first, self.leaf, into)


def in_strips(columns: Sequence[npt.NDArray[np.floating[Any]]], rows: int) -> Floats:
    """Columns as cells that are asked: strip, column, row within the strip. A last strip's end is not filled."""
    cells: Floats = np.empty((-(-rows // STRIP), len(columns), STRIP), dtype=np.float32)
    whole = rows // STRIP
    for place, column in enumerate(columns):
        cells[:whole, place] = column[: whole * STRIP].reshape(whole, STRIP)
        cells[whole:, place, : rows - whole * STRIP] = column[whole * STRIP :]
    return cells


@lru_cache(maxsize=64)
def trees_of(text: str) -> Trees | None:
    """The trees of a booster's text; None for such as are not asked here: large ones, averages, linear
    leaves, and a text without trees or with torn ones, of which LightGBM says what is wrong."""
    trees = [_said(part) for part in text.partition("\nend of trees")[0].split("\nTree=")[1:]]
    if not trees or not all(_is_whole(tree) for tree in trees):
        return None
    forks, leaves = (np.array([len(tree.get(name, ())) for tree in trees]) for name in ("split_feature", "leaf_value"))
    decision = _all(trees, "decision_type").astype(np.int64)
    missing, is_category = decision & _MISSING, (decision & _CATEGORY) > 0
    strange = _ONE_TREE not in text or any(one in text for one in _STRANGE)
    if strange or leaves.max() > LEAVES or not np.isin(missing, (_NONE, _IS_NAN)).all():
        return None
    threshold = _all(trees, "threshold")
    goes_left = np.where(missing == _NONE, threshold >= 0, (decision & _DEFAULT_LEFT) > 0)
    used, column = np.unique(_all(trees, "split_feature").astype(np.int64), return_inverse=True)
    ordered = [_left_to_right(tree) for tree in trees]
    leaf = np.zeros((len(trees), LEAVES))
    for tree, (_, places) in enumerate(ordered):
        leaf[tree, _PLACES[: leaves[tree]]] = np.array(trees[tree]["leaf_value"], dtype=np.float64)[places]
    return Trees(
        used,
        column.astype(np.int64),
        _not_above(threshold),
        np.where(is_category, CATEGORY, np.where(goes_left, UNKNOWN_LEFT, PLAIN)).astype(np.int8),
        np.array([word for kept, _ in ordered for word in kept], dtype=np.uint32),
        *_categories(trees, threshold, is_category, forks),
        np.concatenate([[0], np.cumsum(forks)]),
        leaf,
    )


def _said(part: str) -> Said:
    lines = (line.partition("=") for line in part.split("\n"))
    return {name: said.split() for name, _, said in lines}


def _is_whole(tree: Said) -> bool:
    """Whether a fork is told in all that is read of it, and leaves are one more than forks."""
    told = [len(tree.get(name, ())) for name in _OF_FORKS]
    return min(told) == max(told) == len(tree.get("leaf_value", ())) - 1


def _all(trees: Sequence[Said], name: str) -> Array:
    """What all trees say under a name, one after the other."""
    return np.array([word for tree in trees for word in tree.get(name, ())], dtype=np.float64)


def _left_to_right(tree: Said) -> tuple[list[int], list[int]]:
    """Per fork the leaves that are kept where a row goes right, a bit for each; and the leaves in the order of their bits."""
    left, right = ([int(to) for to in tree.get(side, ())] for side in ("left_child", "right_child"))
    kept, leaves = [0] * len(left), []

    def below(node: int) -> int:
        if node < 0:
            leaves.append(-1 - node)
            return 1 << (len(leaves) - 1)
        on_left = below(left[node])
        kept[node] = 0xFFFFFFFF & ~on_left
        return on_left | below(right[node])

    below(0 if left else -1)
    return kept, leaves


def _not_above(threshold: Array) -> Floats:
    """The largest of the narrower numbers that is not above each: a feature that is at most the one is at most the other.

    To LightGBM a feature within 1e-35 of zero is zero: all of those go one way.
    """
    near, below = threshold.astype(np.float32), np.float32(-np.inf)
    near = np.where(near > threshold, np.nextafter(near, below), near)
    at_zero = np.where(threshold < 0, np.nextafter(-_ZERO, below), _ZERO)
    return np.where(np.abs(threshold) <= _ZERO, at_zero, near)


def _categories(
    trees: Sequence[Said], threshold: Array, is_category: npt.NDArray[np.bool_], forks: Ints
) -> tuple[Ints, Ints, npt.NDArray[np.uint32]]:
    """Per fork where in the bits of all trees those of its values begin and end; `threshold` is its place among its tree's."""
    words = np.array([len(tree.get("cat_threshold", ())) for tree in trees])
    ends = [np.array(tree.get("cat_boundaries", ("0",)), dtype=np.int64) for tree in trees]
    held = np.array([len(end) for end in ends])
    edges = np.concatenate(ends) + np.repeat(np.cumsum(words) - words, held)
    at = np.where(is_category, threshold, 0).astype(np.int64) + np.repeat(np.cumsum(held) - held, forks)
    bits = _all(trees, "cat_threshold").astype(np.uint32)
    return edges[at], edges[np.minimum(at + 1, len(edges) - 1)], bits


@compiled
def _ask(
    cells: Any,
    column: Any,
    threshold: Any,
    kind: Any,
    kept: Any,
    bits_from: Any,
    bits_to: Any,
    bits: Any,
    first: Any,
    leaf: Any,
    into: Any,
) -> None:
    """Adds up every row's leaves in the order of the trees, as LightGBM does: another order would be other bits."""
    every, one, spread, shift = np.uint32(0xFFFFFFFF), np.uint32(1), np.uint32(_SPREAD), np.uint32(_SHIFT)
    left = np.empty(STRIP, np.uint32)
    for strip in range(len(cells)):
        seen = into[strip * STRIP : (strip + 1) * STRIP]
        seen[:] = 0.0
        for tree in range(len(leaf)):
            left[:] = every
            for fork in range(first[tree], first[tree + 1]):
                values, at, keeps = cells[strip, column[fork]], threshold[fork], kept[fork]
                if kind[fork] == PLAIN:
                    for row in range(STRIP):
                        left[row] &= every if values[row] <= at else keeps
                elif kind[fork] == UNKNOWN_LEFT:
                    for row in range(STRIP):
                        left[row] &= keeps if values[row] > at else every
                else:
                    for row in range(STRIP):
                        # LightGBM cuts off what is behind the point, then asks for the sign.
                        code = np.int64(values[row]) if values[row] > -1 else np.int64(-1)
                        word = bits_from[fork] + code // 32
                        if code < 0 or word >= bits_to[fork] or not (bits[word] >> np.uint32(code % 32)) & one:
                            left[row] &= keeps
            own = leaf[tree]
            for row in range(len(seen)):
                lowest = left[row] & (~left[row] + one)
                seen[row] += own[np.uint32(lowest * spread) >> shift]
