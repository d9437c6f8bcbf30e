"""`python -m bench`: over the home of a bank after a night (default: the demo bank's), ratios to standard output."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench.contest import Place, race, table
from bench.feature_ways import WHOLE, WINDOWED
from bench.night_ways import INTAKE, SCORES
from flows.demo import open_bank
from flows.home import Home

CONTESTS = {contest.name.replace(" ", "-"): contest for contest in (INTAKE, WINDOWED, WHOLE, SCORES)}


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def main() -> None:
    """Run the contests named, or all."""
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument("contest", nargs="*", help=f"{', '.join(CONTESTS)}; none: all")
    asked.add_argument("--bank", type=Path, default=Path("configs/banks/demo.yaml"))
    asked.add_argument("--home", type=Path, default=Path("var"), help="a home in which a night of the bank has run")
    asked.add_argument("--rounds", type=int, default=3)
    said = asked.parse_args()
    if unknown := set(said.contest) - set(CONTESTS):
        asked.error(f"no contest {', '.join(sorted(unknown))}; there are {', '.join(CONTESTS)}")
    bank = open_bank(said.bank, said.home)
    home = Home(said.home.resolve() / bank.bank.id)
    if not (home.canonical / "manifest.json").exists():
        asked.error(f"{home.root} holds no night yet: run `make nightly` first")
    sys.stdout.write(f"{bank.bank.id}, {os.cpu_count()} cores, {said.rounds} rounds in turn, each way in its own process\n")
    for name in said.contest or CONTESTS:
        with tempfile.TemporaryDirectory(prefix="bench") as work:
            runs = race(CONTESTS[name], Place(bank, home, Path(work)), said.rounds, _say)
        sys.stdout.write("\n".join(["", *table(CONTESTS[name], runs), ""]))


if __name__ == "__main__":
    main()
