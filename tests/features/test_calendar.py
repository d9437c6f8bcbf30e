"""Days, months and seasons as a calendar on the wall has them."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import Clock, date_of, day_number, spring_festival
from features.civil import day_of_month
from features.settings import CalendarSettings, Season
from features.windows import EVER, back, season, window

FESTIVAL = Season(zh="春节前后", en="Spring Festival season", festival="spring_festival", days_before=10, days_after=14)
HARVEST = Season(zh="收粮季", en="harvest", solar_from="10-01", solar_to="11-30")
SETTINGS = CalendarSettings(seasons={"spring_festival": FESTIVAL, "harvest": HARVEST, "none": None})


def clock(text: str) -> Clock:
    return Clock(dt.date.fromisoformat(text), SETTINGS)


@settings(deadline=None)
@given(st.dates(dt.date(1890, 1, 1), dt.date(2150, 1, 1)))
def test_the_day_of_the_month_is_found_by_arithmetic_for_every_date(on: dt.date) -> None:
    assert date_of(day_number(on)) == on
    frame = nw.from_native(pd.DataFrame({"day": [day_number(on)]}))
    assert frame.select(day_of_month(nw.col("day")))["day"].to_list() == [on.day]


@pytest.mark.parametrize(
    ("year", "day"), [(1993, "1993-01-23"), (2024, "2024-02-10"), (2025, "2025-01-29"), (2026, "2026-02-17")]
)
def test_spring_festival_moves_by_weeks(year: int, day: str) -> None:
    assert spring_festival(year) == day_number(dt.date.fromisoformat(day))


def test_windows_to_date_begin_with_their_month_quarter_and_year() -> None:
    on = clock("2024-02-29")
    for name, days in (("mtd", 29), ("qtd", 60), ("ytd", 60)):
        after, through = window(name).bounds(on) or (0, 0)
        assert (through - after, through) == (days, on.day)
    assert on.days_to_end_of("quarter") == 31
    assert clock("2025-12-31").days_to_end_of("year") == 0


def test_a_look_back_is_half_open() -> None:
    on = clock("2025-03-01")
    assert back(30).bounds(on) == (on.day - 30, on.day)
    assert back(90, ago=90).bounds(on) == (on.day - 180, on.day - 90)
    assert (EVER.bounds(on) or (0, 0))[1] == on.day


def test_the_same_lunar_days_a_year_before_are_other_days_of_the_solar_year() -> None:
    on = clock("2026-02-20")  # third day after the festival of 17 February
    now, before = season("spring_festival").bounds(on), season("spring_festival", 1, elapsed=True).bounds(on)
    assert now is not None
    assert before is not None
    assert [date_of(now[0] + 1), date_of(now[1])] == [dt.date(2026, 2, 7), dt.date(2026, 2, 20)]
    assert [date_of(before[0] + 1), date_of(before[1])] == [dt.date(2025, 1, 19), dt.date(2025, 2, 1)]
    assert season("none").bounds(on) is None


def test_the_harvest_that_counts_is_the_one_that_began_last() -> None:
    spell = season("harvest").bounds(clock("2026-03-31"))
    assert spell is not None
    assert [date_of(spell[0] + 1), date_of(spell[1])] == [dt.date(2025, 10, 1), dt.date(2025, 11, 30)]
    running = season("harvest").bounds(clock("2025-10-20"))
    assert running is not None
    assert date_of(running[1]) == dt.date(2025, 10, 20)
