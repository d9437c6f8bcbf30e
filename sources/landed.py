"""What was landed: every mapped row as it was read, before any check, and what was said of it; kept under `HOME/landed/`.

An intake adds files and never changes one. `state-N.json` names the files in force after intake N and holds what is known of
the whole without reading it again: pieces, counts, days. The manifest of the canonical tables names N: both change at once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict

from sources.inventory import Counts
from sources.rules import Action
from sources.sqltext import ident, literal, literals
from store.files import read_json, write_text
from store.fingerprint import of_file, unlike

_OWN = re.compile(r"state-\d+\.json|lines-\d+\.parquet")  # what intakes write into the folder itself
ROWS = 44  # bits of `_row` that number rows within an intake; those above are the intake's number


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class File(_Kept):
    """A file kept: its path under the home's folder it belongs to, size and content hash."""

    path: str
    size: int
    sha256: str

    def wrong(self, root: Path) -> str:
        """What is seen to be wrong with it without reading it; empty: nothing."""
        return unlike(root / self.path, self.size)

    def damaged(self, root: Path) -> str:
        """What is wrong with it, its content looked at; empty: nothing."""
        return unlike(root / self.path, self.size, self.sha256)


def noted(root: Path, path: Path) -> File:
    """The note of a file that has just been written."""
    return File(path=path.relative_to(root).as_posix(), size=path.stat().st_size, sha256=of_file(path))


class Piece(_Kept):
    """One delivered file that was taken in: its rows, and the range of their numbers where they can be told (else 0, 0)."""

    input: str
    name: str
    sha256: str
    on: dt.date | None = None
    rows: int = 0
    unreadable: int = 0
    garbled: int = 0
    blanks: dict[str, int] = {}
    first: int = 0
    end: int = 0


class TableKept(_Kept):
    """One canonical table's mapped rows, and what was found of them."""

    columns: tuple[str, ...]
    knowing: tuple[str, ...]
    unread: tuple[str, ...]
    origin: dict[str, str]
    compared: bool
    files: tuple[File, ...] = ()
    dropped: File | None = None  # numbers of rows that a file sent again has taken back
    verdict: File | None = None  # _row, rules, out, copy, source
    several: File | None = None  # keys that were told more than once, of rows that belong to an account or a loan
    source_rows: int = 0
    rows: int = 0
    quarantined: int = 0
    copies: int = 0
    days: dict[dt.date, int] = {}  # event date -> usable rows, for the tables of gates
    mapped_days: dict[dt.date, int] = {}  # event date -> mapped rows, for tables that tell how far the data goes
    ahead_after: dt.date | None = None
    sums: dict[str, str] = {}  # control totals
    actions: dict[str, Action] = {}  # rule and column -> what is done with a row that breaks it
    examples: dict[str, tuple[str, ...]] = {}  # rule and column -> rows that broke it
    counts: Counts = Counts()


class RunningKept(_Kept):
    """Running balances: one row per account in `files`, of several the one of the latest intake."""

    files: tuple[File, ...] = ()
    breaks: File | None = None
    start: dt.date | None = None
    account_days: int = 0
    inexact: int = 0
    broken: int = 0
    closed: int = 0
    unclosed: int = 0


class State(_Kept):
    """All that intakes so far have left."""

    intake: int = 0
    pieces: tuple[Piece, ...] = ()
    lines: File | None = None  # lines that could not be read
    tables: dict[str, TableKept] = {}
    running: RunningKept | None = None
    derived: Counts | None = None  # balances made of transactions

    def of_input(self, name: str) -> dict[str, Piece]:
        """The pieces of an input by name."""
        return {piece.name: piece for piece in self.pieces if piece.input == name}

    @property
    def files(self) -> list[File]:
        """Every file in force."""
        found = [self.lines, *((self.running.breaks, *self.running.files) if self.running else ())]
        for table in self.tables.values():
            found += [*table.files, table.dropped, table.verdict, table.several]
        return [file for file in found if file is not None]


def folder_of(root: Path) -> Path:
    """Where a home keeps what was landed."""
    return root / "landed"


def read_state(root: Path, intake: int) -> State | None:
    """The state after an intake; None where it was not kept."""
    path = folder_of(root) / f"state-{intake}.json"
    return State.model_validate(read_json(path)) if path.exists() else None


def write_state(root: Path, state: State) -> None:
    """Write a state, on one line: it is a megabyte. It counts once the manifest names its intake."""
    write_text(folder_of(root) / f"state-{state.intake}.json", state.model_dump_json() + "\n")


def forget(root: Path, state: State) -> int:
    """Remove what no intake in force needs: earlier states and the files they alone named; how many went."""
    folder, wanted = folder_of(root), {file.path for file in state.files}
    wanted |= {f"state-{state.intake}.json", "hashes.json"}
    there = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.relative_to(folder).as_posix() not in wanted]
    gone = [p for p in there if p.parent != folder or _OWN.fullmatch(p.name)]  # tables of databases lie beside them
    for path in gone:
        path.unlink()
    return len(gone)


def copy(con: duckdb.DuckDBPyConnection, root: Path, query: str, name: str) -> File:
    """Write rows of `query` as `landed/NAME.parquet`."""
    path = folder_of(root) / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    # version 2 writes numbers and ids as differences: a tenth smaller, read in two thirds of the time
    form = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE 122880"
    con.execute(f"COPY ({query}) TO {literal(str(path))} ({form})")
    return noted(folder_of(root), path)


def rows_of(root: Path, files: Iterable[File]) -> str:
    """`read_parquet(...)` text over kept files."""
    return f"read_parquet([{literals(str(folder_of(root) / file.path) for file in files)}])"


def columns_sql(kept: TableKept) -> str:
    """The columns of mapped rows as they are kept."""
    return ", ".join(
        ["_row", *(ident(c) for c in (*kept.columns, *kept.knowing)), *(ident(f"unread_{c}") for c in kept.unread)]
    )
