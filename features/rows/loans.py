"""Loans and credit lines as they stand, and as they stood."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from features.algebra import ALL, Field, Term, Where, leaf
from features.civil import months_between
from features.known import Frame, Known, first_of, latest_largest, row_set
from features.windows import EVER, Window

_NEEDS = {"loans": ("loan_id", "customer_id", "granted_on", "amount")}
_STATUS = {"loan_status": ("loan_id", "on", "outstanding")}


@row_set(
    needs=_NEEDS,
    uses={
        "loans": ("closed_on", "matures_on", "instalment", "rate", "product_id", "facility_id"),
        "loan_status": ("on", "outstanding", "overdue_days", "overdue_amount"),
        "products": ("family", "name", "name_en"),
    },
    fields={
        "outstanding": ("loan_status", "outstanding"),
        "overdue_days": ("loan_status", "overdue_days"),
        "overdue_amount": ("loan_status", "overdue_amount"),
        "matures_on": ("loans", "matures_on"),
        "closed_on": ("loans", "closed_on"),
        "instalment": ("loans", "instalment"),
        "rate": ("loans", "rate"),
        "family": ("products", "family"),
        "worst_days": ("loan_status", "overdue_days"),
    },
    kept=True,
)
def loans(known: Known) -> Frame:
    """One row per loan with its last state. Open: not closed, and something outstanding, or (no states) not yet due."""
    today = known.clock.day
    states = known.table("loan_status").select(
        "loan_id", nw.col("on").alias("day"), "outstanding", "overdue_days", "overdue_amount"
    )
    worst = states.group_by("loan_id").agg(nw.col("overdue_days").max().alias("worst_days"))
    states = (
        states.with_columns(nw.col("day").shift(-1).over("loan_id", order_by="day").alias("next"))
        .filter(nw.col("next").is_null())
        .drop("day", "next")
    )
    families = known.table("products").select(
        "product_id", "family", nw.col("name").alias("product_name"), nw.col("name_en").alias("product_name_en")
    )
    rows = known.table("loans").select(
        "customer_id",
        "loan_id",
        "granted_on",
        "amount",
        "rate",
        "matures_on",
        "closed_on",
        "instalment",
        "product_id",
        "facility_id",
    )
    rows = (
        rows.join(states, on="loan_id", how="left")
        .join(worst, on="loan_id", how="left")
        .join(families, on="product_id", how="left")
    )
    due_later = nw.col("matures_on").fill_null(today + 1) > today
    owing = nw.when(nw.col("outstanding").is_null()).then(due_later).otherwise(nw.col("outstanding") > nw.lit(0.0))
    rows = rows.with_columns((nw.col("closed_on").is_null() & owing).cast(nw.Int64).alias("is_open"))
    rows = rows.with_columns(nw.col("outstanding").fill_null(nw.col("amount")).alias("outstanding"))
    return rows.with_columns(
        (nw.lit(0.0) - nw.col("granted_on")).alias("minus_granted_on"),
        months_between(nw.col("granted_on"), nw.col("matures_on")).alias("term_months"),
    )


@row_set(needs={**_NEEDS, **_STATUS, "loan_status": ("loan_id", "on", "outstanding", "overdue_days")})
def loan_states(known: Known) -> Frame:
    """One row per loan and spell of unchanging state: overdue days from `day` until the day before `until`."""
    return known.table("loan_status").select(
        "customer_id",
        "overdue_days",
        nw.col("on").alias("day"),
        nw.col("on").shift(-1).over("loan_id", order_by="on").fill_null(known.clock.day + 1).alias("until"),
    )


@row_set(
    needs={"loans": (*_NEEDS["loans"], "matures_on")},
    fields={
        "outstanding": ("loan_status", "outstanding"),
        "product_name": ("products", "name"),
        "product_name_en": ("products", "name_en"),
    },
    after=("loans",),
)
def loan_due_next(known: Known) -> Frame:
    """One row per customer with an open loan: the one due first, the largest of that day."""
    rows = known.rows("loans").filter((nw.col("is_open") == 1) & ~nw.col("matures_on").is_null())
    rows = rows.with_columns((nw.lit(0.0) - nw.col("outstanding")).alias("minus"))
    return first_of(rows, ["matures_on", "minus", "loan_id"])


@row_set(
    needs={"loans": (*_NEEDS["loans"], "closed_on")},
    fields={
        "worst_days": ("loan_status", "overdue_days"),
        "product_name": ("products", "name"),
        "product_name_en": ("products", "name_en"),
        "term_months": ("loans", "matures_on"),
    },
    after=("loans",),
)
def loan_closed_last(known: Known) -> Frame:
    """One row per customer who repaid a loan in the last 180 days: the last repaid."""
    rows = known.rows("loans").filter(nw.col("closed_on") > known.clock.day - 180)
    return latest_largest(rows, "closed_on", ["loan_id"])


@row_set(
    needs={"facilities": ("facility_id", "customer_id", "limit", "granted_on")},
    uses={"facilities": ("expires_on", "source")},
    fields={"source": ("facilities", "source")},
    after=("loans",),
    kept=True,
)
def facilities(known: Known) -> Frame:
    """One row per credit line in force: its limit, what its holder has drawn, what is not drawn."""
    today = known.clock.day
    drawn = (
        known.rows("loans")
        .filter(~nw.col("facility_id").is_null())
        .with_columns(nw.when(nw.col("is_open") == 1).then(nw.col("outstanding")).otherwise(nw.lit(0.0)).alias("owing"))
        .group_by("customer_id", "facility_id")
        .agg(nw.col("owing").sum().alias("drawn"), nw.len().alias("draws"))
    )
    rows = (
        known.table("facilities")
        .filter(nw.col("expires_on").fill_null(today + 1) > today)
        .join(drawn, on=["customer_id", "facility_id"], how="left")
    )
    rows = rows.with_columns(
        nw.col("drawn").fill_null(0.0).alias("drawn"),
        (nw.col("source") == "village").cast(nw.Int64).fill_null(0).alias("is_village"),
        nw.col("draws").is_null().cast(nw.Int64).alias("is_untouched"),
    )
    return rows.with_columns(nw.max_horizontal(nw.col("limit") - nw.col("drawn"), nw.lit(0.0)).alias("unused"))


@row_set(
    needs={"facilities": ("facility_id", "customer_id", "limit", "granted_on")},
    fields={"is_village": ("facilities", "source")},
    after=("facilities",),
)
def facility_main(known: Known) -> Frame:
    """One row per customer with a credit line: the one with most unused, the latest granted of those."""
    rows = known.rows("facilities").with_columns(
        (nw.lit(0.0) - nw.col("unused")).alias("minus"), (nw.lit(0.0) - nw.col("granted_on")).alias("latest")
    )
    return first_of(rows, ["minus", "latest", "facility_id"])


OPEN = Field("is_open").equals(1)
FAMILY = Field("family")


class Loans:
    """The customer's loans, in minor units."""

    def sum(self, column: str, where: Where = ALL, window: Window = EVER, day: str = "granted_on") -> Term:
        return leaf("loans", "sum", column, where, window, day)

    def count(self, where: Where = ALL, window: Window = EVER, day: str = "granted_on") -> Term:
        return leaf("loans", "count", "", where, window, day)

    def highest(self, column: str, where: Where = ALL) -> Term:
        return leaf("loans", "max", column, where, day="granted_on")

    def worst_overdue(self, days: int) -> Term:
        """Most days overdue on any day of the window."""
        return leaf("loan_states", "max", "overdue_days", ALL, Window("back", days), until="until")

    def due_next(self, column: str) -> Term:
        """A column of the open loan that is due first."""
        return leaf("loan_due_next", "max", column, day="granted_on")

    def closed_last(self, column: str) -> Term:
        """A column of the loan repaid last, within 180 days."""
        return leaf("loan_closed_last", "max", column, day="closed_on")


class Facilities:
    """Credit lines in force, in minor units."""

    def sum(self, column: str) -> Term:
        return leaf("facilities", "sum", column, day="granted_on")

    def count(self) -> Term:
        return leaf("facilities", "count", day="granted_on")

    def main(self, column: str) -> Term:
        """A column of the line with most unused."""
        return leaf("facility_main", "max", column, day="granted_on")
