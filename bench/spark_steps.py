"""`python -m bench.spark_steps`: what one date of features costs on Spark and on DuckDB, step by step, in seconds of CPU.

Run over the canonical tables of a home after a night. Whatever else the machine does, seconds of CPU are ours alone; they are
those of this process, of Spark's Java and of the Python beside its rows.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pyarrow.parquet as pq

from features import duck
from features.calendar import Clock
from features.catalog import chosen
from features.compile import gathered
from features.known import Known
from features.loading import load
from features.moment import Moment
from features.population import population
from features.reading import needed
from features.room import Room
from features.rows import row_sets
from features.spark import Spark, plain, valued
from flows.demo import open_bank
from sources.canonical import Canonical, open_canonical
from sources.connection import connect
from sources.spark import session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TICKS = os.sysconf("SC_CLK_TCK")


def _cpu(root: int) -> float:
    """Seconds of CPU of a process and all that descend from it."""
    parents, spent = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "stat").read_text().rsplit(") ", 1)[1].split()
        except (OSError, IndexError):
            continue
        parents[int(folder.name)] = int(said[1])
        spent[int(folder.name)] = sum(map(int, said[11:15])) / TICKS
    total = 0.0
    for one in spent:
        up = one
        while up not in (root, 0, 1):
            up = parents.get(up, 0)
        total += spent[one] if up == root else 0.0
    return total


@contextmanager
def _step(name: str, rows: int) -> Iterator[None]:
    began, spent = time.perf_counter(), _cpu(os.getpid())
    yield
    wall, spent = time.perf_counter() - began, _cpu(os.getpid()) - spent
    each = f"{rows / spent:>12,.0f} rows/s of a core" if rows and spent else ""
    sys.stdout.write(f"{name:40} {wall:8.1f} s {spent:8.1f} s of CPU {each}\n")
    sys.stdout.flush()


def _rows(canonical: Canonical, table: str, buckets: list[int]) -> int:
    return sum(pq.read_metadata(file).num_rows for bucket in buckets for file in canonical.files(table, bucket))


def _run(frame: DataFrame) -> None:
    """All of it computed and thrown away."""
    frame.write.format("noop").mode("overwrite").save()


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m bench.spark_steps", description=__doc__)
    asked.add_argument("--bank", type=Path, default=Path("configs/banks/demo.yaml"))
    asked.add_argument("--home", type=Path, default=Path("var"))
    asked.add_argument("--canonical", type=Path, help="canonical tables elsewhere than in the home")
    asked.add_argument("--buckets", type=int, default=0, help="so many buckets of customers; 0: all")
    asked.add_argument("--property", action="append", default=[], help="NAME=VALUE for Spark")
    said = asked.parse_args()
    bank = open_bank(said.bank, said.home)
    canonical = open_canonical(said.canonical or said.home / bank.bank.id / "canonical")
    as_of, buckets = canonical.manifest.newest_business_date, list(range(said.buckets or canonical.manifest.buckets))
    counts = {name: _rows(canonical, name, buckets) for name in ("customers", "transactions", "balances")}
    wanted = [one for _, one, spec in chosen(canonical, bank.features) if spec.available]
    both = counts["transactions"] + counts["balances"]
    sys.stdout.write(f"{counts['customers']:,} customers, {both:,} transactions and balances, {len(wanted)} columns, {as_of}\n")
    sets = row_sets()
    reads = needed(wanted, sets)
    moment = Moment(Clock(as_of, bank.features.calendar), {})
    script = duck.compiled(tuple(one.name for one in wanted), canonical.mapped, 100)
    with connect() as con, Room(bank.limits.threads) as room:
        with _step("DuckDB: tables loaded", both):
            held = load(con, canonical, buckets, reads, room)
        with _step("DuckDB: one date", both):
            for _bucket, made in script.run(con, held, moment, room):
                made()
    with _step("Spark: session", 0):
        spark = session(dict(pair.split("=", 1) for pair in said.property))
    tables = {name: plain(spark, canonical, name, names, as_of, buckets) for name, names in sorted(reads.items())}
    with _step("Spark: transactions read", counts["transactions"]):
        _run(tables["transactions"])
    with _step("Spark: balances read, the one before each", counts["balances"]):
        _run(tables["balances"])
    known = Known(moment, Spark(tables), sets, canonical.has)
    for name, table in (("transactions", "transactions"), ("balance_changes", "balances")):
        with _step(f"Spark: rows of {name} kept", counts[table]):
            kept: Any = known.rows(name).to_native()
            _run(kept)
    people = population(known).with_columns(nw.lit(0).cast(nw.Int32).alias("bucket"))
    with _step("Spark: plan of all leaves", 0):
        leaves = gathered(known, people, wanted).to_native().localCheckpoint(eager=False)
    with _step("Spark: leaves summed", both):
        _run(leaves)
    with _step("Spark: ratios beside the rows", leaves.count()):
        _run(valued(leaves, bank.features.calendar, as_of, wanted, 100))
    for info in spark._jsc.sc().getRDDStorageInfo():
        if info.memSize() + info.diskSize() > 1_000_000:
            sys.stdout.write(f"  kept {info.name()[:60]!r}: {(info.memSize() + info.diskSize()) / 1e6:,.0f} MB\n")
    pid = spark._jvm.java.lang.ProcessHandle.current().pid()
    peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    sys.stdout.write(f"Java's {peak}\n")


if __name__ == "__main__":
    main()
