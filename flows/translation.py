"""An error as a person reads it: in English as it was raised, in Chinese by the phrases that say the same.

Errors are raised in English, in parts (found, where, expected, do), by every room. A phrase is one of these parts with `{}`
for what was filled in; what was filled in is translated in turn, so that a phrase may stand within another. Text that no
phrase knows, such as what a library says, stays as it is behind Chinese headings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from flows.phrases import PHRASES
from flows.settings import Language
from sources.advice import GATES
from store.errors import TerraceError, ended

_PLACE = re.compile(r"(\S+\.ya?ml(?::\d+)?): (.+)", re.DOTALL)
_GATE = re.compile(r"(\S+): (\w+) (.+), expected (.+)", re.DOTALL)


def told(error: TerraceError, language: Language) -> str:
    """The whole message: where, what was found, what was expected, what to do."""
    if language == "en":
        return str(error)
    found = f"{translated(error.where)}：{translated(error.found)}" if error.where else translated(error.found)
    parts = (
        found,
        f"应为：{translated(error.expected)}" if error.expected else "",
        f"处理办法：{translated(error.do)}" if error.do else "",
    )
    return "".join(ended(part, "。") for part in parts if part)


def translated(text: str, phrases: Mapping[str, str] = PHRASES) -> str:
    """The text in Chinese, line by line and part by part; what no phrase says stays as it is."""
    if "\n" in text:
        return "\n".join(
            translated(line.strip()) if not line.startswith(" ") else "  " + translated(line.strip())
            for line in text.split("\n")
        )
    parts = text.split("; ")
    place, gates = _PLACE.fullmatch(text), [_GATE.fullmatch(part) for part in parts]
    if all(gate and gate.group(2) in GATES for gate in gates):
        return "；".join(_gate(*gate.groups()) for gate in gates if gate)
    if place:
        return f"{place.group(1)}：{translated(place.group(2))}"
    for pattern, english, chinese in _patterns(tuple(phrases.items())):
        match = pattern.fullmatch(text)
        if match and ("; " in english or all(_is_one(group, phrases) for group in match.groups())):
            return chinese.format(*(translated(group) for group in match.groups()))
    return "；".join(translated(part) for part in parts) if len(parts) > 1 else text


def _is_one(text: str, phrases: Mapping[str, str]) -> bool:
    """Whether this is one part of a message, and not several that semicolons hold apart."""
    if "; " not in text:
        return True
    said = (pattern for pattern, english, _ in _patterns(tuple(phrases.items())) if "; " in english.removesuffix("; {}"))
    return any(pattern.fullmatch(text) for pattern in said)


def _gate(table: str, rule: str, was: str, wanted: str) -> str:
    """A gate that broke, as the steward's report names it."""
    return f"{table}：{GATES[rule][0]}，实际 {translated(was)}，要求 {translated(wanted)}"


@cache
def _patterns(phrases: tuple[tuple[str, str], ...]) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """Phrases as patterns, those that say most by themselves first; with their English and their Chinese."""
    by_words = sorted(phrases, key=lambda item: (-len(item[0].replace("{}", "")), item[0]))
    return tuple(
        (re.compile("(.+?)".join(re.escape(part) for part in english.split("{}")), re.DOTALL), english, chinese)
        for english, chinese in by_words
    )
