"""Marketing groups: the first rule that holds; nothing but named facts can be asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import account, customer, day, flow, small_bank

from models.groups import GroupSettings, assign, parse_line
from sources.canonical import Canonical
from store.settings import read_yaml

HOUSE = GroupSettings.model_validate(read_yaml(Path(__file__).parents[2] / "configs" / "tiers.yaml")[0]["groups"])


def monthly(owner: str, category: str, yuan: float, months: range = range(1, 7)) -> list[dict[str, Any]]:
    return [flow(f"acc-{owner}", f"2026-{m:02}-12", yuan, category) for m in months]


def village(root: Path, **more: Any) -> Canonical:
    people = {
        "teacher": {"occupation": "中学教师"},
        "shop": {"occupation": "个体工商户"},
        "boss": {},
        "worker": {},
        "old": {"occupation": "其他"},
        "grain": {"occupation": "其他"},
        "away": {"occupation": "外出务工"},
        "nobody": {},
    }
    firm = customer("firm", kind="corporate")
    return small_bank(
        root,
        "2026-06-30",
        customers=[*(customer(name, **extra) for name, extra in people.items()), firm],
        accounts=[account(f"acc-{name}", name) for name in people],
        transactions=[
            *monthly("teacher", "payroll", 6000),
            *monthly("worker", "payroll", 4000),
            *monthly("boss", "payroll", 9000),
            *monthly("old", "pension", 2500),
            *monthly("old", "subsidy", 200, range(5, 6)),
            *monthly("grain", "grain_sale", 30_000, range(4, 5)),
            *monthly("nobody", "payroll", 4000, range(1, 3)),
        ],
        links=[
            {"customer_id": "boss", "related_id": "firm", "kind": "legal_rep", "started_on": day("2020-01-01")},
            {
                "customer_id": "worker",
                "related_id": "firm",
                "kind": "legal_rep",
                "started_on": day("2020-01-01"),
                "ended_on": day("2024-01-01"),
            },
        ],
        **more,
    )


def groups(bank: Canonical, as_of: str = "2026-06-30") -> dict[str, str]:
    table = assign(bank, HOUSE, day(as_of))
    assert table["customer_id"].to_pylist() == sorted(table["customer_id"].to_pylist())
    return dict(zip(table["customer_id"].to_pylist(), table["group"].to_pylist(), strict=True))


def test_occupation_links_and_flows_say_the_group_and_the_first_rule_that_holds_has_them(tmp_path: Path) -> None:
    assert groups(village(tmp_path)) == {
        "teacher": "public",
        "shop": "merchant",
        "boss": "owner",
        "worker": "payroll",
        "old": "pensioner",
        "grain": "farmer",
        "away": "migrant",
        "nobody": "other",
        "firm": "other",
    }


def test_what_comes_after_as_of_says_nothing(tmp_path: Path) -> None:
    assert groups(village(tmp_path), "2026-02-28")["worker"] == "other"


def test_rows_in_any_order_give_the_same_groups(tmp_path: Path) -> None:
    assert assign(village(tmp_path / "a"), HOUSE, day("2026-06-30")).equals(
        assign(village(tmp_path / "b", shuffle=4), HOUSE, day("2026-06-30"))
    )


def test_who_works_for_an_institution_is_in_public_service(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path,
        "2026-06-30",
        customers=[customer("A"), customer("school", kind="institution")],
        accounts=[account("acc-A", "A")],
        transactions=monthly("A", "payroll", 5000),
        links=[{"customer_id": "A", "related_id": "school", "kind": "employer", "started_on": day("2020-01-01")}],
    )
    assert groups(bank)["A"] == "public"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("__import__('os').system('true') >= 1", "no condition"),
        ("name has 王", "no word"),
        ("gender is f", "no word"),
        ("payrol_months >= 3", "no figure"),
        ("age >= many", "no number"),
        ("age", "no condition"),
        ("link_friend >= 1", "no figure"),
        ("age >= 3 or age <= 2", "no number"),
        ("1 == 1", "no condition"),
    ],
)
def test_a_line_asks_for_named_facts_only(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_line(line)


def test_the_last_group_takes_everybody_who_is_left() -> None:
    rules = [{"id": "a", "zh": "甲", "en": "A", "any": ["age >= 60"]}, {"id": "b", "zh": "乙", "en": "B", "any": ["age < 60"]}]
    with pytest.raises(ValidationError, match="the last group"):
        GroupSettings.model_validate({"rules": rules})


def test_words_are_taken_as_they_stand_and_not_as_patterns(tmp_path: Path) -> None:
    settings = GroupSettings.model_validate(
        {
            "rules": [
                {"id": "dots", "zh": "点", "en": "Dots", "any": ["occupation has .*"]},
                {"id": "rest", "zh": "余", "en": "Rest"},
            ]
        }
    )
    bank = small_bank(
        tmp_path,
        "2026-06-30",
        customers=[customer("A", occupation="教师"), customer("B", occupation="x.*y")],
        accounts=[account("1", "A")],
    )
    assert assign(bank, settings, day("2026-06-30"))["group"].to_pylist() == ["rest", "dots"]


def test_every_group_of_the_house_has_two_names_and_products() -> None:
    assert {group.id for group in HOUSE.rules} == {
        "farmer",
        "merchant",
        "payroll",
        "public",
        "migrant",
        "pensioner",
        "owner",
        "other",
    }
    assert all(group.zh and group.en and group.products for group in HOUSE.rules)


def axis(for_all: tuple[str, ...] = (), **products: tuple[str, ...]) -> GroupSettings:
    lines = {"farmer": ("occupation has 农",), "merchant": ("occupation has 商",), "other": ()}
    rules = [
        {"id": name, "zh": name, "en": name, "any": any_of, "products": products.get(name, ())}
        for name, any_of in lines.items()
    ]
    return GroupSettings.model_validate({"for_all": for_all, "rules": rules})


def test_a_product_some_groups_name_suits_these_only_and_one_nobody_names_suits_all() -> None:
    named = axis(farmer=("farmer_credit", "time_deposit"), merchant=("acquiring", "farmer_credit"))
    assert named.suited_by("farmer_credit") == ("farmer", "merchant")
    assert named.suited_by("time_deposit") == ("farmer",)
    assert named.suited_by("mobile_bank") == ()  # none named: all


def test_a_product_for_all_suits_all_though_some_groups_name_it_first() -> None:
    named = axis(for_all=("time_deposit",), farmer=("farmer_credit", "time_deposit"))
    assert named.suited_by("time_deposit") == ()
    assert axis(farmer=("loan",), merchant=("loan",), other=("loan",)).suited_by("loan") == ()


def test_the_house_rules_out_for_nobody_what_is_not_known_and_offers_deposits_to_everyone() -> None:
    for family in ("time_deposit", "wealth", "mobile_bank", "large_cd", "etc"):
        assert HOUSE.suited_by(family) == ()
    for family in ("farmer_credit", "business_loan", "consumer_loan", "acquiring", "mortgage", "startup_loan"):
        assert "other" in HOUSE.suited_by(family)
    assert "farmer" not in HOUSE.suited_by("consumer_loan")
    assert "pensioner" not in HOUSE.suited_by("business_loan")
