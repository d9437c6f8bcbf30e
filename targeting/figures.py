"""Figures as a banker writes them, in Chinese and in English; both languages say the same rounded number."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Literal

import numpy as np
from babel.dates import format_date
from babel.numbers import get_currency_name
from numpy.typing import NDArray

Language = Literal["zh", "en"]
Floats = NDArray[np.float64]

WAN, YI = 10_000.0, 100_000_000.0
_UNIT_ZH = {"CNY": "元", "CZK": "克朗"}
_SMALL_EN = ("0", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SMALL_ZH = "零一二三四五六七八九十"


def money_said(amounts: Floats) -> Floats:
    """The amounts that are said: whole units below 1万, from there one decimal of 万 (of 亿 from 1亿).

    Two decimals where one would be more than 1 percent off, so that 12,300 is 1.23万 and not 1.2万.
    """
    size = np.abs(amounts)
    unit = np.where(size >= YI - 500, YI, WAN)
    tenths: Floats = _half_up(size / unit * 10) / 10 * unit
    hundredths = _half_up(size / unit * 100) / 100 * unit
    rounded = np.where(np.abs(tenths - size) <= 0.01 * size, tenths, hundredths)
    whole = _half_up(size)
    said: Floats = np.copysign(np.round(np.where(whole < WAN, whole, rounded)), amounts)
    return said


def finer_said(amounts: Floats) -> Floats:
    """Two decimals of 万 (of 亿): for figures that must add up."""
    size = np.abs(amounts)
    unit = np.where(size >= YI - 500, YI, WAN)
    whole = _half_up(size)
    said: Floats = np.copysign(np.round(np.where(whole < WAN, whole, _half_up(size / unit * 100) / 100 * unit)), amounts)
    return said


def about_said(amounts: Floats) -> Floats:
    """Two significant figures, for amounts introduced by 约 or about."""
    size = np.abs(amounts)
    step = 10.0 ** np.maximum(np.floor(np.log10(np.maximum(size, 1.0))) - 1, 0)
    said: Floats = np.copysign(_half_up(size / step) * step, amounts)
    return said


def wan_said(amounts: Floats) -> Floats:
    """One decimal of 万 whatever the size (two where one is more than 5 percent off): for comparing small with large."""
    size = np.abs(amounts)
    tenths = _half_up(size / WAN * 10) / 10 * WAN
    hundredths = _half_up(size / WAN * 100) / 100 * WAN
    return np.copysign(np.round(np.where(np.abs(tenths - size) <= 0.05 * size, tenths, hundredths)), amounts)


def percent_said(shares: Floats) -> Floats:
    """Whole percents; 100 only of the whole, 0 only of nothing (else 99, and half a percent, said as less than one)."""
    size = np.abs(shares) * 100
    whole = _half_up(size)
    whole = np.where((whole == 100) & (size < 100), 99.0, whole)
    return np.copysign(np.where((whole == 0) & (size > 0), 0.5, whole), shares)


def tenths_said(shares: Floats) -> Floats:
    """A percent snapped to the nearest tenth when within two points of it: 九成; 10 to 90 only."""
    percent = percent_said(shares)
    tenth = _half_up(percent / 10) * 10
    return np.where((np.abs(percent - tenth) <= 2) & (tenth > 0) & (tenth < 100), tenth, percent)


def rate_said(rates: Floats) -> Floats:
    """Percent a year to two decimals."""
    return np.round(rates * 100, 2)


def count_said(counts: Floats) -> Floats:
    """Whole where whole, else one decimal."""
    return np.round(counts, 1)


def money(said: float, language: Language, currency: str, *, bare: bool = False, in_wan: bool = False) -> str:
    """An amount as `money_said` rounded it: 4.2万元, 1,200元; CNY 42,000, or 26,000 where the sentence has named it."""
    if language == "en":
        figure = f"{said:,.0f}"
        return figure if bare else f"{currency} {figure}"
    unit = unit_zh(currency)
    size = abs(said)
    if size >= YI and not in_wan:
        return f"{_short(said / YI)}亿{unit}"
    if size >= WAN or in_wan:
        return f"{_short(said / WAN)}万{unit}"
    return f"{said:,.0f}{unit}"


def unit_zh(currency: str) -> str:
    """What follows a Chinese amount: 元, 克朗, else the currency's Chinese name."""
    return _UNIT_ZH.get(currency) or get_currency_name(currency, locale="zh_CN")


def percent(said: float, language: Language) -> str:
    """A percent as `percent_said` rounded it; what is under one percent is said so."""
    if 0 < said < 1:
        return "不足1%" if language == "zh" else "less than 1%"
    return f"{_short(said)}%"


def tenths(said: float, language: Language) -> str:
    """九成 in Chinese where the figure is a tenth, else a percent."""
    if language == "zh" and said % 10 == 0 and 10 <= said <= 90:
        return f"{_SMALL_ZH[int(said) // 10]}成"
    return percent(said, language)


def count(said: float, language: Language) -> str:
    """A number: figures in Chinese, words below ten in English."""
    if language == "en" and said == int(said) and 0 <= said < len(_SMALL_EN):
        return _SMALL_EN[int(said)]
    return _short(said)


def days(said: float, language: Language) -> str:
    """62天; 62 days."""
    return f"{_short(said)}天" if language == "zh" else f"{count(said, 'en')} {'day' if said == 1 else 'days'}"


def months(said: float, language: Language) -> str:
    """14个月; 14 months."""
    return f"{_short(said)}个月" if language == "zh" else f"{count(said, 'en')} {'month' if said == 1 else 'months'}"


def term(said: float, language: Language) -> str:
    """The name of a deposit's term of so many months: 一年期, one-year."""
    number = int(said)
    years = number // 12 if number % 12 == 0 and 0 < number <= 120 else 0
    if language == "zh":
        if number == 6:
            return "半年期"
        if years:
            return f"{_SMALL_ZH[years]}年期"
        return f"{_SMALL_ZH[number]}个月期" if 0 < number <= 10 else f"{number}个月期"
    return f"{count(years, 'en')}-year" if years else f"{count(number, 'en')}-month"


@lru_cache(maxsize=4096)
def date(on: dt.date, language: Language, as_of: dt.date) -> str:
    """10月18日, 18 Oct; with the year where it is not the year of `as_of`."""
    same = on.year == as_of.year
    if language == "zh":
        return format_date(on, "M月d日" if same else "y年M月d日", "zh_CN")
    return format_date(on, "d MMM" if same else "d MMM y", "en")


@lru_cache(maxsize=4096)
def month(on: dt.date, language: Language, as_of: dt.date) -> str:
    """5月, May; with the year where it is not the year of `as_of`."""
    same = on.year == as_of.year
    if language == "zh":
        return format_date(on, "M月" if same else "y年M月", "zh_CN")
    return format_date(on, "MMMM" if same else "MMMM y", "en")


def day_of_month(said: float, language: Language) -> str:
    """10日, 10th."""
    number = int(said)
    if language == "zh":
        return f"{number}日"
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _short(number: float) -> str:
    """Thousands grouped, at most two decimals, no trailing zero: 2,800 and 4.2, never 10.0."""
    # Both languages group by commas; Babel's own formatting takes 150 times as long.
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def _half_up(numbers: Floats) -> Floats:
    # Bankers on paper round half up; the small nudge undoes binary fractions such as 1.005.
    rounded: Floats = np.floor(numbers + 0.5 + 1e-9)
    return rounded
