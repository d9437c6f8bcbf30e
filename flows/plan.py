"""Which steps a night has, in their order."""

from __future__ import annotations

from features.engine import file_of
from flows import training
from flows.learning import past_features, past_labels, pin_step, trainer, without_champion
from flows.listing import features_step, list_step, publish_step, score_step, tiers_step
from flows.night import Night
from flows.runner import Step


def plan(night: Night) -> tuple[Step[Night], ...]:
    """The steps of this night: training only for labels without a champion that may be used at its date.

    A night that was pinned before it crashed trains nothing more: it goes on with the pins.
    """
    before: list[Step[Night]] = [Step("features", features_step)]
    after = [
        Step("pin", pin_step, always=True),
        Step("score", score_step),
        Step("tiers", tiers_step),
        Step("list", list_step),
        Step("publish", publish_step, always=True),
    ]
    wanted = [] if night.ledger.pins(night.run) else without_champion(night)
    if not wanted:
        return tuple(before + after)
    dates = {
        label.name: tuple(training.dates_for(night.canonical, label, night.as_of, night.bank.night.training))
        for label in wanted
    }
    every = tuple(sorted({day for days in dates.values() for day in days}))
    outcomes = {name: [file_of(night.home.labels / name, day) for day in days] for name, days in dates.items()}
    lessons = training.Lessons(
        night.canonical, night.bank.features, night.home.features, every, outcomes, night.bank.models.splits.label_rows
    )
    learn: list[Step[Night]] = [
        Step("labels", lambda night: past_labels(night, wanted, every)),
        Step("training_features", lambda night: past_features(night, every)),
    ]
    learn += [Step(f"train {label.name}", trainer(label, lessons, dates[label.name])) for label in wanted]
    return tuple(before + learn + after)
