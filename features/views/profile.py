"""Who the customer is and how long here."""

from __future__ import annotations

from features.algebra import of_clock
from features.declare import Features, fact, feature, feature_view
from features.rows.customers import HOLDS, KIND, OPEN, Accounts, Customers
from features.windows import back

TODAY = of_clock(lambda clock: clock.day)


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.")
def profile(customer: Customers) -> Features:
    """Kind and age of the person, and the time since they came. Age may be in a model, never in a reason."""
    return Features(
        feature("cust_kind", customer.text("kind"), "category", "客户类型", "Kind of customer"),
        feature("cust_age_years", ((TODAY - customer.day("birth_on")) * 4 / 1461), "count", "年龄（岁）", "Age in years",
                sensitivity="protected-in-reasons"),
        feature("cust_tenure_months", (TODAY - customer.day("opened_on")) * 48 / 1461, "months", "开户至今月数",
                "Months since becoming a customer"),
        fact("cust_opened_on", customer.day("opened_on"), "date", "开户日期", "Customer since"),
    )


@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.")
def account_holdings(accounts: Accounts) -> Features:
    """How many accounts, and how new."""
    return Features(
        feature("acct_open_cnt", accounts.count(OPEN), "count", "在用账户数", "Open accounts"),
        feature("acct_time_open_cnt", accounts.count(OPEN & KIND.equals("time")), "count", "在存定期账户数",
                "Open time deposit accounts"),
        feature("acct_invest_open_cnt", accounts.count(OPEN & HOLDS.differs("deposit")), "count",
                "持有理财、基金、保险、国债户数",
                "Open accounts of wealth, funds, insurance and bonds"),
        feature("acct_opened_90d_cnt", accounts.count(window=back(90)), "count", "近90天新开账户数",
                "Accounts opened in 90 days"),
        feature("acct_opened_365d_cnt", accounts.count(window=back(365)), "count", "近一年新开账户数",
                "Accounts opened in a year"),
        feature("acct_closed_90d_cnt", accounts.count(window=back(90), day="closed_on"), "count", "近90天销户数",
                "Accounts closed in 90 days"),
        feature("acct_closed_365d_cnt", accounts.count(window=back(365), day="closed_on"), "count", "近一年销户数",
                "Accounts closed in a year"),
        feature("acct_first_opened_months", (TODAY - accounts.first_day()) * 48 / 1461, "months", "首个账户开立至今月数",
                "Months since the first account"),
        feature("acct_last_opened_days", TODAY - accounts.last_day(), "days", "最近一次开户至今天数",
                "Days since the last account was opened"),
    )
