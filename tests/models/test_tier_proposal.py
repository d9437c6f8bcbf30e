"""Clustering proposes tiers that people can say, under the names they have."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.font_manager import fontManager

from models.tier_picture import CHINESE, draw
from models.tier_proposal import Proposal, one_two_five, propose
from models.tier_settings import Scale, TierSettings
from store.settings import read_yaml

SCALE = TierSettings.model_validate(read_yaml(Path(__file__).parents[2] / "configs" / "tiers.yaml")[0]["tiers"]).scales[
    "personal"
]
AS_OF = dt.date(2026, 10, 1)
# Personal average daily balances of a county bank
STEPS = (
    (1, 100, 48),
    (100, 1e3, 17),
    (1e3, 1e4, 14),
    (1e4, 5e4, 11.5),
    (5e4, 2e5, 7.2),
    (2e5, 5e5, 1.75),
    (5e5, 2e6, 0.5),
    (2e6, 1e7, 0.05),
)


def county(seed: int, size: int = 8000) -> pa.Table:
    rng = np.random.default_rng(seed)
    share = np.array([s[2] for s in STEPS])
    step = rng.choice(len(STEPS), size, p=share / share.sum())
    low, high = (np.log(np.array([s[at] for s in STEPS]))[step] for at in (0, 1))
    adb = np.exp(rng.uniform(low, high))
    return pa.table({"measure_adb": adb, "measure_contribution": adb * 0.012 * rng.lognormal(0, 0.4, size)})


@pytest.mark.parametrize(("amount", "figure"), [(8_700, 1e4), (1_300, 1e3), (1_600, 2e3), (33_000, 5e4), (7.2e4, 1e5), (0, 0)])
def test_thresholds_are_figures_people_say(amount: float, figure: float) -> None:
    assert one_two_five(amount) == figure


def test_a_county_bank_gets_ordered_tiers_on_which_rule_and_cluster_agree_as_aimed() -> None:
    proposal = propose(county(1), SCALE, AS_OF)
    cuts = [level.adb for level in proposal.levels]
    assert cuts == sorted(set(cuts))
    assert all(cut == one_two_five(cut) for cut in cuts)
    assert 3 <= len(cuts) <= 5
    assert proposal.agreement >= 0.9
    assert proposal.meets_aim
    assert sum(level.customers for level in proposal.levels) == 8000
    sizes = [level.customers for level in proposal.levels]
    assert sizes[0] > 0.6 * 8000 > sum(sizes[1:])  # most of a county has little


def test_ids_keep_their_place_from_refit_to_refit() -> None:
    order = [level.id for level in reversed(SCALE.levels)]
    for seed in range(5):
        for fit in (1, 2, 3):
            ids = [level.id for level in propose(county(seed), SCALE, AS_OF, seed=fit).levels]
            assert ids == order[: len(ids)]


def test_rows_in_any_order_give_the_same_proposal_and_the_same_bytes(tmp_path: Path) -> None:
    table = county(2)
    mixed = table.take(pa.array(np.random.default_rng(5).permutation(table.num_rows)))
    one, other = propose(table, SCALE, AS_OF), propose(mixed, SCALE, AS_OF)
    assert one == other
    for proposal, rows, folder in ((one, table, tmp_path / "a"), (other, mixed, tmp_path / "b")):
        proposal.write(folder)
        draw(proposal, rows["measure_adb"].to_numpy(), {}, "en", folder)
    for name in ("tier_proposal.json", "tier_proposal.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert Proposal.read(tmp_path / "a" / "tier_proposal.json") == one
    assert one.levels[0].id == "basic"
    assert 0 < one.agreement_in_force < 1


def test_the_crossing_of_rule_and_cluster_counts_everybody_once_and_gives_the_agreement() -> None:
    proposal = propose(county(3), SCALE, AS_OF)
    crossing = np.array(proposal.crossing)
    assert crossing.sum() == 8000
    assert np.trace(crossing) / 8000 == pytest.approx(proposal.agreement)
    assert crossing.sum() > np.trace(crossing)  # no cluster is cut exactly by a round figure


def test_what_would_change_is_told_from_the_tiers_in_force_to_those_proposed() -> None:
    proposal = propose(county(3), SCALE, AS_OF)
    moves = np.array(proposal.moves)
    assert moves.sum(axis=1).tolist() == [level.customers_in_force for level in proposal.levels]
    assert moves.sum(axis=0).tolist() == [level.customers for level in proposal.levels]
    assert proposal.up + proposal.down + np.trace(moves) == 8000
    assert proposal.up > 0


def approved(proposal: Proposal) -> Scale:
    """The scale that head office would have after approving."""
    names = {level.id: level for level in SCALE.levels}
    levels = [
        names[level.id].model_copy(update={"adb": level.adb, "contribution": level.contribution})
        for level in reversed(proposal.levels)
    ]
    return Scale.model_validate({"kinds": SCALE.kinds, "levels": [level.model_dump() for level in levels]})


@pytest.mark.parametrize(("times", "is_kept"), [(1, True), (1000, False)])
def test_a_tier_no_cluster_speaks_of_stays_as_it_is_where_it_stays_the_higher(times: float, is_kept: bool) -> None:
    adb = np.repeat([10.0, 3_000.0, 60_000.0], 50) * times  # two clusters above the floor at most
    proposal = propose(pa.table({"measure_adb": adb, "measure_contribution": adb * 0.012}), SCALE, AS_OF)
    top = proposal.levels[-1]
    assert (top.id, top.is_kept, top.adb == top.adb_in_force) == ("diamond", is_kept, is_kept)
    assert [level.id for level in approved(proposal).levels] == [level.id for level in SCALE.levels]


def test_who_approves_the_proposal_gets_the_tiers_it_told() -> None:
    table = county(5)
    proposal = propose(table, SCALE, AS_OF)
    reached = approved(proposal).reached(table["measure_adb"].to_numpy(), table["measure_contribution"].to_numpy())[0]
    assert np.bincount(reached, minlength=5).tolist() == [level.customers for level in proposal.levels]


def test_a_handful_of_customers_is_answered_and_changes_nothing() -> None:
    few = pa.table({"measure_adb": [10.0, 2e4, 2e4], "measure_contribution": [0.0, 0.0, 0.0]})
    assert propose(few, SCALE, AS_OF).levels[0].id == "basic"
    none = pa.table({"measure_adb": pa.array([], pa.float64()), "measure_contribution": pa.array([], pa.float64())})
    assert propose(none, SCALE, AS_OF).customers == 0


def test_head_office_sees_the_picture_in_its_language_where_the_machine_can_write_it(tmp_path: Path) -> None:
    table = county(3)
    proposal, words = propose(table, SCALE, AS_OF), {level.id: (level.zh, level.en) for level in SCALE.levels}
    averages = table["measure_adb"].to_numpy()
    english, chinese = (draw(proposal, averages, words, language, tmp_path / language) for language in ("en", "zh"))
    has_font = any(font in fontManager.get_font_names() for font in CHINESE)
    assert (english.read_bytes() != chinese.read_bytes()) == has_font
    assert not list(tmp_path.rglob("*.tmp*"))
