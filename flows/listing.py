"""The steps of a night that end in a list: features, scores, tiers, the staged version, and the rename that publishes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalog import catalog
from features.labels import cohorts_at
from flows import engines, made_from, working_days
from flows.night import Night, pinned
from flows.runner import Done, hashes
from models.contributions import Contributions
from models.tier_proposal import propose
from models.tiers import grade
from store import notes
from store.errors import TerraceError
from store.files import fresh_folder, parquet_rows, write_parquet
from targeting import manifest as manifests
from targeting.night import ListInputs, make_list
from targeting.publish import Staged, publish

LEAST_TO_CLUSTER = 100


def features_step(night: Night) -> Done:
    """The night's own features."""
    engines.build(night.bank, night.canonical, [night.as_of], night.home.features, night.progress)
    path = night.of_day(night.home.features)
    return Done((path,), f"{parquet_rows(path):,}")


def score_step(night: Night) -> Done:
    """Every label's scores for the customers of its cohort; those stay that would come out the same."""
    champions, path = pinned(night), night.of_day(night.home.scores)
    wanted, there = made_from.scores(night, champions), notes.standing(path)
    keep = {name for name, key in wanted.items() if there.get(name) == key}
    if keep != wanted.keys() or wanted.keys() != there.keys():
        due = [champion for champion in champions if champion.name not in keep]
        asked = {champion.name for champion in due}
        engines.score_all(
            night.bank,
            due,
            night.of_day(night.home.features),
            cohorts_at(night.canonical, [label for label in night.labels if label.name in asked], night.as_of),
            night.as_of,
            night.home.scores,
            night.progress,
            keep,
        )
        notes.note(path, wanted)
    return Done((path,), f"{pq.read_metadata(path).num_rows:,}")


def tiers_step(night: Night) -> Done:
    """Everyone's tier and marketing group; made again only where something that decides them has changed."""
    bank, path = night.bank, night.of_day(night.home.tiers)
    wanted = {"tiers": made_from.tiers(night)}
    folders = {name: night.home.tiers / f"proposal={name}" / f"as_of={night.as_of.isoformat()}" for name in bank.tiers.scales}
    if notes.standing(path) != wanted:
        proposed: list[Path] = []

        def propose_all(graded: pa.Table) -> None:
            for name, folder in sorted(folders.items()):
                proposed.extend(propose_tiers(night, graded, name, folder))

        graded = grade(night.canonical, bank.tiers, bank.value, bank.groups, night.as_of, bank.overrides, propose_all)
        write_parquet(path, graded)
        notes.note(path, wanted, proposed)
    there = tuple(folder for _, folder in sorted(folders.items()) if folder.is_dir())
    return Done((path, *there), f"{pq.read_metadata(path).num_rows:,}")


def propose_tiers(night: Night, graded: pa.Table, name: str, folder: Path) -> list[Path]:
    """What clustering would propose of a scale for head office to approve, with the agreement of rule and cluster."""
    from models.tier_picture import draw  # matplotlib takes a second to import, so only where something is drawn

    fresh_folder(folder).rmdir()
    scale = night.bank.tiers.scale_at(name, night.as_of)
    mine = graded.filter(pc.is_in(graded["tier"], pa.array([level.id for level in scale.levels])))
    if mine.num_rows < LEAST_TO_CLUSTER:
        return []
    proposal = propose(mine, scale, night.as_of)
    proposal.write(folder)
    averages = np.asarray(mine["measure_adb"].to_numpy(), np.float64)
    draw(proposal, averages, night.bank.tier_words, night.bank.bank.language, folder)
    return sorted(folder.iterdir())


def list_step(night: Night) -> Done:
    """The whole version, staged: entries, explanations, manifest and workbooks."""
    champions = {champion.name: champion for champion in pinned(night)}
    kept = night.of_day(night.home.explanations)
    wanted = made_from.contributions(night, list(champions.values()))
    contributions = Contributions.open(kept, champions, wanted, notes.standing(kept), night.bank.limits.threads)
    inputs = ListInputs(
        canonical=night.canonical,
        as_of=night.as_of,
        settings=night.bank.targeting,
        features=night.of_day(night.home.features),
        scores=night.of_day(night.home.scores),
        tiers=night.of_day(night.home.tiers),
        catalog=catalog(night.canonical, night.bank.features),
        explain=contributions,
        champions={name: champion.content_hash for name, champion in champions.items()},
        horizons={label.name: label.settings.reach_days for label in night.labels},
        given={"code": night.code, "bank": night.bank.config_hash},
        work_on=working_days.after(night.as_of, night.bank.bank),
        bank=night.bank.words,
        tier_words=night.bank.tier_words,
        processes=night.bank.limits.threads,
    )
    staged = make_list(inputs, night.staging, version=night.run.version, progress=night.progress)
    write_parquet(kept, contributions.table())
    notes.note(kept, wanted)
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
