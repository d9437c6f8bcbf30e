from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from synthetic import LABEL, Synthetic

from models import trees
from models.calibration import sigmoid
from models.champion import Champion
from models.cold_start import segment_rates
from models.explain import BASE, explain
from models.score import SCHEMA, score_all
from models.settings import Segment
from models.train import TrainingResult
from store import files
from store.errors import ConfigError, TerraceError
from store.files import write_parquet


@pytest.fixture
def champions(bank: Synthetic, trained: TrainingResult) -> list[Champion]:
    rates = segment_rates(bank.dataset(), (Segment(feature="dep_adb_90d"),), 1)
    return [
        trained.champion,
        Champion("a_cold_one", "segment_rate", rates.feature_names, {}, 0.08, (), dt.date(2024, 1, 1), segments=rates),
    ]


def test_scores_are_one_row_per_customer_and_label_in_order_and_only_of_the_cohort(
    bank: Synthetic, champions: list[Champion], tmp_path: Path
) -> None:
    day = bank.as_ofs[-1]
    path = bank.features / f"as_of={day}.parquet"
    ids = pq.read_table(path)["customer_id"].to_pylist()
    counts = score_all(champions, path, {LABEL: ids, "a_cold_one": [*reversed(ids[:50]), "nobody"]}, day, tmp_path)
    table = pq.read_table(tmp_path / f"as_of={day}.parquet", partitioning=None)
    assert table.schema.equals(SCHEMA)
    frame = table.to_pandas()
    assert frame[["model", "customer_id"]].equals(frame[["model", "customer_id"]].sort_values(["model", "customer_id"]))
    assert frame.groupby("model").size().to_dict() == {LABEL: len(ids), "a_cold_one": 50}
    assert ((frame["low"] <= frame["probability"]) & (frame["probability"] <= frame["high"])).all()
    assert frame.groupby("model")["method"].first().to_dict() == {LABEL: "model", "a_cold_one": "segment_rate"}
    assert {c.model: c.customers for c in counts} == {LABEL: len(ids), "a_cold_one": 50}


def test_bands_follow_the_base_rate(bank: Synthetic, champions: list[Champion], tmp_path: Path) -> None:
    day = bank.as_ofs[-1]
    path = bank.features / f"as_of={day}.parquet"
    ids = pq.read_table(path)["customer_id"].to_pylist()
    score_all(champions[:1], path, {LABEL: ids}, day, tmp_path)
    frame = pq.read_table(tmp_path / f"as_of={day}.parquet", partitioning=None).to_pandas()
    base = champions[0].base_rate
    assert (frame.loc[frame["band"] == "high", "probability"] >= 3 * base).all()
    assert (frame.loc[frame["band"] == "low", "probability"] < base).all()
    assert frame["band"].value_counts().min() > 50


def test_scoring_twice_gives_the_same_bytes(bank: Synthetic, champions: list[Champion], tmp_path: Path) -> None:
    day = bank.as_ofs[-1]
    path = bank.features / f"as_of={day}.parquet"
    ids = pq.read_table(path)["customer_id"].to_pylist()
    for name, order, threads in (("one", ids, 2), ("two", ids[::-1], 1)):
        score_all(champions[::-1], path, {LABEL: order, "a_cold_one": order}, day, tmp_path / name, threads=threads)
    one, two = ((tmp_path / name / f"as_of={day}.parquet").read_bytes() for name in ("one", "two"))
    assert one == two


def test_the_night_and_the_training_see_the_same_numbers(bank: Synthetic, champions: list[Champion], tmp_path: Path) -> None:
    from models.score import raw_and_probability

    day, champion = bank.as_ofs[-1], champions[0]
    path = bank.features / f"as_of={day}.parquet"
    dataset = bank.dataset().during([day])
    raw, _ = raw_and_probability(champion, dataset.select(champion.feature_names, champion.encodings), 2, day)
    score_all([champion], path, {LABEL: bank.dataset().stack.customers.tolist()}, day, tmp_path)
    stored = pq.read_table(tmp_path / f"as_of={day}.parquet", partitioning=None)["raw_score"].to_numpy()
    assert np.array_equal(stored, raw)


def test_trees_too_large_to_be_asked_together_score_the_same(
    bank: Synthetic, champions: list[Champion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = bank.as_ofs[-1]
    path = bank.features / f"as_of={day}.parquet"
    cohorts = {LABEL: pq.read_table(path)["customer_id"], "a_cold_one": []}
    score_all(champions, path, cohorts, day, tmp_path / "together")
    monkeypatch.setattr(trees, "LEAVES", 2)
    trees.trees_of.cache_clear()
    score_all(champions, path, cohorts, day, tmp_path / "by_lightgbm")
    trees.trees_of.cache_clear()
    together, alone = ((tmp_path / name / path.name).read_bytes() for name in ("together", "by_lightgbm"))
    assert together == alone


def test_a_label_that_no_segment_tells_of_has_the_rate_of_its_cohort_and_holds_up_no_other(
    bank: Synthetic, champions: list[Champion], tmp_path: Path
) -> None:
    day = bank.as_ofs[-1]
    path = bank.features / f"as_of={day}.parquet"
    ids = pq.read_table(path)["customer_id"]
    rates = segment_rates(bank.dataset(), (), 1)
    plain = Champion("b_plain", "segment_rate", (), {}, 0.08, (), dt.date(2024, 1, 1), segments=rates)
    (alone,) = score_all([plain], path, {"b_plain": ids}, day, tmp_path / "alone")
    assert alone.customers == len(ids)
    scored = pq.read_table(tmp_path / "alone" / path.name, partitioning=None)
    assert set(scored["probability"].to_pylist()) == {rates.rates[0]}
    cohorts = {"b_plain": ids, LABEL: ids, "a_cold_one": ids}
    score_all([*champions, plain], path, cohorts, day, tmp_path / "beside")
    score_all(champions, path, cohorts, day, tmp_path / "without")
    beside, without = (pq.read_table(tmp_path / name / path.name, partitioning=None) for name in ("beside", "without"))
    assert beside.filter(pc.equal(beside["model"], "b_plain")).equals(scored)
    assert beside.filter(pc.not_equal(beside["model"], "b_plain")).equals(without)
    rows = pq.read_table(path).to_pandas().head(3)
    told = explain(plain, rows)
    assert told["feature"].to_list() == [BASE] * 3
    assert sigmoid(told["contribution"].to_numpy()) == pytest.approx(scored["probability"].to_numpy()[:3])


def test_a_label_without_a_cohort_and_a_missing_feature_are_named(
    bank: Synthetic, champions: list[Champion], tmp_path: Path
) -> None:
    path = bank.features / f"as_of={bank.as_ofs[0]}.parquet"
    with pytest.raises(ConfigError, match="no cohort for label 'a_cold_one'"):
        score_all(champions, path, {LABEL: []}, bank.as_ofs[0], tmp_path)
    labels = bank.labels / LABEL / f"as_of={bank.as_ofs[0]}.parquet"
    with pytest.raises(ConfigError, match="no column dep_adb_90d"):
        score_all(champions[:1], labels, {LABEL: []}, bank.as_ofs[0], tmp_path)


def test_a_score_does_not_depend_on_who_else_is_in_its_block(
    bank: Synthetic, champions: list[Champion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = bank.as_ofs[-1]
    path = bank.features / f"as_of={day}.parquet"
    ids = pq.read_table(path)["customer_id"]
    other = replace(champions[0], name="other_codes", encodings={"group_code": ("b", "c")})  # shares the matrix, codes apart
    cohorts = {LABEL: ids, "a_cold_one": ids[::3], "other_codes": ids[1:900]}
    score_all([*champions, other], path, cohorts, day, tmp_path / "whole")
    monkeypatch.setattr(files, "BLOCK", 257)
    score_all([*champions, other], path, cohorts, day, tmp_path / "blocks", threads=3)
    alone = tmp_path / "alone"
    score_all([other], path, cohorts, day, alone)
    whole, blocks = (tmp_path / name / f"as_of={day}.parquet" for name in ("whole", "blocks"))
    assert whole.read_bytes() == blocks.read_bytes()
    table = pq.read_table(whole, partitioning=None)
    assert table.filter(pc.equal(table["model"], "other_codes")).equals(
        pq.read_table(alone / f"as_of={day}.parquet", partitioning=None)
    )


def test_features_that_lie_in_several_files_by_bucket_give_the_same_scores(
    bank: Synthetic, champions: list[Champion], tmp_path: Path
) -> None:
    day = bank.as_ofs[-1]
    table = pq.read_table(bank.features / f"as_of={day}.parquet", partitioning=None)
    bucket = np.arange(table.num_rows) % 3
    for number in range(3):
        write_parquet(
            tmp_path / f"as_of={day}.parquet" / f"bucket-{number:04}.parquet", table.filter(pa.array(bucket == number))
        )
    ids = table["customer_id"]
    for name, place in (("file", bank.features), ("folder", tmp_path)):
        score_all(champions, place / f"as_of={day}.parquet", {LABEL: ids, "a_cold_one": ids[::3]}, day, tmp_path / name)
    one, other = (tmp_path / name / f"as_of={day}.parquet" for name in ("file", "folder"))
    assert one.read_bytes() == other.read_bytes()
    score_all([], tmp_path / f"as_of={day}.parquet", {}, day, tmp_path / "file", keep={LABEL})  # a label the bank gave up
    left = pq.read_table(one, partitioning=None)
    assert set(left["model"].unique().to_pylist()) == {LABEL}
    assert left.num_rows == len(ids)


def test_a_customer_who_stands_twice_among_the_features_is_refused(
    bank: Synthetic, champions: list[Champion], tmp_path: Path
) -> None:
    day = bank.as_ofs[-1]
    table = pq.read_table(bank.features / f"as_of={day}.parquet", partitioning=None)
    write_parquet(tmp_path / f"as_of={day}.parquet", table.take(pa.array([1, 0, 1])))
    with pytest.raises(TerraceError, match="stands there twice"):
        score_all(champions[:1], tmp_path / f"as_of={day}.parquet", {LABEL: ["C000001"]}, day, tmp_path / "out")


def test_a_column_no_tree_splits_on_changes_no_score_but_must_be_there(
    bank: Synthetic, champions: list[Champion], tmp_path: Path
) -> None:
    day, champion = bank.as_ofs[-1], champions[0]
    path = bank.features / f"as_of={day}.parquet"
    table = pq.read_table(path, partitioning=None)
    whole = replace(champion, feature_names=(*champion.feature_names, "zz_unread"), booster_text=_with_a_column(champion))
    with pytest.raises(ConfigError, match="no column zz_unread"):
        score_all([whole], path, {LABEL: table["customer_id"]}, day, tmp_path / "without")
    write_parquet(tmp_path / path.name, table.append_column("zz_unread", pa.array(["no number"] * table.num_rows)))
    score_all([whole], tmp_path / path.name, {LABEL: table["customer_id"]}, day, tmp_path / "with")
    score_all([champion], path, {LABEL: table["customer_id"]}, day, tmp_path / "plain")
    assert (tmp_path / "with" / path.name).read_bytes() == (tmp_path / "plain" / path.name).read_bytes()


def _with_a_column(champion: Champion) -> str:
    """The champion's trees, which know of one more column and never ask for it."""
    names, last = "feature_names=" + " ".join(champion.feature_names), len(champion.feature_names) - 1
    text = champion.booster_text.replace(f"max_feature_idx={last}\n", f"max_feature_idx={last + 1}\n")
    lines = [f"{line} none" if line.startswith("feature_infos=") else line for line in text.split("\n")]
    return "\n".join(lines).replace(f"{names}\n", f"{names} zz_unread\n")
