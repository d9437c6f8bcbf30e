"""Who is eligible at an as_of: one definition for training and for the night."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Literal, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sources.canonical import Canonical, as_of_sql
from sources.identity import standing
from sources.sqltext import quiet
from store.settings import Settings

T = TypeVar("T")
Places = NDArray[np.int64]
ONE_PASS = 60_000  # rows of customers: each pass costs some tenths of a second, however few it holds
AT_ONCE = 2  # passes in work, where there are as many threads: most statements of a pass keep one core only
CustomerKind = Literal["personal", "sole_trader", "cooperative", "village_collective", "institution", "corporate"]


class CohortSettings(Settings):
    """Conditions on a customer as known at an as_of; those a bank cannot tell (no birth date kept) exclude nobody but those
    of whom an age is asked."""

    kinds: tuple[CustomerKind, ...] = ("personal", "sole_trader")
    min_age: int | None = None  # complete years
    max_age: int | None = None
    min_tenure_days: int = 0  # since the customer's first day here
    needs_facility: bool = False  # an open credit line, drawn or not


def passes(canonical: Canonical) -> list[int] | list[None]:
    """The buckets to go through one by one, or [None]: a bank that fits in memory is done in one pass, with the same bits."""
    state = canonical.manifest.tables.get("customers")
    return [None] if state is not None and state.rows <= ONE_PASS else list(range(canonical.manifest.buckets))


def each_pass(
    canonical: Canonical,
    ready: Callable[[duckdb.DuckDBPyConnection], object],
    work: Callable[[duckdb.DuckDBPyConnection, int | None], T],
) -> Iterator[T]:
    """What `work` makes of every pass, in the order of `passes`; some passes are in work beside each other.

    Each of these has a connection of its own, made `ready` once: temp tables are a connection's own.
    """
    buckets = passes(canonical)
    hands = min(AT_ONCE, canonical.limits.threads, len(buckets))
    free = SimpleQueue[duckdb.DuckDBPyConnection]()

    def one(bucket: int | None) -> T:
        own = free.get()
        try:
            return work(own, bucket)
        finally:
            free.put(own)

    with ExitStack() as held:
        con = held.enter_context(canonical.connect())
        for _ in range(hands):
            own = quiet(held.enter_context(con.cursor()))
            ready(own)
            free.put(own)
        pool = ThreadPoolExecutor(hands)
        try:
            yield from pool.map(one, buckets)
        finally:  # where a pass fails, those that wait are not begun
            pool.shutdown(cancel_futures=True)


def known_sql(row: str, day: str) -> str:
    """Condition: this row of a canonical table counted at the close of `day` (SQL for a date)."""
    return f"({row}.known_from <= {day} AND ({row}.known_to IS NULL OR {row}.known_to > {day}))"


def note_dates(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, dates: Sequence[dt.date], known_at: dt.date | None = None
) -> None:
    """Temp tables `_dates` (as_of) and `_person`: per as_of and for `known_at`, every merged number and the number that
    stands for it then."""
    days = sorted(set(dates))
    con.register("_days", pa.table({"as_of": pa.array(days, pa.date32())}))
    con.execute("CREATE OR REPLACE TEMP TABLE _dates AS SELECT as_of FROM _days")
    con.unregister("_days")
    rows: list[tuple[dt.date, str, str]] = []
    if "merges" in canonical.manifest.tables:
        for day in sorted({*days, *([known_at] if known_at else [])}):
            known = as_of_sql("merges", canonical.relation_sql("merges"), day)
            pairs = con.execute(
                f'SELECT old_id, new_id FROM ({known}) WHERE "on" <= ? AND undone_on IS NULL ORDER BY ALL', [day]
            ).fetchall()
            rows += [(day, old, new) for old, new in standing(pairs).items() if old != new]
    con.register(
        "_pairs",
        pa.table(
            {
                "as_of": pa.array([r[0] for r in rows], pa.date32()),
                "customer_id": pa.array([r[1] for r in rows], pa.string()),
                "person": pa.array([r[2] for r in rows], pa.string()),
            }
        ),
    )
    con.execute("CREATE OR REPLACE TEMP TABLE _person AS SELECT * FROM _pairs")
    con.unregister("_pairs")


def note_people(con: duckdb.DuckDBPyConnection, canonical: Canonical, bucket: int | None) -> None:
    """Temp table `_people`: one row per customer of the bucket with an open account per as_of, as known then.

    A number merged into another by then is not a customer of its own: canonical rows stand under the number of the day.
    Needs `note_dates`.
    """
    gone = []
    if canonical.has("customers", "stage"):
        gone.append("coalesce(c.stage, 'customer') <> 'customer'")
    if canonical.has("customers", "status"):
        gone.append("coalesce(c.status, 'active') = 'deceased'")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE _open AS
        SELECT d.as_of, a.customer_id, min(a.opened_on) AS opened_on
        FROM _dates d JOIN {canonical.relation_sql("accounts", bucket)} a
          ON {known_sql("a", "d.as_of")} AND a.opened_on <= d.as_of AND (a.closed_on IS NULL OR a.closed_on > d.as_of)
        GROUP BY ALL""")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE _credit_line AS
        SELECT DISTINCT d.as_of, f.customer_id
        FROM _dates d JOIN {canonical.relation_sql("facilities", bucket)} f
          ON {known_sql("f", "d.as_of")} AND f.granted_on <= d.as_of AND (f.expires_on IS NULL OR f.expires_on > d.as_of)""")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE _people AS
        SELECT d.as_of, c.customer_id, coalesce(c.kind, 'personal') AS kind, date_sub('year', c.birth_on, d.as_of) AS age,
               d.as_of - coalesce(c.opened_on, o.opened_on) AS tenure_days, l.customer_id IS NOT NULL AS has_facility
        FROM _dates d JOIN {canonical.relation_sql("customers", bucket)} c
          ON {known_sql("c", "d.as_of")} AND (c.opened_on IS NULL OR c.opened_on <= d.as_of)
        JOIN _open o ON o.as_of = d.as_of AND o.customer_id = c.customer_id
        LEFT JOIN _credit_line l ON l.as_of = d.as_of AND l.customer_id = c.customer_id
        WHERE NOT ({" OR ".join(gone) or "false"})""")


def eligible_sql(cohort: CohortSettings) -> str:
    """SELECT as_of, customer_id of the people who meet the cohort's conditions. Needs `note_people`."""
    kinds = ", ".join(f"'{kind}'" for kind in cohort.kinds)
    asked = [f"kind IN ({kinds})"] if kinds else []
    if cohort.min_age is not None:
        asked.append(f"age >= {cohort.min_age}")
    if cohort.max_age is not None:
        asked.append(f"age <= {cohort.max_age}")
    if cohort.min_tenure_days:
        asked.append(f"tenure_days >= {cohort.min_tenure_days}")
    if cohort.needs_facility:
        asked.append("has_facility")
    return f"SELECT as_of, customer_id FROM _people WHERE {' AND '.join(asked) or 'true'}"


def note_places(con: duckdb.DuckDBPyConnection, canonical: Canonical, bucket: int | None) -> pa.Array:
    """Temp table `_places`: every customer number of the bucket and where it stands; returns the numbers in that order."""
    con.execute(f"""CREATE OR REPLACE TEMP TABLE _places AS
        SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS place FROM (
            SELECT customer_id FROM {canonical.relation_sql("customers", bucket)}
            UNION SELECT customer_id FROM {canonical.relation_sql("accounts", bucket)})""")
    return con.sql("SELECT customer_id FROM _places ORDER BY place").to_arrow_table()["customer_id"].combine_chunks()


def merged_places(con: duckdb.DuckDBPyConnection, day: dt.date) -> tuple[Places, Places]:
    """Places of numbers merged into others by `day`, and of the numbers that stand for them. Needs `note_places`."""
    pairs = con.sql(f"""SELECT o.place AS old, n.place AS new FROM _person m JOIN _places o ON o.customer_id = m.customer_id
        JOIN _places n ON n.customer_id = m.person WHERE m.as_of = DATE '{day.isoformat()}' ORDER BY ALL""").to_arrow_table()
    return pairs["old"].to_numpy(), pairs["new"].to_numpy()


def unite(measure: NDArray[np.float64], merged: tuple[Places, Places]) -> NDArray[np.float64]:
    """The measure by place (its last axis), in which the numbers of one person now all bear their sum."""
    old, new = merged
    np.add.at(measure.T, new, measure[..., old].T)
    measure[..., old] = measure[..., new]
    return measure
