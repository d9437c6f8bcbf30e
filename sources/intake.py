"""From what the bank delivers to canonical tables: landed, mapped, checked, written; nothing changed, nothing done."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
from babel.numbers import get_currency_precision

from sources.arrivals import named
from sources.canonical import Canonical, open_canonical
from sources.checking import check_settings
from sources.connection import CLOSED
from sources.database import database_columns, fetch
from sources.delivery import Delivery, Hashes, by_day, content_of, delivered_file, deliveries, fingerprints, paths_of, said_by
from sources.followed import StartMoved
from sources.gates import Asked, Calendar
from sources.history import FILE_ON, GONE, History, fingerprint, open_history
from sources.job import Job, Progress
from sources.landed import State, folder_of, forget, read_state
from sources.landing import columns_of, visible_columns
from sources.quality import QualityReport
from sources.repair import ask_landed, rebuild, wrong_files
from sources.settings import SourceSettings
from sources.spark_sql import landed
from store.errors import DataNotArrived, GateBroken
from store.files import fresh_folder, read_json
from store.fingerprint import of_files, of_json
from store.limits import USUAL, Limits

Places = Mapping[tuple[str | int, ...], str]


def take_in(
    settings: SourceSettings,
    root: Path,
    base: Path,
    bank: str,
    currency: str,
    *,
    expected: dt.date | None = None,
    country: str = "",
    workdays: Sequence[dt.date] = (),
    rest_days: Sequence[dt.date] = (),
    places: Places | None = None,
    limits: Limits = USUAL,
    verify: bool = False,
    progress: Progress | None = None,
) -> Canonical:
    """The bank's canonical tables under `root`, taken in anew where an input, the settings or the code have changed.

    `base`: the folder that paths of the settings start from. `expected`: the business date that must be there. `country`:
    whose holidays are rest days and whose make-up days are not; `workdays`, `rest_days`: the bank's exceptions. `places`:
    key path within the section -> file:line, for messages. `verify`: every file kept is read and its content compared, whether
    or not its size has changed; canonical files that are damaged are made again from what was landed. `limits`: what of the
    machine may be used. Writes
    quality/report.json and quarantine/ before it raises GateBroken; the tables in force stay as they were then.
    Raises ConfigError, DataNotArrived, GateBroken, DataDamaged.
    """
    say = progress or (lambda what, done, total: None)
    settings = landed(settings)
    digits = get_currency_precision(currency)
    histories = _histories(settings, root)
    hashes = (_config_hash(settings, bank, currency), _code_hash())
    there, last = _in_force(root, hashes, limits), _last_intake(root)
    kept = read_state(root, there.manifest.intake) if there else None
    there = _mended(there, kept, settings, root, say, verify=verify) if there and kept else None
    found = _delivered(settings, root, base, say, histories, kept, limits, verify=verify) if there else None
    nothing_new = there is not None and found is not None and there.manifest.inputs == fingerprints(found)
    if (
        there is not None and nothing_new and not read_report(root).broken_gates
    ):  # else the report of a refused delivery is replaced
        _ask_fresh(there.manifest.newest_business_date, expected)
        return there
    columns = _columns(settings, base, histories)
    seen = {name: None if have is None else visible_columns(settings.inputs[name], have) for name, have in columns.items()}
    check_settings(settings, seen, digits, places or {})
    if found is None:
        found = _delivered(settings, root, base, say, histories, None, limits, verify=verify)
    if kept is None:
        _ask_none_cleared(root, last, settings, found)
    asked = Asked(expected, Calendar(country, tuple(workdays), tuple(rest_days)), digits)
    have = {name: of or {} for name, of in columns.items()}
    job = Job(settings, root, bank, currency, hashes, say, histories, there, kept, limits=limits, last=last)
    try:
        with _working(root) as work:
            made = job.run(found, have, work, asked)
    except StartMoved:
        with _working(root) as work:
            made = replace(job, anew=True, days={}).run(found, have, work, asked)
    if state := read_state(root, made.manifest.intake):
        forget(root, state)
    return made


def _mended(there: Canonical, kept: State, settings: SourceSettings, root: Path, say: Progress, *, verify: bool) -> Canonical:
    """The tables in force, those of their files that are damaged made again. Raises DataDamaged where what was landed is."""
    ask_landed(root, kept, read=verify)
    if not (wrong := wrong_files(there, read=verify)):
        return there
    with _working(root) as work:
        return rebuild(there, kept, wrong, settings, work, say)


@contextmanager
def _working(root: Path) -> Iterator[Path]:
    """A folder to work in that is empty before and gone afterwards."""
    work = fresh_folder(root / "work")
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def arrived(settings: SourceSettings, root: Path, base: Path) -> dict[str, str] | None:
    """Input -> content hash of what has come, as an intake would note it; None where only a database can tell.

    Raises DataNotArrived naming all that is missing.
    """
    settings = landed(settings)
    if any(spec.database is not None for spec in settings.inputs.values()):
        return None
    kept = None
    if (root / "canonical" / "manifest.json").exists():
        manifest = open_canonical(root / "canonical").manifest
        if _in_force(root, (_config_hash(settings, manifest.bank, manifest.currency), _code_hash())):
            kept = read_state(root, manifest.intake)
    found = deliveries(settings.inputs, base, Hashes(_noted(root)))
    return fingerprints(_with_earlier_days(found, settings, _histories(settings, root), kept))


def read_report(root: Path) -> QualityReport:
    """The quality report of the last intake under `root`."""
    return QualityReport.model_validate(read_json(root / "quality" / "report.json"))


def _histories(settings: SourceSettings, root: Path) -> dict[str, History]:
    return {name: open_history(root, name) for name, spec in settings.inputs.items() if spec.delivery == "full"}


def _ask_fresh(newest: dt.date, expected: dt.date | None) -> None:
    if expected is not None and newest < expected:
        raise GateBroken(
            f"the data goes to {newest}",
            where="fresh",
            expected=f"{expected} or later",
            do="wait for the delivery, or ask for the date that is there",
        )


def _columns(settings: SourceSettings, base: Path, histories: Mapping[str, History]) -> dict[str, dict[str, str] | None]:
    """Input -> column -> type, asked of settings, files and databases; None where nothing has come to look at."""
    columns: dict[str, dict[str, str] | None] = {}
    con = duckdb.connect(config=CLOSED)
    for name, spec in settings.inputs.items():
        columns[name] = (
            columns_of(con, name, spec, paths_of(base, spec)) if spec.files else database_columns(name, spec, base, settings)
        )
        have = columns[name] or (histories[name].columns(con) if name in histories else None)
        if have and name in histories:  # what comparing adds, also where a table or only an earlier day can be looked at
            columns[name] = have | {FILE_ON: "DATE", GONE: "BOOLEAN"}
    con.close()
    return columns


def _noted(root: Path) -> Path:
    return folder_of(root) / "hashes.json"


def _delivered(
    settings: SourceSettings,
    root: Path,
    base: Path,
    say: Progress,
    histories: Mapping[str, History],
    kept: State | None,
    limits: Limits,
    *,
    verify: bool,
) -> dict[str, Delivery]:
    """Every input's files; tables of databases are fetched and landed."""
    say("look for files", 0, 1)
    found = deliveries(settings.inputs, base, Hashes(_noted(root), anew=verify))
    for name, spec in settings.inputs.items():
        if spec.database is not None:
            say(f"fetch {name}", 0, 1)
            path, sha256 = fetch(name, spec, list(database_columns(name, spec, base, settings)), base, root / "landed", limits)
            found[name] = Delivery(name, (delivered_file(path, sha256),), sha256)
    return _with_earlier_days(found, settings, histories, kept)


def _with_earlier_days(
    found: Mapping[str, Delivery], settings: SourceSettings, histories: Mapping[str, History], kept: State | None
) -> dict[str, Delivery]:
    """Files that have a day of their own count on when they have been cleared away."""
    whole = dict(found)
    for name, spec in settings.inputs.items():
        if kept is not None and spec.dated and spec.delivery != "full" and name in found:
            have = {key: file.sha256 for key, file in named(found[name]).items()}
            known = {key: piece.sha256 for key, piece in kept.of_input(name).items()} | have
            whole[name] = replace(found[name], fingerprint=said_by([key.partition("#")[0], sha] for key, sha in known.items()))
    for name, history in histories.items():
        if name in found and (days := by_day(found[name], settings.inputs[name])[0]):
            said = fingerprint(history, {on: content_of(files) for on, files in days.items()})
            whole[name] = replace(found[name], fingerprint=said)
    return whole


def _in_force(root: Path, hashes: tuple[str, str], limits: Limits = USUAL) -> Canonical | None:
    """The tables in force, where settings and code are those they were made of."""
    if not (root / "canonical" / "manifest.json").exists() or not (root / "quality" / "report.json").exists():
        return None
    there = open_canonical(root / "canonical", limits)
    return there if (there.manifest.config_hash, there.manifest.code_hash) == hashes else None


def _last_intake(root: Path) -> int:
    """The number of the intake in force, whatever it was made of; 0 where there is none."""
    path = root / "canonical" / "manifest.json"
    return int(read_json(path).get("intake", 0)) if path.exists() else 0


def _ask_none_cleared(root: Path, last: int, settings: SourceSettings, found: Mapping[str, Delivery]) -> None:
    """All is taken in anew: of `dated` inputs too every file that was taken in must be there, by its name or its content.

    Raises DataNotArrived. The state is read as plain JSON: an earlier version of Terrace may have written it.
    """
    path = folder_of(root) / f"state-{last}.json"
    pieces = read_json(path)["pieces"] if path.exists() else []
    cleared = []
    for name, spec in settings.inputs.items():
        if not spec.dated or spec.delivery == "full" or name not in found:
            continue
        names, contents = {file.name for file in found[name].files}, {file.sha256 for file in found[name].files}
        mine = [piece for piece in pieces if piece["input"] == name and piece["sha256"] not in contents]
        cleared += [f"{name} {piece['name']}" for piece in mine if piece["name"].partition("#")[0] not in names]
    if cleared:
        raise DataNotArrived(
            f"{len(cleared)} files taken in earlier are no longer there: {', '.join(sorted(cleared)[:5])}",
            where="inputs",
            expected="every file: the settings or the program have changed, so all is taken in anew",
            do=f"put them back and run again; or remove {folder_of(root)} to begin without what they said",
        )


def _code_hash() -> str:
    """Of this room without the demo bank, which only writes files like any bank."""
    room = Path(__file__).parent
    return of_files(room.glob("*.py"), room)


def _config_hash(settings: SourceSettings, bank: str, currency: str) -> str:
    """What the settings say, without the addresses and passwords of databases."""
    content = settings.model_dump(mode="json", exclude={"inputs": {name: {"uri"} for name in settings.inputs}})
    return of_json([content, bank, currency])
