"""Customers as they stand: one row each."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from features.algebra import Term, leaf
from features.known import Known, row_set


@row_set(needs={"customers": ("customer_id",)}, uses={},
         fields={"birth_on": ("customers", "birth_on"), "opened_on": ("customers", "opened_on"), "kind": ("customers", "kind")})
def customers(known: Known) -> nw.LazyFrame:
    """One row per customer, with its attributes as known."""
    return known.table("customers").select("customer_id", "birth_on", "opened_on", "kind")


class Customers:
    """The customer's own attributes."""

    def day(self, column: str) -> Term:
        """A date of the customer, as a whole day number."""
        return leaf("customers", "max", column)

    def text(self, column: str) -> Term:
        """A category of the customer."""
        return leaf("customers", "max", column)
