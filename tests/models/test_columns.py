from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from synthetic import LABEL, month_ends

from models import columns
from models.columns import without_calendar, without_copies
from models.dataset import Dataset, join_label
from models.stack import stack_features
from store.files import write_parquet


def _dataset(root: Path, months: int = 4) -> Dataset:
    rng = np.random.Generator(np.random.PCG64(1))
    ids = [f"C{i:03d}" for i in range(200)]
    days = month_ends(months)
    for place, day in enumerate(days):
        adb = np.exp(rng.normal(8, 1, 200))
        write_parquet(
            root / "f" / f"as_of={day}.parquet",
            pa.table(
                {
                    "customer_id": ids,
                    "dep_adb_90d": adb,
                    "aum_adb_90d": adb * 1.0001 + 0.5,
                    "flow": -adb + rng.normal(0, 3000, 200),
                    "kind": pa.array(["a", "b"] * 100),
                    "kind_again": pa.array(["a", "b"] * 100),
                    "always_zero": np.zeros(200),
                    "year_end_days": np.full(200, 30.0 * place),
                }
            ),
        )
        write_parquet(
            root / "l" / f"as_of={day}.parquet",
            pa.table({"customer_id": ids, "target": pa.array(rng.random(200) < 0.1).cast(pa.int8())}),
        )
    files = [root / "f" / f"as_of={day}.parquet" for day in days]
    return join_label(LABEL, stack_features(files, pq.read_schema(files[0]).names[1:]), root / "l")


def test_a_column_of_the_calendar_is_not_learned_from_seasons_seen_once(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path)
    kept = without_calendar(dataset, 24).feature_names
    assert set(dataset.feature_names) - set(kept) == {"year_end_days"}
    assert without_calendar(dataset, 4).feature_names == dataset.feature_names


def test_one_value_a_month_among_unknown_ones_is_of_the_calendar_and_a_fact_that_began_later_is_not(tmp_path: Path) -> None:
    ids, days = [f"C{i:03d}" for i in range(100)], month_ends(4)
    half = np.arange(100) % 2 == 0
    for place, day in enumerate(days):
        table = {
            "holiday_for_half": pa.array(np.full(100, 10.0 * place), mask=half),
            "began_in_the_last_month": np.where(half & (place == 3), 5.0, 0.0),
            "never_known": pa.nulls(100, pa.float64()),
            "one_value_throughout": np.full(100, 7.0),
        }
        write_parquet(tmp_path / "f" / f"as_of={day}.parquet", pa.table({"customer_id": ids, **table}))
        outcome = pa.table({"customer_id": ids, "target": pa.array(half).cast(pa.int8())})
        write_parquet(tmp_path / "l" / f"as_of={day}.parquet", outcome)
    dataset = join_label(
        LABEL, stack_features([tmp_path / "f" / f"as_of={day}.parquet" for day in days], list(table)), tmp_path / "l"
    )
    assert without_calendar(dataset, 24).feature_names == ("began_in_the_last_month", "never_known", "one_value_throughout")


def test_of_near_copies_one_stays_and_categories_are_left_alone(tmp_path: Path) -> None:
    kept = without_copies(_dataset(tmp_path), 0.98).feature_names
    assert kept == ("aum_adb_90d", "flow", "kind", "kind_again", "year_end_days")


def test_copies_are_found_among_some_of_very_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _dataset(tmp_path)
    found = without_copies(dataset, 0.98).feature_names
    monkeypatch.setattr(columns, "ENOUGH", 300)
    assert without_copies(dataset, 0.98).feature_names == found


def test_what_is_only_similar_stays(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path)
    assert "flow" in without_copies(dataset, 0.98).feature_names
    assert "flow" not in without_copies(dataset, 0.5).feature_names
