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
from models.tier_calendar import calendar, next_fall
from models.tier_settings import TierSettings
from models.tiers import grade
from models.value import ValueSettings
from sources.canonical import Canonical
from store.settings import read_yaml

HOUSE = read_yaml(Path(__file__).parents[2] / "configs" / "tiers.yaml")[0]
TIERS, GROUPS = TierSettings.model_validate(HOUSE["tiers"]), GroupSettings.model_validate(HOUSE["groups"])
HOUSE_VALUE = ValueSettings.model_validate(HOUSE["value"])
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
    average = (70 * 1_000 + 21 * 300_000) / 91  # April to 9 June, and from then on
    assert (row["tier"], row["decided_by"], row["days_counted"], row["next_tier"]) == ("gold", "adb", 91, "platinum")
    assert row["graded_on"] == day("2026-07-01")
    assert row["measure_adb"] == pytest.approx(average)
    assert row["gap_amount"] == pytest.approx(200_000 - average)


@pytest.mark.parametrize("value", [ASSETS_ONLY, HOUSE_VALUE], ids=["by average", "by contribution too"])
@pytest.mark.parametrize("as_of", ["2026-06-30", "2026-07-01", "2026-07-31", "2026-08-31", "2026-10-01", "2026-10-31"])
def test_money_parked_for_the_grading_day_moves_nobody(tmp_path: Path, as_of: str, value: ValueSettings) -> None:
    quiet = [(LONG_AGO, 6_000.0)]
    parked = [
        *quiet,
        ("2026-05-29", 9e6),
        ("2026-06-02", 6_000.0),
        ("2026-06-28", 9e6),
        ("2026-07-03", 6_000.0),
        ("2026-07-29", 9e6),
        ("2026-08-02", 6_000.0),
        ("2026-09-29", 9e6),
        ("2026-10-02", 6_000.0),
    ]
    bank = bank_of(tmp_path, {"A": parked, "B": quiet, "C": [(LONG_AGO, 9e6)]})
    found = graded(bank, as_of, value)
    assert found["A"]["measure_adb"] == found["B"]["measure_adb"] == 6_000.0
    assert found["A"]["measure_contribution"] == found["B"]["measure_contribution"] < 120
    assert found["A"]["tier"] == found["B"]["tier"] == "basic"
    assert found["C"]["tier"] == "diamond"  # the same sum, kept, does


@pytest.mark.parametrize("value", [ASSETS_ONLY, HOUSE_VALUE], ids=["by average", "by contribution too"])
@pytest.mark.parametrize("as_of", ["2026-06-30", "2026-07-01", "2026-07-31"])
def test_a_loan_just_paid_out_moves_nobody(tmp_path: Path, as_of: str, value: ValueSettings) -> None:
    course = [(LONG_AGO, 6_000.0), ("2026-05-04", 406_000.0), ("2026-08-02", 6_000.0)]
    with_loan = bank_of(tmp_path / "loan", {"A": course}, loans=[loan("L", "A", "2026-05-04", 400_000, rate=0.055)])
    without = bank_of(tmp_path / "own", {"A": course})
    assert tier(with_loan, as_of, value=value) == ("basic", "graded")
    if as_of > "2026-06-30":
        assert tier(without, as_of, value=value)[0] == "platinum"


def test_a_loan_contributes_from_its_ninetieth_day_and_a_renewed_one_goes_on(tmp_path: Path) -> None:
    loans = [
        loan("L", "A", "2026-05-04", 400_000, rate=0.055),
        loan("R", "B", "2026-05-04", 400_000, rate=0.055, previous_loan_id="before"),
    ]
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 6_000)], "B": [(LONG_AGO, 6_000)]}, loans=loans)
    earns, days = 400_000 * (0.055 - 0.028) * 0.99, (day("2026-09-30") - day("2026-08-01")).days
    found = graded(bank, "2026-10-01", HOUSE_VALUE)
    assert found["A"]["loan_margin"] == pytest.approx(earns * days / 365, rel=0.15)  # repaid in equal parts
    assert found["B"]["loan_margin"] > 2 * found["A"]["loan_margin"] > 0


def test_two_whole_months_above_take_one_up_at_the_month_end_and_one_month_does_not(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 1_000), ("2026-04-01", 60_000)]})
    assert tier(bank, "2026-04-30")[0] == tier(bank, "2026-05-30")[0] == "basic"
    row = graded(bank, "2026-05-31")["A"]
    assert (row["tier"], row["graded_on"], row["days_counted"], row["basis"]) == ("gold", day("2026-05-31"), 61, "months")
    assert graded(bank, "2026-07-01")["A"]["basis"] == "quarter"


def test_one_month_of_high_contribution_is_not_two_months_above(tmp_path: Path) -> None:
    fees = [flow("acc-A", "2026-05-06", -90, "fee"), flow("acc-B", "2026-04-06", -90, "fee")]
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 4_000)], "B": [(LONG_AGO, 4_000)]}, transactions=fees)
    april, may, june = (graded(bank, on, HOUSE_VALUE) for on in ("2026-04-30", "2026-05-31", "2026-06-30"))
    assert april["B"]["tier"] == may["A"]["tier"] == "basic"
    assert may["B"]["tier"] == june["A"]["tier"] == "silver"
    assert may["B"]["decided_by"] == "contribution"


def test_down_only_after_a_quarter_of_notice(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 60_000), ("2026-04-01", 500)]})
    assert tier(bank, "2026-06-30") == ("gold", "graded")
    assert tier(bank, "2026-07-01") == ("gold", "notice")
    row = graded(bank, "2026-09-30")["A"]
    assert (row["tier"], row["status"], row["earned_tier"]) == ("gold", "notice", "basic")
    assert row["notice_until"] == day("2026-09-30")
    assert tier(bank, "2026-10-01") == ("basic", "graded")


def test_who_recovers_during_notice_keeps_the_tier(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 60_000), ("2026-04-01", 500), ("2026-07-10", 70_000)]})
    assert tier(bank, "2026-07-01") == ("gold", "notice")
    assert tier(bank, "2026-10-01") == ("gold", "graded")


def test_a_fall_stops_at_what_the_quarter_of_notice_still_earned(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 300_000), ("2026-04-01", 60_000), ("2026-07-01", 500)]})
    assert tier(bank, "2026-07-01") == ("platinum", "notice")
    assert tier(bank, "2026-10-01") == ("gold", "notice")  # notice of basic begins now


def test_nobody_falls_in_the_quarter_of_spring_festival(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 60_000), ("2025-07-01", 500)]})
    assert tier(bank, "2025-10-01") == ("gold", "notice")
    assert graded(bank, "2025-10-01")["A"]["notice_until"] == day("2026-03-31")  # said from the first day of notice
    assert tier(bank, "2026-01-01") == tier(bank, "2026-03-31") == ("gold", "notice")
    assert tier(bank, "2026-04-01") == ("basic", "graded")
    elsewhere = TIERS.model_copy(update={"no_fall_quarters": ()})
    assert grade(bank, elsewhere, ASSETS_ONLY, None, day("2026-01-01"))["tier"].to_pylist()[0] == "basic"


def test_contribution_decides_where_it_is_the_higher_of_the_two(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        {"A": [(LONG_AGO, 5_000)]},
        loans=[loan("L", "A", "2025-01-01", 100_000, rate=0.06)],
        loan_status=[
            {"loan_id": "L", "on": day("2025-01-01"), "outstanding": 10_000_000, "overdue_days": 0, "class": "normal"}
        ],
    )
    value = ValueSettings(loan_ftp_other=0.02)
    row = graded(bank, "2026-07-01", value)["A"]
    assert (row["tier"], row["decided_by"]) == ("platinum", "contribution")
    assert row["measure_contribution"] == pytest.approx(100_000 * 0.04 * 0.99 + 5_000 * 0.008, rel=0.5)


def test_overdue_caps_at_the_lowest_tier_until_it_is_paid(tmp_path: Path) -> None:
    def status(on: str, overdue: int) -> dict[str, Any]:
        return {"loan_id": "L", "on": day(on), "outstanding": 1_000_000, "overdue_days": overdue, "class": "normal"}

    bank = bank_of(
        tmp_path,
        {"A": [(LONG_AGO, 300_000)]},
        loans=[loan("L", "A", "2024-06-01", 10_000)],
        loan_status=[status("2024-06-01", 0), status("2026-07-10", 3), status("2026-08-05", 0)],
    )
    assert tier(bank, "2026-07-09") == ("platinum", "graded")
    row = graded(bank, "2026-07-10")["A"]
    assert (row["tier"], row["status"], row["decided_by"], row["next_tier"]) == ("basic", "capped", "overdue", None)
    assert (row["rule_tier"], row["since_on"], row["gap_amount"]) == ("platinum", None, None)
    assert tier(bank, "2026-08-05") == ("platinum", "graded")


def test_an_overdue_amount_without_a_number_of_days_caps_too(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        {"A": [(LONG_AGO, 300_000)]},
        loans=[loan("L", "A", "2024-06-01", 10_000)],
        loan_status=[
            {"loan_id": "L", "on": day("2024-06-01"), "outstanding": 1_000_000, "overdue_days": 0},
            {"loan_id": "L", "on": day("2026-07-10"), "outstanding": 1_000_000, "overdue_amount": 5_000},
        ],
    )
    assert tier(bank, "2026-07-09") == ("platinum", "graded")
    assert tier(bank, "2026-07-10") == ("basic", "capped")


def test_under_ninety_days_a_customer_is_new_and_the_tier_provisional(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        {"A": [("2026-07-20", 100_000)]},
        customers=[customer("A", "2026-07-20"), customer("Z")],
        accounts=[account("acc-A", "A", opened="2026-07-20"), account("acc-Z", "Z")],
    )
    assert tier(bank, "2026-07-20") == ("basic", "provisional")  # a day's money is no average
    row = graded(bank, "2026-08-25")["A"]
    assert (row["tier"], row["status"], row["decided_by"]) == ("silver", "provisional", "new")
    assert row["measure_adb"] == pytest.approx(100_000 * 37 / 90)
    assert (row["provisional_until"], row["since_on"], row["basis"]) == (day("2026-10-17"), None, "trial")
    assert tier(bank, "2026-10-18") == ("gold", "graded")  # ninety days


def test_dormant_is_a_status_and_not_a_tier(tmp_path: Path) -> None:
    rich = [(LONG_AGO, 300_000.0)]
    bank = bank_of(
        tmp_path,
        {"A": rich, "B": rich},
        customers=[customer("A", status="dormant"), customer("B", status="active"), customer("Z")],
    )
    found = graded(bank, "2026-07-01")
    assert found["A"]["tier"] == found["B"]["tier"] == "platinum"
    assert (found["A"]["is_dormant"], found["B"]["is_dormant"]) == (True, False)


def test_age_sex_and_village_move_nobody(tmp_path: Path) -> None:
    steps = {c: [(LONG_AGO, 1_000.0 * n), ("2026-05-01", 77_000.0 - n)] for n, c in enumerate("ABCDEF")}
    people = {
        "a": {"birth_on": day("1950-01-01"), "gender": "f", "grid_id": "G1"},
        "b": {"birth_on": day("2001-01-01"), "gender": "m", "grid_id": "G2"},
    }
    found = [
        grade(
            bank_of(tmp_path / name, steps, customers=[customer(c) | more for c in "ABCDEFZ"]),
            TIERS,
            ASSETS_ONLY,
            None,
            day("2026-08-31"),
        )
        for name, more in people.items()
    ]
    assert found[0].equals(found[1])


def test_firms_keep_their_three_classes_by_the_same_measures(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        {"A": [(LONG_AGO, 20_000_000)], "B": [(LONG_AGO, 2_000_000)], "C": [(LONG_AGO, 2_000_000)]},
        customers=[customer("A", kind="corporate"), customer("B", kind="institution"), customer("C"), customer("Z")],
    )
    found = graded(bank, "2026-07-01")
    assert [found[c]["tier"] for c in "ABC"] == ["strategic", "partner", "diamond"]
    assert [found[c]["is_vip"] for c in "ABC"] == [False, False, True]


def test_merged_numbers_are_one_customer_by_what_they_hold_together(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        {"A": [(LONG_AGO, 30_000)], "B": [(LONG_AGO, 30_000)]},
        merges=[{"old_id": "A", "new_id": "B", "on": day("2026-01-05")}],
    )
    found = graded(bank, "2026-07-01")
    assert sorted(found) == ["B", "Z"]
    assert found["B"]["tier"] == "gold"


def random_steps(seed: int, lift: float = 0.0) -> dict[str, list[tuple[str, float]]]:
    """Forty customers whose balance jumps about over two and a half years; `lift` adds money on every day."""
    rng = np.random.default_rng(seed)
    first = day(LONG_AGO).toordinal()
    steps = {}
    for n in range(40):
        on = sorted({first, *(first + int(d) for d in rng.integers(1, 1000, 14))})
        amounts = np.round(np.exp(rng.uniform(6, 14, len(on))), 2)
        more = lift * rng.uniform(0, 1, len(on)) * amounts
        steps[f"C{n:02}"] = [
            (day(LONG_AGO).fromordinal(d).isoformat(), float(a + b))
            for d, a, b in zip(on, amounts, np.round(more, 2), strict=True)
        ]
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


def test_a_year_of_balances_told_of_afterwards_grades_nobody_earlier(tmp_path: Path) -> None:
    steps = {"A": [("2026-02-10", 300_000.0)]}
    accounts = {"customers": [customer("A")], "accounts": [account("acc-A", "A")]}
    rows = [row for name, own in steps.items() for row in balances(f"acc-{name}", *own)]
    late = balances("acc-A", ("2024-01-01", 300_000), recorded_on=day("2026-09-01"))
    cut = small_bank(tmp_path / "cut", "2026-10-31", balances=rows, **accounts)
    whole = small_bank(tmp_path / "whole", "2026-10-31", balances=rows + late, **accounts)
    for as_of in ("2026-02-20", "2026-03-31", "2026-04-01", "2026-07-01"):
        assert graded(whole, as_of) == graded(cut, as_of)
    assert graded(whole, "2026-10-01")["A"]["measure_adb"] == 300_000


def test_bucket_by_bucket_gives_the_same_tiers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = bank_of(tmp_path, random_steps(6))
    whole = grade(bank, TIERS, ASSETS_ONLY, GROUPS, day("2025-08-20"))
    monkeypatch.setattr(features.cohorts, "ONE_PASS", 0)
    assert grade(bank, TIERS, ASSETS_ONLY, GROUPS, day("2025-08-20")).equals(whole)


def test_every_customer_known_has_exactly_one_tier_and_prospects_and_those_to_come_have_none(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        {"A": [(LONG_AGO, 1_000)]},
        customers=[
            customer("A"),
            customer("B", "2026-09-09"),
            customer("C", stage="prospect"),
            customer("N", "2026-06-30"),
            customer("Z"),
        ],
    )
    assert sorted(graded(bank, "2026-07-01")) == ["A", "N", "Z"]


def test_the_marketing_group_stands_beside_the_tier(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        {"A": [(LONG_AGO, 1_000)]},
        transactions=[flow("acc-A", f"2026-0{m}-10", 4_000, "payroll") for m in range(1, 7)],
    )
    shown: list[pa.Table] = []
    rows: pa.Table = grade(bank, TIERS, ASSETS_ONLY, GROUPS, day("2026-07-01"), meanwhile=shown.append)
    assert shown[0].equals(rows.drop_columns(["group"]))
    assert dict(zip(rows["customer_id"].to_pylist(), rows["group"].to_pylist(), strict=True)) == {"A": "payroll", "Z": "other"}
    assert rows.column_names[-1] == "group"


def test_a_bank_in_its_first_quarter_grades_nobody_for_good(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path,
        "2026-02-20",
        customers=[customer("A")],
        accounts=[account("1", "A")],
        balances=balances("1", ("2026-01-01", 500_000)),
    )
    row = grade(bank, TIERS, ASSETS_ONLY, None, day("2026-02-20")).to_pylist()[0]
    assert (row["tier"], row["status"]) == ("platinum", "provisional")
    assert row["measure_adb"] == pytest.approx(500_000 * 51 / 90)


def test_every_figure_of_a_tier_is_whole_cents_and_the_parts_add_up(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        random_steps(8),
        transactions=[
            flow("acc-C01", "2026-02-03", -3.33, "fee"),
            flow("acc-C01", "2026-02-04", 100, "cash", channel="counter"),
        ],
    )
    rows = graded(bank, "2026-08-31", HOUSE_VALUE)
    assert rows["C01"]["fees"] == 3.33
    assert rows["C01"]["counter_cost"] == HOUSE_VALUE.counter_cost
    for row in rows.values():
        parts = row["asset_margin"] + row["loan_margin"] + row["fees"] - row["counter_cost"]
        assert row["measure_contribution"] == round(parts, 2)
        assert row["measure_adb"] == round(row["measure_adb"], 2)
        if row["next_tier"]:
            assert row["gap_amount"] == round(max(row["next_adb"] - row["measure_adb"], 0.0), 2)
            assert row["tier_adb"] < row["next_adb"]
        assert row["days_counted"] == (row["period_until"] - row["period_from"]).days + 1


def test_a_tier_says_since_when_and_a_customer_is_none_before_the_first_day_here(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        {"A": [(LONG_AGO, 60_000), ("2025-07-01", 300_000)], "N": [("2026-03-10", 900)]},
        customers=[customer("A"), customer("N", "2026-03-10"), customer("Z")],
        accounts=[account("acc-A", "A"), account("acc-N", "N", opened="2026-03-10"), account("acc-Z", "Z")],
    )
    found = graded(bank, "2026-08-15")
    assert (found["A"]["tier"], found["A"]["since_on"]) == ("platinum", day("2025-08-31"))
    assert (found["N"]["tier"], found["N"]["since_on"]) == ("basic", day("2026-03-10"))


def raised(times: float, **more: Any) -> TierSettings:
    """Thresholds so many times those of the house, approved for 2027; those of the house held through 2026."""
    scale = HOUSE["tiers"]["scales"]["personal"]
    levels = [level | {k: level[k] * times for k in ("adb", "contribution") if k in level} for level in scale["levels"]]
    scales = HOUSE["tiers"]["scales"] | {"personal": scale | {"levels": levels, "vip_adb": scale["vip_adb"] * times}}
    return TierSettings.model_validate(HOUSE["tiers"] | {"scales": scales, "approved_for": 2027} | more)


def test_a_new_years_thresholds_move_nobody_before_its_first_day_nor_without_notice(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, {"A": [(LONG_AGO, 60_000)], "B": [(LONG_AGO, 400_000)]}, newest="2027-08-31")
    higher = raised(2, earlier={2026: {"personal": HOUSE["tiers"]["scales"]["personal"]}})

    def found(as_of: str, of: str = "A") -> dict[str, Any]:
        return {row["customer_id"]: row for row in grade(bank, higher, ASSETS_ONLY, None, day(as_of)).to_pylist()}[of]

    assert (found("2026-12-31")["tier"], found("2026-12-31")["status"]) == ("gold", "graded")
    new_year = found("2027-01-01")
    assert (new_year["tier"], new_year["status"], new_year["earned_tier"]) == ("gold", "notice", "silver")
    assert (new_year["notice_until"], new_year["tier_adb"]) == (day("2027-03-31"), 100_000)
    assert (found("2027-04-01")["tier"], found("2027-04-01")["status"]) == ("silver", "graded")
    assert found("2027-04-01", "B")["tier"] == "platinum"  # by both
    without = grade(bank, raised(2), ASSETS_ONLY, None, day("2026-12-31")).to_pylist()[0]
    assert without["tier"] == "silver"  # what would happen if last year's were forgotten


def test_earlier_thresholds_are_those_of_the_same_tiers_and_of_years_gone_by() -> None:
    personal = HOUSE["tiers"]["scales"]["personal"]
    with pytest.raises(ValidationError, match="is not before 2027"):
        raised(2, earlier={2027: {"personal": personal}})
    with pytest.raises(ValidationError, match="same tiers in the same order"):
        raised(2, earlier={2026: {"personal": personal | {"levels": personal["levels"][1:]}}})


@pytest.mark.parametrize(
    ("as_of", "falls"),
    [
        ("2026-05-20", "2026-07-01"),
        ("2026-09-30", "2026-10-01"),
        ("2026-10-01", "2027-04-01"),
        ("2026-12-31", "2027-04-01"),
        ("2027-01-01", "2027-04-01"),
        ("2027-03-31", "2027-04-01"),
    ],
)
def test_the_next_day_a_tier_may_fall_is_never_in_the_quarter_of_spring_festival(as_of: str, falls: str) -> None:
    assert next_fall(TIERS, day(as_of)) == day(falls)


def test_the_calendar_of_events_grades_after_a_quarter_has_closed() -> None:
    events = calendar(TIERS, day("2025-11-15"), day("2026-04-01"))
    assert [(day("2026-01-01").fromordinal(e.on).isoformat(), e.is_grading, e.may_fall) for e in events] == [
        ("2026-01-31", False, True),
        ("2026-02-28", False, True),
        ("2026-03-31", False, True),
        ("2026-04-01", True, True),
    ]


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([{"id": "gold", "adb": 5}, {"id": "silver", "adb": 9}, {"id": "basic"}], "from high to low"),
        ([{"id": "gold", "adb": 5, "contribution": 5}, {"id": "silver", "adb": 1, "contribution": 1}], "asks for nothing"),
        ([{"id": "gold", "adb": 5, "contribution": 5}, {"id": "gold"}], "same id"),
    ],
)
def test_tiers_out_of_order_are_refused(levels: list[dict[str, Any]], said: str) -> None:
    scale = {"kinds": ["personal"], "levels": [{"zh": "级", "en": "Level"} | level for level in levels]}
    with pytest.raises(ValidationError, match=said):
        TierSettings.model_validate({"scales": {"personal": scale}})


def test_two_scales_share_no_tier() -> None:
    scale = {
        "kinds": ["personal"],
        "levels": [
            {"id": "gold", "zh": "金", "en": "Gold", "adb": 5, "contribution": 5},
            {"id": "basic", "zh": "普", "en": "Basic"},
        ],
    }
    with pytest.raises(ValidationError, match="two scales share"):
        TierSettings.model_validate({"scales": {"personal": scale, "corporate": scale | {"kinds": ["corporate"]}}})
