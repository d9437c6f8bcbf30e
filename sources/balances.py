"""Balances from transactions: the order within account and day, closing balances, and where the figures break."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sources.running import Before, Bools, Chained, Ints, chain
from sources.telling import told_columns, told_sql, turn_sql

_AT_ONCE = 2_000_000  # movements chained in one go: their figures lie in memory
_BATCH = 200_000  # movements handed on at once


@dataclass(frozen=True)
class RunningCheck:
    """What the chains say about a bank's printed balances, by account-day."""

    account_days: int
    inexact: int  # days on which some step misses its printed balance at all
    breaks: int  # by more than the tolerance: in `balance_breaks`
    tolerance: int
    closed: int  # closed accounts with movements
    unclosed: int  # of them, whose last balance is not zero


def check_running(
    con: duckdb.DuckDBPyConnection,
    columns: tuple[str, ...],
    has_versions: bool,
    tolerance: int,
    carried: str | None = None,
) -> None:
    """Make `day_orders` (_row, day_order), `closings`, `balance_breaks` and `running_now` from `numbered_transactions`.

    `closings`: number (of the account in `chained_accounts`), on, opening, balance, gap: one row per account-day, of the
    transactions as they stand now. Days of one transaction have no row in `day_orders`. Where a late or corrected one
    changed a day, each keeps the place it had when it became known, so that no earlier date learns of later rows.
    `running_before` holds where accounts stood whose days before are not here: they go on from there.
    `running_now`: one row per account with movements, enough to go on from. `carried`: a relation of transactions told once
    that stand beside the numbered ones.
    """
    _rows_known(con, columns, has_versions, carried)
    _changed_days(con)
    con.execute("CREATE TABLE day_orders (_row BIGINT, day_order BIGINT)")
    con.execute('CREATE TABLE closings (number BIGINT, "on" DATE, opening BIGINT, balance BIGINT, gap BIGINT)')
    con.execute("CREATE TABLE last_rows (number BIGINT, after BIGINT, known BOOLEAN)")
    for movements in _by_account(con):
        _chain_accounts(con, movements)
    _looked_closings(con)
    con.execute(
        'CREATE TABLE balance_breaks AS SELECT a.id AS account_id, "on", opening, balance, gap'
        f" FROM closings c JOIN chained_accounts a USING (number) WHERE gap > {tolerance}"
    )
    con.execute(
        "CREATE TABLE running_now AS SELECT a.id AS account_id, coalesce(b.first_on, c.first_on) AS first_on,"
        " CASE WHEN b.first_on IS NULL THEN c.opening ELSE b.opening END AS opening, c.last_on, c.closing, l.after, l.known,"
        " c.days + coalesce(b.days, 0) AS days, c.inexact + coalesce(b.inexact, 0) AS inexact,"
        " c.broken + coalesce(b.broken, 0) AS broken, a.life_to IS NOT NULL AS is_closed,"
        " a.life_to IS NOT NULL AND c.closing <> 0 AS is_unclosed"
        ' FROM (SELECT number, min("on") AS first_on, arg_min(opening, "on") AS opening, max("on") AS last_on,'
        ' arg_max(balance, "on") AS closing, count(*) AS days, count(*) FILTER (gap > 0) AS inexact,'
        f" count(*) FILTER (gap > {tolerance}) AS broken FROM closings GROUP BY 1) c"
        " JOIN chained_accounts a USING (number) JOIN last_rows l USING (number)"
        " LEFT JOIN running_before b ON b.account_id = a.id"
    )


def _by_account(con: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
    """The movements as they stand in order of account, day and moment, many at a time and no account's cut in two.

    Sorted once, on a connection of its own: the other one writes what was found of those that came before.
    """
    with closing(con.cursor()) as reading:
        rows = reading.sql(
            'SELECT r._row, a.number, r."on", r.amount, r.balance_after, c.number IS NOT NULL AS changed,'
            " b.closing, b.after, b.known FROM rows_known r JOIN chained_accounts a ON a.id = r.account_id"
            ' LEFT JOIN changed_days c ON c.number = a.number AND c."on" = r."on"'
            " LEFT JOIN running_before b ON b.account_id = r.account_id"
            " WHERE r.known_to IS NULL"
            ' ORDER BY a.number, r."on", r."at", r.transaction_id'
        ).to_arrow_reader(_BATCH)
        waiting: list[pa.RecordBatch] = []
        for batch in rows:
            waiting.append(batch)
            if sum(part.num_rows for part in waiting) < _AT_ONCE:
                continue
            here = pa.Table.from_batches(waiting)
            account = here["number"].to_numpy()
            if whole := int(np.searchsorted(account, account[-1])):  # rows of accounts that are not the last, which may go on
                yield here.slice(0, whole)
                waiting = here.slice(whole).to_batches()
        if waiting:
            yield pa.Table.from_batches(waiting)


def _chain_accounts(con: duckdb.DuckDBPyConnection, read: pa.Table) -> None:
    """Chain the movements of some accounts."""
    before = Before(
        pc.is_valid(read["closing"]).to_numpy(zero_copy_only=False),
        _whole(read["closing"]),
        _whole(read["after"]),
        pc.fill_null(read["known"], False).to_numpy(zero_copy_only=False),
    )
    result, account, days = _chained(read, before)
    size = np.diff(np.append(result.first_row, len(result.order)))
    wanted = np.repeat(size > 1, size) & ~read["changed"].to_numpy(zero_copy_only=False)
    _keep(con, "day_orders", {"_row": read["_row"].to_numpy()[wanted], "day_order": result.order[wanted]})
    _keep(
        con,
        "closings",
        {
            "number": account[result.first_row],
            "on": _dates(days[result.first_row]),
            "opening": result.opening,
            "balance": result.closing,
            "gap": result.gap,
        },
    )
    ends = np.flatnonzero(np.append(account[1:] != account[:-1], True))
    known = pc.is_valid(read["balance_after"]).to_numpy(zero_copy_only=False)
    last = {"number": account[ends], "after": _whole(read["balance_after"])[ends], "known": known[ends]}
    _keep(con, "last_rows", last)


def _whole(column: pa.ChunkedArray) -> Ints:
    found: Ints = pc.fill_null(column, 0).to_numpy().astype(np.int64)
    return found


def derive_balances(con: duckdb.DuckDBPyConnection, start: dt.date | None) -> None:
    """`derived_balances` of the accounts at hand: closings; before the first movement what an account opened with,
    known once that movement is; nothing left once it is told to be closed, until it is told to be open.

    `start`: the first day of which any balance of the bank tells.

    Days changed by late or corrected transactions have a version for each date on which they did, no other. Before the bank's
    first transaction, and for accounts without any, the balance is unknown, and unknown is not zero.
    """
    day = f"DATE '{start.isoformat()}'" if start else "NULL::DATE"
    con.execute(
        f"CREATE TABLE derived_balances AS WITH start AS (SELECT {day} AS day),"
        ' ends AS (SELECT number, min("on") AS first_on, arg_min(opening, "on") AS opening, max("on") AS last_on,'
        ' arg_max(balance, "on") AS balance FROM closings GROUP BY 1),'
        " ended AS (SELECT e.number, e.closed_on, greatest(e.closed_on, e.since) AS told, e.until FROM account_ends e"
        " JOIN chained_accounts a USING (number) ANTI JOIN running_before b ON b.account_id = a.id"
        ' JOIN closings c ON c.number = e.number AND c."on" <= e.closed_on'
        " WHERE e.until IS NULL OR e.until > greatest(e.closed_on, e.since) GROUP BY ALL"
        ' HAVING arg_max(c.balance, c."on") <> 0 AND max(c."on") < e.closed_on),'
        ' rows AS (SELECT number, "on", balance, "on" AS recorded_on, false AS deleted FROM closings'
        ' ANTI JOIN changed_days USING (number, "on")'
        ' UNION ALL SELECT number, "on", balance, look, gone FROM looked_closings'
        " UNION ALL SELECT o.* FROM (SELECT number, greatest(a.life_from, start.day) AS day, opening,"
        " coalesce(f.told, first_on) AS told, false"
        " FROM ends JOIN chained_accounts a USING (number) ANTI JOIN running_before b ON b.account_id = a.id"
        ' LEFT JOIN (SELECT number, "on" AS first_on, min(look) AS told FROM looked_closings WHERE NOT gone GROUP BY ALL) f'
        " USING (number, first_on), start WHERE greatest(a.life_from, start.day) < first_on"
        " UNION ALL SELECT number, closed_on, 0, told, false FROM ended"
        " UNION ALL SELECT number, closed_on, 0, until, true FROM ended WHERE until IS NOT NULL)"
        ' o ANTI JOIN changed_days c ON c.number = o.number AND c."on" = o.day)'
        ' SELECT a.id AS account_id, "on", balance, recorded_on, deleted FROM rows JOIN chained_accounts a USING (number)'
    )


def _rows_known(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...], has_versions: bool, carried: str | None) -> None:
    """`rows_known`: transactions with the days between which each version of them counted."""
    told = told_columns(columns)
    recorded = ", ".join(['"on"', *told])
    deleted = "coalesce(deleted, false)" if "deleted" in columns else "false"
    moment = '"at"' if "at" in columns else "NULL::TIMESTAMP"
    rows = (
        f'SELECT _row, transaction_id, account_id, "on", {moment} AS "at", amount, balance_after,'
        f" greatest({recorded}) AS known_on, {deleted} AS gone{''.join(f', {c}' for c in told)} FROM numbered_transactions n"
    )
    if told and has_versions:
        until = f"lead({told_sql(told)}) OVER (PARTITION BY transaction_id ORDER BY {turn_sql(told)})"  # of the next version
        several = "JOIN several_transactions s ON s.transaction_id IS NOT DISTINCT FROM n.transaction_id"
        single = f"SELECT *, NULL::DATE AS known_to FROM ({rows} ANTI {several})"
        rows = f"{single} UNION ALL SELECT *, {until} FROM ({rows} SEMI {several})"
    else:
        rows = f"SELECT *, NULL::DATE AS known_to FROM ({rows})"
    hidden = ", ".join(["gone", *told])
    rows = f"SELECT * EXCLUDE ({hidden}) FROM ({rows}) WHERE NOT gone AND (known_to IS NULL OR known_to > known_on)"
    if carried:
        rows += (
            f' UNION ALL BY NAME SELECT _row, transaction_id, account_id, "on", {moment} AS "at", amount, balance_after,'
            f" known_from AS known_on, known_to FROM {carried} SEMI JOIN followed USING (account_id)"
        )
    con.execute(f"CREATE VIEW rows_known AS {rows}")


def _changed_days(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        'CREATE TABLE changed_days AS SELECT DISTINCT a.number, r."on" FROM rows_known r'
        ' JOIN chained_accounts a ON a.id = r.account_id WHERE r.known_on > r."on" OR r.known_to IS NOT NULL'
    )


def _looked_closings(con: duckdb.DuckDBPyConnection) -> None:
    """`looked_closings`: how each changed day stood at each date on which it changed; and its rows' places."""
    con.execute(
        "CREATE TABLE touched AS SELECT a.number, r.* FROM rows_known r JOIN chained_accounts a ON a.id = r.account_id"
        ' SEMI JOIN changed_days d ON d.number = a.number AND d."on" = r."on"'
    )
    con.execute(
        'CREATE TABLE looks AS SELECT *, look = max(look) OVER (PARTITION BY number, "on") AS is_last,'
        ' row_number() OVER (ORDER BY number, "on", look) AS place FROM (SELECT DISTINCT number, "on", look FROM'
        ' (SELECT number, "on", unnest([known_on, known_to]) AS look FROM touched) WHERE look IS NOT NULL)'
    )
    read = con.sql(  # each look is a little account of its own: what it opened with is told by its own chain
        'SELECT r._row, l.place AS number, r."on", r.amount, r.balance_after, r.known_on = l.look AS new'
        ' FROM looks l JOIN touched r ON r.number = l.number AND r."on" = l."on"'
        " AND r.known_on <= l.look AND (r.known_to IS NULL OR r.known_to > l.look)"
        ' ORDER BY l.place, r."at", r.transaction_id'
    ).to_arrow_table()
    result, place, _ = _chained(read)
    new = read["new"].to_numpy()
    _keep(con, "day_orders", {"_row": read["_row"].to_numpy()[new], "day_order": result.order[new]})
    con.execute("CREATE TABLE look_closings (place BIGINT, balance BIGINT)")
    _keep(con, "look_closings", {"place": place[result.first_row], "balance": result.closing})
    con.execute(
        'CREATE TABLE looked_closings AS SELECT l.number, l."on", coalesce(f.balance, c.balance, 0) AS balance, l.look,'
        " f.balance IS NULL AND c.balance IS NULL AS gone FROM looks l LEFT JOIN look_closings c USING (place)"
        ' LEFT JOIN closings f ON l.is_last AND f.number = l.number AND f."on" = l."on"'
    )


def _chained(read: pa.Table, before: Before | None = None) -> tuple[Chained, Ints, Ints]:
    """Rows in account, day and any total order: their chains, account numbers and days."""
    account = read["number"].to_numpy().astype(np.int64)
    days = read["on"].cast(pa.int32()).to_numpy().astype(np.int64)
    known = pc.is_valid(read["balance_after"]).to_numpy(zero_copy_only=False)
    after = _whole(read["balance_after"])
    return chain(account, days, read["amount"].to_numpy().astype(np.int64), after, known, before), account, days


def _dates(days: Ints) -> pa.Array:
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def _keep(con: duckdb.DuckDBPyConnection, name: str, columns: dict[str, Ints | Bools | pa.Array]) -> None:
    con.register("_kept", pa.table(columns))
    con.execute(f"INSERT INTO {name} SELECT * FROM _kept")
    con.unregister("_kept")
