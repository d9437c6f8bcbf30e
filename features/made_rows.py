"""Rows that kernels make of transactions, as their row sets have them: money that arrives, and blocks of days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.classes import MOVES, Flags
from features.kernels import moves
from features.rows.arrivals import KINDS, SINCE, arriving, leaving
from features.rows.transactions import BLOCK, BLOCKS, outer
from features.streams import Stream

Spread = Callable[[Callable[[int, int], object], Stream], None]  # work over spans of customers, by how many rows they have
Make = Callable[[Stream, Stream, int, Spread], pa.Table]  # of steady and late transactions until a day


def blocks(steady: Stream, late: Stream, through: int, spread: Spread) -> pa.Table:
    """One row per customer and block of days with a movement: income, spending and what was saved (row set `flow_blocks`)."""
    flags, size = _outer(), (BLOCKS, len(steady.starts) - 1)
    income, spending, has = np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.bool_)
    came, went = np.ascontiguousarray(flags[:, 0]), np.ascontiguousarray(flags[:, 1])
    zero, end = _ends(steady, late, through)
    back = (through - np.arange(zero, end + 1)) // BLOCK
    block_of = np.where((back >= 0) & (back < BLOCKS), back, -1)

    def work(first: int, last: int) -> None:
        moves.blocks(
            first, last, steady.starts, steady.day, steady.amount, steady.code, late.starts, late.day, late.amount,
            late.code, block_of, zero, came, went, income, spending, has,
        )  # fmt: skip

    spread(work, steady)
    block, customer = np.nonzero(has)
    columns = {"customer_id": customer + 1, "block": block, "income": income[has], "spending": spending[has]}
    return pa.table({**columns, "saving": income[has] - spending[has]})


def arrivals(steady: Stream, late: Stream, through: int, spread: Spread) -> pa.Table:
    """One row per customer, day and kind of money that arrived (row set `arrivals`)."""
    flags = _coming()
    arrives = np.where(flags[:, 1:].any(axis=1), flags[:, 1:].argmax(axis=1), -1)
    leaves = np.ascontiguousarray(flags[:, 0])
    count = np.zeros(len(steady.starts) - 1, dtype=np.int64)
    found: list[dict[str, npt.NDArray[np.generic]]] = []

    def work(first: int, last: int) -> None:
        for one in (steady, late):
            moves.arriving(first, last, one.starts, one.day, one.code, through - SINCE, through, arrives, count)
        size = int(count[first:last].sum())
        day, kind, customer = (np.empty(size, dtype=np.int64) for _ in range(3))
        amount, left, is_last = np.empty(size), np.empty((3, size)), np.zeros(size, dtype=np.bool_)
        end = moves.arrivals(
            first, last, steady.starts, steady.day, steady.amount, steady.code, late.starts, late.day, late.amount,
            late.code, through - SINCE, through, arrives, leaves, count, len(KINDS), day, kind, amount, left, customer,
            is_last,
        )  # fmt: skip
        part = {"customer_id": customer[:end] + 1, "day": day[:end], "kind": kind[:end], "amount": amount[:end]}
        found.append({**part, **{f"out_{later}": left[later, :end] for later in range(3)}, "is_last": is_last[:end]})

    spread(work, steady)
    return _arrived({name: np.concatenate([part[name] for part in found]) for name in found[0]}, through)


def _arrived(rows: Mapping[str, npt.NDArray[np.generic]], today: int) -> pa.Table:
    """Arrivals as their row set has them."""
    day = rows["day"].astype(np.int64)
    amount, one, two, three = (rows[name].astype(np.float64) for name in ("amount", "out_0", "out_1", "out_2"))
    seen, gone = day <= today - 2, one + two
    days = np.arange(today - SINCE, today + 1).astype("datetime64[D]")
    of_month = (days - days.astype("datetime64[M]")).astype(np.float64) + 1.0
    return pa.table(
        {
            "customer_id": rows["customer_id"],
            "day": day,
            "category": pa.array(KINDS).take(pa.array(rows["kind"])),
            "amount": amount,
            "seen": np.where(seen, amount, 0.0),
            "left_1d": np.where(seen, np.minimum(amount, gone), 0.0),
            "left_2d": np.where(seen, np.minimum(amount, gone + three), 0.0),
            "is_last": rows["is_last"].astype(np.int64),
            "day_of_month": of_month[day - (today - SINCE)],
        }
    )


def _ends(steady: Stream, late: Stream, through: int) -> tuple[int, int]:
    """The first and the last day of any row, and of `through`."""
    days = [day for rows in (steady, late) if len(rows.day) for day in (int(rows.day.min()), int(rows.day.max()))]
    return min([through, *days]), max([through, *days])


@lru_cache
def _outer() -> Flags:
    return MOVES.flags(outer(1), outer(-1))


@lru_cache
def _coming() -> Flags:
    assert set(KINDS) <= set(dict(MOVES.columns)["category"])
    return MOVES.flags(leaving(), *(arriving() & (nw.col("category") == kind) for kind in KINDS))
