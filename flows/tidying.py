"""What old nights leave behind is cleared away: intermediate files, versions of tables nobody reads, what a killed run dropped.

Published lists, what was said of drift, champions and the ledger stay for ever.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from deltalake import DeltaTable

from flows.bank import BankFile
from flows.chores import report_of, under_lease
from flows.home import Home
from sources.canonical import CanonicalManifest, TableState, open_canonical
from sources.compaction import compact_landed, compact_tables
from sources.deltafiles import BUCKET

_DATED = re.compile(r"as_of=(\d{4}-\d\d-\d\d)(\.parquet|\.json)?")


def compact(bank: BankFile, home: Home) -> int:
    """Clear away what is older than the bank keeps; how many files and folders went. Rows, features and lists stay the same."""
    with under_lease(bank, home) as heartbeat:
        newest = home.newest_list()
        removed = _old(home, newest[0] - dt.timedelta(days=bank.night.keep.days)) if newest else 0
        for left in sorted(home.root.glob(".monitor-*")):  # of a weekly run that was killed
            shutil.rmtree(left)
            removed += 1
        if (home.canonical / "manifest.json").exists():
            before = open_canonical(home.canonical).manifest  # somebody without a hold may just be reading these
            compact_tables(home.canonical, bank.limits, heartbeat.fencing(lambda what, done, total: None))
            removed += compact_landed(home.root, bank.limits) + _unread(home.canonical, before)
        return removed


def _old(home: Home, oldest: dt.date) -> int:
    """Dated files and folders of days before `oldest`, but for those that stay."""
    stay, removed = {home.lists, report_of(home, oldest).parent, home.mlflow}, 0
    for path in sorted(home.root.rglob("as_of=*")):
        match = _DATED.fullmatch(path.name)
        if match is None or dt.date.fromisoformat(match.group(1)) >= oldest or not stay.isdisjoint(path.parents):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # it may have lain in a folder that has just gone
        removed += 1
    return removed


def _unread(canonical: Path, before: CanonicalManifest) -> int:
    """Files of canonical tables that neither the manifest in force names nor the one before: that of whoever reads just now.

    The folders themselves are asked, for Delta's log does not know what an intake wrote that was killed before its commit. One
    that was killed later may have left a newer version of some tables than the one in force; the one in force is made the
    newest again.
    """
    tables = open_canonical(canonical).manifest.tables
    named, removed = _named(tables) | _named(before.tables), 0
    for log in sorted(canonical.glob("*/_delta_log")):
        folder, state = log.parent, tables.get(log.parent.name)
        if state is None:  # a table the bank no longer delivers
            shutil.rmtree(folder)
            removed += 1
        elif (table := DeltaTable(str(folder))).version() != state.delta_version:
            table.restore(state.delta_version)
    for pattern in ("*/*.parquet", f"*/{BUCKET}=*/*.parquet"):
        for path in sorted(canonical.glob(pattern)):
            if path.relative_to(canonical).as_posix() not in named:
                path.unlink()
                removed += 1
    return removed


def _named(tables: Mapping[str, TableState]) -> set[str]:
    """The files that a manifest names, those of hidden rows included."""
    files = {file.path for state in tables.values() for file in state.files}
    return files | {state.hidden.path for state in tables.values() if state.hidden}
