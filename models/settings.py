"""Settings of training, calibration, evaluation, gate and scoring: the key `models` of a bank's YAML."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from store.settings import Settings

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class BoosterSettings(Settings):
    """One LightGBM recipe. `rounds` is the cap; how many are used is decided by data the trees have not seen."""

    rounds: Count = 300
    stop_after: Count = 30  # rounds without improvement on the later slice
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    leaves: Annotated[int, Field(ge=2)] = 7  # over 32, a night is scored by LightGBM itself, ten times as long
    min_rows_in_leaf: Count = 200
    feature_share: Annotated[float, Field(gt=0, le=1)] = 0.15  # columns tried per tree
    l2: Annotated[float, Field(ge=0)] = 20.0
    max_bin: Annotated[int, Field(ge=15, le=255)] = 63
    extra_trees: bool = False  # random thresholds: steadier where positives are few
    path_smooth: Annotated[float, Field(ge=0)] = 0.0  # pulls small leaves towards their parents


def _small() -> BoosterSettings:
    return BoosterSettings(
        rounds=150, learning_rate=0.05, leaves=4, min_rows_in_leaf=100, feature_share=0.3, l2=20.0, max_bin=63
    )


class SplitSettings(Settings):
    """How time is cut. A slice with fewer positives than `min_slice_positives` is not used: grouped folds take its place."""

    evaluation_months: Count = 2  # newest month ends with a complete window, kept out of training
    later_months: Count = 1  # newest month ends of training: rounds and calibration
    min_slice_positives: Count = 30
    calibration_positives: Count = 400  # wanted in the later slice where time allows: a tenth of noise in the level is much
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    label_rows: Count = 600_000  # of a label, read at all: beyond, negatives are sampled by customer and weighted back
    most_rows: Count = 60_000  # to grow trees on: beyond, customers without a positive are thinned, and weigh more
    fold_rows: Count = 20_000  # the same, where folds decide and every tree is grown several times
    season_snapshots: Count = 24  # snapshots below which columns of the calendar are not learned from
    season_level_months: Count = 10  # below, no level per calendar month: windows of a quarter have not seen a year
    copies: Annotated[float, Field(gt=0, le=1)] = 0.98  # rank correlation at which two columns are one, where folds decide


class EvaluationSettings(Settings):
    """What is measured, and how wide the interval is."""

    resamples: Annotated[int, Field(ge=100)] = 300
    level: Share = 0.95
    capacity: Count = 500  # names a night can call: lift and gain are stated there and at ten percent
    deciles: Annotated[int, Field(ge=2)] = 10


class GateSettings(Settings):
    """What a model must show before it may be champion."""

    expected_from: float = 0.9  # observed over expected: within, or its interval holds 1
    expected_to: float = 1.1
    excused_to: Annotated[float, Field(ge=1)] = 1.5  # no doubt about the level excuses a promise that is off by more


class Segment(Settings):
    """One feature that cuts the cohort of a cold start: into so many equal parts, or a category's values."""

    feature: str
    parts: Annotated[int, Field(ge=2, le=10)] = 3


class ColdStartSettings(Settings):
    """Segments for labels with too few positives: the first `use` of those the bank has."""

    segments: tuple[Segment, ...] = ()
    use: Annotated[int, Field(ge=0, le=2)] = 2


class BandSettings(Settings):
    """Probability as a word: multiples of the base rate."""

    high: float = 3.0
    middle: float = 1.0


class LabelModel(Settings):
    """What differs for one label."""

    min_positives: Count | None = None
    segments: tuple[Segment, ...] | None = None
    capacity: Count | None = None
    drop_features: tuple[str, ...] = ()  # glob patterns
    method: Literal["auto", "segment_rate"] = "auto"


class ModelSettings(Settings):
    """Everything under `models` in a bank's YAML."""

    seed: int = 20260101
    min_positives: Count = 50  # distinct customers with a positive, below which a cold start answers
    booster: BoosterSettings = BoosterSettings()
    small_booster: BoosterSettings = Field(default_factory=_small)  # where grouped folds take the place of later slices
    splits: SplitSettings = SplitSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    gate: GateSettings = GateSettings()
    cold_start: ColdStartSettings = ColdStartSettings()
    bands: BandSettings = BandSettings()
    labels: dict[str, LabelModel] = Field(default_factory=dict)

    def of(self, label: str) -> LabelModel:
        """What the YAML says about this label, or the defaults."""
        return self.labels.get(label, LabelModel())
