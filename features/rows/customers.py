"""Customers and their accounts as they stand."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from features.algebra import ALL, Field, Term, Where, leaf
from features.known import Frame, Known, row_set
from features.windows import EVER, Window


@row_set(
    needs={"customers": ("customer_id",)},
    fields={"birth_on": ("customers", "birth_on"), "opened_on": ("customers", "opened_on"), "kind": ("customers", "kind")},
)
def customers(known: Known) -> Frame:
    """One row per customer, with its attributes as known."""
    return known.table("customers").select("customer_id", "birth_on", "opened_on", "kind")


@row_set(
    needs={"accounts": ("account_id", "holds", "opened_on")},
    uses={"accounts": ("closed_on",)},
    fields={"kind": ("accounts", "kind"), "closed_on": ("accounts", "closed_on")},
)
def accounts(known: Known) -> Frame:
    """One row per account."""
    return known.table("accounts").select(
        "customer_id",
        "account_id",
        "holds",
        "kind",
        "opened_on",
        "closed_on",
        nw.col("closed_on").is_null().cast(nw.Int64).alias("is_open"),
    )


OPEN = Field("is_open").equals(1)
HOLDS, KIND = Field("holds"), Field("kind")


class Customers:
    """The customer's own attributes."""

    def day(self, column: str) -> Term:
        """A date of the customer, as a whole day number."""
        return leaf("customers", "max", column, day=column)

    def text(self, column: str) -> Term:
        """A category of the customer."""
        return leaf("customers", "max", column, day=column)


class Accounts:
    """The customer's accounts, whatever they hold."""

    def count(self, where: Where = ALL, window: Window = EVER, day: str = "opened_on") -> Term:
        """Accounts that pass, with `day` in the window."""
        return leaf("accounts", "count", "", where, window, day)

    def first_day(self, where: Where = ALL) -> Term:
        return leaf("accounts", "min", "opened_on", where, day="opened_on")

    def last_day(self, where: Where = ALL) -> Term:
        return leaf("accounts", "max", "opened_on", where, day="opened_on")
