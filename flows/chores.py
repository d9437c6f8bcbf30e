"""What is done between nights: take data in, train, retrain behind the gate, watch for drift."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.catalog import catalog
from features.engine import file_of
from features.labels import LabelReport, build_labels, cohorts_at, named
from features.labels import report as label_report
from flows import engines, faults, process, training
from flows.bank import BankFile
from flows.code import code_hash
from flows.home import Home
from flows.runner import Heartbeat
from models.champion import Champion
from sources.canonical import Canonical, open_canonical
from sources.intake import take_in
from store.errors import ConfigError, TerraceError
from store.files import write_json
from store.ledger import open_ledger

if TYPE_CHECKING:
    from models.drift import Drift

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Trained:
    """What training a label gave."""

    label: str
    method: str
    in_force: bool
    content_hash: str
    reasons_zh: tuple[str, ...]
    reasons_en: tuple[str, ...]
    there_is: LabelReport


@contextmanager
def under_lease(bank: BankFile, home: Home) -> Iterator[Heartbeat]:
    """The bank to oneself: no night runs meanwhile. Raises LeaseHeld where one does, MachineFault for what the machine did."""
    ledger = open_ledger(home.ledger, time.time)
    lease = ledger.take_lease(process.owner_name(), bank.night.lease_seconds, process.is_gone)
    try:
        with Heartbeat(ledger, lease, bank.night.lease_seconds) as heartbeat, faults.named(home, bank.limits):
            yield heartbeat
    finally:
        ledger.release_lease(lease)


def taken_in(bank: BankFile, home: Home, progress: Progress, *, verify: bool = False) -> Canonical:
    """The bank's canonical tables, what is new taken in. `verify`: all files kept are read and compared with their hashes.

    `progress`: of a heartbeat that fences, so that a process that was held up brings nothing into force after its successor.
    """
    engines.begin(bank)
    shutil.rmtree(home.root / "spill", ignore_errors=True)  # of a run that was killed: nobody else works here now
    return take_in(
        bank.sources,
        home.root,
        bank.base,
        bank.bank.id,
        bank.bank.currency,
        country=bank.bank.holidays,
        workdays=bank.bank.workdays,
        rest_days=bank.bank.rest_days,
        places=bank.places,
        limits=bank.limits,
        verify=verify,
        progress=progress,
    )


def retrain(bank: BankFile, home: Home, as_of: dt.date | None, only: Sequence[str], progress: Progress) -> list[Trained]:
    """Train labels (all, or `only`) on what was known at `as_of`; those that pass become champions.

    Raises ConfigError for a label the bank has not, or a date the data does not reach.
    """
    from models.registry import Registry

    labels = [label for label in named(bank.labels) if not only or label.name in only]
    unknown = set(only) - {label.name for label in labels}
    if unknown:
        raise ConfigError(
            f"no label {', '.join(sorted(unknown))}",
            where="--label",
            expected=", ".join(label.name for label in named(bank.labels)),
        )
    code = code_hash()
    done = []
    with under_lease(bank, home) as heartbeat:
        canonical = taken_in(bank, home, heartbeat.fencing(progress))
        newest = canonical.manifest.newest_business_date
        if as_of is not None and as_of > newest:
            raise ConfigError(f"the data goes to {newest}, not to {as_of}", where="--as-of", expected=f"a date up to {newest}")
        known_at = as_of or newest
        dates = {label.name: training.dates_for(canonical, label, known_at, bank.night.training) for label in labels}
        every = tuple(sorted({day for days in dates.values() for day in days}))
        if not every:
            raise ConfigError(
                f"on {known_at} no outcome of any month end was known",
                where="--as-of",
                expected="a month or more of data, and the days in which an outcome may come",
                do="name a later date, or wait for more data",
            )
        engines.build(bank, canonical, every, home.features, progress)
        build_labels(canonical, labels, every, known_at, home.labels, progress=progress)
        outcomes = {name: [file_of(home.labels / name, day) for day in days] for name, days in dates.items()}
        lessons = training.Lessons(canonical, bank.features, home.features, every, outcomes, bank.models.splits.label_rows)
        registry, season = Registry(home.mlflow), training.season_of(bank.features.calendar)
        for number, label in enumerate(labels):
            progress(f"train {label.name}", number, len(labels))
            result = training.train(lessons, label, home.labels, dates[label.name], known_at, bank.models, season, {})
            in_force = training.promote(registry, result, code, bank.limits.threads)
            done.append(
                Trained(
                    label.name,
                    result.champion.method,
                    in_force,
                    result.champion.content_hash,
                    result.champion.reasons_zh,
                    result.champion.reasons_en,
                    label_report(label, dates[label.name], known_at, home.labels, season),
                )
            )
        open_ledger(home.ledger, time.time).remember("champions", json.dumps(registry.champion_hashes(), sort_keys=True))
    return done


def monitor(bank: BankFile, home: Home, progress: Progress) -> Drift | None:
    """How far the newest published night has drifted from the newest month end its champions learned from, as `report_of`.

    Reads the tables as that night left them: nothing is taken in anew. None before the first night. Raises TerraceError where
    no champion in force can be used on that night.
    """
    from models.drift import compare
    from models.registry import Registry

    newest = home.newest_list()
    if newest is None:
        return None
    with under_lease(bank, home):
        canonical, night = open_canonical(home.canonical, bank.limits), newest[0]
        names = [spec.name for spec in catalog(canonical, bank.features) if spec.available]
        champions = [one for one in Registry(home.mlflow).champions() if training.usable(one, night, names)]
        learned = [day for champion in champions for day in champion.trained_on]
        if not learned:
            raise TerraceError(
                "no champion that the newest night could use",
                where=str(home.mlflow),
                expected="at least one that learned from this bank",
                do="run `terrace train`",
            )
        days = (max(learned), night)
        engines.build(bank, canonical, days, home.features, progress)
        with tempfile.TemporaryDirectory(dir=home.root, prefix=".monitor-") as folder:
            scores = [_scored(bank, home, canonical, champions, day, Path(folder), progress) for day in days]
            features = [file_of(home.features, day) for day in days]
            found = compare(
                (features[0], features[1]),
                (scores[0], scores[1]),
                {name for champion in champions for name in champion.feature_names},
            )
        write_json(report_of(home, night), {"bank": bank.bank.id} | found.to_dict())
    return found


def report_of(home: Home, as_of: dt.date) -> Path:
    """Where a night's drift is told."""
    return home.root / "monitor" / f"as_of={as_of.isoformat()}.json"


def _scored(
    bank: BankFile, home: Home, canonical: Canonical, champions: Sequence[Champion], day: dt.date, out: Path, progress: Progress
) -> Path:
    """Scores of a day by the champions of today: a night's own may come from champions since replaced."""
    asked = {champion.name for champion in champions}
    cohorts = cohorts_at(canonical, [label for label in named(bank.labels) if label.name in asked], day)
    engines.score_all(
        bank,
        [one for one in champions if one.name in cohorts],
        file_of(home.features, day),
        cohorts,
        day,
        out,
        progress,
    )
    return home.of_day(out, day)
