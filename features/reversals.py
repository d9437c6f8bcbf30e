"""Transactions that take others back, and those that are taken back: few rows among many, found by their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.stored import StoredFile
from sources.canonical import Canonical

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """The rows of one file that are part of a reversal, ascending."""

    at: npt.NDArray[np.int64]  # which rows of the file, hidden ones counted
    ids: pa.Array  # their `transaction_id`

    def among(self, file: StoredFile, rows: range) -> tuple[npt.NDArray[np.int64], pa.Array]:
        """Those among some rows of the file: their places among the rows that are not hidden, and their ids."""
        first, last = np.searchsorted(self.at, [rows.start, rows.stop])
        at = self.at[first:last]
        hidden = np.sort(np.array(file.hidden, dtype=np.int64))
        before = np.searchsorted(hidden, at) - np.searchsorted(hidden, rows.start)
        return at - rows.start - before, self.ids.slice(first, last - first)


NO_PAIRS = Pairs(np.empty(0, dtype=np.int64), pa.array([], pa.string()))


def pairs(con: duckdb.DuckDBPyConnection, canonical: Canonical, files: Sequence[StoredFile]) -> dict[str, Pairs]:
    """By path the rows of these files that reverse a transaction of any of them or of others, or that one of them reverses.

    The engine reads the numbers of all and makes no text of them: they are most of what a file holds.
    """
    if not files:
        return {}
    rows = canonical.placed_sql("transactions", {_name(file, canonical) for file in files})
    undone = con.sql(f"SELECT DISTINCT reverses_id AS id FROM ({rows}) WHERE reverses_id IS NOT NULL").to_arrow_table()
    if not undone.num_rows:
        return {}
    con.register("undone", undone)
    found = con.sql(
        f"SELECT _file, _at, transaction_id FROM ({rows})"
        " WHERE transaction_id IN (SELECT id FROM undone) OR reverses_id IS NOT NULL ORDER BY _file, _at"
    ).to_arrow_table()
    con.unregister("undone")
    return {file.path: _of(found, file, canonical) for file in files}


def _of(found: pa.Table, file: StoredFile, canonical: Canonical) -> Pairs:
    mine = found.filter(pc.field("_file") == _name(file, canonical))
    return Pairs(mine["_at"].to_numpy(), mine["transaction_id"].combine_chunks())


def _name(file: StoredFile, canonical: Canonical) -> str:
    return Path(file.path).relative_to(canonical.root).as_posix()


def with_ids(rows: pa.Table, chosen: Flags, at: npt.NDArray[np.int64], ids: pa.Array) -> pa.Table:
    """The chosen rows, with `transaction_id` where they stand at these places of all rows, which are chosen too."""
    stand = np.flatnonzero(chosen)
    place = np.full(len(stand), -1)
    place[np.searchsorted(stand, at)] = np.arange(len(at))
    return rows.filter(pa.array(chosen)).append_column("transaction_id", ids.take(pa.array(place, mask=place < 0)))


def void(odd: pa.Table) -> pa.Table:
    """Without transactions that were undone on their own day: no as_of sees anything of them."""
    if not odd.num_rows:
        return odd
    reverses, number = odd["reverses_id"].cast(pa.string()), odd["transaction_id"]
    back = pc.is_valid(reverses)
    chained = pc.and_(back, pc.is_in(number, value_set=pc.unique(reverses.drop_null())))
    rows = pa.table(
        {
            "customer_id": odd["customer_id"].cast(pa.string()),
            "undoes": pc.coalesce(reverses, number),
            "amount": odd["amount"],
            "on": odd["on"],
            "is_plain": pc.and_not(pa.array(~_late(odd)), chained.combine_chunks()),
            "is_told": pc.invert(back).cast(pa.int64()),
            "row": np.arange(odd.num_rows),
        }
    )
    pair = ["customer_id", "undoes"]
    whole = rows.group_by(pair).aggregate(
        [("amount", "sum"), ("on", "count_distinct"), ("is_plain", "all"), ("is_told", "sum")]
    )
    same = (pc.field("amount_sum") == 0) & (pc.field("on_count_distinct") == 1) & (pc.field("is_told_sum") == 1)
    gone = rows.join(whole.filter(same & pc.field("is_plain_all")).select(pair), pair, join_type="left semi")
    there = np.ones(odd.num_rows, dtype=np.bool_)
    there[gone["row"].to_numpy()] = False
    return odd.filter(pa.array(there))


def _late(table: pa.Table) -> Flags:
    """Rows that were not known on their own day, or were corrected."""
    told: Flags = (table["known_from"].to_numpy() != table["on"].to_numpy()) | pc.is_valid(table["known_to"]).to_numpy()
    return told
