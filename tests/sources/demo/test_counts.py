"""The published counts of the county are met to the one on the last day, at every size, as the written files tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from sources.demo.bank import DemoBank, make_demo_bank
from sources.demo.counts import Counts, wanted

Reader = Callable[[DemoBank], duckdb.DuckDBPyConnection]
NEWEST = "99991231"


def counted(con: duckdb.DuckDBPyConnection) -> Counts:
    """The counts as a reader of the files finds them."""
    kinds = "(SELECT KHH, any_value(KHLX IN ('3', '4', '5', '6')) AS firm FROM CIF_KHXX GROUP BY KHH)"
    owed = "(SELECT DKH, arg_max(BJYE, RQ) AS owed FROM states GROUP BY DKH)"
    queries = (
        f"SELECT count(DISTINCT KHH), count(DISTINCT KHH) FILTER (firm) FROM DEP_ZHXX JOIN {kinds} USING (KHH)"
        f" WHERE CYLX = '1' AND XHRQ = '{NEWEST}'",
        f"SELECT count(DISTINCT KHH), count(DISTINCT KHH) FILTER (firm) FROM CRD_DKXX JOIN {owed} USING (DKH)"
        f" JOIN {kinds} USING (KHH) WHERE owed > 0",
        f"SELECT count(DISTINCT KHH) FROM CIF_QYCP WHERE CPDM = 'SJYH' AND JYRQ = '{NEWEST}'",
    )
    return Counts(*(number for query in queries for number in con.execute(query).fetchall()[0]))


def test_the_shares_are_those_published() -> None:
    assert wanted(388_494) == Counts(388_494, 1_360, 10_667, 38, 23_692)
    assert wanted(20_000) == Counts(20_000, 70, 549, 2, 1_220)


def test_a_bank_with_the_full_network_has_its_share_of_each(con: duckdb.DuckDBPyConnection) -> None:
    assert counted(con) == Counts(6_000, 21, 165, 1, 366)


@pytest.mark.parametrize(
    ("customers", "months", "end_on", "seed"),
    [(300, 27, dt.date(2026, 9, 30), 7), (200, 4, dt.date(2026, 5, 17), 3), (1_000, 2, dt.date(2025, 12, 31), 11)],
)
def test_so_has_a_small_one_of_any_span(
    customers: int,
    months: int,
    end_on: dt.date,
    seed: int,
    tmp_path: Path,
    reader: Reader,
) -> None:
    bank = make_demo_bank(tmp_path, customers=customers, months=months, end_on=end_on, seed=seed)
    assert counted(reader(bank)) == wanted(customers)


def test_a_loan_that_owes_nothing_is_closed_and_one_that_is_closed_owes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(f"""
        SELECT (JQRQ = '{NEWEST}' OR JQRQ = '18991231') AS runs, owed > 0 AS owes, count(*) FROM CRD_DKXX
        JOIN (SELECT DKH, arg_max(BJYE, RQ) AS owed FROM states GROUP BY DKH) USING (DKH) GROUP BY ALL""").fetchall()
    assert {(runs, owes) for runs, owes, _ in rows} == {(True, True), (False, False)}
