"""The small bank as one that sends its customers whole every day: customers_YYYYMMDD, key `id`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sources.canonical import Canonical
from tests.sources.conftest import ACCOUNTS, CUSTOMERS, MOVEMENTS, SmallBank, rows

D = dt.date
SETTINGS = [
    (
        "    cust: &core\n      files: in/cust*.dat",
        "    cust: &core\n      delivery: full\n      key: [id]\n      dated: {}\n      files: in/cust_*.dat*",
    ),
    ("columns: [id, name, birth, sex, opened]", "columns: [id, name, birth, sex, opened, job, manager]"),
    ("    acct: {<<: *core,", "    acct: {<<: *core, delivery: appended, key: [], dated: null,"),
    ("    mov: {<<: *core,", "    mov: {<<: *core, delivery: appended, key: [], dated: null,"),
    ("        gender:", "        occupation: job\n        manager_id: manager\n        gender:"),
    ("  gates: {", "  gates: {newest: 2023-09-30, highest_gone: 0.6, "),
]
JOBS = {"C1": "farmer|+|M1", "C2": "farmer|+|M1", "C3": "trader|+|M2"}


def full_bank(folder: Path) -> SmallBank:
    bank = SmallBank(folder)
    for old, new in SETTINGS:
        bank.change(old, new)
    bank.write("acct.dat", ACCOUNTS)
    bank.write("mov.dat", MOVEMENTS)
    return bank


def people(jobs: dict[str, str]) -> list[str]:
    """Lines of a full file: these customers, with occupation and manager."""
    return [f"{line}|+|{jobs[line[:2]]}" for line in CUSTOMERS if line[:2] in jobs]


def deliver(bank: SmallBank, day: int, jobs: dict[str, str], name: str = "") -> Path:
    return bank.write(name or f"cust_202309{day:02}.dat", people(jobs))


def seen(canonical: Canonical, day: int) -> list[tuple[object, ...]]:
    return rows(canonical, "customers", D(2023, 9, day), "customer_id, occupation, manager_id, stage")
