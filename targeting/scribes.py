"""Workbooks written by several processes at once: each depends on the book and its reader alone, whoever writes it."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import ProcessDied

if TYPE_CHECKING:
    from targeting.list_book import ListBook
    from targeting.sharing import Reader

Progress = Callable[[str, int, int], None]
Write = Callable[["ListBook", "Reader"], bytes]
WORTH = 100  # workbooks for each process: fewer are written before another has started and imported what it needs
_AT_HAND: list[tuple[Write, ListBook, Path]] = []  # of a process: what all its workbooks share


def write_each(
    write: Write, book: ListBook, readers: Sequence[Reader], out: Path, processes: int, progress: Progress | None = None
) -> list[Path]:
    """The paths of all workbooks, in the readers' order. Raises ProcessDied where one was killed; then some are missing."""
    paths = [_path(out, reader) for reader in readers]
    hands = min(processes, len(readers) // WORTH)
    if hands < 2:
        for number, reader in enumerate(readers, 1):
            _path(out, reader).write_bytes(write(book, reader))
            if progress:
                progress("workbooks", number, len(readers))
        return paths
    # spawned, not forked: this process has threads of DuckDB, Arrow and Prefect
    pool = ProcessPoolExecutor(hands, multiprocessing.get_context("spawn"), _sit_down, (write, book, out))
    try:
        waiting = [pool.submit(_write_one, reader) for reader in readers]
        for number, done in enumerate(as_completed(waiting), 1):
            done.result()
            if progress:
                progress("workbooks", number, len(readers))
    except BrokenProcessPool:
        raise ProcessDied(
            "a process that writes workbooks died",
            where=f"workbooks, {hands} processes",
            expected=f"{len(readers)} workbooks",
            do="look whether memory ran out, or set limits.threads lower; nothing was published",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
    return paths


def _path(out: Path, reader: Reader) -> Path:
    return out / f"{reader.file_name}.xlsx"


def _sit_down(write: Write, book: ListBook, out: Path) -> None:
    _AT_HAND[:] = [(write, book, out)]
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """A night that is killed leaves no process behind: nobody would ever give it work again."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _write_one(reader: Reader) -> None:
    write, book, out = _AT_HAND[0]
    _path(out, reader).write_bytes(write(book, reader))
