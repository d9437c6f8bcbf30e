"""Taking data in: everything against reading and writing once, and a further day against everything."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

from bench.answers import Alike
from bench.apart import Way
from bench.contest import Contest, Pair
from bench.opened import Opened, opened
from bench.parting import linked, parted, with_day
from bench.place import Found, Place, Run
from flows.bank import BankFile
from flows.chores import taken_in
from flows.demo import folder_of
from flows.home import Home
from sources.canonical import Canonical, as_of_sql, open_canonical
from sources.connection import connect
from sources.delivery import paths_of
from sources.demo.delivery import deliver_next
from sources.tables import TABLES

ROWS_OF_A_CUSTOMER = Alike(("table", "customer_id"))


def intake(place: Place) -> Run:
    """All that the bank delivered, into a home without anything."""
    here = opened(place)
    home = _empty(place.work / "home", here.bank)

    def run() -> Found:
        return Found(rows=_rows(taken_in(here.bank, home, lambda *_: None)))

    return run


def read_and_write(place: Place) -> Run:
    """Every delivered file read once as it lies, every canonical table written once; no check, no order."""
    here = opened(place)
    inputs = here.bank.sources.inputs
    paths = {name: paths_of(here.bank.base, spec) for name, spec in inputs.items() if spec.files}

    def run() -> Found:
        started = time.perf_counter()
        with connect(here.bank.limits) as con:  # its COPY writes row groups by as many threads
            for name, files in paths.items():
                if inputs[name].format == "parquet":
                    listed = ", ".join(f"'{path}'" for path in files)
                    con.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet([{listed}])").fetchall()
                else:
                    for path in files:
                        path.read_bytes()
            read = time.perf_counter() - started
            for table in here.canonical.manifest.tables:
                out = place.work / f"{table}.parquet"
                con.execute(f"COPY (FROM {here.canonical.relation_sql(table)}) TO '{out}' (FORMAT parquet)")
        parts = {"read": read, "write": time.perf_counter() - started - read}
        return Found(rows=_rows(here.canonical), parts=parts)

    return run


def part(place: Place) -> Run:
    """The delivery without its newest day, and a home it was taken into."""
    here = opened(place)

    def run() -> Found:
        bank = parted(here, place.work / "delivery")
        taken_in(bank, _empty(place.work / "before", bank), lambda *_: None)
        with_day(place.work / "delivery")
        return Found()

    return run


def a_day(place: Place) -> Run:
    """One further day, into a home that holds all days before it."""
    here = opened(place)
    return _whole_delivery(here, _copied(place, "before", here.bank), True)


def everything(place: Place) -> Run:
    """The same delivery, that day included, into a home without anything."""
    here = opened(place)
    return _whole_delivery(here, _empty(place.work / "at-once", here.bank))


def before_next(place: Place) -> Run:
    """All that has been delivered, a home it was taken into, and then the first day that is held back."""
    here = opened(place)

    def run() -> Found:
        bank = replace(here.bank, base=linked(here.bank.base, place.work / "next"))
        taken_in(bank, _empty(place.work / "before-next", bank), lambda *_: None)
        deliver_next(folder_of(bank.base))
        return Found()

    return run


def the_next(place: Place) -> Run:
    """The day that was held back, into a home that holds all days before it."""
    here = opened(place)
    return _taken(replace(here.bank, base=place.work / "next"), _copied(place, "before-next", here.bank), True)


def everything_with_next(place: Place) -> Run:
    """The same delivery, that day included, into a home without anything."""
    bank = replace(opened(place).bank, base=place.work / "next")
    return _taken(bank, _empty(place.work / "at-once-next", bank))


def _whole_delivery(here: Opened, home: Home, is_day: bool = False) -> Run:
    return _taken(parted(here, here.place.work / "delivery"), home, is_day)


def _taken(bank: BankFile, home: Home, is_day: bool = False) -> Run:
    before = _rows(open_canonical(home.canonical)) if is_day else 0

    def run() -> Found:
        canonical = taken_in(bank, home, lambda *_: None)
        whole = _rows(canonical)
        notes = [_of_day(canonical.manifest.newest_business_date, whole - before, whole)] if is_day else []
        return Found(lambda: by_customer(canonical, home.root / "answer.parquet"), whole, notes=notes)

    return run


def _of_day(on: dt.date, new: int, whole: int) -> str:
    return f"{on:%A}, {on}: {new:,} new rows of then {whole:,}"


def by_customer(canonical: Canonical, out: Path) -> Path:
    """One row per table and customer: how many rows are known of them at the newest date, and what all of them say together."""
    as_of, parts = canonical.manifest.newest_business_date, []
    for table, state in sorted(canonical.manifest.tables.items()):
        columns = [name for name in TABLES[table].names if name in state.mapped]
        who = "'' AS customer_id" if TABLES[table].by == "bank" else "customer_id"
        listed = ", ".join(f'"{name}"' for name in columns)
        known = as_of_sql(table, canonical.relation_sql(table), as_of)
        parts.append(
            f"SELECT '{table}' AS \"table\", {who}, count(*) AS rows, bit_xor(hash({listed})) AS said "
            f"FROM ({known}) GROUP BY ALL"
        )
    with connect() as con:
        con.execute(f"COPY ({' UNION ALL '.join(parts)}) TO '{out}' (FORMAT parquet)")
    return out


def _rows(canonical: Canonical) -> int:
    return sum(state.rows for state in canonical.manifest.tables.values())


def _copied(place: Place, before: str, bank: BankFile) -> Home:
    """A home as an earlier way left it, to go on from; on the disk, for an intake that syncs would else wait for the copy."""
    root = place.work / f"{before}-and-later"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(place.work / before, root)
    os.sync()
    return Home(root / bank.bank.id)


def _empty(root: Path, bank: BankFile) -> Home:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    return Home(root / bank.bank.id)


INTAKE = Contest(
    "intake",
    "the bank's files to checked canonical tables; floor: every file read once, every table written once, no check, no order",
    (
        Pair(
            Way("terrace, everything", "bench.intake_ways:intake"),
            Way("floor: read every file, write every table", "bench.intake_ways:read_and_write"),
        ),
    ),
)


def day(is_held_back: bool) -> Contest:
    """The newest business date, and the one after it, where the demo bank holds that back."""
    newest = Pair(
        Way("terrace, the newest business date", "bench.intake_ways:a_day"),
        Way("terrace, everything at once", "bench.intake_ways:everything"),
        ROWS_OF_A_CUSTOMER,
        aim=0.03,
    )
    following = Pair(
        Way("terrace, the business date after it", "bench.intake_ways:the_next"),
        Way("terrace, everything at once, that date too", "bench.intake_ways:everything_with_next"),
        ROWS_OF_A_CUSTOMER,
        aim=0.03,
    )
    before = Way("the delivery without its newest day, taken in", "bench.intake_ways:part")
    before_that = Way("the whole delivery, taken in", "bench.intake_ways:before_next")
    return Contest(
        "day",
        "one further business date against everything at once; both end with the same rows of every customer",
        (newest, following) if is_held_back else (newest,),
        before=(before, before_that) if is_held_back else (before,),
    )
