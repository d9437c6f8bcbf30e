"""Contributions of a date's listed rows, kept: a customer listed again for the same score is not explained anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.champion import Champion
from models.explain import explain

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("model", pa.string()),
        ("feature", pa.string()),
        ("value", pa.float64()),
        ("contribution", pa.float64()),
    ]
)


@dataclass
class Contributions:
    """Answers `explain` for any of the champions; what an earlier list of the date asked for comes from `before`."""

    champions: Mapping[str, Champion]
    threads: int
    before: Mapping[str, pd.DataFrame]  # model -> rows of SCHEMA
    given: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    explained: int = 0  # customers asked of a model just now

    @classmethod
    def open(
        cls,
        path: Path,
        champions: Mapping[str, Champion],
        wanted: Mapping[str, str],
        standing: Mapping[str, str],
        threads: int,
    ) -> Contributions:
        """With what stands in the file of models whose hash of all they come from is still the one `wanted`."""
        still = sorted(name for name, key in wanted.items() if standing.get(name) == key)
        there = pq.read_table(path, schema=SCHEMA, partitioning=None).to_pandas() if still else SCHEMA.empty_table().to_pandas()
        return cls(champions, threads, {str(name): own for name, own in there.groupby("model") if name in still})

    def __call__(self, model: str, rows: pd.DataFrame) -> pd.DataFrame:
        """As `models.explain.explain`: customers in the order of `rows`, their features in the champion's order."""
        old = self.before.get(model)
        is_new = ~rows["customer_id"].isin(old["customer_id"]) if old is not None else pd.Series(data=True, index=rows.index)
        parts = [] if old is None else [old[old["customer_id"].isin(rows["customer_id"])]]
        if is_new.any():
            parts.append(explain(self.champions[model], rows[is_new], self.threads))
            self.explained += int(is_new.sum())
        told = pd.concat(parts, ignore_index=True)
        place = told["customer_id"].map(pd.Series(range(len(rows)), index=rows["customer_id"]))
        ordered: pd.DataFrame = told.iloc[place.argsort(kind="stable")].reset_index(drop=True)
        self.given.setdefault(model, []).append(ordered)
        return ordered

    def table(self) -> pa.Table:
        """All that was answered, to be kept: by model, then as it was asked for."""
        parts = [part for _, given in sorted(self.given.items()) for part in given]
        if not parts:
            return SCHEMA.empty_table()
        columns = pd.concat(parts, ignore_index=True).drop_duplicates(["model", "customer_id", "feature"])
        return pa.table(
            [pa.array(columns[name], SCHEMA.field(name).type, from_pandas=True) for name in SCHEMA.names], schema=SCHEMA
        )
