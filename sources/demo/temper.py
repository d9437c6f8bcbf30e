"""What truly drives people: tempers that drift, rivals that open, shocks; the features know them only by their traces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sources.demo.chance import Floats, Ints, chance
from sources.demo.network import Network
from sources.demo.people import People
from sources.demo.seasons import Span

LEAVE, SPEND = 0.0300, 0.0100  # a month, among those with 10,000 yuan here and none of it on term
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
