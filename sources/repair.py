"""Canonical files that are missing or damaged are noticed, named, and made again alone, from what was landed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import duckdb

from sources.balances import derive_balances
from sources.canonical import Canonical, DataFile, TableState, wrong_with
from sources.change import at_version
from sources.connection import CLOSED, connect
from sources.deltafiles import replace
from sources.followed import Followed
from sources.in_force import put_in_force
from sources.inventory import count_rows, noted_files
from sources.keeping import read_again
from sources.landed import State, folder_of
from sources.overwrite import Progress
from sources.part import Part
from sources.release import relations_of
from sources.review import check_touched, follow, prepare_merges, runs
from sources.settings import SourceSettings
from sources.sqltext import literals
from sources.tables import TABLES
from sources.turns import in_order
from sources.written import order_sql, prepare_owners, prepare_people, rows_sql
from store.errors import DataDamaged


def wrong_files(there: Canonical, *, read: bool = False) -> list[tuple[str, DataFile, str]]:
    """Table, file and what is wrong with it, for every canonical file that is not as it was written. `read`: by its content."""
    return [
        (name, file, wrong)
        for name, state in there.manifest.tables.items()
        for file in (*state.files, *((state.hidden,) if state.hidden else ()))
        if (wrong := wrong_with(there.root, file, read=read))
    ]


def ask_landed(root: Path, kept: State, *, read: bool = False) -> None:
    """Raises DataDamaged naming the first file of `HOME/landed/` that is not as it was written."""
    folder = folder_of(root)
    for file in kept.files:
        if wrong := file.damaged(folder) if read else file.wrong(folder):
            raise DataDamaged(
                f"the file {file.path} {wrong}",
                where="landed",
                expected="what earlier intakes have kept of the bank's files",
                do="put it back from a backup; or remove the folder `landed`, and all is taken in anew from the bank's files",
            )


def rebuild(
    there: Canonical,
    kept: State,
    wrong: list[tuple[str, DataFile, str]],
    settings: SourceSettings,
    work: Path,
    say: Progress,
) -> Canonical:
    """The same tables with the buckets of these files written again, of rows taken from what was landed and checked again."""
    rebuilt = _buckets(there, wrong)
    root = there.root.parent
    with closing(connect(there.limits, work / "spill", database=str(work / "repair.duckdb"), more=CLOSED)) as con:
        con.execute(f"SET allowed_directories = [{literals(str(folder) for folder in (folder_of(root), there.root, work))}]")
        con.execute("SET enable_external_access = false")
        part = Part(con, root, kept, rebuilt=_with_movements(rebuilt, settings), buckets=there.manifest.buckets)
        mapped = {}
        for name in settings.tables:
            mapped[name] = read_again(con, root, name, kept.tables[name])
            part.stored(name)
        aheads = {name: (kept.tables[name].ahead_after,) * 2 for name in mapped}
        prepare_merges(part, mapped)
        if "transactions" in mapped:
            Followed.look(part)
        for name in in_order(mapped):
            say(f"rebuild {name}", 0, 1)
            check_touched(part, name, mapped, settings, there.manifest.currency, aheads[name])
        if runs(mapped):
            follow(con, part, Followed(con, root, part, settings, 0), settings)
            if settings.derived.balances == "transactions":
                derive_balances(con, kept.running.start if kept.running else None)
        relations = relations_of(part, settings)
        owning, states = part.owning(), dict(there.manifest.tables)
        prepare_people(con, owning.get("merges"))
        prepare_owners(con, owning, there.manifest.buckets)
        for name, buckets in rebuilt.items():
            states[name] = _written(con, there, name, buckets, owning | {name: relations[name]})
    made = there.manifest.model_copy(update={"tables": states})
    put_in_force(there.root, made, there.manifest, say)
    return Canonical(there.root, made, there.limits)


def _buckets(there: Canonical, wrong: list[tuple[str, DataFile, str]]) -> dict[str, list[int]]:
    """Table -> buckets to be written again: where it cannot be told which rows are hidden, all of the table."""
    found: dict[str, set[int]] = {}
    for name, file, _ in wrong:
        state = there.manifest.tables[name]
        every = {f.bucket for f in state.files if f.bucket is not None} if file == state.hidden else set()
        found.setdefault(name, set()).update(every if file.bucket is None else {file.bucket})
    return {name: sorted(buckets) for name, buckets in found.items()}


def _with_movements(rebuilt: Mapping[str, list[int]], settings: SourceSettings) -> dict[str, list[int]]:
    """Balances that are made of movements are made again with these."""
    if settings.derived.balances != "transactions" or "balances" not in rebuilt:
        return dict(rebuilt)
    return dict(rebuilt) | {"transactions": sorted({*rebuilt["balances"], *rebuilt.get("transactions", ())})}


def _written(
    con: duckdb.DuckDBPyConnection, there: Canonical, name: str, buckets: list[int], sources: Mapping[str, str]
) -> TableState:
    """A table with these buckets (none: the whole table) as it should be. Raises DataDamaged where it does not come out so."""
    state, folder = there.manifest.tables[name], there.root / name
    query, _ = rows_sql(con, name, sources, there.manifest.buckets, is_single=False)
    table = at_version(folder, state.delta_version)
    wanted: list[int | None] = [*buckets] or [None]
    for bucket in wanted:
        only = f" WHERE bucket = {bucket}" if bucket is not None else ""
        rows = con.sql(f"SELECT * FROM ({query}){only} ORDER BY {order_sql(TABLES[name])}").to_arrow_reader(200_000)
        replace(table, folder, rows, bucket)
    stay = [file for file in state.files if file.bucket not in buckets and buckets]
    files = noted_files(there.root, name, table, stay)
    made = state.model_copy(update={"delta_version": table.version(), "files": files})
    if state.hidden and wrong_with(there.root, state.hidden):
        made = made.model_copy(update={"hidden": None})
    _ask_same(there, name, made)
    return made


def _ask_same(there: Canonical, name: str, made: TableState) -> None:
    """The rows must be those that were in force."""
    tables = there.manifest.tables | {name: made}
    now = Canonical(there.root, there.manifest.model_copy(update={"tables": tables}), there.limits)
    counted = count_rows(name, now.relation_sql(name), there.limits)
    if f"{counted.content % 2**128:032x}" != made.fingerprint:
        raise DataDamaged(
            f"table {name}, made again from what was landed, has {counted.rows:,} rows that are not those it had",
            where="landed",
            expected=f"{made.rows:,} rows as they were",
            do="remove the folder `landed`, and all is taken in anew from the bank's files",
        )
