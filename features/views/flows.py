"""Money in and out."""

from __future__ import annotations

from features.declare import Features, each, feature_view
from features.rows.transactions import IN, OUT, Transactions

WINDOWS: list[int | str] = [7, 30, 90, 180, 365]


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.")
def flows(transactions: Transactions) -> Features:
    """How much comes and goes."""
    return Features(
        each("txn_in_amt_{w}", transactions.amount(IN, [*WINDOWS]), "money", "{w}转入金额", "Money in {w}", family="money_in"),
        each("txn_out_amt_{w}", transactions.amount(OUT, [*WINDOWS]), "money", "{w}转出金额", "Money out {w}", family="money_out"),
        each("txn_in_cnt_{w}", transactions.count(IN, [*WINDOWS]), "count", "{w}转入笔数", "Payments in {w}", family="money_in"),
        each("txn_out_cnt_{w}", transactions.count(OUT, [*WINDOWS]), "count", "{w}转出笔数", "Payments out {w}", family="money_out"),
    )
