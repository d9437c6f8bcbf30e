"""Who has a row at an as_of: customers known, opened, and not gone."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from features.known import Frame, Known

READS = {
    "customers": ("customer_id", "stage", "opened_on"),
    "accounts": ("account_id", "customer_id", "opened_on", "closed_on"),
    "loans": ("loan_id", "customer_id", "closed_on", "matures_on"),
}


def population(known: Known) -> Frame:
    """One row per customer (`customer_id`): no prospect, no former one, not one whose accounts and loans are all closed."""
    customers = known.table("customers")
    if known.has("customers", "stage"):
        customers = customers.filter(nw.col("stage").fill_null("customer") == "customer")
    accounts = known.table("accounts").with_columns(nw.col("closed_on").is_null().cast(nw.Int64).alias("is_open"))
    closed = accounts.group_by("customer_id").agg(nw.col("is_open").max().alias("any_open")).filter(nw.col("any_open") == 0)
    loans = known.table("loans").filter(
        nw.col("closed_on").is_null() & (nw.col("matures_on").fill_null(known.clock.day + 1) > known.clock.day)
    )
    gone = closed.join(loans.select("customer_id"), on="customer_id", how="anti").select("customer_id")
    return customers.select("customer_id").join(gone, on="customer_id", how="anti")
