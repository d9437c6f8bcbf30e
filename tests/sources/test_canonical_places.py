"""Where canonical tables may lie, and in how many parts."""

import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sources.canonical import open_canonical
from sources.connection import connect
from sources.overwrite import write_canonical
from sources.written import buckets_for


def test_a_home_whose_name_has_blanks_and_chinese_is_read_bucket_by_bucket(tmp_path: Path) -> None:
    root = tmp_path / "禾溪 农商行" / "canonical"
    con = connect()
    con.execute("CREATE TABLE people AS SELECT 'C' || i AS customer_id, DATE '2020-01-01' AS opened_on FROM range(40) r(i)")
    day = dt.date(2024, 1, 31)
    write_canonical(con, root, {"customers": "people"}, bank="x", currency="CNY", buckets=4, newest=day, inputs={})
    canonical = open_canonical(root)
    parts = [len(canonical.scan(con, "customers", day, bucket).fetchall()) for bucket in range(4)]
    assert sum(parts) == len(canonical.scan(con, "customers", day).fetchall()) == 40
    assert min(parts) > 0


@pytest.mark.parametrize(("rows", "buckets"), [(0, 4), (4_000_000, 4), (64_000_000, 16), (150_000_000, 32), (10**12, 4096)])
def test_a_larger_bank_has_more_buckets_and_not_larger_ones(rows: int, buckets: int) -> None:
    assert buckets_for(rows) == buckets
    assert rows / buckets <= 5_000_000 or buckets == 4096


def test_rows_lie_by_bucket_owner_and_day_however_many_they_are(tmp_path: Path) -> None:
    root, day = tmp_path / "canonical", dt.date(2024, 12, 31)
    con = connect()
    con.execute("CREATE TABLE people AS SELECT 'C' || i AS customer_id, DATE '2020-01-01' AS opened_on FROM range(600) r(i)")
    con.execute("CREATE TABLE held AS SELECT 'A' || customer_id AS account_id, * FROM people")
    con.execute(
        "CREATE TABLE moved AS SELECT 'AC' || i // 1000 AS account_id, DATE '2022-01-01' + (i % 1000)::INTEGER AS \"on\","
        " i AS balance FROM range(600_000) r(i) ORDER BY hash(i)"
    )
    sources = {"customers": "people", "accounts": "held", "balances": "moved"}
    write_canonical(con, root, sources, bank="x", currency="CNY", buckets=2, newest=day, inputs={})
    canonical = open_canonical(root)
    for bucket in (0, 1):
        (file,) = canonical.files("balances", bucket)
        rows = pq.read_table(file, columns=["customer_id", "on", "account_id"], partitioning=None).to_pandas()
        assert len(rows) > 100_000
        assert rows.equals(rows.sort_values(["customer_id", "on", "account_id"], ignore_index=True))
