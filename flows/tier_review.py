"""`terrace tiers`: thresholds in force, who is where, what clustering proposes, and how head office approves it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from flows.bank import BankFile
from flows.home import Home
from flows.screen import Screen
from flows.tier_statement import merged_numbers, newest, outdated
from flows.tier_words import word
from flows.words import Language
from models import tier_overrides
from models.tier_picture import NAME as PICTURE
from models.tier_proposal import Proposal
from models.tier_review import approval_lines, shares
from models.tier_settings import Scale, TierSettings
from targeting.figures import money, money_said


def show(bank: BankFile, home: Home, as_of: dt.date | None, screen: Screen) -> None:
    """Print the review of a date. Raises TerraceError for one without tiers."""
    day = newest(home, as_of)
    say = partial(word, screen.language)
    tiers = pq.read_table(home.of_day(home.tiers, day))
    if "scale" not in tiers.column_names:
        raise outdated(home.of_day(home.tiers, day), day)
    name = bank.words.zh if screen.language == "zh" else bank.words.en
    screen.line(say("head", bank=name, as_of=day), style="bold")
    screen.line(_approved(bank.tiers, day, screen.language))
    proposals = {scale: found for scale in sorted(bank.tiers.scales) if (found := _proposal(home, scale, day)) is not None}
    there = set(tiers["scale"].unique().to_pylist())
    for scale in sorted(there & set(bank.tiers.scales), key=lambda scale: (scale != "personal", scale)):
        _scale(bank, tiers, scale, day, screen)
        if scale in proposals:
            _proposed(bank.tiers.scales[scale], proposals[scale], screen)
            screen.line(say("picture", path=_folder(home, scale, day) / PICTURE))
        else:
            screen.line(say("no_proposal"))
    if proposals:
        year = max(day.year, bank.tiers.approved_for or 0) + 1
        screen.line(say("how", file=bank.path.name, year=year))
        for line in approval_lines(bank.tiers, proposals, year):
            screen.line(f"  {line}")
    _overrides(bank, home, tiers, day, screen)


def _approved(tiers: TierSettings, day: dt.date, language: Language) -> str:
    if tiers.approved_for is None or not tiers.approved_by:
        return word(language, "not_approved")
    if tiers.approved_for < day.year:
        return word(language, "lapsed", year=tiers.approved_for, now=day.year)
    if tiers.approved_for > day.year:
        key = "coming" if any(year >= day.year for year in tiers.earlier) else "early"
        return word(language, key, year=tiers.approved_for, now=day.year, by=tiers.approved_by)
    return word(language, "approved", year=tiers.approved_for, by=tiers.approved_by)


def _scale(bank: BankFile, tiers: pa.Table, name: str, day: dt.date, screen: Screen) -> None:
    """Thresholds of the day and who is in which tier."""
    say = partial(word, screen.language)
    scale = bank.tiers.scale_at(name, day)
    found = shares(tiers, name, scale)
    title = say(name) if name in ("personal", "corporate") else name
    screen.line(say("scale", name=title, customers=f"{sum(one.customers for one in found):,}"), style="bold")
    heads = (
        "tier",
        "from_adb",
        "or_contribution",
        "customers",
        "share",
        "money",
        "money_share",
        "notice",
        "provisional",
        "capped",
    )
    screen.table(
        [say(head) for head in heads],
        [
            (
                _name(scale, one.id, screen.language),
                f"{level.adb:,.0f}",
                f"{level.contribution:,.0f}",
                f"{one.customers:,}",
                f"{one.customer_share:.1%}",
                money(float(money_said(np.array([one.money]))[0]), screen.language, bank.words.currency),
                f"{one.money_share:.1%}",
                f"{one.notice:,}",
                f"{one.provisional:,}",
                f"{one.capped:,}",
            )
            for level, one in zip(scale.levels, found, strict=True)
        ],
        numbers=range(1, 10),
    )


def _proposed(scale: Scale, proposal: Proposal, screen: Screen) -> None:
    """The proposed thresholds, the agreement with its crossing, and what would change."""
    language, say = screen.language, partial(word, screen.language)
    screen.line(say("proposal", as_of=proposal.as_of, customers=f"{proposal.customers:,}"), style="bold")
    screen.table(
        [
            say("tier"),
            *(f"{say(what)} {say(when)}" for what in ("from_adb", "or_contribution") for when in ("now", "proposed")),
            say("reach_now"),
            say("reach_then"),
        ],
        [
            (
                _name(scale, level.id, language) + (say("kept") if level.is_kept else ""),
                f"{level.adb_in_force:,.0f}",
                f"{level.adb:,.0f}",
                f"{level.contribution_in_force:,.0f}",
                f"{level.contribution:,.0f}",
                f"{level.customers_in_force:,}",
                f"{level.customers:,}",
            )
            for level in reversed(proposal.levels)
        ],
        numbers=range(1, 7),
    )
    screen.line(
        say(
            "agreement",
            agreement=f"{proposal.agreement:.1%}",
            aim=f"{proposal.aim:.0%}",
            verdict=say("meets" if proposal.meets_aim else "misses"),
            now=f"{proposal.agreement_in_force:.1%}",
        )
    )
    screen.line(say("crossing"))
    screen.table(
        [say("tier"), *(say("cluster", rank=rank + 1) for rank in range(len(proposal.crossing)))],
        [
            (_name(scale, level.id, language), *(f"{count:,}" for count in row))
            for level, row in zip(proposal.levels, proposal.crossing, strict=False)
        ],
        numbers=range(1, len(proposal.crossing) + 1),
    )
    same = proposal.customers - proposal.up - proposal.down
    screen.line(say("change", up=f"{proposal.up:,}", down=f"{proposal.down:,}", same=f"{same:,}"))


def _overrides(bank: BankFile, home: Home, tiers: pa.Table, day: dt.date, screen: Screen) -> None:
    """Every tier given by hand and whether it holds; nothing where the bank names no file."""
    if not bank.tiers.overrides:
        return
    say = partial(word, screen.language)
    found = tier_overrides.states(bank.overrides, day, tiers["customer_id"].to_pylist(), merged_numbers(home, day, bank.limits))
    states = ("in_force", "expired", "to_come", "replaced", "unknown")
    counts = {state: sum(one.state == state for one in found) for state in states}
    screen.line(say("overrides", file=bank.tiers.overrides, **counts), style="bold")
    rows: Sequence[Sequence[str]] = [
        (
            one.override.customer_id,
            say(one.state),
            one.override.tier,
            one.override.since.isoformat(),
            one.override.until.isoformat(),
            one.override.asked_by,
            one.override.approved_by,
            one.override.why,
        )
        for one in sorted(found, key=lambda one: (states.index(one.state), one.override.customer_id, one.override.since))
    ]
    if rows:
        screen.table([say(head) for head in ("customer", "state", "tier", "since", "until", "asked", "by", "why")], rows)


def _folder(home: Home, scale: str, day: dt.date) -> Path:
    return home.tiers / f"proposal={scale}" / f"as_of={day.isoformat()}"


def _proposal(home: Home, scale: str, day: dt.date) -> Proposal | None:
    path = _folder(home, scale, day) / "tier_proposal.json"
    return Proposal.read(path) if path.exists() else None


def _name(scale: Scale, tier: str, language: Language) -> str:
    level = next(level for level in scale.levels if level.id == tier)
    return level.zh if language == "zh" else level.en
