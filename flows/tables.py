"""Features and their catalogue as files people ask for."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from features.catalog import as_rows, catalog
from features.declare import FeatureSpec
from features.engine import file_of
from flows import engines
from flows.bank import BankFile
from flows.chores import taken_in, under_lease
from flows.home import Home
from flows.screen import Screen
from sources.canonical import open_canonical
from store.errors import ConfigError
from store.files import atomic_path, write_parquet, write_text

Progress = Callable[[str, int, int], None]


def write_features(
    bank: BankFile, home: Home, dates: Sequence[dt.date], out: Path | None, progress: Progress
) -> tuple[Path, int, int]:
    """Write one row per customer_id and as_of, sorted so; path, rows and columns. Raises ConfigError for a file's kind."""
    if out is not None and out.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"'{out.name}' is no kind of table", where="--out", expected="a name that ends in .parquet or .csv")
    with under_lease(bank, home) as heartbeat:
        canonical = taken_in(bank, home, heartbeat.fencing(progress))
        days = sorted(set(dates)) or [canonical.manifest.newest_business_date]
        late = [day for day in days if day > canonical.manifest.newest_business_date]
        if late:
            raise ConfigError(f"the data goes to {canonical.manifest.newest_business_date}, not to {late[0]}", where="--as-of")
        engines.build(bank, canonical, days, home.features, progress)
        table = pa.concat_tables([pq.read_table(file_of(home.features, day), partitioning=None) for day in days])
    table = table.sort_by([("customer_id", "ascending"), ("as_of", "ascending")])
    path = out or home.features / "features.parquet"
    if path.suffix == ".csv":
        with atomic_path(path) as temporary:
            pa.csv.write_csv(table, temporary)
    else:
        write_parquet(path, table)
    return path, table.num_rows, table.num_columns


def specs(bank: BankFile, home: Home, progress: Progress) -> list[FeatureSpec]:
    """The bank's catalogue; the data is taken in first where that has not been done."""
    if (home.canonical / "manifest.json").exists():
        return catalog(open_canonical(home.canonical, bank.limits), bank.features)
    with under_lease(bank, home) as heartbeat:
        return catalog(taken_in(bank, home, heartbeat.fencing(progress)), bank.features)


def show_catalog(found: Sequence[FeatureSpec], screen: Screen, out: Path | None) -> None:
    """Print the catalogue, and write it as Markdown, CSV or JSON."""
    zh = screen.language == "zh"
    columns = (
        ("名称", "视图", "单位", "窗口", "含义", "敏感性", "可行动", "可用")
        if zh
        else ("name", "view", "unit", "window", "meaning", "sensitivity", "actionable", "available")
    )
    rows = [
        (
            spec.name,
            spec.view,
            spec.unit,
            f"{spec.window_days}d" if spec.window_days else "",
            spec.zh if zh else spec.en,
            spec.sensitivity,
            "✓" if spec.is_actionable else "",
            "✓" if spec.available else "",
        )
        for spec in found
        if spec.role == "feature"
    ]
    screen.table(columns, rows)
    screen.line(f"{len(rows)} / {sum(1 for spec in found if spec.role == 'feature' and spec.available)}")
    if out is not None:
        write_text(out, _as_text(found, columns, rows, out))
        screen.line(str(out))


def _as_text(found: Sequence[FeatureSpec], columns: Sequence[str], rows: Sequence[Sequence[str]], out: Path) -> str:
    if out.suffix == ".json":
        return json.dumps(as_rows(found), ensure_ascii=False, indent=2, default=str) + "\n"
    if out.suffix == ".csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        return text.getvalue()
    if out.suffix == ".md":
        return (
            "\n".join(
                [
                    "| " + " | ".join(columns) + " |",
                    "|" + " --- |" * len(columns),
                    *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows),
                ]
            )
            + "\n"
        )
    raise ConfigError(f"'{out.name}' is no kind of catalogue", where="--out", expected="a name that ends in .md, .csv or .json")
