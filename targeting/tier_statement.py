"""The statement of a tier that a branch may hand to a customer: facts and rules, exact to the cent, in two languages.

It speaks of money and dates only. Age, sex, address, group and scores are not in it, nor is anything a model said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from babel.dates import format_date

from models.tier_settings import TierSettings
from targeting.figures import Language, unit_zh
from targeting.list_book import BankWords
from targeting.tier_words import WORDS


@dataclass(frozen=True)
class TierFacts:
    """One customer's row of the table of tiers (`models.tier_table`), money in currency units."""

    customer_id: str
    as_of: dt.date
    scale: str
    tier: str
    status: str
    decided_by: str
    graded_on: dt.date | None
    since_on: dt.date | None
    basis: str
    period_from: dt.date | None
    period_until: dt.date | None
    days_counted: int
    measure_adb: float
    measure_contribution: float
    asset_margin: float
    loan_margin: float
    fees: float
    counter_cost: float
    tier_adb: float
    tier_contribution: float
    next_tier: str | None
    next_adb: float | None
    next_contribution: float | None
    gap_amount: float | None
    gap_contribution: float | None
    rule_tier: str
    earned_tier: str
    notice_until: dt.date | None
    provisional_until: dt.date | None
    override_asked_by: str | None
    override_approved_by: str | None
    override_why: str | None
    override_until: dt.date | None
    is_vip: bool

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The facts of a row. Raises KeyError for a table without one of the columns."""
        return cls(**{one.name: row[one.name] for one in fields(cls)})


@dataclass(frozen=True)
class Statement:
    """What one customer may be told of the tier in force, and by which rules."""

    facts: TierFacts
    rules: TierSettings
    bank: BankWords

    def name(self, tier: str, language: Language) -> str:
        """The tier as people call it."""
        levels = {level.id: level for scale in self.rules.scales.values() for level in scale.levels}
        found = levels.get(tier)
        return tier if found is None else found.zh if language == "zh" else found.en

    def lines(self, language: Language) -> list[str]:
        """The statement, a line each."""
        return [
            *self._head(language),
            *self._figures(language),
            *self._standing(language),
            *self._way_on(language),
            *self._foot(language),
        ]

    def content(self) -> dict[str, Any]:
        """The facts and both wordings, for a file that a program reads."""
        facts = {one.name: getattr(self.facts, one.name) for one in fields(TierFacts)}
        return facts | {
            "tier_zh": self.name(self.facts.tier, "zh"),
            "tier_en": self.name(self.facts.tier, "en"),
            "currency": self.bank.currency,
            "statement_zh": self.lines("zh"),
            "statement_en": self.lines("en"),
        }

    def _head(self, language: Language) -> Iterator[str]:
        facts, other = self.facts, "en" if language == "zh" else "zh"
        yield self._say("title", language, bank=self.bank.zh if language == "zh" else self.bank.en)
        if self.bank.is_fictitious:
            yield self._say("fictitious", language)
        yield self._say("customer", language, customer=facts.customer_id, as_of=facts.as_of)
        yield self._say(
            "tier",
            language,
            tier=self.name(facts.tier, language),
            other=self.name(facts.tier, "en" if other == "en" else "zh"),
            vip=self._say("vip", language) if facts.is_vip else "",
        )
        if facts.since_on is not None:
            yield self._say("since", language, since=facts.since_on)

    def _figures(self, language: Language) -> Iterator[str]:
        facts = self.facts
        if facts.period_from is None or facts.period_until is None or facts.graded_on is None:
            return
        if facts.basis == "trial":
            yield self._say("trial", language, end=facts.period_until, adb=facts.measure_adb, days=self.rules.new_days)
            return
        yield self._say(
            facts.basis,
            language,
            graded=facts.graded_on,
            start=facts.period_from,
            end=facts.period_until,
            days=facts.days_counted,
            adb=facts.measure_adb,
        )
        yield self._say(
            "contribution",
            language,
            total=facts.measure_contribution,
            assets=facts.asset_margin,
            loans=facts.loan_margin,
            fees=facts.fees,
            counter=facts.counter_cost,
        )
        if facts.decided_by in ("adb", "contribution") and facts.tier_adb:
            yield self._say(f"by_{facts.decided_by}", language, tier=self.name(facts.tier, language))

    def _standing(self, language: Language) -> Iterator[str]:
        facts = self.facts
        tier, rule = self.name(facts.tier, language), self.name(facts.rule_tier, language)
        if facts.status == "provisional" and facts.provisional_until is not None:
            yield self._say("provisional", language, until=facts.provisional_until, days=self.rules.new_days)
        elif facts.status == "provisional":
            yield self._say("not_graded", language)
        if facts.notice_until is not None:
            yield self._say(
                "notice",
                language,
                tier=tier,
                until=facts.notice_until,
                adb=facts.tier_adb,
                contribution=facts.tier_contribution,
                earned=self.name(facts.earned_tier, language),
            )
        if facts.override_until is not None:
            yield self._say(
                "override",
                language,
                asked=facts.override_asked_by,
                approved=facts.override_approved_by,
                why=facts.override_why,
                until=facts.override_until,
                rule=rule,
            )
        if facts.status == "capped":
            yield self._say("capped", language, tier=tier, rule=rule)

    def _way_on(self, language: Language) -> Iterator[str]:
        """What the next tier up asks for, and what would lose this one."""
        facts = self.facts
        tier = self.name(facts.tier, language)
        if facts.next_tier is not None and facts.next_adb is not None and facts.next_contribution is not None:
            words = {
                "next": self.name(facts.next_tier, language),
                "adb": facts.next_adb,
                "contribution": facts.next_contribution,
                "gap": facts.gap_amount,
                "lacks": facts.gap_contribution,
            }
            is_there = not facts.gap_amount or not facts.gap_contribution
            yield self._say("next_reached" if is_there else "next_new" if facts.basis == "trial" else "next", language, **words)
        elif facts.status != "capped":
            yield self._say("highest", language, tier=tier)
        if facts.tier_adb and facts.status == "graded" and facts.decided_by != "override":
            kept = self._say("keeps", language, tier=tier, adb=facts.tier_adb, contribution=facts.tier_contribution)
            also = self._say("no_fall", language) if self.rules.no_fall_quarters else ""
            yield f"{kept}{also}" if language == "zh" else f"{kept} {also}".strip()

    def _foot(self, language: Language) -> Iterator[str]:
        yield self._say("not_counted", language, loan=self.rules.loan_quiet_days, edge=self.rules.edge_days)
        yield self._say("appeal", language)

    def _say(self, key: str, language: Language, **values: object) -> str:
        said = {name: self._written(value, language) for name, value in values.items()}
        return WORDS[key][0 if language == "zh" else 1].format(**said)

    def _written(self, value: object, language: Language) -> str:
        if isinstance(value, dt.date):
            return format_date(value, "y年M月d日", "zh_CN") if language == "zh" else format_date(value, "d MMMM y", "en")
        if isinstance(value, float):
            amount = f"{value:,.2f}".removesuffix(".00")
            return f"{amount}{unit_zh(self.bank.currency)}" if language == "zh" else f"{self.bank.currency} {amount}"
        return str(value)
