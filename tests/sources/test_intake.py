"""From files to canonical tables: what comes in is there, what did not change is not done again, nothing is lost."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sources.canonical import open_canonical
from sources.intake import take_in
from store.errors import DataNotArrived, GateBroken
from tests.sources.conftest import ACCOUNTS, CUSTOMERS, MOVEMENTS, SmallBank, rows

END = dt.date(2023, 9, 1)


def test_files_of_a_core_system_become_canonical_tables(bank: SmallBank) -> None:
    canonical = bank.take()
    assert canonical.manifest.newest_business_date == END
    assert rows(canonical, "customers", END, "customer_id, name, birth_on, gender") == [
        ("C1", "刘建国", dt.date(1964, 5, 12), "m"),
        ("C2", "陈秀英", dt.date(1958, 3, 1), "f"),
        ("C3", "李志强", dt.date(1985, 7, 7), "m"),
    ]
    assert rows(canonical, "transactions", END, "transaction_id, amount, category, customer_id")[:3] == [
        ("T01", 100_000, "payroll", "C1"),
        ("T02", -25_050, "cash", "C1"),
        ("T03", -10_000, "platform_pay", "C1"),
    ]


def test_an_account_closed_later_reads_as_open_before(bank: SmallBank) -> None:
    canonical = bank.take()
    assert rows(canonical, "accounts", dt.date(2023, 8, 31), "account_id, closed_on")[2] == ("A3", None)
    assert rows(canonical, "accounts", END, "account_id, closed_on")[2] == ("A3", END)


def test_a_second_intake_of_the_same_files_does_nothing(bank: SmallBank) -> None:
    first = bank.take()
    before = {p: p.stat().st_mtime_ns for p in (bank.folder / "home").rglob("*") if p.is_file()}
    assert bank.take().manifest == first.manifest
    assert before == {p: p.stat().st_mtime_ns for p in (bank.folder / "home").rglob("*") if p.is_file()}


def test_a_changed_file_or_setting_is_taken_in_anew(bank: SmallBank) -> None:
    first = bank.take()
    bank.write("mov.dat", [*MOVEMENTS, "T09|+|A1|+|20230902|+|C|+|2.00|+|652.50|+|INT"])
    second = bank.take()
    assert second.manifest.tables["transactions"].rows == first.manifest.tables["transactions"].rows + 1
    bank.change("highest_unreadable: 0.4", "highest_unreadable: 0.3")
    assert bank.take().manifest.config_hash != second.manifest.config_hash


def test_shuffled_rows_give_the_same_bytes(bank: SmallBank) -> None:
    first = bank.take("one")
    shuffler = random.Random(7)
    for name, lines in (("cust.dat", CUSTOMERS), ("acct.dat", ACCOUNTS), ("mov.dat", MOVEMENTS)):
        bank.write(name, shuffler.sample(lines, len(lines)))
    second = bank.take("two")
    for table in first.manifest.tables:
        ours, theirs = ([Path(file).read_bytes() for file in taken.files(table)] for taken in (first, second))
        assert ours == theirs, table


def test_a_failed_intake_leaves_the_tables_in_force(bank: SmallBank) -> None:
    first = bank.take()
    bank.write("mov.dat", [line.replace("|+|", ";") for line in MOVEMENTS])
    with pytest.raises(GateBroken, match="mov"):
        bank.take()
    assert open_canonical(bank.folder / "home" / "canonical").manifest == first.manifest


def test_a_missing_table_is_named_with_its_file(bank: SmallBank) -> None:
    (bank.folder / "in" / "acct.dat").unlink()
    with pytest.raises(DataNotArrived, match=r"acct .no file in/acct\*\.dat"):
        bank.take()


def test_an_input_that_need_not_come_is_empty(bank: SmallBank) -> None:
    bank.change("    mov: {<<: *core, files: in/mov*.dat", "    mov: {<<: *core, required: false, files: in/mov*.dat")
    bank.change("gates: {fresh: [transactions],", "gates: {newest: 2023-09-01,")
    (bank.folder / "in" / "mov.dat").unlink()
    canonical = bank.take()
    assert canonical.manifest.tables["transactions"].rows == 0
    assert canonical.manifest.tables["transactions"].filled == ()
    assert rows(canonical, "transactions", END, "*") == []


def test_rows_in_are_rows_kept_or_set_aside_or_copies(bank: SmallBank) -> None:
    bank.write(
        "mov.dat",
        [
            *MOVEMENTS,
            MOVEMENTS[0],
            MOVEMENTS[3],
            "T10|+|A9|+|20230105|+|C|+|1.00|+|1.00|+|CSH",
            "T11|+|A1|+|2023015|+|C|+|1.00|+|1.00|+|CSH",
            "T12|+|A1|+|20230105|+|C|+|1.00|+|1.00|+|NEW",
        ],
    )
    canonical = bank.take()
    seen = next(t for t in bank.report().tables if t.table == "transactions")
    assert (seen.rows_in, seen.kept, seen.quarantined, seen.copies) == (13, 8, 3, 2)
    assert seen.rows_in == seen.kept + seen.quarantined + seen.copies
    assert canonical.manifest.tables["transactions"].rows == seen.kept
    quarantined = pq.read_table(bank.folder / "home" / "quarantine" / "transactions.parquet").to_pylist()
    assert sorted(row["rules"] for row in quarantined) == [["code:category"], ["reference:account_id"], ["type:on"]]


def test_progress_names_every_step_of_the_way(bank: SmallBank) -> None:
    settings, places = bank.settings()
    said: list[str] = []
    take_in(
        settings,
        bank.folder / "home",
        bank.folder,
        "small",
        "CNY",
        places=places,
        progress=lambda what, done, total: said.append(what),
    )
    assert [
        word for word in ("read mov", "map transactions", "check accounts", "running balances", "write tables") if word in said
    ] == ["read mov", "map transactions", "check accounts", "running balances", "write tables"]
