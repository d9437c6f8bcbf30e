"""Why a score is what it is: exact contributions that add up to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from models import booster
from models.champion import Champion
from models.score import Array, raw_scores
from models.stack import Floats, encode
from store.errors import TerraceError

BASE = "__base__"
TOLERANCE = 1e-6


def matrix_of(champion: Champion, rows: pd.DataFrame) -> Floats:
    """The champion's features of these rows as its trees see them."""
    table = pa.Table.from_pandas(rows[list(champion.feature_names)], preserve_index=False)
    matrix: Floats = np.empty((len(rows), len(champion.feature_names)), dtype=np.float32)
    encode(table, champion.feature_names, champion.encodings, matrix)
    return matrix


def explain(champion: Champion, rows: pd.DataFrame, threads: int = 2) -> pd.DataFrame:
    """One row per customer and feature: customer_id, model, feature, value, contribution (log-odds); `__base__` among them.

    `rows` are rows of a features file; where they carry `raw_score`, the stored score is checked too. A category's value is
    its code. Raises TerraceError where contributions do not add up to the raw score within 1e-6.
    """
    matrix = matrix_of(champion, rows)
    parts = (
        champion.segments.contributions(matrix)
        if champion.segments is not None
        else booster.contributions(champion.booster_text, matrix, threads)
    )
    _check(champion, rows, parts.sum(axis=1), raw_scores(champion, matrix, threads), "the model's raw score")
    if "raw_score" in rows:
        _check(champion, rows, parts.sum(axis=1), rows["raw_score"].to_numpy(dtype=np.float64), "the stored raw score")
    names = [*champion.feature_names, BASE]
    values = np.concatenate([matrix.astype(np.float64), np.full((len(rows), 1), np.nan)], axis=1)
    return pd.DataFrame(
        {
            "customer_id": np.repeat(rows["customer_id"].to_numpy(), len(names)),
            "model": champion.name,
            "feature": np.tile(np.array(names, dtype=object), len(rows)),
            "value": values.ravel(),
            "contribution": parts.ravel(),
        }
    )


def _check(champion: Champion, rows: pd.DataFrame, total: Array, raw: Array, what: str) -> None:
    off = np.abs(total - raw)
    if len(off) and not float(off.max()) <= TOLERANCE:
        first = int(np.argmax(~(off <= TOLERANCE)))
        raise TerraceError(
            f"contributions sum to {total[first]:.9f}, {what} is {raw[first]:.9f}",
            where=f"model {champion.name}, customer {rows['customer_id'].iloc[first]}",
            expected=f"a difference of at most {TOLERANCE:g}",
            do="score this date again with the same champion and features",
        )
