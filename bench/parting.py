"""A delivery in two parts: all that came before the newest business date, and that day's own files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from bench.opened import Opened
from flows.bank import BankFile
from flows.demo import folder_of
from sources.connection import connect
from sources.delivery import paths_of
from sources.settings import Input, SourceSettings

DAY = ".day"  # what files of the day are called until they have come


def parted(here: Opened, folder: Path) -> BankFile:
    """The bank, reading from `folder`; its files are linked there first, those of the newest day so that nobody sees them.

    A file belongs to the day where its name says so and its input has others. A Parquet file that holds rows of the day among
    others is cut in two. Text that only comes whole is in both parts: nothing is known of what of it is new.
    """
    inputs = {}
    there = folder.exists()
    for name, spec in here.bank.sources.inputs.items():
        if spec.files is None:
            inputs[name] = spec
            continue
        if not there:
            _link(here, name, spec, folder / name)
        pattern = name if spec.format == "parquet" else f"{name}/{Path(spec.files).name}"
        inputs[name] = spec.model_copy(update={"files": pattern})
    return replace(here.bank, sources=here.bank.sources.model_copy(update={"inputs": inputs}), base=folder)


def linked(base: Path, folder: Path) -> Path:
    """A folder with the demo bank's files under `base`, linked where nothing is moved; those of days to come too."""
    for path in sorted(folder_of(base).rglob("*")):
        target = folder_of(folder) / path.relative_to(folder_of(base))
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    return folder


def with_day(folder: Path) -> None:
    """The day's files come."""
    for path in sorted(folder.rglob(f"*{DAY}")):
        path.rename(path.with_name(path.name.removesuffix(DAY)))


def _link(here: Opened, name: str, spec: Input, out: Path) -> None:
    files = paths_of(here.bank.base, spec)
    root = Path(os.path.commonpath([path.parent for path in files])) if files else here.bank.base
    stamp = here.as_of.strftime("%Y%m%d")
    day = {path for path in files if stamp in path.name}
    column = None if day and len(day) < len(files) else _day_column(here.bank.sources, name)
    for path in files:
        whole = out / path.relative_to(root)
        whole.parent.mkdir(parents=True, exist_ok=True)
        if path in day and len(day) < len(files):
            _with_flag(path, whole, DAY)
        elif spec.format == "parquet" and column and _cut(path, whole, column, here):
            continue
        else:
            _with_flag(path, whole, "")


def _with_flag(path: Path, to: Path, suffix: str) -> None:
    """The file and whatever lies beside it under the same name, as flags do."""
    for one in path.parent.glob(f"{path.name.partition('.')[0]}.*"):
        target = to.with_name(one.name + suffix)
        if one.is_file() and not target.exists():
            target.symlink_to(one)


def _day_column(sources: SourceSettings, name: str) -> str | None:
    """The raw column that tells an event's day, where the mapping of this input says one."""
    for table in sources.tables.values():
        column = table.columns.get("on") if table.from_ == name else None
        if column is not None and column.column and not column.date:
            return str(column.column)
    return None


def _cut(path: Path, whole: Path, column: str, here: Opened) -> bool:
    """The file in two, where it holds rows of the newest date and is not all of it; whether it was."""
    if column not in pq.read_schema(path).names:
        return False
    test = f"CAST(\"{column}\" AS DATE) = DATE '{here.as_of.isoformat()}'"
    source = f"read_parquet('{path}', hive_partitioning=false)"
    with connect() as con:
        counts = con.execute(f"SELECT count(*), coalesce(count_if({test}), 0) FROM {source}").fetchone()
        if not counts or not 0 < counts[1] < counts[0]:
            return False
        late = whole.with_name(f"{path.stem}_{here.as_of:%Y%m%d}{path.suffix}{DAY}")
        for which, target in ((f"NOT coalesce({test}, false)", whole), (test, late)):
            con.execute(f"COPY (FROM {source} WHERE {which}) TO '{target}' (FORMAT parquet)")
    return True
