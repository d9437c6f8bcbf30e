"""What every command begins with: the bank's settings, its home, a screen in the right language; imports little until asked."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import ConfigError

if TYPE_CHECKING:
    from flows.bank import BankFile
    from flows.home import Home
    from flows.screen import Screen

PROJECT = Path(__file__).resolve().parents[1]
STAGE: list[tuple[Home | None, Screen]] = []  # where a failure is told: the home and screen of this command


def opened(
    bank: Path | None,
    home: Path,
    language: str | None,
    *,
    reads: bool = False,
    alerts: bool = False,
    days: Sequence[str | None] = (),
) -> tuple[BankFile, Home, Screen]:
    """The bank's settings, its home and a screen in its language.

    Where the bank's data `reads`, its home must be one to write to, and the demo bank is made if it is missing. With `alerts`
    whoever is on duty hears of a mistake in the bank file. `days` that were asked for must be dates, before anything is made.
    """
    from flows import alert, demo, remains
    from flows.home import Home

    path = bank if bank is not None else _default_bank()
    try:
        settings = demo.open_bank(path, home)
    except ConfigError as error:
        left = remains.of_file(path)
        STAGE.append((None, screen_for(language or left.language, None)))
        why = alert.send(left.alert, alert.line(left.bank, "bank file", "", error.exit_code)) if alerts else ""
        if why:
            STAGE[-1][1].undelivered(why)
        raise
    place, screen = Home((home / settings.bank.id).resolve()), screen_for(language, settings)
    STAGE.append((place, screen))
    for day in days:
        date_of(day)
    if reads:
        place.make()
        demo.make_if_missing(settings, place, screen)
    return settings, place, screen


def _default_bank() -> Path:
    here = Path("configs/banks/demo.yaml")
    return here if here.exists() else PROJECT / here


def screen_for(language: str | None, settings: BankFile | None) -> Screen:
    from flows.screen import Screen

    if language not in (None, "zh", "en"):
        raise ConfigError(f"no language '{language}'", where="--language", expected="zh or en")
    return Screen("en" if (language or (settings.bank.language if settings else spoken_here())) == "en" else "zh")


def spoken_here() -> str:
    """What the terminal speaks, where no bank has said what it speaks: Chinese in a Chinese locale, else English."""
    held = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    return "zh" if next((text for text in held if text), "").startswith("zh") else "en"


def date_of(text: str | None) -> dt.date | None:
    return None if text is None else day_of(text)


def day_of(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"'{text}' is no date", where="--as-of", expected="a date as 2025-09-30") from None
