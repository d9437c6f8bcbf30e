"""What features are made of: filters over rows, sums within windows (leaves), and arithmetic over those sums (terms).

Nothing here touches data. A filter and a term know the columns they read. An engine turns filters into Narwhals expressions;
terms are reckoned over its sums (features.program).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import narwhals.stable.v2 as nw

from features.calendar import Clock
from features.windows import EVER, Window, window

How = Literal["sum", "count", "min", "max", "day_sum", "spell_sum"]
Step = Literal[
    "leaf", "number", "clock", "add", "subtract", "multiply", "divide", "above", "at_least", "equals", "both", "known", "when",
    "root",
]  # fmt: skip
Number = int | float


@dataclass(frozen=True)
class Where:
    """A condition on rows. Equal text is the same condition."""

    text: str
    columns: frozenset[str]
    make: Callable[[], nw.Expr]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Where) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __and__(self, other: Where) -> Where:
        if not self.columns or not other.columns:
            return other if not self.columns else self
        return Where(f"({self.text} & {other.text})", self.columns | other.columns, lambda: self.make() & other.make())

    def __or__(self, other: Where) -> Where:
        return Where(f"({self.text} | {other.text})", self.columns | other.columns, lambda: self.make() | other.make())


ALL = Where("all", frozenset(), lambda: nw.lit(True))


@dataclass(frozen=True)
class Field:
    """A column of a set of rows, to filter by."""

    name: str

    def _where(self, sign: str, other: object, make: Callable[[nw.Expr], nw.Expr]) -> Where:
        return Where(f"{self.name} {sign} {other!r}", frozenset({self.name}), lambda: make(nw.col(self.name)))

    def equals(self, value: str | Number) -> Where:
        return self._where("==", value, lambda column: column == value)

    def differs(self, value: str | Number) -> Where:
        """Known and not this value."""
        return self._where("!=", value, lambda column: column != value)

    def among(self, *values: str) -> Where:
        made = [self.equals(value) for value in values]
        whole = made[0]
        for one in made[1:]:
            whole = whole | one
        return whole

    def is_null(self) -> Where:
        return self._where("is", None, lambda column: column.is_null())

    def is_known(self) -> Where:
        return self._where("is not", None, lambda column: ~column.is_null())

    def __gt__(self, value: Number) -> Where:
        return self._where(">", value, lambda column: column > value)

    def __ge__(self, value: Number) -> Where:
        return self._where(">=", value, lambda column: column >= value)

    def __lt__(self, value: Number) -> Where:
        return self._where("<", value, lambda column: column < value)

    def __le__(self, value: Number) -> Where:
        return self._where("<=", value, lambda column: column <= value)


@dataclass(frozen=True)
class Leaf:
    """One exact figure per customer: rows of a set that pass a filter within a window, put together.

    `day_sum` adds up a running total over every day of the window; its rows are changes (value, on the day they happen).
    With `until`, a row is a spell from `day` until the day before `until` and counts where it meets the window; `spell_sum`
    adds the value once for every day of the spell within the window.
    """

    rows: str
    how: How
    value: str = ""
    where: Where = ALL
    window: Window = EVER
    day: str = "day"
    until: str = ""

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the row set this leaf reads beyond the ones it always has."""
        return self.where.columns | {self.value} | {self.day, self.until} - {""}

    @property
    def order(self) -> tuple[str, ...]:
        """What makes the order of leaves total."""
        return (self.rows, self.how, self.value, self.where.text, repr(self.window), self.day, self.until)


@dataclass(frozen=True, eq=False)
class Term:
    """Arithmetic over leaves, as a tree; unknown in, unknown out; a division by zero is unknown.

    A condition is 1, 0 or unknown. `what` is the leaf, the number, or what tells a number by the as_of.
    """

    how: Step
    parts: tuple[Term, ...] = ()
    what: Leaf | float | Callable[[Clock], Number | None] | None = None
    leaves: frozenset[Leaf] = frozenset()
    seasons: frozenset[str] = frozenset()  # of the calendar, without which it is always unknown

    def __add__(self, other: Term | Number) -> Term:
        return _made("add", self, other)

    def __radd__(self, other: Number) -> Term:
        return _made("add", other, self)

    def __sub__(self, other: Term | Number) -> Term:
        return _made("subtract", self, other)

    def __rsub__(self, other: Number) -> Term:
        return _made("subtract", other, self)

    def __mul__(self, other: Term | Number) -> Term:
        return _made("multiply", self, other)

    def __rmul__(self, other: Number) -> Term:
        return _made("multiply", other, self)

    def __truediv__(self, other: Term | Number) -> Term:
        return _made("divide", self, other)

    def __rtruediv__(self, other: Number) -> Term:
        return _made("divide", other, self)

    def __neg__(self) -> Term:
        return 0 - self

    def __gt__(self, other: Term | Number) -> Term:
        return _made("above", self, other)

    def __ge__(self, other: Term | Number) -> Term:
        return _made("at_least", self, other)

    def __lt__(self, other: Term | Number) -> Term:
        return _made("above", other, self)

    def __le__(self, other: Term | Number) -> Term:
        return _made("at_least", other, self)

    def __and__(self, other: Term) -> Term:
        return _made("both", self, other)

    def equals(self, other: Term | Number) -> Term:
        return _made("equals", self, other)

    def known(self) -> Term:
        """True where this is known."""
        return _made("known", self)

    def flag(self) -> Term:
        """1 where this condition holds, else 0."""
        return when(self, 1, 0)

    def fill(self, value: Number) -> Term:
        """This, or `value` where it is unknown."""
        return when(self.known(), self, value)

    def at_least(self, floor: Term | Number) -> Term:
        """This, but not below `floor`."""
        return when(self >= floor, self, when(self < floor, floor))

    def at_most(self, ceiling: Term | Number) -> Term:
        """This, but not above `ceiling`."""
        return when(self <= ceiling, self, when(self > ceiling, ceiling))

    def root(self) -> Term:
        """Square root; unknown below zero."""
        return _made("root", self)


def _made(how: Step, *parts: Term | Number) -> Term:
    terms = tuple(term(part) for part in parts)
    return Term(
        how,
        terms,
        leaves=frozenset().union(*(one.leaves for one in terms)),
        seasons=frozenset().union(*(one.seasons for one in terms)),
    )


def term(of: Term | Number) -> Term:
    """A number as a term."""
    return of if isinstance(of, Term) else Term("number", what=float(of))


def leaf(
    rows: str, how: How, value: str = "", where: Where = ALL, window: Window = EVER, day: str = "day", until: str = ""
) -> Term:
    """A leaf as a term."""
    one = Leaf(rows, how, value, where, window, day, until)
    seasons = frozenset({window.name} if window.kind == "season" else ())
    return Term("leaf", what=one, leaves=frozenset({one}), seasons=seasons)


def of_clock(make: Callable[[Clock], Number | None], *seasons: str) -> Term:
    """A number that depends on the as_of, and perhaps on seasons, alone; None is unknown."""
    return Term("clock", what=make, seasons=frozenset(seasons))


def when(condition: Term, then: Term | Number, otherwise: Term | Number | None = None) -> Term:
    """`then` where the condition holds, else `otherwise` (unknown if there is none)."""
    return _made("when", condition, then, *(() if otherwise is None else (otherwise,)))


class Windowed(Mapping[Window, Term]):
    """The same figure over several windows; `each[30]`, `each["ytd"]` are its terms."""

    def __init__(self, terms: Mapping[Window, Term]) -> None:
        self._terms = dict(terms)

    def __getitem__(self, key: int | str | Window) -> Term:
        return self._terms[window(key)]

    def __iter__(self) -> Iterator[Window]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def _each(self, make: Callable[[Window, Term], Term]) -> Windowed:
        return Windowed({of: make(of, one) for of, one in self._terms.items()})

    def __sub__(self, other: Windowed) -> Windowed:
        return self._each(lambda of, one: one - other[of])

    def __add__(self, other: Windowed) -> Windowed:
        return self._each(lambda of, one: one + other[of])

    def __truediv__(self, other: Windowed) -> Windowed:
        return self._each(lambda of, one: one / other[of])


def over(windows: Sequence[int | str | Window], make: Callable[[Window], Term]) -> Windowed:
    """One term per window."""
    return Windowed({window(one): make(window(one)) for one in windows})
