"""Parts of dates in work: a file per date and bucket, kept until the date is whole, so that a stop costs one bucket."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


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

    def has(self, on: dt.date, buckets: Iterable[int]) -> bool:
        """Whether all these buckets are done: files that are there and whole as far as their ends tell."""
        return all(_ends_well(self.path(on, bucket)) for bucket in buckets)

    def clear(self) -> None:
        """Nothing is in work any more."""
        shutil.rmtree(self.out / ".parts", ignore_errors=True)


def _ends_well(path: Path) -> bool:
    """Whether a Parquet file is there with its footer, which is written last."""
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowInvalid):
        return False
    return True
