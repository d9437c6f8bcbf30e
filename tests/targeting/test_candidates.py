"""Candidates: every customer of the day with every offer a model scored, in one order."""

from __future__ import annotations

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
    found = candidates.together([candidates.from_scores(scored(pairs), settings)], pd.Series(customers, dtype="str"))
    offers = [(name, offer.model) for name, offer in settings.active.items() if offer.model]
    due = sorted((who, name) for who, model in pairs for name, of in offers if of == model and who in customers)
    assert list(found[["customer_id", "offer"]].itertuples(index=False, name=None)) == due
    assert found["basis"].isna().all()


def test_who_has_no_average_has_nothing_at_stake() -> None:
    settings = standard_settings()
    asked = candidates.from_scores(scored([("C1", "churn_aum"), ("C2", "churn_aum"), ("C3", "churn_aum")]), settings)
    balance = pd.Series({"C3": -5.0, "C1": 1000.0})
    valued = worth.expected_value(asked, settings, {}, balance).set_index("customer_id")
    assert valued["basis"].to_dict() == {"C1": 1000.0, "C2": 0.0, "C3": 0.0}
    assert valued.loc["C1", "expected_value"] > 0
    assert (valued.loc[["C2", "C3"], "expected_value"] == 0.0).all()
