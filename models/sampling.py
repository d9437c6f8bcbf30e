"""Which rows a label learns from where a bank has more than fit: all with a positive, and a keyed share of the others.

Case-control sampling: every positive is kept, a negative stands for those left out. Weighted by one over the chance of being
kept, sums over the sample estimate sums over all rows without bias, so that what is learned, calibrated and measured by them
is of the whole cohort (Manski & Lerman 1977 for choice-based samples; King & Zeng 2001 for rare events).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sampling:
    """Label -> the share of customers whose rows without a positive are kept; labels that are not named are whole.

    `files`: as_of -> label -> its outcomes; their rows are those that a stack needs.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[dt.date, Mapping[str, Path]] = field(default_factory=dict)

    def customers(self, as_of: dt.date) -> pa.Array | None:
        """Whose rows of this snapshot any label learns from; None: everybody's."""
        if not self.shares:
            return None
        found = [np.empty(0, dtype=object)]
        for label, path in sorted(self.files.get(as_of, {}).items()):
            table: Any = pq.read_table(path, columns=["customer_id", "target"], partitioning=None)
            ids = table["customer_id"].to_numpy().astype(object)
            found.append(ids[kept(ids, table["target"].to_numpy(), self.shares.get(label, 1.0))])
        return pa.array(np.concatenate(found), pa.string()).unique()


def plan(files: Mapping[str, Sequence[tuple[dt.date, Path]]], most_rows: int) -> Sampling:
    """The sampling under which no label has many more than `most_rows` rows; no less than one negative for each positive."""
    shares: dict[str, float] = {}
    by_day: dict[dt.date, dict[str, Path]] = {}
    for label, dated in files.items():
        rows = positives = 0
        for day, path in dated:
            by_day.setdefault(day, {})[label] = path
            rows += pq.read_metadata(path).num_rows
            positives += pc.sum(pq.read_table(path, columns=["target"], partitioning=None)["target"]).as_py() or 0
        if rows > most_rows:
            shares[label] = min(1.0, max(most_rows - positives, positives) / max(1, rows - positives))
    return Sampling({label: share for label, share in shares.items() if share < 1}, by_day)


def kept(ids: npt.NDArray[np.object_], target: npt.NDArray[Any], share: float) -> Flags:
    """The rows that are learned from: a customer's negatives are all there or all left out, on every date alike."""
    return np.asarray((target == 1) | (draw(ids, "rows") < share)) if share < 1 else np.ones(len(ids), dtype=bool)


def draw(ids: npt.NDArray[np.object_], key: str) -> npt.NDArray[np.float64]:
    """A number in [0, 1) that depends on the key and the customer only."""
    return np.asarray(pd.util.hash_array(ids, hash_key=f"{key:0<16}"[:16], categorize=False) / 2.0**64, dtype=np.float64)
