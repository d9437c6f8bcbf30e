"""What a branch hands to a customer who asks about the tier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.tier_words import ERRORS
from flows.translation import translated

NIGHT = "2025-09-30"


def rows(place: Any) -> list[dict[str, Any]]:
    return pq.read_table(place.home / "small" / "tiers" / f"as_of={NIGHT}.parquet").to_pylist()


@pytest.fixture
def place(first_night: Any) -> Any:
    return first_night[0]


def test_the_statement_says_tier_figures_distance_and_rules_of_the_published_date(place: Any) -> None:
    row = next(row for row in rows(place) if (row["status"], row["tier"], row["basis"]) == ("graded", "silver", "quarter"))
    told = place.run("tier", row["customer_id"])
    assert told.returncode == 0, told.stderr
    assert "Small River Bank: your customer tier" in told.stdout
    assert f"Customer {row['customer_id']}, as of 30 September 2025" in told.stdout
    assert "Tier: Silver (银卡)" in told.stdout
    assert f"assets averaged CNY {row['measure_adb']:,.2f} a day".replace(".00", "") in told.stdout
    assert f"CNY {row['gap_amount']:,.2f} more".replace(".00", "") in told.stdout
    assert "(1 April 2025 to 30 June 2025, 91 days)" in told.stdout
    chinese = place.run("tier", row["customer_id"], "--language", "zh", "--as-of", NIGHT).stdout
    assert "客户等级：银卡（Silver）" in chinese
    assert f"金融资产日均{row['measure_adb']:,.2f}元".replace(".00", "") in chinese


def test_the_statement_is_written_as_text_and_as_json_with_both_wordings(place: Any, tmp_path: Path) -> None:
    row = rows(place)[3]
    printed = place.run("tier", row["customer_id"], "--out", tmp_path / "tier.txt").stdout
    assert (tmp_path / "tier.txt").read_text(encoding="utf-8") == printed
    assert place.run("tier", row["customer_id"], "--out", tmp_path / "tier.json").stdout == printed
    told = json.loads((tmp_path / "tier.json").read_text(encoding="utf-8"))
    assert told["statement_en"] == printed.splitlines()
    assert told["measure_adb"] == row["measure_adb"]
    assert told["tier_zh"] in told["statement_zh"][3]
    assert not {"group", "is_dormant", "age", "gender"} & told.keys()
    wrong = place.run("tier", row["customer_id"], "--out", tmp_path / "tier.pdf")
    assert wrong.returncode == 40
    assert ".txt or .json" in wrong.stderr + wrong.stdout


def test_errors_about_tiers_have_chinese_that_fills_in_the_same() -> None:
    for english, chinese in ERRORS.items():
        blanks = english.count("{}")
        said = translated(english.format(*(f"<{n}>" for n in range(blanks))), ERRORS)
        assert all(f"<{n}>" in said for n in range(blanks)), english
        assert said == chinese.format(*(f"<{n}>" for n in range(blanks)))


def test_who_asks_for_nobody_or_for_another_day_is_told_what_to_do(place: Any) -> None:
    nobody = place.run("tier", "C9999")
    assert nobody.returncode != 0
    assert "no customer 'C9999'" in nobody.stderr + nobody.stdout
    bare = place.run("tier", "00C0001")
    assert "ask for C0001: numbers keep their leading zeros" in bare.stderr + bare.stdout
    other = place.run("tier", "C0001", "--as-of", "2025-08-31")
    assert other.returncode != 0
    assert NIGHT in other.stderr + other.stdout


def test_a_home_without_a_night_says_to_run_one(made: Any) -> None:
    place = made()
    for command in (("tier", "C0001"), ("tiers",)):
        told = place.run(*command)
        assert told.returncode != 0
        assert "no tiers yet" in told.stderr + told.stdout
        assert "terrace nightly" in told.stderr + told.stdout
