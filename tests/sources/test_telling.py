"""Of several versions of a row the one told last stands, whoever asks and in whatever order they are stored."""

from __future__ import annotations

from itertools import permutations

import pytest

from sources.connection import connect
from sources.lives import life_sql
from sources.tables import TABLES
from sources.telling import told_columns, turn_sql
from sources.written import owners_sql

OPEN_SINCE = "DATE '2020-01-01'"
VERSIONS = [  # recorded, valid, closed, owner: in the order of their telling
    "(NULL::DATE, NULL::DATE, DATE '2023-09-01', 'C1')",
    "(DATE '2023-09-05', DATE '2023-09-01', DATE '2023-09-03', 'C2')",
    "(DATE '2023-09-05', DATE '2023-09-05', NULL, 'C3')",
]
COLUMNS = ["account_id", "opened_on", "closed_on", "customer_id", *told_columns(["valid_from", "deleted", "recorded_on"])]


@pytest.mark.parametrize("order", list(permutations(VERSIONS)))
def test_of_versions_told_on_one_day_the_one_valid_later_stands(order: tuple[str, ...]) -> None:
    with connect() as con:
        con.execute(
            f"CREATE TABLE told AS SELECT 'A1' AS account_id, {OPEN_SINCE} AS opened_on, * FROM"
            f" (VALUES {', '.join(order)}) v(recorded_on, valid_from, closed_on, customer_id)"
        )
        turn = turn_sql(["recorded_on", "valid_from"])
        assert con.execute(f"SELECT customer_id FROM told ORDER BY {turn}").fetchall() == [("C1",), ("C2",), ("C3",)]
        assert con.execute(f"SELECT life_to FROM ({life_sql('accounts', COLUMNS, 'told')})").fetchall() == [(None,)]
        owners = con.execute(owners_sql(TABLES["accounts"], "told", COLUMNS)).fetchall()
        assert [owner for _, owner, _, until in owners if until is None] == ["C3"]
