"""One row per transaction that stands at the date, flat, in one file: made once, outside the clock, for ways that are not ours.

Written by hand from the canonical tables, apart from the engine: what rivals find in it proves the engine right as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from bench import declared
from bench.answers import relation
from bench.opened import Opened, opened
from bench.place import Found, Place
from features.calendar import Clock
from features.engine import file_of
from sources.canonical import as_of_sql
from sources.connection import connect

ROWS, TASK = "transactions.parquet", "task.json"
FLAT = """
WITH known AS ({known}),
back AS (SELECT r.transaction_id, r.reverses_id, r.amount FROM known r SEMI JOIN known o ON r.reverses_id = o.transaction_id),
undone AS (SELECT reverses_id, sum(amount) AS amount FROM back GROUP BY ALL),
standing AS (
    SELECT k.*, k.amount + coalesce(u.amount, 0) AS net
    FROM (SELECT * FROM known ANTI JOIN back USING (transaction_id)) k LEFT JOIN undone u ON k.transaction_id = u.reverses_id)
SELECT customer_id, CAST("on" - DATE '1970-01-01' AS INTEGER) AS day, CAST(abs(net) AS DOUBLE) AS amount,
    CAST(CASE WHEN net > 0 THEN 1 ELSE -1 END AS INTEGER) AS direction, channel, category, counterparty_kind,
    CAST(counterparty_bank IS NOT NULL AS INTEGER) AS elsewhere
FROM standing SEMI JOIN {population} USING (customer_id)
WHERE net <> 0 {most}"""
COLUMNS = (
    "customer_id",
    "transaction_id",
    "reverses_id",
    "on",
    "amount",
    "channel",
    "category",
    "counterparty_kind",
    "counterparty_bank",
)


def flat(place: Place) -> Callable[[], Found]:
    """Writes the rows and the task that rivals are given.

    Our own answer is made with it: it says who has a row of features at all.
    """
    here = opened(place)

    def run() -> Found:
        ours = here.build([here.as_of], folder_of(place), declared.names(here)).path(here.as_of)
        write(here, ours, place.work)
        return Found()

    return run


def rows_of(work: Path, customers: int) -> Path:
    """Where the rows and the task of so many customers lie; of all of them, where that is 0."""
    return work / f"customers-{customers}" if customers else work


def folder_of(place: Place) -> Path:
    """Where our own answer lies."""
    return place.work / "terrace"


def our_answer(here: Opened) -> Path:
    """Our windowed sums of the newest date."""
    return file_of(folder_of(here.place), here.as_of)


def write(here: Opened, population: Path, folder: Path, customers: int = 0) -> None:
    """Rows and task into `folder`; of the first `customers` by id only, where that is not 0."""
    most = f"AND customer_id IN (SELECT customer_id FROM {relation(population)} ORDER BY 1 LIMIT {customers})"
    known = as_of_sql("transactions", here.canonical.relation_sql("transactions"), here.as_of, COLUMNS)
    sql = FLAT.format(known=known, population=relation(population), most=most if customers else "")
    with connect(here.bank.limits, here.place.work / "spill") as con:
        con.execute(f"COPY ({sql}) TO '{folder / ROWS}' (FORMAT parquet)")
    task = {
        "rows": str(folder / ROWS),
        "day": Clock(here.as_of, here.bank.features.calendar).day,
        "minor": declared.minor(here),
        "sums": [one.plain() for one in declared.sums(here)],
    }
    (folder / TASK).write_text(json.dumps(task))
