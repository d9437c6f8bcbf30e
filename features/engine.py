"""Build feature files: one row per customer for each as_of, the same bits for one date, many, in full or by the day."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from babel.numbers import get_currency_precision

from features import duck, spark
from features.calendar import Clock, day_number
from features.catalog import as_rows, chosen
from features.compile import KEY
from features.declare import Feature, FeatureSpec
from features.history import first_balance
from features.loading import Load, load
from features.moment import Moment
from features.parts import Parts
from features.reading import needed
from features.room import Room
from features.rows import row_sets
from features.settings import FeatureSettings
from sources.canonical import Canonical
from sources.sqltext import quiet
from store.errors import ConfigError
from store.files import parquet_rows, read_json, replace_folder, write_json
from store.fingerprint import of_code, of_json, of_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Progress = Callable[[str, int, int], None] | None
_LEAST = 2_000_000  # rows for which a lane is worth its statements


@dataclass(frozen=True)
class FeatureSet:
    """Features of one bank: a folder of Parquet files per as_of, what their columns mean, and what they hold."""

    out: Path
    specs: tuple[FeatureSpec, ...]  # columns of the files, in order
    fingerprints: dict[dt.date, str]  # SHA-256 of each folder

    def path(self, as_of: dt.date) -> Path:
        """The folder of that date."""
        return file_of(self.out, as_of)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns a model may see."""
        return tuple(spec.name for spec in self.specs if spec.role == "feature" and spec.sensitivity != "protected")

    def read(self, as_of: dt.date) -> pd.DataFrame:
        """One row per customer at that date, sorted by customer_id."""
        frame: pd.DataFrame = pq.read_table(self.path(as_of), partitioning=None).sort_by(KEY).to_pandas()
        return frame


def file_of(out: Path, as_of: dt.date) -> Path:
    """Where the features of a date lie under `out`."""
    return out / f"as_of={as_of.isoformat()}.parquet"


def build(
    canonical: Canonical,
    settings: FeatureSettings,
    as_of: Sequence[dt.date],
    out: Path,
    progress: Progress = None,
    views: Iterable[str] | None = None,
    session: SparkSession | None = None,
) -> FeatureSet:
    """Write the folder `out/as_of=D.parquet`, a file per bucket of customers, and `.json` for every date.

    A date made of the same data, settings and code is kept; one that was stopped goes on after its last finished bucket.
    With a Spark session Spark sums, else DuckDB: the same bytes.
    """
    entries = [(one, spec) for _, one, spec in chosen(canonical, settings, views) if spec.available]
    if not entries:
        raise ConfigError(
            "no feature can be built",
            where=canonical.manifest.bank,
            expected="canonical tables with dated columns",
            do="see `terrace catalog` for what is missing",
        )
    specs = tuple(spec for _, spec in entries)
    key = _key(canonical, settings, specs)
    dates = sorted(set(as_of))
    due = [on for on in dates if not _is_there(out, on, key)]
    if due:
        parts = Parts(out, key)
        wanted = [one for one, _ in entries]
        if session is None:
            made = _finished(canonical, settings, wanted, due, parts, progress)
        else:
            made = _by_spark(session, canonical, settings, wanted, due, parts, progress)
        for on, rows in made:
            path = file_of(out, on)
            path.with_suffix(".json").unlink(missing_ok=True)
            replace_folder(parts.folder(on), path)
            write_json(
                path.with_suffix(".json"),
                {"as_of": on, "key": key, "rows": rows, "fingerprint": of_path(path), "catalog": as_rows(specs)},
            )
        parts.clear()
    return FeatureSet(out, specs, {on: str(read_json(file_of(out, on).with_suffix(".json"))["fingerprint"]) for on in dates})


def _key(canonical: Canonical, settings: FeatureSettings, specs: Sequence[FeatureSpec]) -> str:
    return of_json(
        {
            "canonical": canonical.manifest.content(),
            "settings": settings.model_dump(mode="json"),
            "columns": [spec.name for spec in specs],
            "code": of_code([Path(__file__).parent]),
        }
    )


def _is_there(out: Path, on: dt.date, key: str) -> bool:
    path = file_of(out, on)
    note = path.with_suffix(".json")
    if not (path.exists() and note.exists()):
        return False
    said = read_json(note)
    return bool(said.get("key") == key and said.get("fingerprint") == of_path(path))


def _finished(
    canonical: Canonical,
    settings: FeatureSettings,
    wanted: Sequence[Feature],
    dates: Sequence[dt.date],
    parts: Parts,
    progress: Progress,
) -> Iterator[tuple[dt.date, int]]:
    """Each date once its parts are all there, and its rows: buckets are loaded once for all dates.

    Loads lie beside each other in lanes, each with its share of the machine: so no core waits for a step that keeps only one.
    """
    reads = needed(wanted, row_sets())
    lanes, loads = _lanes(canonical)
    script = duck.compiled(
        tuple(one.name for one in wanted), canonical.mapped, 10 ** get_currency_precision(canonical.manifest.currency)
    )
    moments = {on: Moment(Clock(on, settings.calendar), _starts(canonical, on, reads)) for on in dates}
    missing = [(buckets, [on for on in dates if not parts.has(on, buckets)]) for buckets in loads]
    left = Counter(on for _, waiting in missing for on in waiting)
    work = _Work(replace(canonical, limits=canonical.limits.share(lanes)), script, reads, wanted, moments, parts)
    for on in sorted(set(dates) - set(left)):  # stopped between their last part and their name
        yield on, parquet_rows(parts.folder(on))
    total = left.total()
    for done, on in enumerate(_beside(work, [one for one in missing if one[1]], lanes), start=1):
        left[on] -= 1
        if not left[on]:
            yield on, parquet_rows(parts.folder(on))
        if progress:
            progress("features", done, total)


@dataclass(frozen=True)
class _Work:
    """What lanes do: `canonical` has the limits of one of them."""

    canonical: Canonical
    script: duck.Script
    reads: Mapping[str, Iterable[str]]
    wanted: Sequence[Feature]
    moments: Mapping[dt.date, Moment]
    parts: Parts

    def lane(self, loads: Iterator[tuple[Sequence[int], Sequence[dt.date]]], say: Callable[[dt.date], bool]) -> None:
        """One load after the other; `say` is told of every date that is written, and answers whether to go on."""
        with self.canonical.connect() as con, Room(self.canonical.limits.threads) as room:
            for buckets, waiting in loads:
                held = load(con, self.canonical, buckets, self.reads, room)
                for on in waiting:
                    _at(con, self.script, held, self.wanted, self.moments[on], self.parts, room, on)
                    if not say(on):
                        return
                del held  # before the next one is read
                room.drop("sums", "lines")
                pa.default_memory_pool().release_unused()


def _beside(work: _Work, loads: Sequence[tuple[Sequence[int], Sequence[dt.date]]], lanes: int) -> Iterator[dt.date]:
    """Dates as they are written, one load of one lane each. Where one fails, the others end with the date they are at."""
    said: SimpleQueue[dt.date | None] = SimpleQueue()
    stopped, waiting = Event(), SimpleQueue[tuple[Sequence[int], Sequence[dt.date]]]()
    for one in loads:
        waiting.put(one)

    def next_loads() -> Iterator[tuple[Sequence[int], Sequence[dt.date]]]:
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


def _write(table: pa.Table, bucket: npt.NDArray[np.integer], buckets: Sequence[int], parts: Parts, on: dt.date) -> None:
    """A part per bucket of rows that stand by bucket and customer."""
    for one in buckets:
        first, last = np.searchsorted(bucket, [one, one + 1])
        parts.write(on, one, table.slice(first, last - first))


def _by_spark(
    session: SparkSession,
    canonical: Canonical,
    settings: FeatureSettings,
    wanted: Sequence[Feature],
    dates: Sequence[dt.date],
    parts: Parts,
    progress: Progress,
) -> Iterator[tuple[dt.date, int]]:
    """Each date once its parts are all there, and its rows: collected load by load."""
    _, loads = _lanes(canonical)
    for number, on in enumerate(dates):
        for place, buckets in enumerate(loads):
            if not parts.has(on, buckets):
                rows = spark.features_of(session, canonical, settings.calendar, on, wanted, buckets).toArrow()
                rows = rows.sort_by([("bucket", "ascending"), (KEY, "ascending")])
                _write(finished(rows, wanted, on), rows["bucket"].to_numpy(), buckets, parts, on)
            if progress:
                progress("features", number * len(loads) + place + 1, len(loads) * len(dates))
        yield on, parquet_rows(parts.folder(on))


def _starts(canonical: Canonical, on: dt.date, reads: Iterable[str]) -> dict[str, int]:
    """The first day of which the bank's balances tell, as far as known then."""
    first = first_balance(canonical, on) if "balances" in reads else None
    return {} if first is None else {"balances": day_number(first)}


def _lanes(canonical: Canonical) -> tuple[int, list[list[int]]]:
    """How many lanes there are, and loads: buckets in groups of as many transactions and balances as a lane may hold.

    No more lanes than threads, nor so many that their loads are small: each load costs two dozen statements, whatever its rows.
    """
    tables, limits = canonical.manifest.tables, canonical.limits
    rows = sum(tables[name].rows for name in ("transactions", "balances") if name in tables)
    count = canonical.manifest.buckets
    lanes = min(limits.threads, count, max(1, min(rows, limits.rows_at_once) // _LEAST))
    groups = min(count, max(lanes, -(-rows // limits.share(lanes).rows_at_once)))
    size = -(-count // groups)
    return lanes, [list(range(start, min(start + size, count))) for start in range(0, count, size)]


def finished(table: pa.Table, wanted: Sequence[Feature], on: dt.date) -> pa.Table:
    """The rows as they stand, with the as_of, and every column in its published type."""
    columns_ = {KEY: table[KEY].cast(pa.string()), "as_of": pa.array([on] * table.num_rows, pa.date32())}
    for one in wanted:
        column = table[one.name]
        if one.unit == "category":
            columns_[one.name] = column.cast(pa.string())
        elif one.unit == "date":
            columns_[one.name] = column.cast(pa.int32()).cast(pa.date32())
        else:
            columns_[one.name] = column.cast(pa.float64())
    return pa.table(columns_).combine_chunks()
