"""What a customer earns the bank in a year, from the price list where there is one."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import PRODUCTS, account, balances, customer, day, flow, loan, small_bank

from features.cohorts import note_dates, note_places
from features.history import first_balance
from models.tier_calendar import Window
from models.tier_measures import measure
from models.tier_settings import TierSettings
from models.value import ValueSettings, note_margins
from sources.canonical import Canonical
from store.settings import read_yaml

HOUSE = read_yaml(Path(__file__).parents[2] / "configs" / "tiers.yaml")[0]["tiers"]
PLAIN = ValueSettings(
    asset_spread={"current": 0.012, "time_deposit": 0.006},
    loan_ftp_other=0.02,
    counter_cost=8,
    loss_rate={"normal": 0.01, "substandard": 0.3},
)


STILL = TierSettings.model_validate(HOUSE).model_copy(update={"edge_days": 0, "loan_quiet_days": 1})  # all counts at once


def years(bank: Canonical, as_of: dt.date, settings: ValueSettings) -> dict[str, dict[str, float]]:
    """By customer the contribution of the year up to `as_of`, as tiers measure it, and its parts."""
    first, until = first_balance(bank, as_of), as_of.toordinal()
    assert first is not None
    window = Window(max(first.toordinal() - 1, until - 365), until)
    with bank.connect() as con:
        note_dates(con, bank, [as_of])
        ids = note_places(con, bank, None).to_pylist()
        note_margins(con, bank, settings, as_of)
        found = measure(con, bank, STILL, settings, as_of, None, (), window).year(window)
    return {one: {name: float(values[place]) for name, values in found.items()} for place, one in enumerate(ids)}


def year(bank: Canonical, as_of: str = "2026-01-01", settings: ValueSettings = PLAIN) -> dict[str, float]:
    """The parts of customer A's contribution."""
    return years(bank, day(as_of), settings)["A"]


def bank_of(root: Path, **tables: Any) -> Canonical:
    tables = {
        "customers": [customer("A")],
        "accounts": [account("1", "A")],
        "balances": balances("1", ("2024-01-01", 100_000)),
    } | tables
    return small_bank(root, "2026-10-31", **tables)


def test_a_deposit_earns_its_spread_and_a_loan_its_margin_less_expected_loss(tmp_path: Path) -> None:
    status = {"loan_id": "L", "on": day("2024-06-01"), "outstanding": 5_000_000, "overdue_days": 0, "class": "normal"}
    bank = bank_of(tmp_path, loans=[loan("L", "A", "2024-06-01", 50_000, rate=0.06)], loan_status=[status])
    parts = year(bank)
    assert parts["asset_margin"] == pytest.approx(100_000 * 0.012)
    assert parts["loan_margin"] == pytest.approx(50_000 * 0.04 * 0.99)
    assert parts["contribution"] == pytest.approx(1200 + 1980)


def test_a_loan_gone_bad_earns_less_from_the_day_its_class_fell(tmp_path: Path) -> None:
    rows = [
        {"loan_id": "L", "on": day(on), "outstanding": 5_000_000, "class": name}
        for on, name in (("2024-06-01", "normal"), ("2025-07-02", "substandard"))
    ]
    bank = bank_of(tmp_path, loans=[loan("L", "A", "2024-06-01", 50_000, rate=0.06)], loan_status=rows)
    days_after = (day("2026-01-01") - day("2025-07-01")).days
    expected = 2000 * (0.99 * (365 - days_after) + 0.7 * days_after) / 365
    assert year(bank)["loan_margin"] == pytest.approx(round(expected, 2))


def test_fees_count_and_every_visit_to_the_counter_costs(tmp_path: Path) -> None:
    bank = bank_of(
        tmp_path,
        transactions=[
            flow("1", "2025-05-05", -30, "fee", channel="system", initiated_by="bank"),
            flow("1", "2025-05-06", -500, "cash", channel="counter"),
            flow("1", "2025-05-07", 200, "cash", channel="counter"),
            flow("1", "2025-05-07", -200, "cash", channel="atm"),
            flow("1", "2024-12-31", -500, "cash", channel="counter"),
        ],
    )
    parts = year(bank)
    assert (parts["fees"], parts["counter_cost"]) == (30.0, 16.0)
    assert parts["contribution"] == pytest.approx(1200 + 30 - 16)


def test_the_price_list_with_its_ftp_goes_before_the_products_margin_and_that_before_the_settings(tmp_path: Path) -> None:
    products = [row | ({"margin": 0.009} if row["product_id"] in ("current", "time_deposit") else {}) for row in PRODUCTS]
    prices = [{"product_id": "current", "tenor": "", "valid_from": day("2023-01-01"), "rate": 0.001, "ftp": 0.016}]
    bank = bank_of(tmp_path, products=products, prices=prices)
    assert year(bank)["asset_margin"] == pytest.approx(100_000 * 0.015)
    no_prices = PLAIN.model_copy(update={"sources": ("products", "settings")})
    assert year(bank, settings=no_prices)["asset_margin"] == pytest.approx(900)
    only_said = PLAIN.model_copy(update={"sources": ("settings",)})
    assert year(bank, settings=only_said)["asset_margin"] == pytest.approx(1200)


def test_a_balance_keeps_the_spread_of_the_day_it_came(tmp_path: Path) -> None:
    prices = [
        {"product_id": "current", "tenor": "", "valid_from": day(on), "rate": 0.001, "ftp": ftp}
        for on, ftp in (("2023-01-01", 0.016), ("2025-06-01", 0.006))
    ]
    bank = bank_of(tmp_path, prices=prices)
    assert year(bank)["asset_margin"] == pytest.approx(1500)


def test_a_bank_with_half_a_year_of_balances_is_brought_to_a_year(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, balances=balances("1", ("2025-07-06", 100_000)))
    assert year(bank)["asset_margin"] == pytest.approx(1200)


def test_without_a_course_a_loan_is_taken_as_repaid_in_equal_months(tmp_path: Path) -> None:
    bank = bank_of(tmp_path, loans=[loan("L", "A", "2025-01-01", 120_000, rate=0.03, matures_on=day("2026-01-01"))])
    months = (
        sum(
            120_000 * (1 - n / 12) * days
            for n, days in enumerate(
                (day(f"2025-{m + 1:02}-01") - day(f"2025-{m:02}-01")).days if m < 12 else 31 for m in range(1, 13)
            )
        )
        / 365
    )
    assert year(bank)["loan_margin"] == pytest.approx(months * 0.01 * 0.99, rel=0.01)


def test_rows_in_any_order_give_the_same_contribution(tmp_path: Path) -> None:
    rows = {
        "customers": [customer(f"C{n}") for n in range(30)],
        "accounts": [account(f"{n}", f"C{n}") for n in range(30)],
        "balances": [
            r
            for n in range(30)
            for r in balances(f"{n}", *((f"2025-{m:02}-{1 + n % 27:02}", 1000.37 * (n + 1) / m) for m in range(1, 12)))
        ],
    }
    a = small_bank(tmp_path / "a", "2026-10-31", **rows)
    b = small_bank(tmp_path / "b", "2026-10-31", shuffle=3, **rows)
    found = years(a, day("2026-01-01"), PLAIN)
    assert found == years(b, day("2026-01-01"), PLAIN)
    assert len({parts["contribution"] for parts in found.values()}) == 30
