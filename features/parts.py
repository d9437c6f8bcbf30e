"""Parts of dates in work: a file per date and bucket, kept until the date is whole, so that a stop costs one bucket.

Beside each part is noted what was written; a build that goes on takes over only what still is that.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features.compile import KEY
from features.declare import Feature
from store.files import read_json, to_json, write_parquet
from store.fingerprint import of_contents, of_file, unlike


@dataclass(frozen=True)
class Parts:
    """Unfinished dates under `out`, all made of the same data, settings and code; what others left is cleared away."""

    out: Path
    key: str

    def __post_init__(self) -> None:
        for other in (self.out / ".parts").glob("*"):
            if other != self.root:
                shutil.rmtree(other, ignore_errors=True)
        for left in self.root.glob("*/.*"):  # a file that was being written when a build was killed
            left.unlink()

    @property
    def root(self) -> Path:
        return self.out / ".parts" / self.key[:16]

    def folder(self, on: dt.date) -> Path:
        """What becomes the folder of that date."""
        return self.root / f"as_of={on.isoformat()}"

    def path(self, on: dt.date, bucket: int) -> Path:
        """The file of one bucket; it is whole or not there."""
        return self.folder(on) / f"bucket-{bucket:04}.parquet"

    def write(self, on: dt.date, bucket: int, table: pa.Table) -> None:
        """Write the file of one bucket, and note its size and content."""
        path, note = self.path(on, bucket), self._note(on, bucket)
        write_parquet(path, table)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(to_json([path.stat().st_size, of_file(path)]), encoding="utf-8")  # lost or cut short: written again

    def has(self, on: dt.date, buckets: Iterable[int]) -> bool:
        """Whether all these buckets are done, as they were written: an earlier run's files are read once and compared."""
        return all(self._is_as_written(on, bucket) for bucket in buckets)

    def fingerprint(self, on: dt.date) -> str:
        """SHA-256 of the finished folder of that date, of what was noted as each file was written."""
        notes = sorted(self._note(on, 0).parent.glob("*.json"))
        return of_contents((self.path(on, int(note.stem)).name, str(read_json(note)[1])) for note in notes)

    def clear(self) -> None:
        """Nothing is in work any more."""
        shutil.rmtree(self.out / ".parts", ignore_errors=True)

    def _note(self, on: dt.date, bucket: int) -> Path:
        return self.root / "written" / on.isoformat() / f"{bucket:04}.json"  # the date's own folder becomes features

    def _is_as_written(self, on: dt.date, bucket: int) -> bool:
        try:
            size, content = read_json(self._note(on, bucket))
        except (OSError, ValueError, TypeError):
            return False
        return not unlike(self.path(on, bucket), int(size), str(content))


def finished(table: pa.Table, wanted: Sequence[Feature], on: dt.date) -> pa.Table:
    """The rows as they stand, with the as_of, and every column in its published type."""
    columns_ = {KEY: table[KEY].cast(pa.string()), "as_of": pa.array([on] * table.num_rows, pa.date32())}
    for one in wanted:
        column = table[one.name]
        if one.unit == "category":
            columns_[one.name] = column.cast(pa.string())
        elif one.unit == "date":
            columns_[one.name] = column.cast(pa.int32()).cast(pa.date32())
        else:
            columns_[one.name] = column.cast(pa.float64())
    return pa.table(columns_).combine_chunks()
