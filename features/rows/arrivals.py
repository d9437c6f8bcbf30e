"""Money that arrives again and again (salary, pension, subsidy, settlements), and how soon it leaves."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from features.algebra import ALL, Field, Term, Windowed, leaf, over
from features.civil import day_of_month
from features.known import Frame, Known, row_set
from features.rows.transactions import NEEDS
from features.windows import EVER, Window

KINDS = ("payroll", "pension", "subsidy", "grain_sale", "acquiring", "migrant_in")
SINCE = 400  # days looked back for them
_LOANS = {"loans": ("loan_id", "customer_id", "granted_on", "amount")}


def arriving() -> nw.Expr:
    """Rows that are such money."""
    return (nw.col("direction") == 1) & nw.col("category").is_in(list(KINDS))


def leaving() -> nw.Expr:
    """Rows of money that goes out."""
    return nw.col("direction") == -1


@row_set(needs=NEEDS, after=("transactions",))
def arrivals(known: Known) -> Frame:
    """One row per customer, day and kind of arrival: its amount, and what of it went out again within one and two days.

    `seen` is the amount of arrivals whose two days have passed, `left_1d` and `left_2d` what of those had left.
    """
    today = known.clock.day
    rows = known.rows("transactions").filter(nw.col("day") > today - SINCE)
    came = rows.filter(arriving()).group_by("customer_id", "day", "category").agg(nw.col("amount").sum())
    outs = rows.filter(leaving()).join(came.select("customer_id").unique(), on="customer_id", how="semi")
    outs = outs.group_by("customer_id", "day").agg(nw.col("amount").sum().alias("out"))
    for later in range(3):
        then = outs.select("customer_id", (nw.col("day") - later).alias("day"), nw.col("out").alias(f"out_{later}"))
        came = came.join(then, on=["customer_id", "day"], how="left")
    zero = nw.lit(0.0)
    one, two, three = (nw.col(f"out_{later}").fill_null(0.0) for later in range(3))
    seen = nw.when(nw.col("day") <= today - 2)
    following = nw.col("day").shift(-1).over(["customer_id", "category"], order_by="day")
    return came.select(
        "customer_id",
        "day",
        "category",
        "amount",
        seen.then(nw.col("amount")).otherwise(zero).alias("seen"),
        seen.then(nw.min_horizontal(nw.col("amount"), one + two)).otherwise(zero).alias("left_1d"),
        seen.then(nw.min_horizontal(nw.col("amount"), one + two + three)).otherwise(zero).alias("left_2d"),
        following.is_null().cast(nw.Int64).alias("is_last"),
        day_of_month(nw.col("day")).alias("day_of_month"),
    )


@row_set(needs={**NEEDS, **_LOANS}, kept=True)
def lent(known: Known) -> Frame:
    """One row per customer who was lent money in the last 90 days: how much, and the days from `first` to `last` within which
    spending counts as of that money: 30 after the last loan."""
    today = known.clock.day
    rows = (
        known.table("loans")
        .filter(nw.col("granted_on") > today - 90)
        .group_by("customer_id")
        .agg(nw.col("granted_on").max().alias("first"), nw.col("amount").sum().alias("lent"))
    )
    return rows.with_columns(nw.min_horizontal(nw.col("first") + 30, nw.lit(today)).alias("last"))


@row_set(needs={**NEEDS, **_LOANS}, after=("transactions", "lent"))
def spent_since_lent(known: Known) -> Frame:
    """What went out of those customers' accounts within their days; no row where nothing did."""
    outs = known.rows("transactions").filter(leaving()).select("customer_id", "day", "amount")
    joined = known.rows("lent").select("customer_id", "first", "last").join(outs, on="customer_id", how="inner")
    within = joined.filter((nw.col("day") >= nw.col("first")) & (nw.col("day") <= nw.col("last")))
    return within.group_by("customer_id").agg(nw.col("amount").sum().alias("out"))


@row_set(needs={**NEEDS, **_LOANS}, after=("lent", "spent_since_lent"))
def proceeds(known: Known) -> Frame:
    """One row per customer who was lent money in the last 90 days: how much, and what of it went out in the 30 days after."""
    joined = known.rows("lent").join(known.rows("spent_since_lent"), on="customer_id", how="left")
    return joined.with_columns(nw.min_horizontal(nw.col("lent"), nw.col("out").fill_null(0.0)).alias("spent"))


IS_LAST = Field("is_last").equals(1)


class Arrivals:
    """One kind of money that arrives, in minor units."""

    def __init__(self, kind: str = "payroll") -> None:
        self.where = Field("category").equals(kind)

    def amount(self, days: Sequence[int | str | Window]) -> Windowed:
        return over(days, lambda window: leaf("arrivals", "sum", "amount", self.where, window))

    def count(self, days: Sequence[int | str | Window]) -> Windowed:
        """Number of days on which it arrived."""
        return over(days, lambda window: leaf("arrivals", "count", "", self.where, window))

    def largest(self, days: Sequence[int | str | Window]) -> Windowed:
        return over(days, lambda window: leaf("arrivals", "max", "amount", self.where, window))

    def left_share(self, days: int, within: int) -> Term:
        """Share of what arrived that was gone within so many days."""
        of = Window("back", days)
        return leaf("arrivals", "sum", f"left_{within}d", self.where, of) / leaf("arrivals", "sum", "seen", self.where, of)

    def last(self, column: str) -> Term:
        """Amount, day or day of month of the last arrival."""
        return leaf("arrivals", "max", column, self.where & IS_LAST, EVER)


class Salary(Arrivals):
    """Wages paid through the bank."""


class Pension(Arrivals):
    """Pensions paid through the bank."""

    def __init__(self) -> None:
        super().__init__("pension")


class Settlements(Arrivals):
    """What a merchant's payment code takes."""

    def __init__(self) -> None:
        super().__init__("acquiring")


class Proceeds:
    """Loans just paid out, and what was spent of them."""

    def lent(self) -> Term:
        return leaf("proceeds", "sum", "lent", ALL, EVER)

    def spent(self) -> Term:
        return leaf("proceeds", "sum", "spent", ALL, EVER)
