"""Answers side by side: two Parquet tables that should hold the same figure for every customer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from sources.connection import connect
from store.errors import TerraceError
from store.files import parquet_columns

AT_ONCE = 40  # columns compared in one pass


@dataclass(frozen=True)
class Alike:
    """How two answers must agree: rows by `key`, figures within `within` of each other.

    `missing`: what a customer counts as who is in one answer only; None: both must have the same customers. `is_part`: the
    first answer is of some customers only, and the others of the second are not looked at. `figures`: the columns that are
    compared, where not all are.
    """

    key: tuple[str, ...] = ("customer_id",)
    within: float = 0.0
    missing: float | None = None
    is_part: bool = False
    figures: tuple[str, ...] = ()


def compare(first: Path, second: Path, alike: Alike, names: tuple[str, str]) -> int:
    """How many figures agree. Raises TerraceError naming the first feature and customer where they do not."""
    columns = _figures(first, alike), _figures(second, alike)
    if columns[0] != columns[1]:
        odd = sorted(set(columns[0]) ^ set(columns[1]))
        raise _differ(names, f"only one of them has {', '.join(odd[:5])}", ", ".join(names))
    rows = 0
    with connect() as con:
        for name, path in (("a", first), ("b", second)):
            con.execute(f"CREATE VIEW {name} AS SELECT *, true AS there_{name} FROM {relation(path)}")
        for start in range(0, len(columns[0]), AT_ONCE):
            rows = _block(con, columns[0][start : start + AT_ONCE], alike, names)
    return rows * len(columns[0])


def relation(path: Path) -> str:
    """SQL of a Parquet file, or of a folder of files that are one table."""
    return f"read_parquet('{path / '*.parquet' if path.is_dir() else path}', hive_partitioning=false)"


def _figures(path: Path, alike: Alike) -> list[str]:
    return list(alike.figures) or sorted(name for name in parquet_columns(path) if name not in (*alike.key, "as_of"))


def _block(con: duckdb.DuckDBPyConnection, columns: list[str], alike: Alike, names: tuple[str, str]) -> int:
    how = "LEFT" if alike.is_part else "FULL"
    key = ", ".join(f'"{name}"' for name in alike.key)
    joined = f"a {how} JOIN b USING ({key})"
    if alike.missing is None:
        alone = con.execute(
            f"SELECT {key} FROM {joined} WHERE there_a IS NULL OR there_b IS NULL ORDER BY ALL LIMIT 1"
        ).fetchone()
        if alone:
            raise _differ(names, "only one of them has this customer", _said(alone))
    tests = [_differs(name, alike) for name in columns]
    counts = con.execute(f"SELECT count(*), {', '.join(f'count_if({test})' for test in tests)} FROM {joined}").fetchone()
    assert counts is not None
    for name, test, count in zip(columns, tests, counts[1:], strict=True):
        if count:
            found = con.execute(
                f'SELECT {key}, a."{name}", b."{name}" FROM {joined} WHERE {test} ORDER BY {key} LIMIT 1'
            ).fetchone()
            assert found is not None
            raise _differ(names, f"{name} is {found[-2]} and {found[-1]}; {count:,} customers differ", _said(found[:-2]))
    return int(counts[0])


def _differs(name: str, alike: Alike) -> str:
    left, right = f'a."{name}"', f'b."{name}"'
    if alike.missing is not None:
        left, right = (f"coalesce({side}, {alike.missing})" for side in (left, right))
    if not alike.within:
        return f"{left} IS DISTINCT FROM {right}"
    return f"(({left} IS NULL) <> ({right} IS NULL) OR abs({left} - {right}) > {alike.within})"


def _said(key: tuple[object, ...]) -> str:
    return "customer " + ", ".join(str(part) for part in key)


def _differ(names: tuple[str, str], found: str, where: str) -> TerraceError:
    return TerraceError(
        f"'{names[0]}' and '{names[1]}' do not answer alike: {found}",
        where=where,
        expected="equal answers; no time is told before",
        do="find out which of the two is wrong",
    )
