"""What of this machine a run may use: the section `limits` of a bank file. It changes no result and enters no hash."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from store.settings import Settings

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([MGT])(i?)B")
_UNITS = {"M": 2, "G": 3, "T": 4}
_LEAST = 256_000_000  # bytes, below which the database engine cannot sort a bucket
_ROWS_PER_KB = 3  # of memory: movements and balances that are loaded at once


def bytes_of(size: str) -> int:
    """A size as people write it in bytes: 4GB, 1.5 GiB, 800MB. Raises ValueError."""
    found = _SIZE.fullmatch(size)
    if found is None:
        raise ValueError("write a size as 4GB, 800MB or 1.5TB")
    number, unit, is_binary = found.groups()
    return int(float(number) * (1024 if is_binary else 1000) ** _UNITS[unit])


def _enough(size: str) -> str:
    if bytes_of(size) < _LEAST:
        raise ValueError("too little to work with; at least 256MB")
    return size


Size = Annotated[str, AfterValidator(_enough)]


class Limits(Settings):
    """Threads, memory and temporary space of one run."""

    threads: int = Field(default=2, ge=1, le=256)  # of every engine; also processes that write workbooks
    memory: Size = "4GB"  # one half is the database engine's, which then spills to disk; one half is for rows held as arrays
    temporary_space: Size = "50GB"  # for what is spilled, beside the bank's tables
    rows_per_load: int | None = Field(default=None, gt=0)  # movements and balances in work at once; else by the memory

    @property
    def rows_at_once(self) -> int:
        """Transactions and balances whose features are summed at once."""
        return self.rows_per_load or bytes_of(self.memory) * _ROWS_PER_KB // 1000

    def duckdb(self, spill: Path | None, part: int = 2) -> dict[str, str]:
        """DuckDB's own settings for one so-manieth `part` of the memory; what does not fit is an error without a `spill`."""
        return {
            "threads": str(self.threads),
            "memory_limit": f"{bytes_of(self.memory) // part // 1000}KB",
            "temp_directory": str(spill or ""),
            **({"max_temp_directory_size": f"{bytes_of(self.temporary_space) // 1000}KB"} if spill else {}),
        }


USUAL = Limits()  # what a bank that says nothing has: a county's machine of two cores
