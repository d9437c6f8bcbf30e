"""Leaves that kernels sum in one pass over rows sorted by customer and day, in place of an engine's statements.

Row sets stay the definition: what a kernel is given comes from their SQL, what it leaves out (filters over other columns than
classes, other ways to put rows together) the engine sums itself, and a test holds both ways to the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from features import made_rows
from features.algebra import Leaf
from features.classes import HELD, MOVES, Classes, Flags
from features.kernels import balances, moves, rows
from features.leaf_sums import LeafSums, Longs
from features.moment import Moment
from features.room import Room
from features.rows.arrivals import leaving
from features.rows.balances import DEPOSIT, HISTORY
from features.rows.transactions import YEAR, not_by_bank
from features.streams import Accounts, Doubles, Steady, Stream

Wanted = Mapping[str, Sequence[Leaf]]  # leaves by row set


def takes(leaf: Leaf) -> bool:
    """Whether a kernel sums this leaf."""
    plain = leaf.day == "day" and not leaf.until
    if leaf.rows in ("arrivals", "flow_blocks"):
        return plain and leaf.how in ("sum", "count", "min", "max")
    if leaf.rows == "transactions":
        return plain and leaf.how in ("sum", "count", "min", "max") and leaf.value in ("amount", "") and _is_of(leaf, MOVES)
    if leaf.rows == "balance_changes":
        return plain and leaf.how in ("sum", "day_sum") and leaf.value == "change" and _is_of(leaf, HELD)
    if leaf.where.columns:
        return False
    if leaf.rows == "transaction_days":
        return plain and (leaf.how == "count" or (leaf.how == "max" and leaf.value in ("day", "gap")))
    if leaf.rows == "balance_totals":
        known = leaf.how == "count" or leaf.value in ("assets", "deposits", "high_high", "high_low", "low_low")
        return known and leaf.day == "day" and (leaf.how in ("min", "max", "spell_sum") if leaf.until else leaf.how == "count")
    return False


def _is_of(leaf: Leaf, classes: Classes) -> bool:
    return leaf.where.columns <= classes.names


@dataclass(frozen=True)
class Late:
    """Rows of one as_of that are not among the steady ones, and the accounts as they stood."""

    moves: Stream | None
    changes: Stream | None
    accounts: Accounts | None

    def of(self, customers: slice) -> Late:
        """Of customers who stand together."""
        moves, changes = (one and one.of(customers) for one in (self.moves, self.changes))
        return Late(moves, changes, self.accounts and self.accounts.of(customers))


@dataclass(frozen=True)
class OnePass:
    """One as_of over one load of customers, or some of them."""

    steady: Steady
    late: Late
    moment: Moment
    room: Room

    def of(self, customers: slice) -> OnePass:
        """Over customers of the load who stand together."""
        return replace(self, steady=self.steady.of(customers), late=self.late.of(customers))

    def sum(self, wanted: Wanted, sums: Doubles) -> None:
        """Into lines of sums, leaves x customers: those of one row set after those of another, as `wanted` has them."""
        begin = np.cumsum([0, *(len(leaves) for leaves in wanted.values())])
        lines = {name: sums[first:last] for name, first, last in zip(wanted, begin, begin[1:], strict=False)}
        if "transactions" in wanted:
            self._moves(wanted["transactions"], lines["transactions"])
        if "transaction_days" in wanted:
            self._days(wanted["transaction_days"], lines["transaction_days"])
        if "arrivals" in wanted:
            self._rows(self._made(made_rows.arrivals), wanted["arrivals"], lines["arrivals"])
        if "flow_blocks" in wanted:
            self._rows(self._made(made_rows.blocks), wanted["flow_blocks"], lines["flow_blocks"])
        if "balance_changes" in wanted or "balance_totals" in wanted:
            changes, totals = wanted.get("balance_changes", ()), wanted.get("balance_totals", ())
            none = np.empty((0, self.steady.customers))
            self._balances(changes, totals, lines.get("balance_changes", none), lines.get("balance_totals", none))

    @property
    def _through(self) -> int:
        return self.moment.clock.day

    def _sums(self, leaves: Sequence[Leaf]) -> LeafSums:
        return LeafSums(tuple(leaves), self.moment)

    def _spread(self, work: Callable[[int, int], object], weights: Stream) -> None:
        """`work` over spans of customers (first, last) with about as many rows each, beside each other."""
        ends = np.searchsorted(weights.starts, np.linspace(weights.starts[0], weights.starts[-1], self.room.threads + 1)[1:-1])
        bounds = [0, *ends.tolist(), self.steady.customers]
        list(self.room.pool.map(work, bounds[:-1], bounds[1:]))

    def _moves(self, leaves: Sequence[Leaf], out: Doubles) -> None:
        steady, late = self.steady.moves, self.late.moves
        assert steady is not None
        assert late is not None
        sums = self._sums(leaves)
        filters, places = sums.filters
        starts, wheres = MOVES.passing(filters)
        edges = sums.edges(steady, late)
        low, high = sums.buckets(edges)
        how = sums.how

        def work(first: int, last: int) -> None:
            moves.cells(
                first, last, steady.starts, steady.day, steady.amount, steady.code, late.starts, late.day, late.amount,
                late.code, self._through, edges.of, edges.zero, starts, wheres, len(filters), len(edges.days), places,
                low, high, how, out,
            )  # fmt: skip

        self._spread(work, steady)

    def _balances(self, changes: Sequence[Leaf], totals: Sequence[Leaf], out: Doubles, spells: Doubles) -> None:
        steady, late, accounts = self.steady.changes, self.late.changes, self.late.accounts
        assert steady is not None
        assert late is not None
        assert accounts is not None
        sums, spelled = self._sums(changes), self._sums(totals)
        filters, places = sums.filters
        starts, wheres = HELD.passing(filters)
        edges = sums.edges(steady, late)
        low, high = sums.buckets(edges)
        after, until = sums.bounds.astype(np.float64).T
        how, length, since = sums.how, until - after, self._through - until
        deposits = _deposits()
        line, begins, spans = spelled.by_window
        put, value = spelled.how[line], spelled.value[line]
        is_spell = np.array([bool(totals[place].until) for place in line], dtype=np.bool_)

        def work(first: int, last: int) -> None:
            balances.balances(
                first, last, steady.starts, steady.day, steady.code, steady.amount, late.starts, late.day, late.amount,
                late.code, accounts.ends.starts, accounts.ends.day, accounts.ends.code, accounts.closed, accounts.kind,
                deposits, self._through, self._through - HISTORY, edges.of, edges.zero, starts, wheres, len(filters),
                len(edges.days), places, low, high, how, length, since, out, value, put, spans, is_spell, line,
                begins, spells,
            )  # fmt: skip

        self._spread(work, steady)

    def between(self, spans: pa.Table) -> pa.Table:
        """By how much what customers hold rose from the day `first` to the day `last` of their own (`customer_id`, `rose`)."""
        steady, late, accounts = self.steady.changes, self.late.changes, self.late.accounts
        assert steady is not None
        assert late is not None
        assert accounts is not None
        who, first, last = _spans(spans)
        rose = np.zeros(len(who))
        balances.between(
            who - 1, first, last, steady.starts, steady.day, steady.code, steady.amount, late.starts, late.day, late.amount,
            accounts.closed, accounts.kind, rose,
        )  # fmt: skip
        return pa.table({"customer_id": who, "rose": rose})

    def spent(self, spans: pa.Table) -> pa.Table:
        """What went out of customers' accounts from the day `first` to the day `last` of their own (`customer_id`, `out`)."""
        steady, late = self.steady.moves, self.late.moves
        assert steady is not None
        assert late is not None
        who, first, last = _spans(spans)
        out = np.zeros(len(who))
        moves.within(
            who - 1, first, last, steady.starts, steady.day, steady.amount, steady.code, late.starts, late.day, late.amount,
            late.code, _leaving(), out,
        )  # fmt: skip
        return pa.table({"customer_id": who, "out": out})

    def _days(self, leaves: Sequence[Leaf], out: Doubles) -> None:
        steady, late = self.steady.moves, self.late.moves
        assert steady is not None
        assert late is not None
        counts = _theirs()
        sums = self._sums(leaves)
        spans, how, value = sums.bounds, sums.how, sums.value

        def work(first: int, last: int) -> None:
            moves.days(
                first, last, steady.starts, steady.day, steady.code, late.starts, late.day, late.code, self._through - YEAR,
                self._through, counts, value, how, spans, out,
            )  # fmt: skip

        self._spread(work, steady)

    def _made(self, make: made_rows.Make) -> pa.Table:
        """Rows that are made of transactions."""
        steady, late = self.steady.moves, self.late.moves
        assert steady is not None
        assert late is not None
        return make(steady, late, self._through, self._spread)

    def _rows(self, table: pa.Table, leaves: Sequence[Leaf], out: Doubles) -> None:
        """Leaves of rows that are at hand; each filter is looked at once for all of them."""
        sums = self._sums(leaves)
        filters, places = sums.filters
        frame = nw.from_native(table, eager_only=True)
        passes = np.ones((table.num_rows, len(filters)), dtype=np.bool_)
        for place, where in enumerate(filters):
            if where.columns:
                passed = frame.select(passed=where.make()).to_native()["passed"].combine_chunks()
                passes[:, place] = passed.fill_null(False).to_numpy(zero_copy_only=False)
        names = sorted({leaf.value for leaf in leaves} - {""}) or ["customer_id"]  # where rows are only counted, any does
        values = np.stack([table[name].to_numpy() for name in names], axis=1).astype(np.float64)
        value = np.array([names.index(leaf.value or names[0]) for leaf in leaves])
        day = table["day"].to_numpy() if "day" in table.column_names else np.full(table.num_rows, self._through)
        rows.sums(table["customer_id"].to_numpy(), day, passes, values, places, value, sums.how, sums.bounds, out)


def _spans(spans: pa.Table) -> tuple[Longs, Longs, Longs]:
    """Customers, and the first and the last day of each."""
    who, first, last = (spans[name].cast(pa.int64()).to_numpy() for name in ("customer_id", "first", "last"))
    return who, first, last


# Which classes pass what the row sets filter by: asked once of DuckDB, whose answer their SQL would be.


@lru_cache
def _deposits() -> Flags:
    return HELD.flags(DEPOSIT.make())[:, 0]


@lru_cache
def _theirs() -> Flags:
    return MOVES.flags(not_by_bank())[:, 0]


@lru_cache
def _leaving() -> Flags:
    return MOVES.flags(leaving())[:, 0]
