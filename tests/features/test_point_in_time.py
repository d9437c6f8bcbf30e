"""Nothing that happened, or was recorded, after the as_of changes a bit."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.engine import build
from sources.tables import TABLES

sys.path.insert(0, str(Path(__file__).parent))

import county

D = dt.date(2025, 9, 30)


def built(root: Path, tables: county.Tables, as_of: dt.date = D) -> pa.Table:
    canonical = county.write(root / "canonical", tables)
    return pq.read_table(build(canonical, county.SETTINGS, [as_of], root / "out").path(as_of))


def same(left: pa.Table, right: pa.Table) -> list[str]:
    """Columns that differ, or that only one has."""
    names = sorted(set(left.column_names) | set(right.column_names))
    return [
        name
        for name in names
        if name not in left.column_names or name not in right.column_names or not left[name].equals(right[name])
    ]


def cut(tables: county.Tables, last: dt.date) -> county.Tables:
    """The files a bank would have sent at the close of that day."""
    made = {}
    for name, frame in tables.items():
        spec, frame = TABLES[name], frame.copy()
        if spec.event:
            frame = frame[frame[spec.event].map(lambda on: on <= last)]
        for column in spec.columns:
            if column.later and column.name in frame and column.name != column.later:
                frame.loc[frame[column.later].map(lambda on: pd.isna(on) or on > last), column.name] = None
        for column in spec.columns:
            if column.later == column.name and column.name in frame:
                frame.loc[frame[column.name].map(lambda on: pd.isna(on) or on > last), column.name] = None
        made[name] = frame.reset_index(drop=True)
    return made


@pytest.mark.parametrize("seed", [11, 12])
def test_files_cut_at_a_date_give_the_features_of_that_date_over_the_full_files(tmp_path: Path, seed: int) -> None:
    tables = county.make(seed)
    full, short = built(tmp_path / "full", tables), built(tmp_path / "cut", cut(tables, D))
    assert full["customer_id"].equals(short["customer_id"])
    assert full.num_rows > 5
    assert full.num_columns > 280
    assert same(full, short) == []


def test_a_register_that_the_bank_began_to_fill_later_adds_no_column_and_changes_no_bit(tmp_path: Path) -> None:
    tables = county.make(13)
    for name in ("contacts", "loans", "loan_status", "terms"):
        began = tables[name].copy()
        for column in TABLES[name].columns:
            if column.kind == "date" and column.name in began:
                began[column.name] = began[column.name].map(lambda on: on if pd.isna(on) else max(on, D + dt.timedelta(1)))
        tables[name] = began.drop_duplicates(list(TABLES[name].key), ignore_index=True)
    full, short = built(tmp_path / "full", tables), built(tmp_path / "cut", cut(tables, D))
    assert {"contact_365d_cnt", "loan_outstanding_amt", "time_maturing_30d_amt"} <= set(full.column_names)
    assert same(full, short) == []


def test_a_product_that_comes_later_adds_columns_and_changes_no_figure(tmp_path: Path) -> None:
    tables = county.make(14)
    tables["holdings"] = tables["holdings"][tables["holdings"]["product_id"] != "ACQ"].reset_index(drop=True)  # not yet sold
    without = tables["products"][tables["products"]["product_id"] != "ACQ"].reset_index(drop=True)
    before, after = built(tmp_path / "a", {**tables, "products": without}), built(tmp_path / "b", tables)
    added = set(after.column_names) - set(before.column_names)
    assert {"acq_settle_days_30d"} <= added
    assert set(before.column_names) <= set(after.column_names)
    assert set(same(before, after)) == added


def test_changing_what_comes_later_changes_nothing(tmp_path: Path) -> None:
    tables = county.make(21)
    changed = {name: frame.copy() for name, frame in tables.items()}
    for name, column in (
        ("transactions", "amount"),
        ("balances", "balance"),
        ("loan_status", "overdue_days"),
        ("activity", "count"),
    ):
        later = changed[name]["on"].map(lambda on: on > D)
        assert later.sum() > 10
        changed[name].loc[later, column] = changed[name].loc[later, column] * 7 + 5
    assert same(built(tmp_path / "a", tables), built(tmp_path / "b", changed)) == []


def test_corrections_and_deletions_recorded_later_change_nothing_before_and_something_after(tmp_path: Path) -> None:
    tables = county.make(22)
    again = {name: frame.copy() for name, frame in tables.items()}
    for name, column in (("transactions", "amount"), ("balances", "balance"), ("loan_status", "outstanding")):
        frame = tables[name]
        spec = TABLES[name]
        old = frame[frame["on"].map(lambda on: on <= D - dt.timedelta(20))].sample(30, random_state=1)
        corrected, deleted = old.iloc[:20].copy(), old.iloc[20:].copy()
        corrected[column] = corrected[column] * 3 + 100
        first = frame.assign(recorded_on=frame[spec.event], deleted=False)
        again[name] = pd.concat(
            [
                first,
                corrected.assign(recorded_on=D + dt.timedelta(1), deleted=False),
                deleted.assign(recorded_on=D + dt.timedelta(1), deleted=True),
            ],
            ignore_index=True,
        )
    assert same(built(tmp_path / "a", tables), built(tmp_path / "b", again)) == []
    after = D + dt.timedelta(1)
    moved = same(built(tmp_path / "c", tables, after), built(tmp_path / "d", again, after))
    assert {"dep_adb_90d", "txn_net_amt_365d"} <= set(moved)


def test_rows_that_came_late_count_from_the_day_they_came(tmp_path: Path) -> None:
    tables = county.make(23)
    late = {name: frame.copy() for name, frame in tables.items()}
    rng = np.random.default_rng(5)
    for name in ("transactions", "balances"):
        frame = late[name]
        is_late = (rng.random(len(frame)) < 0.2) & frame["on"].map(lambda on: on <= D).to_numpy()
        frame["recorded_on"] = [D + dt.timedelta(3) if flag else on for flag, on in zip(is_late, frame["on"], strict=True)]
    without = {
        name: frame[frame["recorded_on"].map(lambda on: on <= D)].drop(columns="recorded_on").reset_index(drop=True)
        if "recorded_on" in frame
        else frame
        for name, frame in late.items()
    }
    assert same(built(tmp_path / "a", without), built(tmp_path / "b", late)) == []
    known = D + dt.timedelta(3)
    assert same(built(tmp_path / "c", tables, known), built(tmp_path / "d", late, known)) == []


def test_a_rolled_deposit_shows_its_old_maturity_before_the_roll(tmp_path: Path) -> None:
    rolled_on, old, new = dt.date(2025, 8, 15), dt.date(2025, 8, 15), dt.date(2026, 8, 15)
    tables: county.Tables = {
        "customers": pd.DataFrame({"customer_id": ["A"], "opened_on": [dt.date(2024, 1, 2)]}),
        "products": pd.DataFrame(county.PRODUCTS, columns=["product_id", "name", "name_en", "family", "counts_as"]),
        "accounts": pd.DataFrame(
            {
                "account_id": ["1"],
                "customer_id": ["A"],
                "product_id": ["TIM"],
                "holds": ["deposit"],
                "kind": ["time"],
                "opened_on": [dt.date(2024, 8, 15)],
            }
        ),
        "terms": pd.DataFrame(
            {
                "account_id": ["1", "1"],
                "started_on": [dt.date(2024, 8, 15), rolled_on],
                "matures_on": [old, new],
                "amount": [10_000_000, 10_100_000],
                "rollover": ["all", "all"],
                "ended_on": [rolled_on, None],
                "end_reason": ["rolled", None],
            }
        ),
        "balances": pd.DataFrame(
            {"account_id": ["1", "1"], "on": [dt.date(2024, 8, 15), rolled_on], "balance": [10_000_000, 10_100_000]}
        ),
    }
    canonical = county.write(tmp_path / "canonical", tables)
    before, after = dt.date(2025, 8, 1), dt.date(2025, 8, 20)
    files = build(canonical, county.SETTINGS, [before, after], tmp_path / "out")
    then, now = files.read(before).iloc[0], files.read(after).iloc[0]
    assert (then.time_next_maturity_on, then.time_maturing_30d_amt, then.next_maturity_amt) == (old, 100_000.0, 100_000.0)
    assert (now.time_next_maturity_on, now.time_maturing_30d_amt, now.last_maturity_left_share) == (new, 0.0, 0.0)
