"""The catalogue: every feature, what it means in two languages, and whether this bank can have it."""

from __future__ import annotations

import csv
import difflib
import fnmatch
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from features.declare import Feature, FeatureSpec, View
from features.known import RowSet
from features.rows import row_sets
from features.settings import FeatureSettings
from features.views import views
from sources.canonical import Canonical
from store.errors import ConfigError
from store.files import write_json, write_text

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
        lacking += [
            f"{table}.{column} is not dated" if column in undated else f"{table}.{column} is not mapped"
            for column in sorted(columns)
            if not canonical.has(table, column)
        ]
    return "; ".join(lacking)


def families_sold(canonical: Canonical) -> frozenset[str] | None:
    """Product families of the bank's product table as it is today, whatever the as_of; None where it has none."""
    if not canonical.has("products", "family"):
        return None
    with canonical.connect() as con:
        rows = con.execute(f"SELECT DISTINCT family FROM {canonical.relation_sql('products')}").fetchall()
    return frozenset(str(row[0]) for row in rows)


def chosen(
    canonical: Canonical, settings: FeatureSettings, names: Iterable[str] | None = None
) -> list[tuple[View, Feature, FeatureSpec]]:
    """Every declared feature with its view and its entry in the catalogue; of the named views only, if any are named."""
    sets, wanted, sold = row_sets(), None if names is None else set(names), families_sold(canonical)
    found, known_views = [], views()
    for name in sorted((wanted or set()) - set(known_views)):
        near = difflib.get_close_matches(name, known_views, 1, 0.5)
        raise ConfigError(
            f"no feature view '{name}'",
            where="features",
            expected=", ".join(sorted(known_views)),
            do=f"did you mean '{near[0]}'?" if near else "name one of these",
        )
    for view in known_views.values():
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
    here = frozenset(spec.name for _, _, spec in found if spec.available)
    return [(view, one, _speakable(spec, here) if spec.available else spec) for view, one, spec in found]


def _speakable(spec: FeatureSpec, here: frozenset[str]) -> FeatureSpec:
    """The feature with those of its sentences whose every figure this bank has."""
    said = tuple(wording for wording in spec.wordings if wording.names <= here)
    return replace(spec, wordings=said, is_actionable=bool(said))


def _is_off(one: Feature, view: View, settings: FeatureSettings) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in settings.features.without for name in (one.name, view.name))


def catalog(canonical: Canonical, settings: FeatureSettings) -> list[FeatureSpec]:
    """Every declared feature and fact, those this bank cannot have included (`available`, `why_not`)."""
    return [spec for _, _, spec in chosen(canonical, settings)]


def declared() -> list[FeatureSpec]:
    """The entry of every declared feature and fact, as of a bank that has all of them."""
    sets = row_sets()
    return [_spec(view, one, sets, "") for view in views().values() for one in view.features]


def _spec(view: View, one: Feature, sets: Mapping[str, RowSet], why: str) -> FeatureSpec:
    return FeatureSpec(
        one.name,
        view.name,
        one.role,
        one.unit,
        one.window_days,
        one.zh,
        one.en,
        one.family,
        one.sensitivity,
        bool(one.says),
        tuple(sorted(reads(one, sets))),
        one.says,
        not why,
        why,
    )


def as_rows(specs: Iterable[FeatureSpec]) -> list[dict[str, object]]:
    """Entries as plain rows, for JSON."""
    return [json.loads(json.dumps(asdict(spec), ensure_ascii=False)) for spec in specs]


_HEAD = ("name", "role", "unit", "window_days", "zh", "en", "sensitivity", "is_actionable", "tables", "available", "why_not")
_TITLES = (
    "名称 Name",
    "角色 Role",
    "单位 Unit",
    "观察期（天） Window",
    "含义",
    "Meaning",
    "敏感级别 Sensitivity",
    "可据以行动 Actionable",
    "来源表 Tables",
    "本行可用 Available",
    "原因 Why not",
)


def _cells(spec: FeatureSpec) -> list[str]:
    row = asdict(spec)
    row["tables"] = ", ".join(spec.tables)
    row["window_days"] = "" if spec.window_days is None else str(spec.window_days)
    return [("yes" if row[name] else "no") if isinstance(row[name], bool) else str(row[name]) for name in _HEAD]


def to_markdown(specs: Sequence[FeatureSpec]) -> str:
    """The catalogue as one Markdown page: a table per view, then the sentences of each feature that has any."""
    here = [spec for spec in specs if spec.available]
    features = sum(spec.role == "feature" for spec in here)
    lines = [
        "# 特征目录 Feature catalogue",
        "",
        f"{features} features and {len(here) - features} facts here; {len(specs) - len(here)} this bank cannot have.",
        "",
    ]
    for view in dict.fromkeys(spec.view for spec in specs):
        mine = [spec for spec in specs if spec.view == view]
        lines += [f"## {view}", "", "| " + " | ".join(_TITLES) + " |", "|" + " --- |" * len(_TITLES)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(spec)) + " |" for spec in mine]
        said = dict.fromkeys(wording for spec in mine for wording in spec.wordings)
        lines += ["", *(f"- {one.zh} / {one.en}" + (" (internal)" if one.internal else "") for one in said), ""]
    return "\n".join(lines)


def to_csv(specs: Iterable[FeatureSpec]) -> str:
    """The catalogue as CSV, one row per feature or fact."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["view", *_HEAD])
    writer.writerows([spec.view, *_cells(spec)] for spec in specs)
    return buffer.getvalue()


def write_catalog(specs: Sequence[FeatureSpec], folder: Path) -> list[Path]:
    """`catalog.md`, `catalog.json` and `catalog.csv` (with a byte-order mark: WPS and Excel then read the Chinese)."""
    paths = [folder / f"catalog.{kind}" for kind in ("md", "json", "csv")]
    write_text(paths[0], to_markdown(specs))
    write_json(paths[1], as_rows(specs))
    write_text(paths[2], "\ufeff" + to_csv(specs))
    return paths
