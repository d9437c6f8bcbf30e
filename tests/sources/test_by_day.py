"""Taking data in by the day gives what taking it all in at once gives: rows, fingerprints, report; and a day touches little."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sources.canonical import Canonical
from sources.connection import connect
from sources.landed import folder_of, read_state
from store.errors import DataDamaged
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


MERGED: list[Day] = [{}, {"merge": ["C1|C2|20230901|0"]}]  # all that stands of its accounts goes to another
NEVER_THERE: list[Day] = [  # an account of which only its end is told
    {"acct": ["A3|C1|20200301|0|1"], "mov": ["T9|A3|20230902|1.00|1.00|SAL|0"]},
    {"acct": ["A3|C1|20200301|0|0"]},
]
FIRST_GOES: list[Day] = [  # the first movement of an account turns out to be another's
    {"mov": ["T3|A1|20230905|2.00|2.00|CSH|0"]},
    {"mov": ["T1|A2|20230901|2.00||CSH|0"]},
]
TOLD_AGAIN_THEN_MERGED: list[Day] = [  # of an account followed anew and then merged some movements were told twice, some once
    {"mov": ["T2|A1|20230902|1.00|2.00|CSH|0", "T3|A1|20230903|1.00|3.00|CSH|0"]},
    {"mov": ["T2|A1|20230902|2.00|3.00|CSH|0", "T4|A1|20230901|1.00|2.00|CSH|0"]},
    {"merge": ["C1|C2|20230902|0"], "mov": ["T5|A1|20230902|1.00|4.00|CSH|0"]},
    {"merge": ["C1|C2|20230902|20230904"], "acct": ["A1|C2|20200301|0|0"]},
]

UNDONE_AND_TOLD_AGAIN: list[Day] = [
    {"merge": ["C2|C1|20230902|0"]},
    {"merge": ["C2|C1|20230902|20230903"]},
    {},
    {"merge": ["C2|C1|20230902|0"]},
]
LONG_MERGED_TOLD_AGAIN: list[
    Day
] = [  # a row of one number comes again: what stands of the person has rows of the other as well
    {"merge": ["C1|C2|20230901|0"], "visit": ["C1|20230901|mobile|1", "C2|20230901|mobile|1"]},
    {},
    {"visit": ["C1|20230901|mobile|2"]},
]
LONG_MERGED_LINKED_AGAIN: list[Day] = [
    {"merge": ["C1|C2|20230901|0"], "cust": ["C3|19640512|20200110|B1"], "kin": ["C1|C3|20230901", "C2|C3|20230901"]},
    {},
    {"kin": ["C1|C3|20230901"]},
]
CLOSED_LATE: list[Day] = [  # told on the 5th that it closed on the 3rd
    {"mov": ["T2|A1|20230902|1.00|2.00|CSH|0"]},
    {},
    {},
    {"acct": ["A1|C1|20200301|20230903|0"]},
]
REOPENED: list[Day] = [
    {"acct": ["A1|C1|20200301|20230902|0"]},
    {},
    {"acct": ["A1|C1|20200301|0|0"]},
    {"mov": ["T2|A1|20230904|1.00|2.00|CSH|0"]},
]
FIRST_COMES_LATER: list[Day] = [{}, {}, {}, {"mov": ["T2|A2|20230905|1.00|6.00|CSH|0"]}]
TOLD: dict[str, list[Day]] = {
    "an undone merge is told again": UNDONE_AND_TOLD_AGAIN,
    "a closing is told late": CLOSED_LATE,
    "a closed account is told to be open": REOPENED,
    "the first movement comes later": FIRST_COMES_LATER,
}


@example(True, MERGED, 0)
@example(True, UNDONE_AND_TOLD_AGAIN, 4)
@example(True, UNDONE_AND_TOLD_AGAIN, 1)
@example(True, CLOSED_LATE, 4)
@example(True, CLOSED_LATE, 0)
@example(True, REOPENED, 4)
@example(True, REOPENED, 0)
@example(True, FIRST_COMES_LATER, 4)
@example(True, NEVER_THERE, 3)
@example(True, FIRST_GOES, 3)
@example(True, TOLD_AGAIN_THEN_MERGED, 4)
@example(True, told_of_a_day_to_come("mov", "T2|A1|20230905|1.00|2.00|CSH|0", "T2|A1|20230904|2.00|3.00|CSH|0"), 0)
@example(True, told_of_a_day_to_come("mov", "T2|A1|20230905|1.00|2.00|CSH|0", "T2|A1|20230905|2.00|3.00|CSH|0"), 0)
@example(True, told_of_a_day_to_come("merge", "C1|C2|20230905|0", "C1|C2|20230905|20230905"), 0)
@example(True, TWICE_LINKED, 3)
@example(True, LONG_MERGED_TOLD_AGAIN, 4)
@example(True, LONG_MERGED_LINKED_AGAIN, 4)
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


def told_until(canonical: Canonical, on: dt.date) -> dict[tuple[str, dt.date], list[tuple[object, ...]]]:
    """What was known of every table on a day: all but until when, which is told later."""
    return {place: sorted((row[:-1] for row in rows), key=repr) for place, rows in seen(canonical, [on]).items()}


@pytest.mark.parametrize("days", TOLD.values(), ids=TOLD.keys())
def test_files_cut_at_a_day_give_what_all_files_give_as_of_it(tmp_path: Path, days: list[Day]) -> None:
    bank = daily_bank(tmp_path)
    deliver(bank, None, BASE)
    cut = {}
    for number, day in enumerate(days, 1):
        on = FIRST + dt.timedelta(days=number)
        deliver(bank, on, day)
        cut |= told_until(bank.take(f"cut_{number}"), on)
    whole = bank.take("whole")
    for number in range(1, len(days) + 1):
        on = FIRST + dt.timedelta(days=number)
        for place, wanted in told_until(whole, on).items():
            assert cut[place] == wanted, place


def test_a_movement_told_of_one_day_and_then_of_another_stands_on_the_day_told_last(tmp_path: Path) -> None:
    bank = daily_bank(tmp_path)
    deliver(bank, None, BASE)
    for number, day in enumerate(("20230906", "20230904", "20230908"), 1):  # told on the 2nd, 3rd and 4th
        deliver(bank, FIRST + dt.timedelta(days=number), {"mov": [f"T2|A1|{day}|1.00|2.00|CSH|0"]})
    dates = [D(2023, 9, day) for day in range(3, 10)]
    known = seen(bank.take("at_once"), dates)
    stood = {as_of: [row[4] for row in known["transactions", as_of] if row[2] == "T2"] for as_of in dates}
    assert stood == {as_of: [D(2023, 9, 8)] if as_of >= D(2023, 9, 8) else [] for as_of in dates}


def test_a_key_told_twice_is_noted_in_a_file_that_is_watched(tmp_path: Path) -> None:
    bank = daily_bank(tmp_path)
    deliver(bank, None, BASE)
    bank.take("home")
    deliver(bank, FIRST, {"mov": ["T1|A1|20230901|2.00|2.00|SAL|0"]})
    canonical = bank.take("home")
    state = read_state(canonical.root.parent, canonical.manifest.intake)
    assert state is not None
    several = state.tables["transactions"].several
    assert several in state.files
    with connect() as con:
        path = folder_of(canonical.root.parent) / (several.path if several else "")
        assert con.execute(f"SELECT * FROM '{path}'").fetchall() == [("T1",)]
    path.unlink()
    with pytest.raises(DataDamaged, match="several"):
        bank.take("home")
