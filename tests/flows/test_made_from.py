"""What has not changed is not computed again: steps know what their files are made from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flows import engines, listing, made_from
from flows.bank import load_bank
from flows.home import Home
from flows.night import Night, pinned
from models.champion import Champion
from models.score import ScoreCount
from store.ledger import open_ledger
from store.runs import RunKey


@pytest.fixture
def night(published: Any) -> Iterator[Night]:
    """A second night of the published date, with the champions of the first."""
    bank, home = load_bank(published.bank, {}), Home(published.home / "small")
    ledger = open_ledger(home.ledger, time.time)
    first = ledger.newest_published()
    assert first is not None
    lease = ledger.take_lease("test", 60)
    run, _ = ledger.begin(RunKey(bank.bank.id, first.as_of, "other", "code", first.key.inputs))
    ledger.pin(run, ledger.pins(first))
    yield Night(bank, home, run, ledger, lease, lambda *_: None, lambda: None, "code")
    ledger.release_lease(lease)


def test_another_champion_is_scored_alone_and_the_file_is_as_if_all_had_been(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[str] = []

    def heard(bank: Any, champions: Sequence[Champion], *rest: Any) -> list[ScoreCount]:
        scored.extend(champion.name for champion in champions)
        return score_all(bank, champions, *rest)

    score_all = engines.score_all
    monkeypatch.setattr(engines, "score_all", heard)
    path = night.of_day(night.home.scores)
    before = path.read_bytes()
    listing.score_step(night)
    assert not scored
    assert path.read_bytes() == before

    champions = pinned(night)
    other = replace(champions[1], base_rate=champions[1].base_rate * 5)
    other.write(night.home.champions / other.name / other.content_hash[:16])
    run, _ = night.ledger.begin(replace(night.run.key, config="another"))
    night.ledger.pin(run, {one.name: one.content_hash for one in champions} | {other.name: other.content_hash})
    changed = replace(night, run=run)
    listing.score_step(changed)
    assert scored == [other.name]
    told, was = pq.read_table(path, partitioning=None), path.read_bytes()
    assert pc.sum(pc.equal(told["model"], other.name)).as_py() > 50
    path.unlink()
    listing.score_step(changed)
    assert scored == [other.name, *(champion.name for champion in champions)]
    assert path.read_bytes() == was


def test_tiers_are_made_of_tables_settings_and_words_but_not_of_what_is_offered(night: Night) -> None:
    bank, now = night.bank, made_from.tiers(night)
    said = bank.targeting.model_copy(update={"offers": {}})
    assert made_from.tiers(replace(night, bank=replace(bank, targeting=said))) == now
    longer = bank.tiers.model_copy(update={"new_days": bank.tiers.new_days + 1})
    assert made_from.tiers(replace(night, bank=replace(bank, tiers=longer))) != now
    assert (
        made_from.tiers(replace(night, run=replace(night.run, key=replace(night.run.key, as_of=night.as_of.replace(day=1)))))
        != now
    )


def test_a_tier_picture_that_was_lost_is_drawn_again(night: Night) -> None:
    folder = night.home.tiers / "proposal=personal" / f"as_of={night.as_of}"
    path, held = night.of_day(night.home.tiers), (folder / "tier_proposal.json").read_bytes()
    before = path.stat().st_mtime_ns
    listing.tiers_step(night)
    assert path.stat().st_mtime_ns == before
    (folder / "tier_proposal.json").unlink()
    listing.tiers_step(night)
    assert path.stat().st_mtime_ns > before
    assert (folder / "tier_proposal.json").read_bytes() == held
