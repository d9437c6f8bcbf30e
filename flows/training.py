"""Which labels have a usable champion, on which past month ends the others learn, and their training."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from features.calendar import Clock
from features.catalog import catalog
from features.engine import file_of
from features.labels import Label, cutoff
from flows.settings import Training
from models.champion import Champion
from models.dataset import join_label
from models.sampling import plan
from models.splits import Window
from models.stack import Stack, as_of_in, model_columns, stack_features

if TYPE_CHECKING:
    from features.settings import CalendarSettings, FeatureSettings
    from models.registry import Registry
    from models.settings import ModelSettings
    from models.train import TrainingResult
    from sources.canonical import Canonical

Progress = Callable[[str, int, int], None]


def month_ends(first: dt.date, last: dt.date, count: int, step: int = 1) -> list[dt.date]:
    """The newest `count` calendar month ends within [first, last], every `step`-th, ascending."""
    found: list[dt.date] = []
    year, month = last.year, last.month
    while len(found) < count * step:
        end = dt.date(year, month, calendar.monthrange(year, month)[1])
        if end < first:
            break
        if end <= last:
            found.append(end)
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return sorted(found[::step][:count])


def first_data_day(canonical: Canonical) -> dt.date:
    """The first day the bank's money is known for: snapshots before it would be empty."""
    tables = canonical.manifest.tables
    firsts = [tables[name].first_on for name in ("balances", "transactions") if name in tables]
    return min((day for day in firsts if day is not None), default=canonical.manifest.newest_business_date)


def dates_for(canonical: Canonical, label: Label, known_at: dt.date, training: Training) -> list[dt.date]:
    """The past month ends a label learns from: the newest whose outcomes are complete at `known_at`.

    The first month of the data is passed over: a snapshot needs some past of its own.
    """
    first = first_data_day(canonical) + dt.timedelta(days=27)
    return month_ends(first, cutoff(label.settings, known_at), training.month_ends, training.months_between)


def usable(champion: Champion, as_of: dt.date, names: Sequence[str]) -> bool:
    """Whether a night as of `as_of` may use this champion: it learned nothing later, from features that are still there."""
    return champion.known_at <= as_of and set(champion.feature_names) <= set(names)


@dataclass(frozen=True)
class Lessons:
    """The stacked snapshots that several labels learn from; read once."""

    canonical: Canonical
    features: FeatureSettings
    folder: Path  # features
    dates: tuple[dt.date, ...]
    outcomes: Mapping[str, Sequence[Path]] = field(default_factory=dict)  # label -> the files it learns from
    most_rows: int = 0  # of a label; 0: all

    @cached_property
    def stack(self) -> Stack:
        dated = {name: [(as_of_in(path), path) for path in paths if path.exists()] for name, paths in self.outcomes.items()}
        sampling = plan(dated, self.most_rows) if self.most_rows else None
        columns = model_columns(spec for spec in catalog(self.canonical, self.features) if spec.available)
        return stack_features([file_of(self.folder, day) for day in self.dates], columns, sampling=sampling)


def train(
    lessons: Lessons,
    label: Label,
    labels: Path,
    dates: Sequence[dt.date],
    known_at: dt.date,
    settings: ModelSettings,
    season: Callable[[dt.date], str],
    prints: Mapping[str, str],
) -> TrainingResult:
    """One label's training on month ends `dates`, knowing what was known at `known_at`."""
    from models.train import train_label

    drop = settings.of(label.name).drop_features
    data = join_label(label.name, lessons.stack, labels / label.name, dates, drop)
    window = Window(label.settings.gap_days, label.settings.horizon_days)
    return train_label(
        label.name,
        data,
        window,
        settings,
        known_at=known_at,
        min_positives=label.settings.min_positives,
        seasons={day: season(day) for day in dates},
        fingerprints=prints,
        threads=lessons.canonical.limits.threads,
    )


def promote(registry: Registry, result: TrainingResult, code: str, threads: int) -> bool:
    """Record a training; it becomes champion unless a model is in force and this one is none. Whether it did."""
    name = result.label
    in_force = registry.load(name) if name in registry.names() else None
    better = result.is_model or in_force is None or in_force.method != "model"
    registry.record(result, code_hash=code, threads=threads, promote=better)
    return better


def season_of(settings: CalendarSettings) -> Callable[[dt.date], str]:
    """Names the season a date lies in: the configured one with the fewest days around it, else its quarter."""

    def name(day: dt.date) -> str:
        clock = Clock(day, settings)
        spells = [
            (spell[1] - spell[0], season)
            for season in sorted(settings.seasons)
            if (spell := clock.season(season)) is not None and spell[1] >= clock.day
        ]
        return min(spells)[1] if spells else f"Q{(day.month + 2) // 3}"

    return name
