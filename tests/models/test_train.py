from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from synthetic import LABEL, Synthetic, make

from models import gate, recipe
from models.bootstrap import Estimate
from models.champion import Champion
from models.evaluate import Difference, Scored, compare, evaluate
from models.one_feature import OneFeatureRule, best_rule
from models.score import raw_and_probability
from models.settings import ModelSettings
from models.splits import Window
from models.train import TrainingResult, train_label
from store.errors import TerraceError


def test_a_learnable_truth_is_learned_near_its_limit(bank: Synthetic, trained: TrainingResult) -> None:
    dataset = bank.dataset().during(bank.as_ofs[-1:])
    champion = trained.champion
    assert champion.method == "model"
    raw, _ = raw_and_probability(champion, dataset.select(champion.feature_names, champion.encodings), 2, bank.as_ofs[-1])
    limit = roc_auc_score(dataset.target, bank.truth[bank.as_ofs[-1]])
    assert limit - 0.035 < roc_auc_score(dataset.target, raw) <= limit + 0.01


def test_probabilities_come_true_out_of_time(trained: TrainingResult) -> None:
    evaluation = trained.evaluation
    assert evaluation is not None
    assert evaluation.judged == "out_of_time"
    assert 0.85 < evaluation.observed_expected.value < 1.15
    assert evaluation.ece.value < 0.03
    assert [d.rows for d in evaluation.deciles] == [600] * 10
    assert evaluation.deciles[-1].observed.low > evaluation.deciles[0].observed.high


def test_only_outcomes_known_on_the_day_are_learned_from(bank: Synthetic, trained: TrainingResult, window: Window) -> None:
    champion = trained.champion
    assert champion.trained_on == tuple(window.known_by(bank.as_ofs, champion.known_at))
    assert max(champion.trained_on) < bank.as_ofs[-1]
    assert trained.evaluation is not None
    learned_for_judging = window.known_by(champion.trained_on, trained.evaluation.as_ofs[0])
    assert 0 < len(learned_for_judging) < len(champion.trained_on)


def test_what_happens_after_the_day_changes_no_bit_of_the_model(tmp_path: Path, window: Window, quick: ModelSettings) -> None:
    known_at = dt.date(2024, 7, 31)
    long, short = make(tmp_path / "long", customers=1500, months=11), make(tmp_path / "short", customers=1500, months=7)
    models = [train_label(LABEL, b.dataset(), window, quick, known_at=known_at) for b in (long, short)]
    assert long.as_ofs[-1] > known_at
    assert models[0].champion.content_hash == models[1].champion.content_hash
    assert models[0].evaluation == models[1].evaluation


def test_same_rows_same_bytes_whatever_the_number_of_threads(
    bank: Synthetic, trained: TrainingResult, window: Window, quick: ModelSettings, tmp_path: Path
) -> None:
    again = train_label(LABEL, bank.dataset(), window, quick, known_at=bank.as_ofs[-1], threads=1)
    trained.champion.write(tmp_path / "one")
    again.champion.write(tmp_path / "two")
    for name in ("booster.txt", "champion.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_champion_survives_its_folder_and_a_changed_folder_is_refused(trained: TrainingResult, tmp_path: Path) -> None:
    trained.champion.write(tmp_path)
    assert Champion.read(tmp_path) == trained.champion
    text = (tmp_path / "booster.txt").read_text()
    assert "leaf_value=" in text
    (tmp_path / "booster.txt").write_text(text.replace("leaf_value=", "leaf_value=9", 1))
    with pytest.raises(TerraceError, match="does not match its own hash"):
        Champion.read(tmp_path)


def test_the_gate_refuses_a_model_of_noise_and_the_segment_rate_answers(
    tmp_path: Path, window: Window, quick: ModelSettings
) -> None:
    noise = make(tmp_path, customers=1500, months=9, level=-2.5, nothing=True)
    result = train_label(LABEL, noise.dataset(), window, quick, known_at=noise.as_ofs[-1])
    assert not result.verdict.passed
    assert result.champion.method == "segment_rate"
    assert result.refused is not None
    assert any("not surely better than chance" in reason for reason in result.champion.reasons_en)
    assert not any("agree" in reason and "not agree" not in reason for reason in result.champion.reasons_en)


def test_the_gate_refuses_a_calibration_learned_from_the_trees_own_rows(bank: Synthetic, quick: ModelSettings) -> None:
    """Rows the trees have learned from look surer than they are: calibrated on these, the model promises too much."""
    dataset = bank.dataset()
    learned, later = dataset.during(bank.as_ofs[:5]), dataset.during(bank.as_ofs[-3:])
    from models import booster
    from models.calibration import calibrate
    from models.settings import BoosterSettings

    greedy = BoosterSettings(rounds=400, leaves=63, min_rows_in_leaf=5, l2=0.0, learning_rate=0.2, feature_share=1.0)
    fitted = booster.fit(learned, greedy, seed=1, threads=2)
    leaked = calibrate(booster.raw_scores(fitted.text, learned.matrix, 2), learned.target)
    raw = booster.raw_scores(fitted.text, later.matrix, 2)
    evaluation = evaluate(
        Scored(later.as_of, later.customers, later.target, leaked(raw), raw),
        quick.evaluation,
        base_rate=learned.base_rate,
        capacity=100,
        seed=1,
    )
    rule = best_rule(learned)
    against = compare(raw, rule.score(later), later.target, later.customers, resamples=200)
    verdict = gate.judge(evaluation, rule, against, quick.gate)
    assert not verdict.passed
    failed = {check.name for check in verdict.checks if not check.passed}
    assert failed & {"keeps_promises", "beats_base_rate"}


def test_what_is_expected_is_an_estimate_too(bank: Synthetic, quick: ModelSettings) -> None:
    """Doubt about the level widens observed over expected, moves no figure, and excuses no promise that is off by more."""
    dataset, rule = bank.dataset(), best_rule(bank.dataset())
    score = rule.score(dataset)
    against = compare(score, np.zeros(len(score)), dataset.target, dataset.customers, resamples=200)

    def ratio(factor: float, doubt: float) -> tuple[Estimate, bool]:
        p = np.full(len(score), dataset.base_rate * factor)
        scored = Scored(dataset.as_of, dataset.customers, dataset.target, p, score)
        found = evaluate(scored, quick.evaluation, base_rate=dataset.base_rate, capacity=100, seed=1, doubt=doubt)
        checks = gate.judge(found, rule, against, quick.gate).checks
        return found.observed_expected, next(check.passed for check in checks if check.name == "keeps_promises")

    (sure, kept), (wide, kept_in_doubt) = ratio(1.25, 0.0), ratio(1.25, 0.3)
    assert sure.value == wide.value == pytest.approx(0.8)
    assert not kept
    assert kept_in_doubt
    assert wide.low < sure.low < sure.high < wide.high
    assert np.log(wide.value / wide.low) < np.log(sure.value / sure.low) + 0.3, "two chances do not add up in full"
    assert not ratio(1.6, 0.3)[1]
    assert ratio(1.25, 0.0) == (sure, kept)


def test_a_model_no_better_than_its_best_feature_is_refused(bank: Synthetic, quick: ModelSettings) -> None:
    dataset = bank.dataset()
    rule = best_rule(dataset)
    assert rule.feature == "dep_adb_90d"
    assert rule.is_descending
    score = rule.score(dataset)
    against = compare(score, score, dataset.target, dataset.customers, resamples=200)
    flat = Scored(dataset.as_of, dataset.customers, dataset.target, np.full(len(score), dataset.base_rate), score)
    evaluation = evaluate(flat, quick.evaluation, base_rate=dataset.base_rate, capacity=100, seed=1)
    verdict = gate.judge(evaluation, rule, against, quick.gate)
    assert not next(check for check in verdict.checks if check.name == "beats_one_feature").passed


@pytest.mark.parametrize(("low", "doubted"), [(-0.01, True), (0.001, False)])
def test_an_advantage_that_may_be_chance_is_told_with_its_doubt(low: float, doubted: bool) -> None:
    rule = OneFeatureRule("dep_adb_90d", True, 0.7)
    check = gate._beats_rule(rule, Difference(Estimate(0.02, low, 0.05), Estimate(0.1, -0.2, 0.3)))
    assert check.passed
    assert ("not surely" in check.en, "尚不能确认" in check.zh) == (doubted, doubted)


def test_cross_fitted_probabilities_come_from_folds_that_had_not_seen_the_customer(
    bank: Synthetic, quick: ModelSettings
) -> None:
    dataset = bank.dataset().during(bank.as_ofs[:4])
    made = recipe.cross_fitted(dataset, quick, 2)
    assert made.how == "cross_fitted"
    assert made.rounds <= quick.small_booster.rounds
    assert made.held_out_probability is not None
    assert 0.9 < dataset.target.sum() / made.held_out_probability.sum() < 1.1
    assert roc_auc_score(dataset.target, made.held_out_raw) > 0.75
