"""How a feature is declared: a view is a decorated function that returns named terms with unit, meaning and wording."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from features.algebra import Term, Windowed

Role = Literal["feature", "fact"]
Unit = Literal["money", "count", "days", "months", "share", "rate", "flag", "category", "date"]
Sensitivity = Literal["open", "internal", "protected-in-reasons", "protected"]

PLACEHOLDER = re.compile(r"\{(\w+):\w+")
CONDITION = re.compile(r"(\w+)\s*(<=|>=|==|<|>)\s*(-?\w+(?:\.\d+)?)")


@dataclass(frozen=True)
class Wording:
    """One sentence about a feature, said where `when` holds and every placeholder is known."""

    zh: str
    en: str
    when: str = ""
    internal: bool = False  # for the manager, never to the customer

    @property
    def names(self) -> frozenset[str]:
        """Columns the sentence and its condition read."""
        said = {name for text in (self.zh, self.en) for name in PLACEHOLDER.findall(text)}
        asked = {side for left, _, right in CONDITION.findall(self.when) for side in (left, right)}
        return frozenset(said | {name for name in asked if not re.fullmatch(r"-?\d+(\.\d+)?", name)})


@dataclass(frozen=True)
class FeatureSpec:
    """One column of a feature file, for those who train on it, explain it or print it."""

    name: str
    view: str
    role: Role
    unit: Unit
    window_days: int | None
    zh: str
    en: str
    family: str
    sensitivity: Sensitivity
    is_actionable: bool
    tables: tuple[str, ...]
    wordings: tuple[Wording, ...]
    available: bool = True
    why_not: str = ""


@dataclass(frozen=True)
class Feature:
    """A named term, before it is known which bank it is for."""

    name: str
    term: Term
    unit: Unit
    zh: str
    en: str
    role: Role = "feature"
    says: tuple[Wording, ...] = ()
    sensitivity: Sensitivity = "open"
    family: str = ""  # near-copies share one, so that reasons do not crowd
    window_days: int | None = None
    sold: tuple[str, ...] = ()  # product families of which the bank must sell one; empty: any bank


class Features(tuple[Feature, ...]):
    """What a view returns: features, and groups of them over several windows."""

    __slots__ = ()

    def __new__(cls, *parts: Feature | Sequence[Feature]) -> Features:
        flat: list[Feature] = []
        for part in parts:
            flat.extend([part] if isinstance(part, Feature) else part)
        return super().__new__(cls, flat)


def feature(
    name: str,
    term: Term,
    unit: Unit,
    zh: str,
    en: str,
    *says: Wording,
    sensitivity: Sensitivity = "open",
    family: str = "",
    window_days: int | None = None,
) -> Feature:
    """One feature. Its name says its unit and window; `says` are its sentences, the first that fits is said."""
    return Feature(
        name,
        term,
        unit,
        zh,
        en,
        says=says,
        sensitivity=sensitivity,
        family=family,
        window_days=window_days if window_days is not None else _days_in(name),
    )


Says = Mapping[Any, Wording | Sequence[Wording]]


def each(
    name: str,
    terms: Windowed,
    unit: Unit,
    zh: str,
    en: str,
    *,
    says: Says | None = None,
    sensitivity: Sensitivity = "open",
    family: str = "",
) -> tuple[Feature, ...]:
    """One feature per window; `{w}` in name and meaning becomes the window's own words."""
    made = []
    for window, one in terms.items():
        key: int | str = window.days if window.kind in ("back", "ahead") else window.name
        said = dict(says or {}).get(key, ())
        made.append(
            Feature(
                name.format(w=window.suffix),
                one,
                unit,
                zh.format(w=window.zh),
                en.format(w=window.en),
                says=(said,) if isinstance(said, Wording) else tuple(said),
                sensitivity=sensitivity,
                family=family,
                window_days=window.days or None,
            )
        )
    return tuple(made)


def fact(name: str, term: Term, unit: Unit, zh: str, en: str) -> Feature:
    """A figure, date or name for sentences only; it never enters a model."""
    return Feature(name, term, unit, zh, en, role="fact")


@dataclass(frozen=True)
class View:
    """A named group of features with its entity, owner and grain."""

    name: str
    entity: str
    owner: str
    grain: str
    features: Features


def feature_view(
    *, entity: str, owner: str, grain: str, sold: tuple[str, ...] = ()
) -> Callable[[Callable[..., Features]], View]:
    """Make a function over row sets a view. Every parameter's annotation names the row set it is given.

    `sold`: product families of which a bank must sell one to have the view.
    """

    def made(function: Callable[..., Features]) -> View:
        wanted = {name: kind for name, kind in typing.get_type_hints(function).items() if name != "return"}
        declared = function(**{name: kind() for name, kind in wanted.items()})
        name = function.__name__
        return View(
            name,
            entity,
            owner,
            grain,
            Features([replace(one, family=one.family or name, sold=one.sold or sold) for one in declared]),
        )

    return made


def _days_in(name: str) -> int | None:
    found = re.findall(r"(?:^|_)(\d+)d(?:_|$)", name)
    return int(found[-1]) if found else None
