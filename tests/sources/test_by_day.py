"""Taking data in by the day gives what taking it all in at once gives: rows, fingerprints, report; and a day touches little."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.sources.daily_bank import D, Day, daily_bank, deliver, seen

FIRST = D(2023, 9, 1)
CUSTOMERS, ACCOUNTS = ["C1", "C2", "C3"], ["A1", "A2", "A3"]


def day_text(number: int) -> str:
    return f"{FIRST + dt.timedelta(days=number):%Y%m%d}"


PAST = st.integers(0, 6).map(day_text)
LINES = {
    "cust": st.tuples(
        st.sampled_from(CUSTOMERS), st.sampled_from(["19640512", "xx"]), st.just("20200110"), st.sampled_from(["B1", "B2", ""])
    ),
    "acct": st.tuples(
        st.sampled_from(ACCOUNTS),
        st.sampled_from(CUSTOMERS),
        st.just("20200301"),
        st.sampled_from(["0", "0", "20230903"]),
        st.sampled_from("0001"),
    ),
    "mov": st.tuples(
        st.sampled_from(["T1", "T2", "T3", "T4", "T5"]),
        st.sampled_from(ACCOUNTS),
        PAST,
        st.sampled_from(["1.00", "-1.00", "2.00"]),
        st.sampled_from(["1.00", "2.00", "3.00", ""]),
        st.sampled_from(["SAL", "CSH", "CSH", "?"]),
        st.sampled_from("0001"),
    ),
    "visit": st.tuples(st.sampled_from(CUSTOMERS), PAST, st.just("mobile"), st.sampled_from("12")),
    "kin": st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS), st.just("20230901")),
    "merge": st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS), PAST, st.sampled_from(["0", "0", "20230905"])),
    "place": st.tuples(st.sampled_from(["B1", "B2"]), st.sampled_from(["North", "South"])),
}
DAY = st.fixed_dictionaries(
    {}, optional={name: st.lists(line.map("|".join), max_size=4 if name == "mov" else 2) for name, line in LINES.items()}
)
BASE: Day = {
    "cust": ["C1|19640512|20200110|B1", "C2|19580301|20200110|"],
    "acct": ["A1|C1|20200301|0|0", "A2|C2|20200301|0|0"],
    "mov": ["T1|A1|20230901|1.00|1.00|SAL|0"],
    "place": ["B1|North"],
}


TWICE_LINKED: list[Day] = [  # two numbers of one person, linked with the same other; one of them becomes known a day later
    {"kin": ["C3|C2|20230901", "C2|C1|20230901"], "merge": ["C2|C3|20230903|0"]},
    {"kin": ["C3|C1|20230901"], "cust": ["C3|xx|20200110|B1"]},
]


def told_of_a_day_to_come(table: str, first: str, then: str) -> list[Day]:
    """Two days that say it otherwise of one key, both before its own day."""
    return [{table: [first]}, {table: [then]}]


@example(True, told_of_a_day_to_come("mov", "T2|A1|20230905|1.00|2.00|CSH|0", "T2|A1|20230905|2.00|3.00|CSH|0"), 0)
@example(True, told_of_a_day_to_come("merge", "C1|C2|20230905|0", "C1|C2|20230905|20230905"), 0)
@example(True, TWICE_LINKED, 3)
@settings(max_examples=8, deadline=None, derandomize=True)  # each example takes in up to six times
@given(st.booleans(), st.lists(DAY, min_size=1, max_size=4), st.integers(0, 3))
def test_any_days_one_by_one_give_the_rows_of_all_at_once(has_base: bool, days: list[Day], late: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bank = daily_bank(Path(folder))
        if has_base:
            deliver(bank, None, BASE)
        by_day = bank.take("by_day")
        order = list(enumerate(days))
        if late < len(order):  # one day's files come after all others
            order.append(order.pop(late))
        for number, day in order:
            deliver(bank, FIRST + dt.timedelta(days=number + 1), day)
            by_day = bank.take("by_day")
        at_once = bank.take("at_once")
        dates = [FIRST + dt.timedelta(days=n) for n in (-1, 0, 1, 2, 3, 4, 5, 9)]
        ours, theirs = seen(by_day, dates), seen(at_once, dates)
        for place in theirs:
            assert ours[place] == theirs[place], place
        assert by_day.manifest.content() == at_once.manifest.content()
        one, other = bank.report("by_day"), bank.report("at_once")
        assert one.tables == other.tables
        assert (one.account_days, one.inexact_days, one.inputs) == (other.account_days, other.inexact_days, other.inputs)
        for report in (one, other):
            assert all(t.rows_in == t.kept + t.quarantined + t.copies for t in report.tables)
