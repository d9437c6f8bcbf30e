"""Which contributions become reasons, which never do, and that no sentence says what its figures do not show."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog import declared
from features.declare import FeatureSpec, Wording
from store.errors import ConfigError, TerraceError
from targeting import figures
from targeting.reasons import NO_SINGLE_REASON, render, segment_reason
from targeting.wording import understand

AS_OF = dt.date(2026, 9, 30)


def spec(
    name: str,
    unit: str = "money",
    family: str = "",
    *,
    zh: str = "",
    en: str = "",
    when: str = "",
    internal: bool = False,
    role: str = "feature",
    sensitivity: str = "open",
    actionable: bool = True,
) -> FeatureSpec:
    said = (Wording(zh, en or zh, when, internal),) if zh else ()
    return FeatureSpec(name, "view", role, unit, None, "", "", family or name, sensitivity, actionable, (), said)  # type: ignore[arg-type]


def told(*contributions: tuple[str, float], customer: str = "c1", offer: str = "keep") -> pd.DataFrame:
    """Explanations of one row: (feature, contribution)."""
    return pd.DataFrame(
        [(customer, offer, feature, 1.0, amount) for feature, amount in contributions],
        columns=["customer_id", "offer", "feature", "value", "contribution"],
    )


def say(explanations: pd.DataFrame, catalog: list[FeatureSpec], top: int = 3, least: float = 200.0, **values: Any) -> pd.Series:
    rows = pd.DataFrame({"customer_id": ["c1"], **{name: [value] for name, value in values.items()}})
    return render(explanations, rows, catalog, as_of=AS_OF, top=top, least=least).iloc[0]


BALANCE = spec("balance", family="deposits", zh="存款日均{balance:money}。", en="Deposits averaged {balance:money}.")
TWIN = spec("balance_180d", family="deposits", zh="半年存款日均{balance_180d:money}。")
SALARY = spec("salary", family="salary", zh="代发工资约{salary:money}。", internal=True)
LOGIN = spec("login", "days", "channels", zh="手机银行{login:days}未登录。")


def test_near_copies_give_one_reason_and_the_stronger_family_comes_first() -> None:
    reason = say(
        told(("balance", 0.3), ("balance_180d", 0.2), ("salary", 0.4), ("__base__", -3.0)),
        [BALANCE, TWIN, SALARY],
        balance=42_000.0,
        balance_180d=50_000.0,
        salary=6_300.0,
    )
    assert reason.reason_codes == "balance,salary"  # 0.5 together goes before 0.4
    assert reason.reasons_zh == "存款日均4.2万元。\n代发工资约6,300元。"
    assert reason.has_internal


def test_a_family_that_on_balance_speaks_against_the_offer_gives_no_reason() -> None:
    reason = say(
        told(("balance", 0.3), ("balance_180d", -0.5), ("login", 0.1)),
        [BALANCE, TWIN, LOGIN],
        balance=42_000.0,
        balance_180d=50_000.0,
        login=62.0,
    )
    assert reason.reason_codes == "login"


def test_what_pushes_away_from_the_offer_is_never_its_reason() -> None:
    reason = say(told(("balance", -0.3), ("login", 0.0)), [BALANCE, LOGIN], balance=42_000.0, login=62.0)
    assert reason.reason_codes == ""
    assert (reason.reasons_zh, reason.reasons_en) == NO_SINGLE_REASON


def test_a_protected_or_unactionable_feature_is_never_said_however_strong() -> None:
    catalog = [
        BALANCE,
        spec("age", "count", zh="年龄{balance:money}。", sensitivity="protected"),
        spec("birth_year", "count", zh="生于{balance:money}。", actionable=False),
    ]
    reason = say(told(("age", 9.0), ("birth_year", 8.0), ("balance", 0.1)), catalog, balance=42_000.0)
    assert reason.reason_codes == "balance"
    assert "年龄" not in reason.reasons_zh
    assert "生于" not in reason.reasons_zh


@pytest.mark.parametrize("wording", [{"zh": "年龄{age:count}岁。"}, {"zh": "存款日均{balance:money}。", "when": "age > 60"}])
def test_a_sentence_that_names_a_protected_fact_does_not_load(wording: dict[str, str]) -> None:
    catalog = [spec("balance", **wording), spec("age", "count", sensitivity="protected")]
    with pytest.raises(ConfigError, match=r"wording 1 of feature 'balance'.*'age' is protected"):
        say(told(("balance", 0.1)), catalog, balance=42_000.0, age=61.0)


@pytest.mark.parametrize(("own", "is_said"), [(40_000.0, True), (600_000.0, False), (np.nan, True)])
def test_what_is_small_to_this_customer_is_no_reason(own: float, is_said: bool) -> None:
    rows = pd.DataFrame({"customer_id": ["c1"], "salary": [6_300.0], "own": [own]})
    said = render(told(("salary", 0.1)), rows, [SALARY], as_of=AS_OF, balance="own").iloc[0]
    assert (said["reason_codes"] == "salary") == is_said


def test_at_most_the_asked_number_of_reasons_and_the_strongest_of_them() -> None:
    everything = told(("balance", 0.3), ("salary", 0.2), ("login", 0.1))
    assert say(everything, [BALANCE, SALARY, LOGIN], top=2, balance=1e5, salary=1e4, login=9.0).reason_codes == "balance,salary"


def test_the_next_feature_of_a_family_speaks_where_the_strongest_cannot() -> None:
    reason = say(told(("balance", 0.3), ("balance_180d", 0.2)), [BALANCE, TWIN], balance=np.nan, balance_180d=50_000.0)
    assert reason.reason_codes == "balance_180d"


def test_the_first_wording_that_is_true_is_said() -> None:
    feature = FeatureSpec(
        "now",
        "v",
        "feature",
        "money",
        None,
        "",
        "",
        "f",
        "open",
        True,
        (),
        (
            Wording("{now:money}，比此前{before:money}少。", "less", "now < before"),
            Wording("{now:money}，比此前{before:money}多。", "more", "now > before"),
        ),
    )
    catalog = [feature, spec("before", role="fact")]
    assert say(told(("now", 0.1)), catalog, now=42_000.0, before=68_000.0).reasons_zh == "4.2万元，比此前6.8万元少。"
    assert say(told(("now", 0.1)), catalog, now=68_000.0, before=42_000.0).reasons_zh == "6.8万元，比此前4.2万元多。"
    assert say(told(("now", 0.1)), catalog, now=42_000.0, before=42_000.0).reason_codes == ""
    assert say(told(("now", 0.1)), catalog, now=42_000.0, before=np.nan).reason_codes == ""


def test_a_drop_that_rounding_hides_is_not_said() -> None:
    catalog = [spec("now", zh="{now:money}，比{before:money}少。", when="now < before"), spec("before", role="fact")]
    assert say(told(("now", 0.1)), catalog, now=68_010.0, before=68_040.0).reason_codes == ""  # both are 6.8万元


def test_a_difference_that_rounding_hides_is_not_said_even_where_the_condition_is_on_the_difference() -> None:
    catalog = [
        spec("now", zh="{now:money}，比{before:money}少{gap:money}。", when="gap > 0"),
        spec("before", role="fact"),
        spec("gap", role="fact"),
    ]
    assert say(told(("now", 0.1)), catalog, now=68_010.0, before=68_040.0, gap=30.0).reason_codes == ""


def test_figures_said_together_add_up_as_said() -> None:
    catalog = [
        spec("now", zh="{now:money}，比{before:money}少{gap:money}。"),
        spec("before", role="fact"),
        spec("gap", role="fact"),
    ]
    even = say(told(("now", 0.1)), catalog, now=42_000.0, before=68_000.0, gap=26_000.0)
    assert even.reasons_zh == "4.2万元，比6.8万元少2.6万元。"
    odd = say(told(("now", 0.1)), catalog, now=51_490.0, before=68_510.0, gap=17_020.0)  # 5.1, 6.9 and 1.7 would not add up
    assert odd.reasons_zh == "5.15万元，比6.85万元少1.7万元。"
    small = say(told(("now", 0.1)), catalog, now=51_500.0, before=60_200.0, gap=8_700.0)
    assert small.reasons_zh == "5.15万元，比6.02万元少8,700元。"


def test_a_sentence_about_next_to_no_money_is_not_said() -> None:
    catalog = [
        spec("paid", zh="转入{paid:money}，转出{out:money}。", en="{paid:money} came in, {out:money} went out."),
        spec("out", role="fact"),
    ]
    assert say(told(("paid", 0.1)), catalog, paid=2.0, out=108.0).reason_codes == ""
    assert say(told(("paid", 0.1)), catalog, paid=42_000.0, out=0.0).reasons_en == "CNY 42,000 came in, nothing went out."


def test_two_months_of_one_other_year_name_it_once() -> None:
    catalog = [
        spec(
            "grain",
            zh="{first:month}至{last:month}粮款入账{grain:money}。",
            en="Grain income from {first:month} to {last:month} was {grain:money}.",
        ),
        spec("first", "date", role="fact"),
        spec("last", "date", role="fact"),
    ]
    last_year = say(told(("grain", 0.1)), catalog, grain=49_000.0, first=dt.date(2025, 10, 1), last=dt.date(2025, 11, 30))
    assert last_year.reasons_zh == "2025年10月至11月粮款入账4.9万元。"
    assert last_year.reasons_en == "Grain income from October to November 2025 was CNY 49,000."
    across = say(told(("grain", 0.1)), catalog, grain=49_000.0, first=dt.date(2024, 12, 1), last=dt.date(2025, 1, 31))
    assert across.reasons_zh == "2024年12月至2025年1月粮款入账4.9万元。"


def test_a_negative_figure_is_said_as_a_size_only_where_the_condition_bounds_it() -> None:
    bounded = [spec("trend", "share", zh="降{trend:percent}。", when="trend < -0.1")]
    assert say(told(("trend", 0.1)), bounded, trend=-0.38).reasons_zh == "降38%。"
    assert say(told(("trend", 0.1)), [spec("trend", "share", zh="升{trend:percent}。")], trend=-0.38).reason_codes == ""


def test_the_families_an_offer_must_not_speak_of_are_left_out_of_its_reasons_only() -> None:
    explained = pd.concat([told(("balance", 0.3), offer="mortgage"), told(("balance", 0.3), offer="consumer_loan")])
    rows = pd.DataFrame({"customer_id": ["c1"], "balance": [42_000.0]})
    said = render(explained, rows, [BALANCE], as_of=AS_OF, unsaid={"consumer_loan": {"deposits"}}).set_index("offer")
    assert said.loc["mortgage", "reason_codes"] == "balance"
    assert said.loc["consumer_loan", "reason_codes"] == ""


def test_a_fallback_is_said_only_where_nothing_of_the_customer_can_be() -> None:
    zh, en = segment_reason(rate=0.03, low=0.02, high=0.04, customers=1_240, took=37)
    fallback = pd.DataFrame({"customer_id": ["c1", "c2", "c3"], "offer": "keep", "reason_zh": zh, "reason_en": en})
    explained = pd.concat([told(("balance", 0.3)), told(("balance", -0.3), customer="c2")])
    rows = pd.DataFrame({"customer_id": ["c1", "c2"], "balance": [42_000.0, 1.0]})
    said = render(explained, rows, [BALANCE], as_of=AS_OF, fallback=fallback).set_index("customer_id")
    assert said.loc["c1", "reasons_zh"] == "存款日均4.2万元。"
    assert said.loc["c2", "reasons_zh"] == said.loc["c3", "reasons_zh"] == zh  # c3 has no explanation at all


def test_a_segment_says_how_many_in_a_hundred_of_how_many_counted() -> None:
    assert segment_reason(rate=37 / 1240, low=0.021, high=0.041, customers=1_240, took=37) == (
        "同类客户中近一年每100户约3户办理（2至4户），1,240户中37户。",
        "About 3 in 100 similar customers took it in the past year (2 to 4); 37 of 1,240 counted.",
    )
    assert segment_reason(rate=0.0336, low=0.031, high=0.0349)[0] == "同类客户中近一年每1,000户约34户办理（31至35户）。"
    assert segment_reason(rate=0.004)[0] == "同类客户中近一年每1,000户约4户办理。"
    assert "无人办理" in segment_reason(rate=0.0, customers=80, took=0)[0]


def test_shuffled_input_says_the_same() -> None:
    explained = pd.concat([told(("balance", 0.3), ("salary", 0.3), ("login", 0.3), customer=f"c{n}") for n in range(20)])
    rows = pd.DataFrame(
        {"customer_id": [f"c{n}" for n in range(20)], "balance": 1_000.0 * np.arange(20), "salary": 6_300.0, "login": 62.0}
    )
    catalog = [BALANCE, SALARY, LOGIN]
    said = render(explained, rows, catalog, as_of=AS_OF)
    shuffled = render(explained.sample(frac=1, random_state=3), rows.sample(frac=1, random_state=4), catalog[::-1], as_of=AS_OF)
    pd.testing.assert_frame_equal(said, shuffled)


def test_an_explained_customer_without_a_row_is_an_error_that_names_one() -> None:
    with pytest.raises(TerraceError, match="1 explained customers have no row, first c9"):
        render(
            told(("balance", 0.3), customer="c9"),
            pd.DataFrame({"customer_id": ["c1"], "balance": [1.0]}),
            [BALANCE],
            as_of=AS_OF,
        )


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ("now < __import__('os')", "is not a comparison"),
        ("now < before or now > 3", "is not a comparison"),
        ("now != before", "is not a comparison"),
        ("now", "is not a comparison"),
        ("now < (before)", "is not a comparison"),
        ("1 < now", "is not a comparison"),
        ("now < befor", "did you mean 'before'"),
        ("now < before and", "is not a comparison"),
        ("now.real > 0", "is not a comparison"),
        ("kind == 3", "is a category"),
    ],
)
def test_a_condition_is_comparisons_and_nothing_else(when: str, found: str) -> None:
    catalog = [spec("now", zh="{now:money}。", when=when), spec("before", role="fact"), spec("kind", "category", role="fact")]
    with pytest.raises(ConfigError, match="wording 1 of feature 'now'") as error:
        say(told(("now", 0.1)), catalog, now=1.0, before=2.0, kind="x")
    assert found in str(error.value)


@pytest.mark.parametrize(
    ("zh", "found"),
    [
        ("{now}", "brace that is no placeholder"),
        ("{now:money!r}", "brace"),
        ("{now.__class__:money}", "brace"),
        ("{now:hex}", "unknown kind"),
        ("{nwo:money}", "did you mean 'now'"),
        ("{now:percent}", "says a money"),
        ("{now:date}", "says a money"),
        ("该客户流失概率{now:money}", "says '流失概率'"),
        ("您的存款{now:money}", "says '您'"),
        ("{now:count|transfer}", "one form of its noun"),
    ],
)
def test_a_sentence_is_text_and_known_placeholders_in_the_banks_tone(zh: str, found: str) -> None:
    with pytest.raises(ConfigError, match="wording 1 of feature 'now'") as error:
        say(told(("now", 0.1)), [spec("now", zh=zh, en="fine")], now=1.0)
    assert found in str(error.value)


@pytest.mark.parametrize(
    ("amount", "zh", "en"),
    [
        (0.0, "0元", "CNY 0"),
        (0.4, "不足1元", "less than CNY 1"),
        (6_287.43, "6,287元", "CNY 6,287"),
        (9_999.6, "1万元", "CNY 10,000"),
        (12_300.0, "1.23万元", "CNY 12,300"),
        (42_350.0, "4.2万元", "CNY 42,000"),
        (100_000.0, "10万元", "CNY 100,000"),
        (104_000.0, "10.4万元", "CNY 104,000"),
        (125_000.0, "12.5万元", "CNY 125,000"),
        (28_000_000.0, "2,800万元", "CNY 28,000,000"),
        (99_999_900.0, "1亿元", "CNY 100,000,000"),
        (123_000_000.0, "1.23亿元", "CNY 123,000,000"),
    ],
)
def test_amounts_are_written_as_bankers_write_them(amount: float, zh: str, en: str) -> None:
    reason = say(told(("now", 0.1)), [spec("now", zh="{now:money}")], least=0.0, now=amount)
    assert (reason.reasons_zh, reason.reasons_en) == (zh, en)


def test_crowns_are_crowns() -> None:
    rows = pd.DataFrame({"customer_id": ["c1"], "balance": [42_000.0]})
    said = render(told(("balance", 0.1)), rows, [BALANCE], as_of=AS_OF, currency="CZK").iloc[0]
    assert (said.reasons_zh, said.reasons_en) == ("存款日均4.2万克朗。", "Deposits averaged CZK 42,000.")


@pytest.mark.parametrize(
    ("share", "said"), [(0.38, "38%"), (0.999, "99%"), (1.0, "100%"), (0.0, "0%"), (0.002, "不足1%"), (1.5, "150%")]
)
def test_all_is_said_of_all_only_and_nothing_of_nothing_only(share: float, said: str) -> None:
    assert say(told(("part", 0.1)), [spec("part", "share", zh="{part:percent}")], part=share).reasons_zh == said


def test_a_yearly_rate_keeps_its_decimals() -> None:
    reason = say(told(("r", 0.1)), [spec("r", "rate", zh="年利率{r:percent}，即{r:rate}")], r=0.0135)
    assert reason.reasons_zh == "年利率1.35%，即1.35%"


@settings(max_examples=200, deadline=None)
@given(st.floats(min_value=1, max_value=5e9))
def test_a_said_amount_is_never_more_than_one_percent_from_the_true_one_above_a_thousand(amount: float) -> None:
    said = figures.money_said(np.array([amount]))[0]
    assert abs(said - amount) <= max(0.01 * amount, 0.5 + 1e-6)
    assert not any(odd in figures.money(said, "zh", "CNY") for odd in (".0万", ".0亿", ".00", "10,000万"))


def test_every_wording_of_the_catalogue_is_understood_and_names_nothing_protected() -> None:
    specs = declared()
    sayable = understand(specs)
    assert len(sayable) >= 80
    assert not {one.name for one in specs if one.sensitivity == "protected"} & set(sayable)
