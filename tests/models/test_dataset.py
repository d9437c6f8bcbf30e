from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from synthetic import LABEL, make

from models.dataset import join_label
from models.stack import model_columns, stack_features
from store.errors import ConfigError
from store.files import write_parquet

D1, D2 = dt.date(2024, 1, 31), dt.date(2024, 2, 29)


@dataclass(frozen=True)
class Spec:
    name: str
    role: str = "feature"
    sensitivity: str = "open"
    available: bool = True


def test_facts_and_protected_features_never_enter_a_model() -> None:
    specs = [
        Spec("txn_b"),
        Spec("dep_a"),
        Spec("last_maturity_on", role="fact"),
        Spec("is_female", sensitivity="protected"),
        Spec("loan_x", available=False),
    ]
    assert model_columns(specs) == ("dep_a", "txn_b")
    assert model_columns(specs, drop=["txn_*"]) == ("dep_a",)


@pytest.mark.parametrize("name", ["gender", "customer_gender", "marital_status", "ethnic_group", "health_spend_90d"])
def test_a_protected_word_in_a_name_is_refused_whatever_its_class_says(name: str) -> None:
    with pytest.raises(ConfigError, match="protected"):
        model_columns([Spec(name)])


def _files(root: Path) -> list[Path]:
    january = (D1, ["a", "b"], [1.0, None], ["y", None])
    february = (D2, ["b", "c", "a"], [3.0, 4.0, 5.0], ["x", "y", "z"])
    for day, ids, adb, group in (january, february):
        write_parquet(
            root / f"as_of={day}.parquet",
            pa.table(
                {"customer_id": ids, "as_of": [day] * len(ids), "dep_adb_90d": adb, "group": pa.array(group, pa.string())}
            ),
        )
    return [root / f"as_of={D2}.parquet", root / f"as_of={D1}.parquet"]


def test_snapshots_are_stacked_by_date_and_customer_with_unknown_as_nan(tmp_path: Path) -> None:
    stack = stack_features(_files(tmp_path), ["group", "dep_adb_90d"])
    assert stack.feature_names == ("dep_adb_90d", "group")
    assert stack.customers[stack.codes].tolist() == ["a", "b", "a", "b", "c"]
    assert stack.as_of.tolist() == [D1, D1, D2, D2, D2]
    assert stack.encodings == {"group": ("x", "y", "z")}
    assert np.array_equal(stack.matrix[:, 1], np.array([1, np.nan, 2, 0, 1], dtype=np.float32), equal_nan=True)


def test_a_value_training_has_not_seen_is_unknown(tmp_path: Path) -> None:
    stack = stack_features(_files(tmp_path), ["group"], {"group": ("x", "y")})
    assert np.isnan(stack.matrix[2, 0])


def test_later_snapshots_leave_no_trace_in_the_codes_of_earlier_ones(tmp_path: Path) -> None:
    files = _files(tmp_path / "features")
    write_parquet(
        tmp_path / "labels" / LABEL / f"as_of={D1}.parquet",
        pa.table({"customer_id": ["a", "b"], "target": pa.array([1, 0], pa.int8())}),
    )
    both, one = (stack_features(paths, ["group"]) for paths in (files, files[1:]))
    early = [join_label(LABEL, s, tmp_path / "labels" / LABEL, [D1]).with_own_encodings() for s in (both, one)]
    assert early[0].encodings == early[1].encodings == {"group": ("y",)}
    assert np.array_equal(early[0].matrix, early[1].matrix, equal_nan=True)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no column txn_x"):
        stack_features(_files(tmp_path), ["txn_x"])


def test_shuffled_label_files_give_the_same_dataset(tmp_path: Path) -> None:
    plain = make(tmp_path / "a", customers=200, months=3).dataset()
    mixed = make(tmp_path / "b", customers=200, months=3, shuffle=True).dataset()
    assert plain.positives > 20
    # the shuffle draws from the same generator, so compare the first month, drawn before it
    first = [d.during(d.as_ofs[:1]) for d in (plain, mixed)]
    assert first[0].target.tolist() == first[1].target.tolist()
    assert first[0].customers.tolist() == first[1].customers.tolist()


def test_cohort_members_without_features_are_counted_not_invented(tmp_path: Path) -> None:
    stack = stack_features(_files(tmp_path / "f"), ["dep_adb_90d"])
    write_parquet(
        tmp_path / "l" / f"as_of={D1}.parquet", pa.table({"customer_id": ["zz", "b"], "target": pa.array([1, 1], pa.int8())})
    )
    dataset = join_label(LABEL, stack, tmp_path / "l")
    assert dataset.without_features == 1
    assert dataset.stack.customers[dataset.customers].tolist() == ["b"]
