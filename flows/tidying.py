"""What old nights leave behind is cleared away: intermediate files, versions of tables nobody reads, what a killed run dropped.

Published lists, what was said of drift, champions and the ledger stay for ever.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

from deltalake import DeltaTable

from flows.bank import BankFile
from flows.chores import report_of, under_lease
from flows.home import Home
from sources.canonical import open_canonical
from sources.compaction import compact_landed, compact_tables

_DATED = re.compile(r"as_of=(\d{4}-\d\d-\d\d)(\.parquet|\.json)?")


def compact(bank: BankFile, home: Home) -> int:
    """Clear away what is older than the bank keeps; how many files and folders went. Rows, features and lists stay the same."""
    with under_lease(bank, home):
        newest = home.newest_list()
        removed = _old(home, newest[0] - dt.timedelta(days=bank.night.keep.days)) if newest else 0
        for left in sorted(home.root.glob(".monitor-*")):  # of a weekly run that was killed
            shutil.rmtree(left)
            removed += 1
        if (home.canonical / "manifest.json").exists():
            compact_tables(home.canonical, bank.limits)
            removed += compact_landed(home.root, bank.limits) + _unread(home.canonical)
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


def _unread(canonical: Path) -> int:
    """Files of canonical tables that the manifest in force does not name.

    An intake that was killed may have left a newer version of some tables than the one in force; the one in force is made the
    newest again first, so that its files are the ones that stay.
    """
    tables, removed = open_canonical(canonical).manifest.tables, 0
    for log in sorted(canonical.glob("*/_delta_log")):
        table, state = DeltaTable(str(log.parent)), tables.get(log.parent.name)
        if state is None:  # a table the bank no longer delivers
            shutil.rmtree(log.parent)
            removed += 1
            continue
        if table.version() != state.delta_version:
            table.restore(state.delta_version)
        removed += len(table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False))
    named = {state.hidden.path for state in tables.values() if state.hidden}
    for path in sorted((canonical / "hidden").glob("*.parquet")):
        if path.relative_to(canonical).as_posix() not in named:
            path.unlink()
            removed += 1
    return removed
