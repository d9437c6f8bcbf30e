"""`python -m bench`: over the home of a bank after a night, ratios measured in pairs, to standard output and into a page."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import feature_ways, grown, intake_ways, model_ways, night_ways, page, table
from bench.contest import Contest, Raced, race, versions
from bench.growth import growth
from bench.machine import setting
from bench.opened import opened
from bench.place import Place
from flows.demo import folder_of, is_demo
from flows.process import tell_libraries
from sources.demo.delivery import coming
from store.errors import TerraceError

LONG = ("night", "training")  # only when they are named


def contests(banks: Path, sizes: Sequence[int], large: Path | None, is_held_back: bool = False) -> dict[str, Contest]:
    """Every contest by its name, in the order in which they are held; `banks`, `large`: folders of what it makes;
    `is_held_back`: whether a day waits to be delivered."""
    held = (
        feature_ways.ONE_DATE,
        feature_ways.TWELVE_DATES,
        feature_ways.WINDOWED,
        feature_ways.FEATURETOOLS_ALONE,
        model_ways.scoring(large),
        model_ways.EXPLANATION,
        intake_ways.INTAKE,
        intake_ways.day(is_held_back),
        growth(banks, sizes),
        night_ways.nights(large),
        night_ways.TRAINING,
    )
    return {one.name: one for one in held}


def asked(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line says."""
    names = ", ".join(contests(Path(), (), None))
    say = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    say.add_argument("contest", nargs="*", help=f"{names}; none: all but {' and '.join(LONG)}, which take long")
    say.add_argument("--bank", type=Path, default=Path("configs/banks/demo.yaml"))
    say.add_argument("--home", type=Path, default=Path("var"), help="a home in which a night of the bank has run; only read")
    say.add_argument("--rounds", type=int, default=3, help="pairs of laps per ratio")
    say.add_argument("--sizes", default="2000,8000", help="customers of the demo banks of `growth`")
    say.add_argument("--growth", type=Path, help="folder of those banks, kept for the next time; default HOME/growth")
    say.add_argument("--grown", type=Path, help="folder of the models grown for `scores` and `night`, kept; default HOME/grown")
    say.add_argument("--environments", type=Path, default=Path(".bench"), help="where `make bench` puts the rivals")
    say.add_argument("--work", type=Path, help="folder for what is written meanwhile; default: the system's")
    say.add_argument("--write", type=Path, metavar="PAGE", help="put the results into this page, docs/benchmarks.md")
    return say.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Hold the contests named, or the short ones; 1 where ways disagree or one fails."""
    said = asked(arguments)
    tell_libraries()  # as the command line does, for every way alike
    sizes = [int(size) for size in said.sizes.split(",")]
    known = contests(Path(), (), None)
    if unknown := sorted(set(said.contest) - set(known)):
        sys.stderr.write(f"no contest {', '.join(unknown)}; there are {', '.join(known)}\n")
        return 2
    here = opened(Place(said.bank.resolve(), said.home.resolve(), Path()))
    large = grown.folder_for(here, said.grown or said.home / "grown")
    is_held_back = is_demo(here.bank) and bool(coming(folder_of(here.bank.base)))
    known = contests(said.growth or said.home / "growth", sizes, large, is_held_back)
    now = setting(here.canonical, said.rounds)
    found: dict[str, list[Raced]] = {}
    failed: list[str] = []
    for name in said.contest or [name for name in known if name not in LONG]:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=said.work) as work:
            place = Place(said.bank.resolve(), said.home.resolve(), Path(work))
            try:
                found[name] = race(known[name], place, said.rounds, said.environments.resolve(), _tell)
            except TerraceError as error:
                sys.stderr.write(f"{name}: {error}\n")  # this contest tells nothing; the others are held
                failed.append(name)
                continue
        sys.stdout.write("\n".join([*table.as_text(known[name], found[name]), "", ""]))
        sys.stdout.flush()
    about = now.lines(versions(found))
    rounds = table.in_words(said.rounds)
    sys.stdout.write("\n".join([now.title, *about, f"{rounds}; {table.what_a_ratio_is(said.rounds)}", ""]))
    if said.write:
        lines = {name: [f"{rounds}.", *table.as_markdown(known[name], raced)] for name, raced in found.items()}
        page.write(said.write, now, about, lines)
    return 1 if failed else 0


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
