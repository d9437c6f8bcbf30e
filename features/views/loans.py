"""Loans and credit lines: what is owed, how it is repaid, what is not drawn."""

from __future__ import annotations

from features.algebra import when
from features.declare import Features, Wording, fact, feature, feature_view
from features.rows.loans import OPEN, Facilities, Loans
from features.rows.transactions import FlowBlocks
from features.views.profile import TODAY
from features.windows import ahead, back

GRAIN = "One row per customer per as_of."
LOANS = ("farmer_credit", "business_loan", "consumer_loan", "mortgage", "student_loan", "startup_loan", "corporate_loan",
         "loan")

DUE_CLEAN = Wording(
    "{next_loan_product:text}余额{next_loan_outstanding_amt:money}，{next_loan_due_on:date}到期，近一年还本付息无逾期。",
    "{next_loan_product_en:text} of {next_loan_outstanding_amt:money} due on {next_loan_due_on:date}; no payment overdue in "
    "the past "
    "year.", when="next_loan_outstanding_amt > 0 and loan_overdue_max_365d_days == 0 and loan_to_maturity_days <= 180")
DUE = Wording("{next_loan_product:text}余额{next_loan_outstanding_amt:money}，{next_loan_due_on:date}到期。",
              "{next_loan_product_en:text} of {next_loan_outstanding_amt:money} due on {next_loan_due_on:date}.",
              when="next_loan_outstanding_amt > 0 and loan_to_maturity_days <= 180")
OWES = Wording("贷款余额{loan_outstanding_amt:money}，已还本金{loan_repaid_share:percent}。",
               "Loans of {loan_outstanding_amt:money} outstanding, {loan_repaid_share:percent} of the principal repaid.",
               when="loan_outstanding_amt > 0 and loan_repaid_share > 0")
REPAID_CLEAN = Wording(
    "{closed_loan_amt:money}{closed_loan_product:text}{closed_loan_on:month}结清，{closed_loan_term_months:months}均按时还款，"
    "目前本行无贷款。",
    "The {closed_loan_product_en:text} of {closed_loan_amt:money} was repaid in {closed_loan_on:month}, on time throughout its "
    "{closed_loan_term_months:months}; no loan here now.",
    when="loan_closed_180d == 1 and loan_overdue_max_term_days == 0 and loan_open_cnt == 0")
REPAID = Wording("{closed_loan_amt:money}{closed_loan_product:text}{closed_loan_on:month}结清，目前本行无贷款。",
                 "The {closed_loan_product_en:text} of {closed_loan_amt:money} was repaid in {closed_loan_on:month}; no loan "
                 "here now.",
                 when="loan_closed_180d == 1 and loan_open_cnt == 0")
VILLAGE_AND_GRAIN = Wording(
    "{facility_granted_on:month}整村授信{facility_limit_amt:money}，至今未用信；"
    "{harvest_from:month}至{harvest_to:month}粮款入账"
    "{grain_in_prev_season_amt:money}。",
    "A {facility_limit_amt:money} village credit line granted in {facility_granted_on:month} is undrawn; grain income from "
    "{harvest_from:month} to {harvest_to:month} was {grain_in_prev_season_amt:money}.",
    when="facility_is_village == 1 and facility_is_untouched == 1 and grain_in_prev_season_amt > 0")
VILLAGE = Wording("{facility_granted_on:month}整村授信{facility_limit_amt:money}，至今未用信。",
                  "A {facility_limit_amt:money} village credit line granted in {facility_granted_on:month} is undrawn.",
                  when="facility_is_village == 1 and facility_is_untouched == 1")
UNDRAWN = Wording("{facility_granted_on:month}授信{facility_limit_amt:money}，至今未用信。",
                  "A {facility_limit_amt:money} credit line granted in {facility_granted_on:month} is undrawn.",
                  when="facility_is_untouched == 1")
PART_DRAWN = Wording("授信{facility_total_limit_amt:money}，已用{facility_drawn_amt:money}，未用{facility_unused_amt:money}。",
                     "Of credit lines of {facility_total_limit_amt:money}, {facility_drawn_amt:money} is drawn and "
                     "{facility_unused_amt:money} is not.", when="facility_drawn_amt > 0 and facility_unused_amt > 0")


@feature_view(entity="customer", owner="credit", grain=GRAIN, sold=LOANS)
def loans(loans: Loans, blocks: FlowBlocks) -> Features:
    """What is owed, how far it is repaid, when it falls due, and what its instalments take of income."""
    amount, owed = loans.sum("amount", OPEN), loans.sum("outstanding", OPEN)
    income = blocks.total("income", 6) / 6
    return Features(
        feature("loan_open_cnt", loans.count(OPEN), "count", "在贷笔数", "Open loans", family="loan_level"),
        feature("loan_open_amt", amount, "money", "在贷合同金额", "Amount of open loans", family="loan_level"),
        feature("loan_outstanding_amt", owed, "money", "贷款余额", "Outstanding", OWES, DUE_CLEAN, DUE, family="loan_level"),
        feature("loan_repaid_share", 1 - owed / amount, "share", "在贷本金已还比例", "Share of open loans' principal repaid",
                OWES,
                family="loan_progress"),
        feature("loan_to_maturity_days", loans.due_next("matures_on") - TODAY, "days", "距最近一笔贷款到期天数",
                "Days until the first loan falls due", DUE_CLEAN, DUE, family="loan_due"),
        feature("loan_due_90d_amt", loans.sum("outstanding", OPEN, ahead(90), "matures_on"), "money", "未来90天到期贷款余额",
                "Outstanding on loans due in 90 days", DUE_CLEAN, DUE, family="loan_due"),
        feature("loan_rate_highest", loans.highest("rate", OPEN), "rate", "在贷最高利率", "Highest rate of open loans",
                family="loan_level"),
        feature("loan_instalment_amt", loans.sum("instalment", OPEN), "money", "每期还款额", "Instalments per period",
                family="loan_burden"),
        feature("loan_burden_share", loans.sum("instalment", OPEN) / income, "share", "每期还款占每30天进账的比例",
                "Instalments as a share of 30 days' income", family="loan_burden"),
        feature("loan_granted_90d_amt", loans.sum("amount", window=back(90)), "money", "近90天发放贷款金额", "Lent in 90 days",
                family="loan_recent"),
        feature("loan_ever_cnt", loans.count(), "count", "历来贷款笔数", "Loans ever", family="loan_history"),
        feature("loan_first_months", (TODAY - (0 - loans.highest("minus_granted_on"))) * 48 / 1461, "months",
                "首笔贷款至今月数",
                "Months since the first loan", family="loan_history"),
        fact("next_loan_due_on", loans.due_next("matures_on"), "date", "最近到期贷款的到期日", "Date of the next loan due"),
        fact("next_loan_outstanding_amt", loans.due_next("outstanding"), "money", "最近到期贷款的余额",
             "Outstanding on the next loan due"),
        fact("next_loan_product", loans.due_next("product_name"), "category", "最近到期贷款的产品",
             "Product of the next loan due"),
        fact("next_loan_product_en", loans.due_next("product_name_en"), "category", "最近到期贷款的产品（英文）",
             "Product of the next loan due, in English"),
    )


@feature_view(entity="customer", owner="credit", grain=GRAIN, sold=LOANS)
def loan_conduct(loans: Loans) -> Features:
    """Overdue, now and at worst; loans repaid."""
    closed = loans.count(window=back(180), day="closed_on")
    return Features(
        feature("loan_overdue_days", loans.highest("overdue_days", OPEN).fill(0), "days", "当前逾期天数", "Days overdue now",
                family="overdue", sensitivity="internal"),
        feature("loan_overdue_amt", loans.sum("overdue_amount", OPEN), "money", "当前逾期金额", "Amount overdue now",
                family="overdue",
                sensitivity="internal"),
        feature("loan_overdue_max_180d_days", loans.worst_overdue(180).fill(0), "days", "近180天最长逾期天数",
                "Most days overdue in 180 days", family="overdue", sensitivity="internal"),
        feature("loan_overdue_max_365d_days", loans.worst_overdue(365).fill(0), "days", "近一年最长逾期天数",
                "Most days overdue in a year", DUE_CLEAN, family="overdue", sensitivity="internal"),
        feature("loan_ever_overdue", (loans.highest("worst_days").fill(0) > 0).flag(), "flag", "是否曾逾期", "Ever overdue",
                family="overdue", sensitivity="internal"),
        feature("loan_closed_180d", when(closed > 0, 1, 0), "flag", "近180天是否结清贷款",
                "Whether a loan was repaid in 180 days",
                REPAID_CLEAN, REPAID, family="loan_repaid"),
        feature("loan_closed_last_days", TODAY - loans.highest("closed_on"), "days", "最近一次结清贷款至今天数",
                "Days since a loan was last repaid", REPAID_CLEAN, REPAID, family="loan_repaid"),
        fact("closed_loan_on", loans.closed_last("closed_on"), "date", "最近结清贷款的日期", "Date the last loan was repaid"),
        fact("closed_loan_amt", loans.closed_last("amount"), "money", "最近结清贷款的金额", "Amount of the last loan repaid"),
        fact("closed_loan_term_months", loans.closed_last("term_months"), "months", "最近结清贷款的期限",
             "Term of the last loan repaid"),
        fact("loan_overdue_max_term_days", loans.closed_last("worst_days"), "days", "最近结清贷款期间最长逾期天数",
             "Most days overdue on the last loan repaid"),
        fact("closed_loan_product", loans.closed_last("product_name"), "category", "最近结清贷款的产品",
             "Product of the last loan repaid"),
        fact("closed_loan_product_en", loans.closed_last("product_name_en"), "category", "最近结清贷款的产品（英文）",
             "Product of the last loan repaid, in English"),
    )


@feature_view(entity="customer", owner="credit", grain=GRAIN, sold=LOANS)
def credit_lines(lines: Facilities) -> Features:
    """Credit lines in force and what of them is drawn."""
    limit, drawn, unused = lines.sum("limit"), lines.sum("drawn"), lines.sum("unused")
    says = (VILLAGE_AND_GRAIN, VILLAGE, UNDRAWN, PART_DRAWN)
    return Features(
        feature("facility_cnt", lines.count(), "count", "有效授信笔数", "Credit lines in force", family="facility"),
        feature("facility_total_limit_amt", limit, "money", "授信总额", "Sum of credit lines", *says, family="facility"),
        feature("facility_drawn_amt", drawn, "money", "已用信金额", "Drawn on credit lines", family="facility"),
        feature("facility_unused_amt", unused, "money", "未用信额度", "Undrawn on credit lines", *says, family="facility"),
        feature("facility_used_share", drawn / limit, "share", "用信率", "Share of credit lines drawn", *says,
                family="facility"),
        feature("facility_granted_days", TODAY - lines.main("granted_on"), "days", "授信至今天数",
                "Days since the main line was granted",
                *says, family="facility"),
        fact("facility_granted_on", lines.main("granted_on"), "date", "主要授信日期", "Date the main line was granted"),
        fact("facility_limit_amt", lines.main("limit"), "money", "主要授信额度", "Limit of the main line"),
        fact("facility_is_untouched", lines.main("is_untouched"), "flag", "主要授信是否从未用信",
             "Whether the main line was never drawn"),
        fact("facility_is_village", lines.main("is_village").fill(0), "flag", "主要授信是否整村授信",
             "Whether the main line is a village line"),
    )


