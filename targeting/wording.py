"""The grammar of reasons: sentences with placeholders, and the conditions under which they are true. Nothing is evaluated.

A sentence is text with `{name:kind}`; kinds are `KINDS`. In English `{name:count|transfer|transfers}` adds the noun in its
number. A condition is `NAME OP (NAME|NUMBER)` joined by `and`, OP one of `< <= > >= ==`. Anything else is a ConfigError.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from store.errors import ConfigError

KINDS: dict[str, tuple[str, ...]] = {  # kind -> units it can say; empty: any
    "money": ("money",),
    "wan": ("money",),
    "percent": ("share", "rate"),
    "tenths": ("share",),
    "rate": ("rate", "share"),
    "count": (),
    "days": (),
    "months": (),
    "term": (),
    "day": (),
    "date": ("date",),
    "month": ("date",),
    "text": ("category",),
}
UNSAID = (
    "您",
    "流失概率",
    "系统预测",
    "模型",
    "疑似",
    "优质客户",
    "尽快营销",
    "predict",
    "suspect",
    "probabilit",
    "valued customer",
)

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_NUMBER = r"-?\d+(?:\.\d+)?"
_TERM = re.compile(rf"\s*({_NAME})\s*(<=|>=|==|<|>)\s*({_NAME}|{_NUMBER})\s*")
_FIELD = re.compile(rf"\{{({_NAME}):([a-z]+)((?:\|[A-Za-z' -]+){{0,2}})\}}")
_ABOUT = re.compile(r"(约|\babout |\baround )$")


class WordingLike(Protocol):
    """One sentence of a feature, as the catalogue declares it."""

    @property
    def when(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def internal(self) -> bool: ...


class SpecLike(Protocol):
    """What reasons read of a feature's entry in the catalogue."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def sensitivity(self) -> str: ...
    @property
    def is_actionable(self) -> bool: ...
    @property
    def wordings(self) -> Sequence[WordingLike]: ...


@dataclass(frozen=True)
class Term:
    """One comparison of a condition; `right` is a column's name or a number."""

    left: str
    op: str
    right: str | float


@dataclass(frozen=True)
class Field:
    """One placeholder; `about` where the text before it says 约 or about, `bare` where the text after it names the unit."""

    name: str
    kind: str
    about: bool = False
    bare: bool = False
    noun: tuple[str, str] | None = None


@dataclass(frozen=True)
class Sentence:
    """Texts and placeholders in turn: `texts[0] fields[0] texts[1] ... texts[-1]`."""

    texts: tuple[str, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Said:
    """A wording understood: when it is true, what it says, and whether only the manager may read it."""

    when: tuple[Term, ...]
    zh: Sentence
    en: Sentence
    internal: bool

    @property
    def names(self) -> frozenset[str]:
        """Every column it says or compares."""
        compared = {name for term in self.when for name in (term.left, term.right) if isinstance(name, str)}
        return frozenset(compared | {field.name for field in (*self.zh.fields, *self.en.fields)})


def parse_condition(text: str, where: str = "") -> tuple[Term, ...]:
    """The comparisons of a condition, all of which must hold; none for an empty text. Raises ConfigError."""
    if not text.strip():
        return ()
    terms = []
    for part in re.split(r"\band\b", text):
        match = _TERM.fullmatch(part)
        if match is None:
            raise ConfigError(
                f"'{part.strip()}' in the condition '{text}' is not a comparison",
                where=where,
                expected="NAME OP (NAME or NUMBER) joined by 'and', OP one of < <= > >= ==",
                do="rewrite the `when` of this wording",
            )
        left, op, right = match.groups()
        terms.append(Term(left, op, float(right) if re.fullmatch(_NUMBER, right) else right))
    return tuple(terms)


def parse_sentence(text: str, where: str = "") -> Sentence:
    """Texts and placeholders of one sentence. Raises ConfigError on any brace that is not a placeholder."""
    texts, fields, end = [], [], 0
    matches = list(_FIELD.finditer(text))
    for match in matches:
        texts.append(text[end : match.start()])
        end = match.end()
        name, kind, nouns = match.groups()
        if kind not in KINDS:
            raise ConfigError(
                f"'{match.group()}' has the unknown kind '{kind}'",
                where=where,
                expected=f"one of {', '.join(KINDS)}",
                do=_nearest(kind, KINDS),
            )
        about, bare = bool(_ABOUT.search(texts[-1])), _names_unit(text[end:])
        fields.append(Field(name, kind, about, bare, _noun(nouns, match.group(), where)))
    texts.append(text[end:])
    for piece in texts:
        if "{" in piece or "}" in piece:
            raise ConfigError(
                f"'{piece.strip()}' holds a brace that is no placeholder",
                where=where,
                expected="{name:kind}",
                do="write every placeholder as {name:kind}",
            )
    unsaid = next((word for word in UNSAID if word in text.lower()), None)
    if unsaid:
        raise ConfigError(
            f"the sentence '{text}' says '{unsaid}'",
            where=where,
            expected="fact, figure, comparison, date; no guess, no adjective, no 您",
            do="say the fact alone",
        )
    return Sentence(tuple(texts), tuple(fields))


def understand(specs: Sequence[SpecLike], extra: Collection[str] = ("as_of",)) -> dict[str, tuple[Said, ...]]:
    """Per sayable feature its wordings, checked: every name known, of a unit its kind can say, none protected.

    Sayable: a feature (no fact), actionable, not protected, with wordings. `extra` are columns of a row outside the
    catalogue. Raises ConfigError.
    """
    by_name = {spec.name: spec for spec in specs}
    understood = {}
    for spec in specs:
        said = tuple(_understand(spec, number, wording, by_name, extra) for number, wording in enumerate(spec.wordings, 1))
        if said and spec.role == "feature" and spec.is_actionable and spec.sensitivity != "protected":
            understood[spec.name] = said
    return understood


def _understand(
    spec: SpecLike, number: int, wording: WordingLike, by_name: Mapping[str, SpecLike], extra: Collection[str]
) -> Said:
    where = f"wording {number} of feature '{spec.name}'"
    said = Said(
        parse_condition(wording.when, where),
        parse_sentence(wording.zh, where),
        parse_sentence(wording.en, where),
        wording.internal,
    )
    compared = {name for term in said.when for name in (term.left, term.right) if isinstance(name, str)}
    for name in sorted(said.names - set(extra)):
        if name not in by_name:
            raise ConfigError(f"'{name}' is no feature or fact", where=where, do=_nearest(name, by_name))
        if by_name[name].sensitivity == "protected":
            raise ConfigError(
                f"'{name}' is protected",
                where=where,
                expected="reasons about things a manager may say",
                do="leave it out of the sentence and its condition",
            )
        if name in compared and by_name[name].unit == "category":
            raise ConfigError(f"'{name}' is a category and cannot be compared", where=where, expected="numbers and dates")
    for field in (*said.zh.fields, *said.en.fields):
        units = KINDS[field.kind]
        unit = by_name[field.name].unit if field.name in by_name else "date"
        if units and unit not in units:
            raise ConfigError(
                f"'{{{field.name}:{field.kind}}}' says a {unit}",
                where=where,
                expected=f"a column of unit {' or '.join(units)}",
                do="choose the kind that fits the unit",
            )
    return said


def _names_unit(after: str) -> bool:
    # {x:days}天 and {x:days} days say the unit themselves.
    return bool(re.match(r"(天|日|个月|月| days?\b| months?\b)", after))


def _noun(nouns: str, field: str, where: str) -> tuple[str, str] | None:
    if not nouns:
        return None
    parts = nouns[1:].split("|")
    if len(parts) != 2:
        raise ConfigError(f"'{field}' names one form of its noun", where=where, expected="{name:count|transfer|transfers}")
    return parts[0], parts[1]


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1, 0.5)
    return f"did you mean '{near[0]}'?" if near else "see `terrace catalog` for the names"
