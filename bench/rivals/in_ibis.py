"""Ibis over DuckDB: one expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis

from bench.place import Found, Place
from bench.rivals.task import Wanted, condition, read


def sums(place: Place) -> Callable[[], Found]:
    task, out = read(place.work), place.work / "ibis.parquet"

    def run() -> Found:
        con = ibis.duckdb.connect()
        every = con.read_parquet(task.rows)
        rows = every.filter(every.day > task.earliest)
        wanted = {one.name: _sum(rows, one, task.minor) for one in task.sums}
        rows.group_by("customer_id").aggregate(**wanted).to_parquet(out)
        return Found(out, int(every.count().execute()))

    return run


def _sum(rows: Any, one: Wanted, minor: int) -> Any:
    passes = (rows.day > one.after) & (rows.day <= one.through)
    if one.where is not None:
        passes = passes & condition(one.where, rows.__getitem__)
    if one.how == "count":
        return rows.count(where=passes)
    total = rows.amount.sum(where=passes)
    return total / minor if one.is_money else total
