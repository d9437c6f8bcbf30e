"""Every DuckDB that works on a bank's rows: within the limits of the machine, closed to extensions, and without a word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from sources.sqltext import quiet
from store.limits import USUAL, Limits, bytes_of

Config = Mapping[str, str | bool | int | float | list[str]]
_ALONE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "preserve_insertion_order": "false"}
CLOSED: dict[str, str | bool | int | float | list[str]] = {**_ALONE, "python_enable_replacements": "false"}  # to a bank's SQL


def connect(
    limits: Limits = USUAL,
    spill: Path | None = None,
    *,
    part: int = 2,
    database: str = ":memory:",
    more: Config | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection that may hold the memory divided by `part`; `more`: settings of DuckDB beside these.

    What does not fit goes to files in the folder `spill`; without one it is an error, and nothing is written anywhere.
    """
    config = {
        **_ALONE,
        "threads": str(limits.threads),
        "memory_limit": f"{bytes_of(limits.memory) // part // 1000}KB",
        "temp_directory": str(spill or ""),
        **(more or {}),
    }
    con = duckdb.connect(database, config=config)
    if spill is not None:  # DuckDB 2.0 shows this one when it comes with the others, and does not keep to it
        con.execute(f"SET max_temp_directory_size = '{bytes_of(limits.temporary_space) // 1000}KB'")
    return quiet(con)
