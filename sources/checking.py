"""The `sources:` section checked against the canonical tables and the inputs' columns, before any data is read."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from sources.history import FILE_ON, GONE
from sources.limits import check_checks, check_gates
from sources.mapping import KNOWING, column_maps, column_of, mapped_sql, selected_sql
from sources.mistakes import Mistakes, Path_
from sources.settings import ColumnMap, SourceSettings, TableMap
from sources.sqltext import ident
from sources.statement import first_sentence, line_of, look
from sources.tables import TABLES, Column
from sources.versions import compared_inputs
from store.errors import ConfigError


def check_settings(
    settings: SourceSettings, columns: Mapping[str, Mapping[str, str] | None], minor_digits: int, places: Mapping[Path_, str]
) -> None:
    """Raises ConfigError with every mistake. `columns`: input -> column -> DuckDB type; None: nothing has come to look at."""
    wrong = Mistakes(places)
    con = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "enable_external_access": "false",
        }
    )
    try:
        for name, spec in settings.inputs.items():
            have = columns.get(name)
            if have is not None:
                listed = ", ".join(f"CAST(NULL AS {t}) AS {ident(c)}" for c, t in have.items())
                con.execute(f"CREATE VIEW {ident(name)} AS SELECT {listed} LIMIT 0")  # a view has no rowid of its own
                for part, named in (("filled", spec.filled), ("key", spec.key)):
                    for column in named:
                        if column not in have:
                            wrong.unknown(("inputs", name, part), f"input {name}: {part}: column", column, have)
        filled = {
            name: _check_table(con, name, how, settings, columns, minor_digits, wrong) for name, how in settings.tables.items()
        }
    finally:
        con.close()
    _check_owners(settings, wrong)
    check_gates(settings, filled, wrong)
    check_checks(settings, wrong)
    if wrong.found:
        raise ConfigError("\n  ".join(wrong.found))


def _check_owners(settings: SourceSettings, wrong: Mistakes) -> None:
    """Rows that belong to an account or a loan are kept by its owner, whom only that table names."""
    for name in settings.tables:
        by = TABLES[name].by if name in TABLES else "bank"
        if by in ("account", "loan") and f"{by}s" not in settings.tables:
            said = f"needs table {by}s, which says whose the rows are; map it, or leave {name} out"
            wrong.add(("tables", name), f"table {name}: {said}")


def _check_table(
    con: duckdb.DuckDBPyConnection,
    name: str,
    how: TableMap,
    settings: SourceSettings,
    columns: Mapping[str, Mapping[str, str] | None],
    minor_digits: int,
    wrong: Mistakes,
) -> set[str] | None:
    """The canonical columns a mapping fills, or None where that cannot be told."""
    at: Path_ = ("tables", name)
    if name not in TABLES:
        wrong.unknown(at, "table", name, TABLES)
        return None
    source = _source_types(con, name, how, settings, columns, wrong)
    if name != "snapshots":
        for column in how.columns:
            if column not in TABLES[name].names:
                wrong.unknown((*at, "columns", column), f"table {name}: column", column, TABLES[name].names)
    if source is None:
        return None
    before = len(wrong.found)
    maps = {
        c: m
        for c, m in column_maps(name, how, source).items()
        if c in KNOWING or c in TABLES[name].names or name == "snapshots"
    }
    for column, column_map in maps.items():
        place = (*at, "columns", column) if column in how.columns else (*at, column)
        _check_column(name, column_of(name, column, source, column_map), column_map, source, place, wrong)
    for spec in TABLES[name].columns:
        optional = name == "products" and spec.name == "name"
        if (
            (spec.required or (spec.name in TABLES[name].key and spec.name not in ("channel", "tenor")))
            and spec.name not in maps
            and not optional
        ):
            wrong.add((*at, "columns"), f"table {name}: column '{spec.name}' is missing; no row can do without it")
    for column in how.undated:
        if column not in maps:
            wrong.unknown((*at, "undated"), f"table {name}: undated column", column, maps)
    if how.from_ is None or how.from_ in settings.inputs:
        _check_compared(con, name, how, settings, source, wrong)
    if len(wrong.found) == before:
        _explain(con, name, how, source, minor_digits, wrong)
    return set(maps)


def _source_types(
    con: duckdb.DuckDBPyConnection,
    name: str,
    how: TableMap,
    settings: SourceSettings,
    columns: Mapping[str, Mapping[str, str] | None],
    wrong: Mistakes,
) -> dict[str, str] | None:
    """Column -> type of what a mapping reads, by preparing its SELECT over empty inputs."""
    at: Path_ = ("tables", name, "select" if how.select is not None else "from")
    if how.select is None:
        if how.from_ not in settings.inputs:
            wrong.unknown(at, f"table {name}: input", str(how.from_), settings.inputs)
            return None
        found = columns.get(how.from_ or "")
        return dict(found) if found is not None else None
    looked = look(con, selected_sql(name, how), _columns_of(con, how, columns))
    if looked.wrong:
        wrong.add(at, f"table {name}: {looked.wrong}")
        return None
    strangers = sorted(looked.tables - set(settings.inputs))
    for table in strangers:
        wrong.unknown(at, f"table {name}: input", table, settings.inputs)
    if strangers or any(columns.get(table) is None for table in looked.tables):
        return None
    try:
        return {row[0]: row[1] for row in con.execute(f"DESCRIBE {selected_sql(name, how)}").fetchall()}
    except duckdb.Error as error:
        wrong.add(at, f"table {name}: line {line_of(str(error))} of its SELECT: {first_sentence(str(error))}")
        return None


def _columns_of(
    con: duckdb.DuckDBPyConnection, how: TableMap, columns: Mapping[str, Mapping[str, str] | None]
) -> set[str] | None:
    """The columns of all inputs a SELECT reads; None where nothing has come of one of them."""
    read = [columns.get(table) for table in look(con, str(how.select)).tables]
    return None if None in read else {column for have in read for column in have or ()}


def _check_compared(
    con: duckdb.DuckDBPyConnection,
    name: str,
    how: TableMap,
    settings: SourceSettings,
    source: Mapping[str, str],
    wrong: Mistakes,
) -> None:
    """A table of full files: their comparison says what was known when, so the mapping must not, and keys must agree."""
    at: Path_ = ("tables", name)
    compared = compared_inputs(con, how, settings.inputs)
    if not compared:
        return
    for part in ("recorded_on", "valid_from", "deleted"):
        if getattr(how, part) is not None or (how.select is not None and part in source and part not in TABLES[name].names):
            wrong.add((*at, part), f"table {name}: `{part}` comes from comparing the full files of {compared[0]}; leave it out")
    if how.select is not None:
        if len(compared) > 1:
            wrong.add(
                (*at, "select"),
                f"table {name}: reads {' and '.join(compared)}, both full files that are compared; map them apart",
            )
        elif not {FILE_ON, GONE} <= set(source):
            wrong.add((*at, "select"), f"table {name}: its SELECT must pass on {FILE_ON} and {GONE} of {compared[0]}")
        return
    key = settings.inputs[compared[0]].key
    apart = {str(how.columns[c].column) for c in TABLES[name].key if c in how.columns and how.columns[c].column is not None}
    if apart and apart != set(key):
        said = f"key is {', '.join(key)}, but rows of table {name} are told apart by {', '.join(sorted(apart))}"
        wrong.add(("inputs", compared[0], "key"), f"input {compared[0]}: {said}")


def _check_column(table: str, column: Column, how: ColumnMap, source: Mapping[str, str], at: Path_, wrong: Mistakes) -> None:
    label = f"table {table}: {column.name}"
    for name in [how.column, how.sign.column if how.sign else None]:
        if name is not None and name not in source:
            wrong.unknown(at, f"{label}: source column", name, source)
            return
    closed = column.codes
    for value in [how.value, how.otherwise, how.blank, *(how.codes or {}).values()]:
        if closed and value is not None and str(value) not in closed:
            wrong.unknown(at, f"{label}: code", str(value), closed)
    if how.column is None:
        return
    given = source[how.column]
    if column.kind in ("date", "timestamp") and given == "VARCHAR" and how.date is None:
        wrong.add(at, f"{label}: source column '{how.column}' is text; say its format, such as date: \"%Y%m%d\"")
    if column.kind == "code" and not column.codes and how.codes is None:
        wrong.add(at, f"{label}: needs `codes`")
    if how.codes is not None and not how.codes:
        wrong.add(at, f"{label}: `codes` is empty")
    for option, kinds in (("date", ("date", "timestamp")), ("sign", ("money",)), ("codes", ("code", "text", "id"))):
        if getattr(how, option) is not None and column.kind not in kinds:
            wrong.add(at, f"{label}: is {column.kind}, so `{option}` says nothing; expected for {', '.join(kinds)}")


def _explain(
    con: duckdb.DuckDBPyConnection, name: str, how: TableMap, source: Mapping[str, str], minor_digits: int, wrong: Mistakes
) -> None:
    """Prepare the whole mapping over empty inputs: what DuckDB cannot bind is a mistake of the settings."""
    if how.where is not None:
        looked = look(con, f"SELECT * FROM x WHERE ({how.where})", source)
        if looked.wrong or looked.tables != {"x"}:
            wrong.add(("tables", name, "where"), f"table {name}: {looked.wrong or '`where` reads its own source only'}")
            return
    query, _ = mapped_sql(name, how, source, f"(SELECT 0 AS _row, * FROM ({selected_sql(name, how)}))", minor_digits)
    try:
        con.execute(f"EXPLAIN {query}").fetchall()
    except duckdb.Error as error:
        at: Path_ = ("tables", name, "where") if how.where is not None else ("tables", name)
        wrong.add(at, f"table {name}: {first_sentence(str(error))}")
