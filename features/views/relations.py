"""What the customer has, uses, was asked, and is tied to."""

from __future__ import annotations

from dataclasses import replace

from features.algebra import Field, Term
from features.declare import Feature, Features, Wording, each, fact, feature, feature_view
from features.rows.loans import OPEN, Loans
from features.rows.relations import CHANNEL, FAMILY, OUTCOME, Activity, Contacts, Holdings, Links
from features.views.profile import TODAY
from features.windows import Window

GRAIN = "One row per customer per as_of."
CONTRACTS = {"mobile_bank": ("手机银行", "Mobile banking"), "social_card": ("社保卡", "Social security card"),
             "acquiring": ("收款码", "Payment code"), "etc": ("ETC", "ETC"), "payroll": ("代发工资", "Payroll"),
             "card": ("银行卡", "Card")}
LENT = {"farmer_credit": ("农户小额信用贷", "Farmer credit"), "business_loan": ("个人经营贷", "Business loan"),
        "consumer_loan": ("消费贷", "Consumer loan"), "mortgage": ("按揭", "Mortgage")}

NO_LOGIN = Wording("手机银行{mobile_last_login_days:days}未登录，此前每周约{mobile_weekly_before_cnt:count}次；近30天到柜面取现"
                   "{txn_counter_cash_out_30d_cnt:count}次。",
                   "No mobile login for {mobile_last_login_days:days}, after about {mobile_weekly_before_cnt:count} a week; "
                   "{txn_counter_cash_out_30d_cnt:count|counter withdrawal|counter withdrawals} in the last 30 days.",
                   when="mobile_last_login_days >= 30 and mobile_weekly_before_cnt >= 1 and txn_counter_cash_out_30d_cnt > 0")
NO_LOGIN_SHORT = Wording("手机银行{mobile_last_login_days:days}未登录，此前每周约{mobile_weekly_before_cnt:count}次。",
                         "No mobile login for {mobile_last_login_days:days}, after about {mobile_weekly_before_cnt:count} a "
                         "week.",
                         when="mobile_last_login_days >= 30 and mobile_weekly_before_cnt >= 1")
LOGINS = Wording("近30天登录手机银行{mobile_login_30d_cnt:count}次。",
                 "{mobile_login_30d_cnt:count|mobile login|mobile logins} in the last 30 days.",
                 when="mobile_login_30d_cnt >= 1 and has_mobile_bank == 1")
DORMANT = Wording("手机银行已开通，近90天没有登录。", "Mobile banking is open, with no login in 90 days.",
                  when="mobile_is_dormant == 1")
NO_MOBILE = Wording("没有开通手机银行，近90天到柜面办理{txn_counter_90d_cnt:count}笔。",
                    "No mobile banking; {txn_counter_90d_cnt:count|counter transaction|counter transactions} in 90 days.",
                    when="has_mobile_bank == 0 and txn_counter_90d_cnt > 0")


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def products_held(holdings: Holdings) -> Features:
    """Contracts without a balance, by family, and how long in use."""
    def held(family: str, zh: str, en: str) -> tuple[Feature, ...]:
        here = FAMILY.equals(family)
        made = (feature(f"has_{family}", (holdings.count(here) > 0).flag(), "flag", f"是否有{zh}", f"Has {en.lower()}",
                        *([NO_MOBILE] if family == "mobile_bank" else []), family="products_held"),
                feature(f"{family}_active_months", (TODAY - holdings.first_day(here, "activated_on")) * 48 / 1461, "months",
                        f"{zh}启用至今月数", f"Months since {en.lower()} was first used", family="products_held"))
        return tuple(replace(one, sold=(family,)) for one in made)
    return Features(
        feature("products_held_cnt", holdings.count(), "count", "签约产品数", "Contracts held", family="products_held"),
        *(held(family, zh, en) for family, (zh, en) in CONTRACTS.items()))


@feature_view(entity="customer", owner="credit", grain=GRAIN)
def loans_held(loans: Loans) -> Features:
    """Whether a loan of each kind is open."""
    return Features(*(replace(
        feature(f"has_{family}", (loans.count(OPEN & Field("family").equals(family)) > 0).flag(), "flag", f"是否有{zh}余额",
                f"Has {en.lower()} open", family="products_held"), sold=(family,)) for family, (zh, en) in LENT.items()))


@feature_view(entity="customer", owner="retail", grain=GRAIN, sold=("mobile_bank",))
def visits(activity: Activity, holdings: Holdings) -> Features:
    """Logins and visits without money, and how they change."""
    mobile = CHANNEL.among("mobile", "wechat")
    count = activity.count(mobile, [30, 90, 180])
    before = activity.count(mobile, [Window("back", 90, 90)])[Window("back", 90, 90)]
    since: Term = TODAY - activity.last_day(mobile)
    held = holdings.count(FAMILY.equals("mobile_bank"))
    says = (NO_LOGIN, NO_LOGIN_SHORT)
    return Features(
        each("mobile_login_{w}_cnt", count, "count", "{w}手机银行登录次数", "Mobile logins {w}", family="mobile",
             says={30: (*says, LOGINS), 90: (*says, LOGINS), 180: says}),
        feature("mobile_last_login_days", since, "days", "手机银行最近一次登录至今天数", "Days since the last mobile login",
                *says,
                family="mobile"),
        feature("mobile_login_change_90d", count[90] / before - 1, "share", "近90天手机银行登录比此前90天的增减",
                "Mobile logins over 90 days against the 90 before", *says, family="mobile"),
        fact("mobile_weekly_before_cnt", activity.count(mobile, [Window("back", 91, 30)])[Window("back", 91, 30)] / 13, "count",
             "此前三个月平均每周登录次数", "Logins a week in the three months before the last 30 days"),
        feature("mobile_is_dormant", ((held > 0) & (count[90].equals(0))).flag(), "flag", "手机银行是否90天未登录",
                "Mobile banking open but unused for 90 days", *says, DORMANT, family="mobile"),
        feature("counter_visit_90d_cnt", activity.count(CHANNEL.equals("counter"), [90])[90], "count", "近90天到网点次数",
                "Branch visits in 90 days", family="visits"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def contact_history(contacts: Contacts) -> Features:
    """How often the customer was contacted, and how it ended."""
    def ended(*outcomes: str) -> Term:
        return contacts.count(OUTCOME.among(*outcomes), [365])[365]
    everything = contacts.count(Field("is_last") >= 0, [90, 365])
    return Features(
        each("contact_{w}_cnt", everything, "count", "{w}联系次数", "Contacts {w}", family="contacts"),
        feature("contact_last_days", TODAY - contacts.last_day(), "days", "最近一次联系至今天数",
                "Days since the last contact", family="contacts"),
        feature("contact_last_outcome", contacts.last_outcome(), "category", "最近一次联系结果", "Outcome of the last contact",
                family="contacts"),
        feature("contact_accepted_365d_cnt", ended("accepted", "interested"), "count", "近一年有意向或接受次数",
                "Contacts in a year that met interest or acceptance", family="contacts"),
        feature("contact_declined_365d_cnt", ended("declined"), "count", "近一年拒绝次数",
                "Contacts in a year that were declined",
                family="contacts"),
        feature("contact_unanswered_365d_cnt", ended("no_answer"), "count", "近一年未接通次数",
                "Contacts in a year without answer",
                family="contacts"),
    )


@feature_view(entity="customer", owner="retail", grain=GRAIN)
def ties(links: Links) -> Features:
    """Household, guarantees, employment: numbers only, never names."""
    return Features(*(feature(f"link_{kind}_cnt", links.count(kind), "count", zh, en, family="links") for kind, zh, en in (
        ("household", "同户客户数", "Customers of the same household"), ("guarantor", "担保关系数", "Guarantees"),
        ("employer", "代发单位数", "Employers who pay through the bank"),
        ("legal_rep", "任法定代表人的企业数", "Firms represented"), ("shareholder", "任股东的企业数", "Firms held"))))


