"""Deposits and all financial assets: how much is kept here, and which way it goes."""

from __future__ import annotations

from features.declare import Features, each, feature, feature_view
from features.rows.balances import Balances, Deposits


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.")
def deposit_balance(deposits: Deposits) -> Features:
    """How much is kept here, and which way it goes.

    Average daily balance, not the balance of a day: a deposit parked for the grading day moves nothing.
    """
    adb = deposits.daily_average([7, 30, 90, 180, 365, "mtd", "qtd", "ytd"])
    return Features(
        each("dep_adb_{w}", adb, "money", "{w}存款日均", "Average daily deposits {w}", family="deposit_level"),
        feature("dep_trend_30d_180d", adb[30] / adb[180] - 1, "share", "近30天存款日均比近半年日均的增减",
                "Average daily deposits over 30 days against 180 days", family="deposit_trend"),
    )


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.")
def asset_balance(assets: Balances) -> Features:
    """All financial assets here: deposits, wealth, funds, insurance, bonds."""
    adb = assets.daily_average([30, 90, 180, 365, "qtd"])
    return Features(
        each("aum_adb_{w}", adb, "money", "{w}金融资产日均", "Average daily financial assets {w}", family="asset_level"),
    )
