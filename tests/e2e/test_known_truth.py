"""The models held against what truly drives the demo bank: they rank far better than chance and never better than the truth."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.engine import build, file_of
from features.labels import build_labels, named
from flows import chores, training
from flows.bank import BankFile
from flows.demo import folder_of, open_bank
from flows.home import Home
from models.bootstrap import Estimate
from models.champion import Champion
from models.evaluate import compare
from models.score import score_all
from models.train import TrainingResult
from sources.canonical import Canonical
from sources.demo.bank import make_demo_bank

pytestmark = pytest.mark.slow
CUSTOMERS, MONTHS, SEED = 6_000, 27, 11
KNOWN_AT = dt.date(2026, 3, 31)  # when the models learn: of later outcomes they know nothing
EARLY = tuple(
    dt.date.fromisoformat(day) for day in ("2025-04-30", "2025-06-30", "2025-08-31", "2025-10-31", "2025-11-30", "2025-12-31")
)
LATE = tuple(dt.date.fromisoformat(day) for day in ("2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"))
TRUTH = {
    "churn_aum": "SELECT customer_id, as_of, p_leave_90d AS truth, state FROM '{truth}/hazard.parquet'",
    "buy_mobile_bank": "SELECT customer_id, as_of, p_first_own_use_90d::DOUBLE AS truth, 'here' AS state"
    " FROM '{truth}/demand.parquet' WHERE family = 'mobile_bank'",
}
LABELS = tuple(TRUTH)


@dataclass(frozen=True)
class Known:
    """One demo bank whose truth was carried away before anything read the bank, and what its models say of later months."""

    bank: BankFile
    truth: Path
    canonical: Canonical
    models: Mapping[str, Champion]
    ranked: pd.DataFrame  # model, customer_id, as_of, target, raw_score

    def with_truth(self, label: str) -> pd.DataFrame:
        """The late cohorts with the truth of their eve."""
        rows = self.ranked[self.ranked["model"] == label]
        with duckdb.connect() as con:
            con.register("ranked", rows)
            found = con.execute(
                f"SELECT r.*, t.truth, t.state FROM ranked r JOIN ({TRUTH[label].format(truth=self.truth)}) t"
                " ON t.customer_id = r.customer_id AND t.as_of = r.as_of ORDER BY r.as_of, r.customer_id"
            ).df()
        # people who were merged, and firms, have no truth of their own
        assert len(found) > 0.97 * len(rows)
        return found


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    folder = tmp_path_factory.mktemp("known")
    bank = open_bank(Path(__file__).parents[2] / "configs" / "banks" / "demo.yaml", folder / "home")
    home, made = Home(folder / "home" / bank.bank.id), folder_of(folder / "home")
    make_demo_bank(made, customers=CUSTOMERS, months=MONTHS, seed=SEED)
    shutil.move(made / "truth", folder / "truth")
    canonical = chores.taken_in(bank, home, _silent)
    labels = [label for label in named(bank.labels) if label.name in LABELS]
    build(canonical, bank.features, [*EARLY, *LATE], home.features)
    build_labels(canonical, labels, EARLY, KNOWN_AT, home.labels)
    build_labels(canonical, labels, LATE, canonical.manifest.newest_business_date, folder / "outcomes")
    lessons = training.Lessons(canonical, bank.features, home.features, EARLY)
    season = training.season_of(bank.features.calendar)
    models = {
        label.name: _tried(training.train(lessons, label, home.labels, EARLY, KNOWN_AT, bank.models, season, {}))
        for label in labels
    }
    ranked = pd.concat([_scored(models, home, folder / "outcomes", day) for day in LATE], ignore_index=True)
    assert not (made / "truth").exists()
    return Known(bank, folder / "truth", canonical, models, ranked)


def _tried(result: TrainingResult) -> Champion:
    # the gate may refuse a model of so small a bank for the level of its probabilities; held to the truth is its order
    return result.refused or result.champion


def _scored(models: Mapping[str, Champion], home: Home, outcomes: Path, day: dt.date) -> pd.DataFrame:
    """One row per model and customer of its cohort: the score of that day, and what came of it."""
    came = {name: pd.read_parquet(file_of(outcomes / name, day)).assign(model=name) for name in models}
    score_all(
        list(models.values()),
        file_of(home.features, day),
        {name: rows["customer_id"] for name, rows in came.items()},
        day,
        home.scores,
    )
    scores = pd.read_parquet(file_of(home.scores, day), columns=["customer_id", "model", "raw_score"])
    return pd.concat(came.values()).merge(scores, on=["customer_id", "model"], validate="1:1")


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


def ahead(rows: pd.DataFrame, first: str, second: str | None) -> Estimate:
    """By how much ROC AUC one order is ahead of another, or of no order at all, on the same customers drawn again and again."""
    other = rows[second].to_numpy(dtype=np.float64) if second else np.zeros(len(rows))
    return compare(
        rows[first].to_numpy(dtype=np.float64),
        other,
        rows["target"].to_numpy(dtype=np.int8),
        rows["customer_id"].to_numpy(dtype=str),
        resamples=400,
        seed=SEED,
    ).roc_auc


# Measured with the seeds 11 and 12 on four late month ends together (ROC AUC; low: the model's 95 percent interval):
#                               truth        model        low          share of the way from 0.5 to the truth    positives
#   churn_aum, whole cohort     .890 .857    .795 .748    .738 .656    .76 .70                                   70 47
#   churn_aum, money still here .891 .848    .779 .739    .700 .633    .71 .69                                   58 38
#   buy_mobile_bank             .863 .832    .834 .742    .746 .638    .92 .73                                   52 62
# The cohort asks that the money is still here; few whom truth calls "left" pass that. Both are held to their limit.
# Below: label, still here only, how far `low` must be above 0.5, and the share; both with room for other recipes.
HELD = [("churn_aum", False, 0.13, 0.60), ("churn_aum", True, 0.10, 0.55), ("buy_mobile_bank", False, 0.10, 0.60)]


def cohort(known: Known, label: str, still_here: bool) -> pd.DataFrame:
    """Late rows with their truth: all, or those whose money has not begun to leave."""
    rows = known.with_truth(label)
    chosen = rows[rows["state"] == "here"] if still_here else rows
    assert chosen["target"].sum() >= 50, "enough positives that chance decides nothing"
    return chosen


@pytest.mark.parametrize(("label", "still_here", "margin", "_share"), HELD)
def test_months_later_a_model_ranks_better_than_chance(
    known: Known, label: str, still_here: bool, margin: float, _share: float
) -> None:
    assert ahead(cohort(known, label, still_here), "raw_score", None).low > margin


@pytest.mark.parametrize(("label", "still_here", "_margin", "_share"), HELD)
def test_no_model_ranks_better_than_the_truth(
    known: Known, label: str, still_here: bool, _margin: float, _share: float
) -> None:
    gap = ahead(cohort(known, label, still_here), "truth", "raw_score")
    assert gap.high >= 0, "a model that beats the truth beyond chance has seen the outcome"
    assert gap.value > -0.02


@pytest.mark.parametrize(("label", "still_here", "_margin", "share"), HELD)
def test_a_model_goes_most_of_the_way_that_can_be_gone(
    known: Known, label: str, still_here: bool, _margin: float, share: float
) -> None:
    rows = cohort(known, label, still_here)
    limit, reached = ahead(rows, "truth", None).value, ahead(rows, "raw_score", None).value
    assert 0.2 < limit < 0.47, "the truth ranks well and not perfectly"
    assert reached > share * limit


@pytest.mark.parametrize("label", LABELS)
def test_a_model_learned_only_from_outcomes_known_then(known: Known, label: str) -> None:
    model = known.models[label]
    assert model.method == "model", "a segment's rate proves nothing here"
    assert set(model.trained_on) == set(EARLY)
    assert max(EARLY) + dt.timedelta(days=90) <= KNOWN_AT <= min(LATE)


def test_the_truth_was_nowhere_to_be_read_and_nothing_missed_it(known: Known) -> None:
    """The bank was taken in, its features built and its models trained while the truth lay elsewhere."""
    assert {path.name for path in known.truth.iterdir()} >= {"hazard.parquet", "demand.parquet", "events.parquet"}
    assert not (folder_of(known.bank.base) / "truth").exists()
    assert set(known.canonical.manifest.inputs) == set(known.bank.sources.inputs)
    assert all("/raw/" in (spec.files or "") for spec in known.bank.sources.inputs.values())
    for label in LABELS:
        assert not {"p_leave_90d", "p_first_own_use_90d", "state", "loyalty"} & set(known.models[label].feature_names)
