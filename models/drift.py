"""How far scores and features of one date have moved from those of another: the population stability index, worst first.

PSI is the sum over parts of (q - p) ln(q / p), where p and q are a part's shares then and now (Siddiqi, Credit Risk
Scorecards, 2006). The parts of a number are cut at the deciles of the earlier date, and a value that fills a decile or more
is a part of its own; the parts of a category are its values; what is unknown is one more part. A part that only one side
knows counts as half a customer on the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.feature_rows import wanted_of
from models.stack import as_of_in
from store.files import parquet_rows

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Reading = Literal["stable", "watch", "moved"]
Kind = Literal["score", "feature"]
Language = Literal["zh", "en"]
WATCH, MOVED = 0.1, 0.25  # the usual reading of the index
DECILES = np.arange(1, 10) / 10
_READINGS: dict[Reading, tuple[str, str]] = {
    "stable": ("稳定", "stable"),
    "watch": ("关注", "watch"),
    "moved": ("已漂移", "moved"),
}
_KINDS: dict[Kind, tuple[str, str]] = {"score": ("评分", "score"), "feature": ("特征", "feature")}
_HEADS = (
    ("类别", "名称", "PSI", "随机水平", "结论", "缺失（当时）", "缺失（现在）"),
    ("kind", "name", "PSI", "by chance", "reading", "unknown then", "unknown now"),
)


@dataclass(frozen=True)
class Shift:
    """One score or feature between two dates."""

    kind: Kind
    name: str
    psi: float
    by_chance: float  # what two draws of these sizes from one population give on average
    parts: int
    unknown_then: float  # share of customers
    unknown_now: float

    @property
    def reading(self) -> Reading:
        """Below 0.1 stable, to 0.25 watch, above it moved."""
        return "stable" if self.psi < WATCH else "watch" if self.psi <= MOVED else "moved"

    def say(self, language: Language) -> str:
        """The reading in words."""
        return _READINGS[self.reading][0 if language == "zh" else 1]


@dataclass(frozen=True)
class Drift:
    """Every score and feature between two dates: scores before features, the worst first."""

    reference: dt.date
    current: dt.date
    customers_then: int
    customers_now: int
    shifts: tuple[Shift, ...]

    def count(self, reading: Reading) -> int:
        """How many read so."""
        return sum(shift.reading == reading for shift in self.shifts)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: with the reading of each, and how many read so."""
        rows = [asdict(shift) | {"reading": shift.reading, "reading_zh": shift.say("zh")} for shift in self.shifts]
        return asdict(self) | {"shifts": rows, "counts": {reading: self.count(reading) for reading in _READINGS}}

    def headline(self, language: Language) -> str:
        """One sentence: the two dates, and how many moved."""
        moved, watch, stable = self.count("moved"), self.count("watch"), self.count("stable")
        if language == "zh":
            return f"{self.current} 与训练期末 {self.reference} 相比：已漂移 {moved} 项，需关注 {watch} 项，稳定 {stable} 项。"
        return (
            f"{self.current} against {self.reference}, the newest month learned from: "
            f"{moved} moved, {watch} to watch, {stable} stable."
        )

    def markdown(self, language: Language, features: int = 20) -> str:
        """The headline, every score and the worst features as a table."""
        place = 0 if language == "zh" else 1
        shown = [s for s in self.shifts if s.kind == "score"] + [s for s in self.shifts if s.kind == "feature"][:features]
        rows = [
            (
                _KINDS[s.kind][place],
                s.name,
                f"{s.psi:.3f}",
                f"{s.by_chance:.3f}",
                s.say(language),
                f"{s.unknown_then:.1%}",
                f"{s.unknown_now:.1%}",
            )
            for s in shown
        ]
        lines = ["| " + " | ".join(row) + " |" for row in (_HEADS[place], ("---",) * len(_HEADS[place]), *rows)]
        return self.headline(language) + "\n\n" + "\n".join(lines) + "\n"


def psi(then: Ints, now: Ints) -> float:
    """The index of customers counted by part; half a customer stands in a part that only the other side knows."""
    known = (then > 0) | (now > 0)
    p, q = np.where(then > 0, then, 0.5)[known], np.where(now > 0, now, 0.5)[known]
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def cuts(then: Array) -> Array:
    """Upper edges (inclusive) of all parts but the last: the deciles, and an edge just below a value that fills one."""
    if not len(then):
        return np.empty(0)
    edges, times = np.unique(np.quantile(then, DECILES, method="inverted_cdf"), return_counts=True)
    return np.union1d(edges, np.nextafter(edges[(times > 1)], -np.inf))


def shift(kind: Kind, name: str, then: pa.Array, now: pa.Array) -> Shift | None:
    """One column of two dates compared; none where it is the same for every customer of a date, as the calendar's are."""
    if _is_of_the_date(then) and _is_of_the_date(now):
        return None
    counts = _by_value(then, now) if _is_text(then) or _is_text(now) else _by_decile(then, now)
    before, after = (np.append(side, column.null_count) for side, column in zip(counts, (then, now), strict=True))
    parts = int(((before > 0) | (after > 0)).sum())
    by_chance = (parts - 1) * (1 / max(len(then), 1) + 1 / max(len(now), 1))
    return Shift(
        kind, name, psi(before, after), by_chance, parts, then.null_count / max(len(then), 1), now.null_count / max(len(now), 1)
    )


def _is_of_the_date(column: pa.Array) -> bool:
    return not column.null_count and len(column) > 1 and len(pc.unique(column)) == 1


def _is_text(column: pa.Array) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_dictionary(column.type))


def _by_value(then: pa.Array, now: pa.Array) -> tuple[Ints, Ints]:
    sides = [column.cast(pa.string()).drop_null() for column in (then, now)]
    values = pc.unique(pa.concat_arrays(sides))
    places = [pc.index_in(side, value_set=values).to_numpy(zero_copy_only=False) for side in sides]
    return _counted(places[0], len(values)), _counted(places[1], len(values))


def _by_decile(then: pa.Array, now: pa.Array) -> tuple[Ints, Ints]:
    sides = [column.cast(pa.float64()).drop_null().to_numpy(zero_copy_only=False) for column in (then, now)]
    edges = cuts(sides[0])
    places = [np.searchsorted(edges, side, side="left") for side in sides]
    return _counted(places[0], len(edges) + 1), _counted(places[1], len(edges) + 1)


def _counted(places: Any, parts: int) -> Ints:
    return np.bincount(np.asarray(places, dtype=np.int64), minlength=parts).astype(np.int64)


def features_between(reference: Path, current: Path, names: Iterable[str]) -> list[Shift]:
    """These columns of two feature files. Raises ConfigError for a column one of them has not."""
    asked = tuple(names)
    wanted_of(reference, asked)
    wanted = wanted_of(current, asked)
    found = (shift("feature", name, _column(reference, name), _column(current, name)) for name in wanted)
    return [one for one in found if one is not None]


def _column(path: Path, name: str) -> pa.Array:
    # one column at a time: a bank's whole file need not fit into memory twice
    return pq.read_table(path, columns=[name])[name].combine_chunks()


def scores_between(reference: Path, current: Path) -> list[Shift]:
    """Each model's raw scores in two score files that both have it.

    Raw: a probability also says what the month expects, and a season that comes as every year is no drift.
    """
    then, now = (pq.read_table(path, columns=["model", "raw_score"]) for path in (reference, current))
    models = sorted(set(pc.unique(then["model"]).to_pylist()) & set(pc.unique(now["model"]).to_pylist()))
    return list(_scores(models, then, now))


def _scores(models: Sequence[str], then: pa.Table, now: pa.Table) -> Iterator[Shift]:
    for model in models:
        sides = [table.filter(pc.equal(table["model"], model))["raw_score"].combine_chunks() for table in (then, now)]
        found = shift("score", model, *sides)
        if found is not None:
            yield found


def compare(features: tuple[Path, Path], scores: tuple[Path, Path], names: Iterable[str]) -> Drift:
    """Two dates' feature files (`names` of them) and score files, the earlier first."""
    shifts = [*scores_between(*scores), *features_between(*features, names)]
    rows = [parquet_rows(path) for path in features]
    ordered = tuple(sorted(shifts, key=lambda one: (one.kind != "score", -one.psi, one.name)))
    return Drift(as_of_in(features[0]), as_of_in(features[1]), rows[0], rows[1], ordered)
