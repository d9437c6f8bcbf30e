"""The whole night from canonical tables to published lists against its floors, and training for the memory it needs."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from bench import grown
from bench.apart import Way
from bench.contest import Contest, Pair
from bench.model_ways import BOOSTER, TREES, asked_by, in_memory, listed, models_of
from bench.opened import Opened, finished_files, opened, read_once, write_once
from bench.place import Found, Place, Run
from features.engine import file_of
from features.labels import named
from flows import chores, process
from flows.code import code_hash
from flows.home import Home
from flows.night import Night
from flows.plan import plan
from flows.runner import Heartbeat, run_step
from flows.training import dates_for, promote
from models import booster
from models.champion import Champion
from models.explain import matrix_of
from models.gate import Verdict
from models.train import TrainingResult
from store.errors import TerraceError
from store.files import fresh_folder, parquet_rows
from store.ledger import open_ledger
from store.runs import RunKey

SNAPSHOTS = 12
MADE = (
    "features",
    "labels",
    "scores",
    "explanations",
    "tiers",
    "lists",
    "staging",
    "logs",
    "quarantine",
    "prefect",
    "prefect-server",
    "monitor",
)


def night(place: Place, folder: str = "") -> Run:
    """Every step from features to publishing, one after the other, with the champions in force, or those grown into `folder`
    in the places of theirs; nothing is trained."""
    import models.tier_picture  # noqa: F401
    from models.registry import Registry

    here = opened(place)
    home = _copied(here, place.work / "night")
    registry = Registry(home.mlflow)
    large = grown.models(folder) if folder else []
    for one in large:
        promote(registry, TrainingResult(one.name, one, Verdict(())), "", here.bank.limits.threads)
    registry.names()  # whatever this imports, or notes of a store just written to, is no part of a night

    def run() -> Found:
        started, parts = time.perf_counter(), {}
        code = code_hash()
        ledger = open_ledger(home.ledger, time.time)
        lease = ledger.take_lease(process.owner_name(), here.bank.night.lease_seconds, process.is_gone)
        key = RunKey(here.bank.bank.id, here.as_of, here.bank.config_hash, code, here.canonical.manifest.inputs)
        made, _ = ledger.begin(key)
        parts["begin"] = time.perf_counter() - started
        with Heartbeat(ledger, lease, here.bank.night.lease_seconds) as heartbeat:
            tonight = Night(here.bank, home, made, ledger, lease, lambda *_: None, heartbeat.check, code)
            started = time.perf_counter()
            steps = plan(tonight)
            parts["plan"] = time.perf_counter() - started
            for step in steps:
                parts[step.name] = run_step(step, tonight, ledger, made, home.root, 24 * 3600).seconds
        ledger.release_lease(lease)
        _refuse_others(ledger.pins(made), large)
        return Found(rows=parquet_rows(file_of(home.features, here.as_of)), parts=parts)

    return run


def _refuse_others(pins: Mapping[str, str], large: Sequence[Champion]) -> None:
    """Raises TerraceError where a night went by other models than those it was held for."""
    others = [one.name for one in large if pins[one.name] != one.content_hash]
    if others:
        raise TerraceError(f"the night pinned other models for {', '.join(others)}", expected="those grown for the bench")


def floors(place: Place, folder: str = "", by: str = BOOSTER) -> Run:
    """The features' floor, bare prediction by LightGBM or by our own trees, contributions of the listed rows."""
    here = opened(place)
    features, threads = here.features(), here.bank.limits.threads
    files, out = finished_files(file_of(here.home.features, here.as_of)), fresh_folder(place.work / "floor")
    champions = models_of(here, folder)
    ready = [asked_by(by, one, threads) for one in in_memory(here, champions)]
    asked = [(one.booster_text, matrix_of(one, rows)) for one, rows in listed(here, champions)]

    def run() -> Found:
        clock = [time.perf_counter()]
        read_once(here.canonical, features)
        clock.append(time.perf_counter())
        write_once(files, [out], threads)
        clock.append(time.perf_counter())
        for predict in ready:
            predict()
        clock.append(time.perf_counter())
        for text, matrix in asked:
            booster.contributions(text, matrix, threads)
        clock.append(time.perf_counter())
        names = ("read columns", "write features", "predict", "contributions")
        parts = {name: after - before for name, (before, after) in zip(names, pairwise(clock), strict=True)}
        return Found(rows=sum(one.num_rows for one in files.values()), parts=parts)

    return run


def training(place: Place) -> Run:
    """Every label learned anew on the newest month ends, their features and outcomes made first."""
    here = opened(place)
    home = _copied(here, place.work / "training")
    settings = here.bank.night.training.model_copy(update={"month_ends": SNAPSHOTS})
    bank = replace(here.bank, night=here.bank.night.model_copy(update={"training": settings}))
    days = sorted({day for one in named(bank.labels) for day in dates_for(here.canonical, one, here.as_of, settings)})

    def run() -> Found:
        clock = {"": time.perf_counter()}  # stage -> when it was last heard of

        def heard(stage: str, *_: int) -> None:
            clock[stage.partition(" ")[0]] = time.perf_counter()

        trained = chores.retrain(bank, home, None, (), heard)
        heard("train")
        parts = {name: clock[name] - clock[before] for before, name in pairwise(clock)}
        return Found(rows=len(trained), parts=parts, notes=[_learned_from(days), *(_judged(one) for one in trained)])

    return run


def _learned_from(days: Sequence[dt.date]) -> str:
    """How many month ends there really were."""
    return f"learned from {len(days)} month ends, {days[0]} to {days[-1]}" if days else "there was no month end to learn from"


def _judged(one: chores.Trained) -> str:
    """A label's training in a sentence: what the gate said of its calibration, or else why it is no model."""
    said = [reason for reason in one.reasons_en if reason.startswith("Observed over expected")] or list(one.reasons_en)
    return f"`{one.label}`, {'a model' if one.method == 'model' else 'no model'}: {said[0].rstrip('.')}"


def _copied(here: Opened, folder: Path) -> Home:
    """A home that holds the canonical tables (linked) and the champions of this one, and no list yet."""
    shutil.rmtree(folder, ignore_errors=True)
    home = Home(folder / here.bank.bank.id)
    for path in sorted(here.home.root.iterdir()):
        if path.name in MADE or not path.is_dir():
            continue
        is_kept = path.name in ("mlflow", "champions")  # written to again
        shutil.copytree(path, home.root / path.name, copy_function=shutil.copy2 if is_kept else _linked)
    return home


def _linked(path: str, to: str) -> None:
    """The same file under another name, or a copy of it on another disk."""
    try:
        os.link(path, to)
    except OSError:
        shutil.copy2(path, to)


def nights(folder: Path | None) -> Contest:
    """A night with the models in force, and with those grown into `folder`."""
    return Contest(
        "night",
        "from canonical tables to published lists and workbooks, process starts apart; floors: the features' columns read once "
        "and their files written once, prediction over matrices in memory, contributions of the listed rows",
        tuple(
            Pair(
                Way(f"terrace, every step of a night, {whose}", "bench.night_ways:night", given),
                Way(f"the sum of its floors, predicting by {by}, {whose}", "bench.night_ways:floors", {**given, "by": by}),
                aim=2.0,
            )
            for whose, given in grown.whose(folder)
            for by in (BOOSTER, TREES)
        ),
        before=grown.ways(folder),
    )


TRAINING = Contest(
    "training",
    f"every label on the newest month ends, {SNAPSHOTS} at most, as many as the data reaches back to, features and outcomes "
    "included, for the memory it takes",
    (Pair(Way("terrace, training", "bench.night_ways:training")),),
)
