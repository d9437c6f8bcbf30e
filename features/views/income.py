"""Salary, pension, subsidy, grain money and settlements: what arrives again and again, and whether it stays."""

from __future__ import annotations

from features.algebra import of_clock
from features.calendar import Clock
from features.declare import Features, Wording, each, fact, feature, feature_view
from features.rows.arrivals import Pension, Salary, Settlements
from features.rows.balances import CURRENT, Deposits
from features.rows.transactions import CATEGORY, IN, Transactions
from features.views.profile import TODAY
from features.windows import Window, season

GRAIN = "One row per customer per as_of."

SWEPT = Wording(
    "每月{payroll_last_dom:day}前后代发工资约{payroll_last_amt:money}，"
    "近3个月到账两天内转出{payroll_swept_2d_share_90d:tenths}。",
    "Salary of about {payroll_last_amt:money} arrives around the {payroll_last_dom:day}; in the last three months "
    "{payroll_swept_2d_share_90d:percent} left within two days.",
    when="payroll_cnt_90d >= 2 and payroll_swept_2d_share_90d > 0 and payroll_last_days <= 45", internal=True)
PAID = Wording("每月{payroll_last_dom:day}前后代发工资约{payroll_last_amt:money}，近一年到账{payroll_cnt_365d:count}次。",
               "Salary of about {payroll_last_amt:money} arrives around the {payroll_last_dom:day}, "
               "{payroll_cnt_365d:count|time|times} in the past year.", when="payroll_cnt_90d >= 2 and payroll_last_days <= 45")
STOPPED = Wording("上次代发工资到账是{payroll_last_on:date}，至今{payroll_last_days:days}；"
                  "近一年共到账{payroll_cnt_365d:count}次。",
                  "Salary last arrived on {payroll_last_on:date}, {payroll_last_days:days} ago, after "
                  "{payroll_cnt_365d:count|payment|payments} in the past year.",
                  when="payroll_last_days > 45 and payroll_cnt_365d > 0", internal=True)
PENSION = Wording("养老金每月约{pension_last_amt:money}，近一年到账{pension_cnt_365d:count}次。",
                  "Pension of about {pension_last_amt:money} a month, {pension_cnt_365d:count|payment|payments} in the past "
                  "year.",
                  when="pension_cnt_90d >= 2")
KEPT = Wording(
    "收款码近30天收款{acq_settle_30d_amt:money}，结算款次日转出{acq_left_1d_share_30d:tenths}，"
    "账户日均仅留{cur_adb_30d:money}。",
    "The payment code took {acq_settle_30d_amt:money} in 30 days; {acq_left_1d_share_30d:percent} of settlements left next "
    "day, "
    "leaving an average of {cur_adb_30d:money}.",
    when="acq_settle_30d_amt > 0 and acq_left_1d_share_30d >= 0.5 and cur_adb_30d >= 0", internal=True)
TAKES = Wording("收款码近30天收款{acq_settle_30d_amt:money}，活期日均{cur_adb_30d:money}。",
                "The payment code took {acq_settle_30d_amt:money} in 30 days; current accounts averaged {cur_adb_30d:money}.",
                when="acq_settle_30d_amt > 0 and cur_adb_30d > 0")
GRAIN_MONEY = Wording("{harvest_from:month}至{harvest_to:month}粮款入账{grain_in_prev_season_amt:money}。",
                      "Grain income from {harvest_from:month} to {harvest_to:month} was {grain_in_prev_season_amt:money}.",
                      when="grain_in_prev_season_amt > 0")
SUBSIDY = Wording("近一年惠农补贴入账{subsidy_in_365d_amt:money}。",
                  "Farm subsidies of {subsidy_in_365d_amt:money} arrived in the past year.",
                  when="subsidy_in_365d_amt > 0")
MIGRANT = Wording("近一年外出务工汇入{migrant_in_365d_amt:money}。",
                  "Remittances from work away came to {migrant_in_365d_amt:money} in the past year.",
                  when="migrant_in_365d_amt > 0")


@feature_view(entity="customer", owner="retail", grain=GRAIN, sold=("payroll",))
def salary(salary: Salary) -> Features:
    """Wages paid through the bank: how much, when, and how soon they leave."""
    amount, count = salary.amount([90, 180, 365]), salary.count([90, 180, 365])
    since = TODAY - salary.last("day")
    says = (SWEPT, PAID, STOPPED)
    return Features(
        each("payroll_amt_{w}", amount, "money", "{w}代发工资", "Salary {w}", family="payroll",
             says=dict.fromkeys((90, 180, 365), says)),
        each("payroll_cnt_{w}", count, "count", "{w}代发工资次数", "Salary payments {w}", family="payroll",
             says=dict.fromkeys((90, 180, 365), says)),
        feature("payroll_trend_90d_365d", amount[90] * 365 / (amount[365] * 90) - 1, "share", "近90天代发工资比近一年的增减",
                "Salary over 90 days against a year", family="payroll"),
        feature("payroll_last_amt", salary.last("amount"), "money", "最近一次代发工资金额", "Last salary", *says,
                family="payroll"),
        feature("payroll_last_days", since, "days", "最近一次代发工资至今天数", "Days since the last salary", *says,
                family="payroll_stopped"),
        fact("payroll_last_on", salary.last("day"), "date", "最近一次代发工资日期", "Date of the last salary"),
        fact("payroll_last_dom", salary.last("day_of_month"), "count", "代发工资日（每月几号）",
             "Day of the month on which salary arrives"),
        feature("payroll_swept_2d_share_90d", salary.left_share(90, 2), "share", "近90天工资到账两天内转出比例",
                "Share of salary that left within two days, 90 days", SWEPT, family="payroll_swept"),
        feature("payroll_swept_2d_share_365d", salary.left_share(365, 2), "share", "近一年工资到账两天内转出比例",
                "Share of salary that left within two days, a year", SWEPT, family="payroll_swept"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def pension(pension: Pension) -> Features:
    """Pensions paid through the bank."""
    return Features(
        each("pension_amt_{w}", pension.amount([90, 365]), "money", "{w}养老金", "Pension {w}", family="pension",
             says={90: PENSION, 365: PENSION}),
        each("pension_cnt_{w}", pension.count([90, 365]), "count", "{w}养老金到账次数", "Pension payments {w}",
             family="pension",
             says={90: PENSION, 365: PENSION}),
        fact("pension_last_amt", pension.last("amount"), "money", "最近一次养老金金额", "Last pension"),
        feature("pension_last_days", TODAY - pension.last("day"), "days", "最近一次养老金至今天数",
                "Days since the last pension",
                family="pension"),
        feature("pension_swept_2d_share_90d", pension.left_share(90, 2), "share", "近90天养老金到账两天内支取比例",
                "Share of pension drawn within two days, 90 days", family="pension"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN, sold=("acquiring",))
def settlements(code: Settlements, deposits: Deposits) -> Features:
    """What a merchant's payment code takes, and how much of it stays."""
    amount, count = code.amount([30, 90, 365]), code.count([30, 90])
    left = code.left_share(30, 1)
    kept = deposits.within(CURRENT).daily_average([30])[30]
    return Features(
        feature("acq_settle_30d_amt", amount[30], "money", "近30天收款码结算金额", "Settled by the payment code in 30 days",
                KEPT, TAKES,
                family="acquiring"),
        feature("acq_settle_90d_amt", amount[90], "money", "近90天收款码结算金额", "Settled by the payment code in 90 days",
                KEPT, TAKES,
                family="acquiring"),
        feature("acq_settle_days_30d", count[30], "count", "近30天收款码结算天数", "Days with settlements in 30", TAKES,
                family="acquiring"),
        feature("acq_settle_trend_30d_90d", amount[30] * 3 / amount[90] - 1, "share", "近30天收款比近90天的增减",
                "Settlements over 30 days against 90", family="acquiring"),
        feature("acq_retained_share_30d", 1 - left, "share", "近30天结算款留存比例（次日）",
                "Share of settlements still here the next day, 30 days", KEPT, TAKES, family="acquiring_kept"),
        fact("acq_left_1d_share_30d", left, "share", "近30天结算款次日转出比例",
             "Share of settlements gone the next day, 30 days"),
        feature("acq_kept_days", kept * 30 / amount[30], "days", "活期日均相当于几天收款",
                "Current deposits in days of settlements",
                family="acquiring_kept"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def rural_income(transactions: Transactions) -> Features:
    """Grain, subsidies and money sent home; grain by the season just past, not by calendar year."""
    grain, harvest = CATEGORY.equals("grain_sale") & IN, season("harvest")
    this = transactions.amount(grain, [harvest, season("harvest", 1), Window("back", 365)])
    return Features(
        feature("grain_in_prev_season_amt", this[harvest], "money", "最近一个收粮季粮款入账",
                "Grain income of the latest harvest season",
                GRAIN_MONEY, family="grain"),
        feature("grain_in_season_before_amt", this[season("harvest", 1)], "money", "再前一个收粮季粮款入账",
                "Grain income of the harvest season before", family="grain"),
        feature("grain_in_365d_amt", this[365], "money", "近一年粮款入账", "Grain income in a year", GRAIN_MONEY,
                family="grain"),
        fact("harvest_from", of_clock(lambda clock: _edge(clock, 0), "harvest"), "date", "最近收粮季起",
             "First day of the latest harvest season"),
        fact("harvest_to", of_clock(lambda clock: _edge(clock, 1), "harvest"), "date", "最近收粮季止",
             "Last day of the latest harvest season"),
        feature("subsidy_in_365d_amt", transactions.amount(CATEGORY.equals("subsidy") & IN, [365])[365], "money",
                "近一年惠农补贴入账",
                "Farm subsidies in a year", SUBSIDY, family="subsidy"),
        feature("migrant_in_365d_amt", transactions.amount(CATEGORY.equals("migrant_in") & IN, [365])[365], "money",
                "近一年外出务工汇入", "Remittances from work away in a year", MIGRANT, family="migrant"),
        feature("migrant_in_90d_amt", transactions.amount(CATEGORY.equals("migrant_in") & IN, [90])[90], "money",
                "近90天外出务工汇入", "Remittances from work away in 90 days", MIGRANT, family="migrant"),
    )


def _edge(clock: Clock, which: int) -> int | None:
    spell = clock.season("harvest")
    return None if spell is None else min(spell[which], clock.day)


