"""Every word of a workbook that is not data, in both languages of the bank."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

OUTCOMES: dict[str, tuple[str, str]] = {       # the closed list of contacts.outcome
    "interested": ("有意向", "Interested"), "accepted": ("已办理", "Accepted"), "declined": ("不需要", "Declined"),
    "no_answer": ("未接通", "No answer"), "call_later": ("约定再联系", "Call later"),
    "wrong_number": ("号码有误", "Wrong number"), "complaint": ("投诉", "Complaint"),
}
BANDS: dict[str, tuple[str, str]] = {"high": ("高", "High"), "middle": ("中", "Middle"), "low": ("低", "Low")}

_WORDS: dict[str, tuple[str, str]] = {
    # columns
    "rank": ("序号", "No."), "manager": ("客户经理", "Manager"), "customer_id": ("客户号", "Customer"),
    "name": ("姓名", "Name"), "phone": ("电话", "Phone"), "tier": ("客户等级", "Tier"), "offer": ("产品推荐", "Next offer"),
    "band": ("可能性", "Likely"), "probability": ("概率", "Probability"),
    "value": ("预计年价值\n（{unit}）", "Value a year\n({unit})"),
    "reasons": ("入选理由", "Why on the list"), "opening": ("开场白", "Opening line"),
    "assign": ("分派给", "Hand to"),
    "outcome": ("联系结果", "Outcome"), "outcome_on": ("联系日期", "Date"), "note": ("备注", "Note"),
    # sheets
    "list": ("名单", "List"), "own": ("本人名单", "My list"), "pool": ("待分派", "To hand out"),
    "people": ("全员名单", "Everyone"),
    "summary": ("说明与汇总", "Summary"), "choices": ("选项", "Choices"), "branch_book": ("支行总表", "Whole branch"),
    "overview": ("总行汇总", "Head office"),
    # titles and lines
    "title": ("{who}　{date}名单　第{version}版", "{who}: list of {date}, version {version}"),
    "title_pool": ("{who}　待分派客户　{date}　第{version}版", "{who}: customers to hand out, {date}, version {version}"),
    "title_people": ("{who}　全员名单　{date}　第{version}版", "{who}: everyone's list, {date}, version {version}"),
    "title_summary": ("{who}　说明与汇总　{date}　第{version}版", "{who}: summary, {date}, version {version}"),
    "line": ("数据日期{date}。共{n}户，用时约{used}小时，当日可用{hours}小时。",
             "Data as of {date}. {n} customers, about {used} hours of calls; {hours} hours available that day."),
    "line_plain": ("数据日期{date}。共{n}户，用时约{used}小时。",
                   "Data as of {date}. {n} customers, about {used} hours of calls."),
    "estimate": ("预计年价值是按假设的估算，不是承诺；假设见“{sheet}”。",
                 "Value a year is an estimate on assumptions, no promise; see \"{sheet}\"."),
    "staff": ("{name}（工号{id}）", "{name} (staff no. {id})"),
    "internal": ("内部资料 请勿外传", "Internal. Do not pass on."),
    "fictitious": ("演示银行，人物与数据均为虚构", "Demonstration bank: people and figures are invented"),
    "page": ("第 &P 页 共 &N 页", "Page &P of &N"), "version": ("第{version}版", "version {version}"),
    "staff_no": ("工号 {id}", "staff no. {id}"),
    "estimate_below": ("预计年价值是按假设的估算，不是承诺；假设见下。",
                       "Value a year is an estimate on assumptions, no promise; the assumptions stand below."),
    # summary
    "at_a_glance": ("一览", "At a glance"), "customers": ("户数", "Customers"), "used": ("用时（小时）", "Hours used"),
    "available": ("可用（小时）", "Hours available"), "value_sum": ("预计年价值（{unit}）", "Value a year ({unit})"),
    "by_offer": ("按产品推荐", "By offer"), "by_tier": ("按客户等级", "By tier"), "by_manager": ("按客户经理", "By manager"),
    "by_branch": ("按支行", "By branch"), "by_band": ("按可能性", "By likelihood"), "total": ("合计", "Total"),
    "none_handed": ("待分派", "To hand out"), "branch": ("支行", "Branch"), "managers": ("客户经理（人）", "Managers"),
    "blank_tally": ("已发生事项（到期、支取等）", "Events (maturities, withdrawals)"),
    "assumptions": ("假设（未经实测，由总行设定，供排序用）",
                    "Assumptions (not measured; set by head office, used for ranking)"),
    "waivers": ("数据与规则的例外（已说明原因）", "Waived checks and rules, with reasons"), "no_waivers": ("无", "None"),
    "how": ("怎样看这张表", "How to read the list"), "item": ("项目", "Item"), "figure": ("数值", "Figure"),
    "chart_offer": ("预计年价值（按产品推荐，{unit}）", "Value a year by offer ({unit})"),
    "chart_top": ("{title}，前{n}", "{title}, first {n}"),
    "chart_branch": ("预计年价值（按支行，{unit}）", "Value a year by branch ({unit})"),
    "chart_manager": ("预计年价值（按客户经理，{unit}）", "Value a year by manager ({unit})"),
    "blank": ("—", "–"),
    "outcome_prompt": ("请从列表选择", "Choose from the list"),
    "date_prompt": ("日期，不早于数据日期", "A date, not before the data's"),
    "note_prompt": ("不超过200字；不写证件号、密码", "At most 200 characters; no identity numbers or passwords"),
}

HOW_TO_READ: tuple[tuple[str, str], ...] = (
    ("名单按预计年价值从高到低排列，请从第1户联系起。",
     "The list runs from the highest value a year down; start with number 1."),
    ("可能性分高、中、低；概率数字在“可能性”右侧的隐藏列：同时选中两旁的列，右键“取消隐藏”。没有概率的是到期、支取等已发生的事项。",
     "Likelihood is high, middle or low; the figure is in the hidden column to its right: select the columns on both sides and "
     "unhide. A dash marks an event such as a maturity, which needs no estimate."),
    ("入选理由是数据日期前的事实，只供内部掌握；金额、转账去向不对客户说。开场白可以直接说。",
     "The reasons are facts up to the data's date, for you only: do not quote sums or transfers to the customer. The opening "
     "line may be said as it stands."),
    ("联系后填“联系结果”“联系日期”“备注”三列（浅黄色），其他列已锁定。客户明确不需要的，选“不需要”，不再联系同一产品。",
     "After the call fill in the three yellow columns, outcome, date and note; the rest is locked. Who says no is marked "
     "Declined and is not called about the same again."),
    ("姓名、电话按规定遮盖，完整信息按客户号在核心系统查询。名单只供本人使用，不转发，用后按档案规定保存或销毁。",
     "Names and phones are masked by rule; look them up in the core system by customer number. The list is for its owner "
     "alone: do not forward it, and keep or destroy it by the archive rules."),
)


def word(key: str, language: Language, **filled: object) -> str:
    """The word or line of that key, with its slots filled."""
    text = _WORDS[key][0 if language == "zh" else 1]
    return text.format(**filled) if filled else text


def pick(pair: tuple[str, str], language: Language) -> str:
    """The half of (zh, en) that the language asks for."""
    return pair[0 if language == "zh" else 1]
