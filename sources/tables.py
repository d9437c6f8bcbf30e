"""The canonical tables as data: grain, key, columns, and when each fact becomes known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "date", "timestamp", "money", "number", "rate", "int", "bool", "code"]

SQL_TYPE: dict[Kind, str] = {
    "id": "VARCHAR", "text": "VARCHAR", "code": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP",
    "money": "BIGINT",      # minor unit of the bank's currency
    "rate": "DOUBLE",       # a fraction a year: 0.0135 is 1.35 percent
    "number": "DOUBLE", "int": "BIGINT", "bool": "BOOLEAN",
}


@dataclass(frozen=True)
class Column:
    """One column: its kind, whether a row without it is broken, and the date before which it reads as null."""

    name: str
    kind: Kind
    required: bool = False
    later: str = ""                     # column with the date on which this fact came true
    codes: tuple[str, ...] = ()         # closed list
    personal: bool = False              # names, phones, numbers: never in features, models, lists


@dataclass(frozen=True)
class Table:
    """One canonical table. `event` is the date from which a row can be known; None: known since ever."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event: str | None = None
    by: Literal["customer", "account", "loan", "bank"] = "bank"   # whose rows these are; not "bank": kept in buckets
    references: tuple[tuple[str, str], ...] = ()                  # (column, table)

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        return next(column for column in self.columns if column.name == name) if name in self.names else _no(self, name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def _no(table: Table, name: str) -> Column:
    raise KeyError(f"{table.name} has no column '{name}'; it has {', '.join(table.names)}")


def _id(name: str, required: bool = False, **more: object) -> Column:
    return Column(name, "id", required, **more)  # type: ignore[arg-type]


def _c(name: str, kind: Kind, required: bool = False, **more: object) -> Column:
    return Column(name, kind, required, **more)  # type: ignore[arg-type]


CATEGORIES = (
    "payroll", "pension", "subsidy", "grain_sale", "acquiring", "land_compensation", "migrant_in", "platform_pay", "cash",
    "own_transfer", "other_transfer", "loan_out", "loan_repay", "invest", "premium", "social_security", "utility", "tuition",
    "medical", "tax", "interest", "fee", "other",
)
HOLDS = ("deposit", "structured", "wealth", "fund", "insurance", "bond", "metal")
LOAN_CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")

_TABLES = (
    Table("customers", "One row per customer and version of its attributes.", ("customer_id",), (
        _id("customer_id", True),
        _c("name", "text", personal=True), _c("phone", "text", personal=True), _c("identity_no", "text", personal=True),
        _c("kind", "code", codes=("personal", "sole_trader", "cooperative", "village_collective", "institution", "corporate")),
        _c("stage", "code", codes=("prospect", "customer", "former")),
        _c("status", "code", codes=("active", "dormant", "deceased", "frozen")),
        _c("opened_on", "date"), _c("birth_on", "date"), _c("gender", "code", codes=("f", "m")),
        _c("occupation", "text"), _c("industry", "text"), _c("education", "text"),
        _id("branch_id"), _id("manager_id"), _id("grid_id"),
        _c("risk_rating", "code", codes=("R1", "R2", "R3", "R4", "R5")), _c("risk_rated_on", "date"),
        _c("is_staff", "bool"), _c("is_related_party", "bool"), _c("source", "text"), _c("lawful_basis", "text"),
    ), event="opened_on", by="customer",
        references=(("branch_id", "branches"), ("manager_id", "managers"), ("grid_id", "grids"))),
    Table("accounts", "One row per account: anything here that holds the customer's money.", ("account_id",), (
        _id("account_id", True), _id("customer_id", True), _id("product_id"), _id("branch_id"), _id("parent_account_id"),
        _c("holds", "code", True, codes=HOLDS), _c("kind", "code", codes=("current", "time")),
        _c("class", "code", codes=("I", "II", "III")),
        _c("status", "code", codes=("normal", "dormant", "frozen", "stopped", "lost")), _c("currency", "text"),
        _c("opened_on", "date", True), _c("closed_on", "date", later="closed_on"),
    ), event="opened_on", by="customer",
        references=(("customer_id", "customers"), ("product_id", "products"), ("branch_id", "branches"))),
    Table("terms", "One row per term of an account.", ("account_id", "started_on"), (
        _id("account_id", True), _c("started_on", "date", True), _c("matures_on", "date", True), _c("amount", "money", True),
        _c("rate", "rate"), _c("rollover", "code", codes=("none", "principal", "all")),
        _c("ended_on", "date", later="ended_on"),
        _c("end_reason", "code", later="ended_on", codes=("matured", "rolled", "early", "early_part")),
        _id("renewed_into", later="ended_on"),
    ), event="started_on", by="account", references=(("account_id", "accounts"),)),
    Table("balances", "One row per account and day on which its closing balance changed; it holds until the next row.",
          ("account_id", "on"), (
        _id("account_id", True), _c("on", "date", True), _c("balance", "money", True),
    ), event="on", by="account", references=(("account_id", "accounts"),)),
    Table("facilities", "One row per credit line.", ("facility_id",), (
        _id("facility_id", True), _id("customer_id", True), _id("product_id"), _c("limit", "money", True),
        _c("revolving", "bool"), _c("granted_on", "date", True), _c("expires_on", "date"),
        _c("guarantee", "code", codes=("credit", "guarantor", "mortgage", "pledge")),
        _c("source", "code", codes=("village", "application")),
    ), event="granted_on", by="customer", references=(("customer_id", "customers"), ("product_id", "products"))),
    Table("loans", "One row per loan.", ("loan_id",), (
        _id("loan_id", True), _id("customer_id", True), _id("account_id"), _id("product_id"), _id("facility_id"),
        _c("granted_on", "date", True), _c("amount", "money", True), _c("rate", "rate"), _c("matures_on", "date"),
        _c("closed_on", "date", later="closed_on"), _c("instalment", "money"),
        _c("repayment", "code", codes=("annuity", "linear", "interest_quarterly", "interest_monthly", "bullet")),
        _c("purpose", "text"), _id("previous_loan_id"),
        _c("renewal", "code", codes=("extension", "refinanced", "renewed_without_repayment")), _c("is_subsidised", "bool"),
    ), event="granted_on", by="customer", references=(("customer_id", "customers"), ("product_id", "products"))),
    Table("loan_status", "One row per loan and day on which its state changed; it holds until the next row.",
          ("loan_id", "on"), (
        _id("loan_id", True), _c("on", "date", True), _c("outstanding", "money", True), _c("overdue_days", "int"),
        _c("overdue_amount", "money"), _c("class", "code", codes=LOAN_CLASSES),
    ), event="on", by="loan", references=(("loan_id", "loans"),)),
    Table("transactions", "One row per transaction of an account.", ("transaction_id",), (
        _id("transaction_id", True), _id("account_id", True), _c("on", "date", True), _c("at", "timestamp"),
        _c("amount", "money", True),    # signed: money in is positive
        _c("channel", "code", codes=("counter", "atm", "mobile", "wechat", "online", "pos", "platform", "system", "other")),
        _c("category", "code", True, codes=CATEGORIES), _id("counterparty_id"), _c("counterparty_bank", "text"),
        _c("counterparty_kind", "code", codes=("own", "person", "firm", "platform", "government")),
        _c("initiated_by", "code", codes=("customer", "bank")), _id("reverses_id"),
        _c("balance_after", "money"), _c("day_order", "int"),    # place within account and day, reconstructed
    ), event="on", by="account", references=(("account_id", "accounts"),)),
    Table("holdings", "One row per customer, product and spell of a contract without a balance.",
          ("customer_id", "product_id", "started_on"), (
        _id("customer_id", True), _id("product_id", True), _c("started_on", "date", True),
        _c("activated_on", "date", later="activated_on"), _c("ended_on", "date", later="ended_on"),
        _c("started_how", "code", codes=("customer", "campaign", "batch")),
    ), event="started_on", by="customer", references=(("customer_id", "customers"), ("product_id", "products"))),
    Table("activity", "One row per customer, day and channel: visits without money.", ("customer_id", "on", "channel"), (
        _id("customer_id", True), _c("on", "date", True), _c("channel", "code", True, codes=(
            "counter", "atm", "mobile", "wechat", "online")), _c("count", "int", True),
    ), event="on", by="customer", references=(("customer_id", "customers"),)),
    Table("links", "One row per pair of customers, kind and spell.", ("customer_id", "related_id", "kind", "started_on"), (
        _id("customer_id", True), _id("related_id", True), _c("kind", "code", True, codes=(
            "household", "spouse", "guarantor", "legal_rep", "shareholder", "employer", "group")),
        _c("started_on", "date", True), _c("ended_on", "date", later="ended_on"),
    ), event="started_on", by="customer", references=(("customer_id", "customers"),)),
    Table("merges", "One row per customer number that was merged into another.", ("old_id", "new_id", "on"), (
        _id("old_id", True), _id("new_id", True), _c("on", "date", True), _c("undone_on", "date", later="undone_on"),
    ), event="on"),
    Table("contacts", "One row per contact with a customer.", ("contact_id",), (
        _id("contact_id", True), _id("customer_id", True), _id("manager_id"), _c("offer", "text", True), _c("channel", "text"),
        _c("on", "date", True), _c("list_version", "text"), _c("assignment_probability", "number"),
        _c("arm", "code", codes=("treatment", "control")),
        _c("outcome", "code", later="outcome_on", codes=(
            "interested", "accepted", "declined", "no_answer", "call_later", "wrong_number", "complaint")),
        _c("outcome_on", "date", later="outcome_on"), _c("skip_reason", "text"),
    ), event="on", by="customer", references=(("customer_id", "customers"),)),
    Table("consents", "One row per customer, purpose, channel and change of mind.",
          ("customer_id", "purpose", "channel", "on"), (
        _id("customer_id", True), _c("purpose", "code", True, codes=(
            "marketing", "automated_marketing", "service", "data_sharing", "life_stage")),
        _c("channel", "code", codes=("any", "phone", "sms", "wechat", "visit", "mail")), _c("on", "date", True),
        _c("granted", "bool", True),
    ), event="on", by="customer", references=(("customer_id", "customers"),)),
    Table("suppressions", "One row per customer, kind and spell.", ("customer_id", "kind", "started_on"), (
        _id("customer_id", True), _c("kind", "code", True, codes=(
            "deceased", "court_freeze", "fraud", "aml", "complaint", "staff", "related_party", "dishonest_debtor", "student",
            "exit", "do_not_call", "law")),
        _c("purpose", "text"), _c("started_on", "date", True), _c("ended_on", "date", later="ended_on"),
        _c("authority", "text"),
    ), event="started_on", by="customer", references=(("customer_id", "customers"),)),
    Table("branches", "One row per branch.", ("branch_id",), (
        _id("branch_id", True), _c("name", "text", True), _c("name_en", "text"), _id("parent_id"),
        _c("level", "code", codes=("head", "branch", "outlet")), _c("longitude", "number"), _c("latitude", "number"),
        _c("moved_on", "date", later="moved_on"), _id("head_manager_id"),
    )),
    Table("managers", "One row per manager.", ("manager_id",), (
        _id("manager_id", True), _c("name", "text", True, personal=True), _id("branch_id", True), _c("hours", "number"),
        _c("role", "code", codes=("manager", "senior", "grid", "branch_head", "head_office")), _c("certificates", "text"),
        _c("title", "text"),
    ), references=(("branch_id", "branches"),)),
    Table("grids", "One row per village or town grid.", ("grid_id",), (
        _id("grid_id", True), _c("name", "text"), _id("branch_id"), _id("manager_id"), _c("town", "text"),
        _c("kind", "code", codes=("village", "urban")), _c("geometry", "text"),
    ), references=(("branch_id", "branches"), ("manager_id", "managers"))),
    Table("products", "One row per product.", ("product_id",), (
        _id("product_id", True), _c("name", "text", True), _c("name_en", "text"), _c("family", "text", True),
        _c("margin", "rate"), _c("counts_as", "code", True, codes=("deposit", "aum", "none")), _c("risk", "code", codes=(
            "R1", "R2", "R3", "R4", "R5")),
    )),
    Table("prices", "One row per product, tenor and date from which its price holds.", ("product_id", "tenor", "valid_from"), (
        _id("product_id", True), _c("tenor", "text"), _c("valid_from", "date", True), _c("rate", "rate"), _c("ftp", "rate"),
    ), event="valid_from", references=(("product_id", "products"),)),
    Table("availability", "One row per manager and day.", ("manager_id", "on"), (
        _id("manager_id", True), _c("on", "date", True), _c("hours", "number", True),
    ), event=None, references=(("manager_id", "managers"),)),
    Table("snapshots", "One row per customer and date of a wide table the bank already keeps.", ("customer_id", "on"), (
        _id("customer_id", True), _c("on", "date", True),
    ), event="on", by="customer", references=(("customer_id", "customers"),)),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}

# Attributes that masters overwrite: where a bank sends full files by day, they are unknown before the first of them.
OVERWRITTEN: dict[str, tuple[str, ...]] = {
    "customers": ("stage", "status", "occupation", "industry", "education", "branch_id", "manager_id", "grid_id", "risk_rating",
                  "risk_rated_on", "is_staff", "is_related_party"),
    "accounts": ("branch_id", "class", "status"),
}
# The day a row's life ended: what it means that a key is gone from a bank's full file. Other rows are then removed.
END = {"accounts": "closed_on", "loans": "closed_on", "terms": "ended_on", "holdings": "ended_on", "links": "ended_on",
       "suppressions": "ended_on", "merges": "undone_on"}

# Every row also carries, set at intake: customer_id and bucket where `by` is not "bank"; known_from (inclusive) and
# known_to (exclusive, null: still), the days between which this version of the row counted.
KNOWN_COLUMNS = ("known_from", "known_to")
