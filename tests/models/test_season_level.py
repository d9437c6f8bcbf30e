from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic import LABEL, Synthetic, make, month_ends

from models import booster, recipe, season_level
from models.calibration import Calibration, logit
from models.champion import Champion
from models.dataset import Dataset
from models.score import intervals, look, raw_and_probability
from models.season_level import SeasonLevel
from models.settings import BoosterSettings, EvaluationSettings, ModelSettings, SplitSettings
from models.splits import Window
from models.stack import Stack
from models.train import TrainingResult, train_label
from store.errors import TerraceError

WINDOW = Window(0, 60)
SETTINGS = ModelSettings(evaluation=EvaluationSettings(resamples=200), booster=BoosterSettings(rounds=60))
WITHOUT = SETTINGS.model_copy(update={"splits": SplitSettings(season_level_months=99)})
HIGH, LOW = 0.35, -0.35  # log-odds of the half years around the festival and around the harvest


def _yearly(day: dt.date) -> float:
    return HIGH if day.month in (12, 1, 2, 3, 4, 5) else LOW


@pytest.fixture(scope="module")
def seasonal(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    """Twenty-two months: calibration falls into the high half year, the judged months into the low one."""
    return make(tmp_path_factory.mktemp("seasonal"), customers=2500, months=22, noise=2, month_effect=_yearly)


@pytest.fixture(scope="module")
def levelled(seasonal: Synthetic) -> TrainingResult:
    return train_label(LABEL, seasonal.dataset(), WINDOW, SETTINGS, known_at=seasonal.as_ofs[-1])


def _history(rates: list[float], seed: int = 3, customers: int = 6000) -> Dataset:
    """Outcomes of so many month ends by chance alone at these rates; no features."""
    rng = np.random.Generator(np.random.PCG64(seed))
    days = np.repeat(np.array(month_ends(len(rates)), dtype="datetime64[D]"), customers)
    codes = np.tile(np.arange(customers), len(rates))
    ids = np.array([f"C{i:05d}" for i in range(customers)], dtype=object)
    target = (rng.random(len(days)) < np.repeat(rates, customers)).astype(np.int8)
    stack = Stack(ids, codes, days, np.empty((len(days), 0), dtype=np.float32), (), {}, {})
    return Dataset(LABEL, stack, np.arange(len(days)), target, np.empty(0, dtype=np.int64), {})


def _learn(history: Dataset, newest: int = 1) -> SeasonLevel | None:
    """The level by months, where the calibration gives everyone the rate of the newest snapshots."""
    calibrated_on = history.as_ofs[-newest:]
    slice_ = history.during(calibrated_on)
    return season_level.learn(history, 30, np.full(len(history.rows), slice_.base_rate), 12)


def _at(odds: list[float]) -> list[float]:
    return (1 / (1 + np.exp(-np.array(odds)))).tolist()


def test_a_label_of_seasons_passes_the_gate_with_a_level_per_month_and_not_without(
    seasonal: Synthetic, levelled: TrainingResult
) -> None:
    plain = train_label(LABEL, seasonal.dataset(), WINDOW, WITHOUT, known_at=seasonal.as_ofs[-1])
    assert plain.evaluation is not None
    assert levelled.evaluation is not None
    assert {check.name for check in plain.verdict.checks if not check.passed} == {"keeps_promises"}
    assert levelled.verdict.passed
    assert abs(np.log(levelled.evaluation.observed_expected.value)) < abs(np.log(plain.evaluation.observed_expected.value)) / 2
    assert levelled.champion.booster_text == (plain.refused or plain.champion).booster_text


def test_months_that_differ_by_chance_get_hardly_a_level() -> None:
    """All twelve are promised about the rate of all months, whatever the last two were by chance."""
    for seed in range(5):
        history = _history([0.03] * 16, seed)
        learned = _learn(history, 2)
        assert learned is not None
        calibrated = logit(history.during(history.as_ofs[-2:]).base_rate)
        naive = [logit(history.during([day]).base_rate) - calibrated for day in history.as_ofs]
        assert max(np.abs(naive)) > 0.1
        assert np.ptp(learned.shifts) < 0.06
        assert max(np.abs(calibrated + learned.shifts - logit(history.base_rate))) < 0.04


def test_a_month_seen_once_is_believed_less_than_one_that_came_back() -> None:
    effect = [_yearly(day) for day in month_ends(24)]
    once, twice = (_learn(_history(_at([-3.5 + e for e in effect[:count]]))) for count in (12, 24))
    assert once is not None
    assert twice is not None
    truth = LOW - HIGH  # July against December
    assert 0.35 < once.shifts[6] / truth < 0.75
    assert 0.8 < twice.shifts[6] / truth < 1.1


def test_a_season_that_the_model_tells_by_itself_is_not_counted_twice() -> None:
    rates = _at([-3.5 + _yearly(day) for day in month_ends(24)])
    history = _history(rates)
    told = season_level.learn(history, 30, np.repeat(rates, 6000), 12)
    untold = _learn(history)
    assert told is not None
    assert untold is not None
    assert max(np.abs(told.shifts)) < 0.1
    assert max(np.abs(untold.shifts)) > 0.5


def test_where_years_disagree_months_hardly_differ() -> None:
    believed = []
    for seed in range(8):
        moves = np.random.Generator(np.random.PCG64(seed)).permutation(np.linspace(-0.8, 0.8, 24))  # none came back
        learned = _learn(_history(_at((-3.5 + moves).tolist()), seed))
        assert learned is not None
        by_month = np.zeros(12)
        for day, move in zip(month_ends(24), moves, strict=True):
            by_month[day.month - 1] += move / 2
        believed.append(np.ptp(learned.shifts) / np.ptp(by_month))
    assert np.mean(believed) < 0.35


def test_months_of_a_campaign_that_calibrate_do_not_set_the_level_of_the_year() -> None:
    """The last two of sixteen months were half as high again: what is promised lies between them and the year."""
    learned = _learn(_history([0.03] * 14 + [0.045] * 2), 2)
    assert learned is not None
    lower = np.log(0.03 / 0.045)
    assert lower < min(learned.shifts) <= max(learned.shifts) < lower / 5


def test_less_than_a_year_has_no_level_and_a_month_never_seen_has_the_years() -> None:
    history = _history(_at([-3.5 + _yearly(day) for day in month_ends(13)]))
    assert _learn(history.during(history.as_ofs[:11])) is None
    without_may = history.during(day for day in history.as_ofs if day.month != 5)
    learned = _learn(without_may)
    assert learned is not None
    assert min(learned.shifts) < learned.shifts[4] < max(learned.shifts)
    assert learned.shifts[6] < -0.2


def test_no_month_that_is_judged_or_not_yet_known_informs_the_proof(seasonal: Synthetic, levelled: TrainingResult) -> None:
    """Other outcomes in the judged months, and in those unknown on the first of them, move no promise of the proof."""
    assert levelled.evaluation is not None
    first = levelled.evaluation.as_ofs[0]
    dataset = seasonal.dataset()
    later = dataset.as_of > np.datetime64(max(WINDOW.known_by(dataset.as_ofs, first)))
    turned = replace(dataset, target=np.where(later, dataset.target[::-1], dataset.target).astype(np.int8))
    assert (turned.target != dataset.target).sum() > 100
    again = train_label(LABEL, turned, WINDOW, SETTINGS, known_at=seasonal.as_ofs[-1])
    assert again.evaluation is not None
    assert [d.expected for d in again.evaluation.deciles] == [d.expected for d in levelled.evaluation.deciles]


def test_within_one_night_the_level_changes_no_order_and_stays_between_nought_and_one() -> None:
    raw = np.linspace(-12, 8, 4000)
    plain = Calibration((0.01, 0.2, 0.6), (0.02, 0.1, 0.5))(raw)
    level = SeasonLevel(tuple(np.linspace(-1.2, 1.2, 12).tolist()))
    for month in range(1, 13):
        moved = level(plain, dt.date(2026, month, 15))
        assert (np.diff(moved) > 0).all()
        assert 0 < moved[0] < moved[-1] < 1
        assert np.allclose(logit(moved) - logit(plain), level.shifts[month - 1])
        assert np.allclose(level(moved, dt.date(2026, month, 15), back=True), plain, rtol=1e-12)


def test_the_night_is_scored_at_the_level_of_its_month(seasonal: Synthetic, levelled: TrainingResult, tmp_path: Path) -> None:
    champion = levelled.champion
    assert champion.season is not None
    day = seasonal.as_ofs[-1]
    dataset = seasonal.dataset().during([day])
    matrix = dataset.select(champion.feature_names, champion.encodings)
    raw, probability = raw_and_probability(champion, matrix, 1, day)
    same, plain = raw_and_probability(replace(champion, season=None), matrix, 1, day)
    assert np.array_equal(raw, same)
    assert np.allclose(logit(probability) - logit(plain), champion.season.shifts[day.month - 1])
    low, high = intervals(champion, look(champion, matrix, 1), probability, day)
    assert ((low <= probability) & (probability <= high)).all()
    assert (high - low).min() > 0
    by_row = raw_and_probability(champion, matrix, 1, dataset.as_of)[1]
    assert np.array_equal(by_row, probability)


def test_a_level_is_part_of_the_champion_and_of_its_hash(levelled: TrainingResult, tmp_path: Path) -> None:
    champion = levelled.champion
    champion.write(tmp_path)
    assert Champion.read(tmp_path) == champion
    assert replace(champion, season=None).content_hash != champion.content_hash
    text = (tmp_path / "champion.json").read_text(encoding="utf-8")
    assert champion.season is not None
    shift = repr(champion.season.shifts[0])
    assert text.count(shift) == 1
    (tmp_path / "champion.json").write_text(text.replace(shift, "0.0"), encoding="utf-8")
    with pytest.raises(TerraceError, match="does not match its own hash"):
        Champion.read(tmp_path)


def test_a_level_that_was_not_judged_is_not_put_in_force(seasonal: Synthetic) -> None:
    """Enough month ends are known when the champion learns; the model that was judged knew fewer."""
    dataset = seasonal.dataset().during(seasonal.as_ofs[:11])
    result = train_label(LABEL, dataset, WINDOW, SETTINGS, known_at=WINDOW.ends(seasonal.as_ofs[10]))
    made = result.refused or result.champion
    assert made.trained_on == seasonal.as_ofs[:11]
    assert made.method == "model"
    assert recipe.make(dataset, WINDOW, SETTINGS, 2).season is not None
    assert made.season is None


def test_the_doubt_about_a_level_holds_the_level_nineteen_times_in_twenty() -> None:
    """Of invented labels whose seasons, lasting moves and sampling are as believed, over 16 months and the twelve after."""
    rng, inside = np.random.Generator(np.random.PCG64(8)), []
    for _ in range(120):
        season, lasting, level = 0.2 * rng.normal(size=12), 0.15 * rng.normal(), []
        for month in range(28):
            lasting = 0.85 * lasting + 0.15 * np.sqrt(1 - 0.85**2) * rng.normal()
            level.append(season[month % 12] + lasting)
        sampling = np.full(16, 0.01)
        seen = np.array(level[:16]) + 0.1 * rng.normal(size=16)
        shift, variance, _, _ = season_level.foreseen(np.arange(16), seen, sampling, np.arange(16, 28), 1.0)
        inside.append(np.abs(shift - level[16:]) < 1.96 * np.sqrt(variance))
    assert 0.92 < np.mean(inside) < 0.985


def test_months_whose_windows_lie_over_each_other_are_not_so_many_proofs() -> None:
    months, ahead, sampling = np.arange(12), np.arange(12, 24), np.full(12, 0.02)
    apart, over = (season_level.foreseen(months, np.zeros(12), sampling, ahead, span)[1] for span in (1.0, 6.0))
    assert over.mean() > 1.3 * apart.mean()


def _first_purchases(customers: int = 5000, months: int = 16) -> Dataset:
    """A label as banks have it: who buys does so once, is positive in three snapshots before and in no cohort after."""
    rng = np.random.Generator(np.random.PCG64(4))
    features = rng.normal(size=(customers, 25)).astype(np.float32)  # one of them tells something
    chance = 1 / (1 + np.exp(5.6 - features[:, 0]))
    bought = rng.geometric(chance)
    day, who = (grid.ravel() for grid in np.meshgrid(np.arange(months), np.arange(customers), indexing="ij"))
    there = bought[who] > day
    day, who = day[there], who[there]
    days = np.array(month_ends(months), dtype="datetime64[D]")[day]
    ids = np.array([f"C{i:05d}" for i in range(customers)], dtype=object)
    names = tuple(f"x_{i}" for i in range(features.shape[1]))
    stack = Stack(ids, who, days, features[who], names, {}, {})
    return Dataset(LABEL, stack, np.arange(len(who)), (bought[who] <= day + 3).astype(np.int8), np.arange(len(names)), {})


def test_months_that_a_booster_learned_from_do_not_look_low_beside_the_others() -> None:
    """It expects too much of rows it has seen; the level is measured by boosters that have not seen the customer."""
    dataset, window = _first_purchases(), Window(0, 90)
    eager = BoosterSettings(rounds=120, leaves=15, min_rows_in_leaf=20, l2=0.0, feature_share=0.5)
    made = recipe.make(dataset, window, SETTINGS.model_copy(update={"booster": eager}), 2)
    assert made.season is not None
    raw = [booster.raw_scores(made.text, dataset.during([day]).matrix, 1) for day in dataset.as_ofs]
    itself = season_level.learn(dataset, 90, made.calibration(np.concatenate(raw)), 10)
    assert itself is not None
    assert max(itself.shifts) < -0.15, "it would promise a sixth too little"
    assert max(np.abs(made.season.shifts)) < 0.1


def test_doubt_about_the_level_widens_what_customers_are_told(levelled: TrainingResult, seasonal: Synthetic) -> None:
    champion, day = levelled.champion, seasonal.as_ofs[-1]
    assert champion.season is not None
    assert min(champion.season.doubts) > 0
    sure = replace(champion, season=replace(champion.season, doubts=()))
    matrix = seasonal.dataset().during([day]).select(champion.feature_names, champion.encodings)
    seen, probability = look(champion, matrix, 1), raw_and_probability(champion, matrix, 1, day)[1]
    (low, high), (narrow_low, narrow_high) = (intervals(one, seen, probability, day) for one in (champion, sure))
    assert (low < narrow_low).all()
    assert (high > narrow_high).all()
    assert (logit(probability) - logit(low) >= champion.season.doubt(day) - 1e-9).all()
    old = champion.season.to_dict()
    del old["doubts"]
    assert SeasonLevel.from_dict(old).to_dict() == old, "champions made before doubts were kept have their hash"
