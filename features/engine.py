"""Build feature files: one row per customer for each as_of, the same bits for one date, many, in full or by the day."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from babel.numbers import get_currency_precision

from features import duck
from features.calendar import Clock, day_number
from features.catalog import as_rows, chosen
from features.compile import KEY
from features.declare import Feature, FeatureSpec
from features.moment import Moment
from features.reading import needed
from features.rows import row_sets
from features.settings import FeatureSettings
from sources.canonical import Canonical, connect
from sources.sqltext import quiet
from store.errors import ConfigError
from store.files import fresh_folder, read_json, write_json, write_parquet
from store.fingerprint import of_code, of_file, of_json

Progress = Callable[[str, int, int], None] | None
AT_ONCE = 2  # dates in work: planning a date and its last step keep one core only


@dataclass(frozen=True)
class FeatureSet:
    """Feature files of one bank: a file per as_of, what their columns mean, and what they hold."""

    out: Path
    specs: tuple[FeatureSpec, ...]  # columns of the files, in order
    fingerprints: dict[dt.date, str]  # SHA-256 of each file

    def path(self, as_of: dt.date) -> Path:
        """The file of that date."""
        return file_of(self.out, as_of)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns a model may see."""
        return tuple(spec.name for spec in self.specs if spec.role == "feature" and spec.sensitivity != "protected")

    def read(self, as_of: dt.date) -> pd.DataFrame:
        """One row per customer at that date, sorted by customer_id."""
        frame: pd.DataFrame = pq.read_table(self.path(as_of)).to_pandas()
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
) -> FeatureSet:
    """Write `out/as_of=D.parquet` and `.json` for every date; a file made of the same data, settings and code is kept."""
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
        for on, table in _tables(canonical, settings, [one for one, _ in entries], due, out, progress):
            path = file_of(out, on)
            path.with_suffix(".json").unlink(missing_ok=True)
            write_parquet(path, table)
            write_json(
                path.with_suffix(".json"),
                {"as_of": on, "key": key, "rows": table.num_rows, "fingerprint": of_file(path), "catalog": as_rows(specs)},
            )
    return FeatureSet(out, specs, {on: str(read_json(file_of(out, on).with_suffix(".json"))["fingerprint"]) for on in dates})


def _key(canonical: Canonical, settings: FeatureSettings, specs: Sequence[FeatureSpec]) -> str:
    return of_json(
        {
            "canonical": canonical.manifest.model_dump(mode="json"),
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
    return bool(said.get("key") == key and said.get("fingerprint") == of_file(path))


def _tables(
    canonical: Canonical,
    settings: FeatureSettings,
    wanted: Sequence[Feature],
    dates: Sequence[dt.date],
    out: Path,
    progress: Progress,
) -> Iterator[tuple[dt.date, pa.Table]]:
    """Each date with its finished table. Where buckets need several loads, parts wait on disk until a date has them all."""
    reads = needed(wanted, row_sets())
    loads = _loads(canonical, settings.features.rows_per_load)
    script = duck.compiled(
        tuple(one.name for one in wanted), canonical.mapped, 10 ** get_currency_precision(canonical.manifest.currency)
    )
    parts = fresh_folder(out / ".parts")
    done, total = 0, len(loads) * len(dates)
    con = connect(memory_limit="2GB")
    try:
        moments = {on: Moment(Clock(on, settings.calendar), _starts(con, canonical, on, reads)) for on in dates}
        for number, buckets in enumerate(loads):
            duck.load(con, canonical, buckets, reads)
            for on, table in _ahead(partial(_at, con, script, reads, moments), dates):
                if number < len(loads) - 1:
                    write_parquet(_part(parts, on, number), table)
                else:
                    before = [pq.read_table(_part(parts, on, earlier)) for earlier in range(number)]
                    yield on, finished(pa.concat_tables([*before, table]), wanted, on)
                done += 1
                if progress:
                    progress("features", done, total)
    finally:
        con.close()
        shutil.rmtree(parts, ignore_errors=True)


def _at(
    con: duckdb.DuckDBPyConnection,
    script: duck.Script,
    reads: Mapping[str, Iterable[str]],
    moments: Mapping[dt.date, Moment],
    on: dt.date,
) -> pa.Table:
    """The features of the loaded customers at one date, on a cursor of its own."""
    with con.cursor() as own:
        duck.know(quiet(own), on, reads)
        return script.run(own, moments[on])


def _ahead(work: Callable[[dt.date], pa.Table], dates: Sequence[dt.date]) -> Iterator[tuple[dt.date, pa.Table]]:
    """Each date with its table, in order: some in work beside each other, and no more begun before the first is taken."""
    pool = ThreadPoolExecutor(AT_ONCE)
    waiting: deque[tuple[dt.date, Future[pa.Table]]] = deque()
    try:
        for on in dates:
            waiting.append((on, pool.submit(work, on)))
            if len(waiting) > AT_ONCE:
                first, table = waiting.popleft()
                yield first, table.result()
        for first, table in waiting:
            yield first, table.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _part(folder: Path, on: dt.date, number: int) -> Path:
    return folder / f"{on.isoformat()}.{number}.parquet"


def _starts(con: duckdb.DuckDBPyConnection, canonical: Canonical, on: dt.date, reads: Iterable[str]) -> dict[str, int]:
    """The first day of which the bank's balances tell, as far as known then."""
    if "balances" not in reads or not canonical.has("balances", "on"):
        return {}
    first = con.execute(f'SELECT min("on") FROM {canonical.relation_sql("balances")} WHERE known_from <= ?', [on]).fetchone()
    return {"balances": day_number(first[0])} if first and first[0] else {}


def _loads(canonical: Canonical, rows_per_load: int) -> list[list[int]]:
    """Buckets in groups of about `rows_per_load` transactions and balances."""
    tables = canonical.manifest.tables
    rows = sum(tables[name].rows for name in ("transactions", "balances") if name in tables)
    count = canonical.manifest.buckets
    groups = min(count, max(1, -(-rows // rows_per_load)))
    size = -(-count // groups)
    return [list(range(start, min(start + size, count))) for start in range(0, count, size)]


def finished(table: pa.Table, wanted: Sequence[Feature], on: dt.date) -> pa.Table:
    """Sorted by customer, with the as_of, and every column in its published type."""
    table = table.sort_by([(KEY, "ascending")])
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
