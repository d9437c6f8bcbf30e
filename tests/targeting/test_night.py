"""A night over a small bank, from canonical tables to a published version."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from store.errors import GateBroken, TerraceError
from targeting.night import make_list
from targeting.publish import publish
from tests.targeting.conftest import explain


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
    assert entries["owner_step"].to_dict() == {
        "C1": "manager",
        "C2": "grid",
        "C3": "branch_pool",
        "C4": "routed",
        "C5": "routed",
    }
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


def _entries(inputs, folder):
    make_list(inputs, folder)
    return pq.read_table(folder / "entries.parquet").to_pandas().set_index("customer_id")


def test_a_segment_rate_is_listed_marked_as_such_and_says_what_it_is(bank, tmp_path):
    for name in ("C2", "C1", "C3"):
        bank.customer(name, manager_id="M1", average=300_000).score(name, "buy_wealth", 0.02)
    inputs = bank.inputs(tmp_path)
    pd.read_parquet(inputs.scores).assign(method="segment_rate", low=0.01, high=0.05).to_parquet(inputs.scores)
    rows = _entries(replace(inputs, horizons={"buy_wealth": 90}), tmp_path / "staging")
    assert rows["method"].unique().tolist() == ["segment_rate"]
    assert rows["rank"].to_dict() == {"C1": 1, "C2": 2, "C3": 3}  # equal in all else: by customer
    assert rows.loc["C1", "reasons_zh"] == "同类客户中90天内每100户约2户办理（1至5户）。"
    assert rows.loc["C1", "reasons_en"] == "About 2 in 100 similar customers took it within 90 days (1 to 5)."


def test_contributions_of_every_listed_score_are_stored_and_add_up_to_it(bank, tmp_path):
    entries = _entries(_filled(bank).inputs(tmp_path), tmp_path / "staging")
    told = pq.read_table(tmp_path / "staging" / "explanations.parquet").to_pandas()
    total = told.groupby("customer_id")["contribution"].sum()
    assert (total - entries["raw_score"]).abs().max() < 1e-9
    assert set(told["feature"]) == {"aum_adb_90d", "__base__"}


def test_an_explanation_of_another_score_stops_the_night_before_anything_is_staged(bank, tmp_path):
    inputs = _filled(bank).inputs(tmp_path)
    other = replace(inputs, explain=lambda model, rows: explain(model, rows.assign(raw_score=rows["raw_score"] + 1e-3)))
    with pytest.raises(GateBroken, match="miss the raw score"):
        make_list(other, tmp_path / "staging")
    assert not (tmp_path / "staging").exists()


def test_a_scored_customer_without_features_stops_the_night(bank, tmp_path):
    inputs = _filled(bank).inputs(tmp_path)
    pd.read_parquet(inputs.features).query("customer_id != 'C3'").to_parquet(inputs.features)
    with pytest.raises(TerraceError, match="no features"):
        make_list(inputs, tmp_path / "staging")


def test_a_loan_is_opened_with_the_rate_posted_on_the_day_and_names_join_only_on_paper(bank, tmp_path):
    bank.customer("C1", manager_id="M1", group="farmer").score("C1", "buy_farmer_credit", 0.5)
    for day, rate in ((dt.date(2025, 1, 1), 0.0600), (dt.date(2026, 8, 1), 0.0475), (dt.date(2026, 10, 1), 0.0100)):
        bank.add("prices", product_id="farm", tenor="1Y", valid_from=day, rate=rate)
    row = _entries(bank.inputs(tmp_path), tmp_path / "staging").loc["C1"]
    assert "年化利率4.75%起" in row["opening_zh"]
    assert "from 4.75% a year" in row["opening_en"]
    assert "{branch}" in row["opening_zh"]
    stored = b"".join(path.read_bytes() for path in sorted((tmp_path / "staging").rglob("*.parquet")))
    texts = " ".join(str(value) for value in row.to_list())
    assert "张C1" not in texts
    assert "19900001234" not in texts
    assert "张C1".encode() not in stored


def test_nobody_to_call_is_an_empty_list_not_an_error(bank, bank_words, tmp_path):
    bank.customer("C1", consent=False).score("C1", "churn_aum", 0.5)
    staged = make_list(replace(bank.inputs(tmp_path), bank=bank_words), tmp_path / "staging")
    assert (staged.manifest.names, staged.manifest.lists, staged.manifest.customers) == (0, 0, 1)
    assert publish(staged, tmp_path / "lists").status == "published"
