"""The catalogue: every feature, what it means in two languages, and whether this bank can have it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from features.declare import Feature, FeatureSpec, View
from features.known import RowSet
from features.rows import row_sets
from features.settings import FeatureSettings
from features.views import views
from sources.canonical import Canonical

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


def chosen(canonical: Canonical, settings: FeatureSettings, names: Iterable[str] | None = None
           ) -> list[tuple[View, Feature, FeatureSpec]]:
    """Every declared feature with its view and its entry in the catalogue; of the named views only, if any are named."""
    sets, wanted = row_sets(), None if names is None else set(names)
    found = []
    for view in views().values():
        if wanted is not None and view.name not in wanted:
            continue
        for one in view.features:
            why = missing(one, sets, canonical)
            if one.name in settings.features.without or view.name in settings.features.without:
                why = "switched off in the bank's settings"
            found.append((view, one, _spec(view, one, sets, why)))
    return found


def catalog(canonical: Canonical, settings: FeatureSettings) -> list[FeatureSpec]:
    """Every declared feature and fact, those this bank cannot have included (`available`, `why_not`)."""
    return [spec for _, _, spec in chosen(canonical, settings)]


def _spec(view: View, one: Feature, sets: Mapping[str, RowSet], why: str) -> FeatureSpec:
    return FeatureSpec(one.name, view.name, one.role, one.unit, one.window_days, one.zh, one.en, one.family, one.sensitivity,
                       bool(one.says), tuple(sorted(reads(one, sets))), one.says, not why, why)


def as_rows(specs: Iterable[FeatureSpec]) -> list[dict[str, object]]:
    """Entries as plain rows, for JSON."""
    return [json.loads(json.dumps(asdict(spec), ensure_ascii=False)) for spec in specs]


