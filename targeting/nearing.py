"""The distance to the next tier as a sentence: a fact for a call about money, of those who lack little of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from targeting.saying import Speaker
from targeting.wording import Said, parse_condition, parse_sentence

CODE = "tier_gap_amt"
COLUMNS = ["customer_id", "offer", "zh", "en"]
_KEY = ["customer_id", "offer"]
_ENOUGH = 30  # days of a quarter before its own average is said
_ASSETS = (("aum", "金融资产", "Assets"), ("dep", "存款", "Deposits"))
_UNITS = {"average": "money", "next_adb": "money", CODE: "money", "time_maturing_90d_amt": "money"}
_MATURITY = ["time_maturing_90d_cnt", "time_maturing_90d_amt", "time_next_maturity_on"]
_AHEAD = (  # what matures soon may close the gap; the first that is true is said
    (
        "time_maturing_90d_cnt == 1",
        "；{time_next_maturity_on:month}另有{time_maturing_90d_amt:money}定期到期。",
        "; a term deposit of {time_maturing_90d_amt:money} matures in {time_next_maturity_on:month}.",
    ),
    (
        "time_maturing_90d_cnt > 1",
        "；未来90天另有{time_maturing_90d_cnt:count}笔定期共{time_maturing_90d_amt:money}到期。",
        "; {time_maturing_90d_cnt:count} term deposits, {time_maturing_90d_amt:money} in all, mature in the next 90 days.",
    ),
    ("", "。", "."),
)


def nearing(
    told: pd.DataFrame,
    rows: pd.DataFrame,
    tiers: pd.DataFrame,
    words: Mapping[str, tuple[str, str]],
    *,
    as_of: dt.date,
    currency: str,
    most: float,
) -> pd.DataFrame:
    """One row per row of `told` whose average lacks at most the share `most` of the next tier's threshold: `COLUMNS`.

    `told`: customer_id, offer, reason_codes; `rows`: features and facts, one row per customer; `tiers`: customer_id, next_tier,
    next_adb (currency units); `words`: tier -> its name, zh and en. The average is the quarter's to date, early in a quarter
    that of 90 days. What matures is left out where another reason has said it.
    """
    average = _average(rows, as_of)
    if average is None or most <= 0:
        return pd.DataFrame(columns=COLUMNS)
    column, zh, en = average
    facts = rows.reindex(columns=["customer_id", column, *_MATURITY]).rename(columns={column: "average"})
    own = told.merge(facts, on="customer_id").merge(tiers[["customer_id", "next_tier", "next_adb"]], on="customer_id")
    own = own[own["next_tier"].isin(list(words))]
    own = own.assign(
        **{CODE: own["next_adb"] - own["average"]},
        next_zh=own["next_tier"].map({tier: both[0] for tier, both in words.items()}),
        next_en=own["next_tier"].map({tier: both[1] for tier, both in words.items()}),
        time_maturing_90d_cnt=own["time_maturing_90d_cnt"].where(~own["reason_codes"].str.contains("maturi"), 0),
    )
    own = own[(own[CODE] > 0) & (own[CODE] <= most * own["next_adb"])].sort_values(_KEY, ignore_index=True)
    return _said(own, zh, en, Speaker(as_of, currency, _UNITS))


def _average(rows: pd.DataFrame, as_of: dt.date) -> tuple[str, str, str] | None:
    """The column that is said, and the sentence's beginning in both languages."""
    is_old = (as_of - dt.date(as_of.year, 3 * ((as_of.month - 1) // 3) + 1, 1)).days + 1 >= _ENOUGH
    span, when_zh, when_en = ("qtd", "本季", "this quarter") if is_old else ("90d", "近90天", "over 90 days")
    for measure, zh, en in _ASSETS:
        if f"{measure}_adb_{span}" in rows:
            return f"{measure}_adb_{span}", f"{when_zh}{zh}日均", f"{en} average {{average:money}} {when_en}"
    return None


def _said(own: pd.DataFrame, zh: str, en: str, speaker: Speaker) -> pd.DataFrame:
    said_zh, said_en = np.full(len(own), "", dtype=object), np.full(len(own), "", dtype=object)
    for when, ahead_zh, ahead_en in _AHEAD:
        said = Said(
            parse_condition(when),
            parse_sentence(f"{zh}{{average:money}}，距{{next_zh:text}}标准{{next_adb:money}}差{{{CODE}:money}}{ahead_zh}"),
            parse_sentence(f"{en}, {{{CODE}:money}} short of {{next_en:text}} ({{next_adb:money}}){ahead_en}"),
            internal=False,
        )
        here = np.flatnonzero(speaker.true_and_known(said, own) & (said_zh == ""))
        said_zh[here] = speaker.sentences(said.zh, own.iloc[here], "zh")
        said_en[here] = speaker.sentences(said.en, own.iloc[here], "en")
    found = own[_KEY].assign(zh=said_zh, en=said_en)
    return found[found["zh"] != ""].reset_index(drop=True)
