"""What a bank may and may not decide about its lists."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from targeting import openings
from targeting.settings import HourSettings, Offer, RoutingRule, Waiver
from tests.targeting.conftest import standard_settings

WORDS = {"zh": "贷款", "en": "Loan", "opening_zh": "您好，年化利率{rate}起。", "opening_en": "From {rate} a year."}


def test_loan_words_carry_the_annual_rate():
    loan = {"kind": "purchase", "model": "m", "is_loan": True, "margin": 0.02, "amount": 1.0}
    assert Offer(**WORDS, **loan, rate=0.05).is_loan
    with pytest.raises(ValidationError, match="annual rate"):
        Offer(**WORDS, **loan)
    with pytest.raises(ValidationError, match="annual rate"):
        Offer(**(WORDS | {"opening_en": "Cheap."}), **loan, rate=0.05)


def test_deposits_are_not_bought_with_gifts():
    with pytest.raises(ValidationError, match="礼品"):
        Offer(**(WORDS | {"opening_zh": "来存款送礼品"}), kind="purchase", model="m", yearly=1)


def test_an_offer_without_a_figure_for_its_worth_or_a_model_for_its_chance_is_refused():
    for broken in (
        {"kind": "purchase", "model": "m"},
        {"kind": "purchase", "yearly": 1},
        {"kind": "retention", "model": "m"},
        {"kind": "trigger"},
    ):
        with pytest.raises(ValidationError):
            Offer(**WORDS, **broken)


def test_routing_without_a_condition_would_take_everybody():
    with pytest.raises(ValidationError, match="take every customer"):
        RoutingRule(name="all", to="head_office")


def test_a_waiver_has_a_reason_and_an_action_takes_time():
    with pytest.raises(ValidationError):
        Waiver(reason="")
    with pytest.raises(ValidationError):
        HourSettings(per_action=0)


def test_the_standard_offers_say_nothing_that_must_not_be_said():
    offers = standard_settings().active
    openings.check(offers)
    assert len(offers) >= 20
    for offer in offers.values():
        assert offer.zh != offer.en
        assert not re.search(r"[一-鿿]", offer.opening_en)
        assert "{branch}" in offer.opening_zh
        assert "{caller}" in offer.opening_en
