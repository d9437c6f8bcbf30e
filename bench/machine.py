"""Where and on what a benchmark ran: the day, the machine, the bank's size, the versions of libraries."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sources.canonical import Canonical
from sources.connection import connect


@dataclass(frozen=True)
class Setting:
    """One run of the benchmark. Results of the same bank, size and day belong together."""

    bank: str
    customers: int
    transactions: int
    as_of: dt.date
    on: dt.date
    machine: str
    load: float  # processes that wanted the machine when the run began
    rounds: int

    @property
    def title(self) -> str:
        return f"{self.bank}, {self.customers:,} customers, {self.transactions:,} transactions, measured {self.on}"

    def lines(self, versions: Mapping[str, Sequence[str]]) -> list[str]:
        """Two lines: the machine, and the libraries."""
        used = ", ".join(f"{package} {' and '.join(held)}" for package, held in versions.items())
        return [f"{self.machine}; load {self.load:.1f} at the start. Data as of {self.as_of}.", f"Libraries: {used}."]


def setting(canonical: Canonical, rounds: int) -> Setting:
    """This run. A customer with several versions of its row counts once."""
    manifest, tables = canonical.manifest, canonical.manifest.tables
    with connect() as con:
        counted = con.execute(f"SELECT count(DISTINCT customer_id) FROM {canonical.relation_sql('customers')}").fetchone()
    return Setting(
        bank=manifest.bank,
        customers=int(counted[0]) if counted else 0,
        transactions=tables["transactions"].rows if "transactions" in tables else 0,
        as_of=manifest.newest_business_date,
        on=dt.datetime.now(tz=dt.UTC).date(),
        machine=machine(),
        load=os.getloadavg()[0],
        rounds=rounds,
    )


def machine() -> str:
    """Cores, model of the processor, memory, system."""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {_first('/proc/cpuinfo', 'model name')}, {_memory_gib():.0f} GiB, {platform.system()} {_kernel()}"


def _kernel() -> str:
    return ".".join(platform.release().split("-")[0].split(".")[:2])


def _memory_gib() -> float:
    return int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1024**2


def _first(path: str, key: str) -> str:
    """The value of the first line of that key."""
    for line in Path(path).read_text().splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return "0"
