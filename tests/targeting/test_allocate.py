"""One action per customer, dearest first, into the hours of the day; what a call is worth."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from targeting.allocate import best_action, capacity, fill
from targeting.known import known_at
from targeting.night import make_list
from targeting.owners import assign
from targeting.settings import HourSettings
from tests.targeting.conftest import AS_OF

WORK_ON = dt.date(2026, 10, 1)


def _actions(rows):
    return pd.DataFrame(rows, columns=["customer_id", "offer", "expected_value", "raw_score", "list_id"]).assign(
        probability=0.5, kind="purchase"
    )


RISKY = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([0.0, 1.0, 2.5, 2.5, 40.0]),
        st.sampled_from([-1.0, 0.0, float("nan")]),
    ),
    max_size=40,
    unique_by=lambda r: (r[0], r[1]),
)


@seed(20261121)
@hypothesis_settings(deadline=None, max_examples=40, database=None)
@given(rows=RISKY, slots=st.integers(0, 5), turn=st.randoms(use_true_random=False))
def test_hours_are_never_exceeded_nobody_is_called_twice_and_the_order_hangs_on_no_order_of_rows(rows, slots, turn):
    actions = _actions([(f"C{c:02d}", offer, value, raw, f"M{c % 2}") for c, offer, value, raw in rows])
    lists = pd.DataFrame({"list_id": ["M0", "M1"], "slots": [slots, slots + 1]})
    queue = fill(best_action(actions, 0.0), lists)
    assert queue["customer_id"].is_unique
    assert set(queue["customer_id"]) == set(actions.loc[actions["expected_value"] > 0, "customer_id"])
    used = queue[queue["is_listed"]].groupby("list_id").size()
    assert used.get("M0", 0) <= slots
    assert used.get("M1", 0) <= slots + 1
    for _, own in queue.groupby("list_id"):
        assert own["place"].tolist() == list(range(1, len(own) + 1))
        assert own["expected_value"].is_monotonic_decreasing
        assert own["is_listed"].sum() == min(len(own), own["slots"].iloc[0])
    shuffled = list(range(len(actions)))
    turn.shuffle(shuffled)
    pd.testing.assert_frame_equal(fill(best_action(actions.iloc[shuffled], 0.0), lists.iloc[::-1]), queue)


def test_equal_value_goes_by_raw_score_then_by_customer_and_an_unscored_event_comes_last():
    queue = fill(
        best_action(
            _actions(
                [
                    ("C3", "a", 5.0, np.nan, "M"),
                    ("C2", "a", 5.0, 0.1, "M"),
                    ("C1", "a", 5.0, 0.1, "M"),
                    ("C4", "a", 5.0, 0.9, "M"),
                    ("C5", "a", 9.0, -3.0, "M"),
                ]
            ),
            0.0,
        ),
        pd.DataFrame({"list_id": ["M"], "slots": [3]}),
    )
    assert queue["customer_id"].tolist() == ["C5", "C4", "C1", "C2", "C3"]
    assert queue["is_listed"].tolist() == [True, True, True, False, False]


def test_a_day_off_is_a_day_without_calls_and_a_managers_own_hours_go_before_the_roles(bank, tmp_path):
    for name, manager in (("C1", "M1"), ("C2", "M2"), ("C3", "H1"), ("C5", "T1")):
        bank.customer(name, manager_id=manager)
    bank.customer("C4", grid_id="V1").customer("C6").customer("C7", tier="diamond", average=3_000_000)
    bank.tables["managers"][2]["hours"] = 1.25  # M2
    for place in (0, 3, 4):  # H1, G1, T1
        bank.tables["managers"][place]["hours"] = None
    bank.add("availability", manager_id="M1", on=WORK_ON, hours=0.0).add("availability", manager_id="M2", on=AS_OF, hours=9.0)
    inputs = bank.inputs(tmp_path)
    con = known_at(inputs.canonical, AS_OF)
    assign(con, inputs.canonical, inputs.settings.owners, AS_OF, pd.read_parquet(inputs.tiers))
    hours = HourSettings(manager=3, by_role={"grid": 2}, pool_names=7, head_office=5)
    lists = capacity(con, hours, WORK_ON).set_index("list_id")
    assert lists["slots"].to_dict() == {"M1": 0, "M2": 2, "H1": 6, "T1": 6, "G1": 4, "pool:B1": 7, "head_office": 10}
    assert lists["hours_from"].to_dict() == {
        "M1": "availability",
        "M2": "manager",
        "H1": "default",
        "T1": "default",
        "G1": "role",
        "pool:B1": "pool",
        "head_office": "head_office",
    }


def test_a_branch_without_any_manager_has_the_hours_of_a_branch(bank, tmp_path):
    bank.tables.pop("managers")
    bank.customer("C1")
    inputs = bank.inputs(tmp_path)
    con = known_at(inputs.canonical, AS_OF)
    assign(con, inputs.canonical, inputs.settings.owners, AS_OF, pd.read_parquet(inputs.tiers))
    assert capacity(con, HourSettings(branch=6), WORK_ON)[["list_id", "slots", "hours_from"]].to_numpy().tolist() == [
        ["pool:B1", 12, "branch"]
    ]


def test_a_call_is_worth_probability_times_margin_times_amount_the_banks_own_margin_first(bank, settings, tmp_path):
    bank.customer("C1", average=500_000, manager_id="M1")
    for model in ("churn_aum", "buy_wealth", "buy_farmer_credit", "buy_mobile_bank"):
        bank.score("C1", model, 0.25)
    for product in bank.tables["products"]:
        product["margin"] = {"w2": 0.003, "w4": 0.006}.get(product["product_id"])
    staged = make_list(bank.inputs(tmp_path, settings()), tmp_path / "staging")
    decisions = pq.read_table(tmp_path / "staging" / "proof" / "decisions.parquet").to_pandas()
    assert decisions.set_index("offer")["expected_value"].to_dict() == {
        "keep_assets": pytest.approx(0.25 * 500_000 * 0.012 * 0.15),
        "buy_wealth": pytest.approx(0.25 * 0.0045 * 200_000),
        "buy_farmer_credit": pytest.approx(0.25 * 0.025 * 55_000),
        "buy_mobile_bank": pytest.approx(0.25 * 40),
    }
    assumed = {(a["offer"], a["name"]): (a["value"], a["source"]) for a in staged.manifest.assumptions}
    assert assumed[("buy_wealth", "margin")] == (0.0045, "bank")
    assert assumed[("keep_assets", "save_rate")] == (0.15, "assumed")
    assert staged.manifest.balance_from == "aum_adb_90d"
    assert staged.manifest.names == 1  # four offers, one call


def test_who_keeps_little_here_is_worth_no_more_than_a_share_of_it_and_a_call_for_pennies_is_not_made(bank, settings, tmp_path):
    bank.customer("C1", average=60_000, manager_id="M1").customer("C2", average=6_000, manager_id="M1")
    bank.score("C1", "buy_wealth", 0.25).score("C2", "buy_wealth", 0.25)
    for product in bank.tables["products"]:
        product["margin"] = None
    make_list(bank.inputs(tmp_path, settings()), tmp_path / "staging")
    entries = pq.read_table(tmp_path / "staging" / "entries.parquet").to_pandas()
    assert entries[["customer_id", "basis", "expected_value"]].to_numpy().tolist() == [
        ["C1", 30_000.0, pytest.approx(0.25 * 0.004 * 30_000)]
    ]  # C2: three yuan a year


def test_a_call_that_leads_nowhere_98_times_in_a_hundred_is_not_listed_however_large_the_amount(bank, tmp_path):
    bank.customer("C1", manager_id="M1", average=400_000).customer("C2", manager_id="M1")
    bank.score("C1", "buy_loan", 0.0199).score("C1", "churn_aum", 0.02).score("C2", "buy_loan", 0.0199)
    make_list(bank.inputs(tmp_path), tmp_path / "staging")
    entries = pq.read_table(tmp_path / "staging" / "entries.parquet").to_pandas()
    assert entries[["customer_id", "offer"]].to_numpy().tolist() == [["C1", "keep_assets"]]
