"""Balances as changes on days: what an average, a lowest point or a trend is summed from."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from features.algebra import ALL, Field, Term, Where, Windowed, leaf, of_clock, over
from features.known import Known, row_set
from features.windows import Window

HISTORY = 800       # days before the as_of into which all older changes are gathered

_ACCOUNTS = ("account_id", "holds", "opened_on")


def accounts_by_scope(known: Known) -> nw.LazyFrame:
    """One row per account that counts as the customer's money, with what it holds and since when."""
    accounts = known.table("accounts").select("account_id", "customer_id", "product_id", "holds", "kind", "opened_on", "closed_on")
    uncounted = known.table("products").filter(nw.col("counts_as") == "none").select("product_id")
    return accounts.join(uncounted, on="product_id", how="anti").with_columns(
        nw.col("kind").fill_null("current").alias("kind"))


@row_set(needs={"balances": ("account_id", "on", "balance"), "accounts": _ACCOUNTS},
         uses={"accounts": ("kind", "closed_on", "product_id"), "products": ("counts_as",)},
         fields={"kind": ("accounts", "kind")}, cells=("holds", "kind"), sums=("change",), kept=True)
def balance_changes(known: Known) -> nw.LazyFrame:
    """One row per account and day on which its balance changed, by how much; zero from the day it is closed."""
    accounts = accounts_by_scope(known).select("account_id", "customer_id", "holds", "kind", "closed_on")
    rows = known.table("balances").select("account_id", nw.col("on").alias("day"), "balance").join(
        accounts, on="account_id", how="inner")
    rows = rows.filter(nw.col("closed_on").is_null() | (nw.col("day") < nw.col("closed_on")))
    order = ["customer_id", "account_id", "holds", "kind", "day", "balance"]
    closing = accounts.filter(~nw.col("closed_on").is_null()).with_columns(
        nw.col("closed_on").alias("day"), nw.lit(0.0).alias("balance"))
    rows = nw.concat([rows.select(order), closing.select(order)], how="vertical")
    before = nw.col("balance").shift(1).over("account_id", order_by="day").fill_null(0.0)
    return rows.with_columns((nw.col("balance") - before).alias("change")).select(
        "customer_id", "holds", "kind", "day", "change")


DEPOSIT = Field("holds").equals("deposit")
CURRENT = DEPOSIT & Field("kind").equals("current")
TIME = DEPOSIT & Field("kind").equals("time")


class Balances:
    """Everything that holds the customer's money here: deposits, wealth, funds, insurance, bonds."""

    scope: Where = ALL

    def day_sum(self, window: Window) -> Term:
        """Closing balances of every day of the window, added up."""
        return leaf("balance_changes", "day_sum", "change", self.scope, window)

    def daily_average(self, days: list[int | str | Window]) -> Windowed:
        """Average of the daily closing balances over each window, in minor units."""
        def average(window: Window) -> Term:
            length = of_clock(lambda clock: _length(window.bounds(clock)))
            return self.day_sum(window) / length
        return over(days, average)

    def at(self, ago: int = 0) -> Term:
        """Closing balance `ago` days before the as_of."""
        return leaf("balance_changes", "sum", "change", self.scope, Window("ever", ago=ago))


class Deposits(Balances):
    """Deposits, current and time."""

    scope = DEPOSIT


def _length(bounds: tuple[int, int] | None) -> int | None:
    return None if bounds is None else bounds[1] - bounds[0]


