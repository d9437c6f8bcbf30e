"""Grading as a rural bank does it: averages and contribution, notice, Spring Festival, new, overdue, by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import account, balances, customer, day, flow, loan, small_bank

import features.cohorts
from models.groups import GroupSettings
from models.tier_settings import Override, TierSettings, read_overrides
from models.tiers import calendar, grade
from models.value import ValueSettings
from sources.canonical import Canonical
from store.errors import ConfigError
from store.settings import read_yaml

HOUSE = read_yaml(Path(__file__).parents[2] / "configs" / "tiers.yaml")[0]
TIERS, GROUPS = TierSettings.model_validate(HOUSE["tiers"]), GroupSettings.model_validate(HOUSE["groups"])
ASSETS_ONLY = ValueSettings(asset_spread_other=0.0, counter_cost=0, fee_categories=(), loan_rate_other=0.02)
LONG_AGO = "2024-01-01"


def bank_of(root: Path, steps: dict[str, list[tuple[str, float]]], newest: str = "2026-10-31", **tables: Any) -> Canonical:
    """One current account per customer with these balances; Z has had nothing since long ago."""
    steps = {**steps, "Z": [(LONG_AGO, 0)]}
    more = {"customers": [customer(c) for c in steps], "accounts": [account(f"acc-{c}", c) for c in steps]} | tables
    return small_bank(root / "bank", newest, balances=[r for c, s in steps.items() for r in balances(f"acc-{c}", *s)], **more)


def graded(bank: Canonical, as_of: str, value: ValueSettings = ASSETS_ONLY, **more: Any) -> dict[str, dict[str, Any]]:
    rows = grade(bank, TIERS, value, None, day(as_of), **more).to_pylist()
    assert len({row["customer_id"] for row in rows}) == len(rows)
    return {row["customer_id"]: row for row in rows}


def tier(bank: Canonical, as_of: str, of: str = "A", **more: Any) -> tuple[str, str]:
    row = graded(bank, as_of, **more)[of]
    return row["tier"], row["status"]


def test_the_first_day_of_a_quarter_grades_on_the_average_of_the_quarter_before(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 1_000), ("2026-06-10", 300_000)]})
    assert tier(bank, "2026-06-30") == ("basic", "graded")
    row = graded(bank, "2026-07-01")["A"]
    average = (70 * 1_000 + 21 * 300_000) / 91      # April to 9 June, and from then on
    assert (row["tier"], row["decided_by"], row["days_counted"], row["next_tier"]) == ("gold", "adb", 91, "platinum")
    assert row["graded_on"] == day("2026-07-01")
    assert row["measure_adb"] == pytest.approx(average)
    assert row["gap_amount"] == pytest.approx(200_000 - average)


@pytest.mark.parametrize("as_of", ["2026-06-30", "2026-07-01", "2026-07-31", "2026-08-31", "2026-10-01", "2026-10-31"])
def test_money_parked_for_the_grading_day_moves_nobody(tmp_path: Path, as_of: str) -> None:
    quiet = [(LONG_AGO, 6_000.0)]
    parked = [*quiet, ("2026-05-29", 9e6), ("2026-06-02", 6_000.0), ("2026-06-28", 9e6), ("2026-07-03", 6_000.0),
              ("2026-07-29", 9e6), ("2026-08-02", 6_000.0), ("2026-09-29", 9e6), ("2026-10-02", 6_000.0)]
    bank = bank_of(tmp_path, {"A": parked, "B": quiet, "C": [(LONG_AGO, 9e6)]})
    found = graded(bank, as_of)
    assert found["A"]["measure_adb"] == found["B"]["measure_adb"] == 6_000.0
    assert found["A"]["tier"] == found["B"]["tier"] == "basic"
    assert found["C"]["tier"] == "diamond"          # the same sum, kept, does


@pytest.mark.parametrize("as_of", ["2026-06-30", "2026-07-01", "2026-07-31", "2026-08-31"])
def test_a_loan_just_paid_out_moves_nobody(tmp_path: Path, as_of: str) -> None:
    course = [(LONG_AGO, 6_000.0), ("2026-05-04", 406_000.0), ("2026-08-02", 6_000.0)]
    with_loan = bank_of(tmp_path / "loan", {"A": course}, loans=[loan("L", "A", "2026-05-04", 400_000)])
    without = bank_of(tmp_path / "own", {"A": course})
    assert tier(with_loan, as_of) == ("basic", "graded")
    if as_of > "2026-06-30":
        assert tier(without, as_of)[0] == "platinum"


def test_two_whole_months_above_take_one_up_at_the_month_end_and_one_month_does_not(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 1_000), ("2026-04-01", 60_000)]})
    assert tier(bank, "2026-04-30")[0] == tier(bank, "2026-05-30")[0] == "basic"
    row = graded(bank, "2026-05-31")["A"]
    assert (row["tier"], row["graded_on"], row["days_counted"]) == ("gold", day("2026-05-31"), 61)


def test_down_only_after_a_quarter_of_notice(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 60_000), ("2026-04-01", 500)]})
    assert tier(bank, "2026-06-30") == ("gold", "graded")
    assert tier(bank, "2026-07-01") == ("gold", "notice")
    assert tier(bank, "2026-09-30") == ("gold", "notice")
    assert tier(bank, "2026-10-01") == ("basic", "graded")


def test_who_recovers_during_notice_keeps_the_tier(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 60_000), ("2026-04-01", 500), ("2026-07-10", 70_000)]})
    assert tier(bank, "2026-07-01") == ("gold", "notice")
    assert tier(bank, "2026-10-01") == ("gold", "graded")


def test_a_fall_stops_at_what_the_quarter_of_notice_still_earned(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 300_000), ("2026-04-01", 60_000), ("2026-07-01", 500)]})
    assert tier(bank, "2026-07-01") == ("platinum", "notice")
    assert tier(bank, "2026-10-01") == ("gold", "notice")       # notice of basic begins now


def test_nobody_falls_in_the_quarter_of_spring_festival(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 60_000), ("2025-07-01", 500)]})
    assert tier(bank, "2025-10-01") == ("gold", "notice")
    assert tier(bank, "2026-01-01") == tier(bank, "2026-03-31") == ("gold", "notice")
    assert tier(bank, "2026-04-01") == ("basic", "graded")
    elsewhere = TIERS.model_copy(update={"no_fall_quarters": ()})
    assert grade(bank, elsewhere, ASSETS_ONLY, None, day("2026-01-01"))["tier"].to_pylist()[0] == "basic"


def test_contribution_decides_where_it_is_the_higher_of_the_two(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 5_000)]}, loans=[
        loan("L", "A", "2025-01-01", 100_000, rate=0.06)], loan_status=[
        {"loan_id": "L", "on": day("2025-01-01"), "outstanding": 10_000_000, "overdue_days": 0, "class": "normal"}])
    value = ValueSettings(loan_ftp_other=0.02)
    row = graded(bank, "2026-07-01", value)["A"]
    assert (row["tier"], row["decided_by"]) == ("platinum", "contribution")
    assert row["measure_contribution"] == pytest.approx(100_000 * 0.04 * 0.99 + 5_000 * 0.008, rel=0.5)


def test_overdue_caps_at_the_lowest_tier_until_it_is_paid(tmp_path: Path) -> None:
    def status(on: str, overdue: int) -> dict[str, Any]:
        return {"loan_id": "L", "on": day(on), "outstanding": 1_000_000, "overdue_days": overdue, "class": "normal"}

    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 300_000)]}, loans=[loan("L", "A", "2024-06-01", 10_000)],
                   loan_status=[status("2024-06-01", 0), status("2026-07-10", 3), status("2026-08-05", 0)])
    assert tier(bank, "2026-07-09") == ("platinum", "graded")
    row = graded(bank, "2026-07-10")["A"]
    assert (row["tier"], row["status"], row["decided_by"], row["next_tier"]) == ("basic", "capped", "overdue", None)
    assert tier(bank, "2026-08-05") == ("platinum", "graded")


def test_under_ninety_days_a_customer_is_new_and_the_tier_provisional(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [("2026-07-20", 100_000)]}, customers=[customer("A", "2026-07-20"), customer("Z")],
                   accounts=[account("acc-A", "A", opened="2026-07-20"), account("acc-Z", "Z")])
    assert tier(bank, "2026-07-20") == ("basic", "provisional")         # a day's money is no average
    row = graded(bank, "2026-08-25")["A"]
    assert (row["tier"], row["status"], row["decided_by"]) == ("silver", "provisional", "new")
    assert row["measure_adb"] == pytest.approx(100_000 * 37 / 90)
    assert tier(bank, "2026-10-18") == ("gold", "graded")               # ninety days


def test_dormant_is_a_status_and_not_a_tier(tmp_path: Path) -> None:
    rich = [(LONG_AGO, 300_000.0)]
    bank = bank_of(tmp_path, {"A": rich, "B": rich}, customers=[customer("A", status="dormant"), customer("B", status="active"),
                                                               customer("Z")])
    found = graded(bank, "2026-07-01")
    assert found["A"]["tier"] == found["B"]["tier"] == "platinum"
    assert (found["A"]["is_dormant"], found["B"]["is_dormant"]) == (True, False)


def test_age_sex_and_village_move_nobody(tmp_path: Path) -> None:
    steps = {c: [(LONG_AGO, 1_000.0 * n), ("2026-05-01", 77_000.0 - n)] for n, c in enumerate("ABCDEF")}
    people = {"a": {"birth_on": day("1950-01-01"), "gender": "f", "grid_id": "G1"},
              "b": {"birth_on": day("2001-01-01"), "gender": "m", "grid_id": "G2"}}
    found = [grade(bank_of(tmp_path / name, steps, customers=[customer(c) | more for c in "ABCDEFZ"]), TIERS, ASSETS_ONLY, None,
                   day("2026-08-31")) for name, more in people.items()]
    assert found[0].equals(found[1])


def test_firms_keep_their_three_classes_by_the_same_measures(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 20_000_000)], "B": [(LONG_AGO, 2_000_000)], "C": [(LONG_AGO, 2_000_000)]},
                   customers=[customer("A", kind="corporate"), customer("B", kind="institution"), customer("C"), customer("Z")])
    found = graded(bank, "2026-07-01")
    assert [found[c]["tier"] for c in "ABC"] == ["strategic", "partner", "diamond"]
    assert [found[c]["is_vip"] for c in "ABC"] == [False, False, True]


def test_merged_numbers_are_one_customer_by_what_they_hold_together(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 30_000)], "B": [(LONG_AGO, 30_000)]},
                   merges=[{"old_id": "A", "new_id": "B", "on": day("2026-01-05")}])
    found = graded(bank, "2026-07-01")
    assert sorted(found) == ["B", "Z"]
    assert found["B"]["tier"] == "gold"


def test_a_tier_given_by_hand_holds_from_its_day_to_its_day(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 1_000)]})
    path = tmp_path / "overrides.yaml"
    path.write_text("overrides:\n  - {customer_id: A, tier: gold, why: 村集体代表，资金在途, asked_by: S12, "
                    "approved_by: S01, since: 2026-07-05, until: 2026-08-05}\n", encoding="utf-8")
    given = read_overrides(path)
    assert tier(bank, "2026-07-04", overrides=given) == tier(bank, "2026-08-06", overrides=given) == ("basic", "graded")
    assert graded(bank, "2026-08-05", overrides=given)["A"]["decided_by"] == "override"
    assert tier(bank, "2026-07-05", overrides=given)[0] == "gold"


def test_an_override_needs_four_eyes_and_an_end(tmp_path: Path) -> None:
    row = {"customer_id": "A", "tier": "gold", "why": "appeal upheld", "asked_by": "S1", "since": "2026-07-05"}
    with pytest.raises(ValidationError, match="four eyes"):
        Override.model_validate(row | {"approved_by": "S1", "until": "2026-08-05"})
    with pytest.raises(ValidationError, match="at most a year"):
        Override.model_validate(row | {"approved_by": "S2", "until": "2028-08-05"})
    path = tmp_path / "bad.yaml"
    path.write_text("overrides:\n  - {customer_id: A, tier: gold}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="until"):
        read_overrides(path)


def random_steps(seed: int, lift: float = 0.0) -> dict[str, list[tuple[str, float]]]:
    """Forty customers whose balance jumps about over two and a half years; `lift` adds money on every day."""
    rng = np.random.default_rng(seed)
    first = day(LONG_AGO).toordinal()
    steps = {}
    for n in range(40):
        on = sorted({first, *(first + int(d) for d in rng.integers(1, 1000, 14))})
        amounts = np.round(np.exp(rng.uniform(6, 14, len(on))), 2)
        more = lift * rng.uniform(0, 1, len(on)) * amounts
        steps[f"C{n:02}"] = [(day(LONG_AGO).fromordinal(d).isoformat(), float(a + b)) for d, a, b in
                             zip(on, amounts, np.round(more, 2), strict=True)]
    return steps


def test_more_money_on_every_day_never_lowers_a_tier(tmp_path: Path) -> None:
    rank = {level.id: -n for n, level in enumerate(TIERS.scales["personal"].levels)}
    poor, rich = bank_of(tmp_path / "poor", random_steps(3)), bank_of(tmp_path / "rich", random_steps(3, lift=3.0))
    higher = 0
    for as_of in ("2024-08-31", "2025-01-01", "2025-04-01", "2025-07-15", "2025-10-01", "2026-01-01", "2026-04-30"):
        a, b = graded(poor, as_of), graded(rich, as_of)
        assert all(rank[b[c]["tier"]] >= rank[a[c]["tier"]] for c in a)
        higher += sum(rank[b[c]["tier"]] > rank[a[c]["tier"]] for c in a)
    assert higher > 30


def test_a_grading_reads_nothing_after_its_day_and_no_order_of_rows(tmp_path: Path) -> None:
    steps = random_steps(4)
    cut = {c: [s for s in rows if s[0] <= "2025-08-20"] for c, rows in steps.items()}
    whole = grade(bank_of(tmp_path / "whole", steps), TIERS, ASSETS_ONLY, GROUPS, day("2025-08-20"))
    early = grade(bank_of(tmp_path / "cut", cut, newest="2025-08-20"), TIERS, ASSETS_ONLY, GROUPS, day("2025-08-20"))
    mixed = grade(bank_of(tmp_path / "mixed", steps, shuffle=9), TIERS, ASSETS_ONLY, GROUPS, day("2025-08-20"))
    assert whole.equals(early)
    assert whole.equals(mixed)
    assert len(set(whole["tier"].to_pylist())) >= 4


def test_bucket_by_bucket_gives_the_same_tiers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = bank_of(tmp_path, random_steps(6))
    whole = grade(bank, TIERS, ASSETS_ONLY, GROUPS, day("2025-08-20"))
    monkeypatch.setattr(features.cohorts, "ONE_PASS", 0)
    assert grade(bank, TIERS, ASSETS_ONLY, GROUPS, day("2025-08-20")).equals(whole)


def test_every_customer_known_has_exactly_one_tier_and_prospects_and_those_to_come_have_none(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 1_000)]}, customers=[
        customer("A"), customer("B", "2026-09-09"), customer("C", stage="prospect"), customer("N", "2026-06-30"),
        customer("Z")])
    assert sorted(graded(bank, "2026-07-01")) == ["A", "N", "Z"]


def test_the_marketing_group_stands_beside_the_tier(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 1_000)]},
                   transactions=[flow("acc-A", f"2026-0{m}-10", 4_000, "payroll") for m in range(1, 7)])
    rows: pa.Table = grade(bank, TIERS, ASSETS_ONLY, GROUPS, day("2026-07-01"))
    assert dict(zip(rows["customer_id"].to_pylist(), rows["group"].to_pylist(), strict=True)) == {"A": "payroll", "Z": "other"}
    assert rows.column_names[-1] == "group"


def test_a_bank_in_its_first_quarter_grades_nobody_for_good(tmp_path: Path) -> None:
    bank = small_bank(tmp_path, "2026-02-20", customers=[customer("A")], accounts=[account("1", "A")],
                      balances=balances("1", ("2026-01-01", 500_000)))
    row = grade(bank, TIERS, ASSETS_ONLY, None, day("2026-02-20")).to_pylist()[0]
    assert (row["tier"], row["status"]) == ("platinum", "provisional")
    assert row["measure_adb"] == pytest.approx(500_000 * 51 / 90)


def test_the_calendar_of_events_grades_after_a_quarter_has_closed() -> None:
    events = calendar(TIERS, day("2025-11-15"), day("2026-04-01"))
    assert [(day("2026-01-01").fromordinal(e.on).isoformat(), e.is_grading, e.may_fall) for e in events] == [
        ("2026-01-31", False, True), ("2026-02-28", False, True), ("2026-03-31", False, True), ("2026-04-01", True, True)]


@pytest.mark.parametrize(("levels", "said"), [
    ([{"id": "gold", "adb": 5}, {"id": "silver", "adb": 9}, {"id": "basic"}], "from high to low"),
    ([{"id": "gold", "adb": 5, "contribution": 5}, {"id": "silver", "adb": 1, "contribution": 1}], "asks for nothing"),
    ([{"id": "gold", "adb": 5, "contribution": 5}, {"id": "gold"}], "same id"),
])
def test_tiers_out_of_order_are_refused(levels: list[dict[str, Any]], said: str) -> None:
    scale = {"kinds": ["personal"], "levels": [{"zh": "级", "en": "Level"} | level for level in levels]}
    with pytest.raises(ValidationError, match=said):
        TierSettings.model_validate({"scales": {"personal": scale}})
