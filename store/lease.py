"""The lease: who may run a bank's night. One row in the ledger, taken over only when it has expired or its owner is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from store.errors import TerraceError

SCHEMA = """CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL, taken_at REAL NOT NULL, expires_at REAL NOT NULL)"""

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


class LeaseHeld(TerraceError):
    """Another night is running on this bank."""


class LeaseLost(TerraceError):
    """This night's lease expired and another one took it: nothing more may be published by this one."""


@dataclass(frozen=True)
class Lease:
    """The right to run until `expires_at`; `token` grows by one with every change of owner."""

    name: str
    owner: str
    token: int
    expires_at: float


def take(
    transaction: Transaction, now: float, name: str, owner: str, seconds: float, is_gone: Callable[[str], bool]
) -> Lease:
    """The lease, new or taken over from an owner that let it expire or is gone. Raises LeaseHeld."""
    with transaction() as con:
        row = con.execute("SELECT owner, token, expires_at FROM leases WHERE name = ?", (name,)).fetchone()
        if row is not None and row[0] != owner and row[2] > now and not is_gone(row[0]):
            raise LeaseHeld(
                "another night is running on this bank", where=row[0],
                do=f"wait for it to end; should it be dead, its lease runs out by itself in {row[2] - now:.0f} s")
        token = 1 + (row[1] if row is not None else 0)
        con.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)", (name, owner, token, now, now + seconds))
    return Lease(name, owner, token, now + seconds)


def renew(transaction: Transaction, now: float, lease: Lease, seconds: float) -> Lease:
    """The same lease, lasting `seconds` from now. Raises LeaseLost where another has taken it."""
    with transaction() as con:
        assert_held(con, lease)
        con.execute("UPDATE leases SET expires_at = ? WHERE name = ?", (now + seconds, lease.name))
    return Lease(lease.name, lease.owner, lease.token, now + seconds)


def release(transaction: Transaction, lease: Lease) -> None:
    """Give the lease back; one that is lost is left to its new owner."""
    with transaction() as con:
        con.execute("UPDATE leases SET expires_at = 0 WHERE name = ? AND token = ?", (lease.name, lease.token))


def assert_held(con: sqlite3.Connection, lease: Lease) -> None:
    """Raise LeaseLost unless `lease` is still the one in force. Expiry alone does not lose it, being taken over does."""
    row = con.execute("SELECT owner, token FROM leases WHERE name = ?", (lease.name,)).fetchone()
    if row is None or row[1] != lease.token:
        raise LeaseLost("the lease of this night was taken over", where=row[0] if row else lease.owner,
                        do="let the other night finish")
