"""Money in and out: how much, how often, through what, how regular."""

from __future__ import annotations

from features.algebra import Field, Term, Where
from features.declare import Feature, Features, Wording, each, fact, feature, feature_view
from features.rows.balances import Deposits
from features.rows.transactions import CATEGORY, CHANNEL, IN, OUT, FlowBlocks, Transactions, not_inner
from features.views.profile import TODAY

WINDOWS = (7, 30, 90, 180, 365)
GRAIN = "One row per customer per as_of."

IN_FLOW = Wording("近90天转入{txn_in_amt_90d:money}（{txn_in_cnt_90d:count}笔），转出{txn_out_amt_90d:money}。",
                  "In 90 days {txn_in_amt_90d:money} came in over {txn_in_cnt_90d:count|payment|payments} and "
                  "{txn_out_amt_90d:money} went out.", when="txn_in_amt_90d >= 100")
OUT_FLOW = Wording("近30天转出{txn_out_amt_30d:money}（{txn_out_cnt_30d:count}笔），转入{txn_in_amt_30d:money}。",
                   "In 30 days {txn_out_amt_30d:money} went out over {txn_out_cnt_30d:count|payment|payments} and "
                   "{txn_in_amt_30d:money} came in.", when="txn_out_amt_30d >= 100")
QUIET = Wording("已{txn_last_active_days:days}没有主动交易，最近一次在{txn_last_active_on:date}。",
                "No transaction of the customer's own for {txn_last_active_days:days}; the last was on "
                "{txn_last_active_on:date}.",
                when="txn_last_active_days >= 30")
REGULAR = Wording("近半年每30天都有进账，最少一期{income_lowest_180d_amt:money}，平均{income_avg_180d_amt:money}。",
                  "Money came in during each 30 days of the half-year: {income_lowest_180d_amt:money} at the least, "
                  "{income_avg_180d_amt:money} on average.",
                  when="income_blocks_180d_cnt == 6 and income_lowest_180d_amt > 0")
INCOME = Wording("近半年平均每30天进账{income_avg_180d_amt:money}、支出{spending_avg_180d_amt:money}。",
                 "Over the half-year {income_avg_180d_amt:money} came in and {spending_avg_180d_amt:money} went out per 30 "
                 "days.",
                 when="income_avg_180d_amt > 0 and acct_first_opened_months >= 6")
SPENDING = Wording("近90天生活缴费{txn_utility_90d_cnt:count}笔，共{txn_utility_90d_amt:money}。",
                   "Household bills in 90 days: {txn_utility_90d_cnt:count|payment|payments}, {txn_utility_90d_amt:money} in "
                   "all.",
                   when="txn_utility_90d_cnt > 0")
CASH = Wording("近90天到柜面取现{txn_counter_cash_out_90d_cnt:count}次，共{txn_counter_cash_out_90d_amt:money}。",
               "{txn_counter_cash_out_90d_cnt:count|counter withdrawal|counter withdrawals} in 90 days, "
               "{txn_counter_cash_out_90d_amt:money} in all.", when="txn_counter_cash_out_90d_cnt > 0")


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def flows(transactions: Transactions) -> Features:
    """How much comes and goes, and how long ago."""
    came, went = transactions.amount(IN, WINDOWS), transactions.amount(OUT, WINDOWS)
    last_day = transactions.last_active_day()
    return Features(
        each("txn_in_amt_{w}", came, "money", "{w}转入金额", "Money in {w}", family="money_in",
             says=dict.fromkeys(WINDOWS, IN_FLOW)),
        each("txn_out_amt_{w}", went, "money", "{w}转出金额", "Money out {w}", family="money_out",
             says=dict.fromkeys(WINDOWS, OUT_FLOW)),
        each("txn_in_cnt_{w}", transactions.count(IN, WINDOWS), "count", "{w}转入笔数", "Payments in {w}", family="money_in",
             says=dict.fromkeys(WINDOWS, IN_FLOW)),
        each("txn_out_cnt_{w}", transactions.count(OUT, WINDOWS), "count", "{w}转出笔数", "Payments out {w}",
             family="money_out",
             says=dict.fromkeys(WINDOWS, OUT_FLOW)),
        each("txn_net_amt_{w}", came - went, "money", "{w}净流入", "Net money in {w}", family="money_net"),
        feature("txn_in_trend_90d_365d", came[90] * 365 / (came[365] * 90) - 1, "share", "近90天转入比近一年日均的增减",
                "Money in a day over 90 days against a year", family="money_in"),
        feature("txn_out_trend_90d_365d", went[90] * 365 / (went[365] * 90) - 1, "share", "近90天转出比近一年日均的增减",
                "Money out a day over 90 days against a year", family="money_out"),
        feature("txn_out_in_share_90d", went[90] / came[90], "share", "近90天转出占转入的比例",
                "Money out as a share of money in, 90 days",
                family="money_net"),
        feature("txn_in_avg_90d_amt", came[90] / transactions.count(IN, [90])[90], "money", "近90天平均每笔转入",
                "Average payment in, 90 days", family="money_in"),
        feature("txn_out_avg_90d_amt", went[90] / transactions.count(OUT, [90])[90], "money", "近90天平均每笔转出",
                "Average payment out, 90 days", family="money_out"),
        feature("txn_last_active_days", TODAY - last_day, "days", "最近一次主动交易至今天数",
                "Days since the last own transaction", QUIET,
                family="activity"),
        fact("txn_last_active_on", last_day, "date", "最近一次主动交易日期", "Date of the last own transaction"),
        feature("txn_active_days_30d", transactions.active_days(30), "count", "近30天主动交易天数", "Active days in 30",
                family="activity"),
        feature("txn_active_days_90d", transactions.active_days(90), "count", "近90天主动交易天数", "Active days in 90", QUIET,
                family="activity"),
        feature("txn_longest_gap_180d_days", transactions.longest_gap(180), "days", "近180天两次主动交易最长间隔",
                "Longest gap between active days in 180", family="activity"),
    )


def _amount_and_count(transactions: Transactions, name: str, zh: str, en: str, where: Where, *says: Wording,
                      days: tuple[int, ...] = (90, 365)) -> tuple[Feature, ...]:
    """Amount and number of one kind of transaction."""
    says_each = dict.fromkeys(days, says)
    return (*each(f"txn_{name}_{{w}}_amt", transactions.amount(where, days), "money", f"{{w}}{zh}金额", f"{en}, amount {{w}}",
                  family=f"flow_{name}", says=says_each),
            *each(f"txn_{name}_{{w}}_cnt", transactions.count(where, days), "count", f"{{w}}{zh}笔数", f"{en}, number {{w}}",
                  family=f"flow_{name}", says=says_each))


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def flow_categories(transactions: Transactions) -> Features:
    """What money comes in for and goes out for."""
    of = CATEGORY.equals
    return Features(
        _amount_and_count(transactions, "cash_in", "现金存入", "Cash paid in", of("cash") & IN),
        _amount_and_count(transactions, "cash_out", "取现", "Cash withdrawn", of("cash") & OUT),
        _amount_and_count(transactions, "transfer_in", "他人转入", "Transfers in", of("other_transfer") & IN),
        _amount_and_count(transactions, "transfer_out", "转给他人", "Transfers out", of("other_transfer") & OUT),
        _amount_and_count(transactions, "utility", "生活缴费", "Household bills", of("utility") & OUT, SPENDING),
        _amount_and_count(transactions, "premium", "保险缴费", "Insurance premiums", of("premium") & OUT, days=(365,)),
        _amount_and_count(transactions, "loan_repay", "还贷", "Loan repayments", of("loan_repay") & OUT),
        _amount_and_count(transactions, "platform", "快捷支付", "Payments by wallet", of("platform_pay") & OUT, days=(30, 90)),
        _amount_and_count(transactions, "tuition", "学费", "Tuition", of("tuition") & OUT, days=(365,)),
        _amount_and_count(transactions, "medical", "医疗支出", "Medical bills", of("medical") & OUT, days=(365,)),
        _amount_and_count(transactions, "tax", "缴税", "Taxes", of("tax") & OUT, days=(365,)),
        _amount_and_count(transactions, "invest_out", "购买投资产品", "Investments bought", of("invest") & OUT, days=(365,)),
        _amount_and_count(transactions, "land_in", "征地补偿入账", "Land compensation", of("land_compensation") & IN,
                          days=(180,)),
        feature("txn_interest_in_365d_amt", transactions.amount(of("interest") & IN, [365])[365], "money", "近一年利息收入",
                "Interest received in a year", family="balance_level"),
        feature("txn_interest_out_365d_amt", transactions.amount(of("interest") & OUT, [365])[365], "money", "近一年透支或罚息",
                "Overdraft and penalty interest in a year", family="fees"),
        feature("txn_fee_90d_amt", transactions.amount(of("fee") & OUT, [90])[90], "money", "近90天手续费", "Fees in 90 days",
                family="fees"),
        feature("txn_cash_out_share_180d",
                transactions.amount(of("cash") & OUT, [180])[180] / transactions.amount(OUT, [180])[180],
                "share", "近半年取现占转出的比例", "Cash as a share of money out, half a year", family="flow_cash_out"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def flow_channels(transactions: Transactions) -> Features:
    """Through what the customer deals with the bank."""
    count = transactions.count
    digital = count(CHANNEL.among("mobile", "wechat", "online"), [90])[90]
    return Features(
        _amount_and_count(transactions, "counter_cash_out", "柜面取现", "Counter withdrawals",
                          CATEGORY.equals("cash") & OUT & CHANNEL.equals("counter"), CASH, days=(30, 90)),
        feature("txn_counter_90d_cnt", count(CHANNEL.equals("counter"), [90])[90], "count", "近90天柜面交易笔数",
                "Counter transactions in 90 days", CASH, family="channel"),
        feature("txn_atm_90d_cnt", count(CHANNEL.equals("atm"), [90])[90], "count", "近90天自助设备交易笔数",
                "Machine transactions in 90 days", family="channel"),
        feature("txn_digital_90d_cnt", digital, "count", "近90天线上交易笔数", "Mobile and online transactions in 90 days",
                family="channel"),
        feature("txn_digital_share_90d", digital / count(CHANNEL.differs("system"), [90])[90], "share", "近90天线上交易占比",
                "Share of mobile and online transactions in 90 days", family="channel"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def flow_regularity(blocks: FlowBlocks, deposits: Deposits, transactions: Transactions) -> Features:
    """How regular income and spending are, per 30 days back from the date, without own transfers, investments and loans."""
    def average(value: str) -> Term:
        return blocks.total(value, 6) / 6
    income, spending = average("income"), average("spending")
    lowest = blocks.lowest("income", 6)
    adb = deposits.daily_average([90])[90]
    return Features(
        feature("income_avg_180d_amt", income, "money", "近半年平均每30天进账", "Money earned per 30 days, half a year",
                INCOME, REGULAR,
                family="income"),
        feature("income_lowest_180d_amt", lowest, "money", "近半年进账最少的30天",
                "Least money earned in any 30 days of the half-year",
                REGULAR, INCOME, family="income"),
        feature("income_lowest_share_180d", lowest / income, "share", "近半年最少一期进账占平均的比例",
                "Least 30 days of income as a share of the average", REGULAR, family="income_regular"),
        feature("income_highest_share_180d", blocks.highest("income", 6) / income, "share", "近半年最多一期进账占平均的比例",
                "Best 30 days of income as a share of the average", family="income_regular"),
        feature("income_blocks_180d_cnt", blocks.count(Field("income") > 0, 6), "count", "近半年有进账的期数（每30天一期）",
                "30-day periods with income in the half-year", REGULAR, family="income_regular"),
        feature("income_blocks_360d_cnt", blocks.count(Field("income") > 0, 12), "count", "近一年有进账的期数（每30天一期）",
                "30-day periods with income in the year", REGULAR, family="income_regular"),
        feature("spending_avg_180d_amt", spending, "money", "近半年平均每30天支出", "Money spent per 30 days, half a year",
                INCOME,
                family="spending"),
        feature("spending_lowest_180d_amt", blocks.lowest("spending", 6), "money", "近半年支出最少的30天",
                "Least money spent in any 30 days of the half-year", family="spending"),
        feature("saving_share_180d", (income - spending) / income, "share", "近半年结余占进账比例",
                "Share of income kept over the half-year", family="saving"),
        feature("saving_lowest_180d_amt", blocks.lowest("saving", 6), "money", "近半年结余最少的30天",
                "Least saving of any 30 days of the half-year", family="saving"),
        feature("income_months_of_balance", adb / income, "months", "近90天存款日均相当于几期进账",
                "Average deposits in multiples of 30 days' income", family="saving"),
        feature("income_trend_30d_180d", blocks.total("income", 1) / income - 1, "share", "近30天进账比近半年平均的增减",
                "Income of 30 days against the half-year's average", family="income"),
        feature("txn_outer_in_largest_180d_amt", transactions.largest(IN & not_inner(), [180])[180].fill(0), "money",
                "近半年单笔最大进账", "Largest income payment of the half-year", family="large_in"),
    )
