"""From leaves to columns: rows become disjoint cells, cells windows, and windows exact sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_

import narwhals.stable.v2 as nw

from features.algebra import Leaf
from features.calendar import Clock
from features.declare import Feature
from features.known import Frame, Known, RowSet
from features.moment import Moment
from features.windows import Window

KEY = "customer_id"
_PARTS = {"sum": ("sum",), "count": (), "min": ("min",), "max": ("max",), "day_sum": ("sum", "days"), "spell_sum": ()}
_CELL: dict[str, Callable[[str], nw.Expr]] = {
    "sum": lambda value: nw.col(value).sum(),
    "min": lambda value: nw.col(value).min(),
    "max": lambda value: nw.col(value).max(),
    "days": lambda value: nw.col(f"{value}_days").sum(),
}


def gathered(known: Known, population: Frame, features: Sequence[Feature]) -> Frame:
    """The rows of `population`, one more column per leaf of the features."""
    kept = {name: known.engine.keep(name, frame) for name, frame in summed(known, features).items()}
    return reduce(lambda left, frame: left.join(frame, on=KEY, how="left"), kept.values(), population)


def summed(known: Known, features: Sequence[Feature]) -> dict[str, Frame]:
    """Frames of leaves by name, but of those that kernels sum: a row per customer with any row, a column per leaf."""
    names, kernels = names_of(features), known.engine.kernels
    brought: list[Leaf] = []
    if kernels:
        brought = [leaf for leaf in names if kernels.takes(leaf)]
        for rows in sorted({leaf.rows for leaf in brought}):
            kernels.sums(rows, [leaf for leaf in brought if leaf.rows == rows])
    others = sorted(set(names) - set(brought), key=lambda leaf: leaf.order)
    groups = _groups(others, known.sets)
    return {f"leaves_{name}": _summed(known, known.sets[mine[0].rows], mine, names) for name, mine in groups}


def names_of(features: Sequence[Feature]) -> dict[Leaf, str]:
    """The features' leaves in order, each with the column an engine sums it into."""
    leaves = sorted({leaf for one in features for leaf in one.term.leaves}, key=lambda leaf: leaf.order)
    return {leaf: f"leaf_{number}" for number, leaf in enumerate(leaves)}


def _groups(leaves: Sequence[Leaf], sets: Mapping[str, RowSet]) -> list[tuple[str, list[Leaf]]]:
    """Leaves that are summed together: by row set, and of sets with cells the windows of the last year by themselves.

    The few windows that lie further back (a season a year ago) would cut everybody's year into twice as many cells.
    """
    groups: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        is_far = bool(sets[leaf.rows].cells) and leaf.how != "day_sum" and not _is_recent(leaf.window)
        groups.setdefault(f"{leaf.rows}_far" if is_far else leaf.rows, []).append(leaf)
    for name, mine in list(groups.items()):
        if name.endswith("_far") and any(leaf.how == "day_sum" for leaf in groups.get(mine[0].rows, [])):
            groups[mine[0].rows] += groups.pop(name)
    return sorted(groups.items())


def _is_recent(window: Window) -> bool:
    return window.kind in ("back", "day") and window.days + window.ago <= 366


def _summed(known: Known, rows: RowSet, leaves: Sequence[Leaf], names: dict[Leaf, str]) -> Frame:
    """One row per customer with any row, one column per leaf."""
    frame, edges = known.rows(rows.name), _edges(leaves) if rows.cells else []
    if rows.cells:
        frame = _cells(frame, leaves, edges, known.clock)
        picked = [_of_cell(leaf, known.clock, edges).alias(names[leaf]) for leaf in leaves]
    else:
        picked = [_of_row(leaf, known.clock).alias(names[leaf]) for leaf in leaves]
    return frame.select(nw.col(KEY), *picked).group_by(KEY).agg(*(_put_together(leaf, names[leaf]) for leaf in leaves))


def _edges(leaves: Sequence[Leaf]) -> list[tuple[Window, int]]:
    """The sides of all windows, each once as far as that can be told without the as_of."""
    found: dict[object, tuple[Window, int]] = {}
    for leaf in leaves:
        for side in (0, 1):
            of = leaf.window
            if of.kind == "back":
                name: object = ("days", of.ago + (of.days if side == 0 else 0))
            else:
                name = ("days", of.ago) if side and of.kind in ("ever", "to_date", "day") else (of, side)
            found.setdefault(name, (of, side))
    return list(found.values())


def _cells(frame: Frame, leaves: Sequence[Leaf], edges: list[tuple[Window, int]], moment: Moment) -> Frame:
    """Rows summed once per customer, time bucket and class. A time bucket lies wholly inside or outside every window."""
    days = [moment.bounds(of)[side] for of, side in edges]
    if all(leaf.how != "day_sum" for leaf in leaves):
        frame = frame.filter(reduce(or_, (_within(window, moment) for window in _widest(leaves))))
    bucket = nw.lit(0)
    for day in days:
        bucket = bucket + (nw.col("day") > day).cast(nw.Int64)
    used = sorted({column for leaf in leaves for column in leaf.where.columns})
    values = sorted({leaf.value for leaf in leaves if leaf.how == "day_sum"})
    frame = frame.filter(nw.col("day") <= moment.day).with_columns(
        bucket.alias("bucket"),
        *((nw.col(value) * (nw.lit(moment.day + 1) - nw.col("day"))).alias(f"{value}_days") for value in values),
    )
    wanted = {(leaf.value, how) for leaf in leaves for how in _PARTS[leaf.how] if leaf.value}
    aggregates = [_CELL[how](value).alias(f"{value}_{how}") for value, how in sorted(wanted)]
    cells = frame.group_by(KEY, "bucket", *used).agg(*aggregates, nw.len().alias("rows"))
    filters = sorted({leaf.where.text: leaf.where for leaf in leaves if leaf.where.columns}.items())
    return cells.with_columns(*(where.make().alias(f"is {text}") for text, where in filters)) if filters else cells


def _widest(leaves: Sequence[Leaf]) -> list[Window]:
    """Windows that together cover all windows of the leaves; those that end at the as_of by the longest of them."""
    back = [leaf.window for leaf in leaves if leaf.window.kind == "back" and not leaf.window.ago]
    longest = [max(back, key=lambda window: window.days)] if back else []
    return longest + list(dict.fromkeys(leaf.window for leaf in leaves if leaf.window not in back))


def _within(window: Window, moment: Moment) -> nw.Expr:
    after, through = moment.bounds(window)
    return (nw.col("day") > after) & (nw.col("day") <= through)


def _of_cell(leaf: Leaf, moment: Moment, edges: list[tuple[Window, int]]) -> nw.Expr:
    """The leaf's value in a cell that passes its filter and window, else null."""
    first, last = moment.buckets(leaf.window, edges)
    inside = (nw.col("bucket") >= first) & (nw.col("bucket") <= last)
    before = nw.col("bucket") < first
    if leaf.where.columns:
        passes = nw.col(f"is {leaf.where.text}")
        inside, before = passes & inside, passes & before
    if leaf.how != "day_sum":
        column = "rows" if leaf.how == "count" else f"{leaf.value}_{leaf.how}"
        return nw.when(inside).then(nw.col(column).cast(nw.Float64))
    window = leaf.window
    total, length = nw.col(f"{leaf.value}_sum"), moment.number(lambda clock: _length(window, clock))
    within = nw.col(f"{leaf.value}_days") - total * moment.number(lambda clock: _since(window, clock))
    return nw.when(inside).then(within).otherwise(nw.when(before).then(total * length))


def _length(window: Window, clock: Clock) -> int | None:
    bounds = window.bounds(clock)
    return None if bounds is None else bounds[1] - bounds[0]


def _since(window: Window, clock: Clock) -> int | None:
    bounds = window.bounds(clock)
    return None if bounds is None else clock.day - bounds[1]


def _of_row(leaf: Leaf, moment: Moment) -> nw.Expr:
    """The leaf's value in a row that passes its filter and window, else null."""
    value = nw.lit(1.0) if leaf.how == "count" else nw.col(leaf.value)
    conditions: list[nw.Expr] = [leaf.where.make()] if leaf.where.columns else []
    after, through = moment.bounds(leaf.window)
    if leaf.until:
        conditions += [nw.col(leaf.until) > after + 1, nw.col(leaf.day) <= through]
    elif leaf.window.kind != "ever":
        conditions += [nw.col(leaf.day) > after, nw.col(leaf.day) <= through]
    if leaf.how == "spell_sum":
        first = nw.max_horizontal(nw.col(leaf.day), nw.lit(after + 1))
        value = value * (nw.min_horizontal(nw.col(leaf.until), nw.lit(through + 1)) - first).cast(nw.Float64)
    whole = reduce(and_, conditions) if conditions else None
    return value if whole is None else nw.when(whole).then(value)


def _put_together(leaf: Leaf, name: str) -> nw.Expr:
    column = nw.col(name)
    if leaf.how == "min":
        return column.min()
    return column.max() if leaf.how == "max" else column.sum()
