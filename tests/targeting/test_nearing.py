"""What little is missing to the next tier: said where the call is about money, and only where it is little."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow.parquet as pq
import pytest

from targeting.nearing import nearing
from targeting.night import make_list

AS_OF = dt.date(2026, 9, 30)
WORDS = {"platinum": ("白金", "Platinum")}


def said(as_of: dt.date = AS_OF, most: float = 0.1, next_tier: str | None = "platinum", codes: str = "", **facts: object):
    told = pd.DataFrame({"customer_id": ["C1"], "offer": ["keep"], "reason_codes": [codes]})
    rows = pd.DataFrame({"customer_id": ["C1"]} | {name: [value] for name, value in facts.items()})
    tiers = pd.DataFrame({"customer_id": ["C1"], "next_tier": [next_tier], "next_adb": [200_000.0]})
    return nearing(told, rows, tiers, WORDS, as_of=as_of, currency="CNY", most=most)[["zh", "en"]].to_numpy().tolist()


def test_the_distance_is_said_with_what_matures_soon():
    one = {"time_maturing_90d_cnt": 1.0, "time_maturing_90d_amt": 50_000.0, "time_next_maturity_on": dt.date(2026, 11, 3)}
    assert said(aum_adb_qtd=186_000.0, **one) == [
        [
            "本季金融资产日均18.6万元，距白金标准20万元差1.4万元；11月另有5万元定期到期。",
            "Assets average CNY 186,000 this quarter, 14,000 short of Platinum (200,000); "
            "a term deposit of 50,000 matures in November.",
        ]
    ]


def test_several_that_mature_are_counted():
    two = {"time_maturing_90d_cnt": 2.0, "time_maturing_90d_amt": 70_000.0, "time_next_maturity_on": dt.date(2026, 11, 3)}
    assert said(aum_adb_qtd=186_000.0, **two)[0][0].endswith("；未来90天另有2笔定期共7万元到期。")


@pytest.mark.parametrize("maturing", [{}, {"time_maturing_90d_cnt": 0.0, "time_maturing_90d_amt": 0.0}])
def test_nothing_that_matures_ends_the_sentence_at_the_distance(maturing):
    assert said(aum_adb_qtd=186_000.0, **maturing) == [
        [
            "本季金融资产日均18.6万元，距白金标准20万元差1.4万元。",
            "Assets average CNY 186,000 this quarter, 14,000 short of Platinum (200,000).",
        ]
    ]


def test_a_maturity_that_another_reason_tells_is_not_told_again():
    one = {"time_maturing_90d_cnt": 1.0, "time_maturing_90d_amt": 50_000.0, "time_next_maturity_on": dt.date(2026, 11, 3)}
    assert said(aum_adb_qtd=186_000.0, codes="time_maturing_30d_amt", **one)[0][0].endswith("差1.4万元。")


@pytest.mark.parametrize("average", [179_000.0, 200_000.0, 210_000.0])
def test_those_far_from_it_or_above_it_hear_nothing(average):
    assert said(aum_adb_qtd=average) == []


def test_those_at_the_top_or_capped_hear_nothing():
    assert said(aum_adb_qtd=186_000.0, next_tier=None) == []


def test_a_bank_may_leave_it_out():
    assert said(aum_adb_qtd=186_000.0, most=0.0) == []


def test_early_in_a_quarter_ninety_days_speak_not_the_balance_of_a_few():
    (zh, en), *_ = said(dt.date(2026, 10, 3), aum_adb_qtd=10.0, aum_adb_90d=186_000.0)
    assert zh.startswith("近90天金融资产日均18.6万元，")
    assert en.startswith("Assets average CNY 186,000 over 90 days, ")


def test_a_bank_that_sells_deposits_only_speaks_of_deposits():
    assert said(dep_adb_qtd=186_000.0)[0][0].startswith("本季存款日均18.6万元，")


@pytest.mark.parametrize(("offer", "heard"), [("churn_aum", True), ("buy_farmer_credit", False)])
def test_a_call_about_money_says_it_and_a_call_about_a_loan_does_not(bank, settings, tmp_path, offer, heard):
    bank.customer("C1", average=190_000, manager_id="M1", group="farmer").score("C1", offer, 0.9)
    make_list(bank.inputs(tmp_path, settings()), tmp_path / "staging")
    row = pq.read_table(tmp_path / "staging" / "entries.parquet").to_pandas().iloc[0]
    assert ("距白金标准20万元差1万元。" in row["reasons_zh"], "tier_gap_amt" in row["reason_codes"]) == (heard, heard)
    assert not row["has_internal"]
