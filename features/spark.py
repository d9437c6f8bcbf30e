"""Spark as an engine: leaves are summed by Spark, and the arithmetic over them is done beside the rows, in Arrow batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw
import pyarrow as pa
from babel.numbers import get_currency_precision

from features.calendar import Clock
from features.compile import KEY, gathered, names_of
from features.declare import Feature
from features.known import Frame, Known
from features.moment import Moment
from features.population import population
from features.program import program
from features.reading import needed
from features.rows import row_sets
from features.settings import CalendarSettings
from features.views import views
from sources import spark as tables
from sources.canonical import Canonical
from sources.tables import TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CHANGE = "balance - coalesce(lag(balance) OVER (PARTITION BY account_id ORDER BY `on`), 0D) AS change"


class Spark:
    """An engine over canonical tables as Spark's data frames. What is kept is cut from the plan it came of."""

    def __init__(self, tables: Mapping[str, DataFrame]) -> None:
        self.tables, self.kernels = tables, None

    def table(self, name: str) -> Frame:
        rows: Frame = nw.from_native(self.tables[name])
        return rows

    def keep(self, _name: str, frame: Frame) -> Frame:
        cut: Frame = nw.from_native(frame.to_native().localCheckpoint(eager=False))
        return cut


def features_of(
    spark: SparkSession,
    canonical: Canonical,
    calendar: CalendarSettings,
    as_of: dt.date,
    wanted: Sequence[Feature],
    buckets: Iterable[int] | None = None,
) -> DataFrame:
    """One row per customer of these buckets, with its bucket and one column per feature, as `parts.finished` wants them."""
    sets = row_sets()
    reads = needed(wanted, sets)
    engine = Spark({name: plain(spark, canonical, name, names, as_of, buckets) for name, names in sorted(reads.items())})
    mapped = canonical.mapped
    known = Known(
        Moment(Clock(as_of, calendar), _starts(spark, canonical, as_of, reads)),
        engine,
        sets,
        lambda table, *columns: all((table, name) in mapped for name in columns),
    )
    minor = 10 ** get_currency_precision(canonical.manifest.currency)
    places = nw.from_native(tables.known(spark, canonical, "customers", as_of, (KEY, "bucket"), buckets))
    people = population(known).join(places, on=KEY, how="inner")
    return valued(gathered(known, people, wanted).to_native(), calendar, as_of, wanted, minor)


def valued(leaves: DataFrame, calendar: CalendarSettings, as_of: dt.date, wanted: Sequence[Feature], minor: int) -> DataFrame:
    """The features of rows of leaves, reckoned where the rows lie."""
    work = partial(_valued, tuple(one.name for one in wanted), calendar.model_dump_json(), as_of, minor)
    kinds = ", ".join(f"`{one.name}` {'STRING' if one.unit == 'category' else 'DOUBLE'}" for one in wanted)
    with tables.unwarned():
        return leaves.mapInArrow(work, f"{KEY} STRING, bucket INT, {kinds}")


def _valued(
    names: tuple[str, ...], calendar: str, as_of: dt.date, minor: int, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Features of rows of leaves; runs where the rows are, and is told what to do in names and numbers alone."""
    declared = {one.name: one for view in views().values() for one in view.features}
    wanted, clock = [declared[name] for name in names], Clock(as_of, CalendarSettings.model_validate_json(calendar))
    columns = names_of(wanted)
    made = program(wanted, list(columns), minor)
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        reckoned = made.over(rows, columns, clock)
        table = pa.table({KEY: rows[KEY], "bucket": rows["bucket"], **{name: reckoned[name] for name in names}})
        yield from table.combine_chunks().to_batches()


def _starts(spark: SparkSession, canonical: Canonical, as_of: dt.date, reads: Iterable[str]) -> dict[str, int]:
    """The first day of which the bank's balances tell, as far as known then, of all customers."""
    if "balances" not in reads or not canonical.has("balances", "on"):
        return {}
    rows = tables.rows(spark, canonical, "balances").where(f"known_from <= DATE '{as_of.isoformat()}'")
    first = rows.selectExpr("min(unix_date(`on`))").first()[0]
    return {} if first is None else {"balances": first}


def plain(
    spark: SparkSession, canonical: Canonical, table: str, columns: Iterable[str], as_of: dt.date, buckets: Iterable[int] | None
) -> DataFrame:
    """Columns as features want them: dates whole day numbers, money whole doubles."""
    spec = TABLES[table]
    names = sorted({*columns, *spec.key, *(() if spec.by == "bank" else (KEY,))})
    rows = tables.known(spark, canonical, table, as_of, names, buckets).selectExpr(
        *(_said(tables.type_of(spec, name), name) for name in names)
    )
    return rows.selectExpr("*", _CHANGE) if table == "balances" else rows


def _said(kind: str, name: str) -> str:
    if kind == "DATE":
        return f"CAST(unix_date(`{name}`) AS BIGINT) AS `{name}`"
    return f"`{name}`" if kind == "STRING" else f"CAST(`{name}` AS DOUBLE) AS `{name}`"
