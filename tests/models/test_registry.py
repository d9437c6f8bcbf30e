from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import LABEL

from models.registry import CHALLENGER, Registry, draw
from models.train import TrainingResult
from store.errors import TerraceError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, created and migrated once: that takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    Registry(folder)
    return folder


@pytest.fixture
def registry(home: Path, tmp_path: Path) -> Registry:
    shutil.copy(home / "mlflow.db", tmp_path / "mlflow.db")
    return Registry(tmp_path)


def _other(result: TrainingResult) -> TrainingResult:
    return replace(result, champion=replace(result.champion, base_rate=result.champion.base_rate * 1.5))


def test_a_champion_comes_back_as_it_went_in(registry: Registry, trained: TrainingResult) -> None:
    registered = registry.record(trained, code_hash="abc")
    assert registered.version == 1
    assert registry.load(LABEL) == trained.champion
    assert registry.champion_hashes() == {LABEL: trained.champion.content_hash}
    assert [c.name for c in registry.champions()] == [LABEL]


def test_a_reopened_store_knows_its_champions(registry: Registry, trained: TrainingResult) -> None:
    registry.record(trained)
    assert Registry(registry.home).champion_hashes() == {LABEL: trained.champion.content_hash}


def test_a_challenger_takes_the_place_only_when_promoted_and_a_pin_still_finds_the_old_one(
    registry: Registry, trained: TrainingResult
) -> None:
    registry.record(trained)
    other = registry.record(_other(trained), promote=False)
    assert registry.load(LABEL).content_hash == trained.champion.content_hash
    assert registry.load(LABEL, CHALLENGER).content_hash == other.content_hash
    registry.point(LABEL, other.version)
    assert registry.load(LABEL).content_hash == other.content_hash
    with pytest.raises(TerraceError, match="no challenger"):
        registry.load(LABEL, CHALLENGER)
    assert registry.load_pinned(LABEL, trained.champion.content_hash) == trained.champion
    with pytest.raises(TerraceError, match="no model of"):
        registry.load_pinned(LABEL, "0" * 64)


def test_who_is_in_force_is_known_without_mlflow_until_the_store_changes(registry: Registry, trained: TrainingResult) -> None:
    registry.record(trained)
    registry.champion_hashes()
    again = Registry(registry.home)
    assert again.load(LABEL) == trained.champion
    assert "_client" not in vars(again)  # nobody has asked MLflow
    other = registry.record(_other(trained))
    assert again.champion_hashes() == {LABEL: other.content_hash}
    assert again.load(LABEL).content_hash == other.content_hash


def test_nothing_under_the_store_is_a_pickle(registry: Registry, trained: TrainingResult) -> None:
    registry.record(trained)
    files = [path for path in registry.home.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".db", ".json", ".txt", ".png"}
    assert len(files) >= 8
    assert not any(path.read_bytes()[:1] == b"\x80" for path in files)


def test_a_home_may_be_moved(registry: Registry, trained: TrainingResult, tmp_path: Path) -> None:
    registry.record(trained)
    moved = shutil.copytree(registry.home, tmp_path / "elsewhere")
    shutil.rmtree(registry.home / "artifacts")
    assert Registry(moved).load(LABEL) == trained.champion


def test_a_run_holds_parameters_fingerprints_features_metrics_with_intervals_and_pictures(
    registry: Registry, trained: TrainingResult
) -> None:
    registered = registry.record(trained, code_hash="c0de")
    run = registry._client.get_run(registered.run_id)
    assert run.data.params["rounds"] == str(trained.champion.parameters["rounds"])
    assert run.data.tags["code_hash"] == "c0de"
    for name in ("roc_auc", "pr_auc", "lift_10", "gain_10", "lift_capacity", "gain_capacity", "brier", "observed_expected"):
        assert run.data.metrics[f"{name}_low"] <= run.data.metrics[name] <= run.data.metrics[f"{name}_high"]
    assert run.data.metrics["decile_10_observed"] > run.data.metrics["decile_01_observed"]
    assert any(name.startswith("roc_auc_quarter") for name in run.data.metrics)
    folder = registry.home / "artifacts" / registered.run_id / "artifacts"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "champion/booster.txt",
        "champion/champion.json",
        "data_fingerprints.json",
        "features.txt",
        "pictures/gains.png",
        "pictures/calibration.png",
        "pictures/shap_summary.png",
    }


def test_no_champion_yet_is_said_with_what_to_do(registry: Registry) -> None:
    assert registry.names() == []
    with pytest.raises(TerraceError, match="terrace train"):
        registry.load(LABEL)


def test_equal_trainings_draw_equal_pictures(trained: TrainingResult, tmp_path: Path) -> None:
    one, two = draw(trained, tmp_path / "one"), draw(trained, tmp_path / "two")
    assert len(one) == 3
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
