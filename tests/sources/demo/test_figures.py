"""The demo bank looks like the county bank of the banking notes: people, money, seasons, coverage."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

from sources.demo.bank import DemoBank

sys.path.insert(0, str(Path(__file__).parent))
from figures import FIGURES, Figure, measure

sys.path.pop(0)


def one(con: duckdb.DuckDBPyConnection, query: str) -> float:
    return float(con.execute(query).fetchall()[0][0])


@pytest.fixture(scope="module")
def found(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Every figure as the county bank has it."""
    return measure(con)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_the_bank_has_the_figures_of_the_county(found: dict[str, float], figure: Figure) -> None:
    assert found[figure.name] == pytest.approx(figure.wanted, abs=figure.tolerance), figure.why


def test_few_hold_most_of_the_money(found: dict[str, float]) -> None:
    assert sum(found[f"deposits {band}"] for band in ("50,000 to 200,000", "200,000 to 500,000", "above")) < 0.12


@pytest.mark.parametrize("family", ["time_deposit", "wealth", "farmer_credit", "consumer_loan", "mobile_bank", "acquiring"])
def test_first_uses_neither_dry_up_nor_run_away_from_one_year_to_the_next(con: duckdb.DuckDBPyConnection, family: str) -> None:
    """The same nine months of both years: drivers drift, yet a county sees no product halve or double."""
    first, second = con.execute(f"""
        SELECT avg(p_first_own_use_90d) FILTER (as_of BETWEEN DATE '2024-09-30' AND DATE '2025-05-31'),
          avg(p_first_own_use_90d) FILTER (as_of BETWEEN DATE '2025-09-30' AND DATE '2026-05-31')
        FROM demand WHERE family = '{family}'""").fetchall()[0]
    assert 0.85 < second / first < 1.25
    bought = dict(
        con.execute(f"""SELECT "on" >= DATE '2025-10-01', count(*) FROM events WHERE kind = 'buy_{family}'
                        AND month("on") NOT IN (7, 8, 9) GROUP BY 1""").fetchall()
    )
    assert sum(bought.values()) > 20
    spread = 3 * (1 / bought[True] + 1 / bought[False]) ** 0.5  # three standard errors of two counts
    assert abs(np.log(bought[True] / bought[False])) < 0.2 + spread


def test_groups_and_ages_are_those_of_the_county(con: duckdb.DuckDBPyConnection) -> None:
    groups = dict(con.execute('SELECT "group", count(*) / (SELECT count(*) FROM people) FROM people GROUP BY 1').fetchall())
    for name, share in {
        "farmer": 0.58,
        "migrant": 0.14,
        "merchant": 0.06,
        "payroll": 0.11,
        "public": 0.04,
        "pensioner": 0.05,
    }.items():
        assert groups[name] == pytest.approx(share, abs=0.015)
    born = con.execute("SELECT DISTINCT KHH, CSRQ FROM CIF_KHXX WHERE CSRQ NOT IN ('00000000', '19000101')").df()
    age = 2026.75 - born["CSRQ"].str[:4].astype(int)
    shares = [((age >= low) & (age < high)).mean() for low, high in ((18, 35), (35, 55), (55, 65), (65, 90))]
    assert shares == pytest.approx([0.17, 0.36, 0.24, 0.23], abs=0.03)


def test_terms_are_mostly_of_one_and_three_years_in_round_sums(con: duckdb.DuckDBPyConnection) -> None:
    mix = dict(
        con.execute("""SELECT CPDM, sum(CAST(JE AS DOUBLE)) / sum(sum(CAST(JE AS DOUBLE))) OVER () FROM DEP_DQXX JOIN
        DEP_ZHXX USING (ZH)
                              WHERE QXRQ <= '20240630' AND CPDM LIKE 'T%' GROUP BY 1""").fetchall()
    )
    assert [mix["T01Y"], mix["T03Y"], mix["T02Y"]] == pytest.approx([0.42, 0.33, 0.12], abs=0.07)
    assert one(con, "SELECT avg((CAST(JE AS DOUBLE) % 500 = 0)::INT) FROM DEP_DQXX WHERE QXRQ <= '20240630'") > 0.95


def test_money_comes_and_goes_with_the_seasons(con: duckdb.DuckDBPyConnection) -> None:
    months = dict(con.execute("SELECT month(JYRQ), count(*) FROM moves WHERE ZYDM = 'LSK' GROUP BY 1").fetchall())
    assert sorted(months) == [7, 8, 10, 11]
    assert {int(m) for (m,) in con.execute("SELECT DISTINCT month(JYRQ) FROM moves WHERE ZYDM = 'HNBT'").fetchall()} == {
        5,
        6,
        7,
        8,
    }
    before, usual = (
        one(con, f"SELECT count(*) / 10 FROM moves WHERE ZYDM IN ('ATMQ', 'GMQK') AND JYRQ BETWEEN DATE '{a}' AND DATE '{b}'")
        for a, b in (("2026-02-07", "2026-02-16"), ("2025-09-07", "2025-09-16"))
    )
    assert before / usual > 1.7
    paid = con.execute(
        "SELECT DISTINCT strftime(JYRQ, '%m%d') FROM moves JOIN DEP_ZHXX USING (ZH) WHERE ZYDM = 'JX' AND CPDM = 'CUR'"
        " AND strftime(JYRQ, '%Y%m%d') <> XHRQ"  # and once more when the account is closed
    )
    assert sorted(x for (x,) in paid.fetchall()) == ["0321", "0621", "0921", "1221"]
    days = con.execute("SELECT min(day(JYRQ)) >= 5, max(day(JYRQ)) <= 16 FROM moves WHERE ZYDM = 'DFGZ'").fetchall()
    assert days == [(True, True)]


def test_the_opening_campaign_brings_more_new_deposits_than_any_other_quarter(con: duckdb.DuckDBPyConnection) -> None:
    opened = dict(
        con.execute("""
            SELECT (CAST(substr(KHRQ, 5, 2) AS INT) + 2) // 3 AS quarter, count(*) FROM DEP_ZHXX
            WHERE ZHXZ = '2' AND CYLX = '1' AND KHRQ BETWEEN '20250101' AND '20251231' GROUP BY 1""").fetchall()
    )
    assert opened[1] > 1.3 * max(opened[quarter] for quarter in (2, 3, 4))


def test_coverage_is_as_published(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE OR REPLACE TEMP TABLE base AS SELECT * FROM CIF_KHXX WHERE SXRQ = '00000000' AND KHLX IN ('1', '2')")
    assert one(con, "SELECT avg((SJH = '')::INT) FROM base") == pytest.approx(0.12, abs=0.02)
    assert one(con, "SELECT avg((ZY = '其他')::INT) FROM base") == pytest.approx(0.4, abs=0.03)
    assert one(con, "SELECT count(*) / (SELECT count(*) FROM base) FROM CIF_HB") == pytest.approx(0.015, abs=0.007)
    assert one(
        con,
        "SELECT count(DISTINCT KHH) / (SELECT count(*) FROM base) FROM CIF_MRMD JOIN DEP_ZHXX USING (KHH)"
        " WHERE LX = 'deceased' AND CPDM = 'CUR' AND XHRQ = '99991231'",
    ) == pytest.approx(0.003, abs=0.002)


def test_nobody_in_it_can_be_a_real_person(con: duckdb.DuckDBPyConnection) -> None:
    weights, marks = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
    numbers = con.execute("SELECT DISTINCT ZJHM FROM CIF_KHXX WHERE length(ZJHM) = 18 AND KHLX IN ('1', '2')").df()["ZJHM"]
    assert len(numbers) > 4_000
    assert not any(marks[sum(int(d) * w for d, w in zip(n, weights, strict=False)) % 11] == n[17] for n in numbers)
    assert one(con, "SELECT count(*) FROM CIF_KHXX WHERE SJH NOT LIKE '1990000%' AND SJH <> '' AND SJH <> '07386300011'") == 0


def test_the_stories_can_be_seen_in_the_files(county: DemoBank, con: duckdb.DuckDBPyConnection) -> None:
    told = json.loads((county.truth / "stories.json").read_text(encoding="utf-8"))

    def people(name: str) -> str:
        return "(" + ", ".join(f"'{x}'" for x in told[name]["customers"]) + ")"

    assert one(
        con,
        f"SELECT count(DISTINCT KHH) FROM moves JOIN DEP_ZHXX USING (ZH) WHERE ZYDM = 'ZDK' AND KHH IN"
        f" {people('land_compensation')}",
    ) == len(told["land_compensation"]["customers"])
    assert (
        one(
            con,
            f"SELECT count(*) FROM moves JOIN DEP_ZHXX USING (ZH) WHERE ZYDM = 'DFGZ' AND JYRQ >= DATE"
            f" '{told['teachers_payroll']['from']}'"
            f" AND KHH IN {people('teachers_payroll')}",
        )
        == 0
    )
    assert (
        one(
            con,
            f"SELECT count(*) FROM moves JOIN DEP_ZHXX USING (ZH) WHERE ZYDM = 'DFGZ' AND KHH IN {people('teachers_payroll')}",
        )
        > 0
    )
    shop = people("merchant_settles_out")
    assert one(
        con,
        f"""SELECT sum(JYJE) FILTER (ZYDM = 'BRZC') / sum(JYJE) FILTER (ZYDM = 'SDJS') FROM moves JOIN DEP_ZHXX USING (ZH)
                        WHERE KHH IN {shop} AND JYRQ >= DATE '{told["merchant_settles_out"]["from"]}'""",
    ) == pytest.approx(0.85, abs=0.12)
    couple = con.execute(
        f"SELECT DQRQ FROM DEP_DQXX JOIN DEP_ZHXX USING (ZH) WHERE KHH IN {people('widow_joint_maturity')} AND"
        f" JSRQ = '99991231'"
        " AND QXRQ > '20251001' AND JE IN ('80000.00', '120000.00')"
    ).fetchall()
    assert couple == [("20261018",), ("20261018",)]
    ring = con.execute(f"SELECT KHH, GLKHH FROM CIF_GX WHERE GXLX = '3' AND KHH IN {people('guarantor_ring')}").fetchall()
    assert len(ring) == 5
    assert {a for a, _ in ring} == {b for _, b in ring}
    assert one(con, "SELECT count(*) FROM PUB_JG WHERE BQRQ <> '00000000'") == 1
    assert (
        one(
            con,
            f"""SELECT count(*) FROM moves i JOIN DEP_ZHXX USING (ZH) JOIN moves o ON o.ZH = i.ZH AND o.JYJE = i.JYJE
                        WHERE KHH IN {people("quarter_end_parking")} AND i.JYRQ = DATE '2025-09-29' AND i.JDBZ = 'C'
                        AND o.JYRQ = DATE '2025-10-02' AND o.JDBZ = 'D'""",
        )
        >= 1
    )
