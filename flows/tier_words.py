"""What `terrace tiers` says, in Chinese and in English, and the Chinese of what errors about tiers say."""

from __future__ import annotations

from flows.words import Language

_WORDS: dict[str, tuple[str, str]] = {
    "head": ("{bank}  客户等级  数据日期 {as_of}", "{bank}: customer tiers as of {as_of}"),
    "approved": ("现行标准：{year}年，{by}批准。", "Thresholds in force: {year}, approved by {by}."),
    "not_approved": ("现行标准尚未注明批准人和年度。", "The thresholds in force name no approver and no year."),
    "lapsed": ("现行标准批准用于{year}年，数据日期已是{now}年：在总行重新批准前沿用。",
               "The thresholds in force were approved for {year}, and it is {now}: they go on until head office approves "
               "others."),
    "coming": ("{year}年的新标准已批准，下面是到{now}年底仍在执行的标准。",
               "New thresholds are approved for {year}; below are those that hold until the end of {now}."),
    "early": ("现行标准：{year}年，{by}批准；{now}年没有另外的标准，用的也是它。",
              "Thresholds in force: approved for {year} by {by}; {now} has none of its own and goes by these."),
    "scale": ("{name}：{customers}户", "{name}: {customers} customers"),
    "personal": ("个人", "Persons"), "corporate": ("单位", "Firms and institutions"),
    "tier": ("等级", "tier"), "from_adb": ("季日均满", "average from"),
    "or_contribution": ("或年贡献满", "or contribution from"),
    "customers": ("户数", "customers"), "share": ("户数占比", "share"), "money": ("评定日均合计", "graded averages"),
    "money_share": ("金额占比", "of money"), "notice": ("保级期", "notice"), "provisional": ("暂定", "provisional"),
    "capped": ("逾期封顶", "capped"),
    "proposal": ("聚类建议（{as_of}，{customers}户；只供总行参考，不会自动生效）",
                 "Proposed by clustering ({as_of}, {customers} customers; nothing changes by itself)"),
    "no_proposal": ("没有聚类建议：客户太少，不足以聚类。", "No proposal: too few customers to cluster."),
    "now": ("现行", "in force"), "proposed": ("建议", "proposed"), "reach_now": ("达到现行", "reach it now"),
    "reach_then": ("达到建议", "would reach it"), "kept": ("（沿用）", " (kept)"),
    "agreement": ("建议标准与聚类一致{agreement}（目标{aim}，{verdict}）；现行标准与聚类一致{now}。",
                  "The proposed thresholds agree with the clusters for {agreement} of customers (aim {aim}: {verdict}); "
                  "those in force for {now}."),
    "meets": ("达到", "met"), "misses": ("未达到", "missed"),
    "crossing": ("规则与聚类对照（行：按建议标准；列：聚类，从低到高）",
                 "Rule against cluster (rows: by the proposed thresholds; columns: clusters, low to high)"),
    "cluster": ("第{rank}类", "cluster {rank}"),
    "change": ("如获批准，按最近评定的数字：升{up}户，降{down}户，其余{same}户不变。降级的先过保级期。",
               "If approved, by the latest graded figures: {up} customers up, {down} down, {same} unchanged. Who goes down has "
               "a quarter's notice first."),
    "how": ("采用与否由总行决定。采用的，把下面几行写进本行配置文件 {file}，填上批准人，自{year}年1月1日起执行：",
            "Head office decides. To adopt it, write these lines into the bank's file {file}, with who approves; they hold "
            "from 1 January {year}:"),
    "picture": ("分布图：{path}", "Picture of the distribution: {path}"),
    "overrides": ("人工核定（{file}）：有效{in_force}，过期{expired}，未开始{to_come}，被取代{replaced}，查无此户{unknown}。",
                  "Tiers given by hand ({file}): {in_force} in force, {expired} expired, {to_come} to come, {replaced} "
                  "replaced by a later one, {unknown} for customers nobody knows."),
    "customer": ("客户号", "customer"), "state": ("状态", "state"), "why": ("理由", "why"), "asked": ("提出", "asked by"),
    "by": ("批准", "approved by"), "since": ("自", "since"), "until": ("至", "until"),
    "in_force": ("有效", "in force"), "expired": ("已过期，不执行", "expired, ignored"), "to_come": ("未开始", "to come"),
    "replaced": ("被后一条取代", "replaced"), "unknown": ("查无此客户", "no such customer"),
}


def word(language: Language, key: str, **values: object) -> str:
    """The sentence of that key."""
    return _WORDS[key][0 if language == "zh" else 1].format(**values)


# As `flows.phrases`: the English of each part of an error, `{}` for what is filled in.
ERRORS: dict[str, str] = {
    "tiers of {}": "{} 的客户等级",
    "no tiers of {}": "没有 {} 的客户等级", "no tiers yet": "还没有客户等级",
    "a date that was graded: {}": "评定过的日期：{}", "a night that has graded the customers": "至少跑完一晚，评定过客户",
    "name one of these dates with --as-of": "用 --as-of 指定其中一个日期",
    "it was merged: ask for {}": "该客户号已并户，请查 {}",
    "ask for {}: numbers keep their leading zeros": "请查 {}：客户号前面的 0 不能省",
    "the tiers of {} were made by an earlier version": "{} 的客户等级由旧版程序评定",
    "every figure of a statement": "说明所需的全部数字",
    "run `terrace nightly --as-of {} --new-version`": "运行 terrace nightly --as-of {} --new-version",
    "'{}' is no kind of statement": "'{}' 不是说明文件的类型",
    "a name that ends in .txt or .json": "以 .txt 或 .json 结尾",
    "overrides": "人工核定",
    "no tier {}": "没有等级 {}", "write the id of a tier of the customer's scale": "写客户所属等级体系中的等级代号",
    "'{}' for {} is a tier of the scale '{}'": "{1} 的等级 '{0}' 属于另一等级体系 '{2}'",
    "give a tier of the customer's own scale": "改用该客户所属体系的等级",
}
