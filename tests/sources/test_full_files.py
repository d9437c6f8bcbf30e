"""Banks that send whole tables every day: what changed is found by comparing, and every date sees what was known then."""

from __future__ import annotations

import gzip
import random
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.errors import ConfigError, GateBroken
from tests.sources.conftest import SmallBank, rows
from tests.sources.full_bank import JOBS, D, deliver, full_bank, people, seen


@pytest.fixture
def full(tmp_path: Path) -> SmallBank:
    return full_bank(tmp_path)


def test_each_date_sees_the_occupation_and_manager_of_its_own_full_file(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    deliver(full, 11, JOBS | {"C1": "merchant|+|M1"})
    deliver(full, 12, JOBS | {"C1": "merchant|+|M2"})
    canonical = full.take()
    assert [seen(canonical, day)[0][1:3] for day in (10, 11, 12, 30)] == [
        ("farmer", "M1"),
        ("merchant", "M1"),
        ("merchant", "M2"),
        ("merchant", "M2"),
    ]
    assert canonical.has("customers", "occupation", "manager_id")
    assert [(d.on, d.new, d.changed, d.gone) for d in full.report().days] == [
        (D(2023, 9, 10), 3, 0, 0),
        (D(2023, 9, 11), 0, 1, 0),
        (D(2023, 9, 12), 0, 1, 0),
    ]


def test_before_the_first_full_file_a_customer_is_there_and_what_masters_overwrite_is_unknown(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    canonical = full.take()
    assert rows(canonical, "customers", D(2023, 9, 9), "customer_id, birth_on, gender, occupation, manager_id") == [
        ("C1", D(1964, 5, 12), "m", None, None),
        ("C2", D(1958, 3, 1), "f", None, None),
        ("C3", D(1985, 7, 7), "m", None, None),
    ]
    assert rows(canonical, "customers", D(2020, 2, 1), "customer_id") == [("C1",)]
    assert seen(canonical, 10)[2] == ("C3", "trader", "M2", None)


def test_an_undated_attribute_is_no_feature_and_goes_back_to_the_beginning(full: SmallBank) -> None:
    full.change(
        '        opened_on: {column: opened, date: "%Y%m%d"}\n    accounts:',
        '        opened_on: {column: opened, date: "%Y%m%d"}\n      undated: [manager_id]\n    accounts:',
    )
    deliver(full, 10, JOBS)
    canonical = full.take()
    assert seen(canonical, 9)[0][1:3] == (None, "M1")
    assert not canonical.has("customers", "manager_id")


def test_a_customer_gone_from_the_file_is_former_from_that_day_and_may_return(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    deliver(full, 11, {k: v for k, v in JOBS.items() if k != "C2"})
    deliver(full, 12, JOBS | {"C2": "retired|+|M1"})
    canonical = full.take()
    assert [seen(canonical, day)[1] for day in (10, 11, 12)] == [
        ("C2", "farmer", "M1", None),
        ("C2", "farmer", "M1", "former"),
        ("C2", "retired", "M1", None),
    ]


def test_a_change_in_a_column_nobody_maps_is_no_version(full: SmallBank) -> None:
    full.change("        manager_id: manager\n", "")
    deliver(full, 10, JOBS)
    before = full.take("one").manifest.tables["customers"].rows
    deliver(full, 11, JOBS | {"C1": "farmer|+|M9"})
    canonical = full.take("one")
    assert (before, canonical.manifest.tables["customers"].rows) == (6, 6)  # before and from the first file
    assert full.report("one").days[0].changed == 1


def test_a_full_file_cut_short_breaks_a_gate_and_deletes_nobody(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    first = full.take()
    deliver(full, 11, {"C1": JOBS["C1"]})
    with pytest.raises(GateBroken, match=r"cust: gone 2 of 3 \(66.67%\) on 2023-09-11, expected at most 60.00%.*sent again"):
        full.take()
    deliver(full, 11, JOBS | {"C1": "merchant|+|M1"})
    second = full.take()
    assert first.manifest.tables["customers"].rows + 1 == second.manifest.tables["customers"].rows
    assert {row[3] for row in seen(second, 30)} == {None}


def test_a_day_on_which_many_did_leave_is_waived_by_its_date(full: SmallBank) -> None:
    full.change(
        "  gates: {", "  waivers: [{table: cust, rule: gone, on: 2023-09-11, reason: The branch was handed over.}]\n  gates: {"
    )
    deliver(full, 10, JOBS)
    deliver(full, 11, {"C1": JOBS["C1"]})
    canonical = full.take()
    assert [row[3] for row in seen(canonical, 30)] == [None, "former", "former"]
    assert [g.state for g in full.report().gates if g.rule == "gone"] == ["passed", "waived"]
    assert full.report().idle_waivers == ()


def test_a_late_day_is_put_in_its_place_and_said(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    deliver(full, 12, JOBS | {"C1": "merchant|+|M2"})
    full.take()
    deliver(full, 11, JOBS | {"C1": "merchant|+|M1"})
    canonical = full.take()
    assert [seen(canonical, day)[0][1:3] for day in (10, 11, 12)] == [("farmer", "M1"), ("merchant", "M1"), ("merchant", "M2")]
    assert full.findings()["cust", "day_late", ""].examples == ("2023-09-11: cust_20230911.dat",)


def test_a_file_that_comes_twice_counts_once_and_is_said(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    deliver(full, 10, JOBS, "cust_20230910_2.dat")
    assert len(seen(full.take(), 30)) == 3
    assert full.findings()["cust", "day_twice", ""].examples == ("cust_20230910_2.dat",)


def test_two_different_full_files_of_one_day_stop_the_night(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    deliver(full, 10, JOBS | {"C1": "merchant|+|M1"}, "cust_20230910_2.dat")
    with pytest.raises(GateBroken, match=r"cust_20230910\.dat and cust_20230910_2\.dat are both of 2023-09-10 and differ"):
        full.take()


def test_a_day_sent_again_with_other_content_replaces_what_it_said(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    deliver(full, 11, JOBS | {"C1": "mistake|+|M1"})
    full.take()
    deliver(full, 11, JOBS | {"C1": "merchant|+|M1"})
    canonical = full.take()
    assert [seen(canonical, day)[0][1] for day in (10, 11)] == ["farmer", "merchant"]
    assert rows(canonical, "customers", D(2023, 9, 30), "count(*) FILTER (occupation = 'mistake')") == [(0,)]
    assert full.findings()["cust", "day_resent", ""].count == 1


def test_files_cleared_away_after_they_were_compared_change_nothing(full: SmallBank) -> None:
    first = deliver(full, 10, JOBS)
    deliver(full, 11, JOBS | {"C1": "merchant|+|M1"})
    before = full.take()
    first.unlink()
    assert full.take().manifest == before.manifest
    deliver(full, 12, JOBS)
    canonical = full.take()
    assert [seen(canonical, day)[0][1] for day in (10, 11, 12)] == ["farmer", "merchant", "farmer"]


def test_a_row_that_no_longer_passes_where_is_gone(full: SmallBank) -> None:
    full.change("      from: cust\n", "      from: cust\n      where: job <> 'left'\n")
    deliver(full, 10, JOBS)
    deliver(full, 11, JOBS | {"C2": "left|+|M1"})
    deliver(full, 12, {k: v for k, v in JOBS.items() if k != "C2"})
    canonical = full.take()
    assert [seen(canonical, day)[1][3] for day in (10, 11, 12)] == [None, "former", "former"]
    assert canonical.manifest.tables["customers"].rows == 7


def test_a_line_that_cannot_be_read_makes_nobody_former(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    lines = people(JOBS)
    full.write("cust_20230911.dat", [lines[0], lines[1].replace("|+|F|+|", "|+|F|+||+|"), lines[2]])
    assert [row[3] for row in seen(full.take(), 30)] == [None, None, None]
    assert full.findings()["cust", "lines", ""].count == 1


def test_a_column_the_bank_adds_is_known_from_the_day_it_came(full: SmallBank) -> None:
    deliver(full, 10, JOBS).write_bytes("".join(line.rpartition("|+|")[0] + "\n" for line in people(JOBS)).encode("gb18030"))
    full.change("opened, job, manager]", "opened, job]").change("        manager_id: manager\n", "")
    full.take()
    (full.folder / "in" / "cust_20230910.dat").unlink()
    full.change("opened, job]", "opened, job, manager]").change(
        "        occupation:", "        manager_id: manager\n        occupation:"
    )
    deliver(full, 11, JOBS)
    canonical = full.take()
    assert [seen(canonical, day)[0][1:3] for day in (10, 11)] == [("farmer", None), ("farmer", "M1")]


def test_packed_full_files_are_compared_like_others(full: SmallBank) -> None:
    deliver(full, 10, JOBS)
    content = "".join(line + "\n" for line in people(JOBS | {"C1": "merchant|+|M1"})).encode("gb18030")
    full.write("cust_20230911.dat.gz", gzip.compress(content, mtime=0))
    canonical = full.take()
    assert [seen(canonical, day)[0][1] for day in (10, 11)] == ["farmer", "merchant"]


DAYS = st.dictionaries(
    st.integers(1, 6),
    st.dictionaries(st.sampled_from(sorted(JOBS)), st.sampled_from(["a|+|M1", "b|+|M1", "b|+|M2"]), min_size=1),
    min_size=1,
    max_size=5,
)


@settings(max_examples=8, deadline=None)  # each example takes in up to six times
@given(DAYS, st.randoms(use_true_random=False), st.booleans())
def test_days_one_by_one_in_any_order_or_all_at_once_give_the_same_rows(
    days: dict[int, dict[str, str]], draw: random.Random, cleared: bool
) -> None:
    order = draw.sample(sorted(days), len(days))
    with tempfile.TemporaryDirectory() as folder:
        bank = full_bank(Path(folder))
        bank.change("highest_gone: 0.6", "highest_gone: 1").change("highest_quarantined: 0.6", "highest_quarantined: 1")
        for day in order:
            if cleared:
                for path in (bank.folder / "in").glob("cust_*.dat"):
                    path.unlink()
            deliver(bank, day, days[day])
            one_by_one = bank.take("one")
        for day in days:
            deliver(bank, day, days[day])
        at_once = bank.take("two")
        for table, state in at_once.manifest.tables.items():
            assert one_by_one.manifest.tables[table].fingerprint == state.fingerprint, table
        for day, those in days.items():
            living = [row for row in seen(at_once, day) if row[3] is None]
            assert {row[0]: f"{row[1]}|+|{row[2]}" for row in living} == those


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      key: [id]\n", "", "`delivery: full` needs `key`"),
        ("      dated: {}\n", "", "`delivery: full` needs `dated`"),
        ("      key: [id]\n", "      key: [idd]\n", "input cust: key: column 'idd' is not known; did you mean 'id'?"),
        ("      key: [id]\n", "      key: [name]\n", "key is name, but rows of table customers are told apart by id"),
        (
            "    accounts:\n",
            '      valid_from: {column: birth, date: "%Y%m%d"}\n    accounts:\n',
            "table customers: `valid_from` comes from comparing the full files of cust; leave it out",
        ),
        (
            "      from: cust\n",
            "      select: SELECT id AS customer_id FROM cust\n",
            "must pass on file_on and is_gone of cust",
        ),
    ],
)
def test_settings_that_cannot_be_compared_are_named(full: SmallBank, old: str, new: str, said: str) -> None:
    deliver(full, 10, JOBS)
    full.change(old, new)
    with pytest.raises(ConfigError, match=re.escape(said)):
        full.take()


def test_days_stacked_in_one_table_are_told_by_their_column(full: SmallBank) -> None:
    full.change("      dated: {}\n      files: in/cust_*.dat*", "      dated: {column: day}\n      files: in/cust_all.dat")
    full.change("opened, job, manager]", "opened, job, manager, day]")
    first = [f"{line}|+|20230910" for line in people(JOBS)]
    second = [f"{line}|+|20230911" for line in people(JOBS | {"C1": "merchant|+|M1"})]
    full.write("cust_all.dat", first)
    full.take("one")
    full.write("cust_all.dat", first + second)
    canonical = full.take("one")
    assert [seen(canonical, day)[0][1] for day in (9, 10, 11)] == [None, "farmer", "merchant"]
    assert [day.on for day in full.report("one").days] == [D(2023, 9, 11)]
    assert full.take("two").manifest.tables["customers"].rows == canonical.manifest.tables["customers"].rows
    full.write("cust_all.dat", [*first, second[0].replace("20230911", "2023-9-11")])
    with pytest.raises(GateBroken, match=r"cust, column day: 1 rows say no day"):
        full.take("one")


def test_a_line_that_cannot_be_read_may_be_of_any_of_the_days_stacked_with_it(full: SmallBank) -> None:
    full.change("      dated: {}\n      files: in/cust_*.dat*", "      dated: {column: day}\n      files: in/cust_all.dat")
    full.change("opened, job, manager]", "opened, job, manager, day]")
    days = [[f"{line}|+|202309{day}" for line in people(JOBS)] for day in (10, 11, 12)]
    days[2][1] = days[2][1].replace("|+|F|+|", "|+|F|+||+|")
    for last in (1, 2, 3):
        full.write("cust_all.dat", [line for day in days[:last] for line in day])
        by_day = full.take("by_day")
    at_once = full.take("at_once")
    assert [row[3] for row in seen(by_day, 30)] == [row[3] for row in seen(at_once, 30)] == [None, None, None]
    assert full.findings("at_once")["cust", "lines", ""].count == 1
