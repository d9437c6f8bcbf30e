"""Build feature files: one row per customer for each as_of, the same bits for one date, many, in full or by the day."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

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
from features.lanes import Work, beside, lanes_and_loads
from features.moment import Moment
from features.parts import Parts, finished
from features.reading import needed
from features.rows import row_sets
from features.settings import FeatureSettings
from sources.canonical import Canonical
from store.errors import ConfigError
from store.files import parquet_rows, read_json, replace_folder, write_json
from store.fingerprint import of_code, of_json, of_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Progress = Callable[[str, int, int], None] | None


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
                {"as_of": on, "key": key, "rows": rows, "fingerprint": parts.fingerprint(on), "catalog": as_rows(specs)},
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
    """Each date once its parts are all there, and its rows: buckets are loaded once for all dates."""
    reads = needed(wanted, row_sets())
    lanes, loads = lanes_and_loads(canonical)
    moments = {on: Moment(Clock(on, settings.calendar), _starts(canonical, on, reads)) for on in dates}
    missing = [(buckets, [on for on in dates if not parts.has(on, buckets)]) for buckets in loads]
    left = Counter(on for _, waiting in missing for on in waiting)
    for on in sorted(set(dates) - set(left)):  # stopped between their last part and their name
        yield on, parquet_rows(parts.folder(on))
    total, minor = left.total(), 10 ** get_currency_precision(canonical.manifest.currency)
    with ThreadPoolExecutor(1) as compiling:
        script = compiling.submit(duck.compiled, tuple(one.name for one in wanted), canonical.mapped, minor)
        shared = replace(canonical, limits=canonical.limits.share(lanes))
        work = Work(shared, script.result, reads, wanted, moments, parts)
        for done, on in enumerate(beside(work, [one for one in missing if one[1]], lanes), start=1):
            left[on] -= 1
            if not left[on]:
                yield on, parquet_rows(parts.folder(on))
            if progress:
                progress("features", done, total)


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
    _, loads = lanes_and_loads(canonical)
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
