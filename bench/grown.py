"""Eight models of the size that a night is planned for: 500 trees of 31 leaves over 150 features each, grown for the bench.

What thirteen months of a demo bank can teach is little: its boosters have a hundred trees of four to seven leaves, and a night
with them says nothing about one of a bank with years behind it. These look at each label's cohort as the model in force does,
but have as many trees as prediction is planned for. They promise what that model promises and know nothing it does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from bench.apart import Way
from bench.opened import Opened, opened
from bench.place import Found, Place, Run
from features.catalog import catalog
from features.engine import file_of
from models import booster
from models.calibration import calibrate
from models.champion import Champion
from models.dataset import Dataset
from models.sampling import draw
from models.settings import BoosterSettings
from models.stack import Stack, model_columns, stack_features
from store import fingerprint
from store.errors import TerraceError
from store.files import fresh_folder, read_json, replace_folder, write_json

MODELS, FEATURES = 8, 150
CUSTOMERS = 20_000  # of a bank, at least: in a smaller one the rarest cohort has too few rows for so many leaves
SETTINGS = BoosterSettings(rounds=500, leaves=31, min_rows_in_leaf=20, feature_share=0.3, l2=1.0)
ROWS = 60_000  # to grow trees on, as many as training takes
MADE_FROM = "made_from.json"
_LEAVES = re.compile(r"^num_leaves=(\d+)$", re.MULTILINE)


def grow(place: Place, folder: str) -> Run:
    """The models in `folder`, unless they lie there, grown over the same features and promises."""
    here, at = opened(place), Path(folder)

    def run() -> Found:
        source = _source(here)
        if not (at / MADE_FROM).exists() or read_json(at / MADE_FROM) != source:
            staging = fresh_folder(at.with_name(f".{at.name}"))
            for one in _grown(here):
                one.write(staging / one.name)
            write_json(staging / MADE_FROM, source)
            replace_folder(staging, at)
        return Found()

    return run


def models(folder: str) -> list[Champion]:
    """The models of a folder, by label."""
    return [Champion.read(path.parent) for path in sorted(Path(folder).glob("*/champion.json"))]


def folder_for(here: Opened, folder: Path) -> Path | None:
    """The folder, where the bank has customers enough for such trees."""
    customers = here.canonical.manifest.tables["customers"].rows
    return folder if customers >= CUSTOMERS else None


def ways(folder: Path | None) -> tuple[Way, ...]:
    """How they come to be: held before a contest, outside the clock. Without a folder: not at all."""
    named = "growing eight models, where they are not yet there"
    return (Way(named, "bench.grown:grow", {"folder": str(folder.resolve())}),) if folder else ()


def whose(folder: Path | None) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """Whose models a contest is held with, and what its ways are given."""
    at_hand: tuple[str, Mapping[str, str]] = ("champions at hand", {})
    large = f"{MODELS} models of {SETTINGS.rounds} trees x {SETTINGS.leaves} leaves"
    return (at_hand, (large, {"folder": str(folder.resolve())})) if folder else (at_hand,)


def _source(here: Opened) -> dict[str, object]:
    """All that these models come from."""
    champions = {one.name: one.content_hash for one in here.pinned()}
    features = fingerprint.of_path(file_of(here.home.features, here.as_of))
    code = fingerprint.of_file(Path(__file__))
    return {"features": features, "champions": champions, "code": code}


def _grown(here: Opened) -> list[Champion]:
    columns = model_columns(spec for spec in catalog(here.canonical, here.bank.features) if spec.available)
    stack = stack_features([file_of(here.home.features, here.as_of)], columns)
    promises = _promises(here, stack)
    largest = sorted(promises, key=lambda one: (-len(one.rows), one.champion.name))[:MODELS]
    return [booster_of(one, stack, here.bank.models.seed, here.bank.limits.threads) for one in largest]


@dataclass(frozen=True)
class Promise:
    """What the model in force promises the customers of its cohort, who are rows of the stack."""

    champion: Champion
    rows: np.ndarray
    probability: np.ndarray


def _promises(here: Opened, stack: Stack) -> list[Promise]:
    scores = pq.read_table(
        here.home.of_day(here.home.scores, here.as_of), columns=["customer_id", "model", "probability"], partitioning=None
    ).to_pandas()
    of_label = dict(iter(scores.groupby("model")))
    found = []
    for one in here.pinned():
        mine = of_label[one.name]
        rows = np.searchsorted(stack.customers, mine["customer_id"].to_numpy(object))
        found.append(Promise(one, rows.astype(np.int64), mine["probability"].to_numpy()))
    return found


def booster_of(promise: Promise, stack: Stack, seed: int, threads: int) -> Champion:
    """Trees that learn who stands high in the model in force, through so much noise that every tree finds 31 leaves to grow."""
    name, ids = promise.champion.name, stack.customers[promise.rows]
    lots = {key: draw(ids, f"{key} {name}") for key in ("rows", "noise", "outcome")}
    order = np.lexsort((lots["noise"], promise.probability))
    rank = np.empty(len(order))
    rank[order] = np.linspace(0, 1, len(order))
    turn = np.argsort(lots["rows"], kind="stable")
    learned, calibrated = np.sort(turn[: min(ROWS, len(turn) // 2)]), np.sort(turn[-min(2 * ROWS, len(turn) // 2) :])
    columns = _columns(name, stack.feature_names)

    def data(places: np.ndarray, target: np.ndarray) -> Dataset:
        return Dataset(name, stack, promise.rows[places], target[places].astype(np.int8), columns, {})

    growing = data(learned, rank + lots["noise"] > 1)
    text = booster.fit(growing, SETTINGS, seed=seed, threads=threads).text
    _check(name, text, len(learned))
    rest = data(calibrated, lots["outcome"] < promise.probability)  # as many come as the model in force expects
    raw = booster.raw_scores(text, rest.matrix, threads)
    return replace(
        promise.champion,
        method="model",
        feature_names=growing.feature_names,
        encodings=growing.encodings,
        booster_text=text,
        calibration=calibrate(raw, rest.target, rest.customers),
        segments=None,
        season=None,
        parameters={"how": "grown for the bench", "rounds": SETTINGS.rounds, "leaves": SETTINGS.leaves},
        metrics={},
        fingerprints={},
    )


def _columns(name: str, known: Sequence[str]) -> np.ndarray:
    """The features this model may look at: others for each."""
    lots = [fingerprint.keyed_uniform("bench", name, feature) for feature in known]
    return np.sort(np.argsort(lots, kind="stable")[:FEATURES])


def _check(name: str, text: str, rows: int) -> None:
    """Raises TerraceError where rows were too few for trees of that size."""
    leaves = [int(count) for count in _LEAVES.findall(text)]
    if leaves != [SETTINGS.leaves] * SETTINGS.rounds:
        raise TerraceError(
            f"{len(leaves)} trees of {np.mean(leaves):.1f} leaves grew for '{name}' on {rows:,} rows",
            expected=f"{SETTINGS.rounds} of {SETTINGS.leaves}",
            do="race over the home of a larger bank",
        )
