"""Movements out of the ordinary: large against what is kept here, or to the customer's accounts at other banks."""

from __future__ import annotations

from features.declare import Features, Wording, each, feature, feature_view
from features.rows.arrivals import Proceeds
from features.rows.balances import Deposits
from features.rows.transactions import ELSEWHERE, IN, OUT, OWN, Transactions
from features.windows import Window

GRAIN = "One row per customer per as_of."

LARGE_OUT = Wording(
    "近30天单笔最大转出{txn_out_largest_30d_amt:money}，"
    "相当于近90天存款日均{dep_adb_90d:money}的{txn_out_largest_30d_share:percent}。",
    "The largest payment out in 30 days was {txn_out_largest_30d_amt:money}, {txn_out_largest_30d_share:percent} of the 90-day "
    "average of {dep_adb_90d:money}.",
    when="dep_adb_90d > 0 and txn_out_largest_30d_share >= 0.2 and txn_out_largest_30d_share <= 20")
LARGE_IN = Wording(
    "近30天单笔最大转入{txn_in_largest_30d_amt:money}，近90天存款日均{dep_adb_90d:money}。",
    "The largest payment in over 30 days was {txn_in_largest_30d_amt:money}, against a 90-day average of {dep_adb_90d:money}.",
    when="dep_adb_90d > 0 and txn_in_largest_30d_amt >= dep_adb_90d")
ELSEWHERE_OUT = Wording(
    "近90天转往他行{txn_out_elsewhere_90d_amt:money}，占转出的{txn_out_elsewhere_90d_share:percent}。",
    "{txn_out_elsewhere_90d_amt:money} went to other banks in 90 days, {txn_out_elsewhere_90d_share:percent} of what went out.",
    when="txn_out_elsewhere_90d_amt > 0", internal=True)
OWN_ELSEWHERE_MORE = Wording(
    "近90天转往本人他行账户{txn_out_own_other_bank_90d_cnt:count}笔共{txn_out_own_other_bank_90d_amt:money}，"
    "此前一年每季平均{txn_out_own_other_bank_quarter_amt:money}。",
    "{txn_out_own_other_bank_90d_cnt:count|transfer|transfers} to own accounts elsewhere in 90 days, "
    "{txn_out_own_other_bank_90d_amt:money} in all; the year before averaged {txn_out_own_other_bank_quarter_amt:money} a "
    "quarter.",
    when="txn_out_own_other_bank_quarter_amt > 0 and txn_out_own_other_bank_90d_amt > txn_out_own_other_bank_quarter_amt",
    internal=True)
OWN_ELSEWHERE_NEW = Wording(
    "近90天转往本人他行账户{txn_out_own_other_bank_90d_cnt:count}笔共{txn_out_own_other_bank_90d_amt:money}，此前一年没有。",
    "{txn_out_own_other_bank_90d_cnt:count|transfer|transfers} to own accounts elsewhere in 90 days, "
    "{txn_out_own_other_bank_90d_amt:money} in all; none in the year before.",
    when="txn_out_own_other_bank_90d_amt > 0 and txn_out_own_other_bank_quarter_amt == 0", internal=True)
OWN_ELSEWHERE_ALONE = Wording(
    "近90天转往本人他行账户{txn_out_own_other_bank_90d_cnt:count}笔共{txn_out_own_other_bank_90d_amt:money}。",
    "{txn_out_own_other_bank_90d_cnt:count|transfer|transfers} to own accounts elsewhere in 90 days, "
    "{txn_out_own_other_bank_90d_amt:money} in all.",
    when="txn_out_own_other_bank_90d_amt > 0", internal=True)
OWN_ELSEWHERE = (OWN_ELSEWHERE_MORE, OWN_ELSEWHERE_NEW, OWN_ELSEWHERE_ALONE)


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def large_movements(transactions: Transactions, deposits: Deposits, proceeds: Proceeds) -> Features:
    """Movements that are large against what the customer keeps here; spending of a loan just paid out is marked."""
    adb = deposits.daily_average([90])[90]
    largest_out, largest_in = transactions.largest(OUT, [30, 90]), transactions.largest(IN, [30, 90])
    return Features(
        feature("txn_out_largest_30d_amt", largest_out[30].fill(0), "money", "近30天单笔最大转出",
                "Largest payment out in 30 days",
                LARGE_OUT, family="large_out"),
        feature("txn_out_largest_30d_share", largest_out[30] / adb, "share", "近30天单笔最大转出占近90天存款日均的比例",
                "Largest payment out in 30 days as a share of 90-day average deposits", LARGE_OUT, family="large_out"),
        feature("txn_in_largest_30d_amt", largest_in[30].fill(0), "money", "近30天单笔最大转入",
                "Largest payment in over 30 days",
                LARGE_IN, family="large_in"),
        feature("txn_in_largest_30d_share", largest_in[30] / adb, "share", "近30天单笔最大转入占近90天存款日均的比例",
                "Largest payment in over 30 days as a share of 90-day average deposits", LARGE_IN, family="large_in"),
        feature("txn_out_largest_90d_amt", largest_out[90].fill(0), "money", "近90天单笔最大转出",
                "Largest payment out in 90 days",
                family="large_out"),
        feature("txn_in_largest_90d_amt", largest_in[90].fill(0), "money", "近90天单笔最大转入",
                "Largest payment in over 90 days",
                family="large_in"),
        feature("loan_proceeds_spent_amt", proceeds.spent().fill(0), "money", "近90天发放贷款中30天内已支出金额",
                "Spent within 30 days of loans paid out in the last 90", family="loan_proceeds"),
        feature("loan_proceeds_spent_share", proceeds.spent() / proceeds.lent(), "share", "近90天发放贷款30天内支出比例",
                "Share of loans paid out in 90 days that was spent within 30 days", family="loan_proceeds"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def flow_elsewhere(transactions: Transactions) -> Features:
    """What goes to other banks, to the customer's own accounts there above all."""
    own, quarter = OUT & ELSEWHERE & OWN, transactions.amount(OUT & ELSEWHERE & OWN, [Window("back", 360, 90)])
    out = transactions.amount(OUT & ELSEWHERE, [30, 90, 365])
    came = transactions.amount(IN & ELSEWHERE, [90])
    return Features(
        each("txn_out_elsewhere_{w}_amt", out, "money", "{w}转往他行金额", "Money to other banks {w}", family="elsewhere",
             says=dict.fromkeys((30, 90, 365), ELSEWHERE_OUT)),
        feature("txn_out_elsewhere_90d_share", out[90] / transactions.amount(OUT, [90])[90], "share",
                "近90天转往他行占转出比例",
                "Share of money out that went to other banks in 90 days", ELSEWHERE_OUT, family="elsewhere"),
        feature("txn_in_elsewhere_90d_amt", came[90], "money", "近90天他行转入金额", "Money from other banks in 90 days",
                family="elsewhere"),
        feature("txn_out_own_other_bank_90d_amt", transactions.amount(own, [90])[90], "money", "近90天转往本人他行账户金额",
                "Transfers to own accounts elsewhere in 90 days", *OWN_ELSEWHERE, family="own_elsewhere"),
        feature("txn_out_own_other_bank_90d_cnt", transactions.count(own, [90])[90], "count", "近90天转往本人他行账户笔数",
                "Number of transfers to own accounts elsewhere in 90 days", *OWN_ELSEWHERE, family="own_elsewhere"),
        feature("txn_out_own_other_bank_quarter_amt", quarter[Window("back", 360, 90)] / 4, "money",
                "此前一年每季平均转往本人他行账户金额",
                "Transfers to own accounts elsewhere a quarter, the year before", family="own_elsewhere"),
        feature("txn_in_own_other_bank_90d_amt", transactions.amount(IN & ELSEWHERE & OWN, [90])[90], "money",
                "近90天本人他行账户转入金额", "Transfers from own accounts elsewhere in 90 days", family="own_elsewhere"),
    )
