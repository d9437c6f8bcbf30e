"""Berka, loans granted within 180 days of 1994-03-31, learned on month ends through 1993-09-30.

The model against one a good analyst makes by hand in an afternoon: 26 obvious aggregates, LightGBM, steady settings.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from features.engine import build
from features.labels import Label, build_labels
from flows.bank import load_bank
from models.backtest import Backtest, replay
from models.dataset import join_label
from models.evaluate import Difference, compare
from models.splits import Window
from models.stack import Stack, model_columns, stack_features
from sources.canonical import Canonical
from sources.connection import connect
from sources.intake import take_in

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "berka"
NIGHT = dt.date(1994, 3, 31)
LEARN = tuple((np.datetime64("1993-02") + i).astype("datetime64[D]").item() - dt.timedelta(1) for i in range(9))
OUTCOMES_KNOWN = dt.date(1994, 9, 30)

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"the Berka files are not at {DATA}: nothing real was tested")

# One row per customer: what a hand would add up first. `day` is the date, `b` the balance at each day's close.
HAND_MADE = """
WITH a AS (SELECT customer_id, min(opened_on) AS opened_on FROM accounts GROUP BY 1),
t AS (SELECT customer_id, "on", amount / 100.0 AS amount, category, datediff('day', "on", {day}) AS ago FROM transactions),
f AS (SELECT customer_id,
  sum(amount) FILTER (amount > 0 AND ago < 30) AS in_30, sum(amount) FILTER (amount > 0 AND ago < 90) AS in_90,
  sum(amount) FILTER (amount > 0 AND ago < 180) AS in_180, sum(-amount) FILTER (amount < 0 AND ago < 30) AS out_30,
  sum(-amount) FILTER (amount < 0 AND ago < 90) AS out_90, sum(-amount) FILTER (amount < 0 AND ago < 180) AS out_180,
  count(*) FILTER (amount > 0 AND ago < 90) AS n_in_90, count(*) FILTER (amount < 0 AND ago < 90) AS n_out_90,
  count(*) FILTER (ago < 30) AS n_30, count(*) FILTER (ago < 180) AS n_180,
  max(amount) FILTER (ago < 90) AS largest_in_90, max(-amount) FILTER (ago < 90) AS largest_out_90,
  avg(amount) FILTER (amount > 0) AS mean_in, avg(-amount) FILTER (amount < 0) AS mean_out,
  sum(amount) FILTER (category = 'cash' AND amount > 0 AND ago < 90) AS cash_in_90,
  sum(-amount) FILTER (category = 'cash' AND amount < 0 AND ago < 90) AS cash_out_90,
  sum(-amount) FILTER (category = 'utility' AND ago < 90) AS household_90,
  sum(-amount) FILTER (category = 'other_transfer' AND amount < 0 AND ago < 90) AS transfer_out_90,
  sum(amount) FILTER (category = 'interest' AND ago < 90) AS interest_90, min(ago) AS last_ago FROM t GROUP BY 1),
b AS (SELECT customer_id, last(balance / 100.0 ORDER BY "on") AS balance, min(balance / 100.0) AS lowest,
  avg(balance / 100.0) AS mean_balance, stddev_pop(balance / 100.0) AS swing FROM balances GROUP BY 1)
SELECT a.customer_id, f.* EXCLUDE (customer_id), b.* EXCLUDE (customer_id), datediff('day', a.opened_on, {day}) AS tenure,
  datediff('day', c.birth_on, {day}) / 365.25 AS age
FROM a JOIN customers c USING (customer_id) LEFT JOIN f USING (customer_id) LEFT JOIN b USING (customer_id)
"""


@pytest.fixture(scope="module")
def berka(tmp_path_factory: pytest.TempPathFactory) -> tuple[Canonical, Stack, Path, Backtest]:
    root = tmp_path_factory.mktemp("berka")
    bank = load_bank(ROOT / "configs" / "banks" / "berka.yaml", {})
    canonical = take_in(bank.sources, root, bank.base, bank.bank.id, bank.bank.currency)
    settings = bank.labels["buy_loan"]
    assert settings is not None
    build_labels(canonical, Label("buy_loan", settings), [*LEARN, NIGHT], OUTCOMES_KNOWN, root / "labels")
    made = build(canonical, bank.features, [*LEARN, NIGHT], root / "features")
    stack = stack_features([made.path(day) for day in (*LEARN, NIGHT)], model_columns(made.specs))
    window = Window(settings.gap_days, settings.horizon_days)
    tested = replay(
        "buy_loan", stack, root / "labels" / "buy_loan", [NIGHT], window, bank.models, min_positives=settings.min_positives
    )
    return canonical, stack, root / "labels" / "buy_loan", tested


def _by_hand(canonical: Canonical, day: dt.date) -> pd.DataFrame:
    with connect() as con:
        for table in ("accounts", "customers", "transactions", "balances"):
            con.register(table, canonical.scan(con, table, day).to_arrow_table())
        frame: pd.DataFrame = con.sql(HAND_MADE.format(day=f"DATE '{day}'")).df()
    return frame.set_index("customer_id").sort_index(axis=0)


@pytest.fixture(scope="module")
def against_hand(berka: tuple[Canonical, Stack, Path, Backtest]) -> tuple[np.ndarray, Difference]:
    """The hand-made model's scores of the night, and ours minus its."""
    canonical, stack, labels, tested = berka
    outcomes = join_label("buy_loan", stack, labels)

    def rows(day: dt.date) -> tuple[pd.DataFrame, np.ndarray]:
        chosen = outcomes.during([day])
        ids = chosen.stack.customers[chosen.customers]
        return _by_hand(canonical, day).reindex(ids), chosen.target

    learned = [rows(day) for day in LEARN]
    matrix, target = pd.concat([x for x, _ in learned]), np.concatenate([y for _, y in learned])
    assert matrix.shape[1] == 26
    model = lgb.train(
        {
            "objective": "binary",
            "num_leaves": 4,
            "min_data_in_leaf": 100,
            "learning_rate": 0.05,
            "lambda_l2": 20,
            "feature_fraction": 0.3,
            "verbosity": -1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": 1,
            "num_threads": 1,
        },
        lgb.Dataset(matrix.to_numpy(np.float64), target),
        num_boost_round=70,
    )
    tonight, came = rows(NIGHT)
    score = np.asarray(model.predict(tonight.to_numpy(np.float64), raw_score=True))
    ours = tested.rows
    assert ours["target"].tolist() == came.tolist()
    return score, compare(ours["raw_score"].to_numpy(), score, came, ours["customer_id"].to_numpy(), resamples=1000, seed=1)


def test_the_loan_model_passes_its_gate_and_ranks_the_months_to_come(
    berka: tuple[Canonical, Stack, Path, Backtest], capsys: pytest.CaptureFixture[str]
) -> None:
    night = berka[3].nights[0]
    with capsys.disabled():
        print(  # noqa: T201
            f"\nBerka loans, {night.as_of}: {night.cohort} customers, {night.positives} loans; ROC AUC {night.roc_auc}, "
            f"lift at 10 % {night.lift_10}, observed over expected {night.observed_expected}"
        )
    assert night.method == "model"
    assert night.trained_on == LEARN
    assert night.roc_auc.value > 0.80
    assert night.roc_auc.low > 0.75
    assert night.lift_10.low > 2.5
    assert night.observed_expected.low <= 1 <= night.observed_expected.high


def test_it_is_not_worse_than_a_hand_made_model_and_claims_no_more_than_the_paired_interval(
    berka: tuple[Canonical, Stack, Path, Backtest],
    against_hand: tuple[np.ndarray, Difference],
    capsys: pytest.CaptureFixture[str],
) -> None:
    score, difference = against_hand
    rows = berka[3].rows
    alone = compare(score, np.zeros(len(score)), rows["target"].to_numpy(np.int8), rows["customer_id"].to_numpy(), seed=1)
    claim = "better" if difference.roc_auc.low > 0 else "no difference can be claimed"
    with capsys.disabled():
        print(  # noqa: T201
            f"\nhand-made: ROC AUC {0.5 + alone.roc_auc.value:.3f}, lift at 10 % {1 + alone.lift_10.value:.2f}; "
            f"ours minus hand-made: ROC AUC {difference.roc_auc}, lift {difference.lift_10}: {claim}"
        )
    assert 0.75 < 0.5 + alone.roc_auc.value < 0.88  # the hand-made one is a fair opponent
    assert difference.roc_auc.high > 0
    assert difference.roc_auc.value > -0.02
