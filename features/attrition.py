"""Attrition: who moves their average daily financial assets away, net of what is not leaving.

How each is netted:
- transfers between a customer's own accounts, a matured term whose money opens a new number, wealth, insurance or bonds
  bought here: the measure is the sum over all of a customer's accounts that count as deposit or aum, merged numbers
  included, so these move nothing;
- wealth or insurance bought here where the bank keeps no accounts of it: the payment is added back from its day on, if
  it falls in either window (approximate: what it is worth later, and whether it is paid out, is unknown);
- loan proceeds and one-off sums (land compensation): taken out of the level for `set_aside_days` from their coming
  (`monthly.set_aside`), so that spending them is no loss (approximate: money spent later than that counts as leaving);
- reversals: moved to the day of what they reverse.
A transfer to a spouse's or child's number here counts as leaving, as does repaying a loan here out of savings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from features.cohorts import eligible_sql, known_sql, merged_places, note_places, unite
from features.held import Balances, held, read_balances
from features.history import first_balances
from features.monthly import (
    MINOR,
    Course,
    Days,
    Money,
    Movements,
    counted_accounts_sql,
    course,
    fetch_movements,
    flow_credits,
    loan_credits,
    set_aside,
    together,
)
from features.outcomes import LabelSettings, Staying
from sources.canonical import Canonical, as_of_sql

_KEPT_AS = {"invest": ("structured", "wealth", "fund", "bond", "metal"), "premium": ("insurance",)}


def attrition(
    con: duckdb.DuckDBPyConnection,
    label: LabelSettings,
    canonical: Canonical,
    bucket: int | None,
    as_of: Sequence[dt.date],
    known_at: dt.date | None,
) -> pa.Table:
    """One row per eligible customer above the floor and as_of: as_of, customer_id, target (null without `known_at`).

    Target is 1 where the average over the label window is at most `left_share` of the average over as many days before
    as_of. Who has gone before as_of is not in the cohort: the average of the last `here_days` must be above that share too, for
    nobody needs a call to keep what has left. The cohort is measured as known at as_of, the outcome as known at `known_at`.
    An as_of without balances over the whole of both windows has no rows. Needs `cohorts.note_people`.
    """
    newest = canonical.manifest.newest_business_date
    days = [
        d
        for d, first in first_balances(canonical, sorted(set(as_of))).items()
        if first is not None
        and d - dt.timedelta(label.horizon_days) >= first - dt.timedelta(1)
        and (known_at is None or d + dt.timedelta(label.reach_days) <= newest)
    ]
    numbers = [d.toordinal() for d in days]
    ids = note_places(con, canonical, bucket)
    size = len(ids)
    parts = [
        pa.table(
            {"as_of": pa.array([], pa.date32()), "customer_id": pa.array([], pa.string()), "target": pa.array([], pa.int8())}
        )
    ]
    if not days or not size:
        return parts[0]
    people = con.sql(
        f"SELECT e.as_of, p.place FROM ({eligible_sql(label.cohort)}) e JOIN _places p USING (customer_id) ORDER BY ALL"
    ).to_arrow_table()
    people_day, people_place = people["as_of"].to_numpy(), people["place"].to_numpy()
    now = _Pass(con, canonical, bucket, size, label.staying, read_balances(canonical, bucket))
    before = _as_known_then(label, now, days)
    found = _as_known_now(label, now, numbers, known_at) if known_at else None
    of_now = merged_places(con, known_at) if known_at else None
    for day, number in zip(days, numbers, strict=True):
        who, of_then = people_place[people_day == np.datetime64(day)], merged_places(con, day)
        assets, lately = (unite(measure, of_then)[who] for measure in before[day])
        who = who[(assets > 0) & (assets >= label.floor * MINOR) & (lately > label.left_share * assets)]
        target = pa.nulls(len(who), pa.int8())
        if found is not None and of_now is not None:
            was, left = (unite(measure, of_now)[who] for measure in found[number])
            target = pa.array((left <= label.left_share * was).astype(np.int8), pa.int8())
        parts.append(
            pa.table(
                {"as_of": pa.array([day] * len(who), pa.date32()), "customer_id": ids.take(pa.array(who)), "target": target}
            )
        )
    return pa.concat_tables(parts)


@dataclass(frozen=True)
class _Pass:
    """A pass over customers, their balances read, and what stays of what seems to leave."""

    con: duckdb.DuckDBPyConnection
    canonical: Canonical
    bucket: int | None
    size: int
    staying: Staying
    balances: Balances

    def net(self, view: dt.date, places: str, grid: Sequence[int], more: Sequence[Movements] = ()) -> Course:
        """The course of financial assets at the grid days as known at `view`, less what only passes, and more movements."""
        of = (self.con, self.canonical, view, self.bucket, places)
        assets = held(self.con, self.canonical, self.balances, view, self.bucket, places)
        passing = [loan_credits(*of)]
        if self.staying.one_off_categories:
            passing.append(flow_credits(*of, self.staying.one_off_categories))
        credits = together(passing)
        aside = set_aside(assets.movements(credits.place), credits, self.staying.set_aside_days)
        return assets.course(self.size, grid, together([aside, *more]))


def _as_known_then(label: LabelSettings, now: _Pass, days: Sequence[dt.date]) -> dict[dt.date, tuple[Money, Money]]:
    """Averages before each as_of, of the whole window and of its last days, as known at that as_of: one pass for all, and one
    per as_of over those few customers of whom something was recorded late or corrected.
    """
    found: dict[dt.date, tuple[Money, Money]] = {}
    numbers = [d.toordinal() for d in days]
    spans = (label.horizon_days, label.here_days)
    steady = now.net(days[-1], "_places", sorted({*numbers, *(n - span for n in numbers for span in spans)}))
    revised = _revised(now, days)
    for day, number in zip(days, numbers, strict=True):
        found[day] = (steady.average(number - spans[0], number), steady.average(number - spans[1], number))
        if len(revised) and day != days[-1]:
            own = now.net(day, "_revised", sorted({number - spans[0], number - spans[1], number}))
            for measure, span in zip(found[day], spans, strict=True):
                measure[revised] = own.average(number - span, number)[revised]
    return found


def _as_known_now(
    label: LabelSettings, now: _Pass, numbers: Sequence[int], known_at: dt.date
) -> dict[int, tuple[Money, Money]]:
    """Averages before and after each as_of as known at `known_at`, reversals and purchases here netted."""
    gap, horizon = label.gap_days, label.horizon_days
    grid = sorted({n + shift for n in numbers for shift in (-horizon, 0, gap, gap + horizon)})
    assets = now.net(known_at, "_places", grid, [_reversals(now.con, now.canonical, now.bucket, known_at)])
    bought = course(_bought_here(now.con, now.staying, now.canonical, now.bucket, known_at), now.size, grid)
    return {
        n: (
            _with_bought(assets, bought, n - horizon, (n - horizon, n)),
            _with_bought(assets, bought, n - horizon, (n + gap, n + gap + horizon)),
        )
        for n in numbers
    }


def _with_bought(assets: Course, bought: Course, since: int, window: tuple[int, int]) -> Money:
    """Average over a window with what was bought here after `since` counted as still here."""
    after, until = window
    staying = bought.sum_between(after, until) - (until - after) * bought.level_at(since)
    return (assets.sum_between(after, until) + staying) / (until - after)


def _reversals(con: duckdb.DuckDBPyConnection, canonical: Canonical, bucket: int | None, view: dt.date) -> Movements:
    """A reversal as if it had come on the day of what it reverses."""
    if not canonical.has("transactions", "reverses_id"):
        return _nothing()
    rows = as_of_sql(
        "transactions",
        canonical.relation_sql("transactions", bucket),
        view,
        ("transaction_id", "account_id", "on", "amount", "reverses_id"),
    )
    return fetch_movements(
        con,
        f"""
        WITH undone AS MATERIALIZED (SELECT account_id, "on", amount, reverses_id FROM ({rows}) WHERE reverses_id IS NOT NULL),
        pair AS (SELECT p.place, o."on" AS was_on, u."on" AS undone_on, u.amount
                 FROM undone u JOIN ({rows}) o ON o.transaction_id = u.reverses_id AND o.account_id = u.account_id
                 JOIN ({counted_accounts_sql(canonical, view, bucket, ("deposit", "aum"))}) a ON a.account_id = u.account_id
                 JOIN _places p ON p.customer_id = a.customer_id)
        SELECT place, was_on AS day, amount AS change FROM pair UNION ALL SELECT place, undone_on, -amount FROM pair""",
    )


def _bought_here(
    con: duckdb.DuckDBPyConnection, staying: Staying, canonical: Canonical, bucket: int | None, view: dt.date
) -> Movements:
    """Payments for wealth or insurance of this bank, where it keeps no accounts of such."""
    held = as_of_sql("accounts", canonical.relation_sql("accounts"), view, ("holds",))
    kept = {row[0] for row in con.sql(f"SELECT DISTINCT holds FROM ({held})").fetchall()}
    wanted = [c for c in staying.bought_here_categories if not kept & set(_KEPT_AS.get(c, ()))]
    if not wanted:
        return _nothing()
    rows = as_of_sql(
        "transactions",
        canonical.relation_sql("transactions", bucket),
        view,
        ("customer_id", "on", "amount", "category", "counterparty_bank"),
    )
    codes = ", ".join("'" + c.replace("'", "''") + "'" for c in ("", *staying.own_bank_codes))
    listed = ", ".join("'" + c.replace("'", "''") + "'" for c in wanted)
    return fetch_movements(
        con,
        f"""
        SELECT p.place, "on" AS day, -amount AS change FROM ({rows}) JOIN _places p USING (customer_id)
        WHERE category IN ({listed}) AND amount < 0 AND coalesce(counterparty_bank, '') IN ({codes})""",
    )


def _nothing() -> Movements:
    none: Days = np.empty(0, np.int64)
    return Movements(none, none, np.empty(0, np.float64))


def _revised(now: _Pass, days: Sequence[dt.date]) -> Days:
    """Places of the customers of whom the rows known at the last day do not show what was known at an earlier one.

    Leaves them in the temp table `_revised`.
    """
    if len(days) == 1:
        return np.empty(0, np.int64)
    last = f"DATE '{days[-1].isoformat()}'"
    listed = ", ".join("'" + c.replace("'", "''") + "'" for c in now.staying.one_off_categories) or "NULL"
    late = []
    for table, event, more in (
        ("balances", '"on"', ""),
        ("loans", "granted_on", ""),
        ("accounts", "opened_on", ""),
        ("transactions", '"on"', f" AND t.category IN ({listed})"),
    ):
        late.append(f"""SELECT t.customer_id FROM {now.canonical.relation_sql(table, now.bucket)} t
            WHERE t.known_from <= {last} AND ((t.known_to IS NOT NULL AND t.known_to <= {last}) OR (t.known_from > t.{event}
              AND EXISTS (SELECT 1 FROM _dates d WHERE d.as_of >= t.{event} AND d.as_of < t.known_from))){more}""")
    late.append(f"""SELECT customer_id FROM {now.canonical.relation_sql("accounts", now.bucket)}
        WHERE product_id IN ({_reclassed_sql(now.canonical, days)})""")
    now.con.execute(f"""CREATE OR REPLACE TEMP TABLE _revised AS SELECT p.customer_id, p.place FROM _places p
        WHERE p.customer_id IN ({" UNION ".join(late)})""")
    return np.asarray(now.con.sql("SELECT place FROM _revised ORDER BY place").to_arrow_table()["place"].to_numpy())


def _reclassed_sql(canonical: Canonical, days: Sequence[dt.date]) -> str:
    """SELECT of the products that did not count as the same, or were not known, at every one of the days."""
    views = ", ".join(f"DATE '{day.isoformat()}'" for day in days)
    return f"""SELECT p.product_id FROM {canonical.relation_sql("products")} p
        JOIN (SELECT unnest([{views}]) AS as_of) d ON {known_sql("p", "d.as_of")}
        GROUP BY 1 HAVING count(DISTINCT p.counts_as) > 1 OR count(DISTINCT d.as_of) < {len(set(days))}"""
