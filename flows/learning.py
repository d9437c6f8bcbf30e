"""The steps of a night that learn: past month ends, their labels, a champion where none may be used, and the pins."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

from features.catalog import catalog
from features.engine import file_of
from features.labels import Label, build_labels
from features.labels import report as label_report
from flows import engines, training
from flows.night import Night, kept
from flows.runner import Done


def without_champion(night: Night) -> list[Label]:
    """Labels whose champion is missing, learned from a later day than this night's, or from features that are gone."""
    from models.registry import Registry

    names = [spec.name for spec in catalog(night.canonical, night.bank.features) if spec.available]
    registry = Registry(night.home.mlflow)
    there = set(registry.names())
    return [
        label
        for label in night.labels
        if label.name not in there or not training.usable(registry.load(label.name), night.as_of, names)
    ]


def past_features(night: Night, dates: tuple[dt.date, ...]) -> Done:
    """Features of the past month ends the models learn from."""
    engines.build(night.bank, night.canonical, dates, night.home.features, night.progress)
    return Done(tuple(file_of(night.home.features, day) for day in dates), f"{len(dates)}")


def past_labels(night: Night, labels: list[Label], dates: tuple[dt.date, ...]) -> Done:
    """What became of each past month end's cohorts, as known at the night's date."""
    build_labels(night.canonical, labels, dates, night.as_of, night.home.labels, progress=night.progress)
    season = training.season_of(night.bank.features.calendar)
    for label in labels:
        label_report(label, dates, night.as_of, night.home.labels, season).write(night.home.labels / label.name / "report.json")
    written = [night.home.of_day(night.home.labels / label.name, day) for label in labels for day in dates]
    return Done(tuple(path for path in written if path.exists()), f"{len(labels)}")


def trainer(label: Label, lessons: training.Lessons, dates: tuple[dt.date, ...]) -> Callable[[Night], Done]:
    def step(night: Night) -> Done:
        from models.registry import Registry

        night.progress(f"train {label.name}", 0, 1)
        result = training.train(
            lessons,
            label,
            night.home.labels,
            dates,
            night.as_of,
            night.bank.models,
            training.season_of(night.bank.features.calendar),
            {},
        )
        registry = Registry(night.home.mlflow)
        is_backfill = label.name in registry.names() and registry.load(label.name).known_at > night.as_of
        if not is_backfill:  # a past night's model takes no place from a newer one
            training.promote(registry, result, night.code, night.bank.limits.threads)
        folder = night.home.champions / label.name / result.champion.content_hash[:16]
        result.champion.write(folder)
        night.ledger.remember(f"trained {label.name} {night.run.run_id}", result.champion.content_hash)
        return Done((folder,), result.champion.method)

    return step


def pin_step(night: Night) -> Done:
    """Which champions count tonight, by content, once: whatever is promoted later, a rerun uses these."""
    from models.registry import Registry

    if not night.ledger.pins(night.run):
        registry = Registry(night.home.mlflow)
        chosen = {}
        for label in night.labels:
            trained = night.ledger.recall(f"trained {label.name} {night.run.run_id}")
            champion = kept(night, label.name, trained) if trained else registry.load(label.name)
            champion.write(night.home.champions / label.name / champion.content_hash[:16])
            chosen[label.name] = champion.content_hash
        night.ledger.pin(night.run, chosen)
        night.ledger.remember("champions", json.dumps(registry.champion_hashes(), sort_keys=True))
    pins = night.ledger.pins(night.run)
    folders = tuple(night.home.champions / name / content[:16] for name, content in pins.items())
    return Done(folders, f"{len(pins)}")
