"""What a contest found, as rows of text: ratios first, then what they are made of."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from bench.apart import Lap
from bench.contest import Contest, Raced

ENOUGH = 3  # rounds, before anything is said to be met
HEAD = ("this", "over that", "ratio", "spread", "by CPU", "asked", "seconds", "CPU seconds", "peak MB", "figures found equal")


def rows(raced: Sequence[Raced]) -> list[tuple[str, ...]]:
    """One row per pair, in the columns of HEAD; what is told of both sides stands as "this / that"."""
    return [_row(one) for one in raced]


def _row(one: Raced) -> tuple[str, ...]:
    names = (one.pair.first.name, one.pair.second.name if one.pair.second else "")
    if one.absent:
        return (*names, "", f"not run: no environment '{one.absent}'", *[""] * (len(HEAD) - 4))
    return (
        *names,
        *(_ratio(one) if one.second else ("", "", "")),
        _asked(one),
        _both(one, lambda laps: f"{statistics.median(lap.seconds for lap in laps):.2f}"),
        _both(one, lambda laps: f"{statistics.median(lap.cpu for lap in laps):.2f}"),
        _both(one, lambda laps: f"{max(lap.peak_mb for lap in laps):,.0f}"),
        f"{one.agreed:,}" if one.agreed else "",
    )


def _ratio(one: Raced) -> tuple[str, str, str]:
    spread = f"{_number(min(one.ratios))} to {_number(max(one.ratios))}" if len(one.ratios) > 1 else ""
    return _number(one.ratio), spread, _number(one.cpu_ratio)


def _asked(one: Raced) -> str:
    """The ratio that was asked for; whether it is met, where there were rounds enough to say so."""
    if not one.pair.aim:
        return ""
    if len(one.ratios) < ENOUGH:
        return f"at most {one.pair.aim:g}; {in_words(len(one.ratios)).lower()}"
    return f"at most {one.pair.aim:g}: {'met' if one.ratio <= one.pair.aim else 'not met'}"


def _number(ratio: float) -> str:
    return f"{ratio:.{3 if ratio < 0.1 else 2 if ratio < 10 else 1 if ratio < 100 else 0}f}"


def _both(one: Raced, told: Callable[[Sequence[Lap]], str]) -> str:
    return " / ".join(told(laps) for laps in (one.first, one.second) if laps)


def parts(raced: Sequence[Raced]) -> list[str]:
    """A line per way that told the seconds of its parts: medians over the rounds."""
    lines = []
    for one in raced:
        for way, laps in ((one.pair.first, one.first), (one.pair.second, one.second)):
            if way is not None and laps and laps[0].parts:
                told = [f"{name} {statistics.median(lap.parts[name] for lap in laps):.2f}" for name in laps[0].parts]
                lines.append(f"{way.name}, seconds: {', '.join(told)}")
    return list(dict.fromkeys(lines))


def in_words(rounds: int) -> str:
    """How many rounds there were."""
    return "One round" if rounds == 1 else f"{rounds} rounds"


def what_a_ratio_is(rounds: int) -> str:
    """What stands under `ratio` after so many rounds."""
    said = {1: "each ratio is that round's", 2: "each ratio is the mean of the two"}
    return said.get(rounds, "each ratio is the median of its rounds")


def notes(contest: Contest, raced: Sequence[Raced]) -> list[str]:
    """What is told under the table."""
    told = dict.fromkeys(note for one in raced for lap in (*one.first, *one.second) for note in lap.notes)
    return [*parts(raced), *told, *(contest.more(list(raced)) if contest.more else [])]


def as_text(contest: Contest, raced: Sequence[Raced]) -> list[str]:
    """For a screen: every ratio with its spread in a line, what it is made of in the next."""
    lines = [f"{contest.name}: {contest.says}"]
    for row in rows(raced):
        this, that, ratio, spread, by_cpu, aim, *rest = row
        lines.append(f"{ratio:>8}  {spread:<18}{this}{f' / {that}' if that else ''}{f' ({aim})' if aim else ''}")
        under = [f"by CPU {by_cpu}"] if by_cpu else []
        under += [f"{said} {name}" for name, said in zip(HEAD[6:], rest, strict=True) if said]
        lines += [f"{'':28}{'; '.join(under)}"] if under else []
    return [*lines, *(f"  {line}" for line in notes(contest, raced))]


def as_markdown(contest: Contest, raced: Sequence[Raced]) -> list[str]:
    """For a page."""
    table = [HEAD, ("---",) * len(HEAD), *rows(raced)]
    return [
        f"{contest.says[0].upper()}{contest.says[1:]}.",
        "",
        *("| " + " | ".join(cells) + " |" for cells in table),
        *(line for note in notes(contest, raced) for line in ("", f"{note[0].upper()}{note[1:]}.")),
    ]
