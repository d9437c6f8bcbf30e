"""Owners: exactly one each, by the cascade."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow.parquet as pq
import pytest

from targeting.known import known_at
from targeting.night import make_list
from targeting.owners import STEPS, assign, steps_counted

AS_OF = dt.date(2026, 9, 30)


def _owners(bank, settings, home):
    inputs = bank.inputs(home, settings)
    con = known_at(inputs.canonical, AS_OF)
    owners = assign(con, inputs.canonical, inputs.settings.owners, AS_OF, pd.read_parquet(inputs.tiers))
    return owners.set_index("customer_id")


def test_every_customer_has_exactly_one_owner_and_the_steps_add_up_to_the_customers(bank, settings, tmp_path):
    bank.customer("C1", manager_id="M1").customer("C2", grid_id="V1").customer("C3")
    bank.customer("C4", account=False, branch_id=None).customer("C5", tier="diamond", average=600_000)
    owners = _owners(bank, settings(), tmp_path)
    assert owners.index.is_unique
    assert len(owners) == 5
    assert owners["list_id"].notna().all()
    counted = steps_counted(owners)
    assert tuple(counted) == STEPS
    assert counted == {"routed": 1, "manager": 1, "grid": 1, "branch_pool": 1, "head_office": 1}


def test_a_diamond_customer_goes_to_the_branch_head_though_a_manager_looks_after_her(bank, settings, tmp_path):
    bank.customer("C1", tier="diamond", average=600_000, manager_id="M1")
    owner = _owners(bank, settings(), tmp_path).loc["C1"]
    assert (owner["owner_step"], owner["owner_rule"], owner["list_id"]) == ("routed", "diamond", "H1")


def test_a_vip_goes_to_head_office(bank, settings, tmp_path):
    bank.customer("C1", tier="diamond", average=2_000_000, manager_id="M1")
    owner = _owners(bank, settings(), tmp_path).loc["C1"]
    assert (owner["owner_rule"], owner["list_id"]) == ("vip", "head_office")
    assert pd.isna(owner["manager_id"])


def test_large_loans_go_to_head_office_by_what_is_outstanding_not_by_what_was_granted(bank, settings, tmp_path):
    for name, outstanding in (("C1", 6_000_000), ("C2", 400_000)):
        bank.customer(name, manager_id="M1")
        bank.add("loans", loan_id=f"L{name}", customer_id=name, granted_on=dt.date(2025, 1, 1), amount=600_000_000)
        bank.add(
            "loan_status",
            **{
                "loan_id": f"L{name}",
                "on": dt.date(2026, 1, 1),
                "outstanding": outstanding * 100,
                "overdue_days": 0,
                "class": "normal",
            },
        )
    owners = _owners(bank, settings(), tmp_path)
    assert owners["list_id"].to_dict() == {"C1": "head_office", "C2": "M1"}


def test_a_manager_who_has_left_owns_nobody_and_the_grid_takes_over(bank, settings, tmp_path):
    bank.customer("C1", manager_id="GONE", grid_id="V1")
    owner = _owners(bank, settings(), tmp_path).loc["C1"]
    assert (owner["owner_step"], owner["list_id"]) == ("grid", "G1")


def test_the_pool_is_that_of_the_account_with_the_largest_average_not_the_oldest_or_fullest_today(bank, settings, tmp_path):
    bank.customer("C1", average=1_000)
    bank.add("accounts", account_id="A2", customer_id="C1", branch_id="B2", holds="deposit", opened_on=dt.date(2026, 1, 1))
    bank.add("accounts", account_id="A3", customer_id="C1", branch_id="B1a", holds="deposit", opened_on=dt.date(2026, 1, 1))
    bank.add("balances", account_id="A2", on=dt.date(2026, 1, 1), balance=50_000_00)
    bank.add("balances", account_id="A3", on=AS_OF, balance=900_000_00)  # parked for the day: 10,000 on average
    assert _owners(bank, settings(), tmp_path).loc["C1", "list_id"] == "pool:B2"


def test_an_outlet_without_a_head_is_in_the_pool_of_the_branch_above(bank, settings, tmp_path):
    bank.customer("C1", branch_id="B1a")
    owner = _owners(bank, settings(), tmp_path).loc["C1"]
    assert (owner["list_id"], owner["area_id"], owner["owner_area_id"]) == ("pool:B1", "B1", "B1")


def test_a_diamond_of_a_branch_without_a_head_falls_to_the_next_step(bank, settings, tmp_path):
    bank.customer("C1", tier="diamond", average=600_000, branch_id="B2")
    owner = _owners(bank, settings(), tmp_path).loc["C1"]
    assert (owner["owner_step"], owner["list_id"]) == ("branch_pool", "pool:B2")


def test_a_bank_without_managers_has_one_list_per_branch(bank, settings, tmp_path):
    bank.tables.pop("managers")
    bank.tables["grids"][0]["manager_id"] = None
    for row in bank.tables["branches"]:
        row["head_manager_id"] = None
    bank.customer("C1", tier="diamond", average=600_000).customer("C2", branch_id="B2").customer("C3", grid_id="V1")
    owners = _owners(bank, settings(), tmp_path)
    assert owners["list_id"].to_dict() == {"C1": "pool:B1", "C2": "pool:B2", "C3": "pool:B1"}


def test_a_ring_among_outlets_in_the_master_data_does_not_hang_the_night(bank, settings, tmp_path):
    bank.add("branches", branch_id="X", name="X", level="outlet", parent_id="Y", head_manager_id=None)
    bank.add("branches", branch_id="Y", name="Y", level="outlet", parent_id="X", head_manager_id=None)
    bank.customer("C1", branch_id="X").customer("C2", branch_id="Y")
    assert set(_owners(bank, settings(), tmp_path)["list_id"]) == {"pool:X"}


@pytest.mark.parametrize(
    ("parents", "homes"),
    [
        ({"X": "X"}, ["X"]),
        ({"X": "Y", "Y": "X"}, ["X", "Y"]),
        ({"X": "Y", "Y": "Z", "Z": "Y"}, ["Y", "Z"]),  # X lies below a ring that it is not of
    ],
)
def test_a_loan_within_a_ring_of_outlets_is_listed_and_proved(parents, homes, bank, settings, tmp_path):
    for outlet, above in parents.items():
        bank.add("branches", branch_id=outlet, name=outlet, level="outlet", parent_id=above, head_manager_id=None)
        bank.add("managers", manager_id=f"M{outlet}", name="周", branch_id=outlet, role="manager", certificates="", hours=4.0)
    sellers = [f"M{outlet}" for outlet in parents]
    for home in parents:
        for seller in sellers:
            bank.customer(f"{home}{seller}", branch_id=home, manager_id=seller, group="farmer")
            bank.score(f"{home}{seller}", "buy_farmer_credit", 0.9)
    make_list(bank.inputs(tmp_path, settings()), tmp_path / "staging")  # which the checker proves
    entries = pq.read_table(tmp_path / "staging" / "entries.parquet").to_pandas()
    assert {(c[0], c[-1]) for c in entries["customer_id"]} >= {(home, seller) for home in homes for seller in homes}
    assert set(entries["offer"]) == {"buy_farmer_credit"}


def test_a_customer_graded_twice_stops_the_night(bank, settings, tmp_path):
    from store.errors import GateBroken

    inputs = bank.customer("C1").inputs(tmp_path, settings())
    tiers = pd.read_parquet(inputs.tiers)
    con = known_at(inputs.canonical, AS_OF)
    with pytest.raises(GateBroken, match="exactly one each"):
        assign(con, inputs.canonical, inputs.settings.owners, AS_OF, pd.concat([tiers, tiers]))
