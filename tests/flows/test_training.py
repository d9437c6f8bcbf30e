"""Which past month ends models learn from, on which days branches work, and which seasons days lie in."""

import datetime as dt

from features.settings import CalendarSettings, Season
from flows import training, working_days
from flows.settings import Bank

D = dt.date


def test_month_ends_are_the_newest_ones_inside_the_data() -> None:
    assert training.month_ends(D(2025, 1, 31), D(2025, 4, 29), 14) == [D(2025, 1, 31), D(2025, 2, 28), D(2025, 3, 31)]
    assert training.month_ends(D(2020, 1, 1), D(2025, 4, 30), 2) == [D(2025, 3, 31), D(2025, 4, 30)]
    assert training.month_ends(D(2020, 1, 1), D(2025, 4, 30), 2, step=3) == [D(2025, 1, 31), D(2025, 4, 30)]
    assert training.month_ends(D(2025, 5, 1), D(2025, 4, 30), 3) == []


def test_work_after_the_national_holiday_begins_when_the_calendar_says_make_up_days_included() -> None:
    bank = Bank(id="hexi", name="禾溪")
    assert working_days.after(D(2025, 9, 30), bank) == D(2025, 10, 9)
    assert working_days.is_working_day(D(2025, 10, 11), bank), "a make-up Saturday"
    own = Bank(id="hexi", name="禾溪", rest_days=(D(2025, 10, 9),), workdays=(D(2025, 10, 8),))
    assert working_days.after(D(2025, 9, 30), own) == D(2025, 10, 8)
    assert working_days.between(D(2025, 9, 26), D(2025, 9, 30), bank) == [D(2025, 9, 28), D(2025, 9, 29), D(2025, 9, 30)]


def test_a_day_belongs_to_the_shortest_season_around_it_else_to_its_quarter() -> None:
    settings = CalendarSettings(
        seasons={
            "opening_campaign": Season(zh="开门红", en="Opening", solar_from="01-01", solar_to="03-31"),
            "spring_festival": Season(zh="春节", en="Festival", festival="spring_festival", days_before=15, days_after=15),
        }
    )
    season = training.season_of(settings)
    assert season(D(2025, 1, 28)) == "spring_festival"
    assert season(D(2025, 3, 20)) == "opening_campaign"
    assert season(D(2025, 8, 31)) == "Q3"
