"""People close their last account: the tables say so on its day, nothing follows, and a truth stands behind it."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

KINDS = {"close_after_leaving", "close_at_once", "close_estate"}


@pytest.fixture(scope="module")
def closers(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """`closers`: customer, the day of the last account's closing, and how it came."""
    con.execute("""
        CREATE TEMP TABLE closers AS SELECT customer_id, "on" AS day, strftime("on", '%Y%m%d') AS day_text, kind
        FROM events WHERE kind LIKE 'close%'""")
    return con


def count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.execute(query).fetchall()[0][0])


def test_one_or_two_in_a_hundred_close_within_a_year_in_each_of_three_ways(closers: duckdb.DuckDBPyConnection) -> None:
    kinds = dict(closers.execute("SELECT kind, count(*) FROM closers GROUP BY 1").fetchall())
    assert set(kinds) == KINDS
    assert min(kinds.values()) >= 10
    a_year = sum(kinds.values()) / count(closers, "SELECT count(*) FROM people") / 2.25
    assert 0.006 < a_year < 0.016
    assert count(closers, "SELECT count(DISTINCT customer_id) FROM closers") == sum(kinds.values())


def test_whoever_closes_has_no_account_left_and_everybody_else_has(closers: duckdb.DuckDBPyConnection) -> None:
    shut = "(SELECT KHH, max(XHRQ) AS last FROM DEP_ZHXX GROUP BY KHH)"
    assert count(closers, f"SELECT count(*) FROM closers JOIN {shut} ON KHH = customer_id WHERE last <> day_text") == 0
    assert (
        count(
            closers,
            f"SELECT count(*) FROM {shut} WHERE last <> '99991231' AND KHH NOT IN (SELECT customer_id FROM closers)",
        )
        == 0
    )


def test_nothing_moves_on_a_closed_account_and_nothing_is_left_on_it(closers: duckdb.DuckDBPyConnection) -> None:
    mine = "closers JOIN DEP_ZHXX ON KHH = customer_id"
    assert count(closers, f"SELECT count(*) FROM {mine} JOIN moves USING (ZH) WHERE JYRQ <= day") > 1_000
    assert count(closers, f"SELECT count(*) FROM {mine} JOIN moves USING (ZH) WHERE JYRQ > day") == 0
    assert count(closers, f"SELECT count(*) FROM {mine} JOIN balances USING (ZH) WHERE RQ > day") == 0
    last = f"(SELECT ZH, arg_max(YE, RQ) AS last FROM {mine} JOIN balances USING (ZH) GROUP BY ZH)"
    assert count(closers, f"SELECT count(*) FROM {last}") > 50
    assert count(closers, f"SELECT count(*) FROM {last} WHERE last <> 0") == 0
    assert count(closers, "SELECT count(*) FROM closers JOIN visits ON KHH = customer_id WHERE RQ > day") == 0


def test_the_register_calls_them_former_from_the_day_on_and_not_before(closers: duckdb.DuckDBPyConnection) -> None:
    stages = closers.execute("""SELECT KHJD, SXRQ, day_text FROM closers JOIN CIF_KHXX ON KHH = customer_id""").df()
    former = stages["KHJD"] == "3"
    assert former.sum() >= 30
    assert (stages.loc[former, "SXRQ"] == stages.loc[former, "day_text"]).all()
    assert (stages.loc[~former, "SXRQ"] < stages.loc[~former, "day_text"]).all()
    assert count(closers, "SELECT count(DISTINCT KHH) FROM CIF_KHXX WHERE KHJD = '3'") == count(
        closers, "SELECT count(*) FROM closers"
    )


def test_nobody_is_called_sold_to_or_lent_to_after_closing(closers: duckdb.DuckDBPyConnection) -> None:
    assert count(closers, "SELECT count(*) FROM closers JOIN MKT_CJ ON KHH = customer_id WHERE CJRQ >= day_text") == 0
    assert count(closers, "SELECT count(*) FROM closers JOIN CIF_QYCP ON KHH = customer_id WHERE JYRQ > day_text") == 0
    assert (
        count(
            closers,
            "SELECT count(*) FROM closers JOIN CRD_DKXX ON KHH = customer_id WHERE FFRQ >= day_text OR JQRQ = '18991231'",
        )
        == 0
    )
    assert count(closers, "SELECT count(*) FROM closers JOIN DEP_ZHXX ON KHH = customer_id WHERE KHRQ > day_text") == 0


def test_heirs_close_after_the_bank_knows_of_the_death(closers: duckdb.DuckDBPyConnection) -> None:
    rows = closers.execute("""
        SELECT day_text, KSRQ FROM closers LEFT JOIN CIF_MRMD ON KHH = customer_id AND LX = 'deceased'
        WHERE kind = 'close_estate'""").df()
    assert len(rows) >= 10
    assert (rows["KSRQ"] < rows["day_text"]).all()


def test_the_truth_knows_who_closes_within_half_a_year_far_better_than_chance_and_not_for_certain(
    closers: duckdb.DuckDBPyConnection,
) -> None:
    rows = closers.execute("""
        SELECT c.p_close_180d AS p, k.day IS NOT NULL AS closed FROM closing c
        LEFT JOIN closers k ON k.customer_id = c.customer_id AND k.day > c.as_of AND k.day <= c.as_of + 180
        WHERE c.as_of <= DATE '2026-03-31'""").df()
    assert rows["closed"].sum() > 200
    assert 0.78 < roc_auc_score(rows["closed"], rows["p"]) < 0.95
    # 140 people and their months: a standard error of 9 percent, and truths are means over what is still to happen
    assert rows["p"].mean() == pytest.approx(rows["closed"].mean(), rel=0.3)
    assert np.isfinite(rows["p"]).all()
    assert rows["p"].max() < 0.95
