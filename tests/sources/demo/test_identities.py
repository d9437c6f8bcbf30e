"""The demo bank's books close: on every account, every day, to the fen."""

from __future__ import annotations

import duckdb


def count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.execute(query).fetchall()[0][0])


def test_every_closing_balance_is_the_opening_and_all_movements_since(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        CREATE TEMP TABLE days AS
        WITH opening AS (SELECT ZH, YE FROM balances WHERE RQ < DATE '2024-07-01'),
        day AS (SELECT ZH, JYRQ, sum(signed) AS moved FROM moves GROUP BY ALL)
        SELECT day.ZH, JYRQ, coalesce(opening.YE, 0) + sum(moved) OVER (PARTITION BY day.ZH ORDER BY JYRQ) AS should
        FROM day LEFT JOIN opening USING (ZH)""")
    assert count(con, "SELECT count(*) FROM days") > 100_000
    assert count(con, "SELECT count(*) FROM balances WHERE RQ >= DATE '2024-07-01'") == count(con, "SELECT count(*) FROM days")
    assert (
        count(
            con,
            "SELECT count(*) FROM days LEFT JOIN balances ON balances.ZH = days.ZH AND RQ = JYRQ"
            " WHERE YE IS DISTINCT FROM should",
        )
        == 0
    )


def test_printed_balances_follow_from_movement_to_movement_and_never_fall_below_zero(con: duckdb.DuckDBPyConnection) -> None:
    assert (
        count(
            con,
            "SELECT count(*) FROM (SELECT ZHYE - signed AS before, lag(ZHYE) OVER (PARTITION BY ZH ORDER BY LSH) AS last"
            " FROM moves) WHERE last IS NOT NULL AND last <> before",
        )
        == 0
    )
    assert count(con, "SELECT count(*) FROM moves WHERE ZHYE < 0") == 0


def test_a_term_account_holds_the_amount_of_its_term_on_every_day_it_runs(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        CREATE TEMP TABLE held AS
        SELECT ZH, RQ AS since, coalesce(lead(RQ) OVER (PARTITION BY ZH ORDER BY RQ), DATE '2099-01-01') AS until, YE
        FROM balances""")
    terms = """(SELECT ZH, CAST(JE AS DECIMAL(18, 2)) AS amount, strptime(QXRQ, '%Y%m%d')::DATE AS started,
                CASE WHEN JSRQ = '99991231' THEN DATE '2098-01-01' ELSE strptime(JSRQ, '%Y%m%d')::DATE END AS ended
                FROM DEP_DQXX)"""
    assert count(con, f"SELECT count(*) FROM {terms}") > 3_000
    assert (
        count(
            con,
            f"""
        SELECT count(*) FROM {terms} t LEFT JOIN held h ON h.ZH = t.ZH AND h.since <= greatest(t.started, DATE '2024-06-30')
          AND h.until > greatest(t.started, DATE '2024-06-30')
        WHERE t.ended > greatest(t.started, DATE '2024-06-30') AND h.YE IS DISTINCT FROM t.amount""",
        )
        == 0
    )


def test_what_is_outstanding_is_what_was_lent_less_what_was_repaid(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        CREATE TEMP TABLE owed AS
        WITH first AS (SELECT DKH, arg_min(BJYE, RQ) AS begun, min(RQ) AS since FROM states GROUP BY 1),
        last AS (SELECT DKH, arg_max(BJYE, RQ) AS ends FROM states GROUP BY 1),
        paid AS (SELECT DFZH AS DKH, sum(JYJE) AS paid FROM moves WHERE ZYDM = 'HKBJ' GROUP BY 1)
        SELECT first.DKH, begun - coalesce(paid, 0) AS should, ends, FFJE, since, FFRQ, begun
        FROM first JOIN last USING (DKH) LEFT JOIN paid USING (DKH) JOIN CRD_DKXX USING (DKH)""")
    assert count(con, "SELECT count(*) FROM owed") > 100
    assert count(con, "SELECT count(*) FROM owed WHERE should <> ends") == 0
    assert (
        count(con, "SELECT count(*) FROM owed WHERE since >= DATE '2024-07-01' AND begun > CAST(FFJE AS DECIMAL(18, 2))") == 0
    )
    assert count(con, "SELECT count(*) FROM states WHERE BJYE < 0") == 0


def test_every_loan_granted_in_the_span_was_paid_out_in_full(con: duckdb.DuckDBPyConnection) -> None:
    assert (
        count(
            con,
            """
        SELECT count(*) FROM CRD_DKXX LEFT JOIN (SELECT DFZH, sum(JYJE) AS out FROM moves WHERE ZYDM = 'FK' GROUP BY
        1) ON DFZH = DKH
        WHERE FFRQ >= '20240701' AND out IS DISTINCT FROM CAST(FFJE AS DECIMAL(18, 2))""",
        )
        == 0
    )


def test_money_moved_between_own_accounts_here_leaves_one_and_reaches_the_other(con: duckdb.DuckDBPyConnection) -> None:
    assert count(con, "SELECT count(*) FROM moves WHERE ZYDM IN ('DQZR', 'DQZC')") > 0
    assert count(con, "SELECT abs(sum(signed)) FROM moves WHERE ZYDM IN ('DQZR', 'DQZC', 'LCSG', 'BFKK', 'GZGM', 'XDZ')") == 0
    assert count(con, "SELECT abs(sum(signed)) FROM moves WHERE ZYDM IN ('DQZD', 'DQDR')") == 0


def test_a_reversal_gives_back_what_it_reverses_on_the_same_account(con: duckdb.DuckDBPyConnection) -> None:
    assert count(con, "SELECT count(*) FROM moves WHERE YLSH IS NOT NULL") > 20
    assert (
        count(
            con,
            "SELECT count(*) FROM moves b LEFT JOIN moves a ON a.LSH = b.YLSH WHERE b.YLSH IS NOT NULL"
            " AND (a.LSH IS NULL OR a.ZH <> b.ZH OR a.signed <> -b.signed)",
        )
        == 0
    )
