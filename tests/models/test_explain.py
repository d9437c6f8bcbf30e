from __future__ import annotations

import itertools
import json
import math
import warnings
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from synthetic import LABEL, Synthetic

from models import booster
from models.contributions import Contributions
from models.explain import BASE, explain
from models.score import raw_scores
from models.train import TrainingResult
from store.errors import TerraceError
from store.files import write_parquet


@pytest.fixture(scope="module")
def rows(bank: Synthetic) -> pd.DataFrame:
    return pq.read_table(bank.features / f"as_of={bank.as_ofs[-1]}.parquet").to_pandas().head(80)


def test_contributions_add_up_to_the_raw_score_with_the_base_value(
    trained: TrainingResult, bank: Synthetic, rows: pd.DataFrame
) -> None:
    explained = explain(trained.champion, rows)
    assert list(explained.columns) == ["customer_id", "model", "feature", "value", "contribution"]
    assert len(explained) == len(rows) * (len(trained.champion.feature_names) + 1)
    dataset = bank.dataset().during(bank.as_ofs[-1:])
    champion = trained.champion
    raw = raw_scores(champion, dataset.select(champion.feature_names, champion.encodings), 2)
    total = explained.groupby("customer_id", sort=True)["contribution"].sum()
    assert np.abs(total.to_numpy() - raw[: len(rows)]).max() < 1e-6
    assert explained.loc[explained["feature"] == BASE, "contribution"].nunique() == 1


def test_a_stored_score_that_the_model_does_not_give_is_an_error(trained: TrainingResult, rows: pd.DataFrame) -> None:
    with pytest.raises(TerraceError, match="the stored raw score"):
        explain(trained.champion, rows.assign(raw_score=0.123))


def test_a_stored_score_that_is_no_number_is_the_same_error_and_names_the_customer(
    trained: TrainingResult, rows: pd.DataFrame
) -> None:
    right = explain(trained.champion, rows).groupby("customer_id", sort=False)["contribution"].sum().to_numpy()
    with pytest.raises(TerraceError, match="the stored raw score is nan"):
        explain(trained.champion, rows.assign(raw_score=np.nan))
    some = np.where(np.arange(len(rows)) == 7, np.nan, right)
    with pytest.raises(TerraceError, match=f"customer {rows['customer_id'].iloc[7]}"):
        explain(trained.champion, rows.assign(raw_score=some))


def test_the_features_that_made_the_truth_carry_the_explanation(trained: TrainingResult, rows: pd.DataFrame) -> None:
    explained = explain(trained.champion, rows).query(f"feature != '{BASE}'")
    weight = explained["contribution"].abs().groupby(explained["feature"]).mean().sort_values(ascending=False)
    assert set(weight.index[:3]) == {"dep_adb_90d", "txn_in_cnt_30d", "group_code"}


def test_shap_says_the_same(trained: TrainingResult, rows: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap's own, at import
        import shap
    from models.explain import matrix_of

    matrix = matrix_of(trained.champion, rows).astype(np.float64)
    model = booster.load(trained.champion.booster_text)
    model.params["objective"] = "binary"  # shap asks for it; the text keeps no parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on the shape of its answer
        values = shap.TreeExplainer(model).shap_values(matrix)
    own = explain(trained.champion, rows).query(f"feature != '{BASE}'")["contribution"].to_numpy().reshape(len(rows), -1)
    assert np.abs(np.asarray(values) - own).max() < 1e-9


def _expected(node: dict[str, Any], x: np.ndarray, known: frozenset[int]) -> float:
    """A tree's expectation where only some features are known: the others go both ways, by the rows that went there."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return _expected(left if x[node["split_feature"]] <= node["threshold"] else right, x, known)
    counts = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    both = [_expected(child, x, known) for child in (left, right)]
    return float(np.average(both, weights=counts))


def test_contributions_are_shapley_values_by_their_definition() -> None:
    """Against every subset of features, written out: an oracle that shares no code with LightGBM or shap."""
    rng = np.random.Generator(np.random.PCG64(3))
    x = rng.normal(size=(1500, 4))
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 0.3).astype(int)
    settings = {"objective": "binary", "num_leaves": 6, "verbosity": -1, "deterministic": True, "force_row_wise": True}
    model = lgb.train(settings, lgb.Dataset(x, y), num_boost_round=5)
    trees = json.loads(json.dumps(model.dump_model()))["tree_info"]
    parts = booster.contributions(booster.plain_text(model.model_to_string()), x[:3].astype(np.float32), 1)
    for row in range(3):
        point = x[row].astype(np.float32).astype(np.float64)
        value = {
            frozenset(s): sum(_expected(t["tree_structure"], point, frozenset(s)) for t in trees)
            for size in range(5)
            for s in itertools.combinations(range(4), size)
        }
        for feature in range(4):
            others = [s for s in value if feature not in s]
            shapley = sum(
                math.factorial(len(s)) * math.factorial(3 - len(s)) / math.factorial(4) * (value[s | {feature}] - value[s])
                for s in others
            )
            assert parts[row, feature] == pytest.approx(shapley, abs=1e-9)
        assert parts[row, 4] == pytest.approx(value[frozenset()], abs=1e-9)


def test_the_model_is_named(trained: TrainingResult, rows: pd.DataFrame) -> None:
    assert set(explain(trained.champion, rows.head(1))["model"]) == {LABEL}


def test_who_was_explained_for_an_earlier_list_of_the_date_is_not_explained_again(
    trained: TrainingResult, rows: pd.DataFrame, tmp_path: Path
) -> None:
    path, champions = tmp_path / "as_of=2024-10-31.parquet", {LABEL: trained.champion}
    first = Contributions.open(path, champions, {LABEL: "key"}, {}, 2)
    first(LABEL, rows.head(60))
    write_parquet(path, first.table())

    longer = Contributions.open(path, champions, {LABEL: "key"}, {LABEL: "key"}, 2)
    told = longer(LABEL, rows.iloc[::-1])
    assert (first.explained, longer.explained) == (60, len(rows) - 60)
    pd.testing.assert_frame_equal(told, explain(trained.champion, rows.iloc[::-1]), check_dtype=False, check_exact=True)
    other = Contributions.open(path, champions, {LABEL: "another champion's"}, {LABEL: "key"}, 2)
    other(LABEL, rows.head(60))
    assert other.explained == 60
    assert Contributions({}, 2, {}).table().num_rows == 0
