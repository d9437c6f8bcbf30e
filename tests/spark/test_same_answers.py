"""Spark answers as DuckDB does: every feature of the catalogue, every score. One file, so that one worker has one session."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import county
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small_bank
import synthetic

from features.engine import build
from flows.bank import load_bank
from flows.home import Home
from flows.nightly import conduct, plain
from flows.request import Ready, Request, ask
from models import spark_score
from models.champion import Champion
from models.cold_start import segment_rates
from models.score import score_all
from models.settings import EvaluationSettings, ModelSettings, Segment
from models.splits import Window
from models.train import train_label
from sources.canonical import Canonical
from sources.connection import connect
from sources.intake import take_in
from sources.settings import SourceSettings
from sources.spark import rows as rows_on_spark
from store.errors import ConfigError
from tests.real import czech
from tests.sources.conftest import ACCOUNTS, CUSTOMERS, MOVEMENTS, SmallBank
from tests.sources.daily_bank import daily_bank, deliver
from tests.sources.test_by_day import BASE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_every_feature_of_a_county_bank_has_the_same_bits_on_spark(tmp_path: Path, session: SparkSession) -> None:
    canonical = county.write(tmp_path / "canonical", county.make(1))
    found, made = different(canonical, dt.date(2026, 3, 31), tmp_path, session)
    assert found == []
    assert made.num_rows > 3
    assert len(made.column_names) > 300


@pytest.mark.skipif(not czech.DATA.exists(), reason="the Berka files are not beside the repository")
def test_every_feature_of_the_czech_bank_has_the_same_bits_on_spark(tmp_path: Path, session: SparkSession) -> None:
    found, made = different(czech.write(tmp_path / "canonical"), czech.AS_OF, tmp_path, session)
    assert found == []
    assert made.num_rows == 1229


def test_scores_have_the_same_bytes_on_spark_and_only_cohorts_have_any(tmp_path: Path, session: SparkSession) -> None:
    bank = synthetic.make(tmp_path, customers=1500, months=6)
    quick = ModelSettings(evaluation=EvaluationSettings(resamples=100))
    learned = train_label(synthetic.LABEL, bank.dataset(), Window(0, 60), quick, known_at=bank.as_ofs[-1]).champion
    rates = segment_rates(bank.dataset(), (Segment(feature="dep_adb_90d"), Segment(feature="group_code")), 1)
    cold = Champion("a_cold_one", "segment_rate", rates.feature_names, {}, 0.08, (), dt.date(2024, 1, 1), segments=rates)
    none = segment_rates(bank.dataset(), (), 1)
    plain = Champion("b_plain", "segment_rate", (), {}, 0.08, (), dt.date(2024, 1, 1), segments=none)
    assert learned.booster_text
    day = bank.as_ofs[-1]
    path = bank.features / f"as_of={day}.parquet"
    ids = pq.read_table(path)["customer_id"].to_pylist()
    cohorts = {synthetic.LABEL: ids[100:], "a_cold_one": [*reversed(ids[:500]), "nobody"], "b_plain": ids[:700]}
    for number, champions in enumerate(([learned, cold, plain], [plain])):  # one that looks at nothing, also alone
        counts = score_all(champions, path, cohorts, day, tmp_path / f"here{number}")
        assert spark_score.score_all(session, champions, path, cohorts, day, tmp_path / f"spark{number}") == counts
        here, spark = ((tmp_path / f"{way}{number}" / f"as_of={day}.parquet").read_bytes() for way in ("here", "spark"))
        assert spark == here


SPARK_TABLES = """
    cust: {database: spark, table: core_cust}
    acct: {database: spark, table: core_acct}
    mov: {database: spark, table: core_mov}
"""
SPARK_ACCOUNTS = """
      select: SELECT id AS account_id, owner AS customer_id, 'deposit' AS holds, to_date(opened, 'yyyyMMdd') AS opened_on,
        try_to_date(closed, 'yyyyMMdd') AS closed_on FROM acct
"""


def test_a_bank_that_lives_on_spark_has_the_tables_and_findings_of_one_that_sends_files(
    tmp_path: Path, session: SparkSession
) -> None:
    bank = SmallBank(tmp_path)
    movements = [*MOVEMENTS, "T09|+|A7|+|20230901|+|C|+|1.00|+|1.00|+|INT", "T10|+||+|20230901|+|C|+|1.00|+|1.00|+|INT"]
    sent = {"cust": CUSTOMERS, "acct": ACCOUNTS, "mov": movements}
    for name, lines in sent.items():
        bank.write(f"{name}.dat", lines[:-1] if name == "mov" else lines)  # what Spark's `where` leaves out
    by_files = bank.take("files")
    spec, _ = bank.settings()
    for name, lines in sent.items():
        values = ", ".join(str(tuple(line.split("|+|"))) for line in lines)
        columns = ", ".join(spec.inputs[name].columns or ())
        session.sql(f"CREATE OR REPLACE TEMP VIEW core_{name} AS SELECT * FROM VALUES {values} AS rows({columns})")
    said = bank.yaml
    bank.yaml = said[: said.index("\n    cust:")] + SPARK_TABLES + said[said.index("  tables:") :]
    accounts = said[said.index("\n      from: acct") : said.index("    transactions:")]
    bank.change("  buckets", "  dialect: spark\n  buckets").change(accounts, SPARK_ACCOUNTS)
    bank.change("      from: mov\n", "      from: mov\n      where: NOT acct <=> ''\n")
    by_spark = bank.take("spark")
    for table in by_files.manifest.tables:
        ours, theirs = ([Path(file).read_bytes() for file in taken.files(table)] for taken in (by_files, by_spark))
        assert ours == theirs, table
    reference = ("transactions", "reference", "account_id")
    assert bank.findings("spark")[reference].count == bank.findings("files")[reference].count == 1
    assert not list((tmp_path / "spark" / "landed").glob(".*"))


def test_rows_that_a_later_day_replaced_are_not_there_on_spark_either(tmp_path: Path, session: SparkSession) -> None:
    bank = daily_bank(tmp_path)
    deliver(bank, None, BASE)
    bank.take()
    deliver(bank, dt.date(2023, 9, 2), {"mov": ["T2|A2|20230902|2.00|2.00|CSH|0", "T1|A1|20230901|2.00|2.00|SAL|0"]})
    bank.take()
    deliver(bank, dt.date(2023, 9, 3), {"merge": ["C2|C1|20230903|0"], "acct": ["A1|C2|20200301|0|0"]})
    canonical = bank.take()
    hiding = [name for name, state in canonical.manifest.tables.items() if state.hidden]
    assert {"transactions", "accounts"} <= set(hiding)
    with connect() as con:
        for table in hiding:
            here = con.sql(f"SELECT * FROM {canonical.relation_sql(table)}")
            there = rows_on_spark(session, canonical, table).select(*(f"`{name}`" for name in here.columns)).collect()
            assert sorted(map(repr, map(tuple, there))) == sorted(map(repr, here.fetchall())), table


def test_spark_sql_that_names_no_table_of_spark_is_a_mistake_of_the_settings(tmp_path: Path, session: SparkSession) -> None:
    text = "SELECT id AS product_id FROM core_that_is_not_there"
    settings = SourceSettings.model_validate({"dialect": "spark", "inputs": {}, "tables": {"products": {"select": text}}})
    with pytest.raises(ConfigError, match="core_that_is_not_there"):
        take_in(settings, tmp_path, tmp_path, "small", "CNY")


def test_a_night_on_spark_publishes_the_list_of_duckdb(tmp_path: Path, session: SparkSession) -> None:
    path = small_bank.make(tmp_path / "bank", customers=60)
    homes = {way: Home(tmp_path / way) for way in ("duckdb", "spark")}
    homes["duckdb"].make()
    _night(path, homes["duckdb"])
    shutil.copytree(homes["duckdb"].root, homes["spark"].root)  # past month ends and champions
    for made in ("scores/as_of=2025-09-30.parquet", "ledger.sqlite"):
        (homes["spark"].root / made).unlink()
    for made in ("features/as_of=2025-09-30.parquet", "lists"):
        shutil.rmtree(homes["spark"].root / made)
    path.write_text(path.read_text(encoding="utf-8") + "engine: spark\n", encoding="utf-8")
    _night(path, homes["spark"])
    of_duckdb, of_spark = (_contents(home.lists) for home in homes.values())
    assert len(of_duckdb) > 5
    assert of_spark == of_duckdb


def _night(path: Path, home: Home) -> None:
    ready = ask(Request(load_bank(path, {}), home))
    assert isinstance(ready, Ready)
    conduct(ready, plain(0, 0), lambda what, done, total: None, lambda result: None)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def different(canonical: Canonical, as_of: dt.date, folder: Path, session: SparkSession) -> tuple[list[str], pa.Table]:
    """Columns that differ between the engines in type or in a bit of any value, and what DuckDB made."""
    here = build(canonical, county.SETTINGS, [as_of], folder / "duckdb")
    there = build(canonical, county.SETTINGS, [as_of], folder / "spark", session=session)
    assert there.specs == here.specs
    left, right = (pq.read_table(made.path(as_of), partitioning=None) for made in (here, there))
    assert left.column_names == right.column_names
    found = [name for name in left.column_names if not left[name].combine_chunks().equals(right[name].combine_chunks())]
    assert found or there.fingerprints == here.fingerprints
    return found, left
