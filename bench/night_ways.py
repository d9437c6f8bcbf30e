"""A night's other long stations: taking the files in, and scoring with its explanations."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pyarrow.parquet as pq

from bench.contest import Answer, Contest, Place
from features.labels import cohort_at, named
from flows.chores import taken_in
from flows.home import Home
from models import booster
from models.champion import Champion
from models.explain import explain
from models.score import score_all
from models.stack import encode
from sources.canonical import connect, open_canonical
from sources.delivery import deliveries


def _read_and_write(place: Place) -> Callable[[], Answer]:
    """Every delivered file read once as text lines or Parquet, every canonical table written once."""
    found = deliveries(place.bank.sources.inputs, place.bank.base)
    canonical = open_canonical(place.home.canonical)

    def run() -> Answer:
        with connect() as con:
            for name, delivery in found.items():
                if place.bank.sources.inputs[name].format == "parquet":
                    paths = ", ".join(f"'{file.path}'" for file in delivery.files)
                    con.execute(f"SELECT min(COLUMNS(*)) FROM read_parquet([{paths}])").fetchall()
                else:
                    for file in delivery.files:
                        file.path.read_bytes()
            for table in canonical.manifest.tables:
                out = place.work / f"{table}.parquet"
                con.execute(f"COPY (FROM {canonical.relation_sql(table)}) TO '{out}' (FORMAT parquet)")
        return {}

    return run


def _intake(place: Place) -> Callable[[], Answer]:
    root = place.work / "home"
    shutil.rmtree(root, ignore_errors=True)

    def run() -> Answer:
        taken_in(place.bank, Home(root), lambda *_: None)
        return {}

    return run


def _champions(place: Place) -> list[Champion]:
    return [Champion.read(path.parent) for path in sorted(place.home.champions.glob("*/*/champion.json"))]


def _predict_alone(place: Place) -> Callable[[], Answer]:
    """The boosters' bare prediction over the matrices, already in memory."""
    canonical = open_canonical(place.home.canonical)
    as_of = canonical.manifest.newest_business_date
    table = pq.read_table(place.home.of_day(place.home.features, as_of))
    models = [one for one in _champions(place) if one.method == "model"]
    matrices = [np.empty((table.num_rows, len(one.feature_names)), np.float32) for one in models]
    for one, matrix in zip(models, matrices, strict=True):
        encode(table, one.feature_names, one.encodings, matrix)

    def run() -> Answer:
        for one, matrix in zip(models, matrices, strict=True):
            booster.raw_scores(one.booster_text, matrix, place.bank.models.threads)
        return {}

    return run


def _score(place: Place) -> Callable[[], Answer]:
    canonical = open_canonical(place.home.canonical)
    as_of = canonical.manifest.newest_business_date
    champions = _champions(place)
    cohorts = {
        label.name: cohort_at(canonical, label, as_of)["customer_id"].to_pylist()
        for label in named(place.bank.labels)
        if label.name in {one.name for one in champions}
    }

    def run() -> Answer:
        models = place.bank.models
        score_all(
            champions,
            place.home.of_day(place.home.features, as_of),
            cohorts,
            as_of,
            place.work / "scores",
            models.bands,
            models.threads,
            lambda *_: None,
        )
        return {}

    return run


def _explain(place: Place) -> Callable[[], Answer]:
    """Exact contributions of as many rows as a night lists."""
    canonical = open_canonical(place.home.canonical)
    as_of = canonical.manifest.newest_business_date
    scores = pq.read_table(place.home.of_day(place.home.scores, as_of)).to_pandas()
    features = pq.read_table(place.home.of_day(place.home.features, as_of)).to_pandas()
    models = [one for one in _champions(place) if one.method == "model"]

    def run() -> Answer:
        for one in models:
            top = scores[scores["model"] == one.name].nlargest(75, "raw_score")[["customer_id", "raw_score"]]
            explain(one, top.merge(features, on="customer_id"), place.bank.models.threads)
        return {}

    return run


INTAKE = Contest(
    "intake",
    "raw files to checked canonical tables; floor: read every file once, write every table once, no check, no order",
    {"read and write": _read_and_write, "terrace": _intake},
)
SCORES = Contest(
    "scores",
    "all labels of one date; floor: the boosters alone, over matrices in memory",
    {
        "LightGBM alone": _predict_alone,
        "terrace, from file to file": _score,
        "exact contributions of 75 rows a model": _explain,
    },
)
