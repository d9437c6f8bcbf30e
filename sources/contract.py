"""The contract applied: rows that break a rule are set aside or mended by the rule's action; all are counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import duckdb
import narwhals.stable.v2 as nw

from sources.mapping import Mapped
from sources.rules import Action, Rule, rules_of
from sources.settings import Checks
from sources.sqltext import ident, literal, literals, number
from sources.tables import TABLES

_HARDLY = 0.001  # share of a table's rows


@dataclass(frozen=True)
class Broken:
    """How many rows of a table break one rule."""

    rule: str
    column: str
    action: Action
    count: int


@dataclass(frozen=True)
class Checked:
    """`clean_TABLE` holds what may be used, `verdict_TABLE` (_row, rules, out) what was wrong with which row.

    rows_in == rows_kept + rows_quarantined + rows_copies, always.
    """

    table: str
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    rows_copies: int
    broken: tuple[Broken, ...]
    columns: tuple[str, ...]
    has_versions: bool  # some key has several rows
    actions: Mapping[str, Action] = field(default_factory=dict)  # rule and column -> what is done with a row that breaks it
    nulled: tuple[tuple[str, str], ...] = ()  # (column, rule and column): cells that become unknown where that rule is broken


def check_table(
    con: duckdb.DuckDBPyConnection,
    mapped: Mapped,
    checks: Checks,
    currency: str,
    known: set[str],
    *,
    last: dt.date | None = None,
) -> Checked:
    """Apply the rules of one table to `mapped_TABLE`, which holds all rows of every key in it. `known`: tables already
    checked: `keys_PARENT_of_TABLE` has those of their usable keys that are referred to; `last`: rows after it are ahead.
    """
    name = mapped.table
    copies = _mark_duplicates(con, mapped)
    helpers = _prepare(con, mapped, currency, known, duplicates=copies is not None, last=last)
    rules = rules_of(name, mapped.columns, mapped.unread, helpers, checks)
    frame = nw.from_native(con.table(f"prepared_{name}")).with_columns(
        *(rule.broken.fill_null(False).alias(f"_r{i}") for i, rule in enumerate(rules))
    )
    frame.to_native().create_view(f"ruled_{name}")
    marks = [f"_r{i}" for i in range(len(rules))]
    out = [m for m, rule in zip(marks, rules, strict=True) if rule.action == "quarantine"]
    labels = ", ".join(f"CASE WHEN {m} THEN {literal(r.label)} END" for m, r in zip(marks, rules, strict=True))
    con.execute(
        f"CREATE TABLE verdict_{name} AS SELECT _row, list_sort(list_distinct([{labels}])) AS rules, {_any(out)} AS out"
        f" FROM ruled_{name} WHERE {_any(marks)}"
    )
    columns = tuple(usable_columns(mapped))
    con.execute(f"CREATE VIEW numbered_{name} AS {_clean_sql(con, mapped, columns, rules, copies)}")
    con.execute(f"CREATE VIEW clean_{name} AS SELECT * EXCLUDE (_row) FROM numbered_{name}")
    quarantined = number(con, f"SELECT count(*) FROM verdict_{name} WHERE out")
    dropped = copies or 0
    return Checked(
        name,
        mapped.rows,
        mapped.rows - dropped - quarantined,
        quarantined,
        dropped,
        _count(con, name, rules),
        tuple(mapped.columns),
        copies is not None,
        {rule.label: rule.action for rule in rules},
        tuple(sorted({(rule.column, rule.label) for rule in rules if rule.action == "null"})),
    )


def usable_columns(mapped: Mapped) -> list[str]:
    """The columns of usable rows, but for their number."""
    return [*mapped.columns, *(c for c in mapped.knowing if c != "currency_of_row")]


def clean_before_sql(
    mapped: Mapped, rows: str, verdict: str, nulled: Iterable[tuple[str, str]], columns: Iterable[str] | None = None
) -> str:
    """Usable rows among `rows`, mapped at earlier intakes, by the verdict (_row, rules, out, copy) they then got; of all
    columns or of these."""
    labels: dict[str, list[str]] = {}
    for column, label in nulled:
        labels.setdefault(column, []).append(label)
    kept = ", ".join(_blanked(c, labels) for c in (usable_columns(mapped) if columns is None else columns))
    said = f" LEFT JOIN {verdict} v ON v._row = m._row" if labels else ""
    unusable = f"(SELECT _row FROM {verdict} WHERE out OR copy)"
    return f"SELECT m._row, {kept} FROM {rows} m{said} ANTI JOIN {unusable} x ON x._row = m._row"


def _blanked(column: str, labels: Mapping[str, list[str]]) -> str:
    """A cell, unknown where a rule was broken that says so."""
    if column not in labels:
        return f"m.{ident(column)}"
    return (
        f"CASE WHEN list_has_any(v.rules, [{literals(labels[column])}]) THEN NULL ELSE m.{ident(column)} END AS {ident(column)}"
    )


def _clean_sql(
    con: duckdb.DuckDBPyConnection, mapped: Mapped, columns: tuple[str, ...], rules: list[Rule], copies: int | None
) -> str:
    """Mapped rows that may be used, wrong cells blanked. It asks the verdict, not the rules again: that one is short."""
    nulled: dict[str, list[str]] = {}
    for rule in rules:
        if rule.action == "null":
            nulled.setdefault(rule.column, []).append(rule.label)
    name, joins, where = mapped.table, [], []
    if number(con, f"SELECT count(*) FROM verdict_{name}"):
        joins.append(f"LEFT JOIN verdict_{name} v ON v._row = m._row")
        where.append("NOT coalesce(v.out, false)")
    else:
        nulled = {}
    if copies:
        joins.append(f"LEFT JOIN duplicates_{name} d ON d._row = m._row")
        where.append("NOT coalesce(d.copy, false)")
    kept = ", ".join(_blanked(c, nulled) for c in columns)
    return f"SELECT m._row, {kept} FROM {mapped.relation} m {' '.join(joins)} WHERE {' AND '.join(where) or 'true'}"


def _any(marks: list[str]) -> str:
    return " OR ".join(marks) or "false"


def _mark_duplicates(con: duckdb.DuckDBPyConnection, mapped: Mapped) -> int | None:
    """`duplicates_TABLE` (_row, copy): rows whose key occurs more than once at the same knowledge; None where there are none.

    Equal rows are copies of one (the first is kept); rows of one key that differ contradict each other.
    """
    spec, name = TABLES[mapped.table], mapped.table
    keys = [c for c in spec.key if c in mapped.columns]
    by = ", ".join(ident(c) for c in keys)
    con.execute(f"CREATE TABLE several_{name} AS SELECT {by} FROM {mapped.relation} GROUP BY ALL HAVING count(*) > 1")
    if not number(con, f"SELECT count(*) FROM several_{name}"):
        return None
    by = ", ".join(ident(c) for c in (*keys, *(c for c in ("recorded_on", "valid_from") if c in mapped.knowing)))
    same = " AND ".join(f"m.{ident(c)} IS NOT DISTINCT FROM s.{ident(c)}" for c in keys)
    everything = ", ".join(ident(c) for c in (*mapped.columns, *mapped.knowing))
    con.execute(
        f"CREATE TABLE duplicates_{mapped.table} AS SELECT _row, nth > 1 AS copy, nth = 1 AND variants > 1 AS conflict FROM ("
        f" SELECT _row, nth, sum((nth = 1)::INTEGER) OVER (PARTITION BY {by}) AS variants FROM ("
        f" SELECT m.*, row_number() OVER (PARTITION BY {everything} ORDER BY m._row) AS nth"
        f" FROM {mapped.relation} m SEMI JOIN several_{mapped.table} s ON {same}))"
    )
    return number(con, f"SELECT count(*) FROM duplicates_{mapped.table} WHERE copy")


def last_usual(rows: Mapping[dt.date, int], days: int) -> dt.date | None:
    """The last day before a gap of more than `days` after which hardly a row comes; None where there is no such gap.

    `rows`: mapped rows by event date."""
    found = sorted(rows.items(), reverse=True)
    hardly, after, last = sum(rows.values()) * _HARDLY, 0, None
    for (day, count), (before, _) in pairwise(found):
        after += count
        if after > hardly:
            break
        if (day - before).days > days:
            last = before
    return last


def _prepare(
    con: duckdb.DuckDBPyConnection, mapped: Mapped, currency: str, known: set[str], *, duplicates: bool, last: dt.date | None
) -> list[str]:
    """The view `prepared_TABLE`: mapped rows without exact copies, with the helper columns the rules ask for."""
    spec, helpers, joins, extra = TABLES[mapped.table], [], [], []
    for place, (column, parent) in enumerate(spec.references):
        if column in mapped.columns and parent in known:
            joins.append(f"LEFT JOIN keys_{parent}_of_{mapped.table} p{place} ON p{place}.id = m.{ident(column)}")
            extra.append(f"(m.{ident(column)} IS NOT NULL AND p{place}.id IS NULL) AS {ident('lacks_' + column)}")
            helpers.append(f"lacks_{column}")
    owner = {"account": ("accounts", "opened_on"), "loan": ("loans", "granted_on")}.get(spec.by)
    if owner and owner[0] in known and spec.event:
        key = f"{spec.by}_id"
        joins.append(f"LEFT JOIN life_{owner[0]} o ON o.id = m.{ident(key)}")
        extra.append("o.life_from AS owner_from, o.life_to AS owner_to")
        helpers += ["owner_from", "owner_to"]
    if "currency_of_row" in mapped.knowing:
        extra.append(f"(m.currency_of_row IS NOT NULL AND m.currency_of_row <> {literal(currency)}) AS currency_wrong")
        helpers.append("currency_wrong")
    if "recorded_on" in mapped.knowing and spec.event in mapped.columns and not mapped.compared:
        extra.append(f"m.recorded_on - m.{ident(spec.event or '')} AS days_late")
        helpers.append("days_late")
    if last is not None:
        extra.append(f"m.{ident(spec.event or '')} > DATE '{last.isoformat()}' AS is_ahead")
        helpers.append("is_ahead")
    where = ""
    if duplicates:
        joins.append(f"LEFT JOIN duplicates_{mapped.table} d ON d._row = m._row")
        extra.append("coalesce(d.conflict, false) AS conflict")
        helpers.append("conflict")
        where = " WHERE NOT coalesce(d.copy, false)"
    con.execute(
        f"CREATE VIEW prepared_{mapped.table} AS SELECT {', '.join(['m.*', *extra])} FROM {mapped.relation} m"
        f" {' '.join(joins)}{where}"
    )
    return helpers


def _count(con: duckdb.DuckDBPyConnection, name: str, rules: list[Rule]) -> tuple[Broken, ...]:
    actions: dict[str, Rule] = {rule.label: rule for rule in rules}
    rows = con.execute(
        f"SELECT label, count(*) FROM (SELECT unnest(rules) AS label FROM verdict_{name})"
        " WHERE label IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return tuple(Broken(actions[label].name, actions[label].column, actions[label].action, count) for label, count in rows)
