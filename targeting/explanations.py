"""The contributions behind the listed rows, each held against the score it explains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from store.errors import GateBroken, TerraceError
from store.files import parquet_blocks, parquet_parts

Explain = Callable[[str, pd.DataFrame], pd.DataFrame]
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("offer", pa.string()),
        ("feature", pa.string()),
        ("value", pa.float64()),
        ("contribution", pa.float64()),
    ]
)
TOLERANCE = 1e-6


def rows_of(features: Path, customers: pd.Series[str]) -> pd.DataFrame:
    """The features and facts of these customers, one row each."""
    wanted = pa.array(customers.astype("object"), pa.string())
    parts = [pq.read_schema(parquet_parts(features)[0]).empty_table()]
    for block in parquet_blocks(features, parts[0].column_names):  # few of many are wanted
        parts.append(block.filter(pc.is_in(block["customer_id"], value_set=wanted)))
    found: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    return found


def explained(listed: pd.DataFrame, rows: pd.DataFrame, explain: Explain) -> pd.DataFrame:
    """One row per listed row of a model and feature: customer_id, offer, feature, value, contribution, base included."""
    parts = [SCHEMA.empty_table().to_pandas()]
    for offer, group in listed[listed["model"] != ""].groupby("offer", sort=True):
        with_features = group[["customer_id", "raw_score"]].merge(rows, on="customer_id", how="inner")
        if len(with_features) != len(group):
            raise TerraceError(
                f"{len(group) - len(with_features)} listed customers have no features",
                where=f"offer {offer}",
                expected="one row of features for each scored customer",
            )
        told = explain(str(group["model"].iloc[0]), with_features.sort_values("customer_id", kind="stable"))
        _prove_additive(told, with_features, str(offer))
        parts.append(told.assign(offer=offer)[SCHEMA.names])
    together = pd.concat([p for p in parts if len(p)] or parts, ignore_index=True)
    ordered: pd.DataFrame = together.sort_values(["customer_id", "offer", "feature"], kind="stable", ignore_index=True)
    return ordered


def _prove_additive(told: pd.DataFrame, rows: pd.DataFrame, offer: str) -> None:
    total = told.groupby("customer_id")["contribution"].sum().reindex(rows["customer_id"])
    off = (total - rows.set_index("customer_id")["raw_score"]).abs()
    if not (off <= TOLERANCE).all():
        raise GateBroken(
            f"contributions miss the raw score by {off.max():.3g} for {off.idxmax()}",
            where=f"offer {offer}",
            expected=f"at most {TOLERANCE:g}",
            do="score again: explanation and score are not of one champion",
        )
