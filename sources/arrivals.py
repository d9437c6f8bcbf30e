"""What of a delivery is new: the files to be read, and per table whether their rows are added to those kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from sources.delivery import Delivered, Delivery
from sources.landed import Piece, State
from sources.settings import Input, SourceSettings, TableMap
from sources.sqltext import literal
from sources.statement import look
from store.errors import DataNotArrived

How = Literal["part", "whole"]


@dataclass(frozen=True)
class Arrivals:
    """What an intake has to read."""

    files: Mapping[str, tuple[Delivered, ...]]  # input -> files to be read
    tables: Mapping[str, How]  # tables with something new; part: only the rows of new files
    replaced: Mapping[str, tuple[Piece, ...]]  # dated files that say something else now
    stays: Mapping[str, tuple[Piece, ...]]  # input -> pieces that are not read again
    names: Mapping[str, Mapping[Path, str]]  # input -> file -> the name under which it counts
    numbered: frozenset[str]  # inputs whose rows keep the numbers they are read with


def arrivals(
    con: duckdb.DuckDBPyConnection,
    settings: SourceSettings,
    found: Mapping[str, Delivery],
    before: Mapping[str, str],
    kept: State | None,
) -> Arrivals:
    """Compare what has come with what was kept. `before`: input -> content hash at the last intake."""
    come: dict[str, tuple[Delivered, ...]] = {}
    replaced: dict[str, tuple[Piece, ...]] = {}
    again, changed = set(), set()
    for name, spec in settings.inputs.items():
        known = kept.of_input(name) if kept else {}
        there = named(found[name]) if name in found else {}
        if (found[name].fingerprint if name in found else None) != before.get(name) or kept is None:
            changed.add(name)
        come[name] = tuple(f for key, f in there.items() if key not in known or known[key].sha256 != f.sha256)
        other = tuple(p for key, p in known.items() if key in there and there[key].sha256 != p.sha256)
        if spec.delivery == "full" or not spec.dated:
            gone = [key for key in known if key not in there]
            if other or gone or spec.delivery == "full":
                again.add(name)
        elif other:
            replaced[name] = other
            if any(p.end == 0 for p in other):
                again.add(name)
    tables: dict[str, How] = {}
    reads = {table: inputs_of(con, how) & set(settings.inputs) for table, how in settings.tables.items()}
    for table, how in settings.tables.items():
        if kept is not None and not reads[table] & changed:
            continue
        alone = is_row_by_row(con, how) and not reads[table] & again
        alone = alone and not (how.select is not None and reads[table] & set(replaced))
        tables[table] = "part" if alone else "whole"
    whole = {name for table, mode in tables.items() if mode == "whole" for name in reads[table]} | (again & changed)
    whole |= set(settings.inputs) if kept is None else set()
    for table in tables:
        if reads[table] & whole:
            tables[table] = "whole"
    for name in sorted(whole):
        if name in found:
            _ask_all_there(name, settings.inputs[name], found[name], kept)
    reading = [name for name in sorted(changed | whole) if name in found]
    files = {name: found[name].files if name in whole else come[name] for name in reading}
    stays = {
        name: tuple(p for p in kept.of_input(name).values() if p not in replaced.get(name, ()))
        for name in settings.inputs
        if kept is not None and name not in whole
    }
    names = {n: {file.path: key for key, file in named(found[n]).items()} for n in files}
    part = {name: pieces for name, pieces in replaced.items() if name not in whole}
    return Arrivals(files, tables, part, stays, names, frozenset(n for n in files if kept is None or n not in whole))


def named(delivery: Delivery) -> dict[str, Delivered]:
    """The files of an input by the name under which each counts; of several of one name the later ones get a number."""
    found: dict[str, Delivered] = {}
    for file in delivery.files:
        name, number = file.name, 2
        while name in found:
            name, number = f"{file.name}#{number}", number + 1
        found[name] = file
    return found


def inputs_of(con: duckdb.DuckDBPyConnection, how: TableMap) -> set[str]:
    """The tables a mapping reads."""
    return set(look(con, how.select).tables) if how.select is not None else {str(how.from_)}


def is_row_by_row(con: duckdb.DuckDBPyConnection, how: TableMap) -> bool:
    """Whether each row of the table comes from one row of one input, whatever other rows there are."""
    if how.select is None:
        return True
    found = con.execute(f"SELECT json_serialize_sql({literal(how.select.strip().rstrip(';'))})").fetchall()[0][0]
    tree = json.loads(found)
    if tree.get("error"):
        return False
    node = tree["statements"][0]["node"]
    plain = (
        node.get("type") == "SELECT_NODE"
        and (node.get("from_table") or {}).get("type") == "BASE_TABLE"
        and not node.get("modifiers")
        and not (node.get("cte_map") or {}).get("map")
        and not any(node.get(part) for part in ("group_expressions", "group_sets", "having", "qualify", "sample"))
    )
    if not plain:
        return False
    nodes = _nodes([node.get("select_list"), node.get("where_clause")])
    called = {str(n["function_name"]).lower() for n in nodes if n.get("function_name")}
    over_rows = con.execute(
        "SELECT count(*) FROM duckdb_functions() WHERE function_type = 'aggregate' AND list_contains(?, function_name)",
        [sorted(called)],
    ).fetchall()
    return not over_rows[0][0] and "unnest" not in called and not any(n.get("class") in ("WINDOW", "SUBQUERY") for n in nodes)


def _nodes(tree: Any) -> list[dict[str, Any]]:
    if isinstance(tree, dict):
        return [tree, *(n for value in tree.values() for n in _nodes(value))]
    return [n for value in tree for n in _nodes(value)] if isinstance(tree, list) else []


def _ask_all_there(name: str, spec: Input, delivery: Delivery, kept: State | None) -> None:
    """A table that cannot be made from new rows alone needs every file of its inputs."""
    if kept is None or not spec.dated or spec.delivery == "full":
        return
    there = named(delivery)
    cleared = sorted(key for key in kept.of_input(name) if key not in there)
    if cleared:
        raise DataNotArrived(
            f"{len(cleared)} files taken in earlier are no longer there, such as {cleared[0]}",
            where=f"input {name}",
            expected="all its files: a `select` that joins or groups reads them together",
            do="put them back, or map that table with `from` or a plain `select`",
        )
