"""Averages, lows and peaks against a day-by-day count by hand."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from features.engine import build

sys.path.insert(0, str(Path(__file__).parent))

import county


def daily(tables: county.Tables, as_of: dt.date, holds: tuple[str, ...]) -> pd.DataFrame:
    """Total per customer (columns) and day (rows), forward filled by hand; zero from the day of closing."""
    accounts = tables["accounts"].set_index("account_id")
    days = pd.date_range(as_of - dt.timedelta(800), as_of)
    total: dict[str, np.ndarray] = {}
    for account, rows in tables["balances"].groupby("account_id"):
        about = accounts.loc[account]
        if about.holds not in holds:
            continue
        series = pd.Series(rows["balance"].to_numpy(float), index=pd.to_datetime(rows["on"])).sort_index()
        filled = series.reindex(days.union(series.index)).ffill().reindex(days).fillna(0.0).to_numpy().copy()
        if isinstance(about.closed_on, dt.date) and about.closed_on <= as_of:
            filled[days >= pd.Timestamp(about.closed_on)] = 0.0
        total[about.customer_id] = total.get(about.customer_id, 0.0) + filled
    return pd.DataFrame(total, index=days) / 100


def test_averages_lows_and_peaks_are_what_a_count_day_by_day_gives(tmp_path: Path) -> None:
    tables, as_of = county.make(51), dt.date(2025, 11, 30)
    tables["accounts"]["opened_on"] = tables["accounts"]["opened_on"].map(lambda on: max(on, county.day(0)))
    got = (
        build(county.write(tmp_path / "c", tables), county.SETTINGS, [as_of], tmp_path / "o")
        .read(as_of)
        .set_index("customer_id")
    )
    assert len(got) > 10
    for name, holds in (("dep", ("deposit",)), ("aum", ("deposit", "wealth"))):
        by_hand = daily(tables, as_of, holds).reindex(columns=got.index, fill_value=0.0)
        for days in (30, 90, 180, 365):
            np.testing.assert_allclose(got[f"{name}_adb_{days}d"], by_hand.tail(days).mean(), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(got[f"{name}_adb_qtd"], by_hand["2025-10-01":].mean(), rtol=1e-12, atol=1e-9)  # type: ignore[misc]
        np.testing.assert_allclose(got[f"{name}_balance"], by_hand.iloc[-1])
        np.testing.assert_allclose(got[f"{name}_lowest_90d"], by_hand.tail(90).min())
    deposits = daily(tables, as_of, ("deposit",)).reindex(columns=got.index, fill_value=0.0)
    np.testing.assert_allclose(got["dep_since_year_start_amt"], deposits.iloc[-1] - deposits.loc["2024-12-31"])
    peak = deposits.tail(180).max()
    np.testing.assert_allclose(got["dep_drawdown_180d"], (1 - deposits.iloc[-1] / peak.where(peak > 0)))
    swing = deposits.tail(180).std(ddof=0) / deposits.tail(180).mean()
    np.testing.assert_allclose(got["dep_volatility_180d"], swing.where(deposits.tail(180).mean() > 0), rtol=1e-9)


def test_parts_add_up_to_the_whole(tmp_path: Path) -> None:
    as_of = dt.date(2026, 3, 31)
    got = build(county.write(tmp_path / "c", county.make(52)), county.SETTINGS, [as_of], tmp_path / "o").read(as_of)
    assert (got["txn_in_amt_365d"] > 0).any()
    np.testing.assert_allclose(got["cur_adb_90d"] + got["time_adb_90d"], got["dep_adb_90d"], rtol=1e-12)
    for days in (7, 30, 90, 180, 365):
        np.testing.assert_allclose(got[f"txn_in_amt_{days}d"] - got[f"txn_out_amt_{days}d"], got[f"txn_net_amt_{days}d"])
    for narrow, wide in ((7, 30), (30, 90), (90, 180), (180, 365)):
        assert (got[f"txn_in_amt_{narrow}d"] <= got[f"txn_in_amt_{wide}d"]).all()
        assert (got[f"txn_out_cnt_{narrow}d"] <= got[f"txn_out_cnt_{wide}d"]).all()
    assert (got["time_maturing_30d_amt"] <= got["time_maturing_60d_amt"]).all()
    assert (got["time_maturing_90d_amt"] <= got["time_open_amt"]).all()
    assert (got["facility_drawn_amt"] + got["facility_unused_amt"] >= got["facility_total_limit_amt"] - 1e-6).all()


def one(
    tmp_path: Path,
    as_of: dt.date,
    *,
    balances: list[tuple[str, dt.date, int]] = (),  # type: ignore[assignment]
    transactions: list[tuple[str, str, dt.date, int, str]] = (),
    opened: dt.date = dt.date(2024, 1, 1),
    # type: ignore[assignment]
    closed: dt.date | None = None,
) -> pd.DataFrame:
    """A bank of two customers; A's account is `1`, B's is `2` and was there from the first day of history."""
    tables: county.Tables = {
        "customers": pd.DataFrame({"customer_id": ["A", "B"], "opened_on": [opened, dt.date(2024, 1, 1)]}),
        "accounts": pd.DataFrame(
            {
                "account_id": ["1", "2"],
                "customer_id": ["A", "B"],
                "holds": "deposit",
                "kind": "current",
                "opened_on": [opened, dt.date(2024, 1, 1)],
                "closed_on": [closed, None],
            }
        ),
        "balances": pd.DataFrame([*balances, ("2", dt.date(2024, 1, 1), 100)], columns=["account_id", "on", "balance"]),
        "transactions": pd.DataFrame(
            [*transactions, ("T9", "2", dt.date(2024, 5, 5), 100, "cash", None)],
            columns=["transaction_id", "account_id", "on", "amount", "category", "reverses_id"],
        ),
    }
    canonical = county.write(tmp_path / "canonical", tables)
    return build(canonical, county.SETTINGS, [as_of], tmp_path / "out").read(as_of).set_index("customer_id")


def test_a_customer_without_any_history_has_zeros_and_no_ratios(tmp_path: Path) -> None:
    row = one(tmp_path, dt.date(2025, 6, 30)).loc["A"]
    assert (row.dep_adb_90d, row.txn_in_amt_90d, row.dep_lowest_90d, row.income_avg_180d_amt) == (0, 0, 0, 0)
    assert np.isnan([row.dep_trend_30d_180d, row.dep_drawdown_180d, row.txn_out_in_share_90d, row.dep_volatility_90d]).all()


def test_one_row_of_today_is_one_day_of_a_window(tmp_path: Path) -> None:
    on = dt.date(2025, 6, 30)
    row = one(tmp_path, on, balances=[("1", on, 30_000)]).loc["A"]
    assert (row.dep_adb_30d, row.dep_balance, row.dep_lowest_30d) == (10.0, 300.0, 0.0)


def test_a_bank_that_sends_every_balance_every_day_has_the_features_of_one_that_sends_changes(tmp_path: Path) -> None:
    on = dt.date(2025, 6, 30)
    told = [("1", dt.date(2025, 4, 2), 30_000), ("1", dt.date(2025, 5, 20), 45_000), ("1", dt.date(2025, 6, 9), 30_000)]
    days = [dt.date(2025, 4, 2) + dt.timedelta(n) for n in range(90)]
    daily_rows = [("1", day, max(row for row in told if row[1] <= day)[2]) for day in days]
    changes, every_day = one(tmp_path / "a", on, balances=told), one(tmp_path / "b", on, balances=daily_rows)
    assert changes.loc["A"].dep_moves_90d_cnt == 3
    pd.testing.assert_frame_equal(every_day, changes, check_exact=True)


def test_an_account_is_empty_from_the_day_it_closes_and_its_owner_leaves_with_the_last_one(tmp_path: Path) -> None:
    balances = [("1", dt.date(2025, 1, 1), 60_000)]
    closed = dt.date(2025, 6, 16)
    open_still = one(tmp_path / "a", dt.date(2025, 6, 15), balances=balances, closed=closed)
    assert open_still.loc["A"].dep_adb_30d == 600.0
    assert "A" not in one(tmp_path / "b", dt.date(2025, 6, 30), balances=balances, closed=closed).index


def test_a_balance_before_the_banks_first_day_is_unknown_not_zero(tmp_path: Path) -> None:
    row = one(tmp_path, dt.date(2024, 6, 30), opened=dt.date(2020, 1, 1), balances=[("1", dt.date(2024, 5, 20), 50_000)]).loc[
        "A"
    ]
    assert row.dep_adb_30d == 500.0
    assert np.isnan([row.dep_adb_90d, row.dep_adb_180d, row.dep_lowest_90d]).all()


def test_a_reversed_payment_did_not_happen(tmp_path: Path) -> None:
    flows = [
        ("T1", "1", dt.date(2025, 6, 1), -50_000, "cash", None),
        ("T2", "1", dt.date(2025, 6, 2), 50_000, "cash", "T1"),
        ("T3", "1", dt.date(2025, 6, 3), -7_000, "cash", None),
        ("T4", "1", dt.date(2025, 6, 4), 2_000, "cash", "T3"),
    ]
    before = one(tmp_path / "a", dt.date(2025, 6, 1), transactions=flows).loc["A"]
    after = one(tmp_path / "b", dt.date(2025, 6, 30), transactions=flows).loc["A"]
    assert (before.txn_out_amt_30d, before.txn_out_cnt_30d) == (500.0, 1)
    assert (after.txn_out_amt_30d, after.txn_out_cnt_30d, after.txn_in_amt_30d) == (50.0, 1, 0.0)
