"""The lease: who may run a bank's night. One row in the ledger, taken over only when it has expired or its owner is gone."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from store.errors import TerraceError

SCHEMA = """CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL, taken_at REAL NOT NULL, expires_at REAL NOT NULL)"""

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


class LeaseHeld(TerraceError):
    """Another run holds this bank: nothing was touched, and nothing is wrong with data or settings; ask again later."""

    exit_code = 50


class LeaseLost(TerraceError):
    """This night's lease expired and another one took it: nothing more may be published by this one."""

    exit_code = 50


@dataclass(frozen=True)
class Lease:
    """The right to run until `expires_at`; `token` grows by one with every change of owner."""

    name: str
    owner: str
    token: int
    expires_at: float


def take(transaction: Transaction, now: float, name: str, owner: str, seconds: float, is_gone: Callable[[str], bool]) -> Lease:
    """The lease, new or taken over from an owner that let it expire or is gone. Raises LeaseHeld."""
    _shorten(transaction, now, name, seconds)
    with transaction() as con:
        token = 1 + _last_token(con, now, name, owner, is_gone)
        con.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)", (name, owner, token, now, now + seconds))
    return Lease(name, owner, token, now + seconds)


def assert_free(transaction: Transaction, now: float, name: str, owner: str, is_gone: Callable[[str], bool]) -> None:
    """Raise LeaseHeld where `take` would: for those who must know before they touch anything."""
    with transaction() as con:
        _last_token(con, now, name, owner, is_gone)


def _shorten(transaction: Transaction, now: float, name: str, seconds: float) -> None:
    """A hold that would last longer than any is given was taken before the clock was put back: it ends as if renewed now.

    Its owner, if it lives, renews it long before that; if it is dead, nobody waits for a time that is years away.
    """
    with transaction() as con:
        con.execute("UPDATE leases SET expires_at = ? WHERE name = ? AND expires_at > ?", (now + seconds, name, now + seconds))


def _last_token(con: sqlite3.Connection, now: float, name: str, owner: str, is_gone: Callable[[str], bool]) -> int:
    """The token of the last lease, 0 before the first. Raises LeaseHeld where that lease still holds."""
    row = con.execute("SELECT owner, token, taken_at, expires_at FROM leases WHERE name = ?", (name,)).fetchone()
    if row is None:
        return 0
    holder, token, since, until = row
    if holder != owner and until > now and not is_gone(holder):
        started, parts = dt.datetime.fromtimestamp(since, dt.UTC), holder.split("/")
        raise LeaseHeld(
            f"another run holds this bank since {started:%Y-%m-%d %H:%M} UTC ({max(0.0, now - since) / 60:.0f} minutes)",
            where=f"process {parts[3]} on {parts[0]}" if len(parts) == 5 else holder,
            expected="one run at a time",
            do=f"wait for it to end and ask again; should it be dead, its hold ends by itself in {until - now:.0f} s",
        )
    return int(token)


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
        raise LeaseLost(
            "another run took this bank over, because this one had not been heard of for too long",
            where=row[0] if row else lease.owner,
            do="let the other run finish; nothing more is published by this one",
        )
