"""A label of more rows than fit: its negatives are sampled, and weighted back wherever something is learned or measured."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import LABEL, Synthetic, make

from models.dataset import Dataset, join_label
from models.sampling import kept, plan
from models.score import raw_and_probability
from models.settings import EvaluationSettings, ModelSettings
from models.splits import Window
from models.stack import stack_features
from models.train import train_label

MOST = 12_000  # of 50,000 rows


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    return make(tmp_path_factory.mktemp("large"), customers=5000, months=10, noise=2)


def sampled(bank: Synthetic, most: int = MOST) -> Dataset:
    files = {LABEL: [(day, bank.labels / LABEL / f"as_of={day}.parquet") for day in bank.as_ofs]}
    paths = [bank.features / f"as_of={day}.parquet" for day in bank.as_ofs]
    stack = stack_features(paths, bank.columns, sampling=plan(files, most))
    return join_label(LABEL, stack, bank.labels / LABEL)


def _ids(dataset: Dataset) -> list[str]:
    return list(dataset.stack.customers[dataset.customers])


def test_every_positive_is_there_and_the_weights_add_up_to_the_cohort(large: Synthetic) -> None:
    whole, some = large.dataset(), sampled(large)
    assert some.positives == whole.positives
    assert some.positive_customers == whole.positive_customers
    assert some.without_features == 0
    assert len(some.rows) == pytest.approx(MOST, rel=0.05)
    assert len(some.stack.matrix) == len(some.rows), "no row is held that is not learned from"
    assert some.size == pytest.approx(len(whole.rows), rel=0.03)
    assert some.base_rate == pytest.approx(whole.base_rate, rel=0.03)
    negatives = some.target == 0
    months = np.unique(some.customers[negatives], return_counts=True)[1]
    assert months.mean() > 8, "of a customer all negatives are there or none"
    at = {(who, day): row for row, (who, day) in enumerate(zip(_ids(whole), whole.as_of, strict=True))}
    same = [at[key] for key in zip(_ids(some), some.as_of, strict=True)]
    assert np.array_equal(some.matrix, whole.matrix[same], equal_nan=True)
    assert np.array_equal(some.target, whole.target[same])


def test_where_all_rows_fit_nothing_is_sampled_or_weighted(large: Synthetic) -> None:
    whole, same = large.dataset(), sampled(large, 50_000)
    assert same.weight is None
    assert np.array_equal(same.stack.matrix, whole.stack.matrix, equal_nan=True)


def test_a_model_of_a_sample_promises_what_the_truth_holds_as_one_of_all_rows_does(large: Synthetic) -> None:
    settings = ModelSettings(evaluation=EvaluationSettings(resamples=100))
    window, night = Window(0, 60), large.as_ofs[-1]
    truth = large.truth[night]
    promised, judged = {}, {}
    for name, dataset in (("whole", large.dataset()), ("sample", sampled(large))):
        result = train_label(LABEL, dataset, window, settings, known_at=night)
        champion = result.refused or result.champion
        assert champion.method == "model"
        tonight = large.dataset().during([night])
        _, promised[name] = raw_and_probability(champion, tonight.select(champion.feature_names, champion.encodings), 2, night)
        assert result.evaluation is not None
        judged[name] = result.evaluation
    for name, p in promised.items():
        assert p.mean() == pytest.approx(truth.mean(), rel=0.1), name
        top = truth >= np.quantile(truth, 0.9)
        assert p[top].mean() == pytest.approx(truth[top].mean(), rel=0.15), name
    whole, some = judged["whole"], judged["sample"]
    assert some.rows == pytest.approx(whole.rows, rel=0.05)
    assert some.positives == whole.positives
    for figure in ("roc_auc", "lift_10", "gain_capacity", "observed_expected", "brier", "log_loss", "brier_base"):
        assert vars(some)[figure].value == pytest.approx(vars(whole)[figure].value, rel=0.08), figure
    assert some.capacity_share == pytest.approx(whole.capacity_share, rel=0.05)
    assert some.ece.value < 0.02


def test_who_is_kept_depends_on_the_customer_alone() -> None:
    ids = np.array([f"C{n}" for n in range(4000)], dtype=object)
    none = np.zeros(4000, dtype=np.int8)
    some, more = kept(ids, none, 0.2), kept(ids, none, 0.5)
    assert np.array_equal(kept(ids[::-1], none, 0.2), some[::-1])
    assert some.mean() == pytest.approx(0.2, abs=0.02)
    assert not (some & ~more).any(), "labels of different shares draw on the same customers"
    assert kept(ids, none + 1, 0.2).all()


def test_a_label_that_fits_beside_one_that_does_not_keeps_all_its_rows(large: Synthetic) -> None:
    dated = [(day, large.labels / LABEL / f"as_of={day}.parquet") for day in large.as_ofs]
    both = plan({LABEL: dated, "small": dated[:2]}, MOST)
    assert set(both.shares) == {LABEL}
    stack = stack_features([large.features / f"as_of={day}.parquet" for day in large.as_ofs], large.columns, sampling=both)
    small = join_label("small", stack, large.labels / LABEL, large.as_ofs[:2])
    assert small.weight is None
    assert len(small.rows) == 10_000
