"""One owner per customer and day: the cascade of routing, manager, grid, branch pool, head office."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd

from sources.canonical import Canonical
from sources.sqltext import literal, literals
from store.errors import GateBroken
from targeting.known import daily_averages
from targeting.settings import OwnerSettings, RoutingRule

STEPS = ("routed", "manager", "grid", "branch_pool", "head_office")
HEAD_OFFICE = "head_office"
POOL = "pool:"


def assign(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, settings: OwnerSettings, as_of: dt.date, tiers: pd.DataFrame
) -> pd.DataFrame:
    """One row per customer of `tiers`: whose list the customer can be on, and which step of the cascade said so.

    Columns: number (from 0, by customer_id), customer_id, root, list_id (a manager's id, `pool:BRANCH` or `head_office`),
    manager_id (null for pools and head office, who hand out), branch_id (of the list), owner_step, owner_rule (of routing),
    home_branch_id and area_id (where the customer belongs), owner_area_id (null for head office), tier, group, own_kind,
    is_known (among customers). `tiers` holds customer_id, tier, group, measure_adb.
    Leaves temp table `owners` in `con`.
    """
    ordered = tiers[["customer_id", "tier", "group", "measure_adb"]].sort_values("customer_id")
    con.register("_tiers", ordered.assign(number=np.arange(len(ordered), dtype=np.int32)))
    con.execute("CREATE OR REPLACE TEMP TABLE tiers AS SELECT * FROM _tiers")
    con.unregister("_tiers")
    daily_averages(con, canonical, as_of, settings.balance_days)
    _branch_tree(con)
    con.execute(f"CREATE OR REPLACE TEMP TABLE owners AS {_cascade_sql(settings)}")
    owners: pd.DataFrame = con.sql("SELECT * FROM owners ORDER BY number").to_arrow_table().to_pandas()
    _prove_one_each(owners, tiers)
    return owners


def steps_counted(owners: pd.DataFrame) -> dict[str, int]:
    """How many customers each step of the cascade decided; the parts add up to the customers."""
    counts = owners["owner_step"].value_counts()
    return {step: int(counts.get(step, 0)) for step in STEPS}


def _prove_one_each(owners: pd.DataFrame, tiers: pd.DataFrame) -> None:
    if len(owners) != len(tiers) or owners["customer_id"].nunique() != len(tiers) or owners["list_id"].isna().any():
        raise GateBroken(
            f"{len(owners)} owners for {len(tiers)} customers",
            where="owners",
            expected="exactly one each",
            do="look for customers, managers or branches that stand twice in the canonical tables",
        )


def _branch_tree(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `tree`, one row per branch: its area (an outlet belongs to its branch), its head, who holds the pool.

    An outlet without a head of its own is in the hands of the branch above it; a branch is never in those of head office.
    """
    rows = con.execute("""SELECT b.branch_id, b.parent_id, coalesce(b.level, 'branch'),
            coalesce(own.manager_id, role.manager_id)
        FROM branches b LEFT JOIN managers own ON own.manager_id = b.head_manager_id
        LEFT JOIN (SELECT branch_id, min(manager_id) AS manager_id FROM managers WHERE role = 'branch_head' GROUP BY 1) role
            ON role.branch_id = b.branch_id ORDER BY 1""").fetchall()
    level = {branch: kind for branch, _, kind, _ in rows}
    parent = {branch: above for branch, above, _, _ in rows}
    head = {branch: manager for branch, _, _, manager in rows}

    def climb(branch: str) -> str:
        seen = {branch}
        while level[branch] == "outlet" and parent[branch] in level and level[parent[branch]] != "head":
            branch = parent[branch]
            if branch in seen:  # a ring in the master data must not hang the night
                return min(seen)
            seen.add(branch)
        return branch

    con.execute("CREATE OR REPLACE TEMP TABLE tree (branch_id VARCHAR, area_id VARCHAR, pool_id VARCHAR, head_id VARCHAR)")
    tree = [(b, climb(b), b if head[b] else climb(b)) for b in level]
    if tree:
        con.executemany("INSERT INTO tree VALUES (?, ?, ?, ?)", [(b, area, pool, head[pool]) for b, area, pool in tree])


def _cascade_sql(settings: OwnerSettings) -> str:
    cases = " ".join(f"WHEN {_holds(r)} THEN {literal(r.name)}" for r in settings.routing)
    targets = " ".join(f"WHEN {literal(r.name)} THEN {literal(r.to)}" for r in settings.routing)
    rule = f"CASE {cases} END" if cases else "NULL::VARCHAR"
    to = f"CASE rule {targets} END" if targets else "NULL::VARCHAR"
    of = {"customer": "c.branch_id", "grid": "g.branch_id", "main_account": "main.branch_id"}
    home = ", ".join([*(of[source] for source in settings.home), "NULL"])
    return f"""
    WITH main AS (SELECT customer_id, arg_min_null(branch_id, (-adb, opened_on, account_id)) AS branch_id
            FROM averages GROUP BY 1),
        latest AS (SELECT loan_id, outstanding FROM loan_status
            QUALIFY row_number() OVER (PARTITION BY loan_id ORDER BY "on" DESC) = 1),
        lent AS (SELECT l.customer_id, sum(coalesce(s.outstanding, l.amount))::DOUBLE / 100 AS outstanding
            FROM loans l LEFT JOIN latest s USING (loan_id) WHERE l.closed_on IS NULL GROUP BY 1),
        head AS (SELECT min(branch_id) AS branch_id FROM branches WHERE level = 'head'),
        known AS (SELECT t.*, coalesce(m.root, t.customer_id) AS root, c.customer_id IS NOT NULL AS is_known,
                coalesce(c.kind, 'personal') AS own_kind, coalesce(l.outstanding, 0) AS outstanding,
                coalesce(main.branch_id, c.branch_id, g.branch_id) AS main_branch_id,
                coalesce({home}) AS home_branch_id,
                own.manager_id AS own_manager_id, own.branch_id AS own_branch_id,
                grid.manager_id AS grid_manager_id, grid.branch_id AS grid_branch_id
            FROM tiers t LEFT JOIN merged m USING (customer_id) LEFT JOIN customers c USING (customer_id)
            LEFT JOIN main USING (customer_id) LEFT JOIN lent l USING (customer_id)
            LEFT JOIN managers own ON own.manager_id = c.manager_id
            LEFT JOIN grids g ON g.grid_id = c.grid_id LEFT JOIN managers grid ON grid.manager_id = g.manager_id),
        ruled AS (SELECT *, {rule} AS rule FROM known),
        led AS (SELECT r.*, {to} AS rule_to, coalesce(tree.pool_id, r.main_branch_id) AS pool_id, tree.head_id,
                coalesce(home.area_id, r.home_branch_id) AS area_id
            FROM ruled r LEFT JOIN tree ON tree.branch_id = r.main_branch_id
            LEFT JOIN tree home ON home.branch_id = r.home_branch_id),
        decided AS (SELECT *, CASE
                WHEN rule_to = 'head_office' OR (rule_to = 'branch_head' AND head_id IS NOT NULL) THEN 'routed'
                WHEN own_manager_id IS NOT NULL THEN 'manager' WHEN grid_manager_id IS NOT NULL THEN 'grid'
                WHEN pool_id IS NOT NULL THEN 'branch_pool' ELSE 'head_office' END AS owner_step FROM led),
        named AS (SELECT *, CASE WHEN owner_step = 'routed' AND rule_to = 'branch_head' THEN head_id
                WHEN owner_step = 'manager' THEN own_manager_id WHEN owner_step = 'grid' THEN grid_manager_id END AS manager_id,
            CASE WHEN owner_step = 'routed' AND rule_to = 'branch_head' THEN pool_id
                WHEN owner_step = 'manager' THEN own_branch_id
                WHEN owner_step = 'grid' THEN grid_branch_id WHEN owner_step = 'branch_pool' THEN pool_id
                ELSE (SELECT branch_id FROM head) END AS branch_id FROM decided)
    SELECT n.number, n.customer_id, n.root,
        coalesce(n.manager_id, CASE WHEN owner_step = 'branch_pool' THEN '{POOL}' || n.pool_id
            ELSE '{HEAD_OFFICE}' END) AS list_id, n.manager_id, n.branch_id, owner_step,
        CASE WHEN owner_step = 'routed' THEN rule END AS owner_rule, n.home_branch_id, n.area_id,
        CASE WHEN n.manager_id IS NOT NULL OR owner_step = 'branch_pool' THEN coalesce(o.area_id, n.branch_id)
            END AS owner_area_id, n.tier, n."group", n.own_kind, n.is_known
    FROM named n LEFT JOIN tree o ON o.branch_id = n.branch_id"""


def _holds(rule: RoutingRule) -> str:
    parts = []
    if rule.tiers:
        parts.append(f"tier IN ({literals(rule.tiers)})")
    if rule.adb_from is not None:
        parts.append(f"measure_adb >= {rule.adb_from!r}")
    if rule.loans_from is not None:
        parts.append(f"outstanding >= {rule.loans_from!r}")
    return " AND ".join(parts)
