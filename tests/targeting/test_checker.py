"""The checker proves a list by other means: it must catch each rule's planted violation, and pass what is right."""

from __future__ import annotations

import ast
import datetime as dt
import inspect

import pandas as pd
import pyarrow.parquet as pq
import pytest

from store.errors import GateBroken
from targeting import checker, dossier, judgement
from targeting.night import make_list
from tests.targeting.conftest import AS_OF, county_bank, standard_settings
from tests.targeting.test_eligibility import NEVER, NO_LOAN, NO_MARKETING, NO_WEALTH, _long_day, _wanted

WORK_ON = dt.date(2026, 10, 1)
FOUND_BY = {
    "keep_assets": {
        **dict.fromkeys(NEVER, "never_listed"),
        "former": "known_customer",
        **dict.fromkeys(NO_MARKETING, "consent"),
        "no calls for marketing": "never_listed",
    },
    "buy_farmer_credit": {**dict.fromkeys(NO_LOAN, "credit"), "another region": "region"},
    "buy_wealth": {
        "unrated": "suitability",
        "rated a year ago": "suitability",
        "rated after the day": "suitability",
        "too careful": "suitability",
        "called 13 days ago": "contact_policy",
        "called by family": "contact_policy",
        "declined in July": "contact_policy",
        "holds it": "applicable",
    },
}
PLANTS = {name: plant for cases in (NEVER, NO_LOAN, NO_MARKETING, NO_WEALTH) for name, (_, plant) in cases.items()}


def _bank(cases, planted):
    bank = county_bank()
    for name in cases:
        _wanted(bank, name)
        if planted:
            PLANTS[name](bank, name)
    return bank


def _only(offer):
    settings = _long_day(standard_settings())
    return settings.model_copy(update={"offers": {offer: settings.offers[offer]}})


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """offer -> case -> the rules by which the checker finds it, on a list made before the case was planted."""
    found = {}
    for offer, cases in FOUND_BY.items():
        home, settings = tmp_path_factory.mktemp(offer), _only(offer)
        clean = _bank(cases, planted=False).inputs(home / "clean", settings)
        assert make_list(clean, home / "staging").manifest.names == len(cases)
        entries = pq.read_table(home / "staging" / "entries.parquet").to_pandas()
        dirty = _bank(cases, planted=True).write(home / "dirty")
        scores = pd.read_parquet(clean.scores)
        violations = list(checker.find(entries, scores, dirty, AS_OF, WORK_ON, settings))
        assert all(v.offer == offer for v in violations)
        found[offer] = {case: {v.rule for v in violations if v.customer_id == case} for case in cases}
    return found


@pytest.mark.parametrize(("offer", "case"), [(offer, case) for offer, cases in FOUND_BY.items() for case in cases])
def test_a_planted_violation_is_found_by_its_rule(offer, case, planted):
    assert FOUND_BY[offer][case] in planted[offer][case]


@pytest.fixture(scope="module")
def proved(tmp_path_factory):
    """A right list of eight customers with everything it was made from."""
    home, settings = tmp_path_factory.mktemp("right"), standard_settings()
    bank = county_bank()
    for number in range(8):
        name = f"C{number}"
        bank.customer(name, manager_id="M1" if number < 5 else None, grid_id="V1" if number > 4 else None)
        bank.score(name, "churn_aum", 0.1 + number / 20).score(name, "buy_wealth", 0.2)
    inputs = bank.inputs(home, settings)
    make_list(inputs, home / "staging")
    entries = pq.read_table(home / "staging" / "entries.parquet").to_pandas()
    assert entries.groupby("list_id").size().to_dict() == {"G1": 3, "M1": 5}
    return entries, pd.read_parquet(inputs.scores), inputs.canonical, settings


def _rules(proved, entries, settings=None):
    _, scores, canonical, standard = proved
    return {v.rule for v in checker.find(entries, scores, canonical, AS_OF, WORK_ON, settings or standard)}


def test_a_right_list_passes_every_rule_and_says_how_many_rows_were_proved(proved):
    entries, scores, canonical, settings = proved
    proof = checker.prove(entries, scores, canonical, AS_OF, WORK_ON, settings)
    assert set(proof.values()) == {8}
    assert {"never_listed", "consent", "credit", "region", "suitability", "holdout", "owner", "worth"} <= set(proof)


def _swapped(entries):
    return entries.assign(rank=entries["rank"].map({1: 2, 2: 1}).fillna(entries["rank"]).astype(int))


WRONG = {
    "order": _swapped,
    "rank": lambda e: e.assign(rank=e["rank"] + 1),
    "worth": lambda e: e.assign(expected_value=e["expected_value"] * 1.01 + 0.02),
    "same_scores": lambda e: e.assign(raw_score=e["raw_score"] + 1e-9),
    "one_row_each": lambda e: pd.concat([e, e[e["customer_id"] == "C0"].assign(rank=6)]),
    "owner": lambda e: e.assign(owner_step="branch_pool"),
    "unknown_offer": lambda e: e.assign(offer="buy_gold"),
}


@pytest.mark.parametrize("rule", WRONG)
def test_a_list_that_was_tampered_with_is_found_out(rule, proved):
    assert rule in _rules(proved, WRONG[rule](proved[0]))


def test_a_manager_is_not_given_more_calls_than_hours(proved):
    entries, _, _, settings = proved
    short = settings.model_copy(update={"hours": settings.hours.model_copy(update={"per_action": 1.0})})
    assert _rules(proved, entries, short) == {"hours"}  # five calls of an hour in four hours


def test_who_is_held_out_is_found_on_a_list(proved):
    entries, _, _, settings = proved
    everybody = settings.model_copy(update={"holdout": settings.holdout.model_copy(update={"share": 1.0})})
    assert _rules(proved, entries, everybody) == {"holdout"}


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"certificates": ("gold",)}, "certificate"),
        ({"groups": ("merchant",)}, "applicable"),
        ({"customer_kinds": ("corporate",)}, "applicable"),
        ({"needs_rating": True, "risk": "R5"}, "suitability"),
    ],
)
def test_an_offer_that_asks_for_more_than_seller_or_customer_has_is_found(changed, rule, proved):
    entries, _, _, settings = proved
    offers = {name: offer.model_copy(update=changed) for name, offer in settings.offers.items()}
    assert _rules(proved, entries, settings.model_copy(update={"offers": offers})) == {rule}


def test_a_violation_stops_the_night_and_names_the_customer(proved):
    entries, scores, canonical, settings = proved
    with pytest.raises(GateBroken, match="C4"):
        checker.prove(
            WRONG["one_row_each"](entries).query("customer_id == 'C4'"),
            scores,
            canonical,
            AS_OF,
            WORK_ON,
            settings.model_copy(update={"offers": {}}),
        )


def test_the_checker_shares_no_code_with_what_it_checks():
    own = {"targeting.settings", "targeting.dossier", "targeting.judgement"}
    for module in (checker, dossier, judgement):
        nodes = list(ast.walk(ast.parse(inspect.getsource(module))))
        imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        imported |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
        assert "targeting.settings" in imported
        assert {name for name in imported if name.startswith("targeting")} <= own
