"""Gates stop a night, waivers let a known gap through and are shown, the report says what to mend in two languages."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from rich.console import Console

from sources.gates import Calendar, day_kind
from sources.report import show
from store.errors import GateBroken
from tests.sources.conftest import MOVEMENTS, SmallBank


def test_data_that_ends_too_early_is_not_fresh(bank: SmallBank) -> None:
    bank.take(expected=dt.date(2023, 9, 1))
    with pytest.raises(GateBroken, match="2023-09-01"):
        bank.take(expected=dt.date(2023, 9, 2))


def test_control_totals_are_exact(bank: SmallBank) -> None:
    bank.change("  gates: {", "  gates: {totals: {transactions: {rows: 8, sums: {amount: 5650.55}}}, ")
    bank.take()
    bank.write("mov.dat", MOVEMENTS[:-1])
    with pytest.raises(GateBroken, match=r"transactions: total rows 7, expected rows 8; transactions: total amount 5649.55"):
        bank.take()


def _days(last_day_rows: int) -> list[str]:
    lines, balance = [], 0
    for day in range(4, 30):
        for number in range(last_day_rows if day == 29 else 5):
            balance += 1
            lines.append(f"T{day:02}{number}|+|A1|+|202303{day:02}|+|C|+|1.00|+|{balance}.00|+|CSH")
    return lines


def test_a_thin_day_is_told_from_days_of_its_kind(bank: SmallBank) -> None:
    bank.change("  gates: {", "  gates: {volume: {transactions: {low: 0.5}}, ")
    bank.write("mov.dat", _days(5))
    bank.take()
    bank.write("mov.dat", _days(1))
    with pytest.raises(GateBroken, match="transactions: volume 1 rows on 2023-03-29"):
        bank.take()


def test_a_known_gap_is_waived_with_its_reason_shown(bank: SmallBank) -> None:
    bank.change(
        "  gates: {",
        "  waivers: [{table: transactions, rule: volume, on: 2023-03-29, reason: The extract stops at noon.}]\n"
        "  gates: {volume: {transactions: {low: 0.5}}, ",
    )
    bank.write("mov.dat", _days(1))
    bank.take()
    gate = next(g for g in bank.report().gates if g.rule == "volume")
    assert (gate.state, gate.reason) == ("waived", "The extract stops at noon.")


def test_a_waiver_nothing_needs_is_told(bank: SmallBank) -> None:
    bank.change("  gates: {", "  waivers: [{table: transactions, rule: late, reason: Twelve rows each year end.}]\n  gates: {")
    bank.take()
    assert bank.report().idle_waivers == ("transactions late: Twelve rows each year end.",)


def test_days_are_compared_with_their_kind() -> None:
    assert [day_kind(dt.date(2023, m, d), Calendar()) for m, d in ((3, 31), (3, 21), (3, 25), (3, 22))] == [
        "month end",
        "interest day",
        "rest day",
        "working day",
    ]


def test_a_saturday_made_up_for_a_holiday_is_a_working_day_and_the_banks_own_exceptions_come_first() -> None:
    made_up, plain, holiday = dt.date(2025, 10, 11), dt.date(2025, 10, 18), dt.date(2025, 10, 6)
    assert [day_kind(d, Calendar("CN")) for d in (made_up, plain, holiday)] == ["working day", "rest day", "rest day"]
    own = Calendar("CN", workdays=(plain,), rest_days=(made_up,))
    assert [day_kind(d, own) for d in (made_up, plain, holiday)] == ["rest day", "working day", "rest day"]


def _october(bank: SmallBank, on_made_up_saturday: int) -> None:
    """Ten rows on working days, one on rest days, up to Saturday 2025-10-11, on which China works."""
    lines, balance = [], 0
    worked = (dt.date(2025, 9, 28), dt.date(2025, 10, 9), dt.date(2025, 10, 10))
    for day in [dt.date(2025, 9, 1) + dt.timedelta(days=n) for n in range(41)]:
        works = day in worked or (day.weekday() < 5 and day < dt.date(2025, 10, 1))
        rows_of_day = on_made_up_saturday if day == dt.date(2025, 10, 11) else 10 if works else 1
        for number in range(rows_of_day):
            balance += 1
            lines.append(f"T{day:%m%d}{number:02}|+|A1|+|{day:%Y%m%d}|+|C|+|1.00|+|{balance}.00|+|CSH")
    bank.write("mov.dat", lines)


def test_the_volume_of_a_make_up_day_is_held_against_working_days(bank: SmallBank) -> None:
    bank.change("  gates: {", "  gates: {volume: {transactions: {low: 0.5, high: 2}}, ")
    _october(bank, on_made_up_saturday=10)
    bank.take()
    assert next(g for g in bank.report().gates if g.rule == "volume").expected.endswith("(working day)")
    _october(bank, on_made_up_saturday=1)
    with pytest.raises(GateBroken, match="transactions: volume 1 rows on 2025-10-11"):
        bank.take()


@pytest.mark.parametrize(("language", "said"), [("zh", "引用的主数据不存在"), ("en", "refers to a row that is not there")])
def test_the_report_says_what_to_mend_in_the_banks_language(bank: SmallBank, language: str, said: str) -> None:
    bank.write("mov.dat", [*MOVEMENTS, "T10|+|A9|+|20230105|+|C|+|1.00|+|1.00|+|CSH"])
    bank.take()
    page = io.StringIO()
    show(bank.report(), language, Console(file=page, width=220))
    assert said in page.getvalue()
    assert "transaction_id=T10: account_id='A9'" in page.getvalue()


def test_equal_files_give_equal_reports(bank: SmallBank) -> None:
    for home in ("one", "two"):
        bank.take(home)
    one, two = ((bank.folder / home / "quality" / "report.json").read_bytes() for home in ("one", "two"))
    assert one == two
