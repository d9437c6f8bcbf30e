"""The `sources:` section checked against the canonical tables and the inputs' columns, before any data is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb

from sources.mapping import KNOWING, column_maps, column_of, mapped_sql, selected_sql
from sources.settings import ColumnMap, SourceSettings, TableMap
from sources.sqltext import ident
from sources.statement import first_sentence, line_of, look
from sources.tables import TABLES, Column
from store.errors import ConfigError

Path_ = tuple[str | int, ...]
RULES = (
    "type",
    "code",
    "required",
    "reference",
    "range",
    "rate",
    "dates",
    "unknown_birth",
    "key",
    "currency",
    "late",
    "before_opening",
    "after_closing",
    "filled",
    "lines",
    "encoding",
    "balance",
    "unclosed",
    "volume",
    "quarantined",
    "total",
)


@dataclass
class Mistakes:
    """What is wrong with a section, each with its line."""

    places: Mapping[Path_, str]
    found: list[str] = field(default_factory=list)

    def add(self, at: Path_, text: str) -> None:
        """Note a mistake at a key path of the section."""
        place = next((self.places[at[:size]] for size in range(len(at), 0, -1) if at[:size] in self.places), "")
        self.found.append(f"{place}: {text}" if place else text)

    def unknown(self, at: Path_, what: str, name: str, names: Iterable[str]) -> None:
        """Note a name nobody knows, with the nearest one that is known."""
        known = sorted(set(names))
        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known[:30])}"
        self.add(at, f"{what} '{name}' is not known; {hint}")


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
                con.execute(f"CREATE TABLE {ident(name)} ({', '.join(f'{ident(c)} {t}' for c, t in have.items())})")
                for column in spec.filled:
                    if column not in have:
                        wrong.unknown(("inputs", name, "filled"), f"input {name}: column", column, have)
        filled = {
            name: _check_table(con, name, how, settings, columns, minor_digits, wrong) for name, how in settings.tables.items()
        }
    finally:
        con.close()
    _check_gates(settings, filled, wrong)
    _check_checks(settings, wrong)
    if wrong.found:
        raise ConfigError("\n  ".join(wrong.found))


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
    looked = look(con, selected_sql(name, how))
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
        looked = look(con, f"SELECT * FROM x WHERE ({how.where})")
        if looked.wrong or looked.tables != {"x"}:
            wrong.add(("tables", name, "where"), f"table {name}: {looked.wrong or '`where` reads its own source only'}")
            return
    query, _ = mapped_sql(name, how, source, f"(SELECT 0 AS _row, * FROM ({selected_sql(name, how)}))", minor_digits)
    try:
        con.execute(f"EXPLAIN {query}").fetchall()
    except duckdb.Error as error:
        at: Path_ = ("tables", name, "where") if how.where is not None else ("tables", name)
        wrong.add(at, f"table {name}: {first_sentence(str(error))}")


def _check_gates(settings: SourceSettings, filled: Mapping[str, set[str] | None], wrong: Mistakes) -> None:
    gates, derived = settings.gates, settings.derived
    have = set(settings.tables) | ({"balances"} if derived.balances != "none" else set())
    for table in gates.fresh:
        if table not in have or TABLES[table].event is None:
            wrong.unknown(("gates", "fresh"), "gates.fresh: table", table, [t for t in have if t in TABLES and TABLES[t].event])
    if not gates.fresh and gates.newest is None and not any(spec.dated for spec in settings.inputs.values()):
        wrong.add(("gates",), "nothing says how far the data goes; name tables in gates.fresh, or date the files (`dated`)")
    for part, tables in (("volume", gates.volume), ("totals", gates.totals)):
        for table in tables:
            if table not in have:
                wrong.unknown(("gates", part, table), f"gates.{part}: table", table, have)
    for table, totals in gates.totals.items():
        for column in totals.sums:
            if table in TABLES and column not in [
                c.name for c in TABLES[table].columns if c.kind in ("money", "number", "int")
            ]:
                wrong.unknown(
                    ("gates", "totals", table, "sums", column),
                    f"gates.totals: table {table}: column",
                    column,
                    [c.name for c in TABLES[table].columns if c.kind in ("money", "number", "int")],
                )
    if derived.balances == "transactions":
        if "balances" in settings.tables:
            wrong.add(("derived", "balances"), "table balances is mapped already; it cannot be derived as well")
        needed = filled.get("transactions")
        if (
            "accounts" not in settings.tables
            or "transactions" not in settings.tables
            or (needed is not None and "balance_after" not in needed)
        ):
            wrong.add(("derived", "balances"), "balances need the tables accounts and transactions, with balance_after")


def _check_checks(settings: SourceSettings, wrong: Mistakes) -> None:
    for table, limits in settings.checks.ranges.items():
        if table not in TABLES:
            wrong.unknown(("checks", "ranges", table), "checks.ranges: table", table, TABLES)
            continue
        for column in limits:
            if column not in TABLES[table].names:
                wrong.unknown(
                    ("checks", "ranges", table, column), f"checks.ranges: table {table}: column", column, TABLES[table].names
                )
    for table, rules in settings.checks.flag_only.items():
        if table not in TABLES:
            wrong.unknown(("checks", "flag_only", table), "checks.flag_only: table", table, TABLES)
        for rule in rules:
            if rule not in RULES:
                wrong.unknown(("checks", "flag_only", table), "checks.flag_only: rule", rule, RULES)
    for number, waiver in enumerate(settings.waivers):
        if waiver.table not in TABLES and waiver.table not in settings.inputs:
            wrong.unknown(("waivers", number, "table"), "waiver: table", waiver.table, [*TABLES, *settings.inputs])
        if waiver.rule not in RULES:
            wrong.unknown(("waivers", number, "rule"), "waiver: rule", waiver.rule, RULES)
