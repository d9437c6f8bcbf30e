"""What was known when: late and corrected rows, attributes that change, merged numbers."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.canonical import Canonical
from sources.connection import connect
from sources.identity import merged_roots, spells, standing
from sources.overwrite import write_canonical
from tests.sources.conftest import ACCOUNTS, CUSTOMERS, MOVEMENTS, SmallBank, rows

D = dt.date


def _late(bank: SmallBank, lines: list[str]) -> Canonical:
    bank.change(
        "columns: [id, acct, day, dc, amount, balance, code]", "columns: [id, acct, day, dc, amount, balance, code, booked]"
    )
    bank.change(
        "        balance_after: balance\n",
        '        balance_after: balance\n      recorded_on: {column: booked, date: "%Y%m%d"}\n',
    )
    bank.write("mov.dat", lines)
    return bank.take()


def _on_time() -> list[str]:
    return [f"{line}|+|{line.split('|+|')[2]}" for line in MOVEMENTS]


def test_a_late_payment_is_unknown_before_it_was_recorded(bank: SmallBank) -> None:
    canonical = _late(bank, [*_on_time(), "T20|+|A1|+|20230105|+|D|+|49.50|+|600.00|+|PAY|+|20230120"])
    for day, last, balance in ((D(2023, 1, 19), "T06", 64_950), (D(2023, 1, 20), "T20", 60_000)):
        assert max(row[0] for row in rows(canonical, "transactions", day, "transaction_id")) in (last, "T06")
        assert rows(canonical, "balances", day, 'account_id, "on", balance')[1] == ("A1", D(2023, 1, 5), balance)
    assert ("T20",) not in rows(canonical, "transactions", D(2023, 1, 19), "transaction_id")
    assert bank.findings()["transactions", "late", "recorded_on"].count == 1


def test_a_correction_is_a_new_version_of_the_same_key(bank: SmallBank) -> None:
    canonical = _late(bank, [*_on_time(), "T03|+|A1|+|20230105|+|D|+|90.00|+|659.50|+|PAY|+|20230201"])
    wanted = {D(2023, 1, 31): (-10_000, 64_950), D(2023, 2, 1): (-9_000, 65_950)}
    for day, (amount, balance) in wanted.items():
        assert [row for row in rows(canonical, "transactions", day, "transaction_id, amount") if row[0] == "T03"] == [
            ("T03", amount)
        ]
        assert rows(canonical, "balances", day, 'account_id, "on", balance')[1] == ("A1", D(2023, 1, 5), balance)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.permutations(
        [
            *_on_time(),
            "T20|+|A1|+|20230105|+|D|+|49.50|+|600.00|+|PAY|+|20230120",
            "T03|+|A1|+|20230105|+|D|+|90.00|+|659.50|+|PAY|+|20230201",
            "T03|+|A1|+|20230105|+|D|+|80.00|+|669.50|+|PAY|+|20230301",
        ]
    )
)
def test_the_order_of_delivery_changes_nothing_at_any_date(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bank = SmallBank(Path(folder))
        bank.write("cust.dat", CUSTOMERS)
        bank.write("acct.dat", ACCOUNTS)
        canonical = _late(bank, lines)
        for day, amount, balance in (
            (D(2023, 1, 10), -10_000, 64_950),
            (D(2023, 1, 25), -10_000, 60_000),
            (D(2023, 2, 10), -9_000, None),
            (D(2023, 3, 1), -8_000, None),
        ):
            known = rows(canonical, "transactions", day, "transaction_id, amount")
            assert [row[1] for row in known if row[0] == "T03"] == [amount]
            if balance is not None:
                assert rows(canonical, "balances", day, 'account_id, "on", balance')[1][2] == balance


def test_nothing_recorded_after_a_date_changes_what_was_known_at_it(bank: SmallBank) -> None:
    late = [
        "T20|+|A1|+|20230105|+|D|+|49.50|+|600.00|+|PAY|+|20230120",
        "T21|+|A1|+|20230106|+|C|+|5.00|+|605.00|+|PAY|+|20230125",
    ]
    whole = _late(bank, [*_on_time(), *late])
    cut = SmallBank(bank.folder, bank.yaml)
    cut.write("mov.dat", [*(line for line in _on_time() if line[-8:] <= "20230119")])
    before = cut.take("cut")
    for table in ("transactions", "balances", "accounts"):
        assert rows(whole, table, D(2023, 1, 19), "* EXCLUDE (known_to)") == rows(
            before, table, D(2023, 1, 19), "* EXCLUDE (known_to)"
        )


def test_attributes_have_versions_with_their_day(bank: SmallBank) -> None:
    bank.change("columns: [id, name, birth, sex, opened]", "columns: [id, name, birth, sex, opened, job, since]")
    bank.change("        gender:", "        occupation: job\n        gender:")
    bank.change("    accounts:\n", '      valid_from: {column: since, date: "%Y%m%d"}\n    accounts:\n')
    bank.write("cust.dat", [*(line + "|+|farmer|+|20200110" for line in CUSTOMERS), CUSTOMERS[0] + "|+|merchant|+|20230401"])
    canonical = bank.take()
    assert [rows(canonical, "customers", day, "customer_id, occupation")[0][1] for day in (D(2023, 3, 31), D(2023, 4, 1))] == [
        "farmer",
        "merchant",
    ]


def _merged(folder: Path, merges: str) -> Canonical:
    con = connect()
    con.execute("CREATE TABLE c AS SELECT unnest(['A', 'B', 'C']) AS customer_id, DATE '2020-01-01' AS opened_on")
    con.execute(
        "CREATE TABLE a AS SELECT unnest(['1', '2', '3']) AS account_id, unnest(['A', 'B', 'C']) AS customer_id,"
        " 'deposit' AS holds, DATE '2020-01-01' AS opened_on"
    )
    con.execute("CREATE TABLE b AS SELECT unnest(['1', '2', '3']) AS account_id, DATE '2020-06-01' AS \"on\", 100 AS balance")
    con.execute(f'CREATE TABLE m AS SELECT * FROM (VALUES {merges}) v(old_id, new_id, "on", undone_on)')
    canonical = write_canonical(
        con,
        folder,
        {"customers": "c", "accounts": "a", "balances": "b", "merges": "m"},
        bank="x",
        currency="CNY",
        buckets=3,
        newest=D(2024, 1, 1),
        inputs={},
    )
    con.close()
    return canonical


def test_rows_stand_under_the_number_of_their_date(tmp_path: Path) -> None:
    canonical = _merged(tmp_path, "('B', 'A', DATE '2022-01-01', DATE '2023-01-01')")
    owners = {
        day: rows(canonical, "balances", day, "account_id, customer_id")
        for day in (D(2021, 12, 31), D(2022, 1, 1), D(2023, 1, 1))
    }
    assert [owner for _, owner in owners[D(2021, 12, 31)]] == ["A", "B", "C"]
    assert [owner for _, owner in owners[D(2022, 1, 1)]] == ["A", "A", "C"]
    assert [owner for _, owner in owners[D(2023, 1, 1)]] == ["A", "B", "C"]


def test_a_number_merged_away_is_no_customer_of_its_own(tmp_path: Path) -> None:
    canonical = _merged(tmp_path, "('B', 'A', DATE '2022-01-01', DATE '2023-01-01')")
    assert [
        len(rows(canonical, "customers", day, "customer_id")) for day in (D(2021, 12, 31), D(2022, 6, 1), D(2023, 1, 1))
    ] == [3, 2, 3]


def test_merges_of_two_steps_end_at_the_last_number_and_share_a_bucket(tmp_path: Path) -> None:
    canonical = _merged(tmp_path, "('C', 'B', DATE '2021-01-01', NULL), ('B', 'A', DATE '2022-01-01', NULL)")
    assert rows(canonical, "accounts", D(2021, 6, 1), "account_id, customer_id") == [("1", "A"), ("2", "B"), ("3", "B")]
    assert (
        rows(canonical, "accounts", D(2022, 6, 1), "customer_id, bucket")
        == [("A", rows(canonical, "accounts", D(2020, 6, 1), "bucket")[0][0])] * 3
    )


def test_both_people_of_a_link_are_resolved_and_nobody_is_linked_with_himself(tmp_path: Path) -> None:
    con = connect()
    con.execute("CREATE TABLE c AS SELECT unnest(['A', 'B', 'C']) AS customer_id, DATE '2020-01-01' AS opened_on")
    con.execute(
        "CREATE TABLE l AS SELECT unnest(['A', 'C']) AS customer_id, 'B' AS related_id, 'household' AS kind,"
        " DATE '2020-06-01' AS started_on"
    )
    con.execute(
        "CREATE TABLE m AS SELECT 'B' AS old_id, 'A' AS new_id, DATE '2022-01-01' AS \"on\", DATE '2023-01-01' AS undone_on"
    )
    canonical = write_canonical(
        con,
        tmp_path,
        {"customers": "c", "links": "l", "merges": "m"},
        bank="x",
        currency="CNY",
        newest=D(2024, 1, 1),
        inputs={},
    )
    con.close()
    apart = [("A", "B"), ("C", "B")]
    for day, wanted in ((D(2021, 12, 31), apart), (D(2022, 1, 1), [("C", "A")]), (D(2023, 1, 1), apart)):
        assert rows(canonical, "links", day, "customer_id, related_id") == wanted


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABCDE"),
            st.sampled_from("ABCDE"),
            st.dates(D(2022, 1, 1), D(2022, 1, 9)),
            st.none() | st.dates(D(2022, 1, 5), D(2022, 1, 12)),
        ),
        max_size=6,
    )
)
def test_at_every_date_every_number_stands_for_exactly_one(merges: list[tuple[str, str, dt.date, dt.date | None]]) -> None:
    found = spells(merges)
    for day in (D(2022, 1, 1) + dt.timedelta(days=n) for n in range(14)):
        now = standing((old, new) for old, new, on, undone in merges if on <= day and (undone is None or undone > day))
        for old in {merge[0] for merge in merges}:
            person = [
                p for number, p, since, until in found if number == old and since <= day and (until is None or until > day)
            ]
            assert person == [now.get(old, old)]


def test_the_root_of_a_merged_set_does_not_depend_on_what_was_merged_into_what() -> None:
    assert merged_roots([("C", "B"), ("B", "A")]) == merged_roots([("A", "B"), ("B", "C")]) == {"A": "A", "B": "A", "C": "A"}


def test_of_two_owners_told_before_an_account_opens_the_one_told_last_has_it(tmp_path: Path) -> None:
    with connect() as con:
        con.execute("CREATE TABLE c AS SELECT unnest(['A', 'B']) AS customer_id, DATE '2020-01-01' AS opened_on")
        con.execute(
            "CREATE TABLE a AS SELECT '1' AS account_id, unnest(['B', 'A']) AS customer_id, 'deposit' AS holds,"
            " DATE '2024-01-01' AS opened_on, unnest([DATE '2023-12-01', DATE '2023-12-02']) AS recorded_on"
        )
        con.execute("CREATE TABLE b AS SELECT '1' AS account_id, DATE '2024-01-02' AS \"on\", 100 AS balance")
        names = {"customers": "c", "accounts": "a", "balances": "b"}
        canonical = write_canonical(con, tmp_path, names, bank="x", currency="CNY", newest=D(2024, 2, 1), inputs={})
    for table in ("accounts", "balances"):
        assert rows(canonical, table, D(2024, 2, 1), "account_id, customer_id") == [("1", "A")], table
