"""Tables gone over in lanes: each after those it waits for, and nothing begun once one has failed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import duckdb
import pytest

from sources.connection import connect
from sources.lanes import Work, beside


def _noting(done: list[str], name: str, *, waits: threading.Event | None = None) -> Work[str]:
    def work(con: duckdb.DuckDBPyConnection) -> str:
        con.execute(f"CREATE OR REPLACE TEMP TABLE mine AS SELECT '{name}' AS name")  # nobody else's
        if waits is not None:
            assert waits.wait(30)
        found: str = con.execute("SELECT name FROM mine").fetchall()[0][0]
        done.append(found)
        return found

    return work


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_a_table_is_begun_when_those_it_waits_for_are_done(lanes: int) -> None:
    done: list[str] = []
    works = {name: _noting(done, name) for name in ("customers", "accounts", "balances", "activity")}
    after = {"accounts": ["customers"], "balances": ["accounts", "loans"], "activity": ["customers"]}
    said: list[str] = []
    with connect() as con:
        found = beside(con, works, lanes, lambda what, *_: said.append(what), after)
    assert list(found.items()) == [(name, name) for name in works]
    assert sorted(said) == sorted(done) == sorted(works)
    assert done.index("customers") < done.index("accounts") < done.index("balances")
    assert done.index("customers") < done.index("activity")


def test_a_long_table_does_not_hold_up_the_others() -> None:
    done: list[str] = []
    others_done = threading.Event()

    def last(con: duckdb.DuckDBPyConnection) -> str:
        found = _noting(done, "terms")(con)
        others_done.set()
        return found

    works = {
        "transactions": _noting(done, "transactions", waits=others_done),
        "balances": _noting(done, "balances"),
        "terms": last,
    }
    with connect() as con:
        assert list(beside(con, works, 2, lambda *_: None)) == list(works)
    assert done == ["balances", "terms", "transactions"]


def _failing(name: str, meets: threading.Barrier) -> Callable[[duckdb.DuckDBPyConnection], str]:
    def work(con: duckdb.DuckDBPyConnection) -> str:
        meets.wait(30)
        raise ValueError(name)

    return work


def test_of_two_that_fail_the_first_in_order_is_told_of_and_no_other_is_begun() -> None:
    done: list[str] = []
    meets = threading.Barrier(2)
    works: dict[str, Work[str]] = {
        "customers": _failing("customers", meets),
        "merges": _failing("merges", meets),
        "accounts": _noting(done, "accounts"),
    }
    with connect() as con, pytest.raises(ValueError, match="customers"):
        beside(con, works, 2, lambda *_: None)
    assert not done
