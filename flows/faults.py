"""What the machine did to a run, said as such: memory, disk, files that cannot be read, in whatever words a library put it."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake.exceptions import DeltaError

from flows import damage
from flows.home import Home
from store.errors import DataDamaged, DiskFull, MachineFault, OutOfMemory, TerraceError
from store.limits import USUAL, Limits

_NO_SPACE = ("No space left on device", "database or disk is full", "Disk quota exceeded")
_SPILLED = "max_temp_directory_size"
_NAMED = re.compile(r"""["']([^"']+\.parquet)["']""")
_READING = (  # what libraries raise where bytes are not what they should be; a statement that is wrong is none of these
    duckdb.IOException,
    duckdb.InvalidInputException,
    duckdb.InternalException,
    duckdb.FatalException,
    pa.ArrowException,
    DeltaError,
    OSError,
)
AGAIN = "then run again: it goes on where it stood"
ANEW = "then run again: it begins anew"


@contextmanager
def named(home: Home, limits: Limits | None) -> Iterator[None]:
    """Raises MachineFault from an error that the machine's state is the cause of; every other goes through as it is.

    `limits`: None where no bank's hold: its files are only being made.
    """
    try:
        yield
    except TerraceError:
        raise
    except Exception as error:
        fault = fault_of(error, home, limits)
        if fault is None:
            raise
        raise fault from error


def fault_of(error: Exception, home: Home, limits: Limits | None) -> MachineFault | None:
    """The fault of the machine that an error comes of; None where it comes of something else."""
    chain = _chain(error)
    step = next((str(one.step) for one in chain if hasattr(one, "step")), "")
    where = f"step {step}" if step else home.root.name
    for is_it, used_up in ((_is_spilled, _no_space), (_is_full, _no_room), (_is_memory, _no_memory)):
        if any(is_it(one) for one in chain):
            return used_up(where, home, limits)
    reading = [one for one in chain if isinstance(one, _READING) or type(one) is duckdb.Error]  # the latter: of a broken page
    return (damage.found(home) or _unreadable(reading, home)) if reading else None


def _no_space(where: str, _home: Home, limits: Limits | None) -> DiskFull:
    return DiskFull(
        "the temporary space is used up",
        where=where,
        expected=f"to get by with {(limits or USUAL).temporary_space} beside the bank's tables, or with what the disk has left",
        do=f"make room on the disk, set limits.temporary_space or limits.memory higher or limits.threads lower; {AGAIN}",
    )


def _no_room(where: str, home: Home, limits: Limits | None) -> DiskFull:
    there = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    return DiskFull(
        f"the disk is full: {shutil.disk_usage(there).free // 1_000_000:,} MB are left",
        where=where,
        expected=f"room on the disk of {home.root}",
        do=f"make room, or name a --home on a larger disk; {AGAIN if limits else ANEW}",
    )


def _no_memory(where: str, _home: Home, limits: Limits | None) -> OutOfMemory:
    if limits is None:
        return OutOfMemory(
            "memory ran out",
            where=where,
            expected="every customer of the bank in memory, while its files are made",
            do=f"ask for fewer customers, or free memory; {ANEW}",
        )
    return OutOfMemory(
        "memory ran out",
        where=where,
        expected=f"to get by with {limits.memory}, one half of it for the database engine",
        do=f"set limits.memory higher if the machine has more, or limits.threads or limits.rows_per_load lower; {AGAIN}",
    )


def _chain(error: BaseException) -> list[BaseException]:
    """An error and those it came of."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def _is_spilled(error: BaseException) -> bool:
    return isinstance(error, duckdb.OutOfMemoryException) and _SPILLED in str(error)


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return not isinstance(error, TerraceError) and any(said in str(error) for said in _NO_SPACE)


def _is_memory(error: BaseException) -> bool:
    is_told = isinstance(error, OSError) and error.errno == errno.ENOMEM
    return is_told or isinstance(error, MemoryError | duckdb.OutOfMemoryException)


def _unreadable(reading: list[BaseException], home: Home) -> DataDamaged | None:
    """A Parquet file that is there and that a library says it cannot read."""
    for error in reading:
        if isinstance(error, OSError) and error.errno not in (None, errno.EACCES, errno.EPERM, errno.EIO):
            continue
        for name in [*_NAMED.findall(str(error)), *([str(error.filename)] if isinstance(error, PermissionError) else [])]:
            if Path(name).is_file():
                return damage.unreadable(Path(name), home)
    return None
