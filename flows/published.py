"""What is published, and why somebody is on it or not: read from the lists alone, keys only, no names."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.bank import BankFile
from flows.home import Home
from flows.screen import Screen
from flows.words import Language, say
from store.errors import NotFound
from targeting import manifest as manifests
from targeting.why import why


def folder_of(home: Home, as_of: dt.date | None) -> Path:
    """The list in force, of a date or the newest. Raises NotFound where there is none."""
    if as_of is None:
        newest = home.newest_list()
        as_of = newest[0] if newest else None
    versions = home.versions(as_of) if as_of else []
    if as_of is None or not versions:
        there = sorted(path.name.removeprefix("as_of=") for path in home.lists.glob("as_of=*"))
        if not there:
            raise NotFound("no list is published yet", where=str(home.lists), do="run `terrace nightly`")
        raise NotFound("no list of this date", where=str(as_of), expected=f"a date with a list: {', '.join(there[-5:])}")
    return home.list_folder(as_of, versions[-1])


def show(bank: BankFile, home: Home, as_of: dt.date | None, owner: str | None, screen: Screen) -> None:
    """Dates and versions, then the owners of the one in force; with `owner`, that list's rows."""
    folder = folder_of(home, as_of)
    made = manifests.read(folder)
    screen.line(f"{made.as_of}  v{made.list_version}  {made.names:,} / {made.lists:,}  {folder}", style="bold")
    if owner is not None:
        _rows(bank, folder, owner, screen)
        return
    others = [
        (path.parent.name.removeprefix("as_of="), path.name.removeprefix("version="))
        for path in sorted(home.lists.glob("as_of=*/version=*"))
    ]
    if len(others) > 1:
        screen.line("  ".join(f"{date} v{version}" for date, version in others[-12:]), style="dim")
    lists = pq.read_table(folder / "lists.parquet", columns=["list_id", "hours", "names", "queue"]).to_pylist()
    screen.table(
        [say(screen.language, key) for key in ("list_id", "hours", "listed", "queue")],
        [(row["list_id"], f"{row['hours']:g}", f"{row['names']:,}", f"{row['queue']:,}") for row in lists],
        numbers=[1, 2, 3],
    )


def _rows(bank: BankFile, folder: Path, owner: str, screen: Screen) -> None:
    reasons = f"reasons_{screen.language}"
    columns = ["list_id", "rank", "customer_id", "tier", f"offer_{screen.language}", "band", "expected_value", reasons]
    table = pq.read_table(folder / "entries.parquet", columns=columns)
    found = table.filter(pc.equal(table["list_id"], owner)).to_pylist()
    if not found:
        known = sorted(set(table["list_id"].to_pylist()))
        raise NotFound(
            f"no list '{owner}'", where=str(folder), expected=", ".join(known[:8]), do="run `terrace lists` to see them"
        )
    heads = [say(screen.language, key) for key in ("rank", "customer", "tier_of", "offer", "band", "value", "reasons")]
    screen.table(
        heads,
        [
            (
                str(row["rank"]),
                row["customer_id"],
                _tier(bank, row["tier"], screen.language),
                row[f"offer_{screen.language}"] or "",
                say(screen.language, row["band"]) if row["band"] else "",
                f"{row['expected_value']:,.0f}",
                row[reasons] or "",
            )
            for row in found
        ],
        numbers=[0, 5],
    )


def _tier(bank: BankFile, tier: str | None, language: Language) -> str:
    zh, en = bank.tier_words.get(tier or "", (tier or "", tier or ""))
    return zh if language == "zh" else en


def why_lines(
    bank: BankFile, home: Home, as_of: dt.date | None, customer: str, view: Literal["manager", "compliance"], language: Language
) -> list[str]:
    """Why a customer is, or is not, on the list in force, a line each. Raises TerraceError for one unknown at its date."""
    return why(folder_of(home, as_of), customer, bank.targeting, view=view).lines(bank.targeting, language)
