"""Tiers given by hand: four eyes, an end, and a name for everything that does not hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import account, balances, customer, day, loan, small_bank

from models.tier_overrides import states
from models.tier_settings import Override, TierSettings, read_overrides
from models.tiers import grade
from models.value import ValueSettings
from sources.canonical import Canonical
from store.errors import ConfigError
from store.settings import read_yaml

TIERS = TierSettings.model_validate(read_yaml(Path(__file__).parents[2] / "configs" / "tiers.yaml")[0]["tiers"])
ROW = {
    "customer_id": "A",
    "tier": "gold",
    "why": "村集体代表，资金在途",
    "asked_by": "S12",
    "approved_by": "S01",
    "since": "2026-07-05",
    "until": "2026-08-05",
}


def given(**more: Any) -> Override:
    return Override.model_validate(ROW | more)


def bank_of(root: Path, **tables: Any) -> Canonical:
    more = {
        "customers": [customer("A"), customer("B"), customer("F", kind="corporate")],
        "accounts": [account(f"acc-{c}", c) for c in "ABF"],
    } | tables
    held = [row for c in "ABF" for row in balances(f"acc-{c}", ("2024-01-01", 1_000))]
    return small_bank(root, "2026-10-31", balances=held, **more)


def graded(bank: Canonical, as_of: str, *overrides: Override) -> dict[str, dict[str, Any]]:
    table = grade(bank, TIERS, ValueSettings(), None, day(as_of), overrides)
    return {row["customer_id"]: row for row in table.to_pylist()}


def test_a_tier_given_by_hand_holds_from_its_day_to_its_day(tmp_path: Path) -> None:
    bank = bank_of(tmp_path / "bank")
    path = tmp_path / "overrides.yaml"
    path.write_text(
        "overrides:\n  - {customer_id: A, tier: gold, why: 村集体代表，资金在途, asked_by: S12, "
        "approved_by: S01, since: 2026-07-05, until: 2026-08-05}\n",
        encoding="utf-8",
    )
    (one,) = read_overrides(path)
    for before_or_after in ("2026-07-04", "2026-08-06"):
        row = graded(bank, before_or_after, one)["A"]
        assert (row["tier"], row["decided_by"], row["override_until"]) == ("basic", "adb", None)
    assert graded(bank, "2026-07-05", one)["A"]["tier"] == "gold"
    row = graded(bank, "2026-08-05", one)["A"]
    assert (row["tier"], row["decided_by"], row["rule_tier"]) == ("gold", "override", "basic")
    assert row["since_on"] == day("2026-07-05")
    assert (row["override_asked_by"], row["override_approved_by"], row["override_why"], row["override_until"]) == (
        "S12",
        "S01",
        "村集体代表，资金在途",
        day("2026-08-05"),
    )
    assert graded(bank, "2026-08-05", one)["B"]["override_why"] is None


def test_an_override_lifts_no_cap_of_those_overdue(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        loans=[loan("L", "A", "2024-06-01", 10_000)],
        loan_status=[{"loan_id": "L", "on": day("2026-07-01"), "outstanding": 1_000_000, "overdue_days": 9}],
    )
    row = graded(bank, "2026-07-10", given())["A"]
    assert (row["tier"], row["status"], row["decided_by"]) == ("basic", "capped", "overdue")


def test_an_override_for_a_merged_number_holds_for_the_number_that_stands_for_it(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, merges=[{"old_id": "A", "new_id": "B", "on": day("2026-07-10")}])
    assert graded(bank, "2026-07-09", given())["A"]["tier"] == "gold"
    after = graded(bank, "2026-07-10", given())
    assert (sorted(after), after["B"]["tier"]) == (["B", "F"], "gold")


def test_of_two_overrides_for_one_customer_the_later_holds(tmp_path: Path) -> None:
    two = given(), given(tier="silver", since="2026-07-20")
    bank = bank_of(tmp_path)
    assert graded(bank, "2026-07-19", *two)["A"]["tier"] == "gold"
    assert graded(bank, "2026-07-20", *two)["A"]["tier"] == "silver"
    assert [one.state for one in states(two, day("2026-07-20"), ["A"])] == ["replaced", "in_force"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"approved_by": "S12"}, "four eyes"),
        ({"approved_by": " s12 "}, "four eyes"),
        ({"until": "2028-08-05"}, "at most a year"),
        ({"until": "2026-07-04"}, "from `since` to `until`"),
        ({"why": "  ok  "}, "at least 4"),
        ({"approved_by": "  "}, "at least 1"),
    ],
)
def test_an_override_needs_four_eyes_a_reason_and_an_end(more: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        given(**more)


def test_an_override_without_end_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("overrides:\n  - {customer_id: A, tier: gold}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad\.yaml:2: 'overrides\.0\.until' is missing"):
        read_overrides(path)


def test_a_tier_that_does_not_exist_or_is_of_another_scale_is_named_with_its_customer(tmp_path: Path) -> None:
    bank = bank_of(tmp_path)
    with pytest.raises(ConfigError, match=r"no tier 'platin' for A.*platinum"):
        graded(bank, "2026-07-20", given(tier="platin"))
    with pytest.raises(ConfigError, match=r"'gold' for F is a tier of the scale 'personal'.*strategic, partner"):
        graded(bank, "2026-07-20", given(customer_id="F"))


def test_expired_coming_and_unknown_overrides_are_told_and_change_nothing(tmp_path: Path) -> None:
    every = (
        given(),
        given(customer_id="B", until="2026-07-19"),
        given(customer_id="F", since="2026-08-01"),
        given(customer_id="nobody"),
        given(customer_id="old"),
    )
    found = {one.override.customer_id: one.state for one in states(every, day("2026-07-20"), ["A", "B", "F"], {"old": "B"})}
    assert found == {"A": "in_force", "B": "expired", "F": "to_come", "nobody": "unknown", "old": "in_force"}
    bank = bank_of(tmp_path)
    assert {c: row["tier"] for c, row in graded(bank, "2026-07-20", *every[:4]).items()} == {
        "A": "gold",
        "B": "basic",
        "F": "maintenance",
    }
