"""What people live on: wealth kept here, wages, pensions, payments by phone."""

from __future__ import annotations

import numpy as np

from sources.demo.chance import Floats, Ints
from sources.demo.characters import Characters
from sources.demo.groups import FARMER, MIGRANT, OTHER, PAYROLL, PENSIONER, PUBLIC

# deposits in yuan: upper limit of a bin and the share of customers up to it
BINS = np.array([0.5, 60, 260, 2_400, 8_500, 20_000, 45_000, 85_000, 180_000, 280_000, 470_000, 750_000, 1_900_000, 4_000_000])
UP_TO = np.array([0.0, 0.605, 0.685, 0.785, 0.838, 0.876, 0.910, 0.943, 0.9725, 0.984, 0.9925, 0.9963, 0.9993, 1.0])


def ranks(rng: np.random.Generator, who: Characters) -> Floats:
    """Everybody's place among all by wealth, from 0 to 1."""
    n = len(who)
    rank = (
        1.8 * who.engaged
        + 0.35 * who.thrift
        + 0.25 * np.minimum(who.age - 40, 20) / 20
        + np.array([0, -0.1, 0.7, 0.2, 0.6, 0.4, -0.5])[who.group]
        + 0.75 * rng.standard_normal(n)
    )
    out: Floats = (np.argsort(np.argsort(rank, kind="stable"), kind="stable") + 0.5) / n
    return out


def wealth_of(rng: np.random.Generator, place: Floats) -> Floats:
    """Financial assets meant at the start, yuan, by place."""
    out: Floats = np.exp(np.interp(place, UP_TO, np.log(BINS)))
    out *= 0.93 * np.exp(rng.normal(0, 0.02, len(place)))  # what is in transit comes on top
    return out


def wages(rng: np.random.Generator, who: Characters) -> Floats:
    """Yuan a month paid in here; negative: a pension."""
    n, group = len(who), who.group
    wage = np.where(np.isin(group, (PAYROLL, PUBLIC)), np.exp(rng.normal(np.log(4800), 0.22, n)).clip(3200, 7500), 0.0)
    wage *= (rng.random(n) < 0.85) & who.engaged
    retired = np.where((group == PENSIONER) & (rng.random(n) < 0.9), 2000 + 1800 * rng.random(n), 0.0)
    rural = (
        (group != PENSIONER)
        & (who.age >= 60)
        & (rng.random(n) < np.where(who.engaged, 0.85, 0.15))
        & np.isin(group, (FARMER, MIGRANT, OTHER))
    )
    out: Floats = np.where(retired > 0, -retired, np.where(rural, -(180 + 40 * rng.random(n)), wage))
    return out


def phone_payments(rng: np.random.Generator, who: Characters) -> Floats:
    """Payments by phone a month: none for most, many for a few."""
    n = len(who)
    payments = np.where(who.engaged, np.exp(rng.normal(0.0, 1.3, n) + 0.75 * who.digital.clip(-1.5, 2)), 0.0)
    out: Floats = (payments * 5.85 / payments.mean()).clip(0, 220)
    return out


def employers(rng: np.random.Generator, who: Characters, wage: Floats, firms: int) -> Ints:
    """The index of the firm that pays the wage, -1: none."""
    n = len(who)
    out = np.full(n, -1)
    staff = wage > 0
    pick_firm = rng.integers(0, firms, n)
    school = (pick_firm - pick_firm % 5 + 3) % firms  # the fourth of every five firms is a school
    works = np.where(who.group == PUBLIC, school, np.where(pick_firm % 5 == 3, (pick_firm + 1) % firms, pick_firm))
    out[staff] = n + works[staff]
    return out
