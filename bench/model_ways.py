"""Scores and their explanation: ours against the boosters alone, and against shap."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench import grown
from bench.answers import Alike
from bench.apart import Way
from bench.contest import Contest, Pair
from bench.opened import Opened, opened
from bench.place import Found, Place, Run
from features.engine import file_of
from features.labels import cohorts_at, named
from models import booster
from models.champion import Champion
from models.explain import explain, matrix_of
from models.score import score_all
from models.stack import Floats, encode
from models.trees import STRIP, in_strips, trees_of
from store.errors import NotFound

BOOSTER, TREES = "Booster.predict", "models.trees"  # what a floor predicts by


@dataclass(frozen=True)
class Ready:
    """A model with the rows it is asked about, as its trees see them."""

    champion: Champion
    customer_id: pa.Array
    matrix: Floats


def models_of(here: Opened, folder: str) -> list[Champion]:
    """The models grown into a folder, or, without one, those in force."""
    return grown.models(folder) if folder else here.champions()


def cohorts(here: Opened, champions: Sequence[Champion]) -> dict[str, pa.Array]:
    """Label -> who is scored for it at the newest date, as a night asks."""
    asked = {one.name for one in champions}
    return cohorts_at(here.canonical, [label for label in named(here.bank.labels) if label.name in asked], here.as_of)


def in_memory(here: Opened, champions: Sequence[Champion]) -> list[Ready]:
    """Every model with the matrix of its cohort."""
    found, asked = [], cohorts(here, champions)
    for one in champions:
        columns = ["customer_id", *one.feature_names]
        table = pq.read_table(file_of(here.home.features, here.as_of), columns=columns, partitioning=None)
        mine = table.filter(pc.is_in(table["customer_id"], value_set=asked[one.name]))
        matrix: Floats = np.empty((mine.num_rows, len(one.feature_names)), np.float32)
        encode(mine, one.feature_names, one.encodings, matrix)
        found.append(Ready(one, mine["customer_id"].combine_chunks(), matrix))
    return found


def scores(place: Place, folder: str = "") -> Run:
    """Every model's scores of the newest date, from feature file to score file; who is asked is known before."""
    here = opened(place)
    champions, out, models = models_of(here, folder), place.work / "scores", here.bank.models
    asked = cohorts(here, champions)

    def run() -> Found:
        features = file_of(here.home.features, here.as_of)
        counts = score_all(champions, features, asked, here.as_of, out, models.bands, here.bank.limits.threads)
        return Found(here.home.of_day(out, here.as_of), sum(one.customers for one in counts))

    return run


def predict_alone(place: Place, folder: str = "") -> Run:
    """The boosters' bare prediction over the same rows, already in memory."""
    here = opened(place)
    ready, threads = in_memory(here, models_of(here, folder)), here.bank.limits.threads

    def run() -> Found:
        raw = [booster.raw_scores(one.champion.booster_text, one.matrix, threads) for one in ready]
        return Found(lambda: _written(place.work / "bare.parquet", ready, raw), sum(len(one.matrix) for one in ready))

    return run


def asked_by(by: str, one: Ready, threads: int) -> Callable[[], object]:
    """How a model is asked about its rows, all of them in memory as LightGBM, or our own trees, take them."""
    text, trees = one.champion.booster_text, trees_of(one.champion.booster_text) if by == TREES else None
    if trees is None:
        matrix = one.matrix
        return partial(booster.raw_scores, text, matrix, threads)
    rows, used = len(one.matrix), np.arange(len(trees.used))
    cells = in_strips([one.matrix[:, column] for column in trees.used], rows)
    ends = np.linspace(0, len(cells), threads + 1).astype(int).tolist()

    def predict() -> None:
        into = np.empty(rows)
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(
                lambda part: trees.ask(cells[slice(*part)], used, into[part[0] * STRIP : part[1] * STRIP]), pairwise(ends)
            ):
                pass

    return predict


def _written(path: Path, ready: Sequence[Ready], raw: Sequence[np.ndarray]) -> Path:
    parts = [
        pa.table({"customer_id": one.customer_id, "model": [one.champion.name] * len(said), "raw_score": said})
        for one, said in zip(ready, raw, strict=True)
    ]
    pq.write_table(pa.concat_tables(parts), path)
    return path


def listed(here: Opened, champions: Sequence[Champion]) -> list[tuple[Champion, pd.DataFrame]]:
    """Every model with the feature rows of those that the list in force holds because of its label."""
    entries = pq.read_table(here.newest_list / "entries.parquet", columns=["customer_id", "offer"]).to_pandas()
    features = (
        pq.read_table(file_of(here.home.features, here.as_of), partitioning=None)
        .to_pandas()
        .set_index("customer_id", drop=False)
    )
    offers = here.bank.targeting.active
    by_model = entries.assign(model=entries["offer"].map(lambda name: offers[name].model if name in offers else ""))
    return [
        (one, features.loc[sorted(set(mine))].reset_index(drop=True))
        for one in champions
        if len(mine := by_model.loc[by_model["model"] == one.name, "customer_id"])
    ]


def contributions(place: Place) -> Run:
    """Exact contributions of the listed rows, as a night explains them, checks included."""
    here = opened(place)
    asked, threads = listed(here, here.champions()), here.bank.limits.threads

    def run() -> Found:
        told = pd.concat([explain(one, rows, threads) for one, rows in asked], ignore_index=True)
        return Found(lambda: _told(place.work / "ours.parquet", told), sum(len(rows) for _, rows in asked))

    return run


def through_shap(place: Place) -> Run:
    """The same rows by shap.TreeExplainer, an explainer per model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap

    here = opened(place)
    asked = listed(here, here.champions())
    if not asked:
        raise NotFound(
            "no model explains a listed row", where=str(here.newest_list), do="race over a home with models in force"
        )
    for one, _ in asked:
        booster.load(one.booster_text)

    def run() -> Found:
        parts = []
        for one, rows in asked:
            explainer = shap.TreeExplainer(booster.load(one.booster_text))
            values = explainer.shap_values(matrix_of(one, rows))
            parts.append(_long(one, rows, np.asarray(values), float(np.ravel(explainer.expected_value)[-1])))
        told = pd.concat(parts, ignore_index=True)
        return Found(lambda: _told(place.work / "shap.parquet", told), sum(len(rows) for _, rows in asked))

    return run


def _long(champion: Champion, rows: pd.DataFrame, values: np.ndarray, base: float) -> pd.DataFrame:
    names = [*champion.feature_names, "__base__"]
    whole = np.column_stack([values, np.full(len(rows), base)])
    customers = np.repeat(rows["customer_id"].to_numpy(), len(names))
    features = np.tile(np.array(names, object), len(rows))
    return pd.DataFrame({"customer_id": customers, "model": champion.name, "feature": features, "contribution": whole.ravel()})


def _told(path: Path, told: pd.DataFrame) -> Path:
    told[["customer_id", "model", "feature", "contribution"]].to_parquet(path, index=False)
    return path


def scoring(folder: Path | None) -> Contest:
    """Scores by the models in force, and by those grown into `folder`."""
    return Contest(
        "scores",
        "every model's scores of one date, from feature file to score file; floor: the boosters alone over the same rows",
        tuple(
            Pair(
                Way(f"terrace, from file to file, {whose}", "bench.model_ways:scores", given),
                Way("floor: Booster.predict over matrices in memory", "bench.model_ways:predict_alone", given),
                Alike(("customer_id", "model"), figures=("raw_score",)),
                aim=1.2,
            )
            for whose, given in grown.whose(folder)
        ),
        before=grown.ways(folder),
    )


EXPLANATION = Contest(
    "explanation",
    "exact contributions of the listed rows; shap asks LightGBM itself for them, so this weighs what lies around it",
    (
        Pair(
            Way("shap.TreeExplainer", "bench.model_ways:through_shap"),
            Way("terrace, checked against the scores", "bench.model_ways:contributions"),
            Alike(("customer_id", "model", "feature"), within=1e-9),
        ),
    ),
)
