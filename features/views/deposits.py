"""Deposits and all financial assets: how much is kept here, and which way it goes."""

from __future__ import annotations

from features.declare import Feature, Features, Wording, each, fact, feature, feature_view
from features.rows.balances import CURRENT, INVESTED, TIME, Balances, Deposits
from features.windows import Window

YEAR = Window("to_date", name="ytd")

FALL = Wording(
    "近30天存款日均{dep_adb_30d:money}，比近半年日均{dep_adb_180d:money}少{dep_fall_30d_180d_amt:money}，"
    "降{dep_fall_30d_180d_share:percent}。",
    "Deposits averaged {dep_adb_30d:money} over 30 days, {dep_fall_30d_180d_amt:money} ({dep_fall_30d_180d_share:percent}) "
    "below the half-year average of {dep_adb_180d:money}.",
    when="dep_fall_30d_180d_share >= 0.05 and dep_fall_30d_180d_amt > 0 and dep_adb_30d >= 0")
RISE = Wording(
    "近30天存款日均{dep_adb_30d:money}，比近半年日均{dep_adb_180d:money}多{dep_rise_30d_180d_amt:money}。",
    "Deposits averaged {dep_adb_30d:money} over 30 days, {dep_rise_30d_180d_amt:money} above the half-year average of "
    "{dep_adb_180d:money}.",
    when="dep_rise_30d_180d_amt > 0 and dep_adb_180d > 0 and dep_fall_30d_180d_share <= -0.05 "
         "and acct_first_opened_months >= 6")
LEVEL_RISE = Wording(
    "近90天存款日均{dep_adb_90d:money}，比近一年日均{dep_adb_365d:money}多{dep_rise_90d_365d_amt:money}。",
    "Deposits averaged {dep_adb_90d:money} over 90 days, {dep_rise_90d_365d_amt:money} above the year's average of "
    "{dep_adb_365d:money}.",
    when="dep_trend_90d_365d >= 0.1 and dep_adb_365d > 0 and acct_first_opened_months >= 12")
LEVEL_FALL = Wording(
    "近90天存款日均{dep_adb_90d:money}，比近一年日均{dep_adb_365d:money}少{dep_fall_90d_365d_amt:money}。",
    "Deposits averaged {dep_adb_90d:money} over 90 days, {dep_fall_90d_365d_amt:money} below the year's average of "
    "{dep_adb_365d:money}.",
    when="dep_trend_90d_365d <= -0.1 and dep_adb_90d > 0 and acct_first_opened_months >= 12")
STEADY = "dep_adb_90d > 0 and dep_trend_90d_365d > -0.1 and dep_trend_90d_365d < 0.1 and acct_first_opened_months >= 12"
LEVEL_IDLE = Wording("近90天存款日均{dep_adb_90d:money}，全部是活期，与近一年日均大致持平。",
                     "Deposits averaged {dep_adb_90d:money} over 90 days, all in current accounts, much as over the year.",
                     when=f"{STEADY} and dep_time_share_90d == 0")
LEVEL = Wording("近90天存款日均{dep_adb_90d:money}，与近一年日均大致持平。",
                "Deposits averaged {dep_adb_90d:money} over 90 days, much as over the year.", when=STEADY)
LEVELS = (LEVEL_RISE, LEVEL_FALL, LEVEL_IDLE, LEVEL)
YEAR_FALL = Wording("存款比年初少{dep_since_year_start_fall_amt:money}，今年以来日均{dep_adb_ytd:money}。",
                    "Deposits are {dep_since_year_start_fall_amt:money} below the start of the year; they averaged "
                    "{dep_adb_ytd:money} this year.",
                    when="dep_since_year_start_fall_amt > 0 and dep_adb_ytd > 0 and dep_since_year_start_share <= -0.05")
YEAR_RISE = Wording("存款比年初多{dep_since_year_start_amt:money}，今年以来日均{dep_adb_ytd:money}。",
                    "Deposits are {dep_since_year_start_amt:money} above the start of the year; they averaged "
                    "{dep_adb_ytd:money} this year.",
                    when="dep_since_year_start_amt > 0 and dep_adb_ytd > 0 and dep_since_year_start_share >= 0.05")
LOW = Wording("近90天存款最低{dep_lowest_90d:money}，日均{dep_adb_90d:money}。",
              "The lowest deposit balance in 90 days was {dep_lowest_90d:money}, against an average of {dep_adb_90d:money}.",
              when="dep_lowest_90d >= 0 and dep_adb_90d > 0 and dep_lowest_share_90d < 0.95")
NOT_BELOW = Wording("近90天存款未低于{dep_lowest_90d:money}。",
                 "Deposits did not fall below {dep_lowest_90d:money} in 90 days.",
                 when="dep_lowest_90d > 0 and dep_lowest_share_90d >= 0.95")
PEAK = Wording("存款半年内最高{dep_highest_180d:money}，现余{dep_balance:money}，已减少{dep_drawdown_180d:percent}。",
               "Deposits peaked at {dep_highest_180d:money} within half a year and now stand at {dep_balance:money}, "
               "{dep_drawdown_180d:percent} less.",
               when="dep_drawdown_180d >= 0.05 and dep_balance >= 0 and dep_highest_180d > dep_balance")
IDLE = Wording("近90天活期日均{cur_adb_90d:money}，没有定期或理财。",
               "Current accounts averaged {cur_adb_90d:money} over 90 days, with no term deposit or investment.",
               when="cur_adb_90d > 0 and dep_time_share_90d == 0 and aum_invest_share_90d == 0")
IDLE_SHARE = Wording("近90天活期日均{cur_adb_90d:money}，定期占存款{dep_time_share_90d:percent}。",
                     "Current accounts averaged {cur_adb_90d:money} over 90 days; time deposits are "
                     "{dep_time_share_90d:percent} "
                     "of deposits.",
                     when="cur_adb_90d > 0 and dep_time_share_90d > 0")
ASSETS_RISE = Wording(
    "近90天金融资产日均{aum_adb_90d:money}，比近一年日均{aum_adb_365d:money}多{aum_rise_90d_365d_amt:money}。",
    "Assets averaged {aum_adb_90d:money} over 90 days, {aum_rise_90d_365d_amt:money} above the year's average of "
    "{aum_adb_365d:money}.",
    when="aum_invest_share_90d > 0 and aum_trend_90d_365d >= 0.1 and aum_adb_365d > 0 and acct_first_opened_months >= 12")
ASSETS_LOWER = Wording(
    "近90天金融资产日均{aum_adb_90d:money}，比近一年日均{aum_adb_365d:money}少{aum_fall_90d_365d_amt:money}。",
    "Assets averaged {aum_adb_90d:money} over 90 days, {aum_fall_90d_365d_amt:money} below the year's average of "
    "{aum_adb_365d:money}.",
    when="aum_invest_share_90d > 0 and aum_trend_90d_365d <= -0.1 and aum_adb_90d > 0 and acct_first_opened_months >= 12")
ASSETS = Wording("近90天金融资产日均{aum_adb_90d:money}，与近一年日均大致持平。",
                 "Assets averaged {aum_adb_90d:money} over 90 days, much as over the year.",
                 when="aum_invest_share_90d > 0 and aum_trend_90d_365d > -0.1 and aum_trend_90d_365d < 0.1 "
                      "and acct_first_opened_months >= 12")
ASSET_LEVELS = (ASSETS_RISE, ASSETS_LOWER, ASSETS, *LEVELS)      # who has deposits only is told of deposits
ASSETS_FALL = Wording(
    "近30天金融资产日均{aum_adb_30d:money}，比近半年日均{aum_adb_180d:money}少{aum_fall_30d_180d_amt:money}。",
    "Assets averaged {aum_adb_30d:money} over 30 days, {aum_fall_30d_180d_amt:money} below the half-year average of "
    "{aum_adb_180d:money}.",
    when="aum_invest_share_90d > 0 and aum_fall_30d_180d_amt > 0 and aum_adb_30d >= 0 and aum_trend_30d_180d <= -0.05")


def _lowest(name: str, deposits: Balances, days: list[int]) -> tuple[Feature, ...]:
    """One lowest balance per window."""
    return tuple(feature(name.format(d), deposits.lowest(d), "money", f"近{d}天存款最低", f"Lowest deposits over {d} days",
                         *([LOW, NOT_BELOW] if d == 90 else []), family="deposit_low") for d in days)


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.")
def deposit_balance(deposits: Deposits) -> Features:
    """How much is kept here, and which way it goes.

    Average daily balance, not the balance of a day: a deposit parked for the grading day moves nothing.
    """
    adb = deposits.daily_average([7, 30, 90, 180, 365, "mtd", "qtd", "ytd"])
    before = deposits.daily_average([Window("back", 90, 90), Window("back", 180, 180), Window("back", 30, 365)])
    since_new_year = deposits.at() - deposits.at(window=YEAR)
    trend = adb[30] / adb[180] - 1
    return Features(
        each("dep_adb_{w}", adb, "money", "{w}存款日均", "Average daily deposits {w}", family="balance_level",
             says={30: (FALL, *LEVELS), 90: LEVELS, 180: LEVELS, 365: LEVELS}),
        fact("dep_balance", deposits.at(), "money", "存款余额", "Deposits at the close of the day"),
        feature("dep_trend_7d_30d", adb[7] / adb[30] - 1, "share", "近7天存款日均比近30天的增减",
                "Average daily deposits over 7 days against 30 days", FALL, RISE, family="balance_trend"),
        feature("dep_trend_30d_90d", adb[30] / adb[90] - 1, "share", "近30天存款日均比近90天的增减",
                "Average daily deposits over 30 days against 90 days", FALL, RISE, family="balance_trend"),
        feature("dep_trend_30d_180d", trend, "share", "近30天存款日均比近半年日均的增减",
                "Average daily deposits over 30 days against half a year", FALL, RISE, family="balance_trend"),
        feature("dep_trend_90d_365d", adb[90] / adb[365] - 1, "share", "近90天存款日均比近一年日均的增减",
                "Average daily deposits over 90 days against a year", FALL, RISE, family="balance_trend"),
        feature("dep_change_90d_amt", adb[90] - before[Window("back", 90, 90)], "money", "近90天存款日均比此前90天的增减额",
                "Average daily deposits over 90 days less those of the 90 days before", FALL, RISE, family="balance_trend"),
        feature("dep_change_180d_amt", adb[180] - before[Window("back", 180, 180)], "money", "近半年存款日均比此前半年的增减额",
                "Average daily deposits over half a year less those of the half-year before", FALL, RISE,
                family="balance_trend"),
        feature("dep_year_before_30d", adb[30] / before[Window("back", 30, 365)] - 1, "share", "近30天存款日均比上年同期的增减",
                "Average daily deposits over 30 days against the same days a year before", family="balance_trend"),
        feature("dep_since_year_start_amt", since_new_year, "money", "存款较年初", "Deposits since the start of the year",
                YEAR_FALL, YEAR_RISE, family="deposit_year"),
        fact("dep_since_year_start_fall_amt", 0 - since_new_year, "money", "存款较年初减少额",
             "Fall of deposits since the start of the year"),
        fact("dep_since_year_start_share", since_new_year / adb["ytd"], "share", "存款较年初增减占今年以来日均的比例",
             "Change of deposits since the start of the year as a share of this year's average"),
        fact("dep_fall_30d_180d_amt", adb[180] - adb[30], "money", "近30天存款日均比近半年减少额",
             "Fall of average deposits, 30 days against half a year"),
        fact("dep_rise_30d_180d_amt", adb[30] - adb[180], "money", "近30天存款日均比近半年增加额",
             "Rise of average deposits, 30 days against half a year"),
        fact("dep_rise_90d_365d_amt", adb[90] - adb[365], "money", "近90天存款日均比近一年增加额",
             "Rise of average deposits, 90 days against a year"),
        fact("dep_fall_90d_365d_amt", adb[365] - adb[90], "money", "近90天存款日均比近一年减少额",
             "Fall of average deposits, 90 days against a year"),
        fact("dep_fall_30d_180d_share", 0 - trend, "share", "近30天存款日均比近半年降幅",
             "Fall of average deposits as a share, 30 days against half a year"),
    )


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.")
def deposit_shape(deposits: Deposits) -> Features:
    """How steady deposits are: lowest and highest, what is left of the peak, how they swing."""
    return Features(
        _lowest("dep_lowest_{}d", deposits, [30, 90, 180, 365]),
        fact("dep_highest_180d", deposits.highest(180), "money", "近180天存款最高", "Highest deposits over 180 days"),
        feature("dep_peak_share_365d", deposits.at() / deposits.highest(365), "share", "存款余额占近一年最高的比例",
                "Deposits now as a share of the year's peak", PEAK, family="deposit_peak"),
        feature("dep_drawdown_90d", deposits.drawdown(90), "share", "存款较近90天最高的减少比例",
                "Share of the 90-day peak that has left", PEAK, family="deposit_peak"),
        feature("dep_drawdown_180d", deposits.drawdown(180), "share", "存款较近半年最高的减少比例",
                "Share of the half-year's peak that has left", PEAK, family="deposit_peak"),
        feature("dep_volatility_90d", deposits.volatility(90), "share", "近90天存款波动（标准差比均值）",
                "Swing of deposits over 90 days, standard deviation over mean", family="deposit_swing"),
        feature("dep_volatility_180d", deposits.volatility(180), "share", "近180天存款波动（标准差比均值）",
                "Swing of deposits over 180 days, standard deviation over mean", family="deposit_swing"),
        feature("dep_moves_90d_cnt", deposits.turnover(90), "count", "近90天余额变动天数",
                "Days in 90 on which balances changed",
                family="deposit_swing"),
        feature("dep_lowest_share_180d", deposits.lowest(180) / deposits.daily_average([180])[180], "share",
                "近半年最低存款占日均的比例", "Lowest deposits of the half-year as a share of their average", LOW, NOT_BELOW,
                family="deposit_low"),
        fact("dep_lowest_share_90d", deposits.lowest(90) / deposits.daily_average([90])[90], "share",
             "近90天最低存款占日均的比例", "Lowest deposits of 90 days as a share of their average"),
    )


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.",
              sold=("time_deposit", "large_cd", "notice_deposit"))
def deposit_mix(deposits: Deposits) -> Features:
    """Current or time: what may move, and what is lying idle."""
    current, time = deposits.within(CURRENT), deposits.within(TIME)
    now, was = current.daily_average([30, 90, 365]), time.daily_average([90, 365])
    all_now = deposits.daily_average([90, 365])
    return Features(
        each("cur_adb_{w}", now, "money", "{w}活期日均", "Average current deposits {w}", family="deposit_idle",
             says={30: IDLE, 90: IDLE, 365: IDLE}),
        each("time_adb_{w}", was, "money", "{w}定期日均", "Average time deposits {w}", family="time_level"),
        feature("dep_time_share_90d", was[90] / all_now[90], "share", "近90天定期占存款比例",
                "Time deposits as a share of deposits over 90 days", IDLE, IDLE_SHARE, family="deposit_idle"),
        feature("dep_time_share_change", was[90] / all_now[90] - was[365] / all_now[365], "share",
                "定期占比近90天比近一年的变化",
                "Change of the share of time deposits, 90 days against a year", family="deposit_idle"),
    )


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.", sold=("wealth", "insurance", "bond"))
def asset_balance(assets: Balances) -> Features:
    """All financial assets here: deposits, wealth, funds, insurance, bonds."""
    adb = assets.daily_average([30, 90, 180, 365, "mtd", "qtd", "ytd"])
    invested = assets.within(INVESTED).daily_average([90])
    return Features(
        each("aum_adb_{w}", adb, "money", "{w}金融资产日均", "Average daily financial assets {w}", family="balance_level",
             says=dict.fromkeys((90, 180, 365, "qtd"), ASSET_LEVELS)),
        feature("aum_trend_30d_180d", adb[30] / adb[180] - 1, "share", "近30天金融资产日均比近半年的增减",
                "Average assets over 30 days against half a year", ASSETS_FALL, FALL, RISE, family="balance_trend"),
        feature("aum_trend_90d_365d", adb[90] / adb[365] - 1, "share", "近90天金融资产日均比近一年的增减",
                "Average assets over 90 days against a year", ASSETS_FALL, FALL, RISE, family="balance_trend"),
        fact("aum_fall_30d_180d_amt", adb[180] - adb[30], "money", "近30天金融资产日均比近半年减少额",
             "Fall of average assets, 30 days against half a year"),
        fact("aum_rise_90d_365d_amt", adb[90] - adb[365], "money", "近90天金融资产日均比近一年增加额",
             "Rise of average assets, 90 days against a year"),
        fact("aum_fall_90d_365d_amt", adb[365] - adb[90], "money", "近90天金融资产日均比近一年减少额",
             "Fall of average assets, 90 days against a year"),
        fact("aum_balance", assets.at(), "money", "金融资产余额", "Assets at the close of the day"),
        feature("aum_since_year_start_amt", assets.at() - assets.at(window=YEAR), "money", "金融资产较年初",
                "Assets since the start of the year", family="balance_trend"),
        feature("aum_lowest_90d", assets.lowest(90), "money", "近90天金融资产最低", "Lowest assets over 90 days",
                family="balance_level"),
        feature("aum_drawdown_180d", assets.drawdown(180), "share", "金融资产较近半年最高的减少比例",
                "Share of the half-year's peak of assets that has left", family="balance_trend"),
        feature("aum_invest_share_90d", invested[90] / adb[90], "share", "近90天理财、基金、保险、国债占金融资产比例",
                "Wealth, funds, insurance and bonds as a share of assets over 90 days", family="asset_mix"),
    )
