"""Tiers: a fold over averages, from the first month the bank has balances for to as_of; nothing is stored between nights.

The rules (BANKING.md, "Tiers a rural bank accepts"), each of them monotone, so that more money never lowers a tier:
- a level is reached by the average daily financial assets or by the year's contribution, whichever is higher;
- on the first day of a quarter everyone is graded on the quarter before;
- at a month end those go up whose last two months are both above;
- a tier is kept for a quarter after the grading that no longer gave it (notice), and through the quarter of Spring Festival:
  the tier in force is the best of what the last grading, the one before, and the month ends between have earned;
- the balance of a loan just paid out is none of the customer's average (`features.monthly.set_aside`), nor is money that
  came in the last days of a quarter or month, or left in its first (`edge_days`): parked for the grading, it moves nobody;
- then overrides, then the cap of those overdue. Age, sex and village are not even read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.cohorts import known_sql, note_dates, note_places, passes, united
from features.monthly import MINOR, Course, asset_movements, course, loan_credits, month_ends, set_aside, together
from models.groups import GroupSettings, assign
from models.tier_settings import Override, Scale, TierSettings
from models.value import Earnings, ValueSettings, earnings
from sources.canonical import Canonical, as_of_sql, connect

Money = NDArray[np.float64]
Ranks = NDArray[np.int64]
Words = NDArray[np.object_]


@dataclass(frozen=True)
class Window:
    """The days (after, until] a measure is taken over; the bank's first balances may cut its beginning."""

    after: int
    until: int

    @property
    def days(self) -> int:
        return self.until - self.after

    def parked(self, edge: int) -> dict[int, list[int]]:
        """Days on either side of a month's turn -> the days whose levels bound what counts of theirs.

        The last `edge` days of a month, and of the window, count at most what was there before them; the first days of a
        month at most what was there after them, or before the turn while that is not known yet.
        """
        turns = [end.toordinal() for end in month_ends(dt.date.fromordinal(self.after), dt.date.fromordinal(self.until))]
        bounds: dict[int, list[int]] = {}
        for turn in sorted({*turns, self.until}):
            for day in range(max(turn - edge, self.after) + 1, turn + 1):
                bounds.setdefault(day, []).append(turn - edge)
            later = turn + edge + 1 if turn + edge + 1 <= self.until else turn - edge
            for day in range(turn + 1, min(turn + edge, self.until) + 1):
                bounds.setdefault(day, []).append(later)
        return bounds


@dataclass(frozen=True)
class Event:
    """A day on which tiers may change: a month end (up only) or the first day of a quarter (graded)."""

    on: int
    windows: tuple[Window, ...]     # all of them must reach a level
    year: Window                    # of the contribution
    is_grading: bool
    may_fall: bool = True


def calendar(settings: TierSettings, first: dt.date, as_of: dt.date) -> tuple[Event, ...]:
    """The events up to `as_of` in a bank whose balances begin on `first`, in order."""
    start = first.toordinal() - 1
    ends = [start] + [end.toordinal() for end in month_ends(first, as_of)]
    months = [Window(a, b) for a, b in pairwise(ends)]
    if months and months[0].days < settings.least_month_days:
        months = months[1:]
    events: list[Event] = []
    for at, month in enumerate(months):
        year = Window(max(start, month.until - 365), month.until)
        if at + 1 >= settings.months_above:
            events.append(Event(month.until, tuple(months[at + 1 - settings.months_above:at + 1]), year, False))
        end = dt.date.fromordinal(month.until)
        quarter = Window(max(start, _quarter_begin(end) - 1), month.until)
        if end.month % 3 == 0 and end < as_of and quarter.days >= settings.least_quarter_days:
            coming = end.month // 3 % 4 + 1
            events.append(Event(month.until + 1, (quarter,), year, True, coming not in settings.no_fall_quarters))
    return tuple(events)


def _quarter_begin(day: dt.date) -> int:
    return dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1).toordinal()


@dataclass
class Standing:
    """Where each customer stands in the fold: level in force, what the last grading and later month ends earned, and why."""

    rank: Ranks
    earned: Ranks
    by: Words
    adb: Money
    contribution: Money
    graded_on: Ranks
    days: Ranks

    @classmethod
    def fresh(cls, size: int) -> Standing:
        """Nobody graded yet."""
        none = [np.zeros(size, np.int64) for _ in range(4)]
        return cls(none[0], none[1], np.full(size, "new", object), np.zeros(size), np.zeros(size), none[2], none[3])

    def meet(self, event: Event, level: Ranks, by: Words, adb: Money, contribution: Money) -> None:
        """Apply one event at which these levels were reached."""
        if event.is_grading:
            kept = np.maximum(self.earned, self.rank) if not event.may_fall else self.earned
            changed = np.ones(len(level), bool)
            self.by = np.where(level >= kept, by, "notice").astype(object)
            self.rank, self.earned = np.maximum(level, kept), level
        else:
            changed = (level > self.rank) | ((level == self.rank) & (level > self.earned))
            self.by = np.where(changed, by, self.by).astype(object)
            self.rank, self.earned = np.maximum(self.rank, level), np.maximum(self.earned, level)
        self.adb = np.where(changed, adb, self.adb)
        self.contribution = np.where(changed, contribution, self.contribution)
        self.graded_on = np.where(changed, event.on, self.graded_on)
        self.days = np.where(changed, sum(w.days for w in event.windows), self.days)


@dataclass(frozen=True)
class Customers:
    """The customers of a bucket as known at as_of, by place, with what grading needs to know of them."""

    ids: pa.Array
    place: Ranks
    scale: Words
    tenure_days: Ranks
    is_dormant: NDArray[np.bool_]
    is_overdue: NDArray[np.bool_]


@dataclass(frozen=True)
class Measures:
    """Averages and contributions of a bucket over any window between its grid days, in currency units, by customer."""

    assets: Course
    earned: Earnings
    edge_days: int

    def adb(self, window: Window) -> Money:
        """The average without money that was only parked over the turn of a month."""
        def level(day: int) -> Money:
            return self.assets.level[:, self.assets.column(day)]

        total = self.assets.sum_between(window.after, window.until)
        for day, bounds in window.parked(self.edge_days).items():
            counted = np.minimum.reduce([level(bound) for bound in bounds])
            total = total - np.maximum(level(day) - counted, 0.0)
        return total / window.days / MINOR

    def contribution(self, window: Window) -> Money:
        return self.earned.year(window.until, window.days)["contribution"]


def grade(canonical: Canonical, tiers: TierSettings, value: ValueSettings, groups: GroupSettings | None, as_of: dt.date,
          overrides: Sequence[Override] = ()) -> pa.Table:
    """One row per customer known at `as_of`, sorted by customer_id: tier, the figures that gave it, and the group.

    measure_adb and measure_contribution are the average and the year's contribution of the last event that changed or
    confirmed the tier, over `days_counted` days; gap_amount is what that average lacked for the next tier.
    """
    first = canonical.manifest.tables["balances"].first_on if "balances" in canonical.manifest.tables else None
    events = calendar(tiers, first, as_of) if first else ()
    trial = Window(max((first.toordinal() - 1) if first else 0, as_of.toordinal() - tiers.new_days), as_of.toordinal())
    parts = []
    with connect() as con:
        note_dates(con, canonical, [as_of])
        for bucket in passes(canonical):
            people = _customers(con, canonical, tiers, as_of, bucket)
            measures = _measures(con, canonical, tiers, value, as_of, bucket, people, events, trial)
            parts.append(_bucket(tiers, as_of, people, measures, events, trial, overrides))
    graded = pa.concat_tables(parts).sort_by("customer_id").combine_chunks()
    names = assign(canonical, groups, as_of) if groups is not None else None
    group = pa.nulls(graded.num_rows, pa.string()) if names is None else names["group"].take(
        pc.index_in(graded["customer_id"], names["customer_id"].combine_chunks()))
    return graded.append_column("group", group)


def _bucket(tiers: TierSettings, as_of: dt.date, people: Customers, measures: Measures, events: Sequence[Event],
            trial: Window, overrides: Sequence[Override]) -> pa.Table:
    parts = []
    for name, scale in sorted(tiers.scales.items()):
        mine = people.scale == name
        if mine.any():
            parts.append(_scale(tiers, scale, as_of, people, measures, mine, events, trial, overrides))
    return pa.concat_tables(parts) if parts else _table(as_of, tiers.scales["personal"], Standing.fresh(0), *_nobody())


def _scale(tiers: TierSettings, scale: Scale, as_of: dt.date, people: Customers, measures: Measures,
           mine: NDArray[np.bool_], events: Sequence[Event], trial: Window, overrides: Sequence[Override]) -> pa.Table:
    """Fold the events over the customers of one scale, then new customers, overrides and the cap."""
    standing = Standing.fresh(int(mine.sum()))
    for event in events:
        averages = [measures.adb(window)[mine] for window in event.windows]
        year = measures.contribution(event.year)[mine]
        standing.meet(event, *scale.reached(np.min(averages, axis=0), year), np.min(averages, axis=0), year)
    is_graded = standing.graded_on > 0
    is_new = (people.tenure_days[mine] < tiers.new_days) | ~is_graded
    tried = measures.adb(trial)[mine] * (trial.days / tiers.new_days)
    level = np.where(is_new, scale.reached(tried, np.zeros(len(tried)))[0], 0)
    rises = is_new & (level >= standing.rank)
    standing.by = np.where(rises, "new", standing.by).astype(object)
    standing.adb = np.where(rises, tried, standing.adb)
    standing.graded_on = np.where(rises, as_of.toordinal(), standing.graded_on)
    standing.days = np.where(rises, trial.days, standing.days)
    status = np.where(is_new, "provisional", np.where(standing.rank > standing.earned, "notice", "graded")).astype(object)
    standing.rank = np.maximum(standing.rank, level)
    ids = people.ids.take(pa.array(np.flatnonzero(mine)))
    _override(scale, as_of, standing, status, ids, overrides)
    capped = people.is_overdue[mine] & (standing.rank > 0)
    standing.rank, standing.by = np.where(capped, 0, standing.rank), np.where(capped, "overdue", standing.by).astype(object)
    status = np.where(capped, "capped", status).astype(object)
    return _table(as_of, scale, standing, status, ids, people.is_dormant[mine])


def _override(scale: Scale, as_of: dt.date, standing: Standing, status: Words, ids: pa.Array, overrides: Sequence[Override]
              ) -> None:
    """Tiers given by head office for a time; the later of two for one customer counts."""
    in_force = {o.customer_id: o for o in sorted(overrides, key=lambda o: (o.since, o.until, o.tier))
                if o.since <= as_of <= o.until}
    if not in_force:
        return
    for at, found in enumerate(pc.index_in(ids, pa.array(sorted(in_force), pa.string())).to_pylist()):
        if found is not None:
            standing.rank[at] = scale.rank_of(in_force[sorted(in_force)[found]].tier)
            standing.by[at], status[at] = "override", "graded"


def _nobody() -> tuple[Words, pa.Array, NDArray[np.bool_]]:
    return np.empty(0, object), pa.array([], pa.string()), np.empty(0, bool)


def _table(as_of: dt.date, scale: Scale, standing: Standing, status: Words, ids: pa.Array, is_dormant: NDArray[np.bool_]
           ) -> pa.Table:
    steps = scale.steps()
    tier = np.array([step.id for step in steps], object)[standing.rank]
    after = np.array([next((s for s in steps[at + 1:] if s.id != step.id), None) for at, step in enumerate(steps)], object)
    following = after[standing.rank]
    is_open = (status != "capped") & np.array([step is not None for step in following], bool)
    gap = np.array([step.adb if step is not None else np.nan for step in following], np.float64) - standing.adb
    dates = pa.array(np.where(standing.graded_on > 0, standing.graded_on - dt.date(1970, 1, 1).toordinal(), 0).astype(np.int32),
                     mask=standing.graded_on == 0).cast(pa.date32())
    return pa.table({
        "customer_id": ids, "as_of": pa.array([as_of] * len(ids), pa.date32()), "tier": pa.array(tier, pa.string()),
        "measure_adb": standing.adb, "measure_contribution": standing.contribution,
        "decided_by": pa.array(standing.by, pa.string()), "graded_on": dates,
        "days_counted": pa.array(standing.days, pa.int64()),
        "gap_amount": pa.array(np.maximum(gap, 0.0), pa.float64(), mask=~is_open),
        "next_tier": pa.array([step.id if ok else None for step, ok in zip(following, is_open, strict=True)], pa.string()),
        "status": pa.array(status, pa.string()),
        "is_vip": pa.array(np.array([step.is_vip for step in steps], bool)[standing.rank], pa.bool_()),
        "is_dormant": pa.array(is_dormant, pa.bool_()),
    })


def _customers(con: duckdb.DuckDBPyConnection, canonical: Canonical, tiers: TierSettings, as_of: dt.date, bucket: int | None
               ) -> Customers:
    """The bucket's customers as known at `as_of`; a prospect is not one yet."""
    note_places(con, canonical, bucket)
    day = f"DATE '{as_of.isoformat()}'"
    table = con.sql(f"""
        WITH opened AS (SELECT customer_id, min(opened_on) AS opened_on FROM
                            ({as_of_sql("accounts", canonical.relation_sql("accounts", bucket), as_of)}) GROUP BY 1),
        late AS (SELECT DISTINCT l.customer_id FROM (
                    SELECT loan_id, arg_max(overdue_days, "on") AS overdue_days
                    FROM {canonical.relation_sql("loan_status", bucket)} s
                    WHERE {known_sql("s", day)} AND "on" <= {day} GROUP BY 1) s
                 JOIN ({as_of_sql("loans", canonical.relation_sql("loans", bucket), as_of)}) l USING (loan_id)
                 WHERE s.overdue_days >= {tiers.overdue_cap_days} AND l.closed_on IS NULL)
        SELECT c.customer_id, p.place, coalesce(c.kind, 'personal') AS kind,
               coalesce({day} - least(c.opened_on, o.opened_on), 0) AS tenure_days,
               coalesce(c.status = 'dormant', false) AS is_dormant,
               late.customer_id IS NOT NULL AS is_overdue
        FROM ({as_of_sql("customers", canonical.relation_sql("customers", bucket), as_of)}) c
        JOIN _places p USING (customer_id) LEFT JOIN opened o USING (customer_id) LEFT JOIN late USING (customer_id)
        WHERE coalesce(c.stage, 'customer') <> 'prospect' ORDER BY p.place""").to_arrow_table()
    place = np.asarray(table["place"].to_numpy(), np.int64)
    late = np.zeros(int(con.sql("SELECT count(*) FROM _places").fetchall()[0][0]))
    late[place] = table["is_overdue"].to_numpy().astype(np.float64)
    kinds = {kind: name for name, scale in sorted(tiers.scales.items()) for kind in scale.kinds}
    scale = np.array([kinds.get(kind, "personal") for kind in table["kind"].to_pylist()], object)
    return Customers(table["customer_id"].combine_chunks(), place, scale,
                     np.asarray(table["tenure_days"].to_numpy(), np.int64), table["is_dormant"].to_numpy().astype(bool),
                     united(con, late, as_of)[place] > 0)


def _measures(con: duckdb.DuckDBPyConnection, canonical: Canonical, tiers: TierSettings, value: ValueSettings, as_of: dt.date,
              bucket: int | None, people: Customers, events: Sequence[Event], trial: Window) -> Measures:
    """One pass over the bucket's balances, loans and fees."""
    size = int(con.sql("SELECT count(*) FROM _places").fetchall()[0][0])
    windows = {trial, *(window for event in events for window in event.windows)}
    days = {day for w in windows for at, bounds in w.parked(tiers.edge_days).items() for day in (at, *bounds)}
    days |= {day for w in windows for day in (w.after, w.until)}
    years = sorted({day for event in events for day in (event.year.after, event.year.until)} or {as_of.toordinal()})
    assets = asset_movements(con, canonical, as_of, bucket, "_places")
    loans = loan_credits(con, canonical, as_of, bucket, "_places")
    net = together([assets, set_aside(assets, loans, tiers.loan_quiet_days)])

    def of_people(one: Course) -> Course:
        return Course(one.grid, united(con, one.level, as_of)[people.place], united(con, one.day_sum, as_of)[people.place])

    earned = earnings(con, canonical, value, as_of, bucket, size, years)
    return Measures(of_people(course(net, size, days)), Earnings(*(
        of_people(one) for one in (earned.assets, earned.loans, earned.fees, earned.counter))), tiers.edge_days)
