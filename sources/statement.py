"""A bank's own SQL, looked at before it runs: one SELECT over the named inputs, no files, no clock, no chance."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from sources.sqltext import literal

# Functions of rows to rows that only compute. Everything else in FROM reads files, catalogues or settings.
_ROW_FUNCTIONS = {"unnest", "range", "generate_series"}
# They answer differently tonight and tomorrow, tell the bank's machine, or wait, stop and write.
_FORBIDDEN = {
    "ago",
    "current_catalog",
    "current_connection_id",
    "current_database",
    "current_date",
    "current_localtime",
    "current_localtimestamp",
    "current_query",
    "current_query_id",
    "current_role",
    "current_schema",
    "current_schemas",
    "current_setting",
    "current_time",
    "current_timestamp",
    "current_transaction_id",
    "current_user",
    "currval",
    "gen_random_uuid",
    "get_current_time",
    "get_current_timestamp",
    "getenv",
    "getvariable",
    "in_search_path",
    "localtime",
    "localtimestamp",
    "nextval",
    "now",
    "pg_conf_load_time",
    "pg_postmaster_start_time",
    "random",
    "session_user",
    "setseed",
    "setval",
    "sleep_ms",
    "stats",
    "today",
    "transaction_timestamp",
    "txid_current",
    "user",
    "uuid",
    "uuidv4",
    "uuidv7",
    "vector_type",
    "version",
    "write_log",
}
# Of those, the ones that answer without parentheses.
_WORDS = {
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
}
# Columns' names as well, where an input has such a column; else who asks, and where a row lies: not the same every night.
_PERHAPS = {"user", "rowid", "file_row_number", "file_index", "filename"}


@dataclass(frozen=True)
class Looked:
    """What a statement reads; `wrong` says why it must not run (empty: it may)."""

    tables: frozenset[str]
    columns: frozenset[str]
    has_star: bool
    wrong: str = ""


def look(con: duckdb.DuckDBPyConnection, sql: str, have: Iterable[str] | None = None) -> Looked:
    """Parse `sql` and name the tables and columns it reads. `have`: the columns of its inputs; None: not known yet."""
    nothing: frozenset[str] = frozenset()
    try:
        statements = con.extract_statements(sql)
    except duckdb.Error as error:
        return Looked(nothing, nothing, False, first_sentence(str(error)))
    if len(statements) != 1:
        return Looked(nothing, nothing, False, f"{len(statements)} statements where one SELECT may stand")
    tree = json.loads(con.execute(f"SELECT json_serialize_sql({literal(statements[0].query)})").fetchall()[0][0])
    if tree.get("error"):
        return Looked(nothing, nothing, False, "not a SELECT")
    tables: set[str] = set()
    columns: set[str] = set()
    named: set[str] = set()
    wrong: list[str] = []
    unsure = _WORDS if have is None else _WORDS | (_PERHAPS - {column.lower() for column in have})
    star = False
    for node in _nodes(tree):
        kind = node.get("type")
        if kind == "BASE_TABLE":
            tables.add(str(node["table_name"]))
            if node.get("schema_name") or node.get("catalog_name"):
                wrong.append(f"{node.get('schema_name') or node.get('catalog_name')}.{node['table_name']} is no named input")
        if kind == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).lower()
            if name not in _ROW_FUNCTIONS:
                wrong.append(f"{name}() may not be called: a mapping reads its named inputs only")
        if node.get("class") == "FUNCTION":
            wrong += _wrong_call(node)
        if kind == "COLUMN_REF":
            columns.update(str(part) for part in node.get("column_names", []))
            if str(node.get("column_names", [""])[-1]).lower() in unsure:
                wrong.append(f"{node['column_names'][-1]} may not be used: the same input must give the same rows")
        if node.get("sample"):
            wrong.append("SAMPLE may not be used: the same input must give the same rows")
        star = star or node.get("class") == "STAR"
        for entry in (node.get("cte_map") or {}).get("map", []):
            named.add(str(entry["key"]))
    if re.search(r"'[^']*%y[^']*'", sql):
        wrong.append(
            "%y reads a two-digit year without saying its century; read the date under `columns` with `pivot`,"
            " or put the century before it"
        )
    return Looked(frozenset(tables - named), frozenset(columns), star, wrong[0] if wrong else "")


def _wrong_call(node: dict[str, Any]) -> list[str]:
    """Why a function may not be called; nothing: it may."""
    name = str(node.get("function_name", ""))
    if name.lower() in _FORBIDDEN:
        return [f"{name}() may not be called: the same input must give the same rows"]
    if name.lower() == "age" and len(node.get("arguments", [])) < 2:
        return [f"{name}() of one day counts to today; name both days: the same input must give the same rows"]
    return []


def first_sentence(message: str) -> str:
    """DuckDB's message without its caret picture, on one line."""
    kept = [line.strip() for line in message.split("\n\nLINE")[0].splitlines() if line.strip()]
    return " ".join(kept)


def line_of(message: str) -> int:
    """The line of the statement that an error names, from 1."""
    found = re.search(r"^LINE (\d+):", message, re.MULTILINE)
    return int(found.group(1)) if found else 1


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
