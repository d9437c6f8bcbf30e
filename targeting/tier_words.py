"""The sentences of a tier's statement, in Chinese and in English, as a customer may read them."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "title": ("{bank}  客户等级说明", "{bank}: your customer tier"),
    "fictitious": ("（演示用：本行及客户均为虚构）", "(A demonstration: this bank and its customers are invented.)"),
    "customer": ("客户号：{customer}    数据日期：{as_of}", "Customer {customer}, as of {as_of}"),
    "tier": ("客户等级：{tier}（{other}）{vip}", "Tier: {tier} ({other}){vip}"),
    "vip": ("  VIP，由总行服务", ", VIP, served by head office"),
    "since": ("自{since}起为本等级。", "In this tier since {since}."),
    "quarter": (
        "{graded}评定，看上一季度（{start}至{end}，共{days}天）：金融资产日均{adb}。",
        "Graded on {graded} on the quarter before ({start} to {end}, {days} days): assets averaged {adb} a day.",
    ),
    "months": (
        "{graded}月末评定，看最近的整月（{start}至{end}，共{days}天）：其中最低一个月的金融资产日均{adb}。",
        "Graded at the month end, {graded}, on the last whole months ({start} to {end}, {days} days): in the lowest of them "
        "assets averaged {adb} a day.",
    ),
    "trial": (
        "截至{end}的{days}天，金融资产日均{adb}（开户前的日子按0计）。",
        "Over the {days} days to {end} assets averaged {adb} a day (days before the first one here count as nothing).",
    ),
    "contribution": (
        "年综合贡献度{total}：存款和理财{assets}，贷款{loans}，手续费{fees}，减去柜面办理成本{counter}。",
        "Contribution over a year {total}: deposits and investments {assets}, loans {loans}, fees {fees}, less the cost of "
        "counter transactions {counter}.",
    ),
    "by_adb": ("两项取高：日均达到{tier}标准。", "The higher of the two counts: the average reaches {tier}."),
    "by_contribution": (
        "两项取高：综合贡献度达到{tier}标准。",
        "The higher of the two counts: the contribution reaches {tier}.",
    ),
    "provisional": (
        "新客户，等级为暂定，到{until}开户满{days}天为止，此后正式评定。",
        "A new customer: the tier is provisional until {until}, when {days} days are complete.",
    ),
    "not_graded": ("等级为暂定，待首次评定。", "The tier is provisional until the first grading."),
    "notice": (
        "保级期：最近一次评定未达到{tier}标准，等级保留至{until}。其间季度日均满{adb}，或年综合贡献度满{contribution}，"
        "就保住{tier}；仍未达到的，按评定结果调整（最近一次评定结果为{earned}）。",
        "Notice: the last grading no longer gave {tier}; the tier is kept until {until}. A quarter's average of {adb} or a "
        "yearly contribution of {contribution} keeps {tier}; else the grading's result applies (the last gave {earned}).",
    ),
    "override": (
        "人工核定：{asked}提出，{approved}批准，理由：{why}。有效期至{until}，期满按规则评定（目前按规则为{rule}）。",
        "Given by hand: asked for by {asked}, approved by {approved}; reason: {why}. It holds until {until}; after that the "
        "rules decide (today they give {rule}).",
    ),
    "capped": (
        "名下贷款有逾期，逾期期间等级为{tier}；逾期结清后恢复按规则评定（目前按规则为{rule}）。",
        "A loan of yours is overdue; as long as it is, the tier is {tier}. Once it is paid the rules decide again (today they "
        "give {rule}).",
    ),
    "next": (
        "上一级是{next}：季度日均满{adb}（还差{gap}），或年综合贡献度满{contribution}（还差{lacks}）。",
        "The next tier up is {next}: a quarter's average of {adb} ({gap} more), or a yearly contribution of {contribution} "
        "({lacks} more).",
    ),
    "next_new": ("上一级是{next}：日均满{adb}（还差{gap}）。", "The next tier up is {next}: an average of {adb} ({gap} more)."),
    "next_reached": (
        "上一级是{next}：上面的数字已经达到，下次评定时再看。",
        "The next tier up is {next}: the figures above already reach it; the next grading will tell.",
    ),
    "highest": ("{tier}是最高等级。", "{tier} is the highest tier."),
    "keeps": (
        "怎样保住{tier}：每季首日评定时，上季日均不低于{adb}，或年综合贡献度不低于{contribution}。"
        "两项都低了也不马上降级，先保留一个季度。",
        "To keep {tier}: on the first day of each quarter, an average of the quarter before of at least {adb}, or a yearly "
        "contribution of at least {contribution}. Below both, the tier is still kept for a quarter.",
    ),
    "no_fall": ("春节所在的季度不降级。", "No tier is lowered in the quarter of Spring Festival."),
    "not_counted": (
        "不计入的：发放未满{loan}天的贷款和它带来的存款；月末、季末前后{edge}天内临时存入的资金。",
        "Not counted: loans paid out less than {loan} days ago and the money they brought; money that was there only for the "
        "{edge} days around the end of a month.",
    ),
    "appeal": (
        "对等级有疑问，可向开户网点提出，由总行复核。",
        "If you think this is wrong, tell your branch; head office reviews it.",
    ),
}
