"""The truth behind the demo bank: calibrated, far from perfect, and with traces in the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from sources.demo.bank import DemoBank, make_demo_bank

FAMILIES = ("time_deposit", "wealth", "farmer_credit", "mobile_bank", "acquiring")


def leaving(con: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, np.ndarray]:
    """Truth and event of people with 10,000 yuan and more, still here, at month-ends with 90 days to come."""
    rows = con.execute("""
        SELECT h.p_leave_90d AS p, count(e.kind) > 0 AS left
        FROM hazard h LEFT JOIN events e ON e.customer_id = h.customer_id AND e.kind IN ('leave', 'spend')
          AND e."on" > h.as_of AND e."on" <= h.as_of + 90
        WHERE h.state = 'here' AND h.assets >= 10000 AND h.as_of <= DATE '2026-06-30' GROUP BY h.customer_id,
        h.as_of, p""").df()
    return rows["p"].to_numpy(), rows["left"].to_numpy()


def test_who_leaves_is_ranked_well_by_the_truth_and_not_perfectly(con: duckdb.DuckDBPyConnection) -> None:
    p, left = leaving(con)
    assert len(p) > 10_000
    assert 0.02 < left.mean() < 0.08
    assert 0.75 < roc_auc_score(left, p) < 0.90


def test_the_truth_says_how_many_will_leave(con: duckdb.DuckDBPyConnection) -> None:
    p, left = leaving(con)
    assert p.mean() == pytest.approx(left.mean(), rel=0.35)
    high = p >= np.quantile(p, 0.9)
    assert left[high].mean() > 3 * left[~high].mean()


@pytest.mark.parametrize("family", FAMILIES)
def test_first_uses_are_ranked_well_by_the_truth_and_not_perfectly(con: duckdb.DuckDBPyConnection, family: str) -> None:
    rows = con.execute(f"""
        SELECT d.p_first_own_use_90d AS p, e.kind IS NOT NULL AS bought
        FROM demand d LEFT JOIN events e ON e.customer_id = d.customer_id AND e.kind = 'buy_{family}'
          AND e."on" > d.as_of AND e."on" <= d.as_of + 90 WHERE d.family = '{family}' AND d.as_of <= DATE '2026-06-30'""").df()
    assert 0.002 < rows["bought"].mean() < 0.02
    assert rows["p"].mean() == pytest.approx(rows["bought"].mean(), rel=0.4)
    assert 0.76 < roc_auc_score(rows["bought"], rows["p"]) < 0.95


def test_the_money_of_those_who_leave_is_gone_after_two_months(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, reader: Callable[[DemoBank], duckdb.DuckDBPyConnection]
) -> None:
    """Of two banks together: of the two hundred who leave one, three standard errors are 0.08."""
    other = reader(make_demo_bank(tmp_path / "bank", customers=6_000, seed=1))
    query = """
        WITH gone AS (SELECT e.customer_id, e."on" AS day FROM events e WHERE kind = 'leave' AND "on" < DATE '2026-07-15'),
        kept AS (SELECT gone.customer_id, ZH, arg_max(YE, RQ) FILTER (RQ < day) AS before, arg_max(YE, RQ) FILTER (RQ
        <= day + 60) AS after
               FROM gone JOIN DEP_ZHXX ON KHH = gone.customer_id JOIN balances USING (ZH) GROUP BY ALL)
        SELECT customer_id, sum(before)::DOUBLE AS before, sum(after)::DOUBLE AS after FROM kept GROUP BY 1"""
    rows = pd.concat([bank.execute(query).df() for bank in (con, other)])
    assert len(rows) > 100
    assert ((rows["after"] < 0.5 * rows["before"]).mean()) > 0.8


def test_leaving_leaves_traces_before_it_begins(con: duckdb.DuckDBPyConnection) -> None:
    """Distant people send their wage on: more often among those who leave soon than among those who stay."""
    rows = con.execute("""
        WITH swept AS (SELECT DISTINCT KHH, last_day(JYRQ) AS as_of FROM moves JOIN DEP_ZHXX USING (ZH) WHERE ZYDM = 'BRZC')
        SELECT h.p_leave_90d AS p, swept.KHH IS NOT NULL AS sweeps FROM hazard h
        JOIN (SELECT DISTINCT KHH FROM moves JOIN DEP_ZHXX USING (ZH) WHERE ZYDM = 'DFGZ') w ON w.KHH = h.customer_id
        LEFT JOIN swept ON swept.KHH = h.customer_id AND swept.as_of = h.as_of WHERE h.state = 'here' AND h.assets >=
        10000""").df()
    assert rows.loc[rows["sweeps"], "p"].mean() > 1.2 * rows.loc[~rows["sweeps"], "p"].mean()


def test_a_contact_helps_many_and_harms_some(con: duckdb.DuckDBPyConnection) -> None:
    rows = (
        con.execute("SELECT offer, avg((effect < 0)::INT) AS harmed, avg(effect) AS mean FROM uplift GROUP BY 1")
        .df()
        .set_index("offer")
    )
    assert set(rows.index) == {"churn_aum", "time_deposit", "wealth", "farmer_credit", "mobile_bank", "acquiring"}
    assert (rows["harmed"] > 0.01).all()
    assert (rows["mean"] > 0).all()


def test_randomised_contacts_have_a_control_group_that_was_not_called(con: duckdb.DuckDBPyConnection) -> None:
    rows = dict(con.execute("SELECT FZ, count(*) FROM MKT_CJ WHERE FPGL <> '' GROUP BY 1").fetchall())
    assert rows["treatment"] / (rows["treatment"] + rows["control"]) == pytest.approx(0.6, abs=0.04)
    assert con.execute("SELECT count(*) FROM MKT_CJ WHERE FZ = 'control' AND (JG <> '' OR QD <> '')").fetchall() == [(0,)]
