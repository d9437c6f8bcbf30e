"""The canonical tables as they were known at the close of a day, ready to be asked in SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import duckdb
import pyarrow as pa

from features.cohorts import each_pass
from features.held import account_sums, read_balances
from sources.canonical import Canonical, as_of_sql
from sources.identity import merged_roots
from sources.tables import SQL_TYPE, TABLES

ROOT, WITH_ROOT = "coalesce(m.root, customer_id) AS root", "LEFT JOIN merged m USING (customer_id)"  # of rows by customer


def known_at(canonical: Canonical, as_of: dt.date, tables: Iterable[str] = tuple(TABLES)) -> duckdb.DuckDBPyConnection:
    """A connection with one view per canonical table, as known at `as_of`, and the table `merged`.

    `merged` has one row per number of a merged set: customer_id, and `root`, the oldest number of the set; any other number
    is its own root (`ROOT`). What was refused or suppressed under one number of a person holds for all of them. Tables a bank
    has not are there, empty.
    """
    con = canonical.connect()
    for name in tables:
        state = canonical.manifest.tables.get(name)
        if state is None or state.rows == 0:
            con.execute(f"CREATE TEMP TABLE {name} AS {_empty(name)}")
        else:
            con.execute(f"CREATE TEMP VIEW {name} AS {as_of_sql(name, canonical.relation_sql(name), as_of)}")
    pairs = con.execute("SELECT old_id, new_id FROM merges WHERE undone_on IS NULL ORDER BY ALL").fetchall()
    roots = sorted(merged_roots(pairs).items())
    columns = {
        name: pa.array([pair[place] for pair in roots], pa.string()) for place, name in enumerate(("customer_id", "root"))
    }
    con.register("_merged", pa.table(columns))
    con.execute("CREATE TEMP TABLE merged AS SELECT * FROM _merged")
    con.unregister("_merged")
    return con


def _empty(name: str) -> str:
    spec = TABLES[name]
    columns = [f'NULL::{SQL_TYPE[c.kind]} AS "{c.name}"' for c in spec.columns]
    if spec.by in ("account", "loan"):
        columns.append("NULL::VARCHAR AS customer_id")
    return f"SELECT {', '.join(columns)} WHERE false"


def daily_averages(con: duckdb.DuckDBPyConnection, canonical: Canonical, as_of: dt.date, days: int) -> None:
    """Temp table `averages`, one row per open account: account_id, customer_id, branch_id, opened_on, total, days, adb.

    `adb` (minor units) is the average of the closing balances of the days (as_of - days, as_of]; a day before the account's
    first balance counts 0. Sum `total`, whole minor units times days, over accounts: it is exact in any order.
    """

    def of_pass(_: duckdb.DuckDBPyConnection, bucket: int | None) -> pa.Table:
        return account_sums(read_balances(canonical, bucket), as_of, days)

    con.register("_sums", pa.concat_tables(list(each_pass(canonical, lambda _: None, of_pass))))
    con.execute(f"""CREATE OR REPLACE TEMP TABLE averages AS
        SELECT a.account_id, a.customer_id, a.branch_id, a.opened_on, coalesce(s.total, 0) AS total, {days} AS days,
            coalesce(s.total, 0) / {days} AS adb
        FROM accounts a LEFT JOIN _sums s USING (account_id) WHERE a.closed_on IS NULL""")
    con.unregister("_sums")
