"""A night over a small bank, from canonical tables to a published version."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq

from targeting.night import make_list
from targeting.publish import publish


def _filled(bank):
    bank.customer("C1", manager_id="M1").score("C1", "buy_wealth", 0.2).score("C1", "churn_aum", 0.1)
    bank.customer("C2", grid_id="V1", group="farmer").score("C2", "buy_farmer_credit", 0.05).score("C2", "churn_aum", 0.3)
    bank.customer("C3", branch_id="B2").score("C3", "churn_aum", 0.4)
    bank.customer("C4", tier="diamond", average=900_000.0, manager_id="M1").score("C4", "churn_aum", 0.2)
    bank.customer("C5", tier="diamond", average=3_000_000.0).score("C5", "churn_aum", 0.02)
    return bank


def test_a_night_lists_every_customer_worth_a_call_with_the_owner_the_cascade_names(bank, tmp_path):
    staged = make_list(_filled(bank).inputs(tmp_path), tmp_path / "staging")
    entries = pq.read_table(tmp_path / "staging" / "entries.parquet").to_pandas().set_index("customer_id")
    assert entries["owner_step"].to_dict() == {"C1": "manager", "C2": "grid", "C3": "branch_pool", "C4": "routed",
                                               "C5": "routed"}
    assert entries["list_id"].to_dict() == {"C1": "M1", "C2": "G1", "C3": "pool:B2", "C4": "H1", "C5": "head_office"}
    assert sum(staged.manifest.owner_steps.values()) == staged.manifest.customers == 5
    assert (entries["reasons_zh"].str.len() > 0).all()
    assert (entries["reasons_en"].str.len() > 0).all()


def test_the_same_bank_in_any_order_of_rows_gives_the_same_bytes(bank, bank_words, tmp_path):
    filled = _filled(bank)
    made = []
    for seed in (None, 1, 2):
        inputs = replace(filled.inputs(tmp_path / str(seed), shuffled=seed), bank=bank_words)
        made.append(make_list(inputs, tmp_path / str(seed) / "staging").manifest)
    assert made[0].files == made[1].files == made[2].files
    assert sum(name.endswith(".xlsx") for name in made[0].files) >= 4


def test_a_list_published_twice_is_told_to_be_identical(bank, tmp_path):
    inputs = _filled(bank).inputs(tmp_path)
    first = publish(make_list(inputs, tmp_path / "one"), tmp_path / "lists")
    again = publish(make_list(inputs, tmp_path / "two"), tmp_path / "lists")
    assert (first.status, again.status) == ("published", "identical")
    assert pd.read_parquet(again.folder / "entries.parquet")["list_version"].unique().tolist() == [1]
