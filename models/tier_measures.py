"""What is measured of customers for their tier: averages of financial assets, and a year's contribution with its parts.

Neither counts what would be there for the grading only: the balance of a loan just paid out (`features.monthly.set_aside`),
nor money that came in the last days of a month and left in the next (`Window.parked`), nor what either would earn, nor the
margin of a loan in its first days. All of it is whole cents, so that what is said is what was compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from features.cohorts import united
from features.monthly import MINOR, Course, Movements, asset_movements, course, loan_credits, set_aside, together
from models.tier_calendar import Event, Window
from models.tier_settings import TierSettings
from models.value import PARTS, ValueSettings, earned_movements, flowed, highest_spread
from sources.canonical import Canonical

Money = NDArray[np.float64]
Figures = dict[str, Money]
FIGURES = ("adb", "contribution", *PARTS)


@dataclass(frozen=True)
class Measures:
    """Courses of some customers (rows): their financial assets, and what these, loans, fees and counters earn and cost."""

    assets: Course
    earns: dict[str, Course]  # by part of the contribution
    edge_days: int

    def adb(self, window: Window) -> Money:
        """The average without money that was only parked over the turn of a month, in currency units."""
        return np.round(self._settled(self.assets, window), 2)

    def year(self, window: Window) -> Figures:
        """Contribution and its parts over the window, brought to a year, in currency units."""
        parts = {
            "asset_margin": self._settled(self.earns["asset_margin"], window),
            "loan_margin": self.earns["loan_margin"].average(window.after, window.until) / MINOR,
            "fees": flowed(self.earns["fees"], window.until, window.days),
            "counter_cost": flowed(self.earns["counter_cost"], window.until, window.days),
        }
        cents = {name: np.round(values, 2) for name, values in parts.items()}
        total = cents["asset_margin"] + cents["loan_margin"] + cents["fees"] - cents["counter_cost"]
        return cents | {"contribution": np.round(total, 2)}

    def of(self, event: Event) -> Figures:
        """The figures an event goes by: over several months those of the lower average and of the lower contribution."""
        lowest = self.year(event.years[0])
        for window in event.years[1:]:
            other = self.year(window)
            is_lower = other["contribution"] < lowest["contribution"]
            lowest = {name: np.where(is_lower, other[name], values) for name, values in lowest.items()}
        return lowest | {"adb": np.minimum.reduce([self.adb(window) for window in event.windows])}

    def take(self, rows: NDArray[np.bool_]) -> Measures:
        """The measures of some of the customers."""
        return Measures(_rows(self.assets, rows), {name: _rows(one, rows) for name, one in self.earns.items()}, self.edge_days)

    def _settled(self, of: Course, window: Window) -> Money:
        def level(day: int) -> Money:
            return of.level[:, of.column(day)]

        total = of.sum_between(window.after, window.until)
        for day, bounds in window.parked(self.edge_days).items():
            counted = np.minimum.reduce([level(bound) for bound in bounds])
            total = total - np.maximum(level(day) - counted, 0.0)
        return np.asarray(total / window.days / MINOR)


def measure(
    con: duckdb.DuckDBPyConnection,
    canonical: Canonical,
    tiers: TierSettings,
    value: ValueSettings,
    as_of: dt.date,
    bucket: int | None,
    place: NDArray[np.int64],
    events: Sequence[Event],
    trial: Window,
) -> Measures:
    """The measures of the customers at these places, from one pass over the bucket's balances, loans and flows.

    Needs `cohorts.note_places`.
    """
    size = int(con.sql("SELECT count(*) FROM _places").fetchall()[0][0])
    settled = _days({trial, *(window for event in events for window in event.windows)}, tiers.edge_days)
    years = {window for event in events for window in event.years} or {trial}
    loans = loan_credits(con, canonical, as_of, bucket, "_places")
    assets = asset_movements(con, canonical, as_of, bucket, "_places")
    moves = earned_movements(con, canonical, value, as_of, bucket, loan_quiet_days=tiers.loan_quiet_days)
    # What a loan's money lies in is not known: at most the best earning kind of asset.
    earning = Movements(loans.place, loans.day, np.round(loans.change * highest_spread(con)))

    def of_people(one: Course) -> Course:
        return Course(one.grid, united(con, one.level, as_of)[place], united(con, one.day_sum, as_of)[place])

    net = together([assets, set_aside(assets, loans, tiers.loan_quiet_days)])
    margin = moves["asset_margin"]
    moves["asset_margin"] = together([margin, set_aside(margin, earning, tiers.loan_quiet_days)])
    grids = {name: _days(years, tiers.edge_days if name == "asset_margin" else 0) for name in moves}
    return Measures(
        of_people(course(net, size, settled)),
        {name: of_people(course(one, size, grids[name])) for name, one in moves.items()},
        tiers.edge_days,
    )


def _days(windows: Iterable[Window], edge: int) -> set[int]:
    days: set[int] = set()
    for window in windows:
        days |= {window.after, window.until}
        for at, bounds in window.parked(edge).items():
            days |= {at, *bounds}
    return days


def _rows(of: Course, rows: NDArray[np.bool_]) -> Course:
    return Course(of.grid, of.level[rows], of.day_sum[rows])
