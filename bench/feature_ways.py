"""Features: ours against reading and writing once, and against what one would pick instead for the same sums."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench import declared, some_customers
from bench.answers import Alike
from bench.apart import Way
from bench.contest import Contest, Pair, Raced
from bench.flat_rows import folder_of, our_answer
from bench.opened import Opened, finished_files, opened, read_once, write_once
from bench.place import Found, Place, Run
from features.declare import Feature
from features.engine import file_of
from flows.training import first_data_day, month_ends
from store.files import fresh_folder, parquet_rows

RIVALS, FEATURETOOLS = "rivals", "featuretools"  # environments
FEWER = (500, 2_000)  # customers that featuretools is given
TO_THE_FEN = Alike(within=1e-4, missing=0.0)  # whole fen, and room for how a library divides by a hundred


def sums(place: Place, customers: int = 0) -> Run:
    """The windowed sums alone, from canonical tables (of so many customers, where that is not 0) to a feature file."""
    here = opened(place)
    if customers:
        here = replace(here, canonical=some_customers.canonical(here, customers))
    names, out = declared.names(here), fresh_folder(folder_of(place))

    def run() -> Found:
        made = here.build([here.as_of], out, names)
        return Found(made.path(here.as_of), here.canonical.manifest.tables["transactions"].rows)

    return run


def sums_floor(place: Place) -> Run:
    """Their columns read once, our answer written once."""
    here = opened(place)
    return _floor(here, here.features(declared.names(here)), our_answer(here), 1)


def whole(place: Place, dates: int) -> Run:
    """Every feature of the bank, of the newest date or of as many month ends."""
    here = opened(place)
    days, out = days_of(here, dates), fresh_folder(_out(place, dates))

    def run() -> Found:
        made = here.build(days, out)
        return Found(rows=parquet_rows(made.path(days[-1])))

    return run


def whole_floor(place: Place, dates: int) -> Run:
    """Their columns read once, the newest date's files written once per date."""
    here = opened(place)
    return _floor(here, here.features(), file_of(_out(place, dates), days_of(here, dates)[-1]), dates)


def days_of(here: Opened, dates: int) -> list[dt.date]:
    """The newest date, or as many month ends as training learns from, as far as the bank's data reaches back."""
    if dates == 1:
        return [here.as_of]
    return month_ends(first_data_day(here.canonical) + dt.timedelta(days=27), here.as_of, dates)


def _out(place: Place, dates: int) -> Path:
    return place.work / f"features-{dates}"


def _floor(here: Opened, features: Sequence[Feature], answer: Path, times: int) -> Run:
    """What is written is in memory before."""
    files, out = finished_files(answer), fresh_folder(here.place.work / "floor")
    folders, rows = [out / str(number) for number in range(times)], sum(one.num_rows for one in files.values())

    def run() -> Found:
        started = time.perf_counter()
        read_once(here.canonical, features)
        read = time.perf_counter() - started
        write_once(files, folders, here.bank.limits.threads)
        return Found(rows=rows, parts={"read": read, "write": time.perf_counter() - started - read})

    return run


def windowed() -> Contest:
    """The sums against their floor and against rivals."""
    ours = Way("terrace, from canonical tables", "bench.feature_ways:sums")
    rivals = (
        ("SQL's FILTER in DuckDB", "in_sql", ""),
        ("pandas", "in_pandas", ""),
        ("Polars, streaming", "in_polars", RIVALS),
        ("Ibis over DuckDB", "in_ibis", RIVALS),
    )
    return Contest(
        "windowed",
        "the windowed sums and counts of transactions that the bank's features declare, one date; rivals begin from flat rows "
        "made for them beforehand, ours from the canonical tables",
        (
            Pair(ours, Way("floor: read their columns once, write once", "bench.feature_ways:sums_floor")),
            *(
                Pair(Way(name, f"bench.rivals.{module}:sums", environment=where), ours, TO_THE_FEN)
                for name, module, where in rivals
            ),
        ),
        before=(Way("flat rows for the rivals", "bench.flat_rows:flat"),),
    )


def featuretools() -> Contest:
    """The sums by featuretools against ours, both of the same customers, of two sizes."""

    def pair(customers: int) -> Pair:
        given, whose = {"customers": customers}, f"{customers:,} customers"
        return Pair(
            Way(f"featuretools, from flat rows, {whose}", "bench.rivals.in_featuretools:sums", given, FEATURETOOLS),
            Way(f"terrace, from canonical tables, {whose}", "bench.feature_ways:sums", given),
            TO_THE_FEN,
        )

    made = (Way(f"rows of {size:,} customers", "bench.some_customers:some", {"customers": size}) for size in FEWER)
    return Contest(
        "featuretools",
        "the same sums by featuretools, of the same customers on both sides",
        tuple(pair(size) for size in FEWER),
        before=tuple(made),
        more=slopes,
    )


def slopes(raced: Sequence[Raced]) -> list[str]:
    """What a thousand customers more take on either side: between two sizes, so that what any size costs falls out."""
    if len(raced) != len(FEWER) or any(one.absent for one in raced):
        return []
    few, many = raced
    sides = [(many.first, few.first, "featuretools"), (many.second, few.second, "terrace")]
    thousands = (FEWER[1] - FEWER[0]) / 1000
    told = [
        f"{name} {(median(one.seconds for one in more) - median(one.seconds for one in less)) / thousands:.3f}"
        for more, less, name in sides
    ]
    return [f"between the two sizes, seconds per thousand customers more: {', '.join(told)}"]


def all_features(name: str, dates: int, says: str) -> Contest:
    """Every feature of the bank against reading once and writing once."""
    given = {"dates": dates}
    return Contest(
        name,
        says,
        (
            Pair(
                Way(f"terrace, {name}", "bench.feature_ways:whole", given),
                Way("floor: read their columns once, write once", "bench.feature_ways:whole_floor", given),
                aim=4.0,
            ),
        ),
    )


WINDOWED = windowed()
FEATURETOOLS_ALONE = featuretools()
ONE_DATE = all_features("features", 1, "every feature of the bank, one date")
TWELVE_DATES = all_features(
    "month-ends", 12, "every feature of the bank at twelve month ends (fewer where its data is shorter)"
)
