"""A place with its bank read: settings, canonical tables, and the features of the newest date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.place import Place
from features.catalog import chosen
from features.declare import Feature
from features.engine import FeatureSet, build
from features.reading import needed
from features.rows import row_sets
from features.settings import FeatureSettings
from flows.bank import BankFile
from flows.demo import open_bank
from flows.home import Home
from models.champion import Champion
from sources.canonical import Canonical, open_canonical
from sources.connection import connect
from store.errors import NotFound
from store.files import parquet_parts, write_parquet
from targeting import manifest


@dataclass(frozen=True)
class Opened:
    """What ways of this project's own need of a place."""

    place: Place
    bank: BankFile
    home: Home
    canonical: Canonical

    @property
    def as_of(self) -> dt.date:
        return self.canonical.manifest.newest_business_date

    @property
    def newest_list(self) -> Path:
        """The folder of the list in force. Raises NotFound before the first night."""
        newest = self.home.newest_list()
        if newest is None:
            raise NotFound("no published list", where=str(self.home.root), do="run `make nightly` first")
        return self.home.list_folder(*newest)

    def pinned(self) -> list[Champion]:
        """What answers every label in the list in force, by label."""
        hashes = manifest.read(self.newest_list).champions
        return [Champion.read(self.home.champions / name / content[:16]) for name, content in sorted(hashes.items())]

    def champions(self) -> list[Champion]:
        """The models behind the list in force; labels answered by the rate of a segment have none."""
        return [one for one in self.pinned() if one.method == "model"]

    def build(self, dates: Sequence[dt.date], out: Path, only: Sequence[str] | None = None) -> FeatureSet:
        """Features as a night builds them: all of the bank's, or `only` those named."""
        return build(self.canonical, self.only(only), dates, out)

    def only(self, names: Sequence[str] | None) -> FeatureSettings:
        """The bank's feature settings, with everything but these names switched off."""
        settings = self.bank.features
        if names is None:
            return settings
        others = sorted({one.name for _, one, _ in chosen(self.canonical, settings)} - set(names))
        return settings.model_copy(update={"features": settings.features.model_copy(update={"without": others})})

    def features(self, only: Sequence[str] | None = None) -> list[Feature]:
        """The declarations of what `build` writes."""
        return [one for _, one, spec in chosen(self.canonical, self.only(only)) if spec.available]


def opened(place: Place) -> Opened:
    """The bank of a place. Raises ConfigError for a wrong bank file."""
    bank = open_bank(place.bank, place.home)
    home = Home(place.home.resolve() / bank.bank.id)
    return Opened(place, bank, home, open_canonical(home.canonical, bank.limits))


def read_once(canonical: Canonical, features: Sequence[Feature]) -> None:
    """Every column that these features read, every value of it looked at, by DuckDB on as many threads as ours has.

    A minimum or a count would not do: DuckDB answers them from a file's statistics without reading it.
    """
    with connect(canonical.limits) as con:
        for table, columns in sorted(needed(features, row_sets()).items()):
            there = sorted({*columns, "known_from", "known_to"})
            listed = ", ".join(f'"{column}"' for column in there)
            con.execute(f"SELECT bit_xor(hash({listed})) FROM {canonical.relation_sql(table)}").fetchall()


def finished_files(answer: Path) -> dict[str, pa.Table]:
    """The files of finished features, by name: one per bucket."""
    return {path.name: pq.read_table(path, partitioning=None) for path in parquet_parts(answer)}


def write_once(files: dict[str, pa.Table], folders: Sequence[Path], threads: int) -> None:
    """The files into every folder, written as features' own are, by as many threads."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(
            lambda one: write_parquet(one[0] / one[1], files[one[1]]), [(to, name) for to in folders for name in files]
        ):
            pass
