"""The windowed sums and counts of transactions that features declare, as plain data to write any library's version from."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from babel.numbers import get_currency_precision

from bench.opened import Opened
from features.algebra import Leaf
from features.calendar import Clock
from features.declare import Feature

SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
}


@dataclass(frozen=True)
class Sum:
    """A feature that is one sum (of `amount`) or count over rows of the days (after, through] that pass a filter.

    The filter is `["and", ...]`, `["or", ...]` over filters or `[column, sign, value]`; None: every row.
    """

    name: str
    how: str
    after: int
    through: int
    where: list[Any] | None
    is_money: bool

    def plain(self) -> dict[str, Any]:
        return dict(vars(self))


def sums(here: Opened) -> list[Sum]:
    """Features of the bank that are one such sum over a window back from the date, in the order of the catalogue."""
    clock = Clock(here.as_of, here.bank.features.calendar)
    found = []
    for one in here.features():
        if (leaf := _plain(one)) is not None:
            bounds = leaf.window.bounds(clock)
            assert bounds is not None
            found.append(Sum(one.name, leaf.how, *bounds, filter_of(leaf.where.text), one.unit == "money"))
    return found


def names(here: Opened) -> list[str]:
    return [one.name for one in sums(here)]


def minor(here: Opened) -> int:
    """Minor units in a whole unit of the bank's currency."""
    return int(10 ** get_currency_precision(here.canonical.manifest.currency))


def _plain(one: Feature) -> Leaf | None:
    """The feature's only leaf, where it is a sum or count of transactions within so many days back."""
    leaves = list(one.term.leaves)
    if len(leaves) != 1 or leaves[0].rows != "transactions" or leaves[0].how not in ("sum", "count"):
        return None
    return leaves[0] if leaves[0].window.kind == "back" and not leaves[0].window.ago else None


def filter_of(text: str) -> list[Any] | None:
    """The text of a filter as a tree: its grammar is Python's once `&` and `|` are words."""
    if text == "all":
        return None
    return _tree(ast.parse(text.replace(" & ", " and ").replace(" | ", " or "), mode="eval").body)


def _tree(node: ast.expr) -> list[Any]:
    if isinstance(node, ast.BoolOp):
        return ["and" if isinstance(node.op, ast.And) else "or", *(_tree(part) for part in node.values)]
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and type(node.ops[0]) in SIGNS:
        return [node.left.id, SIGNS[type(node.ops[0])], ast.literal_eval(node.comparators[0])]
    raise ValueError(f"no rival can be written for the filter '{ast.unparse(node)}'")
