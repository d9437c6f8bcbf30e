"""What was known at an as_of, as frames: canonical tables with days as whole numbers and money as whole doubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import narwhals.stable.v2 as nw

from features.moment import Moment

if TYPE_CHECKING:
    from features.algebra import Leaf

Frame = nw.LazyFrame[Any]


class Kernels(Protocol):
    """What an engine sums and makes in its own way, not by the expressions of row sets."""

    def takes(self, leaf: Leaf) -> bool:
        """Whether it sums this leaf."""
        ...

    def sums(self, rows: str, leaves: Sequence[Leaf]) -> None:
        """Note that leaves of a row set are to be summed, by customer."""
        ...

    def rows(self, name: str, make: Callable[[], Frame]) -> Frame | None:
        """The rows of a row set in its own way, with the columns that `make` gives; None: it has none."""
        ...


class Engine(Protocol):
    """What holds the tables: DuckDB, Spark or pandas."""

    @property
    def kernels(self) -> Kernels | None:
        """None: every leaf is summed by expressions."""
        ...

    def table(self, name: str) -> Frame:
        """A canonical table as known, with `day` columns."""
        ...

    def keep(self, name: str, frame: Frame) -> Frame:
        """The frame computed once, for several readers."""
        ...


@dataclass
class Known:
    """One as_of: its clock, its tables and the row sets made of them, each made once."""

    clock: Moment
    engine: Engine
    sets: Mapping[str, RowSet]
    has: Callable[..., bool]
    _made: dict[str, Frame] = field(default_factory=dict)

    def table(self, name: str) -> Frame:
        return self.engine.table(name)

    def rows(self, name: str) -> Frame:
        """A row set, made on first use."""
        if name not in self._made:
            one, kernels = self.sets[name], self.engine.kernels
            frame = kernels.rows(name, lambda: one.make(self)) if kernels else None
            if frame is None:
                frame = self.engine.keep(f"rows_{name}", one.make(self)) if one.kept else one.make(self)
            self._made[name] = frame
        return self._made[name]


@dataclass(frozen=True)
class RowSet:
    """Rows that leaves are summed over: at least `customer_id`, and whole-number day and value columns.

    `needs` are the canonical columns without which the set is not there; `uses` are columns it reads where a bank fills
    them; `fields` are columns of the set that need a canonical column of their own. `cells` are columns of few values by
    which rows are summed up before any window or filter is looked at. A set made of others (`after`) needs what they need.
    """

    name: str
    make: Callable[[Known], Frame]
    needs: Mapping[str, tuple[str, ...]]
    uses: Mapping[str, tuple[str, ...]]
    fields: Mapping[str, tuple[str, str]]
    cells: tuple[str, ...] = ()
    kept: bool = False
    after: tuple[str, ...] = ()  # other row sets it is made of


def row_set(
    *,
    needs: Mapping[str, tuple[str, ...]],
    uses: Mapping[str, tuple[str, ...]] | None = None,
    fields: Mapping[str, tuple[str, str]] | None = None,
    cells: tuple[str, ...] = (),
    kept: bool = False,
    after: tuple[str, ...] = (),
) -> Callable[[Callable[[Known], Frame]], RowSet]:
    """Make a function from what is known to rows a row set of the function's name."""

    def made(function: Callable[[Known], Frame]) -> RowSet:
        return RowSet(function.__name__, function, dict(needs), dict(uses or {}), dict(fields or {}), cells, kept, after)

    return made


def first_of(rows: Frame, order: list[str]) -> Frame:
    """Per customer the row that comes first in a total order."""
    placed = rows.with_columns(nw.lit(1).alias("one"))
    placed = placed.with_columns(nw.col("one").cum_sum().over("customer_id", order_by=order).alias("place"))
    return placed.filter(nw.col("place") == 1).drop("one", "place")


def latest_largest(rows: Frame, day: str, key: list[str]) -> Frame:
    """Per customer the row of the latest `day`, of those the largest `amount`."""
    turned = rows.with_columns((nw.lit(0.0) - nw.col(day)).alias("latest"), (nw.lit(0.0) - nw.col("amount")).alias("minus"))
    return first_of(turned, ["latest", "minus", *key])
