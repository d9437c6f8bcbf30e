"""Terms of deposits: what matures when, what was broken, and what became of the last that matured."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from features.algebra import ALL, Field, Term, Where, leaf
from features.civil import months_between
from features.known import Frame, Known, first_of, latest_largest, row_set
from features.rows.balances import changes_between, counted_accounts
from features.windows import EVER, Window

STAYS = 3  # days after a maturity within which money that leaves is counted as leaving because of it
_NEEDS = {"terms": ("account_id", "started_on", "matures_on", "amount")}
_ENDED = {"terms": (*_NEEDS["terms"], "ended_on", "end_reason")}
_ACCOUNTS = {"accounts": ("closed_on", "product_id", "holds", "kind", "opened_on"), "products": ("counts_as",)}


@row_set(
    needs=_NEEDS,
    uses={"terms": ("ended_on", "end_reason", "rollover", "rate"), **_ACCOUNTS},
    fields={
        "ended_on": ("terms", "ended_on"),
        "reason": ("terms", "end_reason"),
        "rolls": ("terms", "rollover"),
        "rate": ("terms", "rate"),
    },
    kept=True,
)
def terms(known: Known) -> Frame:
    """One row per term of an account that counts; `is_open` while it has not ended and its account is not closed."""
    closed = counted_accounts(known).select("account_id", "closed_on")
    rows = known.table("terms").select(
        "customer_id",
        "account_id",
        "started_on",
        "matures_on",
        "amount",
        "rate",
        "ended_on",
        nw.col("end_reason").alias("reason"),
        (nw.col("rollover") != "none").cast(nw.Int64).fill_null(0).alias("rolls"),
    )
    rows = rows.join(closed, on="account_id", how="inner")
    return rows.with_columns(
        (nw.col("ended_on").is_null() & nw.col("closed_on").is_null()).cast(nw.Int64).alias("is_open"),
        months_between(nw.col("started_on"), nw.col("matures_on")).alias("term_months"),
        months_between(nw.col("ended_on"), nw.col("matures_on")).alias("months_left"),
    ).drop("closed_on")


@row_set(needs=_NEEDS, fields={"rolls": ("terms", "rollover")}, after=("terms",))
def next_maturity(known: Known) -> Frame:
    """One row per customer with a term maturing in the next 30 days: the largest of them, then the first."""
    today = known.clock.day
    rows = known.rows("terms").filter(
        (nw.col("is_open") == 1) & (nw.col("matures_on") > today) & (nw.col("matures_on") <= today + 30)
    )
    rows = rows.with_columns((nw.lit(0.0) - nw.col("amount")).alias("minus"))
    return first_of(rows, ["minus", "matures_on", "account_id", "started_on"])


@row_set(needs=_ENDED, after=("terms",), kept=True)
def matured(known: Known) -> Frame:
    """One row per customer with a term that matured at least three days ago: the last, and the days from `first` to `last`
    within which money that leaves does so because of it."""
    today = known.clock.day
    rows = known.rows("terms").filter(
        ((nw.col("reason") == "matured") | (nw.col("reason") == "rolled"))
        & (nw.col("ended_on") <= today - STAYS)
        & (nw.col("ended_on") > today - 730)
    )
    last = latest_largest(rows, "ended_on", ["account_id", "started_on"])
    return last.with_columns(nw.col("ended_on").alias("first"), (nw.col("ended_on") + STAYS).alias("last"))


@row_set(needs=_ENDED, after=("matured", "balance_changes"))
def since_matured(known: Known) -> Frame:
    """By how much what those customers hold rose within their days; no row where nothing changed."""
    changes = changes_between(known, known.rows("matured").select("customer_id", "first", "last"))
    return changes.group_by("customer_id").agg(nw.col("change").sum().alias("rose"))


@row_set(needs=_ENDED, after=("matured", "since_matured"))
def last_maturity(known: Known) -> Frame:
    """One row per customer with a term that matured at least three days ago: the last, and what left within three days.

    Left is what all the customer's money here fell by, at most the term's amount: moving it to another account here, or into
    another product, is staying.
    """
    rose = known.rows("since_matured").select("customer_id", "rose")
    joined = (
        known.rows("matured")
        .join(rose, on="customer_id", how="left")
        .with_columns((nw.lit(0.0) - nw.col("rose").fill_null(0.0)).alias("fell"))
    )
    bounded = nw.min_horizontal(nw.max_horizontal(nw.col("fell"), nw.lit(0.0)), nw.col("amount"))
    return joined.with_columns(bounded.alias("left"))


@row_set(needs=_ENDED, after=("terms",))
def last_break(known: Known) -> Frame:
    """One row per customer who broke a term in the last 90 days: the last broken, the largest of that day."""
    rows = known.rows("terms").filter(
        ((nw.col("reason") == "early") | (nw.col("reason") == "early_part")) & (nw.col("ended_on") > known.clock.day - 90)
    )
    return latest_largest(rows, "ended_on", ["account_id", "started_on"])


OPEN = Field("is_open").equals(1)
ROLLS, DOES_NOT_ROLL = Field("rolls").equals(1), Field("rolls").equals(0)
BROKEN = Field("reason").among("early", "early_part")


class Terms:
    """Fixed terms of the customer's deposits and products, in minor units."""

    def count(self, where: Where = ALL, window: Window = EVER, day: str = "started_on") -> Term:
        return leaf("terms", "count", "", where, window, day)

    def amount(self, where: Where = ALL, window: Window = EVER, day: str = "started_on") -> Term:
        return leaf("terms", "sum", "amount", where, window, day)

    def next_day(self, where: Where, window: Window) -> Term:
        """The first day on which a term matures."""
        return leaf("terms", "min", "matures_on", where, window, "matures_on")

    def highest_rate(self, where: Where) -> Term:
        return leaf("terms", "max", "rate", where, day="started_on")

    def of_next(self, column: str) -> Term:
        """A column of the largest term maturing in the next 30 days."""
        return leaf("next_maturity", "max", column, day="matures_on")

    def of_last(self, column: str) -> Term:
        """A column of the term that matured last."""
        return leaf("last_maturity", "max", column, day="ended_on")

    def of_break(self, column: str) -> Term:
        """A column of the term broken last."""
        return leaf("last_break", "max", column, day="ended_on")
