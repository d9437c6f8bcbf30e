"""One action per customer into the hours of the day: the dearest first, until the owner's hours are full."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd

from targeting.owners import HEAD_OFFICE, POOL
from targeting.settings import HourSettings


def capacity(con: duckdb.DuckDBPyConnection, settings: HourSettings, work_on: dt.date) -> pd.DataFrame:
    """One row per list of `owners`: list_id, hours, slots (calls that fit), hours_from.

    A manager's row for the day in `availability`, else the manager's own hours, else the hours of the role in YAML. A pool has
    as many names as its head hands out a day; where a bank has no managers, the hours of a branch.
    """
    lists = con.execute(f"""
        SELECT o.list_id, a.hours AS on_day, m.hours AS own, m.role, (SELECT count(*) FROM managers) AS managers
        FROM (SELECT DISTINCT list_id FROM owners) o LEFT JOIN managers m ON m.manager_id = o.list_id
        LEFT JOIN availability a ON a.manager_id = o.list_id AND a."on" = DATE '{work_on}' ORDER BY 1""").df()
    pool = lists["list_id"].str.startswith(POOL).to_numpy(dtype=bool)
    head = (lists["list_id"] == HEAD_OFFICE).to_numpy(dtype=bool)
    alone = (lists["managers"] == 0).to_numpy(dtype=bool)
    day = lists["on_day"].to_numpy(dtype="float64", na_value=np.nan)
    own = lists["own"].to_numpy(dtype="float64", na_value=np.nan)
    role = lists["role"].map(settings.by_role).to_numpy(dtype="float64", na_value=np.nan)
    cases = [pool & alone, pool, head, ~np.isnan(day), ~np.isnan(own), ~np.isnan(role)]
    pool_hours = settings.pool_names * settings.per_action
    same = np.ones(len(lists))
    values = [same * settings.branch, same * pool_hours, same * settings.head_office, day, own, role]
    hours = np.select(cases, values, settings.manager)
    source = np.select(cases, ["branch", "pool", "head_office", "availability", "manager", "role"], "default")
    # A hair is added so that 3 x 0.1 hours fit into 0.3; a slot is whole or not there.
    slots = np.floor(np.clip(hours, 0, 24) / settings.per_action + 1e-9).astype("int64")
    return pd.DataFrame({"list_id": lists["list_id"], "hours": hours, "slots": slots, "hours_from": source})


def best_action(allowed: pd.DataFrame, least: float, least_probability: float = 0.0) -> pd.DataFrame:
    """One row per customer: the offer worth most; ties by raw score, then by offer name.

    Worth no more than `least`, or less likely than `least_probability` (an event has happened, and has none): no call. A
    service call is owed to small customers too.
    """
    likely = allowed["probability"].isna() | (allowed["probability"] >= least_probability)
    floor = np.where(allowed["kind"] == "service", 0.0, least)
    ordered = allowed[likely & (allowed["expected_value"] > floor)].sort_values(
        ["customer_id", "expected_value", "raw_score", "offer"],
        ascending=[True, False, False, True],
        na_position="last",
        kind="stable",
    )
    return ordered.drop_duplicates("customer_id").reset_index(drop=True)


def fill(actions: pd.DataFrame, lists: pd.DataFrame) -> pd.DataFrame:
    """`actions` (with list_id) in list order, with `place` in the whole queue of the list, `slots`, and `is_listed`.

    The order is total: expected value, then raw score, descending, then customer_id.
    """
    ordered = actions.merge(lists[["list_id", "slots"]], on="list_id", how="left", validate="many_to_one").sort_values(
        ["list_id", "expected_value", "raw_score", "customer_id"],
        ascending=[True, False, False, True],
        na_position="last",
        kind="stable",
        ignore_index=True,
    )
    place = ordered.groupby("list_id", sort=False).cumcount() + 1
    return ordered.assign(place=place.astype("int64"), is_listed=place <= ordered["slots"])
