"""What a bank may set about its features: the seasons of its year, and which features it does without."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator

from store.settings import Settings


class Season(Settings):
    """A stretch of days that comes back every year, counted in the solar year or from a festival.

    Solar: `from` and `to` are "MM-DD" (to may lie in the next year). Lunar: `days_before` and `days_after` the festival's day.
    """

    zh: str
    en: str
    solar_from: str | None = Field(default=None, pattern=r"^\d\d-\d\d$")
    solar_to: str | None = Field(default=None, pattern=r"^\d\d-\d\d$")
    festival: Literal["spring_festival"] | None = None
    days_before: int = 0
    days_after: int = 0

    @model_validator(mode="after")
    def _one_kind(self) -> Season:
        if (self.festival is None) == (self.solar_from is None or self.solar_to is None):
            raise ValueError("a season has either `festival` or both `solar_from` and `solar_to`")
        return self


class CalendarSettings(Settings):
    """The seasons features know, by name; null is a season this bank has not.

    Views name `spring_festival`, `harvest` and `opening_campaign`.
    """

    seasons: dict[str, Season | None] = Field(default_factory=dict)
    festivals: dict[str, list[dt.date]] = Field(default_factory=dict)  # overrides and years beyond the holidays package


class FeatureSwitches(Settings):
    """What a bank does without."""

    without: list[str] = Field(default_factory=list)  # names of features or views that are left out


class FeatureSettings(Settings):
    """The `calendar` and `features` keys of a bank file."""

    calendar: CalendarSettings = CalendarSettings()
    features: FeatureSwitches = FeatureSwitches()
