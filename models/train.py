"""One label's training from stacked snapshots to the champion in force, with the proof."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from models import booster, gate, recipe
from models.bootstrap import Array
from models.champion import Champion
from models.cold_start import segment_rates
from models.dataset import Dataset
from models.evaluate import Difference, Evaluation, Judged, Scored, compare, evaluate, plain
from models.one_feature import OneFeatureRule, best_rule
from models.recipe import Recipe
from models.settings import ModelSettings
from models.splits import Window, cut_with_positives
from models.stack import Floats


@dataclass(frozen=True)
class TrainingResult:
    """What training a label gave: the champion to put in force, and why it is a model or only a segment's rate."""

    label: str
    champion: Champion
    verdict: gate.Verdict
    evaluation: Evaluation | None = None  # None: too few positives to judge a model by
    rule: OneFeatureRule | None = None
    against_rule: Difference | None = None
    refused: Champion | None = None  # the model the gate refused
    sample: Floats | None = None  # rows for the SHAP summary, columns as the model's features

    @property
    def is_model(self) -> bool:
        return self.champion.method == "model"


@dataclass(frozen=True)
class _Proof:
    evaluation: Evaluation
    rule: OneFeatureRule
    against_rule: Difference
    verdict: gate.Verdict


def train_label(
    name: str,
    dataset: Dataset,
    window: Window,
    settings: ModelSettings,
    *,
    known_at: dt.date,
    min_positives: int | None = None,
    seasons: Mapping[dt.date, str] | None = None,
    fingerprints: Mapping[str, str] | None = None,
    threads: int = 2,
) -> TrainingResult:
    """Train, judge out of time, and learn again from all that was known at `known_at`.

    The recipe is judged on the newest complete snapshots after learning from those whose outcomes were known by then. If the
    gate lets it pass, the same recipe over all snapshots is the champion: a bank's newest months are not thrown away. The
    levels of months that it is judged with come from the snapshots it learned from, never from those it is judged on. Where
    time does not allow this cut, the judgement comes from folds of customers and says so. `seasons` names a season per as_of.
    """
    over = settings.of(name)
    known = dataset.during(window.known_by(dataset.as_ofs, known_at)).with_own_encodings()
    prints = {**known.fingerprints(), **(fingerprints or {})}
    least = over.min_positives or min_positives or settings.min_positives
    if known.positive_customers < least or over.method == "segment_rate":
        verdict = gate.too_few(known.positive_customers, least)
        return TrainingResult(name, cold_start(name, known, settings, known_at, prints, verdict), verdict)
    proof, final = _prove(known, window, settings, over.capacity or settings.evaluation.capacity, seasons, threads)
    model = _champion(name, known, final, known_at, prints, proof)
    sample = _sample(known, final.feature_names, 600)
    shown = (name, proof.verdict, proof.evaluation, proof.rule, proof.against_rule)
    if proof.verdict.passed:
        return TrainingResult(shown[0], model, *shown[1:], sample=sample)
    fallback = cold_start(name, known, settings, known_at, prints, proof.verdict)
    return TrainingResult(shown[0], fallback, *shown[1:], refused=model, sample=sample)


def _prove(
    known: Dataset, window: Window, settings: ModelSettings, capacity: int, seasons: Mapping[dt.date, str] | None, threads: int
) -> tuple[_Proof, Recipe]:
    judge = partial(_judge, settings=settings, capacity=capacity, seasons=seasons)
    parts = cut_with_positives(known, window, settings.splits.evaluation_months, settings.splits.min_slice_positives)
    if parts is None:
        final = recipe.cross_fitted(known, settings, threads)
        assert final.held_out_raw is not None
        assert final.held_out_probability is not None
        return judge("cross_fitted", known, known, final.held_out_raw, final.held_out_probability), final
    learned, judged_on = known.during(parts.earlier), known.during(parts.later)
    side = max(1, threads // 2)
    with ThreadPoolExecutor(1) as beside:  # much of either recipe keeps one core only; threads change no tree
        waiting = beside.submit(recipe.make, known, window, settings, side)
        tried = recipe.make(learned, window, settings, side)
        seen = judged_on.select(tried.feature_names, judged_on.encodings)
        raw = booster.raw_scores(tried.text, seen, side)
        probability, doubt = tried.calibration(raw), tried.doubt
        if tried.season is not None:
            probability = tried.season(probability, judged_on.as_of)
            doubt = float(np.average(tried.season.doubt(judged_on.as_of), weights=probability * judged_on.weights))
        proof = judge("out_of_time", learned, judged_on, raw, probability, doubt=min(doubt, math.log(settings.gate.excused_to)))
        final = waiting.result()
    return proof, final if tried.season is not None else replace(final, season=None)  # what was not judged is not put in force


def _judge(
    how: Judged,
    learned: Dataset,
    judged_on: Dataset,
    raw: Array,
    probability: Array,
    *,
    settings: ModelSettings,
    capacity: int,
    seasons: Mapping[dt.date, str] | None,
    doubt: float = 0.0,
) -> _Proof:
    level = settings.evaluation
    evaluation = evaluate(
        Scored(judged_on.as_of, judged_on.customers, judged_on.target, probability, raw, judged_on.weight),
        level,
        base_rate=learned.base_rate,
        capacity=capacity,
        seed=settings.seed,
        judged=how,
        seasons=seasons,
        doubt=doubt,
    )
    rule = best_rule(learned)
    against = compare(
        raw,
        rule.score(judged_on),
        judged_on.target,
        judged_on.customers,
        weight=judged_on.weight,
        resamples=level.resamples,
        seed=settings.seed,
        level=level.level,
    )
    return _Proof(evaluation, rule, against, gate.judge(evaluation, rule, against, settings.gate))


def _champion(
    name: str, known: Dataset, final: Recipe, known_at: dt.date, prints: Mapping[str, str], proof: _Proof
) -> Champion:
    return Champion(
        name=name,
        method="model",
        feature_names=final.feature_names,
        encodings={n: v for n, v in known.encodings.items() if n in set(final.feature_names)},
        base_rate=known.base_rate,
        trained_on=known.as_ofs,
        known_at=known_at,
        booster_text=final.text,
        calibration=final.calibration,
        season=final.season,
        parameters={
            "how": final.how,
            "rounds": final.rounds,
            **final.booster.model_dump(mode="json"),
            "learned_on": [d.isoformat() for d in final.learned_on],
            "calibrated_on": [d.isoformat() for d in final.calibrated_on],
            "rows": known.size,
            **({"learned_rows": len(known.rows)} if known.weight is not None else {}),
            "positives": known.positives,
            "positive_customers": known.positive_customers,
        },
        metrics=_metrics(proof),
        fingerprints=prints,
        reasons_zh=proof.verdict.reasons_zh,
        reasons_en=proof.verdict.reasons_en,
    )


def _metrics(proof: _Proof) -> dict[str, Any]:
    return {
        "evaluation": proof.evaluation.to_dict(),
        "one_feature_rule": dict(vars(proof.rule)),
        "against_rule_roc_auc": plain(proof.against_rule.roc_auc.to_list()),
    }


def cold_start(
    name: str, known: Dataset, settings: ModelSettings, known_at: dt.date, prints: Mapping[str, str], verdict: gate.Verdict
) -> Champion:
    """The rates of segments as a champion."""
    segments = settings.of(name).segments
    chosen = settings.cold_start.segments if segments is None else segments
    rates = segment_rates(known, chosen, settings.cold_start.use, settings.evaluation.level)
    encodings = known.encodings
    return Champion(
        name=name,
        method="segment_rate",
        feature_names=rates.feature_names,
        encodings={n: encodings[n] for n in rates.feature_names if n in encodings},
        base_rate=known.base_rate if len(known.rows) else 0.0,
        trained_on=known.as_ofs,
        known_at=known_at,
        segments=rates,
        parameters={"rows": known.size, "positives": known.positives, "positive_customers": known.positive_customers},
        fingerprints=prints,
        reasons_zh=verdict.reasons_zh,
        reasons_en=verdict.reasons_en,
    )


def _sample(dataset: Dataset, names: tuple[str, ...], most: int) -> Floats:
    """Evenly spaced rows of the newest snapshot."""
    newest = dataset.during(dataset.as_ofs[-1:])
    keep = np.unique(np.linspace(0, len(newest.rows) - 1, most).astype(np.int64))
    some = replace(newest, rows=newest.rows[keep], target=newest.target[keep])
    return some.select(names, dataset.encodings)
