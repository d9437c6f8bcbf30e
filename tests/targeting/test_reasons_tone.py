"""The reasons that bankers wrote as examples, said word for word as they wrote them, in both languages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from features.declare import FeatureSpec, Wording
from targeting.reasons import render

AS_OF = dt.date(2026, 9, 30)


def spec(name: str, unit: str, role: str = "fact", wordings: tuple[Wording, ...] = ()) -> FeatureSpec:
    return FeatureSpec(name, "view", role, unit, None, "", "", "family", "open", bool(wordings), (), wordings)  # type: ignore[arg-type]


def wording(when: str, zh: str, en: str, internal: bool = False) -> Wording:
    return Wording(zh, en, when, internal)


def say(said: Wording, **columns: tuple[str, Any]) -> tuple[str, str]:
    """The sentence of one feature whose row holds `columns` (unit, value)."""
    catalog = [spec("driver", "money", "feature", (said,)), *(spec(name, unit) for name, (unit, _) in columns.items())]
    rows = pd.DataFrame({"customer_id": ["c1"], **{name: [value] for name, (_, value) in columns.items()}})
    told = pd.DataFrame({"customer_id": ["c1"], "offer": "keep", "feature": "driver", "value": 1.0, "contribution": 0.4})
    reason = render(told, rows, catalog, as_of=AS_OF).iloc[0]
    assert reason.reason_codes == "driver"
    assert reason.has_internal == said.internal
    return reason.reasons_zh, reason.reasons_en


day = dt.date
ROWS = {
    "falling deposits": (
        wording(
            "now < half and drop >= 0.1",
            "近30天存款日均{now:money}，比近半年日均{half:money}少{gap:money}，降{drop:percent}。",
            "Deposits averaged {now:money} over 30 days, {gap:money} ({drop:percent}) below the half-year average of "
            "{half:money}.",
        ),
        {"now": ("money", 42_000.0), "half": ("money", 68_000.0), "gap": ("money", 26_000.0), "drop": ("share", 0.3824)},
        "近30天存款日均4.2万元，比近半年日均6.8万元少2.6万元，降38%。",
        "Deposits averaged CNY 42,000 over 30 days, 26,000 (38%) below the half-year average of 68,000.",
    ),
    "a term about to mature": (
        wording(
            "left > 0",
            "{on:date}一笔{amount:money}{term:term}定期到期，未约定转存；上次到期的{last:money}，三天内转走{left:money}。",
            "A {term:term} deposit of {amount:money} matures on {on:date} without rollover; of the last {last:money} to "
            "mature, {left:money} left within three days.",
        ),
        {
            "on": ("date", day(2026, 10, 18)),
            "amount": ("money", 100_000.0),
            "term": ("months", 12.0),
            "last": ("money", 100_000.0),
            "left": ("money", 60_000.0),
        },
        "10月18日一笔10万元一年期定期到期，未约定转存；上次到期的10万元，三天内转走6万元。",
        "A one-year deposit of CNY 100,000 matures on 18 Oct without rollover; of the last 100,000 to mature, 60,000 left "
        "within three days.",
    ),
    "a term broken early": (
        wording(
            "",
            "{on:date}提前支取{term:term}定期{amount:money}，距到期还有{left:months}，按活期计息。",
            "On {on:date} {amount:money} of a {term:term} deposit was broken {left:months} early, at the demand rate.",
        ),
        {"on": ("date", day(2026, 9, 26)), "term": ("months", 36.0), "amount": ("money", 80_000.0), "left": ("months", 14.0)},
        "9月26日提前支取三年期定期8万元，距到期还有14个月，按活期计息。",
        "On 26 Sep CNY 80,000 of a three-year deposit was broken 14 months early, at the demand rate.",
    ),
    "salary swept": (
        wording(
            "",
            "每月{day:day}前后代发工资约{pay:money}，近3个月到账两天内转出{swept:tenths}。",
            "Salary of about {pay:money} arrives around the {day:day}; in the last three months {swept:tenths} left within "
            "two days.",
            internal=True,
        ),
        {"day": ("count", 10.0), "pay": ("money", 6_287.43), "swept": ("share", 0.9)},
        "每月10日前后代发工资约6,300元，近3个月到账两天内转出九成。",
        "Salary of about CNY 6,300 arrives around the 10th; in the last three months 90% left within two days.",
    ),
    "money to own accounts elsewhere": (
        wording(
            "",
            "近90天转往本人他行账户{n:count}笔共{sum:money}，此前一年每季平均{before:money}。",
            "{n:count|transfer|transfers} to own accounts elsewhere in 90 days, {sum:money} in all; the year before "
            "averaged {before:money} a quarter.",
            internal=True,
        ),
        {"n": ("count", 5.0), "sum": ("money", 125_000.0), "before": ("money", 12_000.0)},
        "近90天转往本人他行账户5笔共12.5万元，此前一年每季平均1.2万元。",
        "Five transfers to own accounts elsewhere in 90 days, CNY 125,000 in all; the year before averaged 12,000 a quarter.",
    ),
    "takings that do not stay": (
        wording(
            "",
            "收款码近30天收款{taken:money}，结算款次日转出{gone:tenths}，账户日均仅留{left:money}。",
            "The payment code took {taken:money} in 30 days; {gone:tenths} of settlements left next day, leaving an "
            "average of {left:money}.",
            internal=True,
        ),
        {"taken": ("money", 46_000.0), "gone": ("share", 0.8), "left": ("money", 1_200.0)},
        "收款码近30天收款4.6万元，结算款次日转出八成，账户日均仅留1,200元。",
        "The payment code took CNY 46,000 in 30 days; 80% of settlements left next day, leaving an average of 1,200.",
    ),
    "an undrawn village line": (
        wording(
            "",
            "{granted:month}整村授信{limit:money}，至今未用信；去年10至11月粮款入账{grain:money}。",
            "A {limit:money} village credit line granted in {granted:month} is undrawn; grain income last Oct-Nov was "
            "{grain:money}.",
        ),
        {"granted": ("date", day(2026, 5, 12)), "limit": ("money", 100_000.0), "grain": ("money", 73_000.0)},
        "5月整村授信10万元，至今未用信；去年10至11月粮款入账7.3万元。",
        "A CNY 100,000 village credit line granted in May is undrawn; grain income last Oct-Nov was 73,000.",
    ),
    "a business loan falling due": (
        wording(
            "overdue == 0",
            "经营贷余额{left:money}，{due:date}到期，近一年付息无逾期。",
            "Business loan of {left:money} due on {due:date}; no interest payment overdue in the past year.",
        ),
        {"overdue": ("days", 0.0), "left": ("money", 150_000.0), "due": ("date", day(2026, 11, 20))},
        "经营贷余额15万元，11月20日到期，近一年付息无逾期。",
        "Business loan of CNY 150,000 due on 20 Nov; no interest payment overdue in the past year.",
    ),
    "a loan repaid": (
        wording(
            "",
            "{amount:money}消费贷{closed:month}结清，{n:count}期均按时还款，目前本行无贷款。",
            "The {amount:money} consumer loan was repaid in {closed:month}, all {n:count} instalments on time; no loan "
            "here now.",
        ),
        {"amount": ("money", 100_000.0), "closed": ("date", day(2026, 7, 3)), "n": ("count", 36.0)},
        "10万元消费贷7月结清，36期均按时还款，目前本行无贷款。",
        "The CNY 100,000 consumer loan was repaid in July, all 36 instalments on time; no loan here now.",
    ),
    "the festival's money": (
        wording(
            "now < before",
            "去年腊月二十至正月十五存入{before:money}，今年同期至今仅{now:wan}。",
            "From 20th of the last lunar month to Lantern Festival last year {before:money} came in; this year so far "
            "{now:wan}.",
        ),
        {"before": ("money", 52_000.0), "now": ("money", 4_000.0)},
        "去年腊月二十至正月十五存入5.2万元，今年同期至今仅0.4万元。",
        "From 20th of the last lunar month to Lantern Festival last year CNY 52,000 came in; this year so far 4,000.",
    ),
    "a phone gone quiet": (
        wording(
            "",
            "手机银行{away:days}未登录，此前每周约{weekly:count}次；近30天到柜面取现{n:count}次。",
            "No mobile login for {away:days}, after about {weekly:count} a week; {n:count} counter withdrawals in the last 30.",
        ),
        {"away": ("days", 62.0), "weekly": ("count", 3.2), "n": ("count", 4.0)},
        "手机银行62天未登录，此前每周约3次；近30天到柜面取现4次。",
        "No mobile login for 62 days, after about three a week; four counter withdrawals in the last 30.",
    ),
    "a tier within reach": (
        wording(
            "gap > 0",
            "本季金融资产日均{adb:money}，距{tier_zh:text}标准{step:money}差{gap:money}；{month:month}另有{due:money}定期到期。",
            "Assets average {adb:money} this quarter, {gap:money} short of {tier_en:text} ({step:money}); a {due:money} "
            "deposit matures in {month:month}.",
        ),
        {
            "adb": ("money", 186_000.0),
            "tier_zh": ("category", "白金"),
            "tier_en": ("category", "Platinum"),
            "step": ("money", 200_000.0),
            "gap": ("money", 14_000.0),
            "month": ("date", day(2026, 11, 8)),
            "due": ("money", 50_000.0),
        },
        "本季金融资产日均18.6万元，距白金标准20万元差1.4万元；11月另有5万元定期到期。",
        "Assets average CNY 186,000 this quarter, 14,000 short of Platinum (200,000); a 50,000 deposit matures in November.",
    ),
}


@pytest.mark.parametrize("story", ROWS)
def test_a_reason_reads_as_bankers_print_it(story: str) -> None:
    said, columns, zh, en = ROWS[story]
    assert say(said, **columns) == (zh, en)


def test_one_transfer_is_not_one_transfers() -> None:
    said, columns, _, _ = ROWS["money to own accounts elsewhere"]
    _, en = say(said, **{**columns, "n": ("count", 1.0)})
    assert en.startswith("One transfer to own accounts")


def test_a_date_of_another_year_carries_its_year() -> None:
    said, columns, _, _ = ROWS["a business loan falling due"]
    zh, en = say(said, **{**columns, "due": ("date", day(2027, 1, 20))})
    assert "2027年1月20日到期" in zh
    assert "due on 20 Jan 2027;" in en


@pytest.mark.parametrize("kept", [20_744.0, pd.Timestamp(2026, 10, 18), "2026-10-18"])
def test_a_date_may_come_as_a_day_number_a_timestamp_or_iso_text(kept: Any) -> None:
    said = wording("", "{on:date}到期。", "Due on {on:date}.")
    assert say(said, on=("date", kept)) == ("10月18日到期。", "Due on 18 Oct.")
