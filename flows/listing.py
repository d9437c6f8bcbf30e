"""The steps of a night that end in a list: features, scores, tiers, the staged version, and the rename that publishes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalog import catalog
from features.engine import build
from features.labels import cohorts_at
from flows import working_days
from flows.night import Night, pinned
from flows.runner import Done, hashes
from models.explain import explain
from models.score import score_all
from models.tier_proposal import propose
from models.tiers import grade
from store.errors import TerraceError
from store.files import parquet_rows, write_parquet
from targeting import manifest as manifests
from targeting.night import ListInputs, make_list
from targeting.publish import Staged, publish

LEAST_TO_CLUSTER = 100


def features_step(night: Night) -> Done:
    """The night's own features."""
    build(night.canonical, night.bank.features, [night.as_of], night.home.features, progress=night.progress)
    path = night.of_day(night.home.features)
    return Done((path,), f"{parquet_rows(path):,}")


def score_step(night: Night) -> Done:
    """Every label's scores for the customers of its cohort."""
    champions = pinned(night)
    asked = {champion.name for champion in champions}
    cohorts = cohorts_at(night.canonical, [label for label in night.labels if label.name in asked], night.as_of)
    counts = score_all(
        champions,
        night.of_day(night.home.features),
        cohorts,
        night.as_of,
        night.home.scores,
        night.bank.models.bands,
        night.bank.models.threads,
        night.progress,
    )
    return Done((night.of_day(night.home.scores),), f"{sum(count.customers for count in counts):,}")


def tiers_step(night: Night) -> Done:
    """Everyone's tier and marketing group."""
    bank = night.bank
    graded = grade(night.canonical, bank.tiers, bank.value, bank.groups, night.as_of, bank.overrides)
    path = night.of_day(night.home.tiers)
    write_parquet(path, graded)
    proposed = propose_tiers(night, graded)
    return Done((path, *proposed), f"{graded.num_rows:,}")


def propose_tiers(night: Night, graded: pa.Table) -> tuple[Path, ...]:
    """What clustering would propose for head office to approve, per scale, with the agreement of rule and cluster."""
    from models.tier_picture import draw  # matplotlib takes a second to import, so only where something is drawn

    folders = []
    for name in sorted(night.bank.tiers.scales):
        scale = night.bank.tiers.scale_at(name, night.as_of)
        mine = graded.filter(pc.is_in(graded["tier"], pa.array([level.id for level in scale.levels])))
        folder = night.home.tiers / f"proposal={name}" / f"as_of={night.as_of.isoformat()}"
        if mine.num_rows >= LEAST_TO_CLUSTER:
            proposal = propose(mine, scale, night.as_of)
            proposal.write(folder)
            averages = np.asarray(mine["measure_adb"].to_numpy(), np.float64)
            draw(proposal, averages, night.bank.tier_words, night.bank.bank.language, folder)
            folders.append(folder)
    return tuple(folders)


def list_step(night: Night) -> Done:
    """The whole version, staged: entries, explanations, manifest and workbooks."""
    champions = {champion.name: champion for champion in pinned(night)}
    threads = night.bank.models.threads
    inputs = ListInputs(
        canonical=night.canonical,
        as_of=night.as_of,
        settings=night.bank.targeting,
        features=night.of_day(night.home.features),
        scores=night.of_day(night.home.scores),
        tiers=night.of_day(night.home.tiers),
        catalog=catalog(night.canonical, night.bank.features),
        explain=lambda model, rows: explain(champions[model], rows, threads),
        champions={name: champion.content_hash for name, champion in champions.items()},
        horizons={label.name: label.settings.reach_days for label in night.labels},
        given={"code": night.code, "bank": night.bank.config_hash},
        work_on=working_days.after(night.as_of, night.bank.bank),
        bank=night.bank.words,
        tier_words=night.bank.tier_words,
    )
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
            raise TerraceError(
                f"another list is in force: {', '.join(published.differs_in)}",
                where=str(final),
                expected="no list of this version, or the same one",
                do="published lists are never changed; run again with --new-version",
            )
    return Done((final,), f"v{night.run.version}")


def _counts(staged: Staged) -> dict[str, int]:
    """What a list holds, for the last line on the screen."""
    entries = pq.read_table(staged.folder / "entries.parquet", columns=["branch_id", "manager_id"])
    managers = {manager for manager in entries["manager_id"].to_pylist() if manager}
    return {
        "names": entries.num_rows,
        "managers": len(managers),
        "branches": len(set(entries["branch_id"].to_pylist())),
        "workbooks": len(list((staged.folder / "workbooks").glob("*.xlsx"))),
    }
