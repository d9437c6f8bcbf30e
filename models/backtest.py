"""Past nights replayed: what the lists of each would have caught, had Terrace run then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models import pictures
from models.bootstrap import Estimate
from models.dataset import Dataset, join_label
from models.evaluate import Scored, evaluate, plain
from models.score import raw_and_probability
from models.settings import ModelSettings
from models.splits import Window
from models.stack import Stack
from models.train import TrainingResult, train_label
from store.errors import TerraceError
from store.files import write_json

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Replay:
    """One night: what it had learned from, and what became of the names on its list."""

    as_of: dt.date
    trained_on: tuple[dt.date, ...]
    content_hash: str
    method: str
    judged: str
    cohort: int
    positives: int
    capacity: int
    caught: Estimate  # positives among the first `capacity` names
    caught_by_chance: float
    roc_auc: Estimate
    lift_10: Estimate
    observed_expected: Estimate


@dataclass(frozen=True)
class Backtest:
    """All replayed nights of one label, and the nights together."""

    label: str
    gap_days: int
    horizon_days: int
    nights: tuple[Replay, ...]
    roc_auc: Estimate
    lift_10: Estimate
    observed_expected: Estimate
    skipped: Mapping[str, str] = field(default_factory=dict)  # night -> why it could not be replayed
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)  # as_of, customer_id, target, raw_score, probability

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without the rows."""
        content: dict[str, Any] = plain(asdict(replace(self, rows=pd.DataFrame())) | {"rows": len(self.rows)})
        return content

    def write(self, folder: Path) -> None:
        """Write `LABEL.json` and `LABEL.png`."""
        write_json(folder / f"{self.label}.json", self.to_dict())
        if self.nights:
            pictures.over_nights(
                self.label,
                [str(n.as_of) for n in self.nights],
                [
                    ("ROC AUC", [n.roc_auc for n in self.nights]),
                    ("lift at 10 %", [n.lift_10 for n in self.nights]),
                    (f"caught by {self.nights[0].capacity:,} names", [n.caught for n in self.nights]),
                ],
                "nights replayed",
                folder / f"{self.label}.png",
            )


def replay(
    name: str,
    stack: Stack,
    labels: Path,
    nights: Iterable[dt.date],
    window: Window,
    settings: ModelSettings,
    *,
    min_positives: int | None = None,
    learn_from: Sequence[dt.date] | None = None,
    gated: bool = True,
    labels_known_at: Callable[[dt.date], Path] | None = None,
    progress: Progress | None = None,
    threads: int = 2,
) -> Backtest:
    """Replay each night: learn only from outcomes known by then, score its cohort, compare with what came.

    `labels` holds the outcomes as known now; `labels_known_at(night)` a folder as it stood that night, for banks whose facts
    arrive late. `learn_from` narrows the snapshots to learn from. `gated=False` takes a model even where the gate refused it.
    Raises TerraceError where no night can be replayed.
    """
    drop = settings.of(name).drop_features
    outcomes = join_label(name, stack, labels, drop=drop)
    done: list[tuple[Replay, pd.DataFrame]] = []
    skipped: dict[str, str] = {}
    asked = sorted(set(nights))
    for place, night in enumerate(asked):
        if progress:
            progress(f"backtest {name}", place, len(asked))
        cohort = outcomes.during([night])
        past = [d for d in window.known_by(stack.as_ofs, night) if learn_from is None or d in set(learn_from)]
        known = join_label(name, stack, (labels_known_at(night) if labels_known_at else labels), past, drop)
        if not len(cohort.rows) or not len(known.rows):
            skipped[night.isoformat()] = "its outcomes are not known yet" if not len(cohort.rows) else "nothing to learn from"
            continue
        trained = train_label(name, known, window, settings, known_at=night, min_positives=min_positives, threads=threads)
        done.append(_score(trained, cohort, night, settings, gated, threads))
    if not done:
        raise TerraceError(f"no night of '{name}' can be replayed", where=str(labels), do=f"choose other nights: {skipped}")
    rows = pd.concat([frame for _, frame in done], ignore_index=True)
    codes = pd.factorize(rows["customer_id"], sort=True)[0]
    together = evaluate(
        _scored(rows, codes),
        settings.evaluation,
        base_rate=float(np.average(rows["target"], weights=rows.get("weight"))),
        capacity=done[0][0].capacity,
        seed=settings.seed,
    )
    return Backtest(
        name,
        window.gap_days,
        window.horizon_days,
        tuple(one for one, _ in done),
        together.roc_auc,
        together.lift_10,
        together.observed_expected,
        skipped,
        rows,
    )


def _scored(rows: pd.DataFrame, codes: Any) -> Scored:
    # nights have models of their own: between them only probabilities compare
    return Scored(
        rows["as_of"].to_numpy(dtype="datetime64[D]"),
        np.asarray(codes, dtype=np.int64),
        rows["target"].to_numpy(dtype=np.int8),
        rows["probability"].to_numpy(dtype=np.float64),
        rows["probability"].to_numpy(dtype=np.float64),
        rows["weight"].to_numpy(dtype=np.float32) if "weight" in rows else None,
    )


def _score(
    trained: TrainingResult, cohort: Dataset, night: dt.date, settings: ModelSettings, gated: bool, threads: int
) -> tuple[Replay, pd.DataFrame]:
    champion = trained.champion if gated or trained.refused is None else trained.refused
    if any(day >= night for day in champion.trained_on):
        raise TerraceError(
            f"the model of {night} learned from {max(champion.trained_on)}", expected="only what was known by then"
        )
    matrix = cohort.select(champion.feature_names, champion.encodings)
    raw, probability = raw_and_probability(champion, matrix, threads, night)
    capacity = settings.of(trained.label).capacity or settings.evaluation.capacity
    seen = evaluate(
        Scored(cohort.as_of, cohort.customers, cohort.target, probability, raw, cohort.weight),
        settings.evaluation,
        base_rate=champion.base_rate,
        capacity=capacity,
        seed=settings.seed,
    )
    count = float(cohort.positives)
    caught = Estimate(*(part * count for part in seen.gain_capacity.to_list()))
    one = Replay(
        as_of=night,
        trained_on=champion.trained_on,
        content_hash=champion.content_hash,
        method=champion.method,
        judged=trained.evaluation.judged if trained.evaluation else "not judged",
        cohort=cohort.size,
        positives=cohort.positives,
        capacity=capacity,
        caught=caught,
        caught_by_chance=count * seen.capacity_share,
        roc_auc=seen.roc_auc,
        lift_10=seen.lift_10,
        observed_expected=seen.observed_expected,
    )
    ids = cohort.stack.customers[cohort.customers]
    return one, pd.DataFrame(
        {
            "as_of": pd.Timestamp(night),
            "customer_id": ids,
            "target": cohort.target,
            "raw_score": raw,
            "probability": probability,
            **({"weight": cohort.weight} if cohort.weight is not None else {}),
        }
    )
