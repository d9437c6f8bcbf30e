"""Who is eligible: the same in training and at night, by what was known then."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import account, balances, customer, day, loan, small_bank

import features.cohorts
from features.labels import Label, LabelSettings, build_labels, cohorts_at
from features.monthly import month_ends
from sources.canonical import Canonical

CHURN = Label(
    "churn_aum",
    LabelSettings.model_validate(
        {
            "type": "attrition",
            "zh": "流失",
            "en": "Attrition",
            "horizon_days": 60,
            "floor": 5_000,
            "cohort": {"min_tenure_days": 100, "min_age": 18},
        }
    ),
)
BUY = Label(
    "buy_time_deposit",
    LabelSettings.model_validate(
        {
            "type": "first_use",
            "zh": "定期",
            "en": "Time deposit",
            "families": ["time_deposit"],
            "uses": ["account"],
            "look_back_days": 200,
            "horizon_days": 60,
        }
    ),
)
CLOSURE = Label("closure", LabelSettings(type="closure", zh="销户", en="Closure", horizon_days=60))
LABELS = (CHURN, BUY, CLOSURE)
ENDS = month_ends(day("2025-03-01"), day("2026-03-31"))


def busy_bank(root: Path, *, shuffle: int | None = None, upto: str | None = None) -> Canonical:
    """Sixty customers with loans, closures, corrections, late rows and merges; `upto` leaves out all recorded after it."""
    rng = np.random.default_rng(11)
    names = [f"C{n:02}" for n in range(60)]
    days = [day("2025-01-01").toordinal() + n for n in range(455)]
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("customers", "accounts", "balances", "loans", "merges")}
    for n, name in enumerate(names):
        born = day("2025-01-01").fromordinal(days[0] - int(rng.integers(17, 80) * 365))
        tables["customers"].append(customer(name, "2025-01-01") | {"birth_on": born})
        for kind in ("current", "time_deposit")[: 1 + n % 2]:
            number = f"{name}-{kind}"
            opened = day("2025-01-01") if kind == "current" else day("2025-01-01").fromordinal(int(rng.choice(days)))
            closed = opened.fromordinal(opened.toordinal() + int(rng.integers(30, 400))) if rng.random() < 0.4 else None
            tables["accounts"].append(account(number, name, kind) | {"opened_on": opened, "closed_on": closed})
            for at in sorted({opened.toordinal(), *(int(d) for d in rng.choice(days, 12))}):
                if at < opened.toordinal():
                    continue
                row = {"account_id": number, "on": opened.fromordinal(at), "balance": int(rng.lognormal(13.5, 1.5))}
                late = opened.fromordinal(at + int(rng.integers(0, 2)))
                tables["balances"].append(row | {"recorded_on": late})
                if rng.random() < 0.1:  # corrected weeks later
                    tables["balances"].append(
                        row
                        | {
                            "balance": int(rng.lognormal(13.5, 1.5)),
                            "recorded_on": opened.fromordinal(at + int(rng.integers(2, 90))),
                        }
                    )
        if rng.random() < 0.4:
            granted = day("2025-01-01").fromordinal(int(rng.choice(days)))
            tables["loans"].append(
                loan(f"L{n}", name, granted.isoformat(), 20_000)
                | {"recorded_on": granted.fromordinal(granted.toordinal() + int(rng.integers(0, 20)))}
            )
    tables["merges"] = [
        {"old_id": "C01", "new_id": "C02", "on": day("2025-09-15")},
        {"old_id": "C02", "new_id": "C03", "on": day("2025-12-15")},
    ]
    tables["merges"] += [{"old_id": "C10", "new_id": "C11", "on": day("2025-06-15"), "undone_on": day("2025-10-10")}]
    if upto is not None:
        event = {"customers": "opened_on", "accounts": "opened_on", "balances": "on", "loans": "granted_on", "merges": "on"}
        tables = {
            name: [
                row for row in rows if row.get("recorded_on", row[event[name]]) <= day(upto) and row[event[name]] <= day(upto)
            ]
            for name, rows in tables.items()
        }
    return small_bank(root, "2026-03-31" if upto is None else upto, shuffle=shuffle, **tables)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Canonical:
    return busy_bank(tmp_path_factory.mktemp("busy"))


def members(bank: Canonical, label: Label, as_of: str) -> list[str]:
    return cohorts_at(bank, [label], day(as_of))[label.name].to_pylist()


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.name)
def test_the_cohort_of_a_night_is_the_cohort_of_training(bank: Canonical, label: Label, tmp_path: Path) -> None:
    build_labels(bank, LABELS, ENDS, day("2026-03-31"), tmp_path)
    compared = 0
    for end in ENDS:
        path = tmp_path / label.name / f"as_of={end}.parquet"
        if path.exists():
            trained = pq.read_table(path, partitioning=None)["customer_id"].to_pylist()
            assert trained == members(bank, label, end.isoformat())
            compared += len(trained)
    assert compared > 100


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.name)
@pytest.mark.parametrize("as_of", ["2025-06-30", "2025-09-30", "2025-12-31"])
def test_what_comes_after_as_of_moves_nobody_in_or_out(bank: Canonical, label: Label, as_of: str, tmp_path: Path) -> None:
    cut = busy_bank(tmp_path, upto=as_of)
    assert members(cut, label, as_of) == members(bank, label, as_of) != []


def test_rows_in_any_order_give_the_same_bytes(bank: Canonical, tmp_path: Path) -> None:
    other = busy_bank(tmp_path / "shuffled", shuffle=5)
    for name, one in (("a", bank), ("b", other)):
        build_labels(one, LABELS, ENDS, day("2026-03-31"), tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.parquet"))
    assert len(files) > 20
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_one_date_or_many_give_the_same_bytes(bank: Canonical, tmp_path: Path) -> None:
    build_labels(bank, CHURN, ENDS, day("2026-03-31"), tmp_path / "many")
    build_labels(bank, CHURN, [day("2025-09-30")], day("2026-03-31"), tmp_path / "one")
    name = "churn_aum/as_of=2025-09-30.parquet"
    assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_there_is_something_to_learn_in_the_busy_bank(bank: Canonical, tmp_path: Path) -> None:
    build_labels(bank, LABELS, ENDS, day("2026-03-31"), tmp_path)
    for label in LABELS:
        tables = [pq.read_table(path, partitioning=None) for path in (tmp_path / label.name).iterdir()]
        assert {target for table in tables for target in table["target"].to_pylist()} == {0, 1}, label.name


def test_age_and_tenure_are_those_of_the_day(tmp_path: Path) -> None:
    young = customer("A", "2025-01-01") | {"birth_on": day("2008-01-01")}
    late = customer("B", "2025-11-01")
    bank = small_bank(
        tmp_path,
        "2026-03-31",
        customers=[young, late],
        accounts=[account("1", "A"), account("2", "B")],
        balances=[*balances("1", ("2025-01-01", 50_000)), *balances("2", ("2025-01-01", 50_000))],
    )
    assert members(bank, CHURN, "2025-12-31") == []
    assert members(bank, CHURN, "2026-01-01") == ["A"]  # eighteen today
    assert members(bank, CHURN, "2026-02-09") == ["A", "B"]  # a hundred days here


def test_the_number_that_was_merged_away_is_not_a_customer_of_its_own(bank: Canonical) -> None:
    assert "C01" in members(bank, CLOSURE, "2025-08-31")
    assert "C01" not in members(bank, CLOSURE, "2025-09-30")


def test_one_pass_or_bucket_by_bucket_gives_the_same_bytes(
    bank: Canonical, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert features.cohorts.passes(bank) == [None]
    build_labels(bank, LABELS, ENDS, day("2026-03-31"), tmp_path / "one")
    monkeypatch.setattr(features.cohorts, "ONE_PASS", 0)
    assert len(features.cohorts.passes(bank)) == bank.manifest.buckets == 2
    build_labels(bank, LABELS, ENDS, day("2026-03-31"), tmp_path / "many")
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.parquet"))
    assert len(files) > 20
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "many" / f).read_bytes() for f in files)
