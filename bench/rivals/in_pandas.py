"""pandas: rows of a window once, rows of a filter within it once, and both the sum and the count of those."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from bench.place import Found, Place
from bench.rivals.task import condition, key, read


def sums(place: Place) -> Callable[[], Found]:
    """Texts are categories, so that filters and groups compare numbers."""
    task, out = read(place.work), place.work / "pandas.parquet"

    def run() -> Found:
        texts = ["customer_id", "channel", "category", "counterparty_kind"]
        rows = pd.read_parquet(task.rows).astype(dict.fromkeys(texts, "category"))
        found: dict[str, pd.Series] = {}
        inside = rows
        for after, through in sorted({(one.after, one.through) for one in task.sums}):  # the widest window first
            inside = inside[(inside["day"] > after) & (inside["day"] <= through)]
            wanted = [one for one in task.sums if (one.after, one.through) == (after, through)]
            for where in {key(one.where): one.where for one in wanted}.values():
                mine = inside if where is None else inside[condition(where, inside.__getitem__)]
                made = mine.groupby("customer_id", observed=False)["amount"].agg(["sum", "count"])
                for one in wanted:
                    if one.where == where:
                        found[one.name] = made[one.how] / task.minor if one.is_money else made[one.how]
        frame = pd.DataFrame(found)
        frame.index.name = "customer_id"
        frame.reset_index().astype({"customer_id": "str"}).to_parquet(out, index=False)
        return Found(out, len(rows))

    return run
