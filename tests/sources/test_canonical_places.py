"""Where canonical tables may lie, and in how many parts."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sources.canonical import Canonical, DataFile, open_canonical
from sources.connection import connect
from sources.overwrite import write_canonical
from sources.written import buckets_for
from store.fingerprint import of_file
from store.limits import USUAL


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


@pytest.mark.parametrize("asked", [3, 300])
def test_rows_of_some_people_are_found_whether_they_are_few_or_many_and_hidden_ones_are_not(tmp_path: Path, asked: int) -> None:
    root, day = tmp_path / "canonical", dt.date(2024, 12, 31)
    con = connect()
    con.execute("CREATE TABLE people AS SELECT 'C' || i AS customer_id, DATE '2020-01-01' AS opened_on FROM range(600) r(i)")
    con.execute("CREATE TABLE held AS SELECT 'A' || (i % 5) || customer_id AS account_id, people.* FROM people, range(5) r(i)")
    write_canonical(
        con, root, {"customers": "people", "accounts": "held"}, bank="x", currency="CNY", buckets=2, newest=day, inputs={}
    )
    whole = open_canonical(root)
    first = whole.manifest.tables["accounts"].files[0].path
    hidden = root / "hidden" / "accounts-2.parquet"
    hidden.parent.mkdir()
    pq.write_table(pa.table({"file": [first] * 198, "row": list(range(198))}), hidden)  # of one customer three of five rows
    state = whole.manifest.tables["accounts"]
    note = DataFile(path="hidden/accounts-2.parquet", size=hidden.stat().st_size, sha256=of_file(hidden))
    tables = whole.manifest.tables | {"accounts": state.model_copy(update={"hidden": note})}
    canonical = Canonical(root, whole.manifest.model_copy(update={"tables": tables}), USUAL)

    con.execute(
        f"CREATE TABLE asked AS SELECT bucket, customer_id AS id FROM ({canonical.placed_sql('accounts')}) "
        f" GROUP BY bucket, customer_id ORDER BY bool_or(_file = '{first}' AND _at = 198) DESC, hash(customer_id) LIMIT {asked}"
    )
    buckets = dict(con.execute("SELECT bucket, list(id) FROM asked GROUP BY 1").fetchall())
    found = con.execute(f"FROM ({canonical.placed_of_sql('accounts', 'asked', buckets)}) ORDER BY ALL").fetchall()
    every = f"SELECT r.* FROM ({canonical.placed_sql('accounts')}) r SEMI JOIN asked ON id = customer_id ORDER BY ALL"
    assert found == con.execute(every).fetchall()
    assert len(found) == 5 * asked - 3
    assert not con.execute(f"FROM ({canonical.placed_sql('accounts')}) WHERE _file = '{first}' AND _at < 198").fetchall()
