"""Terms: what matures, what rolls, what was broken, and what became of the last maturity."""

from __future__ import annotations

from features.algebra import Term
from features.declare import Features, Wording, fact, feature, feature_view
from features.rows.terms import BROKEN, DOES_NOT_ROLL, OPEN, ROLLS, Terms
from features.views.profile import TODAY
from features.windows import ahead, back

MATURING_AND_LAST = Wording(
    "{next_maturity_on:date}一笔{next_maturity_amt:money}{next_maturity_term_months:term}定期到期，未约定转存；"
    "上次到期的{last_maturity_amt:money}，三天内转走{last_maturity_left_amt:money}。",
    "A {next_maturity_term_months:term} deposit of {next_maturity_amt:money} matures on {next_maturity_on:date} without "
    "rollover; "
    "of the last {last_maturity_amt:money} to mature, {last_maturity_left_amt:money} left within three days.",
    when="next_maturity_rolls == 0 and last_maturity_left_amt > 0")
MATURING_AND_STAYED = Wording(
    "{next_maturity_on:date}一笔{next_maturity_amt:money}{next_maturity_term_months:term}定期到期，未约定转存；"
    "上次到期的{last_maturity_amt:money}三天内没有转走。",
    "A {next_maturity_term_months:term} deposit of {next_maturity_amt:money} matures on {next_maturity_on:date} without "
    "rollover; "
    "the last {last_maturity_amt:money} to mature had not left after three days.",
    when="next_maturity_rolls == 0 and last_maturity_left_amt == 0")
MATURING = Wording(
    "{next_maturity_on:date}一笔{next_maturity_amt:money}{next_maturity_term_months:term}定期到期，未约定转存。",
    "A {next_maturity_term_months:term} deposit of {next_maturity_amt:money} matures on {next_maturity_on:date} without "
    "rollover.",
    when="next_maturity_rolls == 0")
MATURING_ROLLS = Wording(
    "{next_maturity_on:date}一笔{next_maturity_amt:money}{next_maturity_term_months:term}定期到期，已约定转存。",
    "A {next_maturity_term_months:term} deposit of {next_maturity_amt:money} matures on {next_maturity_on:date} and "
    "rolls over.",
    when="next_maturity_rolls == 1")
AHEAD = Wording("未来90天有{time_maturing_90d_cnt:count}笔定期共{time_maturing_90d_amt:money}到期，"
                "最早一笔在{time_next_maturity_on:date}。",
                "{time_maturing_90d_cnt:count|term deposit matures|term deposits mature} in the next 90 days, "
                "{time_maturing_90d_amt:money} in all, the first on {time_next_maturity_on:date}.",
                when="time_maturing_90d_cnt > 0")
LAST = Wording("{last_maturity_on:date}到期的{last_maturity_amt:money}，三天内转走{last_maturity_left_amt:money}。",
               "Of the {last_maturity_amt:money} that matured on {last_maturity_on:date}, {last_maturity_left_amt:money} left "
               "within "
               "three days.",
               when="last_maturity_left_amt > 0")
BROKE = Wording(
    "{last_break_on:date}提前支取{last_break_term_months:term}定期{last_break_amt:money}，"
    "距到期还有{last_break_months_left:months}，"
    "按活期计息。",
    "On {last_break_on:date} {last_break_amt:money} of a {last_break_term_months:term} deposit was broken "
    "{last_break_months_left:months} early, at the demand rate.",
    when="last_break_months_left >= 1")

ALL_MATURING = (MATURING_AND_LAST, MATURING_AND_STAYED, MATURING, MATURING_ROLLS)
TERM_FAMILIES = ("time_deposit", "large_cd", "notice_deposit", "wealth")


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.", sold=TERM_FAMILIES)
def maturities(terms: Terms) -> Features:
    """What matures ahead, with or without rollover."""
    def within(days: int) -> tuple[Term, Term]:
        of = ahead(days)
        return (terms.amount(OPEN, of, "matures_on"), terms.amount(OPEN & DOES_NOT_ROLL, of, "matures_on"))
    (all_30, free_30), (all_60, _), (all_90, free_90) = within(30), within(60), within(90)
    return Features(
        feature("time_maturing_30d_amt", all_30, "money", "未来30天到期金额", "Amount maturing in 30 days", *ALL_MATURING,
                family="maturity"),
        feature("time_maturing_60d_amt", all_60, "money", "未来60天到期金额", "Amount maturing in 60 days", *ALL_MATURING,
                AHEAD,
                family="maturity"),
        feature("time_maturing_90d_amt", all_90, "money", "未来90天到期金额", "Amount maturing in 90 days", *ALL_MATURING,
                AHEAD,
                family="maturity"),
        feature("time_maturing_free_30d_amt", free_30, "money", "未来30天到期未约定转存金额",
                "Amount maturing in 30 days without rollover", *ALL_MATURING, family="maturity"),
        feature("time_maturing_free_90d_amt", free_90, "money", "未来90天到期未约定转存金额",
                "Amount maturing in 90 days without rollover", *ALL_MATURING, AHEAD, family="maturity"),
        feature("time_maturing_90d_cnt", terms.count(OPEN, ahead(90), "matures_on"), "count", "未来90天到期笔数",
                "Terms maturing in 90 days", AHEAD, family="maturity"),
        feature("time_next_maturity_days", terms.next_day(OPEN, ahead(3650)) - TODAY, "days", "距最近一笔到期天数",
                "Days to the next maturity", *ALL_MATURING, AHEAD, family="maturity"),
        fact("time_next_maturity_on", terms.next_day(OPEN, ahead(3650)), "date", "最近一笔到期日", "Date of the next maturity"),
        feature("time_open_cnt", terms.count(OPEN), "count", "在存定期笔数", "Terms running", family="time_level"),
        feature("time_open_amt", terms.amount(OPEN), "money", "在存定期金额", "Amount in running terms", family="time_level"),
        feature("time_rolls_share", terms.amount(OPEN & ROLLS) / terms.amount(OPEN), "share", "在存定期中约定转存的比例",
                "Share of running terms that roll over", family="time_level"),
        feature("time_best_rate", terms.highest_rate(OPEN), "rate", "在存定期最高利率", "Highest rate among running terms",
                family="time_level"),
        feature("time_started_90d_amt", terms.amount(window=back(90)), "money", "近90天新存定期金额",
                "Amount put into terms in 90 days", family="time_level"),
        fact("next_maturity_on", terms.of_next("matures_on"), "date", "30天内最大一笔到期日",
             "Date of the largest maturity in 30 days"),
        fact("next_maturity_amt", terms.of_next("amount"), "money", "30天内最大一笔到期金额",
             "Amount of the largest maturity in 30 days"),
        fact("next_maturity_term_months", terms.of_next("term_months"), "months", "30天内最大一笔到期的期限",
             "Term of the largest maturity in 30 days"),
        fact("next_maturity_rolls", terms.of_next("rolls"), "flag", "30天内最大一笔到期是否约定转存",
             "Whether the largest maturity in 30 days rolls over"),
    )


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.", sold=TERM_FAMILIES)
def maturity_history(terms: Terms) -> Features:
    """What became of the last maturity, and terms broken before their day."""
    left = terms.of_last("left") / terms.of_last("amount")
    return Features(
        feature("last_maturity_left_share", left, "share", "上次到期三天内转走的比例",
                "Share of the last maturity that left within three days", LAST, family="maturity_last"),
        feature("last_maturity_days", TODAY - terms.of_last("ended_on"), "days", "上次到期至今天数",
                "Days since the last maturity",
                LAST, family="maturity_last"),
        fact("last_maturity_on", terms.of_last("ended_on"), "date", "上次到期日", "Date of the last maturity"),
        fact("last_maturity_amt", terms.of_last("amount"), "money", "上次到期金额", "Amount of the last maturity"),
        fact("last_maturity_left_amt", terms.of_last("left"), "money", "上次到期三天内转走金额",
             "Amount of the last maturity that left within three days"),
        feature("time_early_break_7d_amt", terms.amount(BROKEN, back(7), "ended_on"), "money", "近7天提前支取金额",
                "Amount broken early in 7 days", BROKE, family="early_break"),
        feature("time_early_break_90d_amt", terms.amount(BROKEN, back(90), "ended_on"), "money", "近90天提前支取金额",
                "Amount broken early in 90 days", BROKE, family="early_break"),
        feature("time_early_break_365d_cnt", terms.count(BROKEN, back(365), "ended_on"), "count", "近一年提前支取笔数",
                "Terms broken early in a year", BROKE, family="early_break"),
        fact("last_break_on", terms.of_break("ended_on"), "date", "最近一次提前支取日期", "Date of the last early break"),
        fact("last_break_amt", terms.of_break("amount"), "money", "最近一次提前支取金额", "Amount of the last early break"),
        fact("last_break_term_months", terms.of_break("term_months"), "months", "提前支取定期的期限",
             "Term of the deposit broken"),
        fact("last_break_months_left", terms.of_break("months_left"), "months", "提前支取时距到期月数",
             "Months left when broken"),
    )
