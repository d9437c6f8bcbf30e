"""Transactions and balances read from their files: the steady rows as streams, the others as they are.

Steady is a row that was known on its own day and never corrected: of these any as_of sees those up to its day. The files are
read with their dictionaries, so that no text is looked at twice, each by a worker of the room that is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.classes import MOVES, Codes
from features.kernels import packing
from features.kernels.balances import changes
from features.reversals import NO_PAIRS, pairs, void, with_ids
from features.room import Room
from features.stored import KNOWN, StoredFile, empty, pieces, stored_files
from features.streams import NEVER, Doubles, Ints, Stream, in_order, starts_of
from sources.canonical import Canonical
from sources.tables import TABLES

Flags = npt.NDArray[np.bool_]
_CODED = (  # columns of a class, and the stored ones that tell them
    ("elsewhere", "counterparty_bank"),
    *((name, name) for name, _ in MOVES.columns if name in TABLES["transactions"].names),
)
_NO_ROWS, _NO_VALUES = np.empty(0, dtype=np.int32), pa.array([], pa.string())


@dataclass(frozen=True)
class Numbers:
    """Ids of a load in the order of their numbers, which begin with 1."""

    customers: pa.Array
    accounts: pa.Array


@dataclass(frozen=True)
class Loading:
    """What a load is read from and with: files of buckets, the ids of the load, hands and memory, a connection of its own."""

    canonical: Canonical
    buckets: Sequence[int]
    numbers: Numbers
    room: Room
    con: duckdb.DuckDBPyConnection


@dataclass
class Found:
    """A table of a load: its steady rows as a stream and as SQL reads them, and the rows that are not steady, as stored."""

    stream: Stream
    steady: pa.Table
    odd: pa.Table = field(default_factory=lambda: pa.table({}))


def read_moves(load: Loading, columns: Sequence[str]) -> Found:
    """Transactions that stand, amounts without sign. Not steady: told late, corrected, or part of a reversal.

    Only what is part of a reversal keeps its `transaction_id`: nobody asks for that of others.
    """
    files, numbers = stored_files(load.canonical, "transactions", load.buckets), load.numbers
    is_undone = {"reverses_id", "transaction_id"} <= set(columns)
    paired = pairs(load.con, load.canonical, files) if is_undone else {}
    asked = [name for name in columns if name != "transaction_id"]
    there = _Moves.of(sum(file.rows for file in files), load.room)

    def pack(place: tuple[StoredFile, int]) -> tuple[int, list[pa.Table]]:
        """The steady rows of a file packed from its place on: where they end, and its other rows."""
        (file, row), odd = place, []
        mine = paired.get(file.path, NO_PAIRS)
        for rows, table in pieces(file, "transactions", asked):
            is_odd = pc.is_valid(table["known_to"]).to_numpy(zero_copy_only=False).copy()
            if is_undone:
                is_odd |= pc.is_valid(table["reverses_id"]).to_numpy()
            at, ids = mine.among(file, rows)
            is_odd[at] = True
            begin = 0
            for batch in table.to_batches():  # as row groups lie: each with dictionaries of its own
                row = there.pack(batch, numbers.customers, is_odd[begin : begin + batch.num_rows], row)
                begin += batch.num_rows
            if is_odd.any():
                odd.append(with_ids(table, is_odd, at, ids))
        return row, odd

    starts = np.cumsum([0, *(file.rows for file in files)]).tolist()
    done = list(load.room.pool.map(pack, zip(files, starts, strict=False)))
    owner, made = there.stream([(start, end) for start, (end, _) in zip(starts, done, strict=False)], len(numbers.customers))
    names = sorted({*columns, "customer_id", *KNOWN})
    odd = pa.concat_tables(
        [empty("transactions", columns).select(names), *(one.select(names) for _, some in done for one in some)]
    )
    steady = pa.table({"customer_id": owner, "day": made.day, "amount": made.amount, "class": made.code})
    return Found(made, steady, void(odd) if is_undone else odd)


@dataclass(frozen=True)
class _Moves:
    """Room for the transactions of a load."""

    owner: Ints
    day: Ints
    amount: Doubles
    code: Ints

    @classmethod
    def of(cls, rows: int, room: Room) -> _Moves:
        owner, day, code = (room.array(f"moves' {name}", rows, np.int32) for name in ("owner", "day", "code"))
        return cls(owner, day, room.array("moves' amount", rows), code)

    def pack(self, rows: pa.RecordBatch, customers: pa.Array, is_odd: Flags, row: int) -> int:
        """Pack rows from `row` on; the row after the last."""
        who, owner_of = _coded(rows["customer_id"], customers)
        code = np.zeros(rows.num_rows, dtype=np.int32)
        for name, column in _CODED:
            which, values = _dictionary(rows[column]) if column in rows.schema.names else (_NO_ROWS, _NO_VALUES)
            packing.classed(which, _added(name, column, values), code)
        end: int = packing.moves(
            who, owner_of, _days(rows["on"]), _days(rows["known_from"]), is_odd, rows["amount"].to_numpy(), code,
            MOVES.factor("direction"), row, self.owner, self.day, self.amount, self.code,
        )  # fmt: skip
        return end

    def stream(self, spans: Sequence[tuple[int, int]], customers: int) -> tuple[Ints, Stream]:
        """The rows of these spans, moved together; and whose they are."""
        last = 0
        for start, end in spans:
            if start != last:
                for column in (self.owner, self.day, self.amount, self.code):
                    column[last : last + end - start] = column[start:end]
            last += end - start
        owner, day, amount, code = in_order(self.owner[:last], self.day[:last], self.amount[:last], self.code[:last])
        return owner, Stream(starts_of(owner, customers), day, amount, code)


def read_changes(load: Loading, columns: Sequence[str]) -> Found:
    """Changes of balances of settled accounts. Not steady: all rows of an account of which any came late or was corrected."""
    files, numbers, room = stored_files(load.canonical, "balances", load.buckets), load.numbers, load.room
    rows = sum(file.rows for file in files)
    owner, account, day, known, until = (
        room.array(f"balances' {name}", rows, np.int32) for name in ("owner", "account", "day", "known", "until")
    )
    owner[:], account[:], day[:] = 0, 0, 0  # nobody's where rows are hidden
    balance, is_unsettled = room.array("balances' own", rows), np.zeros(len(numbers.accounts) + 1, dtype=np.bool_)

    def pack(place: tuple[StoredFile, int]) -> tuple[list[pa.Array], Flags]:
        """The rows of a file packed from its place on, accounts by their place among its own ids; these, and who is late."""
        (file, row), found, late = place, [pa.array([None], pa.string())], [np.zeros(1, dtype=np.bool_)]
        for rows in chain.from_iterable(table.to_batches() for _, table in pieces(file, "balances", columns)):
            which, ids = _dictionary(rows["account_id"])
            is_late = np.zeros(len(ids) + 1, dtype=np.bool_)
            packing.balances(
                *_coded(rows["customer_id"], numbers.customers), which, sum(len(one) for one in found), _days(rows["on"]),
                _days(rows["known_from"]), pc.fill_null(rows["known_to"].view(pa.int32()), NEVER).to_numpy(),
                rows["balance"].to_numpy(), NEVER, row, owner, account, day, known, until, balance, is_late,
            )  # fmt: skip
            found += [ids, pa.array([None], pa.string())]
            late.append(is_late)
            row += rows.num_rows
        return found, np.concatenate(late)

    starts = np.cumsum([0, *(file.rows for file in files)]).tolist()
    done = list(room.pool.map(pack, zip(files, starts, strict=False)))
    every = pa.chunked_array([one for found, _ in done for one in found], pa.string())
    number = pc.index_in(every, value_set=numbers.accounts).fill_null(-1).to_numpy().astype(np.int32) + 1
    for (_, is_late), start, end in zip(done, starts, starts[1:], strict=False):
        mine, number = number[: len(is_late)], number[len(is_late) :]
        packing.numbered(mine, account[start:end])
        is_unsettled[mine[is_late]] = True
    is_unsettled[0] = False
    late = packing.unsettled(owner, account, is_unsettled)
    odd = _as_stored(numbers, owner[late], account[late], day[late], known[late], until[late], balance[late])
    last = packing.settled(owner, account, day, balance, is_unsettled)
    owner, day, balance, account = in_order(owner[:last], day[:last], balance[:last], account[:last])
    changes(account, balance, len(numbers.accounts))
    steady = pa.table(
        {
            "customer_id": owner,
            "account_id": account,
            "on": day,
            "change": balance,
        }
    )
    return Found(Stream(starts_of(owner, len(numbers.customers)), day, balance, account), steady, odd)


def _as_stored(numbers: Numbers, owner: Ints, account: Ints, day: Ints, known: Ints, until: Ints, balance: Doubles) -> pa.Table:
    """Balances as their files have them, from numbers."""
    return pa.table(
        {
            "account_id": numbers.accounts.take(pa.array(account - 1)),
            "balance": balance,
            "customer_id": numbers.customers.take(pa.array(owner - 1)),
            "known_from": pa.array(known).cast(pa.date32()),
            "known_to": pa.array(until, mask=until == NEVER).cast(pa.date32()),
            "on": pa.array(day).cast(pa.date32()),
        }
    )


def _days(column: pa.Array) -> Ints:
    """Days of a column without nulls, as they lie."""
    return np.asarray(column.view(pa.int32()).to_numpy())


def _dictionary(column: pa.DictionaryArray) -> tuple[Ints, pa.Array]:
    """For every row the place of its value among the values that come; the place after the last where it has none."""
    indices = column.indices if not column.null_count else pc.fill_null(column.indices, len(column.dictionary))
    return indices.to_numpy(), column.dictionary


def _added(name: str, column: str, values: pa.Array) -> Codes:
    """What each of these values, and then one that is unknown, adds to the class of a transaction."""
    if name == column:
        return MOVES.of_values(name, values)
    return np.array([2] * len(values) + [1], dtype=np.int32) * MOVES.factor(name)  # whether there is one


def _coded(column: pa.DictionaryArray, ids: pa.Array) -> tuple[Ints, Ints]:
    """For every row a place, and for every place the number of its id; 0 of one that is not known."""
    place, found = _dictionary(column)
    first, last = (pc.index(ids, found[end]).as_py() if len(found) else -1 for end in (0, -1))
    near = ids.slice(first, last + 1 - first) if 0 <= first <= last else ids  # files lie by id: most are between the two
    number = pc.index_in(found, value_set=near).to_numpy(zero_copy_only=False) + (max(first, 0) if near is not ids else 0)
    if near is not ids and np.isnan(number).any():
        number = pc.index_in(found, value_set=ids).to_numpy(zero_copy_only=False)
    return place, np.append(np.nan_to_num(number + 1.0), 0.0).astype(np.int32)
