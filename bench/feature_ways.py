"""Features of one date: ours against the bare scan, SQL's FILTER and a pandas notebook; and one date of all features."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.contest import Answer, Contest, Place
from features import duck
from features.algebra import Leaf
from features.calendar import Clock
from features.catalog import chosen
from features.declare import Feature
from features.engine import build, file_of
from features.loading import load
from features.moment import Moment
from features.reading import needed
from features.rows import row_sets
from features.views import views
from sources.canonical import Canonical, connect, open_canonical

Sums = list[tuple[str, Leaf]]


def windowed() -> Sums:
    """Features that are one sum or count over a window of transactions, each with that leaf."""
    found = []
    for view in views().values():
        for one in view.features:
            plain = [leaf for leaf in one.term.leaves if leaf.rows == "transactions" and leaf.how in ("sum", "count")]
            if len(plain) == len(one.term.leaves) == 1 and plain[0].window.kind == "back" and not plain[0].window.ago:
                found.append((one.name, plain[0]))
    return found


def _open(place: Place) -> tuple[Canonical, dt.date]:
    canonical = open_canonical(place.home.canonical)
    return canonical, canonical.manifest.newest_business_date


def _rows(place: Place) -> str:
    """Transactions that stand at the date, flat, in one file: made once, outside the clock, for the ways that are not ours."""
    path = place.work / "transactions.parquet"
    if not path.exists():
        canonical, as_of = _open(place)
        names = tuple(name for name, _ in windowed())
        script, reads = duck.compiled(names, canonical.mapped, 1), needed([_declared()[name] for name in names], row_sets())
        with connect() as con:
            held = load(con, canonical, range(canonical.manifest.buckets), reads)
            made, _ = script.run(con, held, Moment(Clock(as_of, place.bank.features.calendar)))
            con.register("made", made)
            people = "SELECT number FROM numbers_customer_id SEMI JOIN made ON made.customer_id = numbers_customer_id.id"
            con.execute(f"COPY (FROM rows_transactions WHERE customer_id IN ({people})) TO '{path}' (FORMAT parquet)")
    return str(path)


def _declared() -> dict[str, Feature]:
    return {one.name: one for view in views().values() for one in view.features}


def _totals(table: pa.Table | pd.DataFrame) -> Answer:
    """The sum of every windowed feature over all customers, whole minor units."""
    frame = table.to_pandas() if isinstance(table, pa.Table) else table
    return {name: float(round(frame[name].fillna(0.0).sum())) for name, _ in windowed()}


def _floor(place: Place) -> Callable[[], Answer]:
    path, out = _rows(place), place.work / "floor.parquet"
    made = pa.table({name: pa.array(range(20_000), pa.float64()) for name, _ in windowed()})

    def run() -> Answer:
        with connect() as con:
            con.execute(f"SELECT min(COLUMNS(*)) FROM read_parquet('{path}')").fetchall()
        pq.write_table(made, out)
        return {}

    return run


def _terrace(place: Place) -> Callable[[], Answer]:
    canonical, as_of = _open(place)
    names = tuple(name for name, _ in windowed())
    reads = needed([_declared()[name] for name in names], row_sets())

    def run() -> Answer:
        script = duck.compiled(names, canonical.mapped, 1)
        with connect() as con:
            held = load(con, canonical, range(canonical.manifest.buckets), reads)
            table, _ = script.run(con, held, Moment(Clock(as_of, place.bank.features.calendar)))
        pq.write_table(table, place.work / "terrace.parquet")
        return _totals(table)

    return run


def _condition(leaf: Leaf, clock: Clock, *, sql: bool) -> str:
    bounds = leaf.window.bounds(clock)
    assert bounds is not None
    where = leaf.where.text if leaf.where.columns else "day == day"
    whole = f"(day > {bounds[0]}) & (day <= {bounds[1]}) & ({where})"
    return whole.replace("==", "=").replace("&", "AND").replace("|", "OR") if sql else _bracketed(whole)


def _bracketed(text: str) -> str:
    """pandas binds `&` before `==`, unlike the text of a filter."""
    return text.replace("&", "and").replace("|", "or")


def _filter(place: Place) -> Callable[[], Answer]:
    path, (_, as_of) = _rows(place), _open(place)
    clock = Clock(as_of, place.bank.features.calendar)
    columns = ", ".join(
        f"{'sum(amount)' if leaf.how == 'sum' else 'count(*)'} FILTER (WHERE {_condition(leaf, clock, sql=True)}) AS {name}"
        for name, leaf in windowed()
    )

    def run() -> Answer:
        with connect() as con:
            table = con.sql(f"SELECT customer_id, {columns} FROM read_parquet('{path}') GROUP BY 1").to_arrow_table()
        pq.write_table(table, place.work / "filter.parquet")
        return _totals(table)

    return run


def _pandas(place: Place) -> Callable[[], Answer]:
    path, (_, as_of) = _rows(place), _open(place)
    clock = Clock(as_of, place.bank.features.calendar)

    def run() -> Answer:
        rows = pd.read_parquet(path)
        found = {}
        for name, leaf in windowed():
            mine = rows.query(_condition(leaf, clock, sql=False)).groupby("customer_id")["amount"]
            found[name] = mine.sum() if leaf.how == "sum" else mine.count()
        frame = pd.DataFrame(found)
        frame.to_parquet(place.work / "pandas.parquet")
        return _totals(frame)

    return run


def _whole_floor(place: Place) -> Callable[[], Answer]:
    canonical, as_of = _open(place)
    reads = needed([one for _, one, spec in chosen(canonical, place.bank.features) if spec.available], row_sets())
    made = pq.read_table(file_of(place.home.features, as_of), partitioning=None)

    def run() -> Answer:
        with connect() as con:
            for name, columns in sorted(reads.items()):
                listed = ", ".join(f'min("{column}")' for column in sorted(columns))
                con.execute(f"SELECT {listed} FROM {canonical.relation_sql(name)}").fetchall()
        pq.write_table(made, place.work / "floor.parquet")
        return {}

    return run


class _Build:
    """All features of several dates, as a night or a training builds them."""

    def __init__(self, dates: int) -> None:
        self.dates = dates

    def __call__(self, place: Place) -> Callable[[], Answer]:
        canonical, as_of = _open(place)
        days = [as_of - dt.timedelta(days=30 * n) for n in range(self.dates)]
        out = place.work / f"features{self.dates}"

        def run() -> Answer:
            for path in out.glob("*"):
                path.unlink()
            build(canonical, place.bank.features, days, out)
            return {}

        return run


WINDOWED = Contest(
    "windowed sums",
    f"{len(windowed())} windowed sums and counts over transactions, one date; floor: read the rows once, write the output once",
    {
        "read and write": _floor,
        "terrace, from canonical tables": _terrace,
        "SQL's FILTER, from flat rows": _filter,
        "pandas, from flat rows": _pandas,
    },
)
WHOLE = Contest(
    "all features",
    "every feature of the bank; floor: read their columns once, write one date once",
    {"read and write": _whole_floor, "terrace, one date": _Build(1), "terrace, six dates": _Build(6)},
)
