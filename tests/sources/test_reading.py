"""One source value read as one canonical value: dates, money, rates, codes as banks write them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.reading import reading
from sources.settings import ColumnMap, Input
from sources.tables import Column, Kind
from sources.textfile import clean_sql


def read(
    kind: Kind, value: Any, given_type: str = "VARCHAR", codes: tuple[str, ...] = (), digits: int = 2, **how: Any
) -> tuple[Any, Any]:
    """(value, was there something unreadable)."""
    made = reading(Column("c", kind, codes=codes), ColumnMap(column="x", **how), {"x": given_type, "mark": "VARCHAR"}, digits)
    con = duckdb.connect()
    row = con.execute(
        f"SELECT {made.value}, {made.unread or 'false'} FROM (SELECT CAST(? AS {given_type}) AS x, 'D' AS mark)", [value]
    ).fetchall()[0]
    con.close()
    return row[0], bool(row[1])


@pytest.mark.parametrize(
    ("text", "day"),
    [("930101", dt.date(1993, 1, 1)), ("000229", None), ("700101", dt.date(1970, 1, 1)), ("100331", dt.date(1910, 3, 31))],
)
def test_two_digit_years_fall_into_the_hundred_years_of_the_pivot(text: str, day: dt.date | None) -> None:
    assert read("date", text, date="%y%m%d", pivot=1900) == (day, day is None)  # 1900 was no leap year


@given(st.dates(dt.date(1931, 1, 1), dt.date(2030, 12, 31)))
def test_every_day_of_the_pivots_hundred_years_reads_back(day: dt.date) -> None:
    assert read("date", day.strftime("%y%m%d"), date="%y%m%d", pivot=1931) == (day, False)


@pytest.mark.parametrize("text", ["2024111", "20241301", "2024-11-01", "abc"])
def test_a_date_in_another_shape_is_unreadable_not_guessed(text: str) -> None:
    assert read("date", text, date="%Y%m%d") == (None, True)


@pytest.mark.parametrize("text", ["00000000", "99991231"])
def test_sentinels_are_no_date_and_no_mistake(text: str) -> None:
    assert read("date", text, date="%Y%m%d", sentinels=("00000000", "99991231")) == (None, False)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_is_exact_to_the_last_fen(amount: Decimal) -> None:
    assert read("money", f"{amount:f}") == (int(amount * 100), False)


def test_money_finer_than_the_currency_is_refused_unless_rounding_is_asked_for() -> None:
    assert read("money", "12.345") == (None, True)
    assert read("money", "12.345", round=True) == (1235, False)
    assert read("money", "12.3400") == (1234, False)


def test_units_of_money() -> None:
    assert read("money", "3.5", unit="ten_thousand") == (3_500_000, False)
    assert read("money", "350", unit="minor") == (350, False)
    assert read("money", "350", digits=0) == (350, False)
    assert read("money", 12.1, "DOUBLE") == (1210, False)
    assert read("money", Decimal("12.10"), "DECIMAL(18,2)") == (1210, False)


def test_a_debit_mark_makes_money_out_and_an_unknown_mark_is_unreadable() -> None:
    assert read("money", "5.00", sign={"column": "mark", "credit": ["C"], "debit": ["D"]}) == (-500, False)
    assert read("money", "5.00", sign={"column": "mark", "credit": ["C"], "debit": ["X"]}) == (None, True)


def test_rates_are_fractions_a_year_however_quoted() -> None:
    assert read("rate", "5.4", rate="percent") == (0.054, False)
    assert read("rate", "4.5", rate="per_mille", per="month") == (0.054, False)
    assert read("rate", "1.5", rate="per_ten_thousand", per="day") == (0.054, False)


def test_codes_are_a_closed_list() -> None:
    codes = ("m", "f")
    assert read("code", "m", codes=codes) == ("m", False)
    assert read("code", "x", codes=codes) == (None, True)
    assert read("code", None, codes=codes) == (None, False)


def test_leading_zeros_of_numbers_stay() -> None:
    assert read("id", "0010016766") == ("0010016766", False)
    assert read("id", "6228480000000000019") == ("6228480000000000019", False)


def test_flags_read_yes_and_no_and_nothing_else() -> None:
    assert [read("bool", text) for text in ("1", "是", "N", "maybe")] == [
        (True, False),
        (True, False),
        (False, False),
        (None, True),
    ]


@given(st.lists(st.text(alphabet=" \t\u3000\u3001a中-!", max_size=4), min_size=1), st.sampled_from([("",), ("", "-"), ()]))
def test_texts_lose_the_blanks_around_them_and_null_values_are_unknown(texts: list[str], nulls: tuple[str, ...]) -> None:
    sql = clean_sql("x", Input(files="x", columns=("x",), null_values=nulls))
    with duckdb.connect() as con:
        found = con.execute(f"SELECT {sql} FROM (SELECT unnest(?) AS x)", [[*texts, None]]).fetchall()
    bare = [text.strip(" \t\u3000") for text in texts]
    assert [row[0] for row in found] == [*(None if text in nulls else text for text in bare), None]
