"""What a change, and a key gone from a full file, mean in each canonical table; and what the steward sees of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows.cli import app
from sources.canonical import open_canonical
from tests import small_bank
from tests.sources.conftest import ACCOUNTS, MOVEMENTS, SmallBank, rows
from tests.sources.full_bank import JOBS, D, deliver, full_bank, seen


@pytest.fixture
def full(tmp_path: Path) -> SmallBank:
    return full_bank(tmp_path)


def test_a_rolled_deposit_gets_a_new_term_and_the_old_one_stays_visible_before(full: SmallBank) -> None:
    full.change(
        "    mov: {",
        "    term: {<<: *core, files: in/term_*.dat, key: [acct, since], columns: [acct, since, until, amount, rate]}\n"
        "    mov: {",
    )
    full.change(
        "    transactions:\n",
        """    terms:
      from: term
      columns:
        account_id: acct
        started_on: {column: since, date: "%Y%m%d"}
        matures_on: {column: until, date: "%Y%m%d"}
        amount: amount
        rate: {column: rate, rate: percent}
    transactions:
""",
    )
    deliver(full, 10, JOBS)
    full.change("highest_gone: 0.6", "highest_gone: 1")
    full.write("term_20230910.dat", ["A1|+|20220911|+|20230911|+|10000|+|1.5", "A2|+|20230101|+|20240101|+|5000|+|1.7"])
    full.write("term_20230911.dat", ["A1|+|20230911|+|20240911|+|10150|+|1.35", "A2|+|20230101|+|20240101|+|5000|+|1.7"])
    full.write("term_20230912.dat", ["A1|+|20230911|+|20240911|+|10150|+|1.35"])
    canonical = full.take()
    columns = "account_id, started_on, matures_on, amount, rate, ended_on, end_reason"
    old = ("A1", D(2022, 9, 11), D(2023, 9, 11), 1_000_000, 0.015)
    new = ("A1", D(2023, 9, 11), D(2024, 9, 11), 1_015_000, 0.0135)
    other = ("A2", D(2023, 1, 1), D(2024, 1, 1), 500_000, 0.017)
    running, rolled, early = (None, None), (D(2023, 9, 11), "rolled"), (D(2023, 9, 12), "early")
    wanted = {
        1: [old + running, other + running],
        10: [old + running, other + running],
        11: [old + rolled, new + running, other + running],
        12: [old + rolled, new + running, other + early],
    }
    assert {day: rows(canonical, "terms", D(2023, 9, day), columns) for day in wanted} == wanted


def _accounts_in_full(full: SmallBank) -> None:
    full.change(
        "acct: {<<: *core, delivery: appended, key: [], dated: null, files: in/acct*.dat",
        "acct: {<<: *core, files: in/acct_*.dat",
    )
    full.change("highest_gone: 0.6", "highest_gone: 1")
    deliver(full, 10, JOBS)


def test_an_account_gone_from_the_file_is_closed_that_day_and_keeps_its_movements(full: SmallBank) -> None:
    _accounts_in_full(full)
    full.write("acct_20230910.dat", ACCOUNTS)
    full.write("acct_20230911.dat", ACCOUNTS[1:])
    canonical = full.take()
    assert [rows(canonical, "accounts", D(2023, 9, day), "account_id, closed_on")[0] for day in (10, 11)] == [
        ("A1", None),
        ("A1", D(2023, 9, 11)),
    ]
    assert len(rows(canonical, "transactions", D(2023, 9, 30), "*")) == len(MOVEMENTS)


def test_an_account_that_comes_back_is_open_again(full: SmallBank) -> None:
    _accounts_in_full(full)
    full.write("acct_20230910.dat", ACCOUNTS)
    full.write("acct_20230911.dat", ACCOUNTS[1:])
    full.write("acct_20230912.dat", ACCOUNTS)
    canonical = full.take()
    assert rows(canonical, "accounts", D(2023, 9, 12), "account_id, closed_on")[0] == ("A1", None)
    balances = rows(canonical, "balances", D(2023, 9, 30), 'account_id, "on", balance')
    assert [row for row in balances if row[0] == "A1"][-1] == ("A1", D(2023, 9, 1), 65_050)


def test_an_account_that_changes_hands_takes_its_movements_along_from_that_day(full: SmallBank) -> None:
    _accounts_in_full(full)
    full.write("acct_20230910.dat", ACCOUNTS)
    full.write("acct_20230911.dat", [ACCOUNTS[0].replace("|+|C1|+|", "|+|C3|+|"), *ACCOUNTS[1:]])
    canonical = full.take()
    for day, owner in ((10, "C1"), (11, "C3")):
        found = rows(canonical, "transactions", D(2023, 9, day), "transaction_id, account_id, customer_id")
        assert len(found) == len(MOVEMENTS)
        assert {row[2] for row in found if row[1] == "A1"} == {owner}
        assert rows(canonical, "accounts", D(2023, 9, day), "account_id, customer_id")[0] == ("A1", owner)


def test_a_branch_gone_from_the_file_is_removed_and_still_there_before(full: SmallBank) -> None:
    full.change("    mov: {", "    org: {<<: *core, files: in/org_*.dat, columns: [id, name]}\n    mov: {")
    full.change("    transactions:\n", "    branches: {from: org, columns: {branch_id: id, name: name}}\n    transactions:\n")
    deliver(full, 10, JOBS)
    full.write("org_20230910.dat", ["B1|+|城关支行", "B2|+|东门支行"])
    full.write("org_20230911.dat", ["B1|+|城关中心支行"])
    canonical = full.take()
    assert [rows(canonical, "branches", D(2023, 9, day), "branch_id, name") for day in (1, 10, 11)] == [
        [("B1", "城关支行"), ("B2", "东门支行")],
        [("B1", "城关支行"), ("B2", "东门支行")],
        [("B1", "城关中心支行")],
    ]


def test_a_merge_gone_from_the_file_is_undone_and_holds_again_once_it_returns(full: SmallBank) -> None:
    full.change(
        "    mov: {", "    hb: {<<: *core, files: in/hb_*.dat, key: [old, new, day], columns: [old, new, day]}\n    mov: {"
    )
    full.change(
        "    transactions:\n",
        "    merges:\n      from: hb\n      columns: {old_id: old, new_id: new, on: {column: day, date: '%Y%m%d'}}\n"
        "    transactions:\n",
    )
    full.change("highest_gone: 0.6", "highest_gone: 1")
    deliver(full, 10, JOBS)
    full.write("hb_20230910.dat", ["C2|+|C1|+|20230905"])
    full.write("hb_20230912.dat", [""])
    full.write("hb_20230914.dat", ["C2|+|C1|+|20230905"])
    canonical = full.take()
    owners = [rows(canonical, "accounts", D(2023, 9, day), "account_id, customer_id")[1][1] for day in (4, 5, 11, 12, 13, 14)]
    assert owners == ["C2", "C1", "C1", "C2", "C2", "C1"]


def test_files_cut_at_a_date_give_what_all_files_give_as_of_it(full: SmallBank) -> None:
    _accounts_in_full(full)
    full.change("newest: 2023-09-30", "newest: 2023-09-11")
    later = (JOBS | {"C1": "merchant|+|M2"}, {"C1": "merchant|+|M1", "C3": JOBS["C3"]}, JOBS)
    for day, jobs in zip((11, 12, 13), later, strict=True):
        full.write(f"acct_202309{day - 1}.dat", ACCOUNTS[day % 2 :])
        if day == 12:
            cut = full.take("cut")
        deliver(full, day, jobs)
    whole = full.take("whole")
    assert whole.manifest.tables["customers"].rows > cut.manifest.tables["customers"].rows
    for table in ("customers", "accounts", "transactions", "balances"):
        for day in (D(2023, 1, 31), D(2023, 9, 10), D(2023, 9, 11)):
            known = rows(whole, table, day, "* EXCLUDE (known_to)")
            assert known
            assert known == rows(cut, table, day, "* EXCLUDE (known_to)")


def test_parquet_folders_by_day_may_come_in_parts_and_the_folder_is_no_column(full: SmallBank) -> None:
    full.change(
        '      separator: "|+|"\n      encoding: gb18030\n      columns: [id, name,',
        "      format: parquet\n      columns: [id, name,",
    )
    for name in ("acct", "mov"):
        full.change(
            f"    {name}: {{<<: *core,", f'    {name}: {{<<: *core, format: delimited, separator: "|+|", encoding: gb18030,'
        )
    full.change("files: in/cust_*.dat*", "files: in/parts")
    names = ["id", "name", "birth", "sex", "opened", "job", "manager"]
    for day, job in ((10, "farmer"), (11, "farmer"), (12, "merchant")):
        folder = full.folder / "in" / "parts" / f"dt=202309{day}"
        folder.mkdir(parents=True)
        for number in (1, 2):
            line = [f"C{number}", "陈秀英", "19580301", "F", "20200301", job if number == 1 else "farmer", "M1"]
            pq.write_table(pa.Table.from_pylist([dict(zip(names, line, strict=True))]), folder / f"{number}.parquet")
    canonical = full.take()
    assert [(d.new, d.changed, d.gone) for d in full.report().days] == [(2, 0, 0), (0, 0, 0), (0, 1, 0)]
    assert [seen(canonical, day)[0][1] for day in (11, 12)] == ["farmer", "merchant"]


def test_the_steward_sees_what_each_full_file_changed(tmp_path: Path) -> None:
    """A whole small bank through `terrace check`: customers come whole each day, one changes hands on the last."""
    bank, home = small_bank.make(tmp_path, customers=20), tmp_path / "home"
    lines = (tmp_path / "data" / "customers.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    assert lines[2].endswith(",B2,M1\n")
    for day, row in ((29, lines[2]), (30, lines[2].replace(",B2,M1", ",B1,M2"))):
        (tmp_path / "data" / f"customers_202509{day}.csv").write_text("".join([*lines[:2], row, *lines[3:]]), encoding="utf-8")
    settings = bank.read_text(encoding="utf-8")
    for old, new in (
        ("data/customers.csv}", "data/customers_*.csv, delivery: full, key: [customer_id], dated: {}}"),
        ("      undated: [branch_id, manager_id]\n", ""),
    ):
        assert old in settings
        settings = settings.replace(old, new, 1)
    bank.write_text(settings, encoding="utf-8")
    said = CliRunner().invoke(app, ["check", "--bank", str(bank), "--home", str(home)])
    assert said.exit_code == 0, said.output
    assert [line.split() for line in said.output.splitlines() if line.startswith("customers  2025-09-")] == [
        ["customers", "2025-09-29", "20", "20", "0", "0"],
        ["customers", "2025-09-30", "20", "0", "1", "0"],
    ]
    canonical = open_canonical(home / "small" / "canonical")
    assert canonical.has("customers", "manager_id", "branch_id")
    day = dt.timedelta(days=1)
    assert [
        rows(canonical, "customers", small_bank.AS_OF - back * day, "customer_id, branch_id, manager_id")[1]
        for back in (2, 1, 0)
    ] == [("C0001", None, None), ("C0001", "B2", "M1"), ("C0001", "B1", "M2")]
