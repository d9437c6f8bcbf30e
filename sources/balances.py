"""Balances from transactions: closing balances per account-day, the order within the day, and breaks."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sources.running import Chained, chain
from sources.sqltext import one


@dataclass(frozen=True)
class RunningCheck:
    """What the chains say about a bank's printed balances, by account-day."""

    account_days: int
    inexact: int            # days on which some step misses its printed balance at all
    breaks: int             # by more than the tolerance: in `balance_breaks`
    tolerance: int
    closed: int             # closed accounts with movements
    unclosed: int           # of them, whose last balance is not zero


def check_running(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...], tolerance: int) -> RunningCheck:
    """Make `day_orders` (transaction_id, day_order), `closings` and `balance_breaks` from `clean_transactions`.

    `closings`: account_id, on, known_on, balance; more than one row where a day's transactions were recorded or
    corrected later: each as it was known from `known_on`.
    """
    _rows_known(con, columns)
    last = _chained(con, "SELECT * FROM rows_known WHERE known_to IS NULL", '"on"')
    con.register("_last", last)
    con.execute("CREATE TABLE chained AS SELECT * FROM _last")
    con.unregister("_last")
    con.execute('CREATE TABLE closings AS SELECT account_id, "on", known_on, opening, closing AS balance, gap'
                " FROM chained WHERE is_first")
    _changed_days(con)
    con.execute('CREATE TABLE day_orders AS SELECT transaction_id, day_order FROM chained c'
                ' ANTI JOIN changed_days d ON d.account_id = c.account_id AND d."on" = c."on"')
    con.execute("DROP TABLE chained")
    con.execute(f'CREATE TABLE balance_breaks AS SELECT account_id, "on", opening, balance, gap FROM closings WHERE gap > {tolerance}')
    row = one(con, f"SELECT count(*), count(*) FILTER (gap > 0), count(*) FILTER (gap > {tolerance}) FROM closings")
    closed = one(
        con, 'SELECT count(*), count(*) FILTER (c.balance <> 0) FROM (SELECT account_id, arg_max(balance, "on") AS balance'
        " FROM closings GROUP BY 1) c JOIN life_accounts a ON a.id = c.account_id WHERE a.life_to IS NOT NULL")
    return RunningCheck(row[0], row[1], row[2], tolerance, closed[0], closed[1])


def derive_balances(con: duckdb.DuckDBPyConnection) -> None:
    """`derived_balances`: closings; before an account's first movement what it opened with; nothing left once closed.

    Before the bank's first transaction, and for accounts without any, the balance is unknown, and unknown is not zero.
    """
    con.execute(
        'CREATE TABLE derived_balances AS WITH start AS (SELECT min("on") AS day FROM closings),'
        ' firsts AS (SELECT account_id, min("on") AS first_on, arg_min(opening, "on") AS opening FROM closings GROUP BY 1)'
        ' SELECT account_id, "on", balance, known_on AS recorded_on, false AS deleted FROM closings c'
        ' ANTI JOIN changed_days d ON d.account_id = c.account_id AND d."on" = c."on"'
        ' UNION ALL SELECT account_id, "on", balance, known_on, gone FROM looked_closings'
        " UNION ALL SELECT f.account_id, greatest(a.life_from, start.day) AS day, f.opening, day, false"
        " FROM firsts f JOIN life_accounts a ON a.id = f.account_id, start WHERE greatest(a.life_from, start.day) < f.first_on"
        " UNION ALL SELECT a.id, a.life_to, 0, a.life_to, false FROM life_accounts a"
        ' JOIN (SELECT account_id, max("on") AS last_on, arg_max(balance, "on") AS balance FROM closings GROUP BY 1) c'
        " ON c.account_id = a.id WHERE c.balance <> 0 AND c.last_on < a.life_to")


def _rows_known(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...]) -> None:
    """`rows_known`: transactions with the days between which each version of them counted."""
    recorded = 'greatest("on", recorded_on)' if "recorded_on" in columns else '"on"'
    deleted = "coalesce(deleted, false)" if "deleted" in columns else "false"
    moment = '"at"' if "at" in columns else "NULL::TIMESTAMP"
    later = "lead(known_on) OVER (PARTITION BY transaction_id ORDER BY known_on)"
    until = later if "recorded_on" in columns else "NULL::DATE"
    con.execute(
        f'CREATE VIEW rows_known AS SELECT * EXCLUDE (gone) FROM (SELECT *, {until} AS known_to FROM (SELECT transaction_id,'
        f' account_id, "on", {moment} AS "at", amount, balance_after, {recorded} AS known_on, {deleted} AS gone'
        " FROM clean_transactions)) WHERE NOT gone")


def _chained(con: duckdb.DuckDBPyConnection, rows: str, *day: str) -> pa.Table:
    """Rows with their place in the day, and on the first row of a day its figures."""
    table = con.sql(f"SELECT * FROM ({rows}) ORDER BY account_id, {', '.join(day)}, \"at\", transaction_id").to_arrow_table()
    if not len(table):
        return table.select(["transaction_id", "account_id", "on", "known_on"]).append_column(
            "day_order", pa.array([], pa.int64())).append_column("is_first", pa.array([], pa.bool_())).append_column(
            "opening", pa.array([], pa.int64())).append_column("closing", pa.array([], pa.int64())).append_column(
            "gap", pa.array([], pa.int64()))
    account = table["account_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    days = table["on"].cast(pa.int32()).to_numpy().astype(np.int64)
    amount = table["amount"].to_numpy().astype(np.int64)
    known = pc.is_valid(table["balance_after"]).to_numpy(zero_copy_only=False)
    after = pc.fill_null(table["balance_after"], 0).to_numpy().astype(np.int64)
    return _attach(table, chain(account, days, amount, after, known))


def _attach(table: pa.Table, result: Chained) -> pa.Table:
    first = np.zeros(len(table), dtype=bool)
    first[result.first_row] = True
    of_day = np.cumsum(first) - 1
    out = table.select(["transaction_id", "account_id", "on", "known_on"])
    known_on = out["known_on"].cast(pa.int32()).to_numpy()
    latest = np.maximum.reduceat(known_on, result.first_row)
    out = out.set_column(3, "known_on", pa.array(latest[of_day]).cast(pa.date32()))
    for name, values in (("opening", result.opening), ("closing", result.closing), ("gap", result.gap)):
        out = out.append_column(name, pa.array(values[of_day]))
    return out.append_column("day_order", pa.array(result.order)).append_column("is_first", pa.array(first))


def _changed_days(con: duckdb.DuckDBPyConnection) -> None:
    """`changed_days` of late or corrected transactions, and `looked_closings`: how such a day stood at each date it changed.

    An order within such a day would tell earlier dates of later rows: it stays unknown.
    """
    con.execute('CREATE TABLE changed_days AS SELECT DISTINCT account_id, "on" FROM rows_known WHERE known_on > "on"'
                " OR known_to IS NOT NULL")
    con.execute(
        'CREATE TABLE looks AS SELECT *, look = max(look) OVER (PARTITION BY account_id, "on") AS is_last FROM ('
        ' SELECT DISTINCT account_id, "on", look FROM (SELECT r.account_id, r."on", unnest([r.known_on, r.known_to]) AS look'
        ' FROM rows_known r SEMI JOIN changed_days d ON d.account_id = r.account_id AND d."on" = r."on") WHERE look IS NOT NULL)')
    rows = _chained(con, "SELECT r.transaction_id, concat_ws(chr(31), l.account_id, l.\"on\", l.look) AS account_id, l.look AS \"on\","
                         ' r."at", r.amount, r.balance_after, r.known_on FROM looks l JOIN rows_known r'
                         ' ON r.account_id = l.account_id AND r."on" = l."on" AND r.known_on <= l.look'
                         " AND (r.known_to IS NULL OR r.known_to > l.look)", '"on"')
    con.register("_looked", rows)
    con.execute(
        'CREATE TABLE looked_closings AS SELECT l.account_id, l."on", coalesce(f.balance, c.closing, 0) AS balance,'
        " l.look AS known_on, f.balance IS NULL AND c.closing IS NULL AS gone FROM looks l"
        " LEFT JOIN (SELECT * FROM _looked WHERE is_first) c"
        " ON c.account_id = concat_ws(chr(31), l.account_id, l.\"on\", l.look)"
        ' LEFT JOIN closings f ON l.is_last AND f.account_id = l.account_id AND f."on" = l."on"')
    con.unregister("_looked")
