"""Contribution: what a customer earns the bank in a year.

Sum of asset balances x FTP spread + sum of loan balances x (rate - FTP) x (1 - loss rate of the class) + fees - cost per
counter transaction. Each balance earns the spread of the day it came (matched funding), so a later price moves nothing
that stands. Earnings are whole minor units a year per balance, so that sums are exact in any order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from features.held import Rates
from features.monthly import MINOR, Course, Movements, fetch_movements
from sources.canonical import Canonical, as_of_sql
from store.settings import Settings

Money = NDArray[np.float64]
Source = Literal["prices", "products", "settings"]
PARTS = ("asset_margin", "loan_margin", "fees", "counter_cost")  # the last is taken off


class ValueSettings(Settings):
    """Stand-ins for what the bank's price list does not say, and what has no price: rates a year as fractions."""

    sources: tuple[Source, ...] = ("prices", "products", "settings")  # the first that knows a product's margin
    asset_spread: dict[str, float] = Field(default_factory=dict)  # FTP less the rate paid, by product family
    asset_spread_other: float = 0.012
    loan_ftp: dict[str, float] = Field(default_factory=dict)  # what the money of a loan costs, by family
    loan_ftp_other: float = 0.02
    loan_rate: dict[str, float] = Field(default_factory=dict)  # where a loan carries no rate
    loan_rate_other: float = 0.055
    loss_rate: dict[str, float] = Field(
        default_factory=lambda: {"normal": 0.01, "special_mention": 0.05, "substandard": 0.3, "doubtful": 0.6, "loss": 1.0}
    )
    counter_cost: float = 8.0  # currency units per counter transaction
    fee_categories: tuple[str, ...] = ("fee",)


def earned_flows(
    con: duckdb.DuckDBPyConnection,
    canonical: Canonical,
    settings: ValueSettings,
    view: dt.date,
    bucket: int | None,
    *,
    loan_quiet_days: int = 0,
) -> dict[str, Movements]:
    """Part of the contribution but `asset_margin` -> movements of a bucket's customers as known at the close of `view`.

    Margins are yearly earnings of what stands, fees and counter costs come on their day. For a tier a loan paid out less
    than `loan_quiet_days` ago earns nothing yet; a renewal brings no new loan. Needs `cohorts.note_places`, `note_margins`.
    """
    loans = fetch_movements(con, _loans_sql(canonical, settings, view, bucket, loan_quiet_days))
    return {"loan_margin": loans} | _services(con, canonical, settings, view, bucket)


def spreads(con: duckdb.DuckDBPyConnection, products: pa.Array) -> Rates:
    """What a unit of each product's money earns in a year: by the price of its day, else by what is said of the product.

    Needs `note_margins`.
    """
    said = con.sql("SELECT product_id, coalesce(margin, spread_said, 0)::DOUBLE AS said FROM _margin").to_arrow_table()
    prices = con.sql("""SELECT product_id, (valid_from - DATE '0001-01-01' + 1)::INTEGER AS since, spread::DOUBLE AS spread
        FROM _price ORDER BY product_id, valid_from""").to_arrow_table()
    at = pc.index_in(products, value_set=said["product_id"].combine_chunks()).fill_null(said.num_rows).to_numpy()
    priced = np.asarray(prices["product_id"].to_numpy(), object).astype(str)
    names = np.array(products.to_pylist(), dtype=str)
    first, end = (np.append(np.searchsorted(priced, names, side=side), 0) for side in ("left", "right"))
    return Rates(
        np.append(np.append(said["said"].to_numpy(), 0.0)[at], 0.0),
        first,
        end,
        np.asarray(prices["since"].to_numpy(), np.int32),
        np.asarray(prices["spread"].to_numpy(), np.float64),
    )


def flowed(of: Course, until: int, days: int) -> Money:
    """What came over the `days` up to `until`, brought to a year, in currency units."""
    return (of.level_at(until) - of.level_at(until - days)) / MINOR * (365 / days)


def highest_spread(con: duckdb.DuckDBPyConnection) -> float:
    """The most that a unit of financial assets earns in a year. Needs `note_margins`."""
    found = con.sql("""SELECT max(spread) FROM (
            SELECT p.spread FROM _price p JOIN _margin m USING (product_id) WHERE m.is_asset
            UNION ALL SELECT coalesce(margin, spread_said) FROM _margin WHERE is_asset)""").fetchall()
    return max(0.0, float(found[0][0] or 0.0))


def note_margins(con: duckdb.DuckDBPyConnection, canonical: Canonical, settings: ValueSettings, view: dt.date) -> None:
    """Temp tables `_price` (product_id, valid_from, spread, ftp) and `_margin` (product_id, family, margin, what is said)."""
    prices = as_of_sql("prices", canonical.relation_sql("prices"), view)
    products = as_of_sql("products", canonical.relation_sql("products"), view)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE _price AS
        SELECT product_id, valid_from, {_exact_mean("ftp - rate")} AS spread, {_exact_mean("ftp")} AS ftp
        FROM ({prices}) WHERE ftp IS NOT NULL AND {"true" if "prices" in settings.sources else "false"} GROUP BY ALL""")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE _margin AS
        SELECT product_id, family, {"margin" if "products" in settings.sources else "NULL::DOUBLE"} AS margin,
               coalesce(({_by_family(settings.asset_spread)})[family], {settings.asset_spread_other}) AS spread_said,
               coalesce(({_by_family(settings.loan_ftp)})[family], {settings.loan_ftp_other}) AS ftp_said,
               coalesce(({_by_family(settings.loan_rate)})[family], {settings.loan_rate_other}) AS rate_said,
               coalesce(counts_as IN ('deposit', 'aum'), true) AS is_asset
        FROM ({products})""")


def _loans_sql(canonical: Canonical, settings: ValueSettings, view: dt.date, bucket: int | None, quiet_days: int) -> str:
    loans = as_of_sql("loans", canonical.relation_sql("loans", bucket), view)
    status = as_of_sql(
        "loan_status", canonical.relation_sql("loan_status", bucket), view, ("loan_id", "on", "outstanding", "class")
    )
    loss = f"coalesce(({_by_family(settings.loss_rate)})[coalesce(class, 'normal')], 0)"
    if "loan_status" in canonical.manifest.tables:
        first = (
            f"SELECT loan_id, granted_on, amount, 'normal' FROM loan l"
            f' WHERE NOT EXISTS (FROM ({status}) s WHERE s.loan_id = l.loan_id AND s."on" <= l.granted_on)'
        )
        course_sql = f'SELECT loan_id, "on" AS day, outstanding, class FROM ({status}) UNION ALL {first}'
    else:  # no course of the loan kept: repaid in equal monthly parts
        course_sql = """
            SELECT loan_id, (granted_on + to_months(month::INTEGER))::DATE AS day,
                   round(amount * (1 - month / months)) AS outstanding, 'normal' AS class
            FROM (SELECT *, greatest(1, date_diff('month', granted_on, coalesce(matures_on, granted_on + 365))) AS months
                  FROM loan), LATERAL (SELECT unnest(range(0, months + 1)) AS month)"""
    return f"""
        WITH loan AS (SELECT l.loan_id, l.granted_on, l.amount, l.matures_on, l.closed_on, p.place, l.product_id,
                             coalesce(l.rate, m.rate_said, {settings.loan_rate_other}) AS rate, m.margin,
                             coalesce(m.ftp_said, {settings.loan_ftp_other}) AS ftp_said,
                             l.granted_on + CASE WHEN l.renewal IS NULL AND l.previous_loan_id IS NULL THEN {quiet_days}
                                            ELSE 0 END AS earns_from
                      FROM ({loans}) l JOIN _places p USING (customer_id) LEFT JOIN _margin m USING (product_id)),
        priced AS (SELECT l.*, coalesce(l.rate - r.ftp, l.margin, l.rate - l.ftp_said) AS earns_rate
                   FROM loan l ASOF LEFT JOIN _price r ON r.product_id = l.product_id AND r.valid_from <= l.granted_on),
        held AS (SELECT l.place, l.loan_id, l.earns_from, c.day, round(c.outstanding * l.earns_rate * (1 - {loss})) AS earns
                 FROM ({course_sql}) c JOIN priced l USING (loan_id)
                 WHERE (l.closed_on IS NULL OR c.day < l.closed_on) AND c.day <= DATE '{view.isoformat()}'
                 UNION ALL SELECT place, loan_id, earns_from, closed_on, 0 FROM loan WHERE closed_on IS NOT NULL)
        SELECT place, greatest(day, earns_from) AS day,
               earns - coalesce(lag(earns) OVER (PARTITION BY loan_id ORDER BY day), 0) AS change FROM held"""


def _services(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, settings: ValueSettings, view: dt.date, bucket: int | None
) -> dict[str, Movements]:
    """Fees, and what visits to the counter cost: of both, from one pass over the transactions."""
    asked = ("customer_id", "on", "amount", "category", "channel", "initiated_by")
    rows = as_of_sql("transactions", canonical.relation_sql("transactions", bucket), view, asked)
    is_fee = f"category IN ({_listed(settings.fee_categories)})"
    is_visit = "channel = 'counter' AND coalesce(initiated_by, 'customer') = 'customer'"
    cost = round(settings.counter_cost * MINOR)
    found = con.sql(f"""
        SELECT p.place::BIGINT AS place, ("on" - DATE '0001-01-01') + 1 AS day,
               CASE WHEN {is_fee} THEN -amount ELSE 0 END::DOUBLE AS fees,
               CASE WHEN {is_visit} THEN {cost} ELSE 0 END::DOUBLE AS counter_cost
        FROM ({rows}) JOIN _places p USING (customer_id) WHERE {is_fee} OR ({is_visit})""").to_arrow_table()
    place, day = (np.asarray(found[name].to_numpy(), np.int64) for name in ("place", "day"))
    return {name: Movements(place, day, np.asarray(found[name].to_numpy(), np.float64)) for name in ("fees", "counter_cost")}


def _exact_mean(rate: str) -> str:
    """Mean of a rate over tenors from whole numbers, the same in any order of rows."""
    return f"sum(round(({rate}) * 1e9)::BIGINT) / count({rate}) / 1e9"


def _by_family(rates: Mapping[str, float]) -> str:
    """A DuckDB MAP literal."""
    keys = ", ".join("'" + k.replace("'", "''") + "'" for k in sorted(rates))
    values = ", ".join(f"{rates[k]!r}::DOUBLE" for k in sorted(rates))
    return f"MAP([{keys}]::VARCHAR[], [{values}]::DOUBLE[])"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words) or "NULL"
