"""What a rival is given: the file of flat rows, and the sums to be made of it."""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Wanted:
    """One sum of `amount` or count of rows with after < day <= through that pass `where`."""

    name: str
    how: str
    after: int
    through: int
    where: list[Any] | None
    is_money: bool


@dataclass(frozen=True)
class Task:
    """`rows`: customer_id, day, amount in minor units, direction, channel, category, counterparty_kind, elsewhere."""

    rows: str
    day: int
    minor: int
    sums: tuple[Wanted, ...]

    @property
    def earliest(self) -> int:
        """Rows of this day and before count nowhere."""
        return min(one.after for one in self.sums)


def read(work: Path) -> Task:
    """The task lying in `work`."""
    told = json.loads((work / "task.json").read_text())
    return Task(told["rows"], told["day"], told["minor"], tuple(Wanted(**one) for one in told["sums"]))


def condition(tree: list[Any], column: Callable[[str], Any]) -> Any:
    """A filter in the library's own expressions, which `column` begins."""
    if tree[0] in ("and", "or"):
        join = operator.and_ if tree[0] == "and" else operator.or_
        return functools.reduce(join, (condition(part, column) for part in tree[1:]))
    return SIGNS[tree[1]](column(tree[0]), tree[2])


def key(tree: list[Any] | None) -> str:
    """Equal filters have equal keys."""
    return json.dumps(tree)
