"""What people wish for: the logits of a first use, by product family, of which the features know only traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sources.demo.chance import Floats
from sources.demo.groups import FARMER, MERCHANT, MIGRANT, PAYROLL, PUBLIC
from sources.demo.people import People

# chance of a first use within a month, on average over those who have not got it, at the start
MONTHLY = {
    "time_deposit": 0.0015,
    "wealth": 0.0015,
    "insurance": 0.0006,
    "bond": 0.0005,
    "farmer_credit": 0.0008,
    "business_loan": 0.00028,
    "consumer_loan": 0.00033,
    "mortgage": 0.00006,
    "mobile_bank": 0.0009,
    "acquiring": 0.0009,
    "etc": 0.0006,
}
SEASON = {  # by month of the year, as logits
    "time_deposit": (0.55, 0.5, 0.3, 0, -0.2, -0.1, -0.2, -0.1, 0.1, 0.1, 0, 0.1),
    "farmer_credit": (-0.2, 0.3, 0.8, 0.6, 0.3, 0, -0.2, -0.3, 0, -0.1, -0.3, -0.4),
    "acquiring": (0.2, -0.2, 0.2, 0.1, 0.1, 0, 0, 0, 0.2, 0.1, 0.1, 0),
    "etc": (0.5, 0, 0, 0.1, 0, 0, 0, 0, 0.5, 0, 0, 0.2),
    "mobile_bank": (0.2, 0.3, 0, 0, 0, 0, 0, 0.1, 0, 0, 0, 0.1),
    "consumer_loan": (0.2, -0.3, 0, 0, 0.1, 0, 0, 0.3, 0.2, 0, 0, 0.2),
}
DRIFT = {  # over the span, as logits
    "wealth": 0.45,
    "mobile_bank": 0.4,
    "acquiring": 0.5,
    "time_deposit": -0.1,
    "insurance": 0.2,
    "consumer_loan": 0.1,
}


@dataclass(frozen=True)
class Standing:
    """Where everybody stands when a month begins; arrays by customer, balances in yuan."""

    people: People
    hidden: Floats  # a mood that shows nowhere
    need: Floats
    current: Floats
    assets: Floats
    line: Floats  # 1: has a credit line
    acquiring: Floats  # 1: has a payment code

    @cached_property
    def money(self) -> Floats:
        """Magnitude of all financial assets."""
        out: Floats = np.log10(np.maximum(self.assets, 1))
        return out

    @cached_property
    def busy(self) -> Floats:
        """How much is paid by phone."""
        out: Floats = np.log1p(self.people.payments)
        return out

    def among(self, *groups: int) -> np.ndarray:
        """Who belongs to one of these groups."""
        return np.isin(self.people.group, groups)

    def aged(self, best: float, width: float) -> Floats:
        """How far from the best age for it, squared."""
        out: Floats = ((self.people.age - best) / width) ** 2
        return out


def _time_deposit(s: Standing) -> Floats:
    p, purse = s.people, np.log10(np.maximum(s.current, 1))
    return 1.5 * np.minimum(purse, 4.6) + 0.5 * p.thrift + 0.4 * (p.age > 50) + 0.6 * s.hidden - 0.3 * p.digital


def _wealth(s: Standing) -> Floats:
    p = s.people
    return 1.6 * np.minimum(s.money - 3.5, 1.8) + 0.6 * p.shopper + 0.35 * p.digital + 0.6 * s.hidden - 0.8 * s.aged(46, 16)


def _insurance(s: Standing) -> Floats:
    return 1.0 * (s.money - 3) - 1.0 * s.aged(47, 11) + 0.7 * s.hidden


def _bond(s: Standing) -> Floats:
    p = s.people
    return 1.3 * (s.money - 3) + 0.9 * np.tanh((p.age - 58) / 6) + 0.7 * s.hidden + 0.3 * p.thrift


def _farmer_credit(s: Standing) -> Floats:
    p = s.people
    return (
        np.where(s.among(FARMER, MIGRANT), 1.2, -2.0)
        + 0.9 * p.enterprise
        + 0.8 * s.need
        + 1.2 * s.line * (1 + 0.4 * np.tanh(p.enterprise))
        - 1.3 * s.aged(43, 14)
        + 0.8 * p.engaged
    )


def _business_loan(s: Standing) -> Floats:
    merchant = np.where(s.among(MERCHANT), 2.2, -1.0)
    return merchant + 1.0 * s.people.enterprise + 0.8 * s.need + 0.9 * s.acquiring + 0.25 * s.busy - s.aged(42, 13)


def _consumer_loan(s: Standing) -> Floats:
    waged = np.where(s.among(PAYROLL, PUBLIC), 2.3, -0.8)
    return waged + 0.9 * s.need + 0.3 * s.busy - 1.1 * s.aged(36, 10) + 0.4 * s.hidden


def _mortgage(s: Standing) -> Floats:
    earning = np.where(s.among(PAYROLL, PUBLIC, MERCHANT), 1.5, -0.5)
    return earning - 1.6 * s.aged(31, 6) + 0.7 * s.need + 0.4 * s.money


def _mobile_bank(s: Standing) -> Floats:
    p = s.people
    return 1.0 * p.digital + 0.45 * s.busy + 0.7 * p.engaged + 0.6 * s.hidden - 0.5 * (p.age > 65)


def _acquiring(s: Standing) -> Floats:
    sells = np.where(s.among(MERCHANT), 2.5, np.where(s.among(FARMER), -0.4, -0.2))
    return sells + 0.9 * s.people.enterprise + 0.35 * s.busy + 0.6 * s.hidden - 0.8 * s.aged(40, 14)


def _etc(s: Standing) -> Floats:
    drives = np.where(s.among(PAYROLL, PUBLIC, MERCHANT), 1.2, 0.0)
    return drives - 1.2 * s.aged(40, 11) + 0.5 * s.need + 0.35 * s.busy


WISHES: dict[str, Callable[[Standing], Floats]] = {
    "time_deposit": _time_deposit,
    "wealth": _wealth,
    "insurance": _insurance,
    "bond": _bond,
    "farmer_credit": _farmer_credit,
    "business_loan": _business_loan,
    "consumer_loan": _consumer_loan,
    "mortgage": _mortgage,
    "mobile_bank": _mobile_bank,
    "acquiring": _acquiring,
    "etc": _etc,
}
FAMILIES = tuple(WISHES)


def wish(family: str, standing: Standing, month: int, passed: float) -> Floats:
    """Logit, but for a constant, of a family's first use in a calendar month, `passed` being the share of the span gone by."""
    season = SEASON.get(family, (0.0,) * 12)[month - 1]
    out: Floats = WISHES[family](standing) + season + DRIFT.get(family, 0.0) * passed
    return out
