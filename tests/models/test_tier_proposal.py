"""Clustering proposes tiers that people can say, under the names they have."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from models.tier_proposal import one_two_five, propose
from models.tier_settings import TierSettings
from store.settings import read_yaml

SCALE = TierSettings.model_validate(
    read_yaml(Path(__file__).parents[2] / "configs" / "tiers.yaml")[0]["tiers"]).scales["personal"]
AS_OF = dt.date(2026, 10, 1)
# BANKING.md: personal average daily balances of a county bank
STEPS = ((1, 100, 48), (100, 1e3, 17), (1e3, 1e4, 14), (1e4, 5e4, 11.5), (5e4, 2e5, 7.2), (2e5, 5e5, 1.75), (5e5, 2e6, 0.5),
         (2e6, 1e7, 0.05))


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
    assert sizes[0] > 0.6 * 8000 > sum(sizes[1:])           # most of a county has little


def test_ids_keep_their_place_from_refit_to_refit() -> None:
    order = [level.id for level in reversed(SCALE.levels)]
    for seed in range(5):
        for fit in (1, 2, 3):
            ids = [level.id for level in propose(county(seed), SCALE, AS_OF, seed=fit).levels]
            assert ids == order[:len(ids)]


def test_rows_in_any_order_give_the_same_proposal_and_the_same_bytes(tmp_path: Path) -> None:
    table = county(2)
    mixed = table.take(pa.array(np.random.default_rng(5).permutation(table.num_rows)))
    one, other = propose(table, SCALE, AS_OF), propose(mixed, SCALE, AS_OF)
    assert one == other
    one.write(tmp_path / "a", table)
    other.write(tmp_path / "b", mixed)
    for name in ("tier_proposal.json", "tier_proposal.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    told = json.loads((tmp_path / "a" / "tier_proposal.json").read_text(encoding="utf-8"))
    assert told["levels"][0]["id"] == "basic"
    assert 0 < told["agreement_in_force"] < 1


def test_a_handful_of_customers_is_answered_and_changes_nothing() -> None:
    few = pa.table({"measure_adb": [10.0, 2e4, 2e4], "measure_contribution": [0.0, 0.0, 0.0]})
    assert propose(few, SCALE, AS_OF).levels[0].id == "basic"
    none = pa.table({"measure_adb": pa.array([], pa.float64()), "measure_contribution": pa.array([], pa.float64())})
    assert propose(none, SCALE, AS_OF).customers == 0
