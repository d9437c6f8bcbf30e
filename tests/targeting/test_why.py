"""Why someone is or is not on a list: the answer agrees with the list, and managers do not read causes."""

from __future__ import annotations

import datetime as dt

import pyarrow.parquet as pq
import pytest

from store.errors import TerraceError
from targeting.night import make_list
from targeting.why import why
from tests.targeting.conftest import county_bank, standard_settings


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """M2 has one hour, two calls, and three customers; one of M1's is under control for money laundering."""
    home, bank = tmp_path_factory.mktemp("bank"), county_bank()
    bank.tables["managers"][2]["hours"] = 1.0
    for number in range(3):
        bank.customer(f"C{number}", manager_id="M2").score(f"C{number}", "churn_aum", 0.1 * (number + 1))
        bank.score(f"C{number}", "buy_wealth", 0.9)
    bank.customer("W", manager_id="M1").score("W", "churn_aum", 0.5)
    bank.add("suppressions", customer_id="W", kind="aml", started_on=dt.date(2026, 1, 1))
    make_list(bank.inputs(home, standard_settings()), home / "staging")
    return home / "staging"


def test_the_answer_agrees_with_the_list_for_every_customer(version):
    entries = pq.read_table(version / "entries.parquet").to_pandas().set_index("customer_id")
    owners = pq.read_table(version / "proof" / "owners.parquet").to_pandas().set_index("customer_id")
    assert sorted(entries.index) == ["C1", "C2"]
    for customer, owner in owners.iterrows():
        answer = why(version, customer, standard_settings())
        assert answer.is_listed == (customer in entries.index)
        assert (answer.list_id, answer.owner_step) == (owner["list_id"], owner["owner_step"])
        listed = [o for o in answer.offers if o.is_listed]
        assert len(listed) == answer.is_listed
        for offer in listed:
            row = entries.loc[customer]
            assert (offer.offer, offer.place, offer.expected_value) == (row["offer"], row["rank"], row["expected_value"])


def test_who_falls_below_the_cut_reads_the_place_and_the_hours(version):
    settings = standard_settings()
    answer = why(version, "C0", settings)
    assert (answer.slots, answer.queue) == (2, 3)
    assert "资产挽留：概率10.0%，预期收益14.40；排第3位，当日只能联系2户。" in answer.lines(settings)
    said = "Keep the balance: probability 10.0%, expected value 14.40; place 3, beyond today's 2 calls."
    assert said in answer.lines(settings, "en")


def test_a_manager_reads_not_listed_by_rule_and_compliance_the_cause(version):
    settings = standard_settings()
    for_manager, for_compliance = why(version, "W", settings), why(version, "W", settings, view="compliance")
    manager = "\n".join([*for_manager.lines(settings), *for_manager.lines(settings, "en"), repr(for_manager)])
    assert "按规则不列入。" in manager
    assert "not listed by rule." in manager
    assert not any(word in manager for word in ("aml", "洗钱", "laundering", "fraud"))
    assert for_compliance.never == ("fraud_or_aml",)
    assert "按规则不列入（欺诈或反洗钱管控）。" in for_compliance.lines(settings)


def test_an_offer_blocked_for_the_seller_is_told_apart_from_one_out_of_the_cohort(version):
    settings = standard_settings()
    lines = why(version, "C2", settings, view="compliance").lines(settings)
    assert "代销理财：按规则不列入（销售人员无资格）。" in lines
    for_w = why(version, "W", settings).lines(settings)
    assert "代销理财：不在样本范围内。" in for_w
    assert not any("手机银行" in line or "到期提醒" in line for line in [*lines, *for_w])  # no model, and nothing matures
    assert lines[-1]


def test_a_customer_nobody_knows_is_said_to_be_unknown(version):
    with pytest.raises(TerraceError, match="no customer 'NOBODY'"):
        why(version, "NOBODY", standard_settings())
