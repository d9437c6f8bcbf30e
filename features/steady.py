"""Transactions and balances read from their files: the steady rows as streams, the others as they are.

Steady is a row that was known on its own day and never corrected: of these any as_of sees those up to its day. The files are
read with their dictionaries, so that no text is looked at twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.classes import MOVES
from features.kernels.balances import changes
from features.streams import Ints, Stream, doubles, ints, stream, stream_of
from sources.canonical import Canonical
from sources.tables import TABLES

Flags = npt.NDArray[np.bool_]
KNOWN = ("known_from", "known_to")


@dataclass(frozen=True)
class Numbers:
    """Ids of a load in the order of their numbers, which begin with 1."""

    customers: pa.Array
    accounts: pa.Array


@dataclass
class Found:
    """A table of a load: its steady rows as a stream and as SQL reads them, and the rows that are not steady, as stored."""

    stream: Stream
    steady: pa.Table
    odd: pa.Table = field(default_factory=lambda: pa.table({}))


def read_moves(canonical: Canonical, buckets: Sequence[int], columns: Sequence[str], numbers: Numbers) -> Found:
    """Transactions that stand, amounts without sign. Not steady: told late, corrected, or part of a reversal."""
    files = _files(canonical, "transactions", buckets)
    is_undone = {"reverses_id", "transaction_id"} <= set(columns)
    undone = _undone(files) if is_undone else pa.array([], pa.string())
    steady, odd = [_standing(_read([], "transactions", columns), numbers)], [_read([], "transactions", columns)]
    for file in files:
        asked = [name for name in columns if name != "transaction_id" or len(undone)]
        table = _read([file], "transactions", asked)
        late = _late(table)
        if is_undone:
            late |= pc.is_valid(table["reverses_id"]).to_numpy()
        if len(undone):
            late |= pc.is_in(table["transaction_id"], value_set=undone).to_numpy()
        if late.any():
            kept = table if "transaction_id" in table.column_names else _read([file], "transactions", columns)
            odd.append(kept.filter(pa.array(late)).select(odd[0].column_names))
            table = table.filter(pa.array(~late))
        steady.append(_standing(table, numbers))
    whole = pa.concat_tables(steady)
    return Found(stream_of(whole, len(numbers.customers), MOVES, "amount"), whole, _void(pa.concat_tables(odd), is_undone))


def read_changes(canonical: Canonical, buckets: Sequence[int], columns: Sequence[str], numbers: Numbers) -> Found:
    """Changes of balances of settled accounts. Not steady: all rows of an account of which any came late or was corrected."""
    files = _files(canonical, "balances", buckets)
    tables = [_read([], "balances", columns), *(_read([file], "balances", columns) for file in files)]
    owners = [_numbered(table["customer_id"], numbers.customers) for table in tables]
    accounts = [_numbered(table["account_id"], numbers.accounts) for table in tables]
    unsettled = np.zeros(len(numbers.accounts) + 1, dtype=np.bool_)
    for table, account in zip(tables, accounts, strict=True):
        unsettled[account[_late(table)]] = True
    odd = pa.concat_tables([t.filter(pa.array(unsettled[a])) for t, a in zip(tables, accounts, strict=True)])
    kept = [(a > 0) & (o > 0) & ~unsettled[a] for a, o in zip(accounts, owners, strict=True)]
    owner = np.concatenate([o[keep] for o, keep in zip(owners, kept, strict=True)])
    account = np.concatenate([a[keep] for a, keep in zip(accounts, kept, strict=True)])
    day = np.concatenate([ints(t["on"].cast(pa.int32()))[keep] for t, keep in zip(tables, kept, strict=True)])
    balance = np.concatenate([doubles(t["balance"])[keep] for t, keep in zip(tables, kept, strict=True)])
    lain = stream(owner, day, balance, account, len(numbers.customers))
    change = np.empty(len(balance))
    changes(lain.code, lain.amount, change, len(numbers.accounts))
    steady = pa.table(
        {
            "customer_id": np.repeat(np.arange(1, len(numbers.customers) + 1, dtype=np.int32), np.diff(lain.starts)),
            "account_id": lain.code,
            "on": lain.day,
            "balance": lain.amount,
            "before": lain.amount - change,
        }
    )
    return Found(Stream(lain.starts, lain.day, change, lain.code), steady, odd)


@dataclass(frozen=True)
class _File:
    """A file of a table, and the rows of it that are hidden."""

    path: str
    hidden: Sequence[int]

    def read(self, columns: Sequence[str], texts: Sequence[str] = ()) -> pa.Table:
        """Its rows in force."""
        table = pq.read_table(self.path, columns=list(columns), partitioning=None, read_dictionary=list(texts))
        if not self.hidden:
            return table.select(columns)
        there = np.ones(table.num_rows, dtype=np.bool_)
        there[list(self.hidden)] = False
        return table.select(columns).filter(pa.array(there))


def _files(canonical: Canonical, table: str, buckets: Sequence[int]) -> list[_File]:
    hidden = canonical.hidden_rows(table)
    return [_File(path, hidden.get(path, ())) for bucket in buckets for path in canonical.files(table, bucket)]


def _read(files: Sequence[_File], table: str, columns: Sequence[str]) -> pa.Table:
    """Columns of a table's files as they are stored, texts that come again as dictionaries; of no file an empty table."""
    spec = TABLES[table]
    wanted = sorted({*columns, "customer_id", *KNOWN})
    kinds = {name: _STORED.get(spec.column(name).kind, pa.string()) for name in wanted if name in spec.names}
    texts = [name for name in wanted if name != "transaction_id" and kinds.get(name, pa.string()) == pa.string()]
    texts = [name for name in texts if name not in KNOWN]
    if files:
        return pa.concat_tables(file.read(wanted, texts) for file in files)
    coded = {name: pa.dictionary(pa.int32(), pa.string()) for name in texts}
    return pa.schema([(name, coded.get(name) or kinds.get(name, pa.date32())) for name in wanted]).empty_table()


_STORED = {"date": pa.date32(), "money": pa.int64()}


def _late(table: pa.Table) -> Flags:
    """Rows that were not known on their own day, or were corrected."""
    told: Flags = (table["known_from"].to_numpy() != table["on"].to_numpy()) | pc.is_valid(table["known_to"]).to_numpy()
    return told


def _numbered(column: pa.ChunkedArray, ids: pa.Array) -> Ints:
    """The number of every id; 0 of one that is not known."""
    if not len(column):
        return np.empty(0, dtype=np.int32)
    whole = column.unify_dictionaries()
    number = pc.index_in(whole.chunk(0).dictionary, value_set=ids).fill_null(-1).to_numpy().astype(np.int32) + 1
    place = np.concatenate([pc.fill_null(chunk.indices, len(number)).to_numpy() for chunk in whole.chunks])
    found: Ints = np.append(number, np.int32(0))[place]
    return found


def _standing(table: pa.Table, numbers: Numbers) -> pa.Table:
    """Steady transactions as their row set has them (features.rows.transactions)."""
    owner, amount = _numbered(table["customer_id"], numbers.customers), doubles(table["amount"])
    columns = {"customer_id": owner, "day": ints(table["on"].cast(pa.int32())), "amount": np.abs(amount)}
    columns["direction"] = np.where(amount > 0, 1, -1).astype(np.int8)
    if "counterparty_bank" in table.column_names:
        columns["elsewhere"] = pc.is_valid(table["counterparty_bank"]).to_numpy().astype(np.int8)
    else:
        columns["elsewhere"] = np.zeros(len(owner), dtype=np.int8)
    for name, values in MOVES.columns:
        if name not in columns:
            place = MOVES.places(table[name], name) if name in table.column_names else np.zeros(len(owner), dtype=np.int32)
            coded = pa.array((place - 1).astype(np.int8), mask=place == 0)
            columns[name] = pa.DictionaryArray.from_arrays(coded, pa.array(values, pa.string()))
    stands = (owner > 0) & (amount != 0.0)
    whole = pa.table(columns)
    return whole if stands.all() else whole.filter(pa.array(stands))


def _undone(files: Sequence[_File]) -> pa.Array:
    """Ids of transactions that some row reverses."""
    found = [file.read(["reverses_id"])["reverses_id"].drop_null() for file in files]
    return pc.unique(pa.chunked_array([chunk for one in found for chunk in one.chunks], pa.string()))


def _void(odd: pa.Table, is_undone: bool) -> pa.Table:
    """Without transactions that were undone on their own day: no as_of sees anything of them."""
    if not is_undone or not odd.num_rows:
        return odd
    frame = odd.select(["transaction_id", "reverses_id", "on", "amount"]).to_pandas().astype({"reverses_id": "str"})
    plain = ~_late(odd)
    back = frame["reverses_id"].notna()
    chained = frame["transaction_id"].isin(frame.loc[back, "reverses_id"])
    group = frame["reverses_id"].where(back, frame["transaction_id"])
    whole = frame.assign(plain=plain & ~(back & chained)).groupby(group)
    same = (whole["amount"].transform("sum") == 0) & (whole["on"].transform("nunique") == 1) & whole["plain"].transform("all")
    told = (~back).groupby(group).transform("sum") == 1
    return odd.filter(pa.array(~(same & told).to_numpy()))
