"""What a canonical table holds once it is written, as the manifest says it: its files, and its rows counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from pydantic import BaseModel, ConfigDict

from sources.canonical import DataFile, TableState
from sources.connection import connect
from sources.sqltext import ident
from sources.tables import TABLES
from sources.written import KNOWING, columns_of
from store.fingerprint import of_file
from store.limits import Limits


class Counts(BaseModel):
    """What a canonical table holds, counted: enough to go on counting."""

    model_config = ConfigDict(frozen=True)
    rows: int = 0
    filled: dict[str, int] = {}  # column -> rows with a value
    days: dict[dt.date, int] = {}  # event date -> rows
    content: int = 0  # sum of the rows' hashes

    def changed(self, added: Counts, removed: Counts) -> Counts:
        """These counts after some rows came and some went."""
        return Counts(
            rows=self.rows + added.rows - removed.rows,
            filled=_sums(self.filled, added.filled, removed.filled),
            days=_sums(self.days, added.days, removed.days),
            content=self.content + added.content - removed.content,
        )


def _sums(counts: Mapping[Any, int], added: Mapping[Any, int], removed: Mapping[Any, int]) -> dict[Any, int]:
    keys = sorted({*counts, *added, *removed})
    sums = {key: counts.get(key, 0) + added.get(key, 0) - removed.get(key, 0) for key in keys}
    return {key: count for key, count in sums.items() if count}


def noted_files(root: Path, name: str, table: DeltaTable, known: Iterable[DataFile] = ()) -> tuple[DataFile, ...]:
    """The data files of a Delta table as it was opened, by its log: a folder's name may hold blanks or Chinese."""
    added = pa.table(table.get_add_actions(flatten=True)).to_pydict()
    buckets = added.get("partition.bucket", [None] * len(added["path"]))
    there, found = {file.path: file for file in known}, []
    for path, bucket in sorted(zip(added["path"], buckets, strict=True)):
        place = f"{name}/{path}"
        if place not in there:
            size, sha256 = (root / place).stat().st_size, of_file(root / place)
            there[place] = DataFile(path=place, size=size, sha256=sha256, bucket=bucket)
        found.append(there[place])
    return tuple(found)


def mapped_columns(name: str, present: Iterable[str]) -> tuple[str, ...]:
    """The columns among those of a relation that are the table's own."""
    return tuple(c for c in present if c in TABLES[name].names or (name == "snapshots" and c not in KNOWING))


def state_of(
    name: str,
    version: int,
    present: Iterable[str],
    undated: Sequence[str],
    counted: Counts,
    files: tuple[DataFile, ...],
    hidden: DataFile | None = None,
) -> TableState:
    """What is said of a table to those who read it."""
    mapped, event = mapped_columns(name, present), TABLES[name].event
    days = counted.days if event in mapped else {}
    return TableState(
        rows=counted.rows,
        delta_version=version,
        undated=tuple(undated),
        mapped=mapped,
        filled=tuple(c for c in mapped if counted.filled.get(c)),
        first_on=min(days, default=None),
        last_on=max(days, default=None),
        fingerprint=f"{counted.content % 2**128:032x}",
        files=files,
        hidden=hidden,
    )


def counts_sql(name: str, columns: Sequence[str], relation: str) -> str:
    """A SELECT of one row per event date: day, rows, sum of the rows' hashes, and per column of the table rows with a value."""
    event = TABLES[name].event
    day = ident(event) if event and event in columns else "NULL::DATE"
    listed = ", ".join(ident(c) for c in sorted(columns))
    filled = ", ".join(f"count({ident(c)})" for c in mapped_columns(name, columns)) or "0"
    return f"SELECT {day}, count(*), sum(hash({listed})), {filled} FROM {relation} GROUP BY 1"


def counted_of(name: str, columns: Sequence[str], found: Sequence[tuple[Any, ...]]) -> Counts:
    """Counts from the answer to `counts_sql`."""
    mapped = mapped_columns(name, columns)
    return Counts(
        rows=sum(row[1] for row in found),
        content=sum(int(row[2]) for row in found),
        days={row[0]: row[1] for row in sorted(found, key=str) if row[0]},
        filled={c: sum(row[3 + i] for row in found) for i, c in enumerate(mapped)},
    )


def count_rows(name: str, relation: str, limits: Limits) -> Counts:
    """What a relation of canonical files holds, counted. On a connection of its own: the writer's may be closed to files."""
    with connect(limits, part=4) as con:
        columns = columns_of(con, relation)
        return counted_of(name, columns, con.execute(counts_sql(name, columns, relation)).fetchall())
