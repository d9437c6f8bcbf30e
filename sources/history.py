"""What a bank's full files have said so far: raw rows as versions, and the days they were compared for.

One Parquet file per input under `history/`, its days in its own metadata: whole or not there. It is the only thing of an
intake that cannot be made again once the bank has cleared its old files away.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from sources.sqltext import ident, literal
from store.files import atomic_path
from store.fingerprint import of_json

FILE_ON, GONE = "file_on", "is_gone"  # columns beside the bank's own: the day a version began; true: its key is gone
_DAYS = b"days"


@dataclass(frozen=True)
class Day:
    """One day's full file: where it came from, how many rows it had, and a hash of what it said."""

    on: dt.date
    file: str
    rows: int
    content: str


@dataclass(frozen=True)
class History:
    """The days of one input that were compared, oldest first."""

    name: str
    path: Path
    days: tuple[Day, ...] = ()

    def contents(self) -> dict[dt.date, str]:
        """Day -> hash of what it said."""
        return {day.on: day.content for day in self.days}

    def columns(self, con: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """The bank's own columns -> DuckDB type; none before the first day."""
        if not self.days:
            return {}
        rows = con.execute(f"DESCRIBE SELECT * FROM {self.relation}").fetchall()
        return {row[0]: row[1] for row in rows if row[0] not in (FILE_ON, GONE)}

    @property
    def relation(self) -> str:
        """`read_parquet(...)` text over its versions."""
        return f"read_parquet({literal(str(self.path))})"


def open_history(root: Path, name: str) -> History:
    """The history of an input under `root`, without a day where none has been kept."""
    path = root / "history" / f"{name}.parquet"
    if not path.exists():
        return History(name, path)
    kept = json.loads(pq.read_schema(path).metadata[_DAYS])
    return History(name, path, tuple(Day(**(day | {"on": dt.date.fromisoformat(day["on"])})) for day in kept))


def keep_history(con: duckdb.DuckDBPyConnection, history: History, days: Sequence[Day]) -> None:
    """Write the relation of the input's name as its history, in a total order and in one step."""
    said = json.dumps(
        [asdict(day) | {"on": day.on.isoformat()} for day in sorted(days, key=lambda d: d.on)], ensure_ascii=False
    )
    reader = con.sql(f"SELECT * FROM {ident(history.name)} ORDER BY ALL").to_arrow_reader(100_000)
    schema = reader.schema.with_metadata({_DAYS: said.encode()})
    with atomic_path(history.path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))


def fingerprint(history: History, delivered: Mapping[dt.date, str]) -> str:
    """Hash of all days that are known or have come: files cleared away after they were compared change nothing."""
    return of_json({day.isoformat(): content for day, content in (history.contents() | dict(delivered)).items()})
