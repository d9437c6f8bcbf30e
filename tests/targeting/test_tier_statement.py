"""What the statement of a tier says in every case a customer can be in, and what it never says."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from models.tier_settings import TierSettings
from store.settings import read_yaml
from targeting.list_book import BankWords
from targeting.tier_statement import Statement, TierFacts

RULES = TierSettings.model_validate(read_yaml(Path(__file__).parents[2] / "configs" / "tiers.yaml")[0]["tiers"])
BANK = BankWords("清溪农商银行", "Qingxi Rural Bank", "清溪农商", "Qingxi")
D = dt.date
GOLD: dict[str, Any] = {
    "customer_id": "0012",
    "as_of": D(2026, 9, 30),
    "scale": "personal",
    "tier": "gold",
    "status": "graded",
    "decided_by": "adb",
    "graded_on": D(2026, 7, 1),
    "since_on": D(2025, 10, 1),
    "basis": "quarter",
    "period_from": D(2026, 4, 1),
    "period_until": D(2026, 6, 30),
    "days_counted": 91,
    "measure_adb": 157_355.29,
    "measure_contribution": 1_525.14,
    "asset_margin": 1_488.12,
    "loan_margin": 0.0,
    "fees": 45.02,
    "counter_cost": 8.0,
    "tier_adb": 50_000.0,
    "tier_contribution": 600.0,
    "next_tier": "platinum",
    "next_adb": 200_000.0,
    "next_contribution": 2_400.0,
    "gap_amount": 42_644.71,
    "gap_contribution": 874.86,
    "rule_tier": "gold",
    "earned_tier": "gold",
    "notice_until": None,
    "provisional_until": None,
    "override_asked_by": None,
    "override_approved_by": None,
    "override_why": None,
    "override_until": None,
    "is_vip": False,
}
CAPPED = {
    "tier": "basic",
    "status": "capped",
    "decided_by": "overdue",
    "since_on": None,
    "tier_adb": 0.0,
    "tier_contribution": 0.0,
    "next_tier": None,
    "next_adb": None,
    "next_contribution": None,
    "gap_amount": None,
    "gap_contribution": None,
}
CASES: dict[str, dict[str, Any]] = {
    "graded": {},
    "capped": CAPPED,
    "notice": {"status": "notice", "decided_by": "notice", "earned_tier": "silver", "notice_until": D(2026, 9, 30)},
    "new": {
        "status": "provisional",
        "decided_by": "new",
        "basis": "trial",
        "since_on": None,
        "days_counted": 90,
        "provisional_until": D(2026, 10, 17),
    },
    "by hand": {
        "decided_by": "override",
        "rule_tier": "silver",
        "override_asked_by": "S12",
        "override_approved_by": "S01",
        "override_why": "征地款在途",
        "override_until": D(2026, 12, 31),
    },
    "highest": {
        "tier": "diamond",
        "next_tier": None,
        "next_adb": None,
        "next_contribution": None,
        "gap_amount": None,
        "gap_contribution": None,
        "is_vip": True,
        "tier_adb": 500_000.0,
        "tier_contribution": 6_000.0,
    },
}


def said(case: str, language: Any = "zh", rules: TierSettings = RULES, bank: BankWords = BANK) -> str:
    return "\n".join(Statement(TierFacts.of(GOLD | CASES[case]), rules, bank).lines(language))


def test_a_graded_customer_reads_tier_figures_distance_and_what_would_lose_it() -> None:
    assert (
        said("graded")
        == """\
清溪农商银行  客户等级说明
客户号：0012    数据日期：2026年9月30日
客户等级：金卡（Gold）
自2025年10月1日起为本等级。
2026年7月1日评定，看上一季度（2026年4月1日至2026年6月30日，共91天）：金融资产日均157,355.29元。
年综合贡献度1,525.14元：存款和理财1,488.12元，贷款0元，手续费45.02元，减去柜面办理成本8元。
两项取高：日均达到金卡标准。
上一级是白金：季度日均满200,000元（还差42,644.71元），或年综合贡献度满2,400元（还差874.86元）。
怎样保住金卡：每季首日评定时，上季日均不低于50,000元，或年综合贡献度不低于600元。两项都低了也不马上降级，先保留一个季度。春节所在的季度不降级。
不计入的：发放未满90天的贷款和它带来的存款；月末、季末前后3天内临时存入的资金。
对等级有疑问，可向开户网点提出，由总行复核。"""
    )


@pytest.mark.parametrize(
    ("case", "zh", "en"),
    [
        ("notice", "等级保留至2026年9月30日", "the tier is kept until 30 September 2026"),
        ("notice", "最近一次评定结果为银卡", "the last gave Silver"),
        ("new", "等级为暂定，到2026年10月17日开户满90天为止", "provisional until 17 October 2026, when 90 days are complete"),
        ("capped", "逾期期间等级为普通；逾期结清后恢复按规则评定（目前按规则为金卡）", "A loan of yours is overdue"),
        (
            "by hand",
            "人工核定：S12提出，S01批准，理由：征地款在途。有效期至2026年12月31日",
            "asked for by S12, approved by S01; reason: 征地款在途. It holds until 31 December 2026",
        ),
        ("by hand", "目前按规则为银卡", "today they give Silver"),
        ("highest", "钻石是最高等级", "Diamond is the highest tier"),
        ("highest", "客户等级：钻石（Diamond）  VIP，由总行服务", "Tier: Diamond (钻石), VIP, served by head office"),
    ],
)
def test_every_case_is_said_in_both_languages(case: str, zh: str, en: str) -> None:
    assert zh in said(case)
    assert en in said(case, "en")


@pytest.mark.parametrize("case", sorted(CASES))
def test_no_model_and_nothing_protected_is_spoken_of_and_no_figure_is_rounded_away(case: str) -> None:
    words = said(case) + said(case, "en")
    assert not re.search(r"概率|模型|评分|预测|聚类|年龄|性别|民族|客群", words)
    assert not re.search(r"model|score|probab|cluster|gender|\bage\b|None|nan", words)
    for figure in re.findall(r"\d+\.\d+", words):
        assert len(figure.split(".")[1]) == 2


@pytest.mark.parametrize(
    ("case", "kept"),
    [("graded", True), ("highest", True), ("capped", False), ("new", False), ("by hand", False), ("notice", False)],
)
def test_what_would_lose_a_tier_is_told_where_the_rules_alone_gave_it(case: str, kept: bool) -> None:
    assert ("怎样保住" in said(case)) is kept


def test_a_bank_without_a_festival_quarter_promises_none_and_counts_in_its_own_money() -> None:
    rules = RULES.model_copy(update={"no_fall_quarters": ()})
    assert "Spring Festival" in said("graded", "en")
    assert "Spring Festival" not in said("graded", "en", rules)
    assert "CZK 157,355.29" in said("graded", "en", rules, BankWords("a", "b", "c", "d", currency="CZK"))


def test_the_content_for_programs_holds_both_wordings_and_every_figure() -> None:
    content = Statement(TierFacts.of(GOLD), RULES, BANK).content()
    assert content["statement_zh"] == said("graded").splitlines()
    assert content["statement_en"] == said("graded", "en").splitlines()
    assert {name: content[name] for name in GOLD} == GOLD
