"""The steps of a night after the data is in: plain functions from files to files, one after the other."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalog import catalog
from features.engine import build, file_of
from features.labels import Label, build_labels, cohort_at, named
from features.labels import report as label_report
from flows import training, working_days
from flows.bank import BankFile
from flows.home import Home
from flows.runner import Done, Step, hashes
from models.champion import Champion
from models.explain import explain
from models.score import score_all
from models.tier_proposal import propose
from models.tier_settings import read_overrides
from models.tiers import grade
from sources.canonical import Canonical, open_canonical
from store.errors import TerraceError
from store.files import write_parquet
from store.lease import Lease
from store.ledger import Ledger
from store.runs import Run
from targeting import manifest as manifests
from targeting.night import ListInputs, make_list
from targeting.publish import Staged, publish

Progress = Callable[[str, int, int], None]
LEAST_TO_CLUSTER = 100


@dataclass(frozen=True)
class Night:
    """All that a step may know. Steps hand each other files, never frames."""

    bank: BankFile
    home: Home
    run: Run
    ledger: Ledger
    lease: Lease
    progress: Progress
    check_lease: Callable[[], None]         # raises LeaseLost where another night took over
    code: str

    @property
    def as_of(self) -> dt.date:
        return self.run.as_of

    @property
    def canonical(self) -> Canonical:
        return open_canonical(self.home.canonical)

    @property
    def labels(self) -> tuple[Label, ...]:
        return named(self.bank.labels)

    def of_day(self, folder: Path) -> Path:
        """The file of this night's date in a folder of dated files."""
        return self.home.of_day(folder, self.as_of)

    @property
    def staging(self) -> Path:
        """Where this night's version is made; the same after a crash."""
        return self.home.staging / f"as_of={self.as_of.isoformat()}"


def plan(night: Night) -> tuple[Step[Night], ...]:
    """The steps of this night: training only for labels without a champion that may be used at its date.

    A night that was pinned before it crashed trains nothing more: it goes on with the pins.
    """
    before: list[Step[Night]] = [Step("features", features_step)]
    after = [Step("pin", pin_step, always=True), Step("score", score_step), Step("tiers", tiers_step), Step("list", list_step),
             Step("publish", publish_step, always=True)]
    wanted = [] if night.ledger.pins(night.run) else _without_champion(night)
    if not wanted:
        return tuple(before + after)
    dates = {label.name: tuple(training.dates_for(night.canonical, label, night.as_of, night.bank.night.training))
             for label in wanted}
    every = tuple(sorted({day for days in dates.values() for day in days}))
    lessons = training.Lessons(night.canonical, night.bank.features, night.home.features, every)
    learn: list[Step[Night]] = [Step("labels", lambda night: _labels(night, wanted, every)),
                                Step("training_features", lambda night: _past_features(night, every))]
    learn += [Step(f"train {label.name}", _trainer(label, lessons, dates[label.name])) for label in wanted]
    return tuple(before + learn + after)


def _without_champion(night: Night) -> list[Label]:
    """Labels whose champion is missing, learned from a later day than this night's, or from features that are gone."""
    from models.registry import Registry

    names = [spec.name for spec in catalog(night.canonical, night.bank.features) if spec.available]
    registry = Registry(night.home.mlflow)
    there = set(registry.names())
    return [label for label in night.labels
            if label.name not in there or not training.usable(registry.load(label.name), night.as_of, names)]


def _past_features(night: Night, dates: tuple[dt.date, ...]) -> Done:
    """Features of the past month ends the models learn from."""
    build(night.canonical, night.bank.features, dates, night.home.features, progress=night.progress)
    return Done(tuple(file_of(night.home.features, day) for day in dates), f"{len(dates)}")


def _labels(night: Night, labels: list[Label], dates: tuple[dt.date, ...]) -> Done:
    """What became of each past month end's cohorts, as known at the night's date."""
    build_labels(night.canonical, labels, dates, night.as_of, night.home.labels, progress=night.progress)
    season = training.season_of(night.bank.features.calendar)
    for label in labels:
        label_report(label, dates, night.as_of, night.home.labels, season).write(night.home.labels / label.name / "report.json")
    written = [night.home.of_day(night.home.labels / label.name, day) for label in labels for day in dates]
    return Done(tuple(path for path in written if path.exists()), f"{len(labels)}")


def _trainer(label: Label, lessons: training.Lessons, dates: tuple[dt.date, ...]) -> Callable[[Night], Done]:
    def step(night: Night) -> Done:
        from models.registry import Registry

        night.progress(f"train {label.name}", 0, 1)
        result = training.train(lessons, label, night.home.labels, dates, night.as_of, night.bank.models,
                                training.season_of(night.bank.features.calendar), {})
        registry = Registry(night.home.mlflow)
        is_backfill = label.name in registry.names() and registry.load(label.name).known_at > night.as_of
        if not is_backfill:                     # a past night's model takes no place from a newer one
            training.promote(registry, result, night.code, night.bank.models.threads)
        folder = night.home.champions / label.name / result.champion.content_hash[:16]
        result.champion.write(folder)
        night.ledger.remember(f"trained {label.name} {night.run.run_id}", result.champion.content_hash)
        return Done((folder,), result.champion.method)

    return step


def pin_step(night: Night) -> Done:
    """Which champions count tonight, by content, once: whatever is promoted later, a rerun uses these."""
    from models.registry import Registry

    if not night.ledger.pins(night.run):
        registry = Registry(night.home.mlflow)
        chosen = {}
        for label in night.labels:
            trained = night.ledger.recall(f"trained {label.name} {night.run.run_id}")
            champion = _kept(night, label.name, trained) if trained else registry.load(label.name)
            champion.write(night.home.champions / label.name / champion.content_hash[:16])
            chosen[label.name] = champion.content_hash
        night.ledger.pin(night.run, chosen)
        night.ledger.remember("champions", json.dumps(registry.champion_hashes(), sort_keys=True))
    pins = night.ledger.pins(night.run)
    folders = tuple(night.home.champions / name / content[:16] for name, content in pins.items())
    return Done(folders, f"{len(pins)}")


def _kept(night: Night, name: str, content_hash: str) -> Champion:
    """The champion of that content from the bank's own folder, or from the registry where the folder was lost."""
    folder = night.home.champions / name / content_hash[:16]
    if (folder / "champion.json").exists():
        champion = Champion.read(folder)
        if champion.content_hash == content_hash:
            return champion
    from models.registry import Registry

    champion = Registry(night.home.mlflow).load_pinned(name, content_hash)
    champion.write(folder)
    return champion


def pinned(night: Night) -> list[Champion]:
    """Tonight's champions, by label."""
    return [_kept(night, name, content) for name, content in sorted(night.ledger.pins(night.run).items())]


def features_step(night: Night) -> Done:
    """The night's own features."""
    build(night.canonical, night.bank.features, [night.as_of], night.home.features, progress=night.progress)
    path = night.of_day(night.home.features)
    return Done((path,), f"{pq.read_metadata(path).num_rows:,}")


def score_step(night: Night) -> Done:
    """Every label's scores for the customers of its cohort."""
    champions = pinned(night)
    cohorts = {label.name: cohort_at(night.canonical, label, night.as_of)["customer_id"].to_pylist() for label in night.labels
               if label.name in {champion.name for champion in champions}}
    counts = score_all(champions, night.of_day(night.home.features), cohorts, night.as_of, night.home.scores,
                       night.bank.models.bands, night.bank.models.threads, night.progress)
    return Done((night.of_day(night.home.scores),), f"{sum(count.customers for count in counts):,}")


def tiers_step(night: Night) -> Done:
    """Everyone's tier and marketing group."""
    bank = night.bank
    overrides = read_overrides(bank.base / bank.tiers.overrides) if bank.tiers.overrides else ()
    graded = grade(night.canonical, bank.tiers, bank.value, bank.groups, night.as_of, overrides)
    path = night.of_day(night.home.tiers)
    write_parquet(path, graded)
    proposed = propose_tiers(night, graded)
    return Done((path, *proposed), f"{graded.num_rows:,}")


def propose_tiers(night: Night, graded: pa.Table) -> tuple[Path, ...]:
    """What clustering would propose for head office to approve, per scale, with the agreement of rule and cluster."""
    folders = []
    for name, scale in sorted(night.bank.tiers.scales.items()):
        mine = graded.filter(pc.is_in(graded["tier"], pa.array([level.id for level in scale.levels])))
        folder = night.home.tiers / f"proposal={name}" / f"as_of={night.as_of.isoformat()}"
        if mine.num_rows >= LEAST_TO_CLUSTER:
            propose(mine, scale, night.as_of).write(folder, mine)
            folders.append(folder)
    return tuple(folders)


def list_step(night: Night) -> Done:
    """The whole version, staged: entries, explanations, manifest and workbooks."""
    champions = {champion.name: champion for champion in pinned(night)}
    threads = night.bank.models.threads
    inputs = ListInputs(
        canonical=night.canonical, as_of=night.as_of, settings=night.bank.targeting,
        features=night.of_day(night.home.features), scores=night.of_day(night.home.scores),
        tiers=night.of_day(night.home.tiers),
        catalog=catalog(night.canonical, night.bank.features),
        explain=lambda model, rows: explain(champions[model], rows, threads),
        champions={name: champion.content_hash for name, champion in champions.items()},
        horizons={label.name: label.settings.reach_days for label in night.labels},
        given={"code": night.code, "bank": night.bank.config_hash},
        work_on=working_days.after(night.as_of, night.bank.bank), bank=night.bank.words, tier_words=night.bank.tier_words)
    staged = make_list(inputs, night.staging, version=night.run.version, progress=night.progress)
    return Done((staged.folder,), f"{staged.manifest.names:,}")


def publish_step(night: Night) -> Done:
    """The list comes into force: one rename, under the lease, noted in the ledger."""
    folder = night.staging
    final = night.home.list_folder(night.as_of, night.run.version)
    staged = Staged(folder, manifests.read(folder))
    night.ledger.intend(night.run, hashes([folder], night.home.root)[folder.relative_to(night.home.root).as_posix()])
    night.ledger.summarise(night.run, json.dumps(_counts(staged), sort_keys=True))
    with night.ledger.publishing(night.lease, night.run):
        published = publish(staged, night.home.lists)
        if published.status == "differs":
            raise TerraceError(f"another list is in force: {', '.join(published.differs_in)}", where=str(final),
                               expected="no list of this version, or the same one",
                               do="published lists are never changed; run again with --new-version")
    return Done((final,), f"v{night.run.version}")


def _counts(staged: Staged) -> dict[str, int]:
    """What a list holds, for the last line on the screen."""
    entries = pq.read_table(staged.folder / "entries.parquet", columns=["branch_id", "manager_id"])
    managers = {manager for manager in entries["manager_id"].to_pylist() if manager}
    return {"names": entries.num_rows, "managers": len(managers), "branches": len(set(entries["branch_id"].to_pylist())),
            "workbooks": len(list((staged.folder / "workbooks").glob("*.xlsx")))}
