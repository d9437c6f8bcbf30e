"""Of many transactions the few that are part of a reversal are found where they stand; what was undone at once is nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.reversals import Pairs, void, with_ids
from features.stored import StoredFile


@given(st.lists(st.sampled_from(["plain", "paired", "hidden"]), max_size=30), st.integers(1, 7))
def test_pairs_keep_their_numbers_in_every_piece_of_a_file_of_which_rows_are_hidden(rows: list[str], size: int) -> None:
    """Numbers are those of the rows; every second plain row came late, and stands among the others without a number."""
    file = StoredFile("transactions.parquet", [at for at, what in enumerate(rows) if what == "hidden"], len(rows))
    at = np.array([at for at, what in enumerate(rows) if what == "paired"], dtype=np.int64)
    pairs = Pairs(at, pa.array([f"T{row}" for row in at.tolist()], pa.string()))
    found = []
    for start in range(0, len(rows), size):
        piece = range(start, min(start + size, len(rows)))
        table = file.in_force(pa.table({"row": pa.array(piece, pa.int64())}), start)
        places, ids = pairs.among(file, piece)
        is_odd = table["row"].to_numpy() % 2 == 0
        is_odd[places] = True
        found += with_ids(table, is_odd, places, ids).to_pylist()
    expected = [
        {"row": row, "transaction_id": f"T{row}" if what == "paired" else None}
        for row, what in enumerate(rows)
        if what == "paired" or (what == "plain" and row % 2 == 0)
    ]
    assert found == expected


def _odd(*rows: tuple[str, str | None, int, int, str]) -> pa.Table:
    ids, back_, days, amounts, owners = zip(*rows, strict=True)
    on = pa.array(days, pa.int32()).cast(pa.date32())
    known = {"known_from": on, "known_to": pa.nulls(len(rows), pa.date32())}
    undoes = pa.array(back_, pa.string()).dictionary_encode()
    owner = pa.array(owners).dictionary_encode()
    return pa.table(
        {
            "customer_id": owner,
            "transaction_id": ids,
            "reverses_id": undoes,
            "on": on,
            "amount": pa.array(amounts, pa.int64()),
            **known,
        }
    )


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([("a", None, 5, -100, "C"), ("b", "a", 5, 100, "C")], []),  # undone on its own day: no as_of sees anything of it
        ([("a", None, 5, -100, "C"), ("b", "a", 6, 100, "C")], ["a", "b"]),  # undone the day after: on the fifth it stands
        ([("a", None, 5, -100, "C"), ("b", "a", 5, 40, "C")], ["a", "b"]),  # undone in part
        ([("a", None, 5, -100, "C"), ("b", "a", 5, 60, "C"), ("c", "a", 5, 40, "C")], []),
        ([("a", None, 5, -100, "C"), ("b", "a", 5, 100, "C"), ("c", "b", 5, -100, "C")], ["a", "b", "c"]),  # an undoing undone
        ([("b", "a", 5, 100, "C")], ["b"]),  # of something the bank does not show
        ([("a", None, 5, -100, "C"), ("b", "a", 5, 100, "D")], ["a", "b"]),  # of another customer's
    ],
)
def test_what_was_undone_on_its_own_day_is_nothing_and_all_else_waits_for_its_as_of(rows: list, left: list[str]) -> None:
    assert void(_odd(*rows))["transaction_id"].to_pylist() == left
