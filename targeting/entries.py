"""The list itself: one row per listed customer, with who calls, about what, why, and what it is worth."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from targeting.settings import TargetingSettings

SCHEMA = pa.schema(
    [
        ("as_of", pa.date32()),
        ("list_version", pa.int32()),
        ("list_id", pa.string()),
        ("branch_id", pa.string()),
        ("manager_id", pa.string()),
        ("rank", pa.int32()),
        ("customer_id", pa.string()),
        ("tier", pa.string()),
        ("group", pa.string()),
        ("offer", pa.string()),
        ("offer_zh", pa.string()),
        ("offer_en", pa.string()),
        ("kind", pa.string()),
        ("is_service", pa.bool_()),
        ("probability", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("band", pa.string()),
        ("method", pa.string()),
        ("expected_value", pa.float64()),
        ("basis", pa.float64()),
        ("raw_score", pa.float64()),
        ("model", pa.string()),
        ("reasons_zh", pa.string()),
        ("reasons_en", pa.string()),
        ("reason_codes", pa.string()),
        ("has_internal", pa.bool_()),
        ("opening_zh", pa.string()),
        ("opening_en", pa.string()),
        ("owner_step", pa.string()),
        ("owner_rule", pa.string()),
        ("home_branch_id", pa.string()),
    ]
)
LISTS = pa.schema(
    [
        ("list_id", pa.string()),
        ("hours", pa.float64()),
        ("slots", pa.int64()),
        ("hours_from", pa.string()),
        ("names", pa.int64()),
        ("queue", pa.int64()),
    ]
)
# For compliance: which step gave each customer to whom, what keeps customers off every list, what was weighed for each.
OWNERS = pa.schema(
    [
        (name, pa.string())
        for name in (
            "customer_id",
            "list_id",
            "manager_id",
            "branch_id",
            "owner_step",
            "owner_rule",
            "home_branch_id",
            "area_id",
            "owner_area_id",
            "tier",
            "group",
            "never",
        )
    ]
)
DECISIONS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("offer", pa.string()),
        ("model", pa.string()),
        ("kind", pa.string()),
        ("method", pa.string()),
        ("band", pa.string()),
        ("probability", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("raw_score", pa.float64()),
        ("basis", pa.float64()),
        ("expected_value", pa.float64()),
        ("rules", pa.string()),
        ("list_id", pa.string()),
        ("place", pa.int64()),
        ("slots", pa.int64()),
        ("is_listed", pa.bool_()),
    ]
)


def compose(
    listed: pd.DataFrame,
    reasons: pd.DataFrame,
    settings: TargetingSettings,
    rates: dict[str, float],
    *,
    as_of: dt.date,
    version: int,
) -> pd.DataFrame:
    """One row per listed customer in the order of `SCHEMA`, sorted by list and rank.

    `listed`: the filled queue with its owners; `reasons`: customer_id, offer, reasons_zh, reasons_en, reason_codes,
    has_internal; `rates`: offer -> annual rate said in loan words. Names of branch and caller join an opening only on
    paper: its other slots stay open.
    """
    offers = settings.active
    words = pd.DataFrame(
        [
            (
                name,
                o.zh,
                o.en,
                o.is_service,
                o.opening_zh.replace("{rate}", _percent(rates.get(name, o.rate))),
                o.opening_en.replace("{rate}", _percent(rates.get(name, o.rate))),
            )
            for name, o in offers.items()
        ],
        columns=["offer", "offer_zh", "offer_en", "is_service", "opening_zh", "opening_en"],
    )
    rows = listed.merge(words, on="offer", how="left").merge(reasons, on=["customer_id", "offer"], how="left")
    ranked = rows.assign(as_of=as_of, list_version=version, rank=rows["place"].astype("int64"))
    ordered: pd.DataFrame = ranked.sort_values(["list_id", "rank"], kind="stable", ignore_index=True)[SCHEMA.names]
    return ordered


def posted_rates(con: duckdb.DuckDBPyConnection, settings: TargetingSettings) -> dict[str, float]:
    """Loan offer -> the annual rate its words carry: the lowest now posted in the family, else that of the configuration."""
    posted: dict[str, float] = dict(
        con.execute("""SELECT family, min(rate) FROM (
        SELECT d.family, p.rate FROM prices p JOIN products d USING (product_id) WHERE p.rate IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY p.product_id, p.tenor ORDER BY p.valid_from DESC) = 1)
        GROUP BY 1""").fetchall()
    )
    return {name: posted.get(o.family, o.rate or 0.0) for name, o in settings.active.items() if o.is_loan}


def as_table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """`frame` as an Arrow table of exactly `schema`, blanks as null."""
    return pa.table([_column(frame[field.name], field.type) for field in schema], schema=schema)


def _column(column: pd.Series[Any], kind: pa.DataType) -> pa.Array:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pa.array(column, from_pandas=True).cast(kind)
    return pa.array(column, type=kind, from_pandas=True)


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate * 100:.4g}%"
