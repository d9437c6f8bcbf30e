"""Candidates: every customer of the day with every offer a model scored, in one order."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from targeting import candidates, worth
from tests.targeting.conftest import standard_settings

NAMES = st.sampled_from([f"C{number}" for number in range(8)])
MODELS = ("churn_aum", "buy_wealth", "buy_farmer_credit", "of_no_offer")


def scored(pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Scores of these customers by these models."""
    frame = pd.DataFrame(pairs, columns=["customer_id", "model"], dtype="str")
    return frame.assign(method="model", band="high", probability=0.25, low=0.1, high=0.4, raw_score=-1.0)


@given(st.lists(st.tuples(NAMES, st.sampled_from(MODELS)), unique=True), st.lists(NAMES, unique=True))
@hypothesis_settings(max_examples=40, deadline=None)
def test_candidates_are_the_days_customers_by_number_and_offer(pairs: list[tuple[str, str]], customers: list[str]) -> None:
    settings = standard_settings()
    owners, scores = pd.Series(sorted(customers), dtype="str"), scored(pairs)
    whose = candidates.numbers(scores["customer_id"], owners)
    found = candidates.candidates(scores, whose, {}, settings, owners)
    offers = [(name, offer.model) for name, offer in settings.active.items() if offer.model]
    due = sorted((who, name) for who, model in pairs for name, of in offers if of == model and who in customers)
    assert list(found[["customer_id", "offer"]].itertuples(index=False, name=None)) == due
    assert found["basis"].isna().all()


def test_who_has_no_average_has_nothing_at_stake() -> None:
    settings = standard_settings()
    owners, scores = pd.Series(["C1", "C2", "C3"]), scored([("C1", "churn_aum"), ("C2", "churn_aum"), ("C3", "churn_aum")])
    asked = candidates.candidates(scores, candidates.numbers(scores["customer_id"], owners), {}, settings, owners)
    valued = worth.expected_value(asked, settings, {}, np.array([1000.0, 0.0, -5.0])).set_index("customer_id")
    assert valued["basis"].to_dict() == {"C1": 1000.0, "C2": 0.0, "C3": 0.0}
    assert valued.loc["C1", "expected_value"] > 0
    assert (valued.loc[["C2", "C3"], "expected_value"] == 0.0).all()


def test_what_happened_stands_beside_what_was_scored() -> None:
    settings = standard_settings()
    owners, scores = pd.Series(["C1", "C2"]), scored([("C2", "churn_aum"), ("C1", "churn_aum")])
    left = pd.DataFrame({"customer_id": ["C2", "of nobody"], "amount": [500.0, 1.0]})
    whose = candidates.numbers(scores["customer_id"], owners)
    found = candidates.candidates(scores, whose, {"large_withdrawal": left}, settings, owners)
    event = found[found["method"] == "event"]
    said = event[["customer_id", "offer", "kind", "basis"]].to_numpy().tolist()
    assert said == [["C2", "large_withdrawal", "trigger", 500.0]]
    assert event["probability"].isna().all()
    assert found["number"].is_monotonic_increasing
