"""From terms to columns: leaves become disjoint cells, cells windows, windows exact sums, and ratios come last."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import narwhals.stable.v2 as nw

from features.algebra import Leaf
from features.calendar import Clock
from features.declare import Feature
from features.known import Frame, Known, RowSet

KEY = "customer_id"
_PARTS = {"sum": ("sum",), "count": (), "min": ("min",), "max": ("max",), "day_sum": ("sum", "days"), "spell_sum": ()}
_CELL: dict[str, Callable[[str], nw.Expr]] = {
    "sum": lambda value: nw.col(value).sum(), "min": lambda value: nw.col(value).min(),
    "max": lambda value: nw.col(value).max(), "days": lambda value: nw.col(f"{value}_days").sum(),
}


def columns(known: Known, population: Frame, features: Sequence[Feature], minor: int) -> Frame:
    """One row per customer of `population` (`customer_id`), one column per feature, in their order.

    `minor` is how many minor units make one whole unit of the currency: money leaves the engine in whole units.
    """
    leaves = sorted({leaf for one in features for leaf in one.term.leaves}, key=lambda leaf: leaf.order)
    names = {leaf: f"leaf_{number}" for number, leaf in enumerate(leaves)}
    wide = population
    for name in dict.fromkeys(leaf.rows for leaf in leaves):
        mine = [leaf for leaf in leaves if leaf.rows == name]
        summed = known.engine.keep(f"leaves_{name}", _summed(known, known.sets[name], mine, names))
        wide = wide.join(summed, on=KEY, how="left")
    wide = wide.with_columns(*(nw.col(names[leaf]).fill_null(0.0) for leaf in leaves if leaf.how not in ("min", "max")
                               and leaf.window.bounds(known.clock) is not None))
    return wide.select(nw.col(KEY), *(_value(one, known.clock, names, minor).alias(one.name) for one in features))


def _value(one: Feature, clock: Clock, names: dict[Leaf, str], minor: int) -> nw.Expr:
    def at(leaf: Leaf) -> nw.Expr:
        return nw.lit(None, nw.Float64) if leaf.window.bounds(clock) is None else nw.col(names[leaf])
    made = one.term.make(clock, at)
    if one.unit == "category":
        return made
    return made.cast(nw.Float64) / nw.lit(float(minor)) if one.unit == "money" else made.cast(nw.Float64)


def _summed(known: Known, rows: RowSet, leaves: Sequence[Leaf], names: dict[Leaf, str]) -> Frame:
    """One row per customer with any row, one column per leaf."""
    frame = known.rows(rows.name)
    edges: list[int] = []
    if rows.cells:
        frame, edges = _cells(frame, rows, leaves, known.clock)
    picked = frame.select(nw.col(KEY), *(_picked(leaf, known.clock, rows, edges).alias(names[leaf]) for leaf in leaves))
    return picked.group_by(KEY).agg(*(_put_together(leaf, names[leaf]) for leaf in leaves))


def _cells(frame: Frame, rows: RowSet, leaves: Sequence[Leaf], clock: Clock) -> tuple[Frame, list[int]]:
    """Rows summed once per customer, time bucket and class. A time bucket lies wholly inside or outside every window."""
    bounds = [leaf.window.bounds(clock) for leaf in leaves]
    edges = sorted({edge for pair in bounds if pair for edge in pair})
    latest = max((pair[1] for pair in bounds if pair), default=clock.day)
    if all(leaf.how != "day_sum" for leaf in leaves):
        frame = frame.filter(nw.col("day") > edges[0]) if edges else frame
    used = sorted({column for leaf in leaves for column in leaf.where.columns})
    values = sorted({leaf.value for leaf in leaves if leaf.value})
    bucket = nw.lit(0)
    for edge in edges:
        bucket = bucket + (nw.col("day") > edge).cast(nw.Int64)
    frame = frame.filter(nw.col("day") <= latest).with_columns(
        bucket.alias("bucket"), *((nw.col(v) * (clock.day + 1 - nw.col("day"))).alias(f"{v}_days") for v in values))
    wanted = {(leaf.value, how) for leaf in leaves for how in _PARTS[leaf.how] if leaf.value}
    aggregates = [_CELL[how](value).alias(f"{value}_{how}") for value, how in sorted(wanted)]
    aggregates.append(nw.len().alias("rows"))
    return frame.group_by(KEY, "bucket", *used).agg(*aggregates), edges


def _picked(leaf: Leaf, clock: Clock, rows: RowSet, edges: list[int]) -> nw.Expr:
    """The leaf's value in a row (or cell) that passes its filter and window, else null."""
    bounds = leaf.window.bounds(clock)
    if bounds is None:
        return nw.lit(None, nw.Float64)
    after, through = bounds
    if not rows.cells:
        return _of_row(leaf, after, through)
    first, last = edges.index(after) + 1, edges.index(through)
    inside = (nw.col("bucket") >= first) & (nw.col("bucket") <= last)
    condition = leaf.where.make() & inside if leaf.where.columns else inside
    if leaf.how == "day_sum":
        within = nw.col(f"{leaf.value}_days") - nw.col(f"{leaf.value}_sum") * nw.lit(float(clock.day - through))
        before = nw.col("bucket") < first
        if leaf.where.columns:
            before, inside = leaf.where.make() & before, condition
        return nw.when(inside).then(within).otherwise(
            nw.when(before).then(nw.col(f"{leaf.value}_sum") * nw.lit(float(through - after))))
    column = "rows" if leaf.how == "count" else f"{leaf.value}_{leaf.how}"
    return nw.when(condition).then(nw.col(column).cast(nw.Float64))


def _of_row(leaf: Leaf, after: int, through: int) -> nw.Expr:
    value = nw.lit(1.0) if leaf.how == "count" else nw.col(leaf.value)
    conditions: list[nw.Expr] = [leaf.where.make()] if leaf.where.columns else []
    if leaf.until:
        conditions += [nw.col(leaf.until) > after + 1, nw.col(leaf.day) <= through]
    elif leaf.window.kind != "ever":
        conditions += [nw.col(leaf.day) > after, nw.col(leaf.day) <= through]
    if leaf.how == "spell_sum":
        first = nw.max_horizontal(nw.col(leaf.day), nw.lit(after + 1))
        value = value * (nw.min_horizontal(nw.col(leaf.until), nw.lit(through + 1)) - first).cast(nw.Float64)
    if not conditions:
        return value
    whole = conditions[0]
    for one in conditions[1:]:
        whole = whole & one
    return nw.when(whole).then(value)


def _put_together(leaf: Leaf, name: str) -> nw.Expr:
    column = nw.col(name)
    if leaf.how == "min":
        return column.min()
    if leaf.how == "max":
        return column.max()
    return column.sum()
