"""The whole bank file: every room's section composed into one, and hashed without what changes no list."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from features.catalog import declared
from features.outcomes import LabelSettings
from features.settings import CalendarSettings, FeatureSettings, FeatureSwitches
from flows.settings import Bank, NightSettings
from models.groups import GroupSettings
from models.settings import ModelSettings
from models.tier_settings import Override, TierSettings, read_overrides
from models.value import ValueSettings
from sources.mistakes import Mistakes
from sources.settings import Input, SourceSettings, Text
from store import fingerprint
from store.errors import ConfigError
from store.limits import Limits
from store.settings import Settings, read_yaml, validate
from targeting.list_book import BankWords
from targeting.settings import TargetingSettings


class Whole(Settings):
    """Everything a bank file may say; each key is a room's own model."""

    bank: Bank
    sources: SourceSettings
    calendar: CalendarSettings = CalendarSettings()
    features: FeatureSwitches = FeatureSwitches()
    labels: dict[str, LabelSettings | None] = Field(default_factory=dict)
    value: ValueSettings = ValueSettings()
    tiers: TierSettings
    groups: GroupSettings | None = None
    models: ModelSettings = ModelSettings()
    targeting: TargetingSettings
    night: NightSettings = NightSettings()
    limits: Limits = Limits()
    engine: Literal["duckdb", "spark"] = "duckdb"  # what sums features and applies boosters; both give the same bits
    spark: dict[str, Text] = Field(default_factory=dict)  # Spark's own properties, such as spark.master


UNHASHED = {"night", "limits", "engine", "spark"}  # sections that change no list


@dataclass(frozen=True)
class BankFile:
    """One bank's settings, each room's as its own model, and the hash of all that decides a list."""

    path: Path
    bank: Bank
    night: NightSettings
    sources: SourceSettings
    features: FeatureSettings
    labels: Mapping[str, LabelSettings | None]
    tiers: TierSettings
    overrides: tuple[Override, ...]  # tiers given by hand
    groups: GroupSettings | None
    value: ValueSettings
    models: ModelSettings
    targeting: TargetingSettings
    limits: Limits
    engine: Literal["duckdb", "spark"]
    spark: Mapping[str, str]
    config_hash: str
    base: Path  # what relative paths of inputs start from
    places: Mapping[tuple[str | int, ...], str]  # key path within `sources` -> file:line

    @property
    def words(self) -> BankWords:
        """How the bank is called on paper."""
        own = self.bank
        return BankWords(
            own.name,
            own.name_en or own.name,
            own.short or own.name,
            own.short_en or own.name_en or own.name,
            own.currency,
            own.language,
            own.is_fictitious,
        )

    @property
    def tier_words(self) -> dict[str, tuple[str, str]]:
        """Tier -> its names, high to low."""
        return {level.id: (level.zh, level.en) for _, scale in sorted(self.tiers.scales.items()) for level in scale.levels}


def load_bank(path: Path, environment: Mapping[str, str]) -> BankFile:
    """The bank of a YAML file; `${NAME}` in a database's address comes from `environment`.

    Raises ConfigError naming every wrong line of every section at once. The hash leaves out what changes no list
    (`night`, `limits`, `engine`, `spark`), and what the environment says: a password is no setting.
    """
    content, places = read_yaml(path)
    whole = validate(content, Whole, places)
    _check_names(whole, places)
    base = path.resolve().parent
    overrides = read_overrides(base / whole.tiers.overrides) if whole.tiers.overrides else ()
    hashed = whole.model_dump(mode="json", exclude=UNHASHED)
    hashed |= {"overrides": [one.model_dump(mode="json") for one in overrides]} if overrides else {}
    inputs = {name: _filled(name, spec, environment) for name, spec in whole.sources.inputs.items()}
    return BankFile(
        path=path.resolve(),
        bank=whole.bank,
        night=whole.night,
        sources=whole.sources.model_copy(update={"inputs": inputs}),
        features=FeatureSettings(calendar=whole.calendar, features=whole.features),
        labels=whole.labels,
        tiers=whole.tiers,
        overrides=overrides,
        groups=whole.groups,
        value=whole.value,
        models=whole.models,
        targeting=_suited(whole.targeting, whole.groups),
        limits=whole.limits,
        engine=whole.engine,
        spark=whole.spark,
        config_hash=fingerprint.of_json(hashed),
        base=base,
        places={at[1:]: place for at, place in places.items() if at[0] == "sources"},
    )


def _check_names(whole: Whole, places: Mapping[tuple[str | int, ...], str]) -> None:
    """Raises ConfigError where the file names a feature, a view or a family of features that nobody declares."""
    wrong, known = Mistakes(places), declared()
    names = {spec.view for spec in known} | {spec.name for spec in known}
    for number, pattern in enumerate(whole.features.without):
        if not fnmatch.filter(names, pattern):
            wrong.unknown(("features", "without", number), "feature or view", pattern, names)
    families = {spec.family for spec in known}
    for name, offer in sorted(whole.targeting.offers.items()):
        for number, family in enumerate(offer.unsaid):
            if family not in families:
                at = ("targeting", "offers", name, "unsaid", number)
                wrong.unknown(at, f"offer {name}: family of features", family, families)
    if wrong.found:
        raise ConfigError("\n  ".join(wrong.found))


def _suited(targeting: TargetingSettings, groups: GroupSettings | None) -> TargetingSettings:
    """The offers with the marketing groups they suit: their own where they name some, else those whose products they are."""
    if groups is None:
        return targeting
    offers = {
        name: offer.model_copy(update={"groups": offer.groups or groups.suited_by(offer.family)})
        for name, offer in targeting.offers.items()
    }
    return targeting.model_copy(update={"offers": offers})


def _filled(name: str, spec: Input, environment: Mapping[str, str]) -> Input:
    """The input with `${NAME}` in its database address replaced. Raises ConfigError for a name that is not set."""
    if not spec.uri:
        return spec
    wanted = re.findall(r"\$\{(\w+)\}", spec.uri)
    missing = [variable for variable in wanted if variable not in environment]
    if missing:
        raise ConfigError(
            f"${{{missing[0]}}} is not set",
            where=f"sources.inputs.{name}.uri",
            expected="an environment variable of that name",
            do=f"set {missing[0]} for the user who runs Terrace",
        )
    uri = re.sub(r"\$\{(\w+)\}", lambda match: environment[match.group(1)], spec.uri)
    return spec.model_copy(update={"uri": uri})
