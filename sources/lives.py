"""From when to when accounts and loans live, as a statement over what was told of them."""

from __future__ import annotations

from collections.abc import Iterable

from sources.telling import told_columns, told_sql, turn_sql


def life_sql(name: str, columns: Iterable[str], relation: str) -> str:
    """Accounts or loans, of their usable rows: first and last day of each and a number, for the events that belong to it.

    Of several versions the last one told says when it closed: an account that was reopened is open.
    """
    begin, key = {"accounts": ("opened_on", "account_id"), "loans": ("granted_on", "loan_id")}[name]
    columns = tuple(columns)
    told = told_columns(columns)
    end = "NULL::DATE"
    if "closed_on" in columns:
        end = f"arg_max_null(closed_on, {turn_sql(told)})" if told else "max(closed_on)"
    return (
        f"SELECT *, row_number() OVER (ORDER BY id) AS number FROM (SELECT {key} AS id,"
        f" min({begin}) AS life_from, {end} AS life_to FROM {relation} GROUP BY 1)"
    )


def ends_sql(columns: Iterable[str], relation: str) -> str:
    """What versions of accounts, of their usable rows, said of their end: id, closed_on, since, until (exclusive).

    One row for each spell in which it was said alike; told since ever, `since` is null.
    """
    columns = tuple(columns)
    told = told_columns(columns)
    end = "closed_on" if "closed_on" in columns else "NULL::DATE"
    gone = "coalesce(deleted, false)" if "deleted" in columns else "false"
    said = (
        f"SELECT account_id AS id, CASE WHEN NOT {gone} THEN {end} END AS closed_on, {told_sql(told)} AS since,"
        f" {turn_sql(told)} AS turn FROM {relation}"
    )
    stood = f"SELECT *, lead(since) OVER w AS until FROM ({said}) WINDOW w AS (PARTITION BY id ORDER BY turn)"
    changed = (
        f"SELECT * EXCLUDE (until) FROM ({stood}) WHERE until IS NULL OR since IS NULL OR since < until"
        " WINDOW w AS (PARTITION BY id ORDER BY turn)"
        " QUALIFY row_number() OVER w = 1 OR closed_on IS DISTINCT FROM lag(closed_on) OVER w"
    )
    return (
        f"SELECT * EXCLUDE (turn) FROM (SELECT *, lead(since) OVER (PARTITION BY id ORDER BY turn) AS until FROM ({changed}))"
        " WHERE closed_on IS NOT NULL"
    )
