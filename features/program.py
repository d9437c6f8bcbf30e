"""Terms as a program: every figure once, in an order that needs few lines of room, run over the sums of any engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.algebra import Leaf, Number, Term
from features.calendar import Clock
from features.declare import Feature
from features.kernels import arithmetic
from features.leaf_sums import nothing
from features.room import Room
from features.streams import Doubles, Ints

HOW = {
    "leaf": arithmetic.LEAF,
    "number": arithmetic.NUMBER,
    "clock": arithmetic.NUMBER,
    "add": arithmetic.ADD,
    "subtract": arithmetic.SUBTRACT,
    "multiply": arithmetic.MULTIPLY,
    "divide": arithmetic.DIVIDE,
    "above": arithmetic.ABOVE,
    "at_least": arithmetic.AT_LEAST,
    "equals": arithmetic.EQUALS,
    "both": arithmetic.BOTH,
    "known": arithmetic.KNOWN,
    "when": arithmetic.WHEN,
    "root": arithmetic.ROOT,
}
Told = float | Callable[[Clock], Number | None]  # a number, or what tells it by the as_of


@dataclass(frozen=True)
class Program:
    """Features as steps over lines of sums, a line per leaf; features of texts are lines of texts, taken as they are."""

    leaves: tuple[Leaf, ...]  # what the lines of sums hold
    names: tuple[str, ...]  # features that are numbers, as `run` gives them
    texts: Mapping[str, Leaf]  # features that are texts
    steps: Ints  # steps x (how, to, a, b, c)
    numbers: tuple[Told, ...]
    room: int  # lines in use at once

    def run(self, sums: Doubles, who: npt.NDArray[np.integer], clock: Clock, out: Doubles, room: Room | None = None) -> Doubles:
        """`out` (`names` x customers) filled: their places in the lines of `sums` are `who`; unknown is no number."""
        numbers = [one(clock) if callable(one) else one for one in self.numbers] + [None]
        told = np.array([np.nan if one is None else float(one) for one in numbers])
        steps = self.steps.copy()
        gone = np.array([leaf.window.bounds(clock) is None for leaf in self.leaves] + [False])
        absent = (steps[:, 0] == arithmetic.LEAF) & gone[np.where(steps[:, 0] == arithmetic.LEAF, steps[:, 2], -1)]
        steps[absent, 0], steps[absent, 2] = arithmetic.NUMBER, len(told) - 1
        bounds = np.linspace(0, len(who), (room.threads if room else 1) + 1).astype(np.int64)

        def work(first: int, last: int) -> None:
            arithmetic.reckon(steps, told, sums, who, first, last, self.room, out)

        list((room.pool.map if room else map)(work, bounds[:-1], bounds[1:]))
        return out

    def over(self, rows: pa.Table, names: Mapping[Leaf, str], clock: Clock) -> dict[str, pa.Array]:
        """The features of rows that have a column per leaf."""
        sums, out = (np.empty((len(lines), rows.num_rows)) for lines in (self.leaves, self.names))
        nothing(self.leaves, sums)
        for line, leaf in enumerate(self.leaves):
            sums[line] = figures(rows[names[leaf]], leaf)
        made = columns(self.names, self.run(sums, np.arange(rows.num_rows), clock, out))
        return made | {name: rows[names[leaf]] for name, leaf in self.texts.items()}


def figures(column: pa.ChunkedArray, leaf: Leaf) -> Doubles:
    """The values of a leaf, as lines of sums have them."""
    values = column.cast(pa.float64())
    return np.asarray((values if leaf.how in ("min", "max") else values.fill_null(0.0)).to_numpy())


def columns(names: Sequence[str], lines: Doubles) -> dict[str, pa.Array]:
    """Each line as a column over the same memory, unknown where it is no number."""
    unknown = np.isnan(lines)
    known = np.packbits(~unknown, axis=1, bitorder="little")
    return {
        name: pa.Array.from_buffers(pa.float64(), len(line), [pa.py_buffer(bits), pa.py_buffer(line)], int(count))
        for name, line, bits, count in zip(names, lines, known, unknown.sum(axis=1), strict=True)
    }


def program(features: Sequence[Feature], leaves: Sequence[Leaf], minor: int) -> Program:
    """The features as a program over these leaves, in this order.

    `minor` is how many minor units make one whole unit of the currency: money leaves in whole units.
    """
    texts = {one.name: _leaf_of(one.term) for one in features if one.unit == "category"}
    lines = [leaf for leaf in leaves if leaf not in texts.values()]
    writer = _Writer({leaf: line for line, leaf in enumerate(lines)})
    names = [one.name for one in features if one.name not in texts]
    figures = [one.term / minor if one.unit == "money" else one.term for one in features if one.name not in texts]
    for number, figure in enumerate(figures):
        writer.store(figure, number)
    steps, room = writer.steps()
    return Program(tuple(lines), tuple(names), texts, steps, tuple(writer.numbers), room)


def _leaf_of(text: Term) -> Leaf:
    assert isinstance(text.what, Leaf), "a text is taken as it is"
    return text.what


class _Writer:
    """Writes down each different figure once, after those it is made of."""

    def __init__(self, lines: Mapping[Leaf, int]) -> None:
        self.lines = lines
        self.numbers: list[Told] = []
        self.figures: list[tuple[int, tuple[int, ...]]] = []  # how, operands
        self.places: dict[tuple[object, ...], int] = {}
        self.of: dict[Term, int] = {}  # terms that came before: what several share is looked at once
        self.order: list[tuple[int, int]] = []  # figure, and the feature it is stored as; -1: it is only made

    def store(self, of: Term, feature: int) -> None:
        self.order.append((self.figure(of), feature))

    def figure(self, of: Term) -> int:
        """The number of a figure."""
        if of in self.of:
            return self.of[of]
        parts = tuple(self.figure(part) for part in of.parts)
        key = (of.how, parts, of.what)
        if key not in self.places:
            if isinstance(of.what, Leaf):
                parts = (self.lines[of.what],)
            elif of.what is not None:
                parts = (len(self.numbers),)
                self.numbers.append(of.what)
            self.places[key] = len(self.figures)
            self.figures.append((HOW[of.how], parts))
            self.order.append((self.places[key], -1))
        self.of[of] = self.places[key]
        return self.places[key]

    def steps(self) -> tuple[Ints, int]:
        """Steps with the lines of room they read and write, and how many lines there must be."""
        last = {}
        for step, (figure, stored) in enumerate(self.order):
            how, parts = self.figures[figure]
            last[figure] = step
            if stored < 0 and how not in (arithmetic.LEAF, arithmetic.NUMBER):
                last |= dict.fromkeys(parts, step)
        line: dict[int, int] = {}
        free: list[int] = []
        room, made = 0, []
        for step, (figure, stored) in enumerate(self.order):
            how, parts = self.figures[figure]
            is_read = stored < 0 and how not in (arithmetic.LEAF, arithmetic.NUMBER)
            operands = [line[part] for part in parts] if is_read else list(parts)
            if stored >= 0:
                made.append([arithmetic.STORE, stored, line[figure], arithmetic.NONE, arithmetic.NONE])
            free += [line[part] for part in dict.fromkeys(parts if is_read else ()) if last[part] == step]
            if stored < 0:
                if not free:
                    free.append(room)
                    room += 1
                line[figure] = free.pop()
                made.append(([how, line[figure], *operands] + [arithmetic.NONE] * 2)[:5])
            elif last[figure] == step:
                free.append(line[figure])
        return np.array(made, dtype=np.int32).reshape(-1, 5), room
