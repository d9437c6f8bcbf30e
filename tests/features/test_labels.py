"""What is leaving and what is not, who has bought and who has not, told only by what was known."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import PRODUCTS, account, balances, customer, day, flow, loan, small_bank

from features.labels import Label, LabelSettings, build_labels, cutoff, named, report
from sources.canonical import Canonical
from store.errors import ConfigError
from store.settings import read_yaml

AS_OF, NEWEST = "2025-12-31", "2026-03-31"
CHURN = Label("churn_aum", LabelSettings(type="attrition", zh="流失", en="Attrition", horizon_days=90, floor=10_000))
CLOSURE = Label("closure", LabelSettings(type="closure", zh="销户", en="Closure", horizon_days=90))


def buys(family: str, *uses: str, **more: Any) -> Label:
    return Label(
        f"buy_{family}",
        LabelSettings.model_validate(
            {"type": "first_use", "zh": family, "en": family, "families": [family], "uses": uses} | more
        ),
    )


def outcome(bank: Canonical, label: Label, out: Path, as_of: str = AS_OF, known_at: str = NEWEST) -> dict[str, int]:
    """Customer -> target of the cohort."""
    build_labels(bank, label, [day(as_of)], day(known_at), out)
    path = out / label.name / f"as_of={as_of}.parquet"
    return (
        dict(pq.read_table(path, partitioning=None).select(["customer_id", "target"]).to_pandas().itertuples(index=False))
        if path.exists()
        else {}
    )


def one_customer(tmp_path: Path, steps: list[tuple[str, float]], **tables: Any) -> Canonical:
    """Customer A with a current account, and B who never moves and keeps the cohort from being empty."""
    more = {name: list(rows) for name, rows in tables.items()}
    return small_bank(
        tmp_path / "canonical",
        NEWEST,
        customers=[customer("A"), customer("B"), *more.pop("customers", [])],
        accounts=[account("1", "A"), account("9", "B"), *more.pop("accounts", [])],
        balances=[*balances("1", *steps), *balances("9", ("2025-01-01", 20_000)), *more.pop("balances", [])],
        **more,
    )


def test_half_gone_on_average_is_leaving_and_just_less_is_not(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path / "c",
        NEWEST,
        customers=[customer(c) for c in "ABC"],
        accounts=[account(c, c) for c in "ABC"],
        balances=[
            *balances("A", ("2025-01-01", 20_000), (AS_OF, 20_000), ("2026-01-01", 10_000)),
            *balances("B", ("2025-01-01", 20_000), ("2026-01-01", 10_001)),
            *balances("C", ("2025-01-01", 9_999), ("2026-01-01", 0)),
        ],
    )  # below the floor: not in the cohort
    assert outcome(bank, CHURN, tmp_path) == {"A": 1, "B": 0}


def test_money_parked_over_the_day_of_the_list_neither_lifts_into_the_cohort_nor_counts_as_leaving(tmp_path: Path) -> None:
    bank = one_customer(tmp_path, [("2025-01-01", 1_000), ("2025-12-30", 300_000), ("2026-01-02", 1_000)])
    assert outcome(bank, CHURN, tmp_path) == {"B": 0}  # 7,600 on average, though 300,000 on the day


@pytest.mark.parametrize("product", ["time_deposit", "wealth", "insurance"])
def test_own_money_moved_to_another_product_here_is_not_leaving(tmp_path: Path, product: str) -> None:
    bank = one_customer(
        tmp_path,
        [("2025-01-01", 50_000), ("2026-01-05", 0)],
        accounts=[account("2", "A", product, opened="2026-01-05")],
        balances=balances("2", ("2026-01-05", 50_000)),
    )
    assert outcome(bank, CHURN, tmp_path) == {"A": 0, "B": 0}


def test_a_matured_term_whose_money_opens_a_new_number_two_days_later_is_not_leaving(tmp_path: Path) -> None:
    bank = one_customer(
        tmp_path,
        [("2025-01-01", 100)],
        accounts=[
            account("2", "A", "time_deposit", "2025-01-02", "2026-01-02"),
            account("3", "A", "time_deposit", "2026-01-04"),
        ],
        balances=[*balances("2", ("2025-01-02", 80_000)), *balances("3", ("2026-01-04", 80_900))],
    )
    assert outcome(bank, CHURN, tmp_path) == {"A": 0, "B": 0}


def test_spending_a_loan_is_not_leaving_but_the_same_course_without_a_loan_is(tmp_path: Path) -> None:
    course = [("2025-01-01", 15_000), ("2025-11-01", 115_000), ("2026-01-10", 15_000)]
    bank = one_customer(tmp_path / "loan", course, loans=[loan("L", "A", "2025-11-01", 100_000)])
    assert outcome(bank, CHURN, tmp_path / "loan") == {"A": 0, "B": 0}
    bank = one_customer(tmp_path / "none", course)
    assert outcome(bank, CHURN, tmp_path / "none") == {"A": 1, "B": 0}


def test_land_compensation_that_passes_through_is_not_leaving(tmp_path: Path) -> None:
    course = [("2025-01-01", 15_000), ("2025-11-01", 315_000), ("2026-01-10", 15_000)]
    bank = one_customer(tmp_path, course, transactions=[flow("1", "2025-11-01", 300_000, "land_compensation")])
    assert outcome(bank, CHURN, tmp_path) == {"A": 0, "B": 0}


def test_own_money_that_leaves_beside_a_loan_is_leaving(tmp_path: Path) -> None:
    bank = one_customer(
        tmp_path,
        [("2025-01-01", 40_000), ("2025-11-01", 140_000), ("2026-01-10", 0)],
        loans=[loan("L", "A", "2025-11-01", 100_000)],
    )
    assert outcome(bank, CHURN, tmp_path) == {"A": 1, "B": 0}


def test_a_transfer_out_that_is_reversed_is_netted_with_what_it_reverses(tmp_path: Path) -> None:
    course = [("2025-01-01", 30_000), ("2026-01-03", 0), ("2026-03-20", 30_000)]
    out, back = flow("1", "2026-01-03", -30_000, "other_transfer"), flow("1", "2026-03-20", 30_000, "other_transfer")
    bank = one_customer(tmp_path / "a", course, transactions=[out, back | {"reverses_id": out["transaction_id"]}])
    assert outcome(bank, CHURN, tmp_path / "a") == {"A": 0, "B": 0}
    bank = one_customer(tmp_path / "b", course, transactions=[out, back])
    assert outcome(bank, CHURN, tmp_path / "b") == {"A": 1, "B": 0}


def test_insurance_bought_here_stays_and_bought_elsewhere_leaves(tmp_path: Path) -> None:
    course = [("2025-01-01", 30_000), ("2026-01-15", 2_000)]
    bought = flow("1", "2026-01-15", -28_000, "premium", counterparty_bank=None)
    elsewhere = bought | {"counterparty_bank": "OTHER"}
    for name, row, target in (("here", bought, 0), ("elsewhere", elsewhere, 1)):
        bank = one_customer(tmp_path / name, course, transactions=[row])
        assert outcome(bank, CHURN, tmp_path / name) == {"A": target, "B": 0}


def test_who_had_gone_before_the_date_is_not_in_the_cohort_whatever_the_average_still_says(tmp_path: Path) -> None:
    gone = one_customer(tmp_path / "gone", [("2025-01-01", 60_000), ("2025-12-01", 1_000)])
    assert outcome(gone, CHURN, tmp_path / "gone") == {"B": 0}
    going = one_customer(tmp_path / "going", [("2025-01-01", 60_000), ("2025-12-01", 40_000), ("2026-01-10", 1_000)])
    assert outcome(going, CHURN, tmp_path / "going") == {"A": 1, "B": 0}


def test_money_gathered_under_a_merged_number_has_not_left(tmp_path: Path) -> None:
    bank = one_customer(
        tmp_path,
        [("2025-01-01", 60_000), ("2026-02-01", 0)],
        customers=[customer("Z")],
        accounts=[account("7", "Z")],
        balances=balances("7", ("2025-01-01", 100), ("2026-01-01", 60_000)),
        merges=[{"old_id": "A", "new_id": "Z", "on": day("2026-01-20")}],
    )
    assert outcome(bank, CHURN, tmp_path) == {"A": 0, "B": 0}


def test_only_dates_with_a_whole_window_known_and_balances_for_a_whole_window_before_are_labelled(tmp_path: Path) -> None:
    bank = one_customer(tmp_path, [("2025-01-01", 60_000)])
    dates = [day(d) for d in ("2025-03-31", "2025-04-30", "2025-12-31", "2026-01-01")]
    assert cutoff(CHURN.settings, day(NEWEST)) == day("2025-12-31")
    build_labels(bank, CHURN, dates, day(NEWEST), tmp_path)
    # 31 March: the 90 days before begin on 31 December 2024, a day before the bank's first balance
    assert sorted(p.name for p in (tmp_path / "churn_aum").iterdir()) == [
        "as_of=2025-03-31.parquet",
        "as_of=2025-04-30.parquet",
        "as_of=2025-12-31.parquet",
    ]
    build_labels(bank, CHURN, [day("2025-03-30")], day(NEWEST), tmp_path)
    assert not (tmp_path / "churn_aum" / "as_of=2025-03-30.parquet").exists()


def test_a_year_of_balances_told_of_afterwards_makes_no_earlier_date_a_labelled_one(tmp_path: Path) -> None:
    told = balances("1", ("2024-06-01", 60_000), recorded_on=day("2025-09-01"))
    bank = one_customer(tmp_path, [("2025-01-01", 60_000)], balances=told)
    build_labels(bank, CHURN, [day("2025-02-28"), day("2025-04-30")], day(NEWEST), tmp_path)
    assert sorted(p.name for p in (tmp_path / "churn_aum").iterdir()) == ["as_of=2025-04-30.parquet"]


def gold(counts_as: str, **told: Any) -> dict[str, Any]:
    return {"product_id": "gold", "name": "gold", "family": "metal", "counts_as": counts_as} | told


@pytest.mark.parametrize(
    ("versions", "when"),
    [
        ([gold("none"), gold("aum", recorded_on=day("2025-11-15"))], "after"),
        ([gold("aum"), gold("none", recorded_on=day("2025-11-15"))], "before"),
        ([gold("none", recorded_on=day("2025-11-15"))], "before"),  # what nobody has told of counts as what it holds
    ],
)
def test_a_product_counts_as_what_was_known_at_each_date_also_where_many_are_built(
    tmp_path: Path, versions: list[dict[str, Any]], when: str
) -> None:
    bank = one_customer(
        tmp_path,
        [("2025-01-01", 4_000)],
        products=PRODUCTS + versions,
        accounts=[account("2", "A", "gold")],
        balances=balances("2", ("2025-01-01", 50_000)),
    )
    ends = [day("2025-09-30"), day("2025-10-31"), day("2025-11-30"), day("2025-12-31")]
    build_labels(bank, CHURN, ends, day(NEWEST), tmp_path / "many")
    for end in ends:
        together = pq.read_table(tmp_path / "many" / "churn_aum" / f"as_of={end}.parquet", partitioning=None).to_pandas()
        is_after = end > day("2025-11-15")
        assert set(together["customer_id"]) == ({"A", "B"} if is_after == (when == "after") else {"B"})
        alone = outcome(bank, CHURN, tmp_path / "alone", end.isoformat())
        assert dict(zip(together["customer_id"], together["target"], strict=True)) == alone


def test_what_was_recorded_after_known_at_does_not_count(tmp_path: Path) -> None:
    bank = one_customer(
        tmp_path,
        [("2025-01-01", 60_000)],
        holdings=[
            {
                "customer_id": "A",
                "product_id": "mobile_bank",
                "started_on": day("2026-03-01"),
                "activated_on": day("2026-03-01"),
                "recorded_on": day("2026-04-10"),
            }
        ],
    )
    label = buys("mobile_bank", "holding")
    assert outcome(bank, label, tmp_path, known_at="2026-04-09") == {"A": 0, "B": 0}
    assert outcome(bank, label, tmp_path, known_at="2026-04-10") == {"A": 1, "B": 0}


def test_closing_one_account_is_not_closure_and_moving_to_a_new_one_is_neither(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path / "c",
        NEWEST,
        customers=[customer(c) for c in "ABCD"],
        accounts=[
            account("1", "A", closed="2026-02-01"),
            account("2", "A"),
            account("3", "B", closed="2026-02-01"),
            account("4", "B", closed="2026-03-01"),
            account("5", "C", closed="2026-02-01"),
            account("6", "C", opened="2026-02-01"),
            account("7", "D", closed="2025-12-31"),
        ],
        balances=balances("1", ("2025-01-01", 1)),
    )
    assert outcome(bank, CLOSURE, tmp_path) == {"A": 0, "B": 1, "C": 0}  # D has left already


def test_what_a_merged_number_buys_is_bought_by_the_one_person(tmp_path: Path) -> None:
    bank = one_customer(
        tmp_path,
        [("2025-01-01", 60_000)],
        customers=[customer("Z")],
        accounts=[account("7", "Z")],
        loans=[loan("L", "A", "2026-02-01", 5_000)],
        merges=[{"old_id": "A", "new_id": "Z", "on": day("2026-01-20")}],
    )
    assert outcome(bank, buys("business_loan", "loan"), tmp_path) == {"A": 1, "B": 0, "Z": 1}


def test_a_number_merged_into_another_has_not_closed(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path / "c",
        NEWEST,
        customers=[customer("A"), customer("Z")],
        accounts=[account("1", "A", closed="2026-02-01"), account("2", "Z")],
        balances=balances("1", ("2025-01-01", 1)),
        merges=[{"old_id": "A", "new_id": "Z", "on": day("2026-02-01")}],
    )
    assert outcome(bank, CLOSURE, tmp_path) == {"A": 0, "Z": 0}


def holding(owner: str, started: str, activated: str | None, how: str = "batch") -> dict[str, Any]:
    return {
        "customer_id": owner,
        "product_id": "mobile_bank",
        "started_on": day(started),
        "started_how": how,
        "activated_on": day(activated) if activated else None,
    }


def test_a_contract_opened_in_a_batch_is_bought_only_when_first_used(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path / "c",
        NEWEST,
        customers=[customer(c) for c in "ABCDE"],
        accounts=[account(c, c) for c in "ABCDE"],
        balances=balances("A", ("2025-01-01", 1)),
        holdings=[
            holding("A", "2026-01-15", None),  # batch in the window, never used: not a buy
            holding("B", "2023-01-15", "2026-02-01"),  # opened with the card years ago, first used in the window
            holding("C", "2023-01-15", "2023-02-01"),  # used before: not eligible
            holding("D", "2026-01-10", "2026-01-10", "customer"),
        ],
    )
    assert outcome(bank, buys("mobile_bank", "holding"), tmp_path) == {"A": 0, "B": 1, "D": 1, "E": 0}


def test_where_a_bank_keeps_no_activation_a_batch_start_is_still_out(tmp_path: Path) -> None:
    rows = [holding("A", "2026-01-15", None), holding("B", "2026-01-15", None, "customer")]
    for row in rows:
        del row["activated_on"]  # not mapped; a mapped column without a value says: not activated yet
    bank = small_bank(
        tmp_path / "c",
        NEWEST,
        customers=[customer("A"), customer("B")],
        accounts=[account("1", "A"), account("2", "B")],
        balances=balances("1", ("2025-01-01", 1)),
        holdings=rows,
    )
    assert outcome(bank, buys("mobile_bank", "holding"), tmp_path) == {"A": 0, "B": 1}


def test_a_village_line_is_no_purchase_and_its_first_draw_is(tmp_path: Path) -> None:
    line = {"product_id": "farmer_credit", "limit": 10_000_000, "granted_on": day("2025-05-01"), "source": "village"}
    bank = small_bank(
        tmp_path / "c",
        NEWEST,
        customers=[customer("A"), customer("B"), customer("C")],
        accounts=[account(c, c) for c in "ABC"],
        balances=balances("A", ("2025-01-01", 1)),
        facilities=[line | {"facility_id": "F1", "customer_id": "A"}, line | {"facility_id": "F2", "customer_id": "B"}],
        loans=[loan("L", "B", "2026-02-01", 5_000, "current", facility_id="F2")],
    )
    assert outcome(bank, buys("farmer_credit", "loan"), tmp_path) == {"A": 0, "B": 1, "C": 0}
    drawn = buys("farmer_credit", "loan", cohort={"needs_facility": True})
    assert outcome(bank, drawn, tmp_path) == {"A": 0, "B": 1}


def test_who_had_a_deposit_within_the_look_back_or_still_has_an_older_one_is_not_new_to_it(tmp_path: Path) -> None:
    spells = {
        "A": ("2024-01-01", "2024-06-01"),
        "B": ("2024-01-01", "2025-06-01"),
        "C": ("2025-06-01", "2025-09-01"),
        "D": ("2022-01-01", None),
    }
    bank = small_bank(
        tmp_path / "c",
        NEWEST,
        customers=[customer(c) for c in "ABCD"],
        accounts=[
            *(account(c, c) for c in "ABCD"),
            *(account(f"{c}0", c, "time_deposit", opened, closed) for c, (opened, closed) in spells.items()),
            *(account(f"{c}1", c, "time_deposit", "2026-02-02") for c in "ABCD"),
        ],
        balances=balances("A", ("2025-01-01", 1)),
    )
    assert outcome(bank, buys("time_deposit", "account", look_back_days=365), tmp_path) == {"A": 1, "B": 1}
    assert outcome(bank, buys("time_deposit", "account"), tmp_path / "never") == {}  # all four have had one


def test_an_outcome_in_the_gap_is_none_of_the_window(tmp_path: Path) -> None:
    bank = one_customer(
        tmp_path, [("2025-01-01", 60_000)], loans=[loan("L", "A", "2026-01-10", 5_000), loan("M", "B", "2026-01-11", 5_000)]
    )
    label = buys("business_loan", "loan", gap_days=10, horizon_days=60)
    assert outcome(bank, label, tmp_path) == {"A": 0, "B": 1}


def test_the_report_counts_rows_and_distinct_customers_and_says_whether_they_are_enough(tmp_path: Path) -> None:
    bank = one_customer(tmp_path, [("2025-01-01", 60_000), ("2026-01-20", 0)])
    label = Label("churn_aum", CHURN.settings.model_copy(update={"min_positives": 2}))
    dates = [day(d) for d in ("2025-10-31", "2025-11-30", "2025-12-31", "2026-01-31")]
    build_labels(bank, label, dates, day(NEWEST), tmp_path)
    told = report(label, dates, day(NEWEST), tmp_path)
    assert (told.cohort, told.customers, told.positives, told.positive_customers) == (6, 2, 1, 1)
    assert [(r.of, r.cohort, r.positives) for r in told.by_date] == [
        ("2025-10-31", 2, 0),
        ("2025-11-30", 2, 0),
        ("2025-12-31", 2, 1),
    ]
    assert [(r.of, r.rate) for r in told.by_season] == [("Q4", 1 / 6)]
    assert not told.enough
    assert told.cutoff == dt.date(2025, 12, 31)
    told.write(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["positive_customers"] == 1


def test_a_family_that_no_product_has_is_an_error_that_names_the_label(tmp_path: Path) -> None:
    bank = one_customer(tmp_path, [("2025-01-01", 60_000)])
    with pytest.raises(ConfigError, match=r"labels\.buy_mortgage: no product of family mortgage"):
        outcome(bank, buys("mortgage", "loan"), tmp_path)


def test_the_labels_of_the_house_are_valid_and_a_bank_removes_one_with_null() -> None:
    path = Path(__file__).parents[2] / "configs" / "labels.yaml"
    content = read_yaml(path)[0]["labels"]
    labels = {name: LabelSettings.model_validate(values) for name, values in content.items()}
    assert {label.name for label in named(labels)} >= {"churn_aum", "closure", "buy_time_deposit", "buy_acquiring"}
    assert "buy_wealth" not in {label.name for label in named({**labels, "buy_wealth": None})}
