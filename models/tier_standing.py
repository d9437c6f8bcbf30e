"""Where customers stand in the fold over the days on which tiers may change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.tier_calendar import Event, Window
from models.tier_measures import FIGURES, Figures, Own
from models.tier_settings import Scale, TierSettings

Ranks = NDArray[np.int64]
Words = NDArray[np.object_]
Flags = NDArray[np.bool_]


@dataclass
class Standing:
    """One place per customer of a scale: the step in force, what the last grading and later month ends earned, and why.

    `figures` are those of the event that last changed or confirmed the step, days are ordinals, 0 where there was none.
    """

    rank: Ranks
    earned: Ranks
    by: Words
    graded_on: Ranks
    since: Ranks
    period: Ranks  # first and last day of the average, a row each
    basis: Words  # what the average is of: a quarter, months, the first days (trial)
    figures: Figures = field(default_factory=dict)

    @classmethod
    def fresh(cls, size: int) -> Standing:
        """Nobody graded yet."""
        none = [np.zeros(size, np.int64) for _ in range(4)]
        return cls(
            none[0],
            none[1],
            np.full(size, "new", object),
            none[2],
            none[3],
            np.zeros((2, size), np.int64),
            np.full(size, "trial", object),
            {name: np.zeros(size) for name in FIGURES},
        )

    def meet(self, event: Event, level: Ranks, by: Words, figures: Figures, top: int) -> None:
        """Apply one event at which these steps were reached; steps above `top` are of one tier with it."""
        before = np.minimum(self.rank, top)
        if event.is_grading:
            kept = np.maximum(self.earned, self.rank) if not event.may_fall else self.earned
            changed = np.ones(len(level), bool)
            self.by = np.where(level >= kept, by, "notice").astype(object)
            self.rank, self.earned = np.maximum(level, kept), level
        else:
            changed = (level > self.rank) | ((level == self.rank) & (level > self.earned))
            self.by = np.where(changed, by, self.by).astype(object)
            self.rank, self.earned = np.maximum(self.rank, level), np.maximum(self.earned, level)
        moved = (np.minimum(self.rank, top) != before) | (self.since == 0)
        self.since = np.where(moved, event.on, self.since)
        self.note(
            changed,
            event.on,
            "quarter" if event.is_grading else "months",
            Window(event.windows[0].after, event.windows[-1].until),
            figures,
        )

    def note(self, whose: Flags, on: int, basis: str, window: Window, figures: Figures) -> None:
        """The figures, the day and the days counted of those whose step this changed or confirmed."""
        self.graded_on = np.where(whose, on, self.graded_on)
        self.basis = np.where(whose, basis, self.basis).astype(object)
        self.period = np.where(whose, np.array([[window.after + 1], [window.until]]), self.period)
        self.figures = {name: np.where(whose, figures[name], old) for name, old in self.figures.items()}


def fold(tiers: TierSettings, name: str, own: Own, events: Sequence[Event]) -> Standing:
    """The standing of a scale's customers after all events, each by the thresholds of its own year."""
    now = tiers.scales[name]
    standing = Standing.fresh(len(own.places))
    for event in events:
        figures = own.of(event)
        scale = tiers.scale_at(name, dt.date.fromordinal(event.on))
        level, by = scale.reached(figures["adb"], figures["contribution"])
        standing.meet(event, np.minimum(level, len(now.steps()) - 1), by, figures, len(now.levels) - 1)
    return standing


def try_out(standing: Standing, scale: Scale, is_new: Flags, own: Own, trial: Window, new_days: int) -> Words:
    """The provisional tier of new customers: what `new_days` with the money so far would give; the status of everyone."""
    tried = np.round(own.adb(trial) * (trial.days / new_days), 2)
    nothing = np.zeros(len(tried))
    level = np.where(is_new, scale.reached(tried, nothing)[0], 0)
    rises = is_new & (level >= standing.rank)
    standing.by = np.where(rises, "new", standing.by).astype(object)
    standing.note(rises, trial.until, "trial", trial, {name: tried if name == "adb" else nothing for name in FIGURES})
    standing.since = np.where(rises & (level > standing.rank), 0, standing.since)
    standing.rank = np.maximum(standing.rank, level)
    return np.where(is_new, "provisional", np.where(standing.rank > standing.earned, "notice", "graded")).astype(object)
