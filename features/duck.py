"""DuckDB as an engine: statements compiled once, filled in and run for every as_of over the buckets that are loaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import onepass
from features.algebra import Leaf
from features.calendar import Clock
from features.classes import HELD, MOVES
from features.compile import KEY, names_of, summed
from features.known import Frame, Known
from features.leaf_sums import nothing
from features.loading import Load, know, load
from features.moment import Moment, Stencil
from features.population import population
from features.program import Program, columns, figures, program
from features.reading import needed
from features.room import Room
from features.rows import row_sets
from features.rows.balances import counted_accounts
from features.settings import CalendarSettings
from features.streams import Doubles, Stream, accounts_at, stream_of
from features.views import views
from sources.canonical import Canonical, CanonicalManifest
from sources.connection import connect
from store.limits import USUAL

Made = Callable[[], pa.Table]
MADE = frozenset({"transactions", "first_balances", "since_matured", "spent_since_lent"})  # row sets that a run brings


class Brought:
    """What kernels sum (features.onepass) and the rows a load has: noted here, and brought in a run."""

    def __init__(self, con: duckdb.DuckDBPyConnection, script: list[str]) -> None:
        self.con, self.script = con, script
        self.leaves: dict[str, tuple[Leaf, ...]] = {}
        self.made: set[str] = set()

    def takes(self, leaf: Leaf) -> bool:
        return onepass.takes(leaf)

    def sums(self, rows: str, leaves: Sequence[Leaf]) -> None:
        self.leaves[rows] = tuple(leaves)

    def rows(self, name: str, make: Callable[[], Frame]) -> Frame | None:
        if name in MADE:
            self.con.execute(f'CREATE OR REPLACE TEMP TABLE "rows_{name}" AS {text_of(make())} LIMIT 0')
            self.made.add(name)
        elif name == "balance_changes":  # few read it beside the kernels: none waits for all of it
            view = f'CREATE OR REPLACE TEMP VIEW "rows_{name}" AS {text_of(make())}'
            self.script.append(view)
            self.con.execute(view)
        else:
            return None
        return nw.from_native(self.con.table(f"rows_{name}"))


class Duck:
    """An engine that compiles over the `known_*` views of a connection: statements are recorded, and run on no rows."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.script: list[str] = []
        self.kernels = Brought(con, self.script)

    def table(self, name: str) -> Frame:
        return nw.from_native(self.con.table(f"known_{name}"))

    def keep(self, name: str, frame: Frame) -> Frame:
        sql = f'CREATE OR REPLACE TEMP TABLE "{name}" AS {text_of(frame)}'
        self.script.append(sql)
        self.con.execute(f"{sql} LIMIT 0")
        return nw.from_native(self.con.table(name))


@dataclass(frozen=True)
class _Told:
    """Sums that a statement made, by customer."""

    who: npt.NDArray[np.integer]  # ascending
    figures: Mapping[int, Doubles]  # by their lines

    def into(self, sums: Doubles, first: int) -> None:
        """Put into lines of customers who stand together from `first` on; whoever has no row keeps what is there."""
        begin, end = np.searchsorted(self.who, [first, first + sums.shape[1]])
        places = self.who[begin:end] - first
        for line, told in self.figures.items():
            sums[line, places] = told[begin:end]


@dataclass(frozen=True)
class Script:
    """Statements compiled once, with marks for what depends on the as_of."""

    stencil: Stencil
    program: Program  # features of the sums
    columns: Mapping[str, Leaf]  # column of a sum -> what it is
    names: tuple[str, ...]  # features in order
    statements: tuple[str, ...]
    people: str  # who has a row
    leaves: tuple[str, ...]  # statements that sum leaves by customer
    brought: Mapping[str, tuple[Leaf, ...]]  # row set -> leaves that kernels sum; the first lines of sums, in this order
    made: frozenset[str]  # row sets that are brought
    moves: str  # transactions that stand, of `known_transactions`
    changes: str  # changes of balances, of `known_balances`
    accounts: str  # accounts that count

    def run(self, con: duckdb.DuckDBPyConnection, held: Load, moment: Moment, room: Room) -> Iterator[tuple[int, Made]]:
        """Every loaded bucket with what makes the table of its customers' features at that moment, by customer.

        Summed and reckoned bucket by bucket, so that few buckets' lines are in memory and not those of the load; the table is
        made by whoever writes it, beside the next ones: no more of them than the room has threads.
        """
        know(con, held, moment.clock.day, late_only=True)
        walk = self._bring(con, held, moment, room)
        for statement in self.statements:
            con.execute(self.stencil.filled(statement, moment))
        for made, of, within in (("since_matured", "matured", walk.between), ("spent_since_lent", "lent", walk.spent)):
            if made in self.made:
                spans = con.sql(f"SELECT customer_id, first, last FROM rows_{of}").to_arrow_table()
                con.register(f"rows_{made}", within(spans))
        told, texts = self._ask(con, moment, held.steady.customers)
        who = np.sort(self._asked(con, self.people, moment)[KEY].to_numpy()) - 1
        numbers = con.sql("SELECT id, bucket FROM numbers_customer_id ORDER BY number").to_arrow_table()
        ids, bucket = numbers["id"].combine_chunks(), numbers["bucket"].to_numpy()
        leaves = self.program.leaves
        for number, one in enumerate(held.buckets):
            first, last = np.searchsorted(bucket, [one, one + 1]).tolist()
            sums = nothing(leaves, room.array("sums", (len(leaves), last - first)))
            walk.of(slice(first, last)).sum(self.brought, sums)
            for some in told:
                some.into(sums, first)
            mine = who[slice(*np.searchsorted(who, [first, last]))]
            out = room.array(f"lines {number % room.threads}", (len(self.program.names), len(mine)))
            lines = self.program.run(sums, mine - first, moment.clock, out, room)
            yield one, partial(self._table, ids, mine, texts, lines)

    def _table(self, ids: pa.Array, who: npt.NDArray[np.integer], texts: Mapping[str, pa.Array], lines: Doubles) -> pa.Table:
        """The features of these customers in their order."""
        made = {name: text.take(pa.array(who)) for name, text in texts.items()}
        made |= columns(self.program.names, lines)
        return pa.table({KEY: ids.take(pa.array(who)), **{name: made[name] for name in self.names}})

    def _ask(self, con: duckdb.DuckDBPyConnection, moment: Moment, customers: int) -> tuple[list[_Told], dict[str, pa.Array]]:
        """Sums that statements make; and the features that are texts, a value per customer of the load."""
        line = {leaf: number for number, leaf in enumerate(self.program.leaves)}
        told, texts = [], dict[Leaf, pa.Array]()
        for statement in self.leaves:
            table = self._asked(con, statement, moment).sort_by(KEY)
            who = table[KEY].to_numpy() - 1
            leaves = {name: self.columns[name] for name in table.column_names if name in self.columns}
            told.append(_Told(who, {line[leaf]: figures(table[name], leaf) for name, leaf in leaves.items() if leaf in line}))
            for name, leaf in leaves.items():
                if leaf not in line:
                    place = np.full(customers, -1)
                    place[who] = np.arange(len(who))
                    texts[leaf] = table[name].combine_chunks().take(pa.array(place, mask=place < 0))
        return told, {name: texts[leaf] for name, leaf in self.program.texts.items()}

    def _asked(self, con: duckdb.DuckDBPyConnection, statement: str, moment: Moment) -> pa.Table:
        return con.sql(self.stencil.filled(statement, moment)).to_arrow_table()

    def _bring(self, con: duckdb.DuckDBPyConnection, held: Load, moment: Moment, room: Room) -> onepass.OnePass:
        """What kernels sum; and the rows that they leave to statements, for the connection."""
        steady, customers, through = held.steady, held.steady.customers, moment.clock.day

        moves: Stream | None = None
        if self.moves:
            late = self._asked(con, self.moves, moment)
            moves = stream_of(late, customers, MOVES, "amount")
            con.register("late_moves", late)
            con.register("classes_transactions", MOVES.table())
            con.execute(
                'CREATE OR REPLACE TEMP VIEW "rows_transactions" AS SELECT * REPLACE (CAST("day" AS BIGINT) AS "day") FROM'
                " (SELECT * EXCLUDE (class) FROM steady_transactions JOIN classes_transactions USING (class)"
                f' WHERE "day" <= {through} UNION ALL BY NAME SELECT * FROM late_moves)'
            )
        changes = accounts = None
        if self.changes:
            changes = stream_of(self._asked(con, self.changes, moment), customers, HELD, "change")
            firsts = con.sql('SELECT account_id, min("on") AS first FROM known_balances GROUP BY 1').to_arrow_table()
            first_days = pa.concat_tables([steady.first_days(through), firsts])
            con.register("rows_first_balances", first_days)
            know(con, held, through, ["balances"])
            accounts = accounts_at(self._asked(con, self.accounts, moment), steady.accounts, customers, HELD)
        return onepass.OnePass(steady, onepass.Late(moves, changes, accounts), moment, room)


@lru_cache(maxsize=8)
def compiled(names: tuple[str, ...], mapped: frozenset[tuple[str, str]], minor: int) -> Script:
    """The statements that build these features for a bank that maps these columns, for all dates; made over no rows."""
    features = {one.name: one for view in views().values() for one in view.features}
    wanted = [features[name] for name in names]
    reads = needed(wanted, row_sets())
    no_bank = Canonical(
        Path(),
        CanonicalManifest(
            bank="",
            currency="",
            buckets=1,
            newest_business_date=dt.date.min,
            inputs={},
            config_hash="",
            code_hash="",
            tables={},
        ),
        USUAL,
    )
    with connect() as con, Room(1) as room:
        know(con, load(con, no_bank, [0], reads, room), 0)
        stencil, engine = Stencil(Clock(dt.date(2000, 1, 1), CalendarSettings())), Duck(con)
        known = Known(stencil, engine, row_sets(), lambda table, *columns: all((table, name) in mapped for name in columns))
        leaves = summed(known, wanted)
        people = text_of(population(known))
        moves = changes = accounts = ""
        if "transactions" in reads:
            moves = text_of(known.sets["transactions"].make(known))
        if "balances" in reads:
            changes, accounts = text_of(known.sets["balance_changes"].make(known)), text_of(counted_accounts(known))
        kernels, found = engine.kernels, names_of(wanted)
        brought = [leaf for mine in kernels.leaves.values() for leaf in mine]
        return Script(
            stencil,
            program(wanted, [*brought, *(leaf for leaf in found if leaf not in set(brought))], minor),
            {name: leaf for leaf, name in found.items()},
            tuple(one.name for one in wanted),
            tuple(engine.script),
            people,
            tuple(text_of(frame) for frame in leaves.values()),
            kernels.leaves,
            frozenset(kernels.made),
            moves,
            changes,
            accounts,
        )


def text_of(frame: Frame) -> str:
    """The SQL of a frame."""
    return str(frame.to_native().sql_query())
