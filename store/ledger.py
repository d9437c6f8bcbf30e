"""The run ledger: what ran on which inputs, what came out, which champions count. One SQLite file per bank."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from store import lease
from store.errors import TerraceError
from store.lease import Lease
from store.runs import Run, RunKey, StepRecord

_SCHEMA = f"""
{lease.SCHEMA};
CREATE TABLE IF NOT EXISTS runs (
    run_id INTEGER PRIMARY KEY, as_of TEXT NOT NULL, version INTEGER NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL, started_at REAL NOT NULL, ended_at REAL, failure TEXT, list_hash TEXT, summary TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS one_published_run_per_version ON runs (as_of, version) WHERE state = 'published';
CREATE TABLE IF NOT EXISTS steps (
    run_id INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, outputs TEXT NOT NULL, seconds REAL,
    attempts INTEGER NOT NULL, note TEXT NOT NULL DEFAULT '', PRIMARY KEY (run_id, name));
CREATE TABLE IF NOT EXISTS pins (
    run_id INTEGER NOT NULL, model TEXT NOT NULL, content_hash TEXT NOT NULL, PRIMARY KEY (run_id, model));
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

_RUN = "run_id, key, version, state, attempts, failure, list_hash, summary"


class Ledger:
    """Opens `path`, made where there is none. `clock` gives seconds since 1970; nothing here reads the time itself."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.path, self.clock = path, clock
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.transaction() as con:
            for statement in _SCHEMA.split(";"):
                con.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection inside BEGIN IMMEDIATE: one writer at a time, all or nothing."""
        con = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        try:
            con.execute("PRAGMA synchronous = FULL")
            con.execute("BEGIN IMMEDIATE")
            try:
                yield con
            except BaseException:
                if con.in_transaction:
                    con.execute("ROLLBACK")
                raise
            con.execute("COMMIT")
        finally:
            con.close()

    # -- who may run --
    def take_lease(self, owner: str, seconds: float, is_gone: Callable[[str], bool] = lambda _: False) -> Lease:
        """The lease of the night. Raises LeaseHeld."""
        return lease.take(self.transaction, self.clock(), "night", owner, seconds, is_gone)

    def assert_free(self, owner: str, is_gone: Callable[[str], bool] = lambda _: False) -> None:
        """Raise LeaseHeld where `take_lease` would."""
        lease.assert_free(self.transaction, self.clock(), "night", owner, is_gone)

    def renew_lease(self, held: Lease, seconds: float) -> Lease:
        """The lease, lasting `seconds` from now. Raises LeaseLost."""
        return lease.renew(self.transaction, self.clock(), held, seconds)

    def release_lease(self, held: Lease) -> None:
        """Give the lease back."""
        lease.release(self.transaction, held)

    # -- runs --
    def published(self, as_of: dt.date) -> Run | None:
        """The newest published run of a date."""
        return self._one("state = 'published' AND as_of = ? ORDER BY version DESC", as_of.isoformat())

    def newest_published(self) -> Run | None:
        """The published run of the newest date, in its newest version."""
        return self._one("state = 'published' ORDER BY as_of DESC, version DESC")

    def begin(self, key: RunKey, version: int = 1) -> tuple[Run, bool]:
        """The run of this key that is not yet published, new or taken up again, and whether an earlier start crashed.

        `version`: of the list it is to publish; a higher one where the ledger knows that one as published already.
        """
        done = self.published(key.as_of)
        version = max(version, done.version + 1 if done else 1)
        with self.transaction() as con:
            row = con.execute(
                "SELECT run_id, state, failure FROM runs WHERE as_of = ? AND version = ? AND key = ?",
                (key.as_of.isoformat(), version, key.to_json()),
            ).fetchone()
            if row is None:
                cursor = con.execute(
                    "INSERT INTO runs (as_of, version, key, state, attempts, started_at) VALUES (?,?,?,?,?,?)",
                    (key.as_of.isoformat(), version, key.to_json(), "running", 1, self.clock()),
                )
                run_id = cursor.lastrowid
            else:
                run_id = row[0]
                con.execute(
                    "UPDATE runs SET state = 'running', attempts = attempts + 1, failure = NULL WHERE run_id = ?", (run_id,)
                )
        run = self._one("run_id = ?", run_id)
        assert run is not None
        return run, row is not None and (row[1] == "running" or row[2] == "crash")

    def fail(self, run: Run, failure: str) -> None:
        """The run stopped: `gate` where a person must act on data or settings, else `crash`."""
        with self.transaction() as con:
            con.execute(
                "UPDATE runs SET state = 'failed', failure = ?, ended_at = ? WHERE run_id = ? AND state = 'running'",
                (failure, self.clock(), run.run_id),
            )

    def intend(self, run: Run, list_hash: str) -> None:
        """Note what is about to be published, so that a crash between the rename and the note is understood."""
        with self.transaction() as con:
            con.execute("UPDATE runs SET list_hash = ? WHERE run_id = ?", (list_hash, run.run_id))

    @contextmanager
    def publishing(self, held: Lease, run: Run) -> Iterator[None]:
        """The one moment in which a list comes into force: nobody else can write the ledger meanwhile.

        Raises LeaseLost where another night took over. What the caller renames inside and the note that it is
        published stand or fall together, but for a crash in between: `intend` covers that.
        """
        with self.transaction() as con:
            lease.assert_held(con, held)
            yield
            con.execute(
                "UPDATE runs SET state = 'published', failure = NULL, ended_at = ? WHERE run_id = ?", (self.clock(), run.run_id)
            )

    def adopt(self, as_of: dt.date, version: int, list_hash: str) -> None:
        """Note as published the run that meant to publish this very list, which is in force though its start died before
        it could say so. One that is just being published is waited for."""
        with self.transaction() as con:
            con.execute(
                "UPDATE runs SET state = 'published', failure = NULL, ended_at = ? WHERE run_id = (SELECT max(run_id) FROM runs"
                " WHERE as_of = ? AND version = ? AND list_hash = ?) AND NOT EXISTS (SELECT 1 FROM runs"
                " WHERE as_of = ? AND version = ? AND state = 'published')",
                (self.clock(), as_of.isoformat(), version, list_hash, as_of.isoformat(), version),
            )

    def unnoted(self, as_of: dt.date, version: int) -> list[Run]:
        """The runs that meant to publish a version of a date which none is noted to have published."""
        with self.transaction() as con:
            rows = con.execute(
                f"SELECT {_RUN} FROM runs r WHERE as_of = ? AND version = ? AND list_hash IS NOT NULL AND NOT EXISTS (SELECT 1"
                " FROM runs p WHERE p.as_of = r.as_of AND p.version = r.version AND p.state = 'published')",
                (as_of.isoformat(), version),
            ).fetchall()
        return [_run(row) for row in rows]

    def summarise(self, run: Run, summary: str) -> None:
        """Keep the summary of a run, so that a later call can tell it without reading the list."""
        with self.transaction() as con:
            con.execute("UPDATE runs SET summary = ? WHERE run_id = ?", (summary, run.run_id))

    def _one(self, where: str, *values: object) -> Run | None:
        with self.transaction() as con:
            row = con.execute(f"SELECT {_RUN} FROM runs WHERE {where} LIMIT 1", values).fetchone()
        return None if row is None else _run(row)

    # -- steps --
    def start_step(self, run: Run, name: str) -> None:
        """The step is running; what it wrote before no longer counts."""
        with self.transaction() as con:
            con.execute(
                "INSERT INTO steps VALUES (?, ?, 'running', '{}', NULL, 1, '') ON CONFLICT (run_id, name) DO UPDATE SET"
                " state = 'running', outputs = '{}', attempts = attempts + 1",
                (run.run_id, name),
            )

    def end_step(self, run: Run, name: str, outputs: Mapping[str, str], seconds: float, note: str = "") -> None:
        """The step is done, and these are its outputs."""
        with self.transaction() as con:
            con.execute(
                "UPDATE steps SET state = 'done', outputs = ?, seconds = ?, note = ? WHERE run_id = ? AND name = ?",
                (json.dumps(dict(outputs), sort_keys=True), seconds, note, run.run_id, name),
            )

    def steps(self, run: Run) -> dict[str, StepRecord]:
        """The steps of a run by name, in the order they first started."""
        with self.transaction() as con:
            rows = con.execute(
                "SELECT name, state, outputs, seconds, attempts, note FROM steps WHERE run_id = ? ORDER BY rowid", (run.run_id,)
            ).fetchall()
        return {row[0]: StepRecord(row[0], row[1], json.loads(row[2]), *row[3:]) for row in rows}

    # -- champions --
    def pin(self, run: Run, champions: Mapping[str, str]) -> dict[str, str]:
        """Model -> content hash for this run: what was pinned first stays, whatever the registry says now."""
        pinned = self.pins(run)
        if pinned:
            return pinned
        with self.transaction() as con:
            con.executemany(
                "INSERT OR IGNORE INTO pins VALUES (?, ?, ?)",
                [(run.run_id, model, champions[model]) for model in sorted(champions)],
            )
        return self.pins(run)

    def pins(self, run: Run) -> dict[str, str]:
        """Model -> content hash pinned for a run."""
        with self.transaction() as con:
            rows = con.execute("SELECT model, content_hash FROM pins WHERE run_id = ? ORDER BY model", (run.run_id,)).fetchall()
        return dict(rows)

    # -- small facts worth keeping between nights --
    def remember(self, name: str, value: str) -> None:
        """Keep a fact under a name; the last one counts."""
        with self.transaction() as con:
            con.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> str | None:
        """The fact kept under a name."""
        with self.transaction() as con:
            row = con.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])


def _run(row: tuple[Any, ...]) -> Run:
    return Run(row[0], RunKey.from_json(row[1]), *row[2:])


def open_ledger(path: Path, clock: Callable[[], float]) -> Ledger:
    """The ledger at `path`. Raises TerraceError where the file is something else."""
    try:
        return Ledger(path, clock)
    except sqlite3.DatabaseError as error:
        raise TerraceError(
            f"cannot be used as the run ledger: {error}",
            where=path.name,
            do="restore it from a backup, or move it away; published lists are kept beside it",
        ) from error
