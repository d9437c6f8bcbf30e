"""The table of tiers: one row per customer and as_of, with every figure that a statement to the customer needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.tier_calendar import next_fall
from models.tier_measures import Money
from models.tier_settings import Override, Step, TierSettings
from models.tier_standing import Flags, Ranks, Standing, Words
from models.value import PARTS

_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Graded:
    """Customers of one scale as graded, in the order of `ids`."""

    ids: pa.Array
    standing: Standing
    status: Words
    by_rule: Ranks  # the step before overrides and the cap
    opened: Ranks
    given: Sequence[Override | None]
    is_dormant: Flags


def table(tiers: TierSettings, name: str, as_of: dt.date, graded: Graded) -> pa.Table:
    """One row per customer, in the order given.

    tier, status (graded, notice, provisional, capped), decided_by (adb, contribution, notice, new, override, overdue) and
    the day graded_on; since_on, null where the tier is for the time being. measure_adb is the average over the
    days_counted from period_from to period_until (basis: a quarter, the lower of two months, the trial of a new customer),
    measure_contribution a year's, the sum of its parts. tier_* are the
    thresholds of the tier in force, next_* those of the next one up, gap_* what lacks to it; null for those capped.
    rule_tier is the tier without override and cap, earned_tier what the last grading alone gives, due on notice_until.
    """
    standing, ranks = graded.standing, graded.standing.rank
    steps = tiers.scale_at(name, as_of).steps()
    ids = np.array([step.id for step in steps], object)
    after = [next((up for up in steps[at + 1 :] if up.id != step.id), None) for at, step in enumerate(steps)]
    is_open = (graded.status != "capped") & np.array([up is not None for up in after], bool)[ranks]
    rows = len(graded.ids)
    columns: dict[str, pa.Array] = {
        "customer_id": graded.ids,
        "as_of": pa.array([as_of] * rows, pa.date32()),
        "scale": pa.array([name] * rows, pa.string()),
        "tier": _text(ids[ranks]),
        "status": _text(graded.status),
        "decided_by": _text(standing.by),
        "graded_on": _dates(standing.graded_on),
        "since_on": _dates(standing.since),
        "basis": _text(standing.basis),
        "period_from": _dates(standing.period[0]),
        "period_until": _dates(standing.period[1]),
        "days_counted": pa.array(np.where(standing.period[0] > 0, standing.period[1] - standing.period[0] + 1, 0), pa.int64()),
        "measure_adb": _money(standing.figures["adb"]),
        "measure_contribution": _money(standing.figures["contribution"]),
        **{part: _money(standing.figures[part]) for part in PARTS},
    }
    columns |= _thresholds(
        steps, after, ranks, is_open, columns["measure_adb"].to_numpy(), columns["measure_contribution"].to_numpy()
    )
    columns |= {
        "rule_tier": _text(ids[graded.by_rule]),
        "earned_tier": _text(ids[standing.earned]),
        "notice_until": _days_of(graded.status == "notice", next_fall(tiers, as_of) - dt.timedelta(1)),
        "provisional_until": _dates(
            np.where((graded.status == "provisional") & (graded.opened > 0), graded.opened + tiers.new_days - 1, 0)
        ),
    }
    columns |= _given(graded.given)
    columns |= {
        "is_vip": pa.array(np.array([step.is_vip for step in steps], bool)[ranks], pa.bool_()),
        "is_dormant": pa.array(graded.is_dormant, pa.bool_()),
    }
    return pa.table(columns)


def _thresholds(
    steps: Sequence[Step], after: Sequence[Step | None], ranks: Ranks, is_open: Flags, adb: Money, contribution: Money
) -> dict[str, pa.Array]:
    """The thresholds of the tier in force and of the next, and the distance to the next by either measure."""
    floor = {step.id: step for step in reversed(steps)}  # of a tier in two steps the lower
    own = np.array([(floor[step.id].adb, floor[step.id].contribution) for step in steps])[ranks].T
    up = np.array([(step.adb, step.contribution) if step else (np.nan, np.nan) for step in after])[ranks].T
    names = np.array([step.id if step else None for step in after], object)[ranks]
    lacking = [
        np.maximum(np.round(threshold - measure, 2), 0.0) for threshold, measure in zip(up, (adb, contribution), strict=True)
    ]
    return {
        "tier_adb": _money(own[0]),
        "tier_contribution": _money(own[1]),
        "next_tier": pa.array(names, pa.string(), mask=~is_open),
        "next_adb": _money(up[0], is_open),
        "next_contribution": _money(up[1], is_open),
        "gap_amount": _money(lacking[0], is_open),
        "gap_contribution": _money(lacking[1], is_open),
    }


def _given(given: Sequence[Override | None]) -> dict[str, pa.Array]:
    return {
        "override_asked_by": pa.array([one.asked_by if one else None for one in given], pa.string()),
        "override_approved_by": pa.array([one.approved_by if one else None for one in given], pa.string()),
        "override_why": pa.array([one.why if one else None for one in given], pa.string()),
        "override_until": pa.array([one.until if one else None for one in given], pa.date32()),
    }


def _text(words: Words) -> pa.Array:
    return pa.array(words, pa.string())


def _money(amounts: Money, is_there: NDArray[np.bool_] | None = None) -> pa.Array:
    # Adding zero turns -0.0 into 0.0, which reads alike and is other bytes.
    return pa.array(amounts + 0.0, pa.float64(), mask=None if is_there is None else ~is_there)


def _dates(days: Ranks) -> pa.Array:
    """Day numbers as dates; 0 is none."""
    return pa.array(np.where(days > 0, days - _EPOCH, 0).astype(np.int32), mask=days == 0).cast(pa.date32())


def _days_of(whose: Flags, day: dt.date) -> pa.Array:
    return _dates(np.where(whose, day.toordinal(), 0))
