"""What truly drives people: tempers that drift, rivals that open, shocks; the features know them only by their traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sources.demo.chance import Floats, Ints, chance
from sources.demo.network import Network
from sources.demo.people import FARMER, MERCHANT, MIGRANT, PAYROLL, PUBLIC, People
from sources.demo.seasons import Span

FAMILIES = (
    "time_deposit",
    "wealth",
    "insurance",
    "bond",
    "farmer_credit",
    "business_loan",
    "consumer_loan",
    "mortgage",
    "mobile_bank",
    "acquiring",
    "etc",
)
# chance of a first use within a month, on average over those who have not got it, at the start
MONTHLY = {
    "time_deposit": 0.0022,
    "wealth": 0.0015,
    "insurance": 0.0006,
    "bond": 0.0005,
    "farmer_credit": 0.0010,
    "business_loan": 0.00028,
    "consumer_loan": 0.00033,
    "mortgage": 0.00012,
    "mobile_bank": 0.0019,
    "acquiring": 0.0011,
    "etc": 0.0006,
}
LEAVE, SPEND = 0.0130, 0.0035  # a month, among those with 10,000 yuan here
SEASON = {  # by month of the year, as logits
    "time_deposit": (0.55, 0.5, 0.3, 0, -0.2, -0.1, -0.2, -0.1, 0.1, 0.1, 0, 0.1),
    "farmer_credit": (-0.2, 0.3, 0.8, 0.6, 0.3, 0, -0.2, -0.3, 0, -0.1, -0.3, -0.4),
    "acquiring": (0.2, -0.2, 0.2, 0.1, 0.1, 0, 0, 0, 0.2, 0.1, 0.1, 0),
    "etc": (0.5, 0, 0, 0.1, 0, 0, 0, 0, 0.5, 0, 0, 0.2),
    "mobile_bank": (0.2, 0.3, 0, 0, 0, 0, 0, 0.1, 0, 0, 0, 0.1),
    "consumer_loan": (0.2, -0.3, 0, 0, 0.1, 0, 0, 0.3, 0.2, 0, 0, 0.2),
}
DRIFT = {"wealth": 0.9, "mobile_bank": 0.6, "acquiring": 0.5, "time_deposit": -0.3, "insurance": 0.3}  # over the span
OFFERS = ("churn_aum", "time_deposit", "wealth", "farmer_credit", "mobile_bank", "acquiring")


@dataclass(frozen=True)
class Temper:
    """Latent paths, rows by customer, columns by month (three months beyond the span)."""

    distance: Floats  # from the bank: shows in logins, sweeps, cash
    mood: Floats  # shows nowhere
    need: Floats  # a want of money or goods: shows a little in spending
    rivals: Floats  # by village: a rival's outlet or offer
    effect: Floats  # by offer and customer: what a contact adds to the logit of the good outcome


def make_temper(seed: int, at: Span, people: People, network: Network) -> Temper:
    """The paths of everybody for the whole span."""
    n, months = len(people), len(at.months) + 3
    rng = chance(seed, "temper")
    start = 0.9 * rng.standard_normal(n) - 0.35 * people.loyalty
    distance = _path(rng, start, months, 0.90, 0.42)
    # a few are disappointed at once, and cool down slowly
    hurt = (rng.random((n, months)) < 0.006) * (1.2 + 0.8 * rng.random((n, months)))
    for m in range(1, months):
        hurt[:, m] += 0.85 * hurt[:, m - 1]
    rng = chance(seed, "temper", "hidden")
    mood = _path(rng, rng.standard_normal(n), months, 0.75, 0.66)
    need = _path(rng, rng.standard_normal(n), months, 0.80, 0.60)
    grids = len(network.grid_ids)
    rng = chance(seed, "temper", "rivals")
    opens = rng.integers(-12, months * 3, grids)
    since = np.arange(months)[None, :] - opens[:, None]
    rivals = np.where(since >= 0, 1.5 * np.exp(-since.clip(0) / 9.0), 0.0) + 0.25 * _path(
        rng, rng.standard_normal(grids), months, 0.8, 0.6
    )
    return Temper(distance + hurt, mood, need, rivals, _effects(seed, people))


def _path(rng: np.random.Generator, start: Floats, months: int, memory: float, shock: float) -> Floats:
    out = np.empty((len(start), months))
    out[:, 0] = start
    for m in range(1, months):
        out[:, m] = memory * out[:, m - 1] + shock * rng.standard_normal(len(start))
    return out


def _effects(seed: int, people: People) -> Floats:
    """A contact helps most people, leaves some cold and turns some away; who, depends on temper and on hidden nerve."""
    p, own = people, chance(seed, "temper", "effects").standard_normal((len(OFFERS), len(people)))
    mean = np.stack(
        [
            0.9 + 0.5 * np.tanh(p.loyalty) - 0.6 * np.maximum(p.digital, 0) * (p.nerve > 0),
            0.8 + 0.4 * np.tanh(p.thrift) - 0.7 * (p.digital > 1),
            0.6 + 0.7 * np.tanh(p.shopper) - 0.9 * (p.loyalty < -1),
            0.9 - 0.5 * np.abs(p.enterprise) + 0.3 * p.nerve,
            0.9 + 0.5 * np.tanh(p.digital + 0.5) - 0.8 * (p.age > 68),
            1.0 + 0.4 * np.tanh(p.enterprise) - 0.5 * (p.nerve > 1),
        ]
    )
    out: Floats = mean + 0.45 * p.nerve[None, :] * np.array([-1, 0.5, 0.6, 0, 0.3, 0])[:, None] + 0.35 * own
    return out


def leave_logit(
    people: People, temper: Temper, m: int, ahead: int, months: int, due: Floats, wage_lost: Ints, moved: Floats, loans: Floats
) -> Floats:
    """Logit, but for a constant, of leaving in month m + ahead, as the state stands at the start of month m."""
    fade = 0.97**ahead
    distance, mood = temper.distance[:, m] * fade, temper.mood[:, m] * 0.9**ahead
    hope = np.clip(m + ahead, 0, months) / months  # rate hunting grew common as rates fell
    lost = np.where((m - wage_lost >= 0) & (m - wage_lost < 5), 1.6 - 0.3 * (m - wage_lost), 0.0)
    age = people.age
    life = (
        0.5 * np.exp(-(((age - 33) / 6) ** 2)) + 0.6 * np.exp(-(((age - 78) / 6) ** 2)) - 0.3 * np.exp(-(((age - 58) / 8) ** 2))
    )
    rival = temper.rivals[people.village, m] * fade
    out: Floats = (
        0.85 * np.maximum(distance + 0.2, 0) ** 1.4
        - 0.45 * np.tanh(people.loyalty)
        + 0.75 * mood
        + np.minimum(due, 1) * (0.5 + np.maximum(people.shopper, 0) * (0.5 + 0.9 * hope))
        + np.maximum(rival, 0) * (0.5 + 0.5 * (people.digital < 0))
        + lost * (1 - 0.5 * np.tanh(people.loyalty))
        + life
        + moved
        - 0.5 * loans
    )
    return out


def spend_logit(people: People, temper: Temper, m: int, ahead: int) -> Floats:
    """Logit, but for a constant, of spending most of what one has: a house, a wedding, an operation."""
    age = people.age
    return (
        1.1 * temper.need[:, m] * 0.9**ahead
        + 1.0 * np.exp(-(((age - 30) / 6) ** 2))
        + 0.7 * np.exp(-(((age - 52) / 5) ** 2))
        + 0.5 * (age > 74)
    )


def demand_logit(
    family: str,
    people: People,
    temper: Temper,
    m: int,
    ahead: int,
    month: int,
    months: int,
    current: Floats,
    assets: Floats,
    line: Floats,
    acquiring: Floats,
) -> Floats:
    """Logit, but for a constant, of a family's first use in calendar month `month`, m + ahead; balances in yuan."""
    p, age, group = people, people.age, people.group
    hidden = temper.mood[:, m] * 0.9**ahead
    need = temper.need[:, m] * 0.9**ahead
    money, all_money = np.log10(np.maximum(current, 1)), np.log10(np.maximum(assets, 1))
    busy = np.log1p(p.payments)
    said: dict[str, Callable[[], Floats]] = {
        "time_deposit": lambda: (
            1.5 * np.minimum(money, 4.6) + 0.5 * p.thrift + 0.4 * (age > 50) + 0.6 * hidden - 0.3 * p.digital
        ),
        "wealth": lambda: (
            1.6 * np.minimum(all_money - 3.5, 1.8)
            + 0.6 * p.shopper
            + 0.35 * p.digital
            + 0.6 * hidden
            - 0.8 * ((age - 46) / 16) ** 2
        ),
        "insurance": lambda: 1.0 * (all_money - 3) - 1.0 * ((age - 47) / 11) ** 2 + 0.7 * hidden,
        "bond": lambda: 1.3 * (all_money - 3) + 0.9 * np.tanh((age - 58) / 6) + 0.7 * hidden + 0.3 * p.thrift,
        "farmer_credit": lambda: (
            np.where(np.isin(group, (FARMER, MIGRANT)), 1.2, -2.0)
            + 0.9 * p.enterprise
            + 0.8 * need
            + 1.2 * line * (1 + 0.4 * np.tanh(p.enterprise))
            - 1.3 * ((age - 43) / 14) ** 2
            + 0.8 * p.engaged
        ),
        "business_loan": lambda: (
            np.where(group == MERCHANT, 2.2, -1.0)
            + 1.0 * p.enterprise
            + 0.8 * need
            + 0.9 * acquiring
            + 0.25 * busy
            - ((age - 42) / 13) ** 2
        ),
        "consumer_loan": lambda: (
            np.where(np.isin(group, (PAYROLL, PUBLIC)), 2.3, -0.8)
            + 0.9 * need
            + 0.3 * busy
            - 1.1 * ((age - 36) / 10) ** 2
            + 0.4 * hidden
        ),
        "mortgage": lambda: (
            np.where(np.isin(group, (PAYROLL, PUBLIC, MERCHANT)), 1.5, -0.5)
            - 1.6 * ((age - 31) / 6) ** 2
            + 0.7 * need
            + 0.4 * all_money
        ),
        "mobile_bank": lambda: 1.0 * p.digital + 0.45 * busy + 0.7 * p.engaged + 0.6 * hidden - 0.5 * (age > 65),
        "acquiring": lambda: (
            np.where(group == MERCHANT, 3.0, np.where(group == FARMER, -0.4, -0.2))
            + 0.9 * p.enterprise
            + 0.35 * busy
            + 0.6 * hidden
            - 0.8 * ((age - 40) / 14) ** 2
        ),
        "etc": lambda: (
            np.where(np.isin(group, (PAYROLL, PUBLIC, MERCHANT)), 1.2, 0.0)
            - 1.2 * ((age - 40) / 11) ** 2
            + 0.5 * need
            + 0.35 * busy
        ),
    }
    base = said[family]()
    season = SEASON.get(family, (0.0,) * 12)[month - 1]
    out: Floats = base + season + DRIFT.get(family, 0.0) * min(m + ahead, months) / months
    return out
