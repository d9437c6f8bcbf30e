"""Since when a bank's balances tell, as known at a date: the same as asking every row."""

from __future__ import annotations

import datetime as dt
import random
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))

from handful import account, balances, customer, day, small_bank

from features.history import first_balance, first_balances
from sources.canonical import Canonical


def by_every_row(bank: Canonical, as_of: dt.date) -> dt.date | None:
    with bank.connect() as con:
        rows = bank.relation_sql("balances")
        found: dt.date | None = con.execute(f'SELECT min("on") FROM {rows} WHERE known_from <= ?', [as_of]).fetchall()[0][0]
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**20), st.booleans())
def test_the_first_balance_known_is_found_without_asking_every_row(
    tmp_path_factory: pytest.TempPathFactory, number: int, in_groups: bool
) -> None:
    draw, start = random.Random(number), day("2025-01-01")
    rows = {}
    for _ in range(draw.randrange(1, 30)):
        one, on, late = f"{draw.randrange(4)}", start + dt.timedelta(draw.randrange(60)), draw.choice((0, 0, 0, 9, 40))
        rows[one, on, late] = {"account_id": one, "on": on, "balance": 100, "recorded_on": on + dt.timedelta(late)}
    bank = small_bank(
        tmp_path_factory.mktemp("bank"),
        "2025-12-31",
        customers=[customer(f"C{n}") for n in range(4)],
        accounts=[account(f"{n}", f"C{n}") for n in range(4)],
        balances=list(rows.values()),
        shuffle=number,
    )
    if in_groups:  # as a large file lies: in several row groups
        for file in bank.files("balances"):
            pq.write_table(pq.read_table(file, partitioning=None), file, row_group_size=2, write_statistics=number % 3 > 0)
    views = [start + dt.timedelta(days) for days in (-1, 0, 5, 20, 61, 300)]
    assert first_balances(trusting(bank), views) == {view: by_every_row(trusting(bank), view) for view in views}


def trusting(bank: Canonical) -> Canonical:
    """The bank as it is after its files were written anew."""
    state = bank.manifest.tables["balances"]
    files = tuple(file.model_copy(update={"size": (bank.root / file.path).stat().st_size}) for file in state.files)
    tables = bank.manifest.tables | {"balances": state.model_copy(update={"files": files})}
    return Canonical(bank.root, bank.manifest.model_copy(update={"tables": tables}), bank.limits)


def test_a_bank_without_balances_has_no_first_one(tmp_path: Path) -> None:
    bank = small_bank(tmp_path, "2025-12-31", customers=[customer("A")], accounts=[account("1", "A")])
    assert first_balance(bank, day("2025-12-31")) is None


def test_a_year_of_balances_told_of_afterwards_was_not_known_before(tmp_path: Path) -> None:
    bank = small_bank(
        tmp_path,
        "2025-12-31",
        customers=[customer("A")],
        accounts=[account("1", "A")],
        balances=balances("1", ("2025-06-01", 10)) + balances("1", ("2024-06-01", 9), recorded_on=day("2025-09-01")),
    )
    assert [first_balance(bank, day(on)) for on in ("2025-05-31", "2025-08-31", "2025-09-01")] == [
        None,
        day("2025-06-01"),
        day("2024-06-01"),
    ]
