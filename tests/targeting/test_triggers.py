"""What happened: large withdrawals, deposits broken early, terms that mature."""

from __future__ import annotations

import datetime as dt

import pyarrow.parquet as pq
import pytest

from targeting import triggers
from targeting.known import daily_averages, known_at
from targeting.night import make_list
from tests.targeting.conftest import AS_OF, county_bank, standard_settings

YESTERDAY = dt.date(2026, 9, 29)


def _moves(bank, name, *rows):
    for place, row in enumerate(rows):
        bank.add(
            "transactions",
            **(
                {
                    "transaction_id": f"{name}{place}",
                    "account_id": f"A{name}",
                    "on": AS_OF,
                    "category": "other_transfer",
                    "initiated_by": "customer",
                }
                | row
            ),
        )


MOVES = {  # customer with 200,000 on average -> its movements, and whether a manager should ask
    "sent elsewhere": ([{"amount": -80_000_00, "counterparty_bank": "ICBC"}], True),
    "to own account elsewhere": ([{"amount": -80_000_00, "category": "own_transfer", "counterparty_bank": "ICBC"}], True),
    "cash in three parts": ([{"amount": -30_000_00, "category": "cash"}] * 3, True),
    "below the floor": ([{"amount": -49_999_00}], False),
    "a small part of the whole": ([{"amount": -59_000_00}], False),
    "to own deposit here": ([{"amount": -150_000_00, "category": "own_transfer"}], False),
    "into wealth here": ([{"amount": -150_000_00, "category": "invest"}], False),
    "repaid a loan": ([{"amount": -150_000_00, "category": "loan_repay"}], False),
    "in and out": ([{"amount": 150_000_00}, {"amount": -150_000_00}], False),
    "reversed": ([{"amount": -90_000_00}, {"amount": 90_000_00, "reverses_id": "reversed0", "initiated_by": "bank"}], False),
    "reversed beside what left": (
        [
            {"amount": -90_000_00, "counterparty_bank": "ICBC"},
            {"amount": -40_000_00},
            {"amount": 40_000_00, "reverses_id": "reversed beside what left1", "initiated_by": "bank"},
        ],
        True,
    ),
    "one yuan of it reversed": (
        [{"amount": -90_000_00}, {"amount": 1_00, "reverses_id": "one yuan of it reversed0", "initiated_by": "bank"}],
        True,
    ),
    "reversed in two parts": (
        [
            {"amount": -90_000_00},
            {"amount": 50_000_00, "reverses_id": "reversed in two parts0", "initiated_by": "bank"},
            {"amount": 20_000_00, "reverses_id": "reversed in two parts0", "initiated_by": "bank"},
        ],
        False,
    ),
    "a part of what came was taken back": (
        [
            {"amount": 50_000_00},
            {"amount": -10_000_00, "reverses_id": "a part of what came was taken back0", "initiated_by": "bank"},
            {"amount": -75_000_00},
        ],
        False,
    ),
    "another customer reversed it": ([{"amount": -90_000_00}], True),
    "who reversed another's": ([{"amount": 90_000_00, "reverses_id": "another customer reversed it0"}], False),
    "came by mistake and went back": (
        [
            {"amount": 90_000_00},
            {"amount": -90_000_00, "reverses_id": "came by mistake and went back0", "initiated_by": "bank"},
            {"amount": -80_000_00},
        ],
        True,
    ),
    "the day before": ([{"amount": -90_000_00, "on": YESTERDAY}], False),
    "spent the loan": (
        [
            {"amount": 100_000_00, "category": "loan_out", "initiated_by": "bank", "on": dt.date(2026, 9, 20)},
            {"amount": -100_000_00},
        ],
        False,
    ),
    "land money at once": (
        [{"amount": 90_000_00, "category": "land_compensation", "initiated_by": "bank"}, {"amount": -90_000_00}],
        False,
    ),
    "tomorrow": ([{"amount": -90_000_00, "on": dt.date(2026, 10, 1)}], False),
}


@pytest.fixture(scope="module")
def withdrawals(tmp_path_factory):
    bank, settings = county_bank(), standard_settings()
    for name, (rows, _) in MOVES.items():
        bank.customer(name, average=200_000)
        _moves(bank, name, *rows)
    canonical = bank.write(tmp_path_factory.mktemp("moves"))
    con = known_at(canonical, AS_OF)
    daily_averages(con, canonical, AS_OF, 90)
    left = triggers.left_at_once(canonical, settings.withdrawal, AS_OF)
    return triggers.large_withdrawals(con, settings.withdrawal, left).set_index("customer_id")


@pytest.mark.parametrize("case", MOVES)
def test_a_large_withdrawal_is_money_that_left_this_bank_at_once(case, withdrawals):
    assert (case in withdrawals.index) == MOVES[case][1]


def test_the_withdrawal_is_said_against_the_customers_own_average(withdrawals):
    said = triggers.sentences(withdrawals.reset_index(), triggers.LARGE_WITHDRAWAL, AS_OF, "CNY").set_index("customer_id")
    assert said.loc["sent elsewhere", "zh"] == "9月30日净转出8万元，为近90天日均余额20万元的40%。"
    assert said.loc["sent elsewhere", "en"] == ("CNY 80,000 left on 30 Sep, 40% of the 90-day average balance of CNY 200,000.")


def test_a_large_withdrawal_reaches_the_customers_manager_the_next_morning(bank, settings, tmp_path):
    bank.customer("C1", average=200_000, manager_id="M1").customer("C2", average=200_000, manager_id="M1")
    bank.score("C2", "churn_aum", 0.05)
    _moves(bank, "C1", {"amount": -80_000_00, "counterparty_bank": "ICBC"})
    make_list(bank.inputs(tmp_path, settings()), tmp_path / "staging")
    row = pq.read_table(tmp_path / "staging" / "entries.parquet").to_pandas().iloc[0]
    assert (row["customer_id"], row["offer"], row["list_id"], row["rank"]) == ("C1", "large_withdrawal", "M1", 1)
    assert row["reason_codes"] == "large_withdrawal"
    assert row["reasons_zh"].startswith("9月30日净转出8万元")
    assert row["expected_value"] == pytest.approx(80_000 * 0.012 * 0.20)
    assert not row["is_service"]


def test_who_is_called_about_something_else_brings_the_withdrawal_along_for_the_manager_only(bank, settings, tmp_path):
    bank.customer("C1", average=200_000, manager_id="M1", group="farmer").score("C1", "buy_farmer_credit", 0.9)
    _moves(bank, "C1", {"amount": -80_000_00, "counterparty_bank": "ICBC"})
    make_list(bank.inputs(tmp_path, settings()), tmp_path / "staging")
    row = pq.read_table(tmp_path / "staging" / "entries.parquet").to_pandas().iloc[0]
    assert row["offer"] == "buy_farmer_credit"
    assert row["reasons_zh"].splitlines()[-1] == "9月30日净转出8万元，为近90天日均余额20万元的40%。"
    assert row["reason_codes"].split(",")[-1] == "large_withdrawal"
    assert row["has_internal"]


def test_no_trigger_hints_at_a_case_of_money_laundering(bank, settings, tmp_path):
    bank.customer("C1", average=200_000, manager_id="M1")
    _moves(bank, "C1", {"amount": -80_000_00})
    bank.add("suppressions", customer_id="C1", kind="aml", started_on=AS_OF)
    assert make_list(bank.inputs(tmp_path, settings()), tmp_path / "staging").manifest.names == 0


def _term(bank, name, **row):
    bank.customer(name)
    bank.add("accounts", account_id=f"T{name}", customer_id=name, holds="deposit", kind="time", opened_on=dt.date(2024, 11, 20))
    bank.add(
        "terms",
        **(
            {
                "account_id": f"T{name}",
                "started_on": dt.date(2024, 11, 20),
                "matures_on": dt.date(2027, 11, 20),
                "amount": 80_000_00,
            }
            | row
        ),
    )


def test_a_deposit_broken_early_is_said_with_the_months_it_had_left(bank, settings, tmp_path):
    broken = {"ended_on": dt.date(2026, 9, 26), "end_reason": "early"}
    _term(bank, "broke", **broken)
    _term(bank, "in part", **(broken | {"end_reason": "early_part"}))
    _term(bank, "placed anew", **broken, renewed_into="Tother")
    _term(bank, "matured", **(broken | {"end_reason": "matured"}))
    _term(bank, "small", **broken | {"amount": 9_999_00})
    _term(bank, "long ago", **(broken | {"ended_on": dt.date(2026, 9, 23)}))
    _term(bank, "tomorrow", **(broken | {"ended_on": dt.date(2026, 10, 1)}))
    found = triggers.early_breaks(known_at(bank.write(tmp_path), AS_OF), settings().early_break, AS_OF)
    said = triggers.sentences(found, triggers.EARLY_BREAK, AS_OF, "CNY").set_index("customer_id")
    assert set(said.index) == {"broke", "in part"}
    assert said.loc["broke", "zh"] == "9月26日提前支取一笔8万元定期存款，距到期还有13个月。"
    assert said.loc["broke", "en"] == "On 26 Sep a term deposit of CNY 80,000 was broken 13 months before maturity."
    assert said.loc["in part", "zh"].startswith("9月26日部分提前支取")


def test_a_term_is_reminded_of_in_its_last_week_unless_it_rolls_by_itself(bank, settings, tmp_path):
    for name, row in {
        "in a week": {"matures_on": dt.date(2026, 10, 7)},
        "in eight days": {"matures_on": dt.date(2026, 10, 8)},
        "rolls": {"matures_on": dt.date(2026, 10, 5), "rollover": "all"},
        "today": {"matures_on": AS_OF},
        "ended": {"matures_on": dt.date(2026, 10, 5), "ended_on": YESTERDAY, "end_reason": "early"},
        "unstated": {"matures_on": dt.date(2026, 10, 5), "rollover": None},
    }.items():
        _term(bank, name, **({"rollover": "none"} | row))
    bank.add(
        "terms",
        account_id="Tin a week",
        started_on=dt.date(2025, 10, 6),
        matures_on=dt.date(2026, 10, 6),
        amount=20_000_00,
        rollover="none",
    )
    found = triggers.maturities(known_at(bank.write(tmp_path), AS_OF), settings().maturity, AS_OF)
    said = triggers.sentences(found, triggers.MATURITY, AS_OF, "CNY").set_index("customer_id")["zh"].to_dict()
    assert said == {
        "in a week": "近期2笔定期存款到期，共10万元，最早10月6日，均未约定转存。",
        "unstated": "10月5日一笔8万元定期存款到期。",
    }
