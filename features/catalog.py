"""The catalogue: every feature, what it means in two languages, and whether this bank can have it."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from features.declare import Feature, FeatureSpec, View
from features.known import RowSet
from features.rows import row_sets
from features.settings import FeatureSettings
from features.views import views
from sources.canonical import Canonical, connect

Has = Callable[..., bool]


def reads(one: Feature, sets: Mapping[str, RowSet]) -> dict[str, set[str]]:
    """Canonical tables and columns without which the feature cannot be."""
    found: dict[str, set[str]] = {}

    def add(rows: RowSet, columns: Iterable[str]) -> None:
        for table, needed in rows.needs.items():
            found.setdefault(table, set()).update(needed)
        for column in columns:
            if column in rows.fields:
                table, name = rows.fields[column]
                found.setdefault(table, set()).add(name)
        for other in rows.after:
            add(sets[other], ())

    for leaf in one.term.leaves:
        add(sets[leaf.rows], leaf.columns)
    return found


def missing(one: Feature, sets: Mapping[str, RowSet], canonical: Canonical) -> str:
    """Why this bank cannot have the feature; empty where it can."""
    lacking = []
    for table, columns in sorted(reads(one, sets).items()):
        if not canonical.has(table):
            lacking.append(f"no table {table}")
            continue
        undated = set(canonical.manifest.tables[table].undated)
        lacking += [f"{table}.{column} is not dated" if column in undated else f"{table}.{column} is not filled"
                    for column in sorted(columns) if not canonical.has(table, column)]
    return "; ".join(lacking)


def families_sold(canonical: Canonical) -> frozenset[str] | None:
    """Product families of the bank's product table; None where it has none."""
    if not canonical.has("products", "family"):
        return None
    with connect() as con:
        rows = con.execute(f"SELECT DISTINCT family FROM {canonical.relation_sql('products')}").fetchall()
    return frozenset(str(row[0]) for row in rows)


def chosen(canonical: Canonical, settings: FeatureSettings, names: Iterable[str] | None = None
           ) -> list[tuple[View, Feature, FeatureSpec]]:
    """Every declared feature with its view and its entry in the catalogue; of the named views only, if any are named."""
    sets, wanted, sold = row_sets(), None if names is None else set(names), families_sold(canonical)
    found = []
    for view in views().values():
        if wanted is not None and view.name not in wanted:
            continue
        for one in view.features:
            why = missing(one, sets, canonical)
            if one.sold and sold is not None and not sold & set(one.sold):
                why = f"no product of {' or '.join(one.sold)}"
            if absent := sorted(name for name in one.term.seasons if settings.calendar.seasons.get(name) is None):
                why = f"no season {' or '.join(absent)} in the calendar"
            if _is_off(one, view, settings):
                why = "switched off in the bank's settings"
            found.append((view, one, _spec(view, one, sets, why)))
    return found


def _is_off(one: Feature, view: View, settings: FeatureSettings) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in settings.features.without for name in (one.name, view.name))


def catalog(canonical: Canonical, settings: FeatureSettings) -> list[FeatureSpec]:
    """Every declared feature and fact, those this bank cannot have included (`available`, `why_not`)."""
    return [spec for _, _, spec in chosen(canonical, settings)]


def _spec(view: View, one: Feature, sets: Mapping[str, RowSet], why: str) -> FeatureSpec:
    return FeatureSpec(one.name, view.name, one.role, one.unit, one.window_days, one.zh, one.en, one.family, one.sensitivity,
                       bool(one.says), tuple(sorted(reads(one, sets))), one.says, not why, why)


def as_rows(specs: Iterable[FeatureSpec]) -> list[dict[str, object]]:
    """Entries as plain rows, for JSON."""
    return [json.loads(json.dumps(asdict(spec), ensure_ascii=False)) for spec in specs]


