"""The county's figures: what the banking notes want of the demo bank, and what a made bank has.

`python tests/sources/demo/figures.py FOLDER` prints found and wanted of a bank made by `terrace demo-bank --out FOLDER`.
"""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

HERE = Path(__file__).parent
LOANS = 10_667 / 388_494


@dataclass(frozen=True)
class Figure:
    """One figure: wanted, and how far a bank of 6,000 customers may be from it."""

    name: str
    wanted: float
    tolerance: float
    why: str  # the tolerance rests on this


BANDS = ("under 100", "100 to 1,000", "1,000 to 10,000", "10,000 to 50,000", "50,000 to 200,000", "200,000 to 500,000", "above")
EDGES = (0, 100, 1_000, 10_000, 50_000, 200_000, 500_000, np.inf)
TIERS = ("under 10,000", "10,000 to 50,000", "50,000 to 200,000", "200,000 to 500,000", "above")
TIER_EDGES = (0, 10_000, 50_000, 200_000, 500_000, np.inf)
SHARE = "sampling of 6,000 people, three standard errors, and two years in which people move between bands"
FEW = "about 165 loans at a time, whose states last for months"
MOST = 1_000_000  # of one person: a year's growth else hangs on a handful of large deposits
YEAR = "0.31 to 0.80 in six seeds at 6,000, 0.60 on average; without a campaign it would be a quarter"

FIGURES = (
    *(
        Figure(f"deposits {band}", share, tolerance, SHARE)
        for band, share, tolerance in zip(
            BANDS, (0.48, 0.17, 0.14, 0.115, 0.072, 0.0175, 0.0055), (0.03, 0.03, 0.05, 0.02, 0.015, 0.006, 0.004), strict=True
        )
    ),
    Figure("mean deposits", 20_900, 2_500, "the few with half a million and more"),
    *(
        Figure(f"assets {band}", share, tolerance, SHARE)
        for band, share, tolerance in zip(
            TIERS, (0.79, 0.115, 0.072, 0.0175, 0.0055), (0.03, 0.02, 0.015, 0.006, 0.004), strict=True
        )
    ),
    Figure("time deposits of money", 0.75, 0.05, "moves by two points from year to year"),
    Figure("time deposits of customers", 0.25, 0.035, "grows from 0.20 to 0.25 over the span"),
    Figure("campaign of the year's growth", 0.60, 0.30, YEAR),
    Figure("quarter-end bulge", 0.02, 0.007, "28 people park money; mean of eight quarter ends"),
    Figure("bulge gone after three days", 1.0, 0.4, "of what came; other money moves too"),
    Figure("loans overdue over 30 days", 0.032, 0.013, FEW),
    Figure("loans special mention", 0.035, 0.016, FEW),
    Figure("loans non-performing", 0.021, 0.010, FEW),
    Figure("personal loans by customers", LOANS, 0.004, "Poisson of 165 and a tenth more by the last month"),
    Figure("transactions a month", 7.9, 0.8, "the few who pay twenty times a day"),
    Figure("median of transactions a month", 1.0, 0.6, "known short: half of all have no movement of their own for months"),
    Figure("transactions of the top tenth", 0.65, 0.03, SHARE),
    Figure("payments by phone of rows", 0.60, 0.03, SHARE),
    Figure("median payment by phone", 18, 1, "prices are whole yuan for the most part"),
    Figure("quiet for 90 days", 0.55, 0.03, "harvest and holidays move it by three points"),
    Figure("managed", 0.07, 0.012, SHARE),
    Figure("in a grid", 0.596, 0.02, SHARE),
    Figure("household known", 0.04, 0.008, SHARE),
    Figure("mobile banking", 0.061, 0.012, SHARE),
    Figure("mobile banking in use", 0.50, 0.10, "about 370 people"),
    Figure("terms to be rolled over", 0.65, 0.04, SHARE),
    Figure("stay at maturity", 0.78, 0.03, SHARE),
    Figure("broken early a year", 0.04, 0.012, "those who leave or spend break several at once"),
)


def measure(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Every figure by name, from the raw files as `conftest.read` shows them. Money in yuan."""
    _spells(con)
    return _money(con) | _growth(con) | _loans(con) | _movements(con) | _cover(con) | _terms(con)


def one(con: duckdb.DuckDBPyConnection, query: str) -> float:
    """The single number of a query."""
    return float(con.execute(query).fetchall()[0][0])


def _spells(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        CREATE OR REPLACE TEMP TABLE spells AS
        SELECT KHH, CYLX, CPDM, RQ AS since, YE::DOUBLE AS held,
          coalesce(lead(RQ) OVER (PARTITION BY ZH ORDER BY RQ), DATE '2027-01-01') AS until
        FROM balances JOIN DEP_ZHXX USING (ZH) JOIN people ON customer_id = KHH""")


def _averages(con: duckdb.DuckDBPyConnection, what: str) -> np.ndarray:
    """Average daily holdings of everybody who had an account throughout July to September 2025."""
    rows = con.execute(f"""
        SELECT coalesce(sum(s.held * (least(until, DATE '2025-10-01') - greatest(since, DATE '2025-07-01'))) / 92, 0) AS held
        FROM DEP_ZHXX a JOIN people ON customer_id = a.KHH
        LEFT JOIN spells s ON s.KHH = a.KHH AND until > DATE '2025-07-01' AND since < DATE '2025-10-01' AND {what}
        WHERE a.CPDM = 'CUR' AND KHRQ <= '20250701' AND XHRQ > '20250930' GROUP BY a.KHH""").df()
    return rows["held"].to_numpy(dtype=float)


def _money(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    deposits, assets = _averages(con, "s.CYLX = '1'"), _averages(con, "true")
    found = {f"deposits {band}": n / len(deposits) for band, n in zip(BANDS, np.histogram(deposits, EDGES)[0], strict=True)}
    found |= {f"assets {band}": n / len(assets) for band, n in zip(TIERS, np.histogram(assets, TIER_EDGES)[0], strict=True)}
    day = "CYLX = '1' AND since <= DATE '2025-09-15' AND until > DATE '2025-09-15'"
    money, term, savers = con.execute(
        f"SELECT sum(held), sum(held) FILTER (CPDM <> 'CUR'), count(DISTINCT KHH) FILTER (CPDM <> 'CUR' AND held > 0)"
        f" FROM spells WHERE {day}"
    ).fetchall()[0]
    return found | {
        "mean deposits": float(deposits.mean()),
        "time deposits of money": term / money,
        "time deposits of customers": savers / len(deposits),
    }


def held(con: duckdb.DuckDBPyConnection, day: dt.date, most: float = np.inf) -> float:
    """Personal deposits at the close of a day, yuan, of each person no more than `most`; after `measure`."""
    each = (
        f"SELECT sum(held) AS held FROM spells WHERE CYLX = '1' AND since <= DATE '{day}' AND until > DATE '{day}' GROUP BY KHH"
    )
    return one(con, f"SELECT sum(least(held, '{most}'::DOUBLE)) FROM ({each})")


def _growth(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    before, campaign, after = (held(con, dt.date(y, m, 31), MOST) for y, m in ((2024, 12), (2025, 3), (2025, 12)))
    ends = [dt.date(y, m, d) for y in (2024, 2025, 2026) for m, d in ((3, 31), (6, 30), (9, 30), (12, 31))][2:10]
    rise = np.array([held(con, end) / held(con, end - dt.timedelta(days=4)) - 1 for end in ends])
    fall = np.array([1 - held(con, end + dt.timedelta(days=3)) / held(con, end) for end in ends])
    return {
        "campaign of the year's growth": (campaign - before) / (after - before),
        "quarter-end bulge": float(rise.mean()),
        "bulge gone after three days": float(fall.mean() / rise.mean()),
    }


def _loans(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Means of the month ends from September 2024."""
    late, watched, bad, number = con.execute("""
        WITH ends AS (SELECT last_day(DATE '2024-09-01' + to_months(i::INT))::DATE AS day FROM range(25) r(i)),
        states AS (SELECT day, DKH, arg_max(BJYE, RQ) AS owed, arg_max(YQTS, RQ) AS late, arg_max(WJFL, RQ) AS grade
                   FROM states JOIN ends ON RQ <= day GROUP BY day, DKH),
        month AS (SELECT day, avg((late > 30)::INT) AS late, avg((grade = '2')::INT) AS watched,
                  avg((grade >= '3')::INT) AS bad, count(*) AS number
                  FROM states JOIN CRD_DKXX USING (DKH) WHERE owed > 0 AND CPDM <> 'DWD' GROUP BY day)
        SELECT avg(late), avg(watched), avg(bad), avg(number) FROM month""").fetchall()[0]
    return {
        "loans overdue over 30 days": late,
        "loans special mention": watched,
        "loans non-performing": bad,
        "personal loans by customers": number / one(con, "SELECT count(*) FROM people"),
    }


def _movements(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    con.execute("""
        CREATE OR REPLACE TEMP TABLE done AS
        SELECT customer_id, count(LSH) / 27 AS a_month,
          count(LSH) FILTER (JYFQ = '1' AND JYRQ > DATE '2026-04-01' AND JYRQ <= DATE '2026-06-30') AS lately
        FROM people LEFT JOIN DEP_ZHXX a ON KHH = customer_id AND CYLX = '1' LEFT JOIN moves USING (ZH) GROUP BY customer_id""")
    counts = np.sort(con.execute("SELECT a_month FROM done").df()["a_month"].to_numpy())
    return {
        "transactions a month": float(counts.mean()),
        "median of transactions a month": float(np.median(counts)),
        "transactions of the top tenth": float(counts[-len(counts) // 10 :].sum() / counts.sum()),
        "payments by phone of rows": one(con, "SELECT avg((ZYDM = 'KJZF')::INT) FROM moves"),
        "median payment by phone": one(con, "SELECT median(JYJE) FROM moves WHERE ZYDM = 'KJZF'"),
        "quiet for 90 days": one(con, "SELECT avg((lately = 0)::INT) FROM done"),
    }


def _cover(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    base = "(SELECT * FROM CIF_KHXX WHERE SXRQ = '00000000' AND KHLX IN ('1', '2'))"
    n = one(con, f"SELECT count(*) FROM {base}")
    kin = "(SELECT KHH AS k FROM CIF_GX WHERE GXLX IN ('1', '2') UNION SELECT GLKHH FROM CIF_GX WHERE GXLX IN ('1', '2'))"
    mobile = one(con, "SELECT count(DISTINCT KHH) FROM CIF_QYCP WHERE CPDM = 'SJYH'")
    used = one(con, "SELECT count(DISTINCT KHH) FROM visits WHERE QD = 'M' AND RQ > DATE '2026-07-02'")
    return {
        "managed": one(con, f"SELECT avg((KHJL <> '')::INT) FROM {base}"),
        "in a grid": one(con, f"SELECT avg((WGBH <> '')::INT) FROM {base}"),
        "household known": one(con, f"SELECT count(*) FROM {kin}") / n,
        "mobile banking": mobile / n,
        "mobile banking in use": used / mobile,
    }


def _terms(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Of terms other than those at seven days' notice, by number."""
    terms = """(SELECT *, strptime(greatest(QXRQ, '20240701'), '%Y%m%d') AS started,
                strptime(CASE JSRQ WHEN '99991231' THEN '20261001' ELSE JSRQ END, '%Y%m%d') AS ended
                FROM DEP_DQXX JOIN DEP_ZHXX USING (ZH) WHERE CPDM <> 'N07D')"""
    years = one(con, f"SELECT sum(date_diff('day', started, ended)) / 365 FROM {terms}")
    return {
        "terms to be rolled over": one(con, f"SELECT avg((ZCBZ <> '0')::INT) FROM {terms} WHERE JSRQ = '99991231'"),
        "stay at maturity": _stay(con, terms),
        "broken early a year": one(con, f"SELECT count(*) FROM {terms} WHERE JSYY = '3'") / years,
    }


def _stay(con: duckdb.DuckDBPyConnection, terms: str) -> float:
    """Matured terms whose money was rolled over, put on term anew, or mostly still here two weeks later."""
    return one(
        con,
        f"""
        WITH over AS (SELECT ZH, KHH, started, ended::DATE AS day, JE::DOUBLE AS fen, JSYY = '2' OR XZH <> '' AS again
                      FROM {terms} WHERE JSYY IN ('1', '2') AND JSRQ < '20260915'),
        kept AS (SELECT o.ZH, o.started, again, fen,
                   coalesce(sum(held) FILTER (since < day AND until >= day), 0) AS before,
                   coalesce(sum(held) FILTER (since <= day + 14 AND until > day + 14), 0) AS after
                 FROM over o JOIN spells s ON s.KHH = o.KHH AND CYLX = '1' AND since <= day + 14 AND until >= day GROUP BY ALL)
        SELECT avg((again OR after >= before - fen / 2)::INT) FROM kept""",
    )


def main(folder: Path) -> None:
    """Print found and wanted of the bank in a folder."""
    sys.path.insert(0, str(HERE))
    from conftest import read

    from sources.demo.bank import DemoBank

    found = measure(read(DemoBank(folder / "raw", folder / "truth", dt.date.min, dt.date.max, 0, 0)))
    rows = [f"{'':34}{'found':>10}{'wanted':>10}"]
    rows += [f"{figure.name:34}{found[figure.name]:>10.4g}{figure.wanted:>10.4g}" for figure in FIGURES]
    sys.stdout.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
