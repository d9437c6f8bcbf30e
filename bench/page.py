"""`docs/benchmarks.md`: what is written by hand stays, results come under their bank, size and day, contest by contest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.machine import Setting
from store.files import write_text

RESULTS = "## Results"
Held = dict[str, dict[str, list[str]]]  # title of a run -> contest -> its lines; "" is what stands before the first


def write(path: Path, setting: Setting, about: Sequence[str], found: Mapping[str, Sequence[str]]) -> None:
    """Put results into the page: of the same run they replace what stood there, all others are kept; newest first."""
    text = path.read_text(encoding="utf-8")
    before, mark, after = text.partition(f"\n{RESULTS}\n")
    if not mark:
        raise ValueError(f"{path} has no line '{RESULTS}'")
    held = read(after)
    mine = held.pop(setting.title, {})
    mine[""] = list(about)
    mine |= {name: list(lines) for name, lines in found.items()}
    write_text(path, before + mark + written({setting.title: mine} | held))


def read(text: str) -> Held:
    """The results of a page, by the headings they stand under."""
    held: Held = {}
    run, contest = "", ""
    for line in text.splitlines():
        if line.startswith("### "):
            run, contest = line.removeprefix("### "), ""
            held[run] = {"": []}
        elif line.startswith("#### ") and run:
            contest = line.removeprefix("#### ")
            held[run][contest] = []
        elif run:
            held[run][contest].append(line)
    return {run: {name: _trimmed(lines) for name, lines in contests.items()} for run, contests in held.items()}


def written(held: Held) -> str:
    """The text of results, as `read` reads it."""
    lines: list[str] = []
    for run, contests in held.items():
        lines += ["", f"### {run}", "", *contests[""]]
        for name, told in contests.items():
            if name:
                lines += ["", f"#### {name}", "", *told]
    return "\n".join(lines) + "\n"


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[0]:
        lines = lines[1:]
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines
