"""Plain SQL with FILTER, in DuckDB: one statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from bench.place import Found, Place
from bench.rivals.task import Wanted, read


def sums(place: Place) -> Callable[[], Found]:
    task, out = read(place.work), place.work / "sql.parquet"
    columns = ", ".join(_sum(one, task.minor) for one in task.sums)

    def run() -> Found:
        with duckdb.connect(config={"preserve_insertion_order": "false"}) as con:
            con.execute(
                f"COPY (SELECT customer_id, {columns} FROM read_parquet('{task.rows}') WHERE day > {task.earliest} "
                f"GROUP BY ALL) TO '{out}' (FORMAT parquet)"
            )
            counted = con.execute(f"SELECT count(*) FROM read_parquet('{task.rows}')").fetchone()
        return Found(out, int(counted[0]) if counted else 0)

    return run


def _sum(one: Wanted, minor: int) -> str:
    total = "count(*)" if one.how == "count" else "sum(amount)"
    passes = f"day > {one.after} AND day <= {one.through}" + (f" AND {_text(one.where)}" if one.where else "")
    return f"{total} FILTER (WHERE {passes}){f' / {minor}' if one.is_money else ''} AS {one.name}"


def _text(tree: list[Any]) -> str:
    if tree[0] in ("and", "or"):
        return "(" + f" {tree[0].upper()} ".join(_text(part) for part in tree[1:]) + ")"
    value = "'" + tree[2].replace("'", "''") + "'" if isinstance(tree[2], str) else str(tree[2])
    return f"{tree[0]} {'=' if tree[1] == '==' else '<>' if tree[1] == '!=' else tree[1]} {value}"
