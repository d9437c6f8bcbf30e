"""What happened, or is about to: large withdrawals, deposits broken early, terms that mature. Facts, with their sentences."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from sources.canonical import Canonical, as_of_sql
from sources.sqltext import literals
from targeting import figures
from targeting.settings import BreakTrigger, MaturitySettings, WithdrawalTrigger

LARGE_WITHDRAWAL, EARLY_BREAK, MATURITY = "large_withdrawal", "early_break", "maturity_service"

_MOVED = ("bucket", "customer_id", "on", "amount", "category", "counterparty_bank", "initiated_by", "reverses_id")


def left_at_once(canonical: Canonical, settings: WithdrawalTrigger, as_of: dt.date) -> pa.Table:
    """One row per customer with movements on the last days: customer_id, out (minor units), on: the last day money went.

    Left is what went out less what came in on the same days: transfers between accounts here, purchases of our own
    products, repayments, what was reversed of a customer's entries and the spending of a loan just paid out are not leaving. A
    reversal of what is older than these days is none of them.
    """
    first = as_of - dt.timedelta(days=settings.days - 1)
    with canonical.connect() as con:
        con.execute(f"CREATE TEMP TABLE lately AS {_lately_sql(canonical, settings, as_of, first)}")
        _net_reversed(con, canonical, settings, as_of, first)
        return con.sql(f"""
        WITH net AS (SELECT customer_id, -sum(amount::DOUBLE) AS out, max(CASE WHEN amount < 0 THEN "on" END) AS "on"
            FROM lately WHERE reverses_id IS NULL AND category NOT IN ({literals([*settings.not_leaving, ""])})
            AND NOT (category = 'own_transfer' AND coalesce(counterparty_bank, '') = '')
            AND (amount > 0 OR initiated_by IS DISTINCT FROM 'bank')
            AND ("on" >= DATE '{first}' OR (category = 'loan_out' AND amount > 0)) AND "on" <= DATE '{as_of}' GROUP BY 1)
        FROM net WHERE out >= {settings.least_amount} * 100 AND "on" >= DATE '{first}'""").to_arrow_table()


def _lately_sql(
    canonical: Canonical,
    settings: WithdrawalTrigger,
    as_of: dt.date,
    first: dt.date,
    bucket: int | None = None,
    more: tuple[str, ...] = (),
) -> str:
    """SELECT of the transactions that bear on what left since `first`, with the columns asked of all of them, and `more`."""
    lent = min(first, as_of - dt.timedelta(days=settings.loan_proceeds_days - 1))
    rows = as_of_sql("transactions", canonical.relation_sql("transactions", bucket), as_of, [*_MOVED, *more])
    return f"""SELECT * FROM ({rows}) WHERE "on" >= DATE '{lent}'
        AND ("on" >= DATE '{first}' OR category = 'loan_out' OR reverses_id IS NOT NULL)"""


def _net_reversed(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, settings: WithdrawalTrigger, as_of: dt.date, first: dt.date
) -> None:
    """Nets entries of `lately` with what of them was reversed, for those few of whom so much went out that it may matter.

    What is left of an entry stays on its own day. Numbers of transactions are the widest column there is: they are read for
    these customers' buckets only.
    """
    con.execute(f"""CREATE TEMP TABLE doubtful AS SELECT customer_id, any_value(bucket) AS bucket FROM lately GROUP BY 1
        HAVING count(reverses_id) > 0 AND sum(CASE WHEN amount < 0 THEN -amount END) >= {settings.least_amount} * 100""")
    con.execute("""CREATE TEMP TABLE undone AS SELECT customer_id, reverses_id, sum(amount)::BIGINT AS back
        FROM lately SEMI JOIN doubtful USING (customer_id) WHERE reverses_id IS NOT NULL GROUP BY ALL""")
    con.execute("DELETE FROM lately WHERE customer_id IN (SELECT customer_id FROM doubtful)")
    for (bucket,) in con.execute("SELECT DISTINCT bucket FROM doubtful ORDER BY 1").fetchall():
        con.execute(f"""INSERT INTO lately
            SELECT t.* EXCLUDE (transaction_id) REPLACE (t.amount + coalesce(u.back, 0) AS amount)
            FROM ({_lately_sql(canonical, settings, as_of, first, bucket, ("transaction_id",))}) t
            LEFT JOIN undone u ON u.customer_id = t.customer_id AND u.reverses_id = t.transaction_id
            WHERE t.customer_id IN (SELECT customer_id FROM doubtful)""")


def large_withdrawals(con: duckdb.DuckDBPyConnection, settings: WithdrawalTrigger, left: pa.Table) -> pd.DataFrame:
    """One row per customer whose money left at once: customer_id, amount, average, share, on (currency units).

    `left` is of `left_at_once`; `averages` (90 days) is read from `con`.
    """
    con.register("_left", left)
    found = con.execute(
        """
        WITH kept AS (SELECT customer_id, sum(total) / any_value(days) AS adb FROM averages GROUP BY 1)
        SELECT customer_id, out / 100 AS amount, adb / 100 AS average, out / adb AS share, "on"
        FROM _left JOIN kept USING (customer_id) WHERE adb > 0 AND out >= ? * adb ORDER BY customer_id""",
        [settings.least_share],
    ).df()
    con.unregister("_left")
    return found


def early_breaks(con: duckdb.DuckDBPyConnection, settings: BreakTrigger, as_of: dt.date) -> pd.DataFrame:
    """One row per customer who broke a term and did not place it anew here: customer_id, amount, on, matures_on, is_part.

    The largest of several breaks.
    """
    first = as_of - dt.timedelta(days=settings.days - 1)
    return con.execute(
        f"""
        SELECT customer_id, amount / 100 AS amount, ended_on AS "on", matures_on, end_reason = 'early_part' AS is_part
        FROM terms WHERE end_reason IN ('early', 'early_part') AND ended_on BETWEEN DATE '{first}' AND DATE '{as_of}'
            AND renewed_into IS NULL AND amount >= ? * 100
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY amount DESC, ended_on DESC, account_id, started_on) = 1
        ORDER BY customer_id""",
        [settings.least_amount],
    ).df()


def maturities(con: duckdb.DuckDBPyConnection, settings: MaturitySettings, as_of: dt.date) -> pd.DataFrame:
    """One row per customer with terms ending soon that do not roll over: customer_id, amount, count, on, is_unrolled.

    `on` is the first of the days; `is_unrolled` where every such term says that it does not roll, false where one is silent.
    """
    last = as_of + dt.timedelta(days=settings.days)
    return con.execute(
        f"""
        SELECT t.customer_id, sum(t.amount)::DOUBLE / 100 AS amount, count(*) AS count, min(t.matures_on) AS "on",
            coalesce(bool_and(t.rollover IS NOT NULL), false) AS is_unrolled
        FROM terms t JOIN accounts a USING (account_id)
        WHERE a.closed_on IS NULL AND t.ended_on IS NULL AND t.matures_on > DATE '{as_of}' AND t.matures_on <= DATE '{last}'
            AND coalesce(t.rollover, 'none') = 'none'
        GROUP BY t.customer_id HAVING sum(t.amount) >= ? * 100 ORDER BY t.customer_id""",
        [settings.least_amount],
    ).df()


def sentences(events: pd.DataFrame, offer: str, as_of: dt.date, currency: str) -> pd.DataFrame:
    """One row per event: customer_id, offer, zh, en: the fact as a manager reads it."""
    speak = {LARGE_WITHDRAWAL: _withdrawal, EARLY_BREAK: _break, MATURITY: _maturity}[offer]
    said = [speak(row, as_of, currency) for row in events.to_dict("records")]
    return pd.DataFrame(
        {"customer_id": events["customer_id"], "offer": offer, "zh": [zh for zh, _ in said], "en": [en for _, en in said]},
        dtype="str",
    )


def _withdrawal(row: Any, as_of: dt.date, currency: str) -> tuple[str, str]:
    (zh_amount, en_amount), (zh_average, en_average) = _money(row["amount"], currency), _money(row["average"], currency)
    (zh_on, en_on), share = _date(row["on"], as_of), row["share"]
    if 0.95 <= share < 1.05:
        return (
            f"{zh_on}净转出{zh_amount}，与近90天日均余额{zh_average}相当。",
            f"{en_amount} left on {en_on}, about as much as the 90-day average balance of {en_average}.",
        )
    zh_share, en_share = (f"的{share:.0%}", f"{share:.0%} of") if share < 1 else (f"的{share:.1f}倍", f"{share:.1f} times")
    return (
        f"{zh_on}净转出{zh_amount}，为近90天日均余额{zh_average}{zh_share}。",
        f"{en_amount} left on {en_on}, {en_share} the 90-day average balance of {en_average}.",
    )


def _break(row: Any, as_of: dt.date, currency: str) -> tuple[str, str]:
    day, due = pd.Timestamp(row["on"]), pd.Timestamp(row["matures_on"])
    (zh_money, en_money), (zh_on, en_on) = _money(row["amount"], currency), _date(row["on"], as_of)
    months = (due.year - day.year) * 12 + due.month - day.month - (due.day < day.day)
    zh_left = f"还有{months}个月" if months > 0 else f"还有{(due - day).days}天"
    en_left = f"{months} months" if months > 1 else "a month" if months == 1 else f"{(due - day).days} days"
    zh_what, en_what = ("部分提前支取一笔", "was broken in part") if row["is_part"] else ("提前支取一笔", "was broken")
    return (
        f"{zh_on}{zh_what}{zh_money}定期存款，距到期{zh_left}。",
        f"On {en_on} a term deposit of {en_money} {en_what} {en_left} before maturity.",
    )


def _maturity(row: Any, as_of: dt.date, currency: str) -> tuple[str, str]:
    (zh_money, en_money), (zh_on, en_on), count = _money(row["amount"], currency), _date(row["on"], as_of), int(row["count"])
    zh_roll, en_roll = ("未约定转存", " without rollover") if row["is_unrolled"] else ("", "")
    if count == 1:
        zh_only = f"，{zh_roll}" if zh_roll else ""
        return f"{zh_on}一笔{zh_money}定期存款到期{zh_only}。", f"A term deposit of {en_money} matures on {en_on}{en_roll}."
    zh_all = f"，均{zh_roll}" if zh_roll else ""
    return (
        f"近期{count}笔定期存款到期，共{zh_money}，最早{zh_on}{zh_all}。",
        f"{count} term deposits, {en_money} in all, mature soon, the first on {en_on}{en_roll}.",
    )


def _money(amount: float, currency: str) -> tuple[str, str]:
    said = float(figures.money_said(np.array([amount]))[0])
    return figures.money(said, "zh", currency), figures.money(said, "en", currency)


def _date(on: Any, as_of: dt.date) -> tuple[str, str]:
    day = pd.Timestamp(on).date()
    return figures.date(day, "zh", as_of), figures.date(day, "en", as_of)
