"""Where canonical tables may lie."""

import datetime as dt
from pathlib import Path

from sources.canonical import connect, open_canonical, write_canonical


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
