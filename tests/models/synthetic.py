"""A small bank's features and labels on disk, with a known truth behind them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from models.calibration import sigmoid
from models.dataset import Dataset, join_label
from models.stack import stack_features
from store.files import write_parquet

LABEL = "buy_loan"


@dataclass(frozen=True)
class Synthetic:
    """Folders as a night leaves them, and the truth that made the labels."""

    features: Path
    labels: Path
    as_ofs: tuple[dt.date, ...]
    truth: dict[dt.date, np.ndarray]  # probability per customer, in id order
    columns: tuple[str, ...]

    def dataset(self) -> Dataset:
        paths = [self.features / f"as_of={day}.parquet" for day in self.as_ofs]
        return join_label(LABEL, stack_features(paths, self.columns), self.labels / LABEL)


def month_ends(count: int, first: dt.date = dt.date(2024, 1, 31)) -> tuple[dt.date, ...]:
    """So many month ends in a row."""
    start = np.datetime64(first, "M")
    return tuple(((start + i + 1).astype("datetime64[D]") - 1).item() for i in range(count))


def make(
    root: Path,
    *,
    customers: int = 3000,
    months: int = 9,
    noise: int = 8,
    level: float = -3.0,
    strength: float = 1.2,
    seed: int = 1,
    shuffle: bool = False,
    nothing: bool = False,
    first: dt.date = dt.date(2024, 1, 31),
    month_effect: Callable[[dt.date], float] = lambda day: 0.0,
) -> Synthetic:
    """Customers whose log-odds bend in two features and depend on a category; the rest of the columns are noise.

    `month_effect` is added to everyone's log-odds; no feature knows of it.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    ids = np.array([f"C{i:06d}" for i in range(customers)], dtype=object)
    lasting = rng.normal(size=(customers, 2))
    group = rng.integers(0, 3, customers)
    columns = ("dep_adb_90d", "group_code", "txn_in_cnt_30d", *(f"noise_{i}_30d" for i in range(noise)))
    truth = {}
    for day in month_ends(months, first):
        x = 0.9 * lasting + 0.45 * rng.normal(size=lasting.shape)
        odds = level + month_effect(day) + strength * (x[:, 0] + 0.8 * np.abs(x[:, 1]) - 0.6 + 0.7 * (group == 2))
        p = np.full(customers, float(sigmoid(level))) if nothing else sigmoid(odds)
        truth[day] = p
        table = {
            "customer_id": ids,
            "as_of": np.full(customers, np.datetime64(day)),
            "dep_adb_90d": np.where(rng.random(customers) < 0.02, np.nan, np.exp(x[:, 0] + 8)),
            "txn_in_cnt_30d": np.round(x[:, 1] * 10),
            "group_code": np.array(["a", "b", "c"], dtype=object)[group],
            **{name: rng.normal(size=customers) for name in columns[3:]},
        }
        label = {"customer_id": ids, "as_of": table["as_of"], "target": (rng.random(customers) < p).astype(np.int8)}
        order = rng.permutation(customers) if shuffle else np.arange(customers)
        write_parquet(root / "features" / f"as_of={day}.parquet", pa.table(table))
        write_parquet(root / "labels" / LABEL / f"as_of={day}.parquet", pa.table(label).take(pa.array(order)))
    return Synthetic(root / "features", root / "labels", month_ends(months, first), truth, columns)
