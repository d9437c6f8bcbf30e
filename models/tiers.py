"""Tiers: a fold over averages, from the first month the bank has balances for to as_of; nothing is stored between nights.

The rules, as rural banks accept them, each of them monotone, so that more money never lowers a tier:
- a level is reached by the average daily financial assets or by the year's contribution, whichever is higher;
- on the first day of a quarter everyone is graded on the quarter before;
- at a month end those go up whose last two months are both above;
- a tier is kept for a quarter after the grading that no longer gave it (notice), and through the quarter of Spring Festival:
  the tier in force is the best of what the last grading, the one before, and the month ends between have earned;
- a loan just paid out moves nobody, nor does money parked for the grading (`models.tier_measures`);
- every grading goes by the thresholds of its own year;
- then overrides, then the cap of those overdue. Age, sex and village are not even read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.cohorts import each_pass, known_sql, merged_places, note_dates, note_places, unite
from features.history import first_balance
from models import tier_overrides
from models.groups import GroupSettings, assign
from models.tier_calendar import Event, Window, calendar
from models.tier_measures import Measures, Own, measure
from models.tier_settings import Override, TierSettings
from models.tier_standing import Flags, Ranks, Words, fold, try_out
from models.tier_table import Graded, table
from models.value import ValueSettings, note_margins
from sources.canonical import Canonical, as_of_sql


@dataclass(frozen=True)
class Customers:
    """The customers of a bucket as known at as_of, by place, with what grading needs to know of them."""

    ids: pa.Array
    place: Ranks
    scale: Words
    opened: Ranks  # day number; 0 where the bank keeps none
    is_dormant: Flags
    is_overdue: Flags


def grade(
    canonical: Canonical,
    tiers: TierSettings,
    value: ValueSettings,
    groups: GroupSettings | None,
    as_of: dt.date,
    overrides: Sequence[Override] = (),
    meanwhile: Callable[[pa.Table], object] = lambda graded: None,
) -> pa.Table:
    """One row per customer known at `as_of`, sorted by customer_id: tier, the figures that gave it, and the group.

    The columns are those of `models.tier_table`, and group; `meanwhile` is given the others while groups are found. Raises
    ConfigError for an override whose tier does not exist or is not of the customer's scale; one for a customer nobody knows is
    passed over (`tier_overrides.states` names it).
    """
    tier_overrides.check(overrides, tiers)
    first = first_balance(canonical, as_of)
    events = calendar(tiers, first, as_of) if first else ()
    begin = first.toordinal() - 1 if first else 0
    trial = Window(min(max(begin, as_of.toordinal() - tiers.new_days), as_of.toordinal() - 1), as_of.toordinal())
    with canonical.connect() as con:
        note_dates(con, canonical, [as_of])
        merged = dict(con.execute("SELECT customer_id, person FROM _person ORDER BY ALL").fetchall())
    chosen = tier_overrides.in_force(overrides, as_of, merged)

    def ready(con: duckdb.DuckDBPyConnection) -> None:
        note_dates(con, canonical, [as_of])
        note_margins(con, canonical, value, as_of)

    def of_pass(con: duckdb.DuckDBPyConnection, bucket: int | None) -> list[pa.Table]:
        people = _customers(con, canonical, tiers, as_of, bucket)
        measures = measure(con, canonical, tiers, value, as_of, bucket, events, trial)
        return [_scale(tiers, name, as_of, people, measures, events, trial, chosen) for name in sorted(tiers.scales)]

    parts = [part for scales in each_pass(canonical, ready, of_pass) for part in scales]
    graded = pa.concat_tables(parts).sort_by("customer_id").combine_chunks()
    with ThreadPoolExecutor(1) as beside:
        found = beside.submit(assign, canonical, groups, as_of) if groups is not None else None
        meanwhile(graded)
        names = found.result() if found is not None else None
    group = (
        pa.nulls(graded.num_rows, pa.string())
        if names is None
        else names["group"].take(pc.index_in(graded["customer_id"], names["customer_id"].combine_chunks()))
    )
    return graded.append_column("group", group)


def _scale(
    tiers: TierSettings,
    name: str,
    as_of: dt.date,
    people: Customers,
    measures: Measures,
    events: Sequence[Event],
    trial: Window,
    chosen: Mapping[str, Override],
) -> pa.Table:
    """Fold the events over the customers of one scale, then new customers, overrides and the cap."""
    mine: NDArray[np.bool_] = people.scale == name
    scale, own, opened = tiers.scale_at(name, as_of), Own(measures, people.place[mine]), people.opened[mine]
    standing = fold(tiers, name, own, events)
    is_young = (opened > 0) & (as_of.toordinal() - opened < tiers.new_days)
    status = try_out(standing, scale, is_young | (standing.graded_on == 0), own, trial, tiers.new_days)
    standing.since = np.where(standing.since > 0, np.maximum(standing.since, opened), 0)
    by_rule = standing.rank.copy()
    ids = people.ids.take(pa.array(np.flatnonzero(mine)))
    given = tier_overrides.apply(chosen, scale, tiers, ids, standing, status)
    capped = people.is_overdue[mine] & (standing.rank > 0)
    standing.rank, standing.since = np.where(capped, 0, standing.rank), np.where(capped, 0, standing.since)
    standing.by = np.where(capped, "overdue", standing.by).astype(object)
    status = np.where(capped, "capped", status).astype(object)
    return table(tiers, name, as_of, Graded(ids, standing, status, by_rule, opened, given, people.is_dormant[mine]))


def _customers(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, tiers: TierSettings, as_of: dt.date, bucket: int | None
) -> Customers:
    """The bucket's customers as known at `as_of`; a prospect is not one yet."""
    note_places(con, canonical, bucket)
    found = con.sql(_customers_sql(canonical, tiers, as_of, bucket)).to_arrow_table()
    place = np.asarray(found["place"].to_numpy(), np.int64)
    late = np.zeros(int(con.sql("SELECT count(*) FROM _places").fetchall()[0][0]))
    late[place] = found["is_overdue"].to_numpy().astype(np.float64)
    kinds = {kind: name for name, scale in sorted(tiers.scales.items()) for kind in scale.kinds}
    kind = found["kind"].combine_chunks().dictionary_encode()
    names = np.array([kinds.get(name, "personal") for name in kind.dictionary.to_pylist()], object)
    return Customers(
        found["customer_id"].combine_chunks(),
        place,
        names[kind.indices.to_numpy()],
        np.asarray(found["opened"].to_numpy(), np.int64),
        found["is_dormant"].to_numpy().astype(bool),
        unite(late, merged_places(con, as_of))[place] > 0,
    )


def _customers_sql(canonical: Canonical, tiers: TierSettings, as_of: dt.date, bucket: int | None) -> str:
    day = f"DATE '{as_of.isoformat()}'"
    # What is overdue without a number of days is overdue by a day at least.
    overdue = "coalesce(overdue_days, CASE WHEN overdue_amount > 0 THEN 1 ELSE 0 END)"
    return f"""
        WITH opened AS (SELECT customer_id, min(opened_on) AS opened_on FROM
                            ({as_of_sql("accounts", canonical.relation_sql("accounts", bucket), as_of)}) GROUP BY 1),
        late AS (SELECT DISTINCT l.customer_id FROM (
                    SELECT loan_id, arg_max({overdue}, "on") AS overdue_days
                    FROM {canonical.relation_sql("loan_status", bucket)} s
                    WHERE {known_sql("s", day)} AND "on" <= {day} GROUP BY 1) s
                 JOIN ({as_of_sql("loans", canonical.relation_sql("loans", bucket), as_of)}) l USING (loan_id)
                 WHERE s.overdue_days >= {tiers.overdue_cap_days} AND l.closed_on IS NULL)
        SELECT c.customer_id, p.place, coalesce(c.kind, 'personal') AS kind,
               coalesce(least(c.opened_on, o.opened_on) - DATE '0001-01-01' + 1, 0) AS opened,
               coalesce(c.status = 'dormant', false) AS is_dormant,
               late.customer_id IS NOT NULL AS is_overdue
        FROM ({as_of_sql("customers", canonical.relation_sql("customers", bucket), as_of)}) c
        JOIN _places p USING (customer_id) LEFT JOIN opened o USING (customer_id) LEFT JOIN late USING (customer_id)
        WHERE coalesce(c.stage, 'customer') <> 'prospect' ORDER BY p.place"""
