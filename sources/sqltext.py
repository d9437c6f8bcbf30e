"""Names and values as SQL text, quoted: the only way either gets into a statement; and answers of one row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb


def ident(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Texts in single quotes, separated by commas."""
    return ", ".join(literal(text) for text in texts)


def one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The only row of an answer. Fetched whole: DuckDB refuses other work while a result has rows left."""
    rows = con.execute(query).fetchall()
    assert len(rows) == 1, f"{len(rows)} rows from {query}"
    return rows[0]


def number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The only figure of an answer; nothing counts as 0."""
    return int(one(con, query)[0] or 0)


def quiet(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same connection without DuckDB's own progress bars: progress is shown by whoever runs the night."""
    con.execute("SET enable_progress_bar = false")
    return con
