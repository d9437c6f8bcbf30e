"""Labels: what became of each cohort, on disk, and how much of it there is to learn from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.attrition import attrition
from features.cohorts import each_pass, note_dates, note_people, passes
from features.outcomes import LabelSettings, closure_sql, cohort_sql, first_use_sql
from sources.canonical import Canonical
from store.errors import ConfigError
from store.files import write_json, write_parquet

Progress = Callable[[str, int, int], None]
Labels = Mapping[str, LabelSettings | None]  # null in a bank's file: this bank has no such label

__all__ = ["Label", "LabelReport", "LabelSettings", "build_labels", "cohorts_at", "cutoff", "named", "report"]


@dataclass(frozen=True)
class Label:
    """A label and its name (`churn_aum`, `closure`, `buy_<family>`)."""

    name: str
    settings: LabelSettings


def named(labels: Labels) -> tuple[Label, ...]:
    """The labels a bank has, by name."""
    return tuple(Label(name, settings) for name, settings in sorted(labels.items()) if settings is not None)


def cutoff(settings: LabelSettings, known_at: dt.date) -> dt.date:
    """The last as_of whose label window is complete at `known_at`."""
    return known_at - dt.timedelta(settings.reach_days)


def build_labels(
    canonical: Canonical,
    label: Label | Sequence[Label],
    as_of: Sequence[dt.date],
    known_at: dt.date,
    out: Path,
    progress: Progress | None = None,
) -> None:
    """`out/<label>/as_of=D.parquet`: customer_id, as_of, target (0 or 1), one row per customer of the cohort at D.

    Only D whose window is complete at `known_at` (and, for attrition, with balances for a whole window before) get a file.
    Several labels share one pass over the customers. An outcome in the gap is none of the window: target 0.
    """
    labels = [label] if isinstance(label, Label) else list(label)
    days = sorted({d for d in as_of if any(d <= cutoff(each.settings, known_at) for each in labels)})
    tables = _tables(canonical, labels, days, known_at, progress)
    for each in labels:
        for day in days:
            rows = _of_day(tables[each.name], day)
            if day <= cutoff(each.settings, known_at) and rows.num_rows:
                write_parquet(out / each.name / f"as_of={day.isoformat()}.parquet", rows)


def cohorts_at(canonical: Canonical, labels: Sequence[Label], as_of: dt.date) -> dict[str, pa.Array]:
    """Of several labels the customers eligible at `as_of`, sorted: the same definition as in training.

    What several share is read once, and no outcome at all.
    """
    _check_families(canonical, labels)
    leaving = [each for each in labels if each.settings.type == "attrition"]
    found = {
        name: _of_day(rows, as_of)["customer_id"] for name, rows in _tables(canonical, leaving, [as_of], None, None).items()
    }
    with canonical.connect() as con:
        note_dates(con, canonical, [as_of])
        note_people(con, canonical, None)
        for each in labels:
            if each not in leaving:
                of = cohort_sql(each.settings, canonical, None)
                found[each.name] = con.sql(f"SELECT customer_id FROM ({of}) ORDER BY customer_id").to_arrow_table()[
                    "customer_id"
                ]
    return {each.name: found[each.name].combine_chunks() for each in labels}


def _of_day(rows: pa.Table, day: dt.date) -> pa.Table:
    chosen = rows.filter(pc.equal(rows["as_of"], pa.scalar(day, pa.date32())))
    return chosen.sort_by("customer_id").select(["customer_id", "as_of", "target"]).combine_chunks()


def _tables(
    canonical: Canonical, labels: Sequence[Label], days: Sequence[dt.date], known_at: dt.date | None, progress: Progress | None
) -> dict[str, pa.Table]:
    """Per label the rows of every day, bucket by bucket."""
    if not labels:
        return {}
    _check_families(canonical, labels)
    parts: dict[str, list[pa.Table]] = {each.name: [] for each in labels}

    def ready(con: duckdb.DuckDBPyConnection) -> None:
        note_dates(con, canonical, days, known_at)

    def of_pass(con: duckdb.DuckDBPyConnection, bucket: int | None) -> list[pa.Table]:
        note_people(con, canonical, bucket)
        return [_rows(con, canonical, each, bucket, days, known_at) for each in labels]

    total = len(passes(canonical))
    for done, found in enumerate(each_pass(canonical, ready, of_pass), start=1):
        for each, rows in zip(labels, found, strict=True):
            parts[each.name].append(rows)
        if progress:
            progress("labels", done, total)
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}


def _rows(
    con: duckdb.DuckDBPyConnection,
    canonical: Canonical,
    label: Label,
    bucket: int | None,
    days: Sequence[dt.date],
    known_at: dt.date | None,
) -> pa.Table:
    settings = label.settings
    complete = [d for d in days if known_at is None or d <= cutoff(settings, known_at)]
    if settings.type == "attrition":
        return attrition(con, settings, canonical, bucket, complete, known_at)
    seen_until = known_at or max(days)
    sql = (closure_sql if settings.type == "closure" else first_use_sql)(settings, canonical, bucket, seen_until)
    return con.sql(f"SELECT as_of, customer_id, target FROM ({sql})").to_arrow_table()


def _check_families(canonical: Canonical, labels: Sequence[Label]) -> None:
    """Raises ConfigError for families of which the bank has no product."""
    asked = [each for each in labels if each.settings.families]
    if not asked:
        return
    with canonical.connect() as con:
        have = sorted(row[0] for row in con.sql(f"SELECT DISTINCT family FROM {canonical.relation_sql('products')}").fetchall())
    for label in asked:
        if not set(have) & set(label.settings.families):
            raise ConfigError(
                f"no product of family {', '.join(label.settings.families)}",
                where=f"labels.{label.name}",
                expected=f"one of {', '.join(have)}",
                do=f"set `labels: {{{label.name}: null}}` in the bank's file if the bank does not sell it",
            )


@dataclass(frozen=True)
class Rate:
    """Cohort, positives and base rate of one as_of or one season."""

    of: str
    cohort: int
    positives: int
    rate: float | None


@dataclass(frozen=True)
class LabelReport:
    """What there is to learn a label from."""

    label: str
    known_at: dt.date
    cutoff: dt.date
    min_positives: int
    cohort: int  # rows: customers times dates
    customers: int  # distinct
    positives: int  # rows
    positive_customers: int  # distinct
    enough: bool
    by_date: tuple[Rate, ...]
    by_season: tuple[Rate, ...]

    def write(self, path: Path) -> None:
        """Write the report as JSON in one step."""
        write_json(path, asdict(self))


def report(
    label: Label,
    as_of: Sequence[dt.date],
    known_at: dt.date,
    out: Path,
    season: Callable[[dt.date], str] = lambda day: f"Q{(day.month + 2) // 3}",
) -> LabelReport:
    """The report of a label over the files `build_labels` wrote for these dates; `season` names the season of a date."""
    folder = out / label.name
    days = [
        d
        for d in sorted(set(as_of))
        if d <= cutoff(label.settings, known_at) and (folder / f"as_of={d.isoformat()}.parquet").exists()
    ]
    tables = [pq.read_table(folder / f"as_of={d.isoformat()}.parquet", partitioning=None) for d in days]
    rows = (
        pa.concat_tables(tables)
        if tables
        else pa.table({"customer_id": pa.array([], pa.string()), "target": pa.array([], pa.int8())})
    )
    hits = rows.filter(pc.equal(rows["target"], pa.scalar(1, pa.int8())))
    counted = [
        (d.isoformat(), season(d), t.num_rows, int(pc.sum(t["target"]).as_py() or 0)) for d, t in zip(days, tables, strict=True)
    ]
    distinct = len(pc.unique(hits["customer_id"]))
    return LabelReport(
        label.name,
        known_at,
        cutoff(label.settings, known_at),
        label.settings.min_positives,
        rows.num_rows,
        len(pc.unique(rows["customer_id"])),
        hits.num_rows,
        distinct,
        distinct >= label.settings.min_positives,
        tuple(Rate(d, n, k, k / n if n else None) for d, _, n, k in counted),
        tuple(_season(name, counted) for name in sorted({s for _, s, _, _ in counted})),
    )


def _season(name: str, counted: Sequence[tuple[str, str, int, int]]) -> Rate:
    cohort = sum(n for _, s, n, _ in counted if s == name)
    positives = sum(k for _, s, _, k in counted if s == name)
    return Rate(name, cohort, positives, positives / cohort if cohort else None)
