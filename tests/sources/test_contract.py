"""The contract: what is wrong is set aside or blanked, said with its rule, and never lost without a word."""

from __future__ import annotations

import datetime as dt
import json

import pyarrow.parquet as pq
import pytest

from store.errors import GateBroken
from tests.sources.conftest import ACCOUNTS, CUSTOMERS, MOVEMENTS, SmallBank, rows

END = dt.date(2023, 9, 1)


def test_a_cell_nobody_needs_is_blanked_and_the_customer_stays(bank: SmallBank) -> None:
    bank.write("cust.dat", [*CUSTOMERS[:2], "C3|+|李志强|+|1985137|+|M|+|20210615"])
    canonical = bank.take()
    assert rows(canonical, "customers", END, "customer_id, birth_on")[2] == ("C3", None)
    assert bank.findings()["customers", "type", "birth_on"].action == "null"
    assert rows(canonical, "accounts", END, "account_id") == [("A1",), ("A2",), ("A3",)]


def test_a_placeholder_birth_date_is_unknown_not_1900(bank: SmallBank) -> None:
    bank.write("cust.dat", [*CUSTOMERS[:2], "C3|+|李志强|+|19000101|+|M|+|20210615"])
    assert rows(bank.take(), "customers", END, "customer_id, birth_on")[2] == ("C3", None)
    assert bank.findings()["customers", "unknown_birth", "birth_on"].count == 1


def test_an_account_closed_before_it_opened_loses_its_closing_date(bank: SmallBank) -> None:
    bank.write("acct.dat", [*ACCOUNTS[:2], "A3|+|C3|+|20210615|+|20200101"])
    assert rows(bank.take(), "accounts", END, "account_id, closed_on")[2] == ("A3", None)
    assert bank.findings()["accounts", "dates", "closed_on"].examples == ("account_id=A3: closed_on='20200101'",)


def test_an_account_of_nobody_takes_its_movements_with_it_into_quarantine(bank: SmallBank) -> None:
    bank.write("acct.dat", [*ACCOUNTS[:2], "A3|+|C9|+|20210615|+|00000000"])
    canonical = bank.take()
    found = bank.findings()
    assert found["accounts", "reference", "customer_id"].count == 1
    assert found["transactions", "reference", "account_id"].count == 2
    assert rows(canonical, "accounts", END, "account_id") == [("A1",), ("A2",)]


def test_exact_copies_are_dropped_and_counted(bank: SmallBank) -> None:
    bank.write("mov.dat", MOVEMENTS * 2)
    canonical = bank.take()
    assert canonical.manifest.tables["transactions"].rows == len(MOVEMENTS)
    seen = next(t for t in bank.report().tables if t.table == "transactions")
    assert (seen.rows_in, seen.copies, seen.quarantined) == (16, 8, 0)


def test_rows_that_contradict_each_other_are_all_set_aside(bank: SmallBank) -> None:
    bank.write("mov.dat", [*MOVEMENTS, MOVEMENTS[0], MOVEMENTS[0].replace("1000.00|+|1000.00", "7.00|+|7.00")])
    canonical = bank.take()
    assert "T01" not in {row[0] for row in rows(canonical, "transactions", END, "transaction_id")}
    finding = bank.findings()["transactions", "key", "transaction_id"]
    assert (finding.count, finding.action) == (2, "quarantine")


def test_many_contradicting_keys_stop_the_night(bank: SmallBank) -> None:
    bank.change("highest_conflicting: 0.6", "highest_conflicting: 0.1")
    bank.write("mov.dat", [*MOVEMENTS, MOVEMENTS[0].replace("1000.00|+|1000.00", "7.00|+|7.00")])
    with pytest.raises(GateBroken, match="transactions: key 2 of 9"):
        bank.take()


def test_personal_data_is_masked_in_quarantine_and_report(bank: SmallBank) -> None:
    bank.write("cust.dat", [*CUSTOMERS, "C1|+|张三丰|+|19700101|+|M|+|20220101"])
    bank.take()
    quarantined = pq.read_table(bank.folder / "home" / "quarantine" / "customers.parquet").to_pylist()
    assert {json.loads(row["source"])["name"] for row in quarantined} == {"刘***", "张***"}
    said = (bank.folder / "home" / "quality" / "report.json").read_text(encoding="utf-8")
    assert "张三丰" not in said
    assert "刘建国" not in said


def test_foreign_currency_is_set_aside_by_name_and_never_summed(bank: SmallBank) -> None:
    bank.change(
        "columns: [id, acct, day, dc, amount, balance, code]", "columns: [id, acct, day, dc, amount, balance, code, ccy]"
    )
    bank.change("        balance_after: balance\n", "        balance_after: balance\n      currency: ccy\n")
    bank.write("mov.dat", [line + "|+|CNY" for line in MOVEMENTS] + ["T99|+|A1|+|20230901|+|C|+|500.00|+|500.00|+|CSH|+|USD"])
    canonical = bank.take()
    assert bank.findings()["transactions", "currency", ""].count == 1
    assert sum(int(str(row[0])) for row in rows(canonical, "transactions", END, "amount")) == 65_050 + 500_005


def test_a_rule_can_be_reported_only(bank: SmallBank) -> None:
    bank.change("  gates:", "  checks: {flag_only: {customers: [unknown_birth]}}\n  gates:")
    bank.write("cust.dat", [*CUSTOMERS[:2], "C3|+|李志强|+|19000101|+|M|+|20210615"])
    assert rows(bank.take(), "customers", END, "customer_id, birth_on")[2] == ("C3", dt.date(1900, 1, 1))
    assert bank.findings()["customers", "unknown_birth", "birth_on"].action == "flag"


def test_no_setting_lets_a_movement_of_nobody_through(bank: SmallBank) -> None:
    bank.change("  gates:", "  checks: {flag_only: {transactions: [reference]}}\n  gates:")
    bank.write("mov.dat", [*MOVEMENTS, "T10|+|A9|+|20230105|+|C|+|1.00|+|1.00|+|CSH"])
    assert bank.take().manifest.tables["transactions"].rows == len(MOVEMENTS)


def test_movements_outside_an_accounts_life_are_reported(bank: SmallBank) -> None:
    bank.write(
        "mov.dat", [*MOVEMENTS, "T10|+|A3|+|20230902|+|C|+|1.00|+|1.00|+|CSH", "T11|+|A3|+|20210101|+|C|+|1.00|+|1.00|+|CSH"]
    )
    bank.take()
    found = bank.findings()
    assert found["transactions", "after_closing", "on"].count == 1
    assert found["transactions", "before_opening", "on"].count == 1


def _many(*more: str) -> list[str]:
    """The bank's movements, eight a day for 250 days after them, and some more."""
    start = dt.date(2023, 9, 2)
    days = [start + dt.timedelta(days=n // 8) for n in range(2_000)]
    return [*MOVEMENTS, *(f"U{n:04d}|+|A1|+|{day:%Y%m%d}|+|C|+|0.01|+|0.01|+|INT" for n, day in enumerate(days)), *more]


@pytest.mark.parametrize(("dated", "set_aside"), [("20990101", 1), ("20240708", 1), ("20240520", 0)])
def test_a_row_dated_long_after_all_others_does_not_say_how_far_the_data_goes(
    bank: SmallBank, dated: str, set_aside: int
) -> None:
    bank.write("mov.dat", _many(f"X1|+|A1|+|{dated}|+|C|+|0.01|+|0.01|+|INT"))
    taken = bank.take()
    newest = dt.date(2024, 5, 8) if set_aside else dt.datetime.strptime(dated, "%Y%m%d").date()
    assert taken.manifest.newest_business_date == newest
    assert sum(one.count for (_, rule, _), one in bank.findings().items() if rule == "ahead") == set_aside


def test_days_after_a_gap_are_no_mistake_where_many_rows_are_of_them(bank: SmallBank) -> None:
    bank.write("mov.dat", _many(*(f"X{n}|+|A1|+|20240901|+|C|+|0.01|+|0.01|+|INT" for n in range(3))))
    assert bank.take().manifest.newest_business_date == dt.date(2024, 9, 1)


def test_how_long_after_is_the_banks_to_say(bank: SmallBank) -> None:
    bank.change("  gates:", "  checks: {ahead_days: 400}\n  gates:")
    bank.write("mov.dat", _many("X1|+|A1|+|20240708|+|C|+|0.01|+|0.01|+|INT"))
    assert bank.take().manifest.newest_business_date == dt.date(2024, 7, 8)


def test_quarantine_of_an_earlier_intake_does_not_linger(bank: SmallBank) -> None:
    bank.write("mov.dat", [*MOVEMENTS, "T10|+|A9|+|20230105|+|C|+|1.00|+|1.00|+|CSH"])
    bank.take()
    assert (bank.folder / "home" / "quarantine" / "transactions.parquet").exists()
    bank.write("mov.dat", MOVEMENTS)
    bank.take()
    assert list((bank.folder / "home" / "quarantine").glob("*")) == []
