"""`terrace check`: takes the data in and shows the report that was made of it, whether or not a gate broke."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flows.bank import BankFile
from flows.chores import taken_in, under_lease
from flows.home import Home
from flows.screen import Screen
from flows.translation import translated
from sources import report
from sources.intake import read_report
from store.errors import GateBroken
from store.files import write_text

Progress = Callable[[str, int, int], None]


def check(bank: BankFile, home: Home, progress: Progress) -> GateBroken | None:
    """Take the data in; what gate broke, if one did. Raises ConfigError and DataNotArrived: then there is nothing to show."""
    with under_lease(bank, home) as heartbeat:
        try:
            taken_in(bank, home, heartbeat.fencing(progress), verify=True)
        except GateBroken as broken:
            return broken
    return None


def show(home: Home, screen: Screen, out: Path | None) -> None:
    """The last report on the screen, and as JSON in `out`."""
    path = home.root / "quality" / "report.json"
    if not path.exists():
        return
    report.show(read_report(home.root), screen.language, screen.console, translated if screen.language == "zh" else str)
    screen.line(str(path))
    if out is not None:
        write_text(out, path.read_text(encoding="utf-8"))
