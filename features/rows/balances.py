"""Balances as changes on days: what an average, a lowest point or a trend is summed from."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from features.algebra import ALL, Field, Term, Where, Windowed, leaf, of_clock, over, when
from features.known import Frame, Known, row_set
from features.windows import EVER, Window

HISTORY = 366  # days before the as_of: older changes are one opening total; no leaf of totals looks further back
LIMB = 1_000_000.0  # squares of totals are summed in three whole parts, each exact in a double

_NEEDS = {"balances": ("account_id", "on", "balance"), "accounts": ("account_id", "holds", "opened_on")}
_USES = {"accounts": ("kind", "closed_on", "product_id"), "products": ("counts_as",)}


def counted_accounts(known: Known) -> Frame:
    """One row per account that counts as the customer's money; an account that says no kind is a current one."""
    accounts = known.table("accounts").select(
        "account_id", "customer_id", "product_id", "holds", "kind", "opened_on", "closed_on"
    )
    uncounted = known.table("products").filter(nw.col("counts_as") == "none").select("product_id")
    return accounts.join(uncounted, on="product_id", how="anti").with_columns(nw.col("kind").fill_null("current"))


@row_set(needs=_NEEDS, uses=_USES, fields={"kind": ("accounts", "kind")}, cells=("holds", "kind"), kept=True)
def balance_changes(known: Known) -> Frame:
    """One row per account and day on which its balance changed, by how much; zero from the day it is closed."""
    accounts = counted_accounts(known).select("account_id", "customer_id", "holds", "kind", "closed_on")
    rows = (
        known.table("balances")
        .select("account_id", nw.col("on").alias("day"), "change")
        .join(accounts, on="account_id", how="inner")
    )
    rows = rows.filter(nw.col("closed_on").is_null() | (nw.col("day") < nw.col("closed_on")))
    order = ["customer_id", "holds", "kind", "day", "change"]
    last = rows.filter(~nw.col("closed_on").is_null()).group_by("account_id").agg(nw.col("change").sum().alias("left"))
    closing = accounts.join(last, on="account_id", how="inner").with_columns(
        nw.col("closed_on").alias("day"), (nw.lit(0.0) - nw.col("left")).alias("change")
    )
    return nw.concat([rows.select(order), closing.select(order)], how="vertical")


def changes_between(known: Known, spans: Frame) -> Frame:
    """Changes of what customers hold within days of their own: `customer_id`, `change`; `spans`: a row each, `first`, `last`.

    The same rows as `balance_changes` has, without looking at anybody else's.
    """
    accounts = (
        counted_accounts(known).select("account_id", "customer_id", "closed_on").join(spans, on="customer_id", how="inner")
    )
    changes = known.table("balances").select("account_id", nw.col("on").alias("day"), "change")
    rows = changes.join(accounts, on="account_id", how="inner")
    is_open = nw.col("closed_on").is_null() | (nw.col("day") < nw.col("closed_on"))
    moved = is_open & (nw.col("day") >= nw.col("first")) & (nw.col("day") <= nw.col("last"))
    closing = (nw.col("closed_on") >= nw.col("first")) & (nw.col("closed_on") <= nw.col("last"))
    left = closing & (nw.col("day") < nw.col("closed_on"))
    zero = nw.lit(0.0)
    change = nw.when(moved).then(nw.col("change")).otherwise(zero) - nw.when(left).then(nw.col("change")).otherwise(zero)
    return rows.filter(moved | left).select("customer_id", change.alias("change"))


@row_set(needs=_NEEDS)
def first_balances(known: Known) -> Frame:
    """One row per account with a balance: the first day of which it is known."""
    return known.table("balances").group_by("account_id").agg(nw.col("on").min().alias("first"))


@row_set(needs=_NEEDS, uses=_USES, fields={"kind": ("accounts", "kind")}, after=("balance_changes", "first_balances"))
def balance_unknown(known: Known) -> Frame:
    """One row per account whose opening balance is not known: `day` is the first day on which its balance is.

    Such an account was open before the bank's balances begin and has no row on their first day.
    """
    begin = known.clock.first_day("balances")
    first = known.rows("first_balances")
    accounts = counted_accounts(known).filter(nw.col("opened_on") < begin).join(first, on="account_id", how="left")
    ends = nw.col("closed_on").fill_null(known.clock.day + 1)
    return (
        accounts.with_columns(nw.col("first").fill_null(ends).alias("day"))
        .filter(nw.col("day") > begin)
        .select("customer_id", "holds", "kind", "day")
    )


@row_set(needs=_NEEDS, uses=_USES, after=("balance_changes",))
def balance_totals(known: Known) -> Frame:
    """One row per customer and spell (`day` until the day before `until`) in which what the customer holds is the same."""
    start = known.clock.day - HISTORY
    of_deposits = nw.when(nw.col("holds") == "deposit").then(nw.col("change")).otherwise(nw.lit(0.0))
    changes = known.rows("balance_changes").with_columns(
        nw.max_horizontal(nw.col("day"), nw.lit(start)).alias("day"), of_deposits.alias("deposit")
    )
    daily = changes.group_by("customer_id", "day").agg(nw.col("change").sum(), nw.col("deposit").sum())
    daily = daily.filter((nw.col("change") != nw.lit(0.0)) | (nw.col("deposit") != nw.lit(0.0)))
    columns = ["customer_id", "day", "change", "deposit"]
    anchors = (
        known.table("customers")
        .select("customer_id")
        .with_columns(nw.lit(start - 1).cast(nw.Int64).alias("day"), nw.lit(0.0).alias("change"), nw.lit(0.0).alias("deposit"))
    )
    days = nw.concat([daily.select(columns), anchors.select(columns)], how="vertical")
    totals = days.select(
        "customer_id",
        "day",
        nw.col("day").shift(-1).over("customer_id", order_by="day").fill_null(known.clock.day + 1).alias("until"),
        nw.col("change").cum_sum().over("customer_id", order_by="day").alias("assets"),
        nw.col("deposit").cum_sum().over("customer_id", order_by="day").alias("deposits"),
    )
    totals = totals.filter(nw.col("until") > start)
    totals = totals.with_columns((nw.col("deposits") / nw.lit(LIMB)).floor().alias("high"))
    totals = totals.with_columns((nw.col("deposits") - nw.col("high") * nw.lit(LIMB)).alias("low"))
    return totals.with_columns(
        (nw.col("high") * nw.col("high")).alias("high_high"),
        (nw.col("high") * nw.col("low")).alias("high_low"),
        (nw.col("low") * nw.col("low")).alias("low_low"),
    )


DEPOSIT = Field("holds").equals("deposit")
CURRENT = DEPOSIT & Field("kind").equals("current")
TIME = DEPOSIT & Field("kind").equals("time")
INVESTED = Field("holds").differs("deposit")


class Balances:
    """Everything that holds the customer's money here: deposits, wealth, funds, insurance, bonds. Minor units."""

    scope: Where = ALL
    total: str = "assets"

    def within(self, scope: Where, total: str = "") -> Balances:
        """The part of it that passes a filter, such as `TIME`."""
        part = Balances()
        part.scope, part.total = scope, total
        return part

    def daily_average(self, days: Sequence[int | str | Window]) -> Windowed:
        """Average of the daily closing balances over each window."""

        def average(window: Window) -> Term:
            length = of_clock(lambda clock: _length(window.bounds(clock)))
            return self._known(window, leaf("balance_changes", "day_sum", "change", self.scope, window) / length)

        return over(days, average)

    def at(self, ago: int = 0, window: Window | None = None) -> Term:
        """Closing balance `ago` days before the as_of, or on the day before a window began."""
        if window is not None:
            inside = leaf("balance_changes", "sum", "change", self.scope, window)
            return self._known(window, self.at() - inside)
        of = Window("ever", ago=ago)
        return self._known(Window("day", ago=ago), leaf("balance_changes", "sum", "change", self.scope, of))

    def lowest(self, days: int) -> Term:
        """Lowest closing balance of the window's days."""
        of = Window("back", days)
        return self._known(of, leaf("balance_totals", "min", self.total, ALL, of, until="until").fill(0))

    def highest(self, days: int) -> Term:
        """Highest closing balance of the window's days."""
        of = Window("back", days)
        return self._known(of, leaf("balance_totals", "max", self.total, ALL, of, until="until").fill(0))

    def drawdown(self, days: int) -> Term:
        """Share of the window's peak that has left."""
        return 1 - self.at() / self.highest(days)

    def turnover(self, days: int) -> Term:
        """Number of days on which the total of all that is held, or of deposits, is another than the day before."""
        return leaf("balance_totals", "count", "", ALL, Window("back", days))

    def volatility(self, days: int) -> Term:
        """Standard deviation of the daily balances over their mean; deposits only, from exact whole sums."""
        of = Window("back", days)
        total, hh, hl, ll = (
            leaf("balance_totals", "spell_sum", name, ALL, of, until="until")
            for name in (self.total, "high_high", "high_low", "low_low")
        )
        squares = hh * (LIMB * LIMB) + hl * (2 * LIMB) + ll
        spread = squares * days - total * total
        # Below a millionth of a millionth of the squares the difference is rounding, not movement.
        spread = when(spread * 1e12 > squares * days, spread, 0)
        return self._known(of, when(total > 0, spread.root() / total))

    def _known(self, window: Window, value: Term) -> Term:
        """`value` where every balance of the window's days is known."""
        since = leaf("balance_unknown", "max", "day", self.scope, EVER).fill(-1_000_000)
        return when(since <= of_clock(lambda clock: _first(window.bounds(clock))), value)


class Deposits(Balances):
    """Deposits, current and time."""

    scope = DEPOSIT
    total = "deposits"


def _length(bounds: tuple[int, int] | None) -> int | None:
    return None if bounds is None else bounds[1] - bounds[0]


def _first(bounds: tuple[int, int] | None) -> int | None:
    return None if bounds is None else bounds[0] + 1
