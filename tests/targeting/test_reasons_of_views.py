"""Sentences that the feature views declare, said of customers for whom they are, and are not, true."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from features.catalog import declared
from features.declare import Feature
from features.views import views
from targeting.reasons import NO_SINGLE_REASON, render

AS_OF = dt.date(2026, 9, 30)
SPECS = declared()


def said(driver: str, **figures: float) -> tuple[str, str]:
    """What is said of a customer with these figures when `driver` is what made the score; all else is unknown."""
    known: dict[str, Feature] = {one.name: one for view in views().values() for one in view.features}
    assert set(figures) <= set(known)
    unknown: dict[str, object] = {name: [""] if one.unit == "category" else [np.nan] for name, one in known.items()}
    row = pd.DataFrame({"customer_id": ["c1"], **unknown, **{name: [value] for name, value in figures.items()}})
    told = pd.DataFrame({"customer_id": ["c1"], "offer": "buy", "feature": driver, "value": 1.0, "contribution": 0.4})
    reason = render(told, row, SPECS, as_of=AS_OF).iloc[0]
    return reason.reasons_zh, reason.reasons_en


def deposits(now: float, year: float, **more: float) -> dict[str, float]:
    return {
        "dep_adb_90d": now,
        "dep_adb_365d": year,
        "dep_trend_90d_365d": now / year - 1,
        "dep_rise_90d_365d_amt": now - year,
        "dep_fall_90d_365d_amt": year - now,
        "acct_first_opened_months": 60,
        **more,
    }


def test_an_average_that_rose_is_compared_and_the_three_figures_add_up() -> None:
    zh, en = said("dep_adb_90d", **deposits(54_000, 34_000))
    assert zh == "近90天存款日均5.4万元，比近一年日均3.4万元多2万元。"
    assert en == "Deposits averaged CNY 54,000 over 90 days, 20,000 above the year's average of 34,000."


def test_an_average_that_hardly_moved_is_called_steady_and_not_compared_with_itself() -> None:
    zh, en = said("dep_adb_90d", **deposits(349_200, 349_100))
    assert zh == "近90天存款日均34.9万元，与近一年日均大致持平。"
    assert en == "Deposits averaged CNY 349,000 over 90 days, much as over the year."


def test_steady_money_in_current_accounts_only_is_said_to_be_that() -> None:
    assert said("dep_adb_90d", **deposits(60_000, 60_500, dep_time_share_90d=0))[0] == (
        "近90天存款日均6万元，全部是活期，与近一年日均大致持平。"
    )


def test_a_year_that_is_not_known_is_never_called_steady() -> None:
    figures = {"dep_adb_90d": 60_000.0, "acct_first_opened_months": 60.0}
    assert said("dep_adb_90d", **figures)[0] == NO_SINGLE_REASON[0]


@pytest.mark.parametrize(("invested", "word"), [(0.0, "存款日均"), (0.3, "金融资产日均")])
def test_who_has_deposits_only_is_told_of_deposits_and_who_invests_of_assets(invested: float, word: str) -> None:
    figures = deposits(
        54_000,
        34_000,
        aum_adb_90d=54_000,
        aum_adb_365d=34_000,
        aum_trend_90d_365d=54 / 34 - 1,
        aum_rise_90d_365d_amt=20_000,
        aum_invest_share_90d=invested,
    )
    assert f"近90天{word}5.4万元" in said("aum_adb_180d", **figures)[0]


@pytest.mark.parametrize(
    ("quarter", "ending"),
    [(5_000.0, "共12万元，此前一年每季平均5,000元。"), (0.0, "共12万元，此前一年没有。"), (200_000.0, "共12万元。")],
)
def test_transfers_to_own_accounts_elsewhere_are_set_against_the_year_before_only_where_they_grew(
    quarter: float, ending: str
) -> None:
    zh, _ = said(
        "txn_out_own_other_bank_90d_cnt",
        txn_out_own_other_bank_90d_cnt=4,
        txn_out_own_other_bank_90d_amt=120_000,
        txn_out_own_other_bank_quarter_amt=quarter,
    )
    assert zh == f"近90天转往本人他行账户4笔{ending}"
