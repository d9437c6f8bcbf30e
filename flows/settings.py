"""The sections `bank` and `night` of a bank file: who the bank is, and how its nights run."""

from __future__ import annotations

import datetime as dt
import difflib
from typing import Literal
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision, list_currencies
from pydantic import Field, field_validator, model_validator

from store.settings import Settings

Language = Literal["zh", "en"]
_DECIMALS = 2
_CRON = r"^\S+( \S+){4}$"  # minute hour day month weekday


class Bank(Settings):
    """Who the bank is."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")  # names its folder under the home
    name: str
    name_en: str = ""
    currency: str = Field(default="CNY", pattern=r"^[A-Z]{3}$")
    timezone: str = "Asia/Shanghai"
    language: Language = "zh"
    holidays: str = "CN"  # country code of the `holidays` package
    workdays: tuple[dt.date, ...] = ()  # days of work the calendar does not know, such as make-up Saturdays
    rest_days: tuple[dt.date, ...] = ()
    is_fictitious: bool = False  # said on every page
    short: str = ""  # for file names; else the name
    short_en: str = ""

    @field_validator("currency")
    @classmethod
    def _of_hundredths(cls, code: str) -> str:
        if code not in list_currencies():
            raise ValueError("no such currency; write its code, as CNY")
        if get_currency_precision(code) != _DECIMALS:
            raise ValueError("a currency without hundredths is not supported: tiers, labels and values count in hundredths")
        return code

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, code: str) -> str:
        import holidays

        try:
            holidays.country_holidays(code, years=2025)
        except NotImplementedError:
            near = difflib.get_close_matches(code.upper(), sorted(holidays.list_supported_countries()), 1, 0.5)
            if not near:
                raise ValueError("no such country; write its code, as CN") from None
            raise ValueError(f"no such country; did you mean '{near[0]}'?") from None
        return code

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; write it as Asia/Shanghai") from None
        return name


class Alert(Settings):
    """Where one line goes when a night fails: a command (the line is its last argument) or a webhook (JSON with `text`)."""

    command: tuple[str, ...] = ()
    webhook: str = ""
    seconds: float = Field(default=10, gt=0)

    @model_validator(mode="after")
    def _one(self) -> Alert:
        if self.command and self.webhook:
            raise ValueError("give either `command` or `webhook`, not both")
        if self.webhook and not self.webhook.startswith(("https://", "http://")):
            raise ValueError("a webhook starts with https:// or http://")
        return self


class Training(Settings):
    """Which past month ends the models learn from."""

    month_ends: int = Field(default=14, ge=2)  # newest ones whose label windows are complete
    months_between: int = Field(default=1, ge=1)


class Schedules(Settings):
    """When the deployments run, as cron lines in the bank's time zone."""

    nightly: str = Field(default="30 4 * * *", pattern=_CRON)
    weekly: str = Field(default="0 12 * * 0", pattern=_CRON)
    monthly: str = Field(default="0 13 2 * *", pattern=_CRON)


class Keep(Settings):
    """How long intermediate files stay after the nights that made them. Published lists are never removed."""

    days: int = Field(default=92, ge=1)


class NightSettings(Settings):
    """The `night` section: how a night runs. Nothing here changes what a list says, so nothing here is hashed."""

    wait_until: str = Field(default="06:30", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")  # bank time
    days_behind: int | None = Field(default=None, ge=0)  # a night that waits is for the day so many before; else the newest
    look_every_seconds: float = Field(default=60, gt=0)
    lease_seconds: float = Field(default=180, ge=3)
    minutes: dict[str, float] = Field(default_factory=dict)  # step -> timeout; `other` for the rest
    io_retries: int = Field(default=2, ge=0)
    io_retry_seconds: float = Field(default=10, ge=0)
    training: Training = Training()
    backtest_months: int = Field(default=6, ge=1)
    alert: Alert = Alert()
    schedules: Schedules = Schedules()
    keep: Keep = Keep()

    def minutes_for(self, step: str) -> float:
        """The timeout of a step; `train` serves for `train churn_aum` where that has none of its own."""
        family = step.split()[0]
        return self.minutes.get(step, self.minutes.get(family, self.minutes.get("other", 60.0)))
