"""What the customer has, does and was told: contracts without a balance, visits, contacts, links."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from features.algebra import ALL, Field, Term, Where, Windowed, leaf, over
from features.known import Frame, Known, row_set
from features.windows import EVER, Window


@row_set(
    needs={"holdings": ("customer_id", "product_id", "started_on"), "products": ("product_id", "family")},
    uses={"holdings": ("ended_on", "activated_on")},
    fields={"activated_on": ("holdings", "activated_on")},
)
def holdings(known: Known) -> Frame:
    """One row per contract in force, with its product's family."""
    families = known.table("products").select("product_id", "family")
    return (
        known.table("holdings")
        .filter(nw.col("ended_on").is_null())
        .select("customer_id", "product_id", "started_on", "activated_on")
        .join(families, on="product_id", how="inner")
    )


@row_set(needs={"activity": ("customer_id", "on", "channel", "count")}, cells=("channel",))
def activity(known: Known) -> Frame:
    """One row per customer, day and channel with visits."""
    return known.table("activity").select("customer_id", nw.col("on").alias("day"), "channel", "count")


@row_set(
    needs={"contacts": ("contact_id", "customer_id", "on")},
    uses={"contacts": ("outcome", "channel")},
    fields={"outcome": ("contacts", "outcome")},
)
def contacts(known: Known) -> Frame:
    """One row per contact that took place; the last one marked."""
    rows = known.table("contacts").select("customer_id", "contact_id", nw.col("on").alias("day"), "outcome")
    following = nw.col("day").shift(-1).over("customer_id", order_by=["day", "contact_id"])
    return rows.with_columns(following.is_null().cast(nw.Int64).alias("is_last"))


@row_set(needs={"links": ("customer_id", "related_id", "kind", "started_on")}, uses={"links": ("ended_on",)})
def links(known: Known) -> Frame:
    """One row per link in force."""
    return known.table("links").filter(nw.col("ended_on").is_null()).select("customer_id", "related_id", "kind", "started_on")


class Holdings:
    """Contracts without a balance: mobile bank, card, payment code, ETC."""

    def count(self, where: Where = ALL) -> Term:
        return leaf("holdings", "count", "", where, EVER, "started_on")

    def first_day(self, where: Where, column: str = "started_on") -> Term:
        return leaf("holdings", "min", column, where, EVER, column)


class Activity:
    """Visits without money."""

    def count(self, where: Where, days: Sequence[int | str | Window]) -> Windowed:
        """Number of visits."""
        return over(days, lambda window: leaf("activity", "sum", "count", where, window))

    def last_day(self, where: Where) -> Term:
        return leaf("activity", "max", "day", where, Window("back", 800))


class Contacts:
    """Contacts with the customer, and how they ended."""

    def count(self, where: Where, days: Sequence[int | str | Window]) -> Windowed:
        return over(days, lambda window: leaf("contacts", "count", "", where, window))

    def last_day(self, where: Where = ALL) -> Term:
        return leaf("contacts", "max", "day", where)

    def last_outcome(self) -> Term:
        return leaf("contacts", "max", "outcome", Field("is_last").equals(1))


class Links:
    """Whom the customer is tied to."""

    def count(self, kind: str) -> Term:
        return leaf("links", "count", "", Field("kind").equals(kind), EVER, "started_on")


FAMILY, CHANNEL, OUTCOME = Field("family"), Field("channel"), Field("outcome")
