"""A small bank that sends what it wrote down day by day: `cust_20230905.dat` holds the rows recorded on 5 September."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from sources.canonical import Canonical
from sources.connection import connect
from sources.tables import TABLES
from tests.sources.conftest import SmallBank

D = dt.date
YAML = """
sources:
  buckets: 2
  inputs:
    cust: &core
      files: in/cust_*.dat
      separator: "|"
      columns: [id, birth, opened, branch]
      dated: {first_load: BASE}
    acct: {<<: *core, files: in/acct_*.dat, columns: [id, owner, opened, closed, gone]}
    mov: {<<: *core, files: in/mov_*.dat, columns: [id, acct, day, amount, balance, code, gone]}
    visit: {<<: *core, files: in/visit_*.dat, columns: [who, day, channel, times]}
    kin: {<<: *core, files: in/kin_*.dat, columns: [who, whose, since]}
    merge: {<<: *core, files: in/merge_*.dat, columns: [old, new, day, undone]}
    place: {<<: *core, files: in/place_*.dat, columns: [id, name]}
  tables:
    branches:
      select: SELECT id AS branch_id, name, 'branch' AS level FROM place WHERE id IS NOT NULL
    customers:
      from: cust
      columns:
        customer_id: id
        kind: {value: personal}
        birth_on: {column: birth, date: "%Y%m%d"}
        branch_id: branch
        opened_on: {column: opened, date: "%Y%m%d"}
      recorded_on: file_on
    accounts:
      from: acct
      columns:
        account_id: id
        customer_id: owner
        holds: {value: deposit}
        opened_on: {column: opened, date: "%Y%m%d"}
        closed_on: {column: closed, date: "%Y%m%d", sentinels: ["0"]}
      recorded_on: file_on
      deleted: gone
    transactions:
      from: mov
      columns:
        transaction_id: id
        account_id: acct
        on: {column: day, date: "%Y%m%d"}
        amount: amount
        category: {column: code, codes: {SAL: payroll, CSH: cash}}
        balance_after: balance
      recorded_on: file_on
      deleted: gone
    activity:
      from: visit
      columns: {customer_id: who, on: {column: day, date: "%Y%m%d"}, channel: channel, count: times}
      recorded_on: file_on
    links:
      from: kin
      columns: {customer_id: who, related_id: whose, kind: {value: household}, started_on: {column: since, date: "%Y%m%d"}}
      recorded_on: file_on
    merges:
      from: merge
      columns:
        old_id: old
        new_id: new
        on: {column: day, date: "%Y%m%d"}
        undone_on: {column: undone, date: "%Y%m%d", sentinels: ["0"]}
      recorded_on: file_on
  derived: {balances: transactions}
  gates: {newest: 2023-09-30, highest_quarantined: 1, highest_conflicting: 1, highest_unreadable: 1}
"""
INPUTS = ("cust", "acct", "mov", "visit", "kin", "merge", "place")
Day = Mapping[str, list[str]]  # input -> lines


def daily_bank(folder: Path) -> SmallBank:
    """A bank without a single row: every input's first load is an empty file."""
    bank = SmallBank(folder, YAML)
    deliver(bank, None, {})
    return bank


def deliver(bank: SmallBank, on: dt.date | None, day: Day) -> None:
    """The files of one day (None: of the first load): every table has one, if only an empty one."""
    for name in INPUTS:
        bank.write(f"{name}_{on:%Y%m%d}.dat" if on else f"{name}_BASE.dat", list(day.get(name, [])))


def seen(canonical: Canonical, days: list[dt.date]) -> dict[tuple[str, dt.date], list[tuple[object, ...]]]:
    """What is known of every table at each date, as sorted rows."""
    found = {}
    with connect() as con:
        for name in sorted(canonical.manifest.tables):
            listed = ", ".join(f'"{c}"' for c in ("customer_id", "bucket", *TABLES[name].names, "known_from", "known_to"))
            if TABLES[name].by == "bank":
                listed = "*"
            for day in days:
                rows = (
                    canonical.scan(con, name, day).fetchall()
                    if listed == "*"
                    else con.sql(f"SELECT {listed} FROM ({canonical.scan(con, name, day).sql_query()})").fetchall()
                )
                found[name, day] = sorted(rows, key=repr)
    return found
