"""Tiers as settings: scales of levels that head office approved, and tiers given by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from features.cohorts import CustomerKind
from store.settings import Settings, load

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Level(Settings):
    """One tier: its name and the two measures, either of which reaches it. Currency units; assets as a quarter's average."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")
    zh: str
    en: str
    adb: float = 0.0
    contribution: float = 0.0  # of a year


@dataclass(frozen=True)
class Step:
    """A level on the way up; the last may be the part of the highest tier that head office looks after itself."""

    id: str
    adb: float
    contribution: float
    is_vip: bool = False


class Scale(Settings):
    """Ordered tiers, high to low, for some kinds of customers."""

    kinds: tuple[CustomerKind, ...]
    levels: tuple[Level, ...] = Field(min_length=2)
    vip_adb: float | None = None  # within the highest tier

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if len({level.id for level in self.levels}) < len(self.levels):
            raise ValueError("two tiers have the same id")
        for above, below in zip(self.levels, self.levels[1:], strict=False):
            if above.adb <= below.adb or above.contribution <= below.contribution:
                raise ValueError(f"tiers go from high to low: '{above.id}' must ask for more of both than '{below.id}'")
        if self.levels[-1].adb or self.levels[-1].contribution:
            raise ValueError(f"the lowest tier '{self.levels[-1].id}' asks for nothing: everyone has a tier")
        if self.vip_adb is not None and self.vip_adb <= self.levels[0].adb:
            raise ValueError(f"vip_adb must lie above the {self.levels[0].adb:g} of '{self.levels[0].id}'")
        return self

    def steps(self) -> list[Step]:
        """From the lowest up."""
        up = [Step(level.id, level.adb, level.contribution) for level in reversed(self.levels)]
        return up + ([Step(self.levels[0].id, self.vip_adb, np.inf, True)] if self.vip_adb is not None else [])

    def rank_of(self, tier: str) -> int:
        """Place of a tier among the steps. Raises ValueError for one that is not of this scale."""
        return [step.id for step in self.steps()].index(tier)

    def reached(
        self, adb: NDArray[np.float64], contribution: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        """The step reached by the better of the two measures, and which it was."""
        steps = self.steps()[1:]
        by_adb = np.searchsorted(np.array([step.adb for step in steps]), adb, side="right")
        by_contribution = np.searchsorted(np.array([step.contribution for step in steps]), contribution, side="right")
        by = np.array(["adb", "contribution"], object)[(by_contribution > by_adb).astype(np.int64)]  # two texts, not one a row
        return np.maximum(by_adb, by_contribution).astype(np.int64), by


class TierSettings(Settings):
    """The rules of grading. Thresholds are approved once and hold for the calendar year.

    A grading goes by the thresholds of its own year, so that a new year's move nobody before its first day, nor without
    notice: those gone by stay under `earlier`, by the last year they held.
    """

    scales: dict[str, Scale]
    approved_by: str = ""
    approved_for: int | None = None  # the calendar year
    earlier: dict[int, dict[str, Scale]] = Field(default_factory=dict)
    loan_quiet_days: int = Field(90, ge=1)  # the balance of a loan just paid out does not count so long
    edge_days: int = Field(3, ge=0)  # parked over the turn of a quarter or month: not counted
    new_days: int = Field(90, ge=1)  # under this: a new customer, provisional
    months_above: int = Field(2, ge=1)  # this many whole months above take one up at a month end
    no_fall_quarters: tuple[int, ...] = (1,)  # Spring Festival falls between 21 January and 20 February
    overdue_cap_days: int = Field(1, ge=1)
    least_month_days: int = 20  # a first month of which the bank has fewer days is passed over
    least_quarter_days: int = 60
    overrides: str | None = None  # a file of overrides, relative to the bank's file

    @model_validator(mode="after")
    def _everyone(self) -> Self:
        if "personal" not in self.scales:
            raise ValueError("there must be a scale 'personal': it takes every kind no other scale names")
        ids = [level.id for scale in self.scales.values() for level in scale.levels]
        if len(set(ids)) < len(ids):
            raise ValueError("two scales share the id of a tier; a tier's id must say which scale it is of")
        return self

    @model_validator(mode="after")
    def _same_ladder(self) -> Self:
        for year, scales in sorted(self.earlier.items()):
            if self.approved_for is not None and year >= self.approved_for:
                raise ValueError(f"earlier: {year} is not before {self.approved_for}, for which the tiers above are approved")
            for name, scale in sorted(scales.items()):
                now = self.scales.get(name)
                if now is None or [level.id for level in scale.levels] != [level.id for level in now.levels]:
                    raise ValueError(
                        f"earlier: {year}: '{name}' must have the same tiers in the same order as the scale in "
                        "force: ids stay, only thresholds change"
                    )
        return self

    def scale_at(self, name: str, day: dt.date) -> Scale:
        """The scale with the thresholds that hold on a day."""
        years = [year for year, scales in self.earlier.items() if year >= day.year and name in scales]
        return self.earlier[min(years)][name] if years else self.scales[name]

    def scale_of(self, tier: str) -> str:
        """The scale a tier belongs to. Raises KeyError."""
        return {level.id: name for name, scale in self.scales.items() for level in scale.levels}[tier]


class Override(Settings):
    """A tier given by hand: who asked, who approved, why, and until when."""

    customer_id: Said
    tier: str
    why: Annotated[Said, Field(min_length=4)]
    asked_by: Said
    approved_by: Said
    since: dt.date
    until: dt.date

    @model_validator(mode="after")
    def _four_eyes(self) -> Self:
        if self.asked_by.casefold() == self.approved_by.casefold():
            raise ValueError("asked for and approved by the same person; an override needs four eyes")
        if not self.since <= self.until <= self.since + dt.timedelta(366):
            raise ValueError("an override holds from `since` to `until`, at most a year")
        return self


class Overrides(Settings):
    """A file of overrides."""

    overrides: tuple[Override, ...] = ()


def read_overrides(path: Path) -> tuple[Override, ...]:
    """The overrides of a YAML file (`overrides:` and a list). Raises ConfigError naming every wrong line."""
    return load(path, Overrides).overrides
