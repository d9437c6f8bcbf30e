"""One date or twenty, in any order and any portion: the same bytes."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features import lanes
from features.engine import build, file_of
from store.errors import ConfigError
from store.files import read_json
from store.fingerprint import of_path
from store.limits import Limits

sys.path.insert(0, str(Path(__file__).parent))

import county

DATES = [dt.date(2024, 2, 29), dt.date(2024, 12, 31), dt.date(2025, 2, 14), dt.date(2025, 8, 31), dt.date(2026, 3, 31)]
VIEWS = ("account_holdings", "flow_elsewhere")  # enough of them where what is built does not matter


def test_one_date_or_many_give_the_same_bytes(tmp_path: Path) -> None:
    canonical = county.write(tmp_path / "canonical", county.make(31))
    build(canonical, county.SETTINGS, DATES, tmp_path / "many")
    for on in DATES:
        build(canonical, county.SETTINGS, [on], tmp_path / "one")
        assert of_path(file_of(tmp_path / "one", on)) == of_path(file_of(tmp_path / "many", on))


def test_shuffled_input_and_smaller_loads_give_the_same_bytes_and_other_buckets_the_same_rows(tmp_path: Path) -> None:
    tables = county.make(32)
    shuffled = {name: frame.sample(frac=1, random_state=3).reset_index(drop=True) for name, frame in tables.items()}
    on = DATES[-1]
    plain = build(county.write(tmp_path / "a", tables, buckets=5), county.SETTINGS, [on], tmp_path / "plain")
    little = replace(county.write(tmp_path / "b", shuffled, buckets=5), limits=Limits(rows_per_load=50))
    again = build(little, county.SETTINGS, [on], tmp_path / "small")
    assert again.fingerprints == plain.fingerprints
    assert len(list(file_of(tmp_path / "small", on).iterdir())) == 5
    other = build(county.write(tmp_path / "c", shuffled, buckets=2), county.SETTINGS, [on], tmp_path / "other")
    pd.testing.assert_frame_equal(other.read(on), plain.read(on), check_exact=True)


def test_lanes_beside_each_other_give_the_same_bytes_and_one_that_fails_stops_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canonical = county.write(tmp_path / "canonical", county.make(37), buckets=5)
    one = build(canonical, county.SETTINGS, DATES[2:], tmp_path / "one").fingerprints
    monkeypatch.setattr(lanes, "_LEAST", 10)
    count, loads = lanes.lanes_and_loads(replace(canonical, limits=Limits(threads=3, rows_per_load=300)))
    assert count == 3
    assert [bucket for load in loads for bucket in load] == [0, 1, 2, 3, 4]
    wide = replace(canonical, limits=Limits(threads=3, rows_per_load=300))
    assert build(wide, county.SETTINGS, DATES[2:], tmp_path / "three").fingerprints == one
    written, write = [], lanes._finish

    def fail(made: object, bucket: int, *rest: object) -> None:
        written.append(bucket)
        if len(written) == 4:
            raise OSError("no room")
        write(made, bucket, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(lanes, "_finish", fail)
    with pytest.raises(OSError, match="no room"):
        build(wide, county.SETTINGS, DATES[2:], tmp_path / "failed")
    assert len(written) < 15
    monkeypatch.setattr(lanes, "_finish", write)
    assert build(wide, county.SETTINGS, DATES[2:], tmp_path / "failed").fingerprints == one


def test_a_build_that_is_stopped_leaves_whole_dates_and_the_next_goes_on_after_the_last_finished_bucket(tmp_path: Path) -> None:
    canonical = county.write(tmp_path / "canonical", county.make(34), buckets=5)
    little = replace(canonical, limits=Limits(rows_per_load=50))
    whole = build(little, county.SETTINGS, DATES, tmp_path / "whole", views=VIEWS).fingerprints

    def stop(_what: str, done: int, total: int) -> None:
        if done == total - 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(little, county.SETTINGS, DATES, tmp_path / "stopped", stop, VIEWS)
    assert sorted(path.name for path in (tmp_path / "stopped").glob("as_of=*")) == [
        f"as_of={on}{ending}" for on in DATES[:3] for ending in (".json", ".parquet")
    ]
    next((tmp_path / "stopped" / ".parts").glob("*/*")).joinpath(".half.parquet.tmp").write_bytes(b"half a file")
    parts = sorted((tmp_path / "stopped" / ".parts").glob("*/*/*.parquet"))
    parts[0].write_bytes(parts[0].read_bytes()[:-9])  # a disk lost its end
    left: list[int] = []
    again = build(little, county.SETTINGS, DATES, tmp_path / "stopped", lambda *step: left.append(step[2]), VIEWS)
    assert again.fingerprints == whole
    assert len(left) <= 3  # of the two dates that were missing, the last load at most and the one cut short
    assert not (tmp_path / "stopped" / ".parts").exists()


def test_limits_of_the_machine_change_no_bit_and_make_nothing_anew(tmp_path: Path) -> None:
    canonical = county.write(tmp_path / "canonical", county.make(35), buckets=2)
    on, steps = DATES[-1], []
    wide = replace(canonical, limits=Limits(threads=4, memory="8GB"))
    narrow = replace(canonical, limits=Limits(threads=1, memory="1GB", temporary_space="1GB", rows_per_load=20))
    made = build(wide, county.SETTINGS, [on], tmp_path / "wide")
    assert build(narrow, county.SETTINGS, [on], tmp_path / "narrow").fingerprints == made.fingerprints
    build(narrow, county.SETTINGS, [on], tmp_path / "wide", progress=lambda *step: steps.append(step))
    assert steps == []


@pytest.mark.parametrize(
    "some", [("income_blocks_180d_cnt", "income_blocks_360d_cnt"), ("payroll_cnt_90d", "payroll_cnt_365d")]
)
def test_features_that_only_count_are_the_same_without_the_others(tmp_path: Path, some: tuple[str, ...]) -> None:
    canonical, on = county.write(tmp_path / "canonical", county.make(36, customers=12)), DATES[-1]
    whole = build(canonical, county.SETTINGS, [on], tmp_path / "whole")
    others = [spec.name for spec in whole.specs if spec.name not in some]
    settings = county.SETTINGS.model_copy(update={"features": county.SETTINGS.features.model_copy(update={"without": others})})
    alone = build(canonical, settings, [on], tmp_path / "alone")
    assert {spec.name for spec in alone.specs} == set(some)
    columns = ["customer_id", *some]
    pd.testing.assert_frame_equal(alone.read(on)[columns], whole.read(on)[columns], check_exact=True)
    assert (whole.read(on)[list(some)] > 0).any().all()


def test_a_file_made_of_the_same_is_kept_and_one_that_was_touched_is_made_again(tmp_path: Path) -> None:
    canonical = county.write(tmp_path / "canonical", county.make(33, customers=6))
    on, steps = DATES[-1], []
    first = build(canonical, county.SETTINGS, [on], tmp_path / "out", progress=lambda *step: steps.append(step))
    assert steps == [("features", 1, 1)]
    build(canonical, county.SETTINGS, [on], tmp_path / "out", progress=lambda *step: steps.append(step))
    assert len(steps) == 1
    next(first.path(on).iterdir()).write_bytes(b"half a file")
    again = build(canonical, county.SETTINGS, [on], tmp_path / "out", progress=lambda *step: steps.append(step))
    assert len(steps) == 2
    assert again.fingerprints == first.fingerprints


def test_a_bank_with_no_product_or_table_for_a_feature_gets_none_and_is_told_why(tmp_path: Path) -> None:
    tables = county.make(34, customers=6)
    for gone in ("loan_status", "facilities", "activity"):
        del tables[gone]
    canonical = county.write(tmp_path / "canonical", tables)
    files = build(canonical, county.SETTINGS, [DATES[-1]], tmp_path / "out")
    names = [spec.name for spec in files.specs]
    assert "loan_open_cnt" in names
    assert not {"loan_overdue_days", "facility_unused_amt", "mobile_login_30d_cnt", "has_etc"} & set(names)
    assert list(files.read(DATES[-1]).columns) == ["customer_id", "as_of", *names]
    noted = read_json(file_of(tmp_path / "out", DATES[-1]).with_suffix(".json"))
    assert [row["name"] for row in noted["catalog"]] == names


def test_a_single_view_can_be_built_alone_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    canonical = county.write(tmp_path / "canonical", county.make(35, customers=6))
    files = build(canonical, county.SETTINGS, [DATES[-1]], tmp_path / "out", views=["profile"])
    assert set(files.features) >= {"cust_tenure_months", "cust_age_years"}
    assert "dep_adb_30d" not in files.features
    with pytest.raises(ConfigError, match="profile"):
        build(canonical, county.SETTINGS, [DATES[-1]], tmp_path / "out", views=["profil"])
