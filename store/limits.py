"""What of this machine a run may use: the section `limits` of a bank file. It changes no result and enters no hash."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from store.settings import Settings

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([MGT])(i?)B")
_UNITS = {"M": 2, "G": 3, "T": 4}
_ROWS_PER_KB = 6  # of memory: movements and balances that are loaded at once


def bytes_of(size: str) -> int:
    """A size as people write it in bytes: 4GB, 1.5 GiB, 800MB. Raises ValueError."""
    found = _SIZE.fullmatch(size)
    if found is None:
        raise ValueError("write a size as 4GB, 800MB or 1.5TB")
    number, unit, is_binary = found.groups()
    return int(float(number) * (1024 if is_binary else 1000) ** _UNITS[unit])


def _at_least(least: str) -> AfterValidator:
    def enough(size: str) -> str:
        if bytes_of(size) < bytes_of(least):
            raise ValueError(f"too little to work with; at least {least}")
        return size

    return AfterValidator(enough)


Memory = Annotated[str, _at_least("1GB")]  # tables of 300 columns take a block of each, however few their rows
Space = Annotated[str, _at_least("256MB")]


class Limits(Settings):
    """Threads, memory and temporary space of one run."""

    threads: int = Field(default=2, ge=1, le=256)  # of every engine; also processes that write workbooks
    memory: Memory = "4GB"  # one half is the database engine's, which then spills to disk; one half is for rows held as arrays
    temporary_space: Space = "50GB"  # for what is spilled, beside the bank's tables
    rows_per_load: int | None = Field(default=None, gt=0)  # movements and balances in work at once; else by the memory

    def share(self, lanes: int) -> Limits:
        """What each may use of so many that work beside each other."""
        return Limits.model_construct(
            threads=max(1, self.threads // lanes),
            memory=f"{bytes_of(self.memory) // lanes // 10**6}MB",
            temporary_space=f"{bytes_of(self.temporary_space) // lanes // 10**6}MB",
            rows_per_load=self.rows_per_load and max(1, self.rows_per_load // lanes),
        )

    @property
    def rows_at_once(self) -> int:
        """Transactions and balances whose features are summed at once."""
        return self.rows_per_load or bytes_of(self.memory) * _ROWS_PER_KB // 1000


USUAL = Limits()  # what a bank that says nothing has: a county's machine of two cores
