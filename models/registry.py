"""Runs, models and champions in MLflow: a SQLite store and a folder of artifacts. The only importer of mlflow."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.champion import Champion
from store.errors import TerraceError
from store.files import read_json, write_json
from store.fingerprint import of_file

if TYPE_CHECKING:
    from models.train import TrainingResult

CHAMPION, CHALLENGER = "champion", "challenger"
EXPERIMENT = "terrace"
# Set before mlflow is imported: nothing leaves the machine. DO_NOT_TRACK takes the word only.
_SILENCE = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ASYNC_LOGGING": "false"}


@dataclass(frozen=True)
class Registered:
    """One version of a label's model in the registry."""

    name: str
    version: int
    run_id: str
    content_hash: str
    method: str


def _client(uri: str) -> Any:
    """MLflow's client, quiet: no telemetry, no tracing, no log lines of its migrations."""
    os.environ.update({name: value for name, value in _SILENCE.items() if name not in os.environ})
    with warnings.catch_warnings():
        # mlflow's own models use a loader that SQLAlchemy 2.1 calls deprecated; nothing here can change that
        warnings.simplefilter("ignore", DeprecationWarning)
        import mlflow  # takes seconds to import, so only here
        from mlflow import MlflowClient

        for quiet in ("mlflow", "alembic"):
            logging.getLogger(quiet).setLevel(logging.WARNING)
        mlflow.tracing.disable()
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


class Registry:
    """The MLflow store of one bank, `HOME/BANK/mlflow`. One process writes at a time: hold the ledger's lock.

    Models are folders of LightGBM text and JSON, logged as plain artifacts: MLflow loads and saves none itself. Which champions
    are in force is noted beside the store: a night that only asks for them does without MLflow, which takes seconds to import.
    """

    def __init__(self, home: Path) -> None:
        """Creates and migrates the store where there is none."""
        self.home = home.resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        self._store = self.home / "mlflow.db"
        if not self._store.exists():
            assert self._experiment

    @cached_property
    def _client(self) -> Any:
        return _client(f"sqlite:///{self._store}")

    @cached_property
    def _experiment(self) -> str:
        """The experiment whose artifacts lie in this home; a home that was moved gets a new one, as MLflow cannot move one."""
        place = (self.home / "artifacts").as_uri()
        for name in (EXPERIMENT, *(f"{EXPERIMENT} {count}" for count in range(2, 1000))):
            found = self._client.get_experiment_by_name(name)
            if found is None:
                return str(self._client.create_experiment(name, artifact_location=place))
            if found.artifact_location == place:
                return str(found.experiment_id)
        raise TerraceError("this store was moved too often", where=str(self.home), do="start a new one")

    def record(self, result: TrainingResult, *, code_hash: str = "", threads: int = 2, promote: bool = True) -> Registered:
        """Log a training as a run, register its champion, and put it in force (`promote`) or forward."""
        champion = result.champion
        run = self._client.create_run(
            self._experiment, run_name=f"{result.label} {champion.known_at}", tags=_tags(result, code_hash)
        )
        run_id: str = run.info.run_id
        self._log_figures(run_id, result)
        with tempfile.TemporaryDirectory(dir=self.home, prefix=".run-") as folder:
            staging = Path(folder)
            champion.write(staging / "champion")
            if result.refused is not None:
                result.refused.write(staging / "refused")
            draw(result, staging / "pictures", threads)
            self._client.log_artifacts(run_id, str(staging))
        self._client.set_terminated(run_id)
        registered = self._register(champion, run_id)
        self.point(registered.name, registered.version, CHAMPION if promote else CHALLENGER)
        return registered

    def _log_figures(self, run_id: str, result: TrainingResult) -> None:
        from mlflow.entities import Metric, Param

        shown = result.refused or result.champion
        params: dict[str, Any] = {
            **shown.parameters,
            "method": result.champion.method,
            "known_at": shown.known_at.isoformat(),
            "trained_on": " ".join(d.isoformat() for d in shown.trained_on),
            "features": len(shown.feature_names),
        }
        if result.rule is not None:
            params["one_feature_rule"] = result.rule.feature
        metrics = result.evaluation.figures() if result.evaluation else {"base_rate": shown.base_rate}
        if result.against_rule is not None:
            gap = result.against_rule.roc_auc
            metrics |= {"against_rule": gap.value, "against_rule_low": gap.low, "against_rule_high": gap.high}
        self._client.log_batch(
            run_id,
            metrics=[Metric(_key(k), float(v), 0, 0) for k, v in sorted(metrics.items())],
            params=[Param(_key(k), str(v)[:5000]) for k, v in sorted(params.items())],
        )
        self._client.log_dict(run_id, dict(shown.fingerprints), "data_fingerprints.json")
        self._client.log_text(run_id, "\n".join(shown.feature_names) + "\n", "features.txt")

    def _register(self, champion: Champion, run_id: str) -> Registered:
        if not self._client.search_registered_models(f"name = '{_key(champion.name)}'"):
            self._client.create_registered_model(_key(champion.name))
        version = self._client.create_model_version(
            _key(champion.name),
            source=(self._folder(run_id) / "champion").as_uri(),
            run_id=run_id,
            tags={"content_hash": champion.content_hash, "method": champion.method, "known_at": champion.known_at.isoformat()},
        )
        return _registered(version)

    def point(self, name: str, version: int, alias: str = CHAMPION) -> None:
        """Let an alias point to this version; a challenger that becomes champion challenges no longer."""
        self._client.set_registered_model_alias(_key(name), alias, str(version))
        if alias == CHAMPION and self._aliased(name, CHALLENGER) == version:
            self._client.delete_registered_model_alias(_key(name), CHALLENGER)

    def _aliased(self, name: str, alias: str) -> int | None:
        aliases: Mapping[str, Any] = self._client.get_registered_model(_key(name)).aliases
        return int(aliases[alias]) if alias in aliases else None

    def _in_force(self) -> dict[str, dict[str, str]]:
        """Label -> content_hash and run_id of its champion, by name: as noted of the store as it now is, else asked of it."""
        noted, store = self.home / "in_force.json", of_file(self._store)
        said = read_json(noted) if noted.exists() else {}
        if said.get("store") != store:
            models = self._client.search_registered_models(max_results=1000)
            found = {}
            for name in sorted(model.name for model in models if CHAMPION in model.aliases):
                version = self._client.get_model_version_by_alias(name, CHAMPION)
                found[name] = {"content_hash": str(version.tags["content_hash"]), "run_id": str(version.run_id)}
            said = {"store": store, "champions": found}
            write_json(noted, said)
        champions: dict[str, dict[str, str]] = said["champions"]
        return champions

    def names(self) -> list[str]:
        """Labels with a champion, sorted."""
        return sorted(self._in_force())

    def versions(self, name: str) -> list[Registered]:
        """All versions of a label's model, oldest first."""
        found = self._client.search_model_versions(f"name = '{_key(name)}'", max_results=10_000)
        return sorted((_registered(v) for v in found), key=lambda r: r.version)

    def load(self, name: str, alias: str = CHAMPION) -> Champion:
        """The model an alias points to. Raises TerraceError where there is none."""
        if alias == CHAMPION and name in (champions := self._in_force()):
            return Champion.read(self._folder(champions[name]["run_id"]) / "champion")
        version = self._aliased(name, alias) if name in {r.name for r in self._client.search_registered_models()} else None
        if version is None:
            raise TerraceError(f"no {alias} for label '{name}'", where=str(self.home), do=f"run `terrace train` for '{name}'")
        return Champion.read(self._folder(self._client.get_model_version(_key(name), str(version)).run_id) / "champion")

    def load_pinned(self, name: str, content_hash: str) -> Champion:
        """The model with this content: what a rerun of a night uses, whatever has been promoted since. Raises TerraceError."""
        for registered in self.versions(name):
            if registered.content_hash == content_hash:
                return Champion.read(self._folder(registered.run_id) / "champion")
        raise TerraceError(
            f"no model of '{name}' with content {content_hash[:12]}",
            where=str(self.home),
            do="restore the registry this night was scored with, or publish a new version of the list",
        )

    def champions(self) -> list[Champion]:
        """All champions in force, by name."""
        return [self.load(name) for name in self.names()]

    def champion_hashes(self) -> dict[str, str]:
        """Label -> content hash of its champion: what the ledger pins."""
        return {name: of["content_hash"] for name, of in self._in_force().items()}

    def _folder(self, run_id: str) -> Path:
        """Where a run's artifacts are: by the store's own layout, so that a home may be moved."""
        return self.home / "artifacts" / run_id / "artifacts"


def draw(result: TrainingResult, folder: Path, threads: int = 2) -> list[Path]:
    """The pictures of a training: gains, calibration, SHAP summary; none where no model was tried."""
    from models import pictures  # matplotlib takes a second to import

    if result.evaluation is None:
        return []
    made = [folder / "gains.png", folder / "calibration.png"]
    pictures.gains(result.label, result.evaluation, made[0])
    pictures.calibration(result.label, result.evaluation, made[1])
    tried = result.refused or result.champion
    if result.sample is not None and len(result.sample):
        from models import shap_plots

        made.append(folder / "shap_summary.png")
        shap_plots.summary(tried, result.sample, made[-1], threads)
    return made


def _tags(result: TrainingResult, code_hash: str) -> dict[str, str]:
    judged = result.evaluation.judged if result.evaluation else "not judged"
    return {
        "label": result.label,
        "content_hash": result.champion.content_hash,
        "code_hash": code_hash,
        "judged": judged,
        "gate": "passed" if result.verdict.passed else "refused",
        "gate_en": "\n".join(result.verdict.reasons_en),
        "gate_zh": "\n".join(result.verdict.reasons_zh),
    }


def _key(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in name)


def _registered(version: Any) -> Registered:
    return Registered(version.name, int(version.version), version.run_id, version.tags["content_hash"], version.tags["method"])
