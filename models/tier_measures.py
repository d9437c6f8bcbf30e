"""What is measured of customers for their tier: averages of financial assets, and a year's contribution with its parts.

Neither counts what would be there for the grading only: the balance of a loan just paid out (`features.monthly.set_aside`),
nor money that came in the last days of a month and left in the next (`Window.parked`), nor what either would earn, nor the
margin of a loan in its first days. All of it is whole cents, so that what is said is what was compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from features.cohorts import merged_places, unite
from features.held import Rates, held, read_balances
from features.monthly import MINOR, Course, Movements, course, loan_credits, set_aside
from models.tier_calendar import Event, Turn, Window
from models.tier_settings import TierSettings
from models.value import PARTS, ValueSettings, earned_flows, flowed, highest_spread, spreads
from sources.canonical import Canonical

Money = NDArray[np.float64]
Figures = dict[str, Money]
T = TypeVar("T")
FIGURES = ("adb", "contribution", *PARTS)


@dataclass(frozen=True)
class Measures:
    """Courses of some customers (rows): their financial assets, and what these, loans, fees and counters earn and cost."""

    assets: Course
    earns: dict[str, Course]  # by part of the contribution
    edge_days: int
    found: dict[tuple[object, ...], Any] = field(default_factory=dict, compare=False)  # events share windows, those their turns

    def adb(self, window: Window) -> Money:
        """The average without money that was only parked over the turn of a month, in currency units."""
        return self._once(("adb", window), lambda: np.round(self._settled("adb", self.assets, window), 2))

    def year(self, window: Window) -> Figures:
        """Contribution and its parts over the window, brought to a year, in currency units."""
        return self._once(("year", window), lambda: self._year(window))

    def _year(self, window: Window) -> Figures:
        parts = {
            "asset_margin": self._settled("earns", self.earns["asset_margin"], window),
            "loan_margin": self.earns["loan_margin"].average(window.after, window.until) / MINOR,
            "fees": flowed(self.earns["fees"], window.until, window.days),
            "counter_cost": flowed(self.earns["counter_cost"], window.until, window.days),
        }
        cents = {name: np.round(values, 2) for name, values in parts.items()}
        total = cents["asset_margin"] + cents["loan_margin"] + cents["fees"] - cents["counter_cost"]
        return cents | {"contribution": np.round(total, 2)}

    def of(self, event: Event) -> Figures:
        """The figures an event goes by: over several months those of the lower average and of the lower contribution."""
        return self._once(("of", event), lambda: self._of(event))

    def _of(self, event: Event) -> Figures:
        lowest = self.year(event.years[0])
        for window in event.years[1:]:
            other = self.year(window)
            is_lower = other["contribution"] < lowest["contribution"]
            lowest = {name: np.where(is_lower, other[name], values) for name, values in lowest.items()}
        return lowest | {"adb": np.minimum.reduce([self.adb(window) for window in event.windows])}

    def _settled(self, name: str, of: Course, window: Window) -> Money:
        total = of.sum_between(window.after, window.until)
        for turn in window.turns(self.edge_days):
            total -= self._once((name, turn), partial(_parked, of, turn))
        return np.asarray(total / window.days / MINOR)

    def _once(self, what: tuple[object, ...], make: Callable[[], T]) -> T:
        if what not in self.found:
            self.found[what] = make()
        made: T = self.found[what]
        return made


@dataclass(frozen=True)
class Own:
    """The measures of the customers at some places."""

    everyone: Measures
    places: NDArray[np.int64]

    def of(self, event: Event) -> Figures:
        return {name: values.take(self.places) for name, values in self.everyone.of(event).items()}

    def adb(self, window: Window) -> Money:
        return self.everyone.adb(window).take(self.places)


def _parked(of: Course, turn: Turn) -> Money:
    """The sum of what was there on the days of a turn above what counts of it."""
    excess = np.zeros(of.level.shape[1])
    for day, bounds in turn:
        counted = np.minimum.reduce([of.level_at(bound) for bound in bounds])
        excess += np.maximum(of.level_at(day) - counted, 0.0)
    return excess


def measure(
    con: duckdb.DuckDBPyConnection,
    canonical: Canonical,
    tiers: TierSettings,
    value: ValueSettings,
    as_of: dt.date,
    bucket: int | None,
    events: Sequence[Event],
    trial: Window,
) -> Measures:
    """The measures of the bucket's customers by place, from one pass over the bucket's balances, loans and flows.

    Needs `cohorts.note_places` and `value.note_margins`.
    """
    size = int(con.sql("SELECT count(*) FROM _places").fetchall()[0][0])
    settled = {trial, *(window for event in events for window in event.windows)}
    years = {window for event in events for window in event.years} or {trial}
    loans = loan_credits(con, canonical, as_of, bucket, "_places")
    assets = held(con, canonical, read_balances(canonical, bucket), as_of, bucket, "_places")
    # What a loan's money lies in is not known: at most the best earning kind of asset.
    earning = Movements(loans.place, loans.day, np.round(loans.change * highest_spread(con)))
    rates = spreads(con, assets.products)

    def aside(credits: Movements, by: Rates | None) -> Movements:
        return set_aside(assets.movements(credits.place, by), credits, tiers.loan_quiet_days)

    merged = merged_places(con, as_of)

    def of_people(one: Course) -> Course:
        return Course(one.grid, unite(one.level, merged), one.ends, unite(one.weighted, merged))

    def followed(windows: set[Window], more: Movements, by: Rates | None = None) -> Course:
        return of_people(assets.course(size, _days(windows, tiers.edge_days), more, by, _days(windows, 0)))

    flows = earned_flows(con, canonical, value, as_of, bucket, loan_quiet_days=tiers.loan_quiet_days)
    return Measures(
        followed(settled, aside(loans, None)),
        {"asset_margin": followed(years, aside(earning, rates), rates)}
        | {name: of_people(course(one, size, _days(years, 0))) for name, one in flows.items()},
        tiers.edge_days,
    )


def _days(windows: Iterable[Window], edge: int) -> set[int]:
    days: set[int] = set()
    for window in windows:
        days |= {window.after, window.until}
        for at, bounds in window.parked(edge).items():
            days |= {at, *bounds}
    return days
