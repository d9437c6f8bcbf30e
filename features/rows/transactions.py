"""Transactions, reversals netted with what they reverse."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from features.algebra import Field, Term, Where, Windowed, leaf, over
from features.known import Known, row_set
from features.windows import EVER, Window


@row_set(needs={"transactions": ("account_id", "on", "amount", "category")},
         uses={"transactions": ("transaction_id", "reverses_id", "channel", "counterparty_kind", "counterparty_bank",
                                "initiated_by")},
         fields={"channel": ("transactions", "channel"), "initiated_by": ("transactions", "initiated_by"),
                 "counterparty_kind": ("transactions", "counterparty_kind"),
                 "elsewhere": ("transactions", "counterparty_bank")},
         cells=("direction", "channel", "category"), sums=("amount",), kept=True)
def transactions(known: Known) -> nw.LazyFrame:
    """One row per transaction that stands: amount without sign, direction 1 in and -1 out."""
    rows = known.table("transactions").select(
        "customer_id", "transaction_id", "reverses_id", nw.col("on").alias("day"), "amount", "channel", "category",
        "counterparty_kind", "initiated_by", (~nw.col("counterparty_bank").is_null()).cast(nw.Int64).alias("elsewhere"))
    if known.has("transactions", "reverses_id", "transaction_id"):
        rows = _netted(rows)
    return rows.filter(nw.col("amount") != 0).with_columns(
        nw.when(nw.col("amount") > 0).then(nw.lit(1)).otherwise(nw.lit(-1)).alias("direction"),
        nw.col("amount").abs().alias("amount")).drop("transaction_id", "reverses_id")


def _netted(rows: nw.LazyFrame) -> nw.LazyFrame:
    undone = rows.filter(~nw.col("reverses_id").is_null()).group_by("reverses_id").agg(nw.col("amount").sum().alias("back"))
    undone = undone.with_columns(nw.col("reverses_id").alias("transaction_id")).select("transaction_id", "back")
    rows = rows.filter(nw.col("reverses_id").is_null()).join(undone, on="transaction_id", how="left")
    return rows.with_columns((nw.col("amount") + nw.col("back").fill_null(0.0)).alias("amount")).drop("back")


IN = Field("direction").equals(1)
OUT = Field("direction").equals(-1)
CATEGORY = Field("category")
CHANNEL = Field("channel")
ELSEWHERE = Field("elsewhere").equals(1)
BY_CUSTOMER = Field("initiated_by").equals("customer")


class Transactions:
    """Money in and out of the customer's accounts."""

    def amount(self, where: Where, days: list[int | str | Window]) -> Windowed:
        """Sum of amounts, in minor units."""
        return over(days, lambda window: leaf("transactions", "sum", "amount", where, window))

    def count(self, where: Where, days: list[int | str | Window]) -> Windowed:
        return over(days, lambda window: leaf("transactions", "count", "", where, window))

    def largest(self, where: Where, days: list[int | str | Window]) -> Windowed:
        return over(days, lambda window: leaf("transactions", "max", "amount", where, window))

    def last_day(self, where: Where) -> Term:
        return leaf("transactions", "max", "day", where, EVER)
