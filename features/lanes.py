"""Loads of customers beside each other in lanes, each with its share of the machine: no core waits for a step of one thread."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from queue import Empty, SimpleQueue
from threading import Event

import duckdb

from features import duck
from features.declare import Feature
from features.loading import Load, load
from features.moment import Moment
from features.parts import Parts, finished
from features.room import Room
from sources.canonical import Canonical
from sources.sqltext import quiet

Due = tuple[Sequence[int], Sequence[dt.date]]  # buckets of a load, and the dates for which they are wanted
_LEAST = 2_000_000  # rows for which a lane is worth its statements


def lanes_and_loads(canonical: Canonical) -> tuple[int, list[list[int]]]:
    """How many lanes there are, and loads: buckets in groups of as many transactions and balances as a lane may hold.

    No more lanes than threads, nor so many that their loads are small: each load costs two dozen statements, whatever its rows.
    """
    tables, limits = canonical.manifest.tables, canonical.limits
    rows = sum(tables[name].rows for name in ("transactions", "balances") if name in tables)
    count = canonical.manifest.buckets
    lanes = min(limits.threads, count, max(1, min(rows, limits.rows_at_once) // _LEAST))
    groups = min(count, max(lanes, -(-rows // limits.share(lanes).rows_at_once)))
    bounds = [group * count // groups for group in range(groups + 1)]  # as even as can be: no lane ends long before another
    return lanes, [list(range(first, last)) for first, last in pairwise(bounds)]


@dataclass(frozen=True)
class Work:
    """What lanes do: `canonical` has the limits of one of them."""

    canonical: Canonical
    script: Callable[[], duck.Script]  # compiled while the first loads are read
    reads: Mapping[str, Iterable[str]]
    wanted: Sequence[Feature]
    moments: Mapping[dt.date, Moment]
    parts: Parts

    def lane(self, loads: Iterator[Due], say: Callable[[dt.date], bool]) -> None:
        """One load after the other; `say` is told of every date that is written, and answers whether to go on."""
        with self.canonical.connect() as con, Room(self.canonical.limits.threads) as room:
            for buckets, waiting in loads:
                held = load(con, self.canonical, buckets, self.reads, room)
                for on in waiting:
                    _at(con, self.script(), held, self.wanted, self.moments[on], self.parts, room, on)
                    if not say(on):
                        return
                del held  # before the next one is read


def beside(work: Work, loads: Sequence[Due], lanes: int) -> Iterator[dt.date]:
    """Dates as they are written, one load of one lane each. Where one fails, the others end with the date they are at."""
    said: SimpleQueue[dt.date | None] = SimpleQueue()
    stopped, waiting = Event(), SimpleQueue[Due]()
    for one in loads:
        waiting.put(one)

    def next_loads() -> Iterator[Due]:
        with suppress(Empty):
            while not stopped.is_set():
                yield waiting.get_nowait()

    def say(on: dt.date) -> bool:
        said.put(on)
        return not stopped.is_set()

    def run() -> None:
        try:
            work.lane(next_loads(), say)
        except BaseException:
            stopped.set()
            raise
        finally:
            said.put(None)

    with ThreadPoolExecutor(lanes) as pool:
        running = [pool.submit(run) for _ in range(lanes)]
        try:
            for _ in running:
                yield from iter(said.get, None)
        finally:
            stopped.set()
        for lane in running:
            lane.result()


def _at(
    con: duckdb.DuckDBPyConnection,
    script: duck.Script,
    held: Load,
    wanted: Sequence[Feature],
    moment: Moment,
    parts: Parts,
    room: Room,
    on: dt.date,
) -> None:
    """The features of the loaded customers at one date; buckets are written while others are reckoned."""
    with con.cursor() as own:
        waiting: deque[Future[None]] = deque()
        for bucket, made in script.run(quiet(own), held, moment, room):
            waiting.append(room.writers.submit(_finish, made, bucket, wanted, parts, on))
            if len(waiting) >= room.threads:  # no more than that stand in the room's lines
                waiting.popleft().result()
        for written in waiting:
            written.result()


def _finish(made: duck.Made, bucket: int, wanted: Sequence[Feature], parts: Parts, on: dt.date) -> None:
    parts.write(on, bucket, finished(made(), wanted, on))
