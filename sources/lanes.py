"""Work on tables that do not ask each other, in lanes beside each other: no core waits while a table's small statements run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

import duckdb

Progress = Callable[[str, int, int], None]
Found = TypeVar("Found")
Work = Callable[[duckdb.DuckDBPyConnection], Found]


def beside(
    con: duckdb.DuckDBPyConnection,
    works: Mapping[str, Work[Found]],
    lanes: int,
    say: Progress,
    after: Mapping[str, Collection[str]] | None = None,
) -> dict[str, Found]:
    """What each piece of work found, in the order of `works`. None begins before those it comes `after`, which stand before it.

    With one lane they are done one after the other on `con`; else each on a connection of its own to the same database, which
    does not see temporary tables of `con`. `say` hears of each that begins, in the caller's thread. Where one fails no
    further one begins; of those that failed the first in order is told of.
    """
    if lanes == 1:
        found = {}
        for place, (name, work) in enumerate(works.items()):
            say(name, place, len(works))
            found[name] = work(con)
        return found
    waiting, running, done = dict(works), dict[Future[Found], str](), dict[str, Future[Found]]()

    def is_ready(name: str) -> bool:
        return all(other in done for other in (after or {}).get(name, ()) if other in works)

    def work_alone(work: Work[Found]) -> Found:
        with con.cursor() as own:
            return work(own)

    with ThreadPoolExecutor(lanes) as pool:
        while waiting or running:
            for name in [name for name in waiting if is_ready(name)][: lanes - len(running)]:
                say(name, len(works) - len(waiting), len(works))
                running[pool.submit(work_alone, waiting.pop(name))] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done[running.pop(future)] = future
                if future.exception() is not None:
                    waiting.clear()
    return {name: done[name].result() for name in works if name in done}
