"""What each rule means and what a data steward does about it, in the bank's language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """A rule in words, and what to do."""

    zh: str
    en: str
    zh_do: str
    en_do: str


ADVICE: dict[str, Advice] = {
    "type": Advice(
        "无法按约定格式读取",
        "cannot be read in the agreed format",
        "核对接口文件该字段的格式；如格式已变，修改配置中的 date、unit 等",
        "compare the field's format; if it changed, set date, unit and the like",
    ),
    "code": Advice(
        "代码不在对照表内",
        "code is not in the code table",
        "向源系统确认新代码含义，补入 codes，或设 otherwise",
        "ask what the code means; add it to `codes`, or set `otherwise`",
    ),
    "required": Advice(
        "必填项为空",
        "a value no row can do without is missing",
        "请源系统补录；若该类记录本不应下发，用 where 排除",
        "have it filled in at the source, or leave such rows out with `where`",
    ),
    "reference": Advice(
        "引用的主数据不存在",
        "refers to a row that is not there",
        "核对主表是否缺记录或同批未到；主表修复后本行自动恢复",
        "look for the missing master row; once it is there this row returns by itself",
    ),
    "range": Advice(
        "数值超出合理范围",
        "value out of range",
        "核对源系统录入；确属正常则放宽 checks.ranges",
        "check the entry at the source; if it is right, widen checks.ranges",
    ),
    "rate": Advice(
        "利率异常，疑按百分数录入",
        "implausible rate, probably entered in percent",
        "核对利率单位（5.4 与 0.054），在配置中写明 rate 与 per",
        "check the unit (5.4 against 0.054); say `rate` and `per`",
    ),
    "dates": Advice(
        "日期先后颠倒",
        "dates in the wrong order",
        "核对两个日期，由源系统更正",
        "compare the two dates and have them corrected at the source",
    ),
    "unknown_birth": Advice(
        "出生日期为占位值，按未知处理",
        "birth date is a placeholder, taken as unknown",
        "由网点补录真实出生日期",
        "have the branch record the true date",
    ),
    "key": Advice(
        "同一主键有多条不同记录",
        "one key stands for different rows",
        "确认以哪条为准；如为更正，请下发 recorded_on",
        "say which one holds; if it is a correction, map `recorded_on`",
    ),
    "currency": Advice(
        "非本币记录", "row in another currency", "折算后下发，或确认不纳入", "deliver it converted, or confirm it stays out"
    ),
    "late": Advice(
        "迟到入账",
        "recorded late",
        "了解迟报原因；按入账日起生效，无需处理历史名单",
        "find out why; it counts from the day it was recorded",
    ),
    "before_opening": Advice(
        "业务日期早于开户日", "dated before its account was opened", "核对开户日或业务日期", "compare opening date and event"
    ),
    "after_closing": Advice(
        "业务日期晚于销户日", "dated after its account was closed", "核对销户日或业务日期", "compare closing date and event"
    ),
    "ahead": Advice(
        "业务日期远在其他记录之后，疑为录入错误",
        "dated long after all other rows, probably by mistake",
        "由源系统更正日期；如确为真实数据，放宽 checks.ahead_days",
        "have the date corrected; if the rows are right, widen checks.ahead_days",
    ),
    "filled": Advice(
        "应有值的原始字段为空",
        "a source column that should be filled is blank",
        "请源系统补齐；已知缺失可写入 waivers",
        "have it filled in; a known gap is written under `waivers`",
    ),
    "lines": Advice(
        "文件行无法按列拆分",
        "lines that do not split into the columns",
        "核对分隔符、引号与列数；查看 quarantine 中的行样式",
        "check separator, quotes and number of columns; the lines' shapes are in quarantine",
    ),
    "encoding": Advice(
        "含乱码字节",
        "holds bytes that are no text",
        "核对文件编码；个别乱码由源系统修正客户姓名等",
        "check `encoding`; have single names corrected",
    ),
    "balance": Advice(
        "逐笔余额与发生额不符",
        "movements do not add up to the printed balance",
        "与核心系统对账该账户当日明细",
        "reconcile that account and day with the core system",
    ),
    "unclosed": Advice(
        "已销户仍有余额",
        "closed account with money left",
        "核对销户日余额，按零处理",
        "check the last balance; it counts as zero",
    ),
    "day_late": Advice(
        "全量文件迟到，晚于后一日文件",
        "a full file came after that of a later day",
        "已按文件日期补入；当时已发布的名单不变",
        "it counts from its own day; lists published meanwhile stay as they are",
    ),
    "day_resent": Advice(
        "已比对过的日期又收到内容不同的全量文件",
        "a full file came again and says something else",
        "以后到的文件为准重新比对；请确认源系统确为更正",
        "the later one now counts; make sure it is a correction",
    ),
    "day_twice": Advice(
        "同一天的全量文件重复下发，内容相同",
        "the same full file came twice",
        "只取一份，可删除多余文件",
        "it counts once; the other may be deleted",
    ),
}

GATES: dict[str, tuple[str, str]] = {
    "lines": ("不可读行占比", "share of unreadable lines"),
    "gone": ("全量文件较前一日缺失占比", "share of keys gone from a full file"),
    "quarantined": ("隔离行占比", "share of rows quarantined"),
    "key": ("主键冲突占比", "share of conflicting keys"),
    "fresh": ("数据日期", "business date"),
    "total": ("控制总数", "control total"),
    "volume": ("当日笔数", "rows of the day"),
}

ACTIONS: dict[str, tuple[str, str]] = {
    "quarantine": ("隔离", "set aside"),
    "null": ("置空", "cell blanked"),
    "flag": ("提示", "reported"),
}
STATES: dict[str, tuple[str, str]] = {
    "passed": ("通过", "passed"),
    "broken": ("未通过", "BROKEN"),
    "waived": ("豁免", "waived"),
    "untried": ("未检", "not tried"),
}
