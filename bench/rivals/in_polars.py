"""Polars: one lazy query over the file, run by the streaming engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from bench.place import Found, Place
from bench.rivals.task import Task, Wanted, condition, read


def sums(place: Place) -> Callable[[], Found]:
    task, out = read(place.work), place.work / "polars.parquet"

    def run() -> Found:
        made = pl.scan_parquet(task.rows).filter(pl.col("day") > task.earliest).group_by("customer_id").agg(_sums(task))
        made.sink_parquet(out, engine="streaming")
        return Found(out, pl.scan_parquet(task.rows).select(pl.len()).collect().item())

    return run


def _sums(task: Task) -> list[Any]:
    return [_sum(one, task.minor).alias(one.name) for one in task.sums]


def _sum(one: Wanted, minor: int) -> Any:
    passes = (pl.col("day") > one.after) & (pl.col("day") <= one.through)
    if one.where is not None:
        passes = passes & condition(one.where, pl.col)
    if one.how == "count":
        return passes.sum().cast(pl.Float64)
    total = pl.col("amount").filter(passes).sum()
    return total / minor if one.is_money else total
