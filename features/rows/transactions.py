"""Transactions, reversals netted with what they reverse; and what follows from their days."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from features.algebra import ALL, Field, Term, Where, Windowed, leaf, over, when
from features.known import Frame, Known, row_set
from features.windows import EVER, Window

BLOCK = 30  # days of one block of `flow_blocks`
BLOCKS = 12
YEAR = 366  # days looked back for the days on which something moved
NEEDS = {"transactions": ("on", "amount", "category")}

# Money that moves without coming from or going to anyone: it is neither income nor spending.
INNER = ("own_transfer", "invest", "loan_out", "loan_repay", "interest", "fee", "land_compensation")


@row_set(
    needs=NEEDS,
    uses={
        "transactions": ("transaction_id", "reverses_id", "channel", "counterparty_kind", "counterparty_bank", "initiated_by")
    },
    fields={
        "channel": ("transactions", "channel"),
        "initiated_by": ("transactions", "initiated_by"),
        "counterparty_kind": ("transactions", "counterparty_kind"),
        "elsewhere": ("transactions", "counterparty_bank"),
    },
    cells=("direction", "channel", "category"),
    kept=True,
)
def transactions(known: Known) -> Frame:
    """One row per transaction that stands: amount without sign, direction 1 in and -1 out."""
    rows = known.table("transactions").select(
        "customer_id",
        "transaction_id",
        "reverses_id",
        nw.col("on").alias("day"),
        "amount",
        "channel",
        "category",
        "counterparty_kind",
        "initiated_by",
        (~nw.col("counterparty_bank").is_null()).cast(nw.Int64).alias("elsewhere"),
    )
    if known.has("transactions", "reverses_id", "transaction_id"):
        rows = _netted(rows)
    return (
        rows.filter(nw.col("amount") != nw.lit(0.0))
        .with_columns(
            nw.when(nw.col("amount") > nw.lit(0.0)).then(nw.lit(1)).otherwise(nw.lit(-1)).alias("direction"),
            nw.col("amount").abs().alias("amount"),
        )
        .drop("transaction_id", "reverses_id")
    )


def _netted(rows: Frame) -> Frame:
    """A transaction with all that reversed it, on its own day; a reversal of what is unknown or another's stands by itself."""
    mine, reversed_ = ["customer_id", "transaction_id"], ["customer_id", "reverses_id"]
    known_ids = rows.select(mine)
    back = rows.filter(~nw.col("reverses_id").is_null()).join(known_ids, left_on=reversed_, right_on=mine, how="semi")
    undone = back.group_by(reversed_).agg(nw.col("amount").sum().alias("back"))
    rows = rows.join(back.select(mine), on=mine, how="anti").join(undone, left_on=mine, right_on=reversed_, how="left")
    return rows.with_columns((nw.col("amount") + nw.col("back").fill_null(0.0)).alias("amount")).drop("back")


def not_by_bank() -> nw.Expr:
    """Rows that the bank did not make itself."""
    theirs = nw.col("initiated_by").fill_null("customer") != "bank"
    return theirs & (nw.col("category") != "interest") & (nw.col("category") != "fee")


def outer(direction: int) -> nw.Expr:
    """Rows of income (1) or spending (-1): neither own transfers nor investments, loans, interest, fees."""
    return ~nw.col("category").is_in(list(INNER)) & (nw.col("direction") == direction)


@row_set(needs=NEEDS, after=("transactions",))
def transaction_days(known: Known) -> Frame:
    """One row per customer and day with any movement the bank did not make itself, with the days since the one before."""
    rows = known.rows("transactions").filter((nw.col("day") > known.clock.day - YEAR) & not_by_bank())
    days = rows.group_by("customer_id", "day").agg(nw.len().alias("count"))
    return days.select(
        "customer_id", "day", (nw.col("day") - nw.col("day").shift(1).over("customer_id", order_by="day")).alias("gap")
    )


@row_set(needs=NEEDS, after=("transactions",))
def flow_blocks(known: Known) -> Frame:
    """One row per customer and 30 days counted back from the as_of with any movement: income, spending, both.

    `block` 0 is the last 30 days. Income and spending leave out own transfers, investments, loans, interest and fees.
    """
    today = known.clock.day
    rows = known.rows("transactions").filter(nw.col("day") > today - BLOCK * BLOCKS)
    zero = nw.lit(0.0)
    rows = rows.with_columns(
        ((nw.lit(float(today)) - nw.col("day")) / nw.lit(float(BLOCK))).floor().cast(nw.Int64).alias("block"),
        nw.when(outer(1)).then(nw.col("amount")).otherwise(zero).alias("income"),
        nw.when(outer(-1)).then(nw.col("amount")).otherwise(zero).alias("spending"),
    )
    return (
        rows.group_by("customer_id", "block")
        .agg(nw.col("income").sum(), nw.col("spending").sum())
        .with_columns((nw.col("income") - nw.col("spending")).alias("saving"))
    )


DIRECTION = Field("direction")
IN, OUT = DIRECTION.equals(1), DIRECTION.equals(-1)
CATEGORY, CHANNEL = Field("category"), Field("channel")
ELSEWHERE = Field("elsewhere").equals(1)
OWN = Field("counterparty_kind").equals("own")


def not_inner() -> Where:
    """Neither own transfers nor investments, loans, interest, fees."""
    whole = CATEGORY.differs(INNER[0])
    for name in INNER[1:]:
        whole = whole & CATEGORY.differs(name)
    return whole


class Transactions:
    """Money in and out of the customer's accounts, in minor units."""

    def amount(self, where: Where, days: Sequence[int | str | Window]) -> Windowed:
        """Sum of amounts without sign."""
        return over(days, lambda window: leaf("transactions", "sum", "amount", where, window))

    def count(self, where: Where, days: Sequence[int | str | Window]) -> Windowed:
        """Number of transactions."""
        return over(days, lambda window: leaf("transactions", "count", "", where, window))

    def largest(self, where: Where, days: Sequence[int | str | Window]) -> Windowed:
        """Largest single amount; unknown where there is none."""
        return over(days, lambda window: leaf("transactions", "max", "amount", where, window))

    def last_day(self, where: Where) -> Term:
        """Day of the last one."""
        return leaf("transactions", "max", "day", where, Window("back", 800))

    def active_days(self, days: int) -> Term:
        """Days with any movement the bank did not make itself."""
        return leaf("transaction_days", "count", "", ALL, Window("back", days))

    def last_active_day(self) -> Term:
        return leaf("transaction_days", "max", "day", ALL, EVER)

    def longest_gap(self, days: int) -> Term:
        """Most days between two active days."""
        return leaf("transaction_days", "max", "gap", ALL, Window("back", days))


class FlowBlocks:
    """Income and spending per 30 days, to see how regular they are."""

    def lowest(self, value: str, blocks: int) -> Term:
        """The smallest of the last blocks; 0 where one had no movement."""
        whole = leaf("flow_blocks", "count", "", Field("block") < blocks)
        return when_whole(whole, blocks, leaf("flow_blocks", "min", value, Field("block") < blocks))

    def highest(self, value: str, blocks: int) -> Term:
        return leaf("flow_blocks", "max", value, Field("block") < blocks)

    def total(self, value: str, blocks: int) -> Term:
        return leaf("flow_blocks", "sum", value, Field("block") < blocks)

    def count(self, where: Where, blocks: int) -> Term:
        """How many of the last blocks pass."""
        return leaf("flow_blocks", "count", "", where & (Field("block") < blocks))


def when_whole(count: Term, blocks: int, lowest: Term) -> Term:
    """`lowest` where all blocks have a row, else it and 0, whichever is less."""
    return when(count >= blocks, lowest, lowest.fill(0).at_most(0))
