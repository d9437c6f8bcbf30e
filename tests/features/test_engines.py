"""The same features on DuckDB and on pandas, bit for bit."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.catalog import chosen
from features.engine import build
from features.frames import from_frames
from sources.connection import connect

sys.path.insert(0, str(Path(__file__).parent))

import county as bank


@pytest.mark.parametrize(("seed", "as_of"), [(1, dt.date(2026, 3, 31)), (2, dt.date(2025, 2, 28)), (3, dt.date(2024, 2, 29))])
def test_every_feature_has_the_same_bits_on_duckdb_and_on_pandas(tmp_path: Path, seed: int, as_of: dt.date) -> None:
    canonical = bank.write(tmp_path / "canonical", bank.make(seed))
    wanted = [one for _, one, spec in chosen(canonical, bank.SETTINGS) if spec.available]
    built = build(canonical, bank.SETTINGS, [as_of], tmp_path / "out")
    con = connect()
    known = {name: canonical.scan(con, name, as_of).df() for name in canonical.manifest.tables}
    by_pandas = from_frames(known, bank.SETTINGS, as_of, wanted)
    by_duckdb = pq.read_table(built.path(as_of), partitioning=None).sort_by("customer_id")
    assert by_duckdb.num_rows > 3
    assert by_duckdb.column_names == by_pandas.column_names
    different = [name for name in by_duckdb.column_names if not _same(by_duckdb[name], by_pandas[name])]
    assert different == []


def _same(left: object, right: object) -> bool:
    a, b = left.to_pandas(), right.to_pandas()  # type: ignore[attr-defined]
    if a.dtype == np.float64:
        return a.to_numpy().tobytes() == b.to_numpy().tobytes() or bool(
            (a.isna() == b.isna()).all() and (a[a.notna()] == b[b.notna()]).all()
        )
    return a.equals(b)
