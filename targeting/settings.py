"""What a bank decides about its lists: owners, hours, exclusions, offers with their assumptions, contact rules."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from store.settings import Settings
from targeting.list_book import WorkbookSettings

OfferKind = Literal["purchase", "retention", "service", "trigger"]
Risk = Literal["R1", "R2", "R3", "R4", "R5"]


class RoutingRule(Settings):
    """A customer for whom every stated condition holds goes up, whoever manages them. The first rule that holds decides."""

    name: str
    to: Literal["branch_head", "head_office"]
    tiers: tuple[str, ...] = ()  # one of these tiers
    adb_from: float | None = None  # average daily financial assets that graded the customer, currency units
    loans_from: float | None = None  # outstanding of all loans, currency units

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.tiers and self.adb_from is None and self.loans_from is None:
            raise ValueError("a routing rule needs tiers, adb_from or loans_from; without one it would take every customer")
        return self


class OwnerSettings(Settings):
    """Who calls whom."""

    routing: tuple[RoutingRule, ...] = ()
    balance_days: int = Field(default=90, gt=0)  # average that names the main account
    # Where a customer belongs, for lending within the region: the first of these that is known.
    home: tuple[Literal["customer", "grid", "main_account"], ...] = ("customer", "grid", "main_account")


class HourSettings(Settings):
    """Hours a day for calls from the list; a manager's own figure, then the day's availability, override them."""

    per_action: float = Field(default=0.5, gt=0)
    manager: float = Field(default=4.0, ge=0)
    by_role: dict[str, float] = Field(default={})
    branch: float = Field(default=4.0, ge=0)  # one list per branch, where a bank has no managers
    head_office: float = Field(default=8.0, ge=0)
    pool_names: int = Field(default=10, ge=0)  # names a day that a branch head hands out


class Waiver(Settings):
    """A rule that cannot be checked for want of data, passed over for a stated reason."""

    reason: str = Field(min_length=8)


class ExclusionSettings(Settings):
    """Who is never listed, or not for this. The rules themselves are fixed; these are their measures."""

    minor_age: int = Field(default=18, ge=16)
    complaint_days: int = Field(default=90, ge=0)  # a complaint made on a call counts as open for so long
    rating_months: int = Field(default=12, gt=0, le=12)
    channels: tuple[str, ...] = ("any", "phone")  # consent for one of these, refusal of none
    student_words: tuple[str, ...] = ("学生", "student")
    assume_consent: Waiver | None = None
    assume_certified: Waiver | None = None


class ContactRules(Settings):
    """How soon again."""

    same_offer_days: int = Field(default=14, ge=0)
    any_offer_days: int = Field(default=5, ge=0)  # sales calls of any kind; triggers and service calls are not held up
    declined_days: int = Field(default=90, ge=0)


class Offer(Settings):
    """One thing a manager may call about."""

    kind: OfferKind
    zh: str
    en: str
    opening_zh: str
    opening_en: str
    model: str = ""  # scores to read; none for triggers and service
    family: str = ""  # product family: what must not be held already
    also_held_as: tuple[str, ...] = ()  # other families whose holders are not offered it
    is_loan: bool = False
    needs_rating: bool = False  # a valid risk rating that bears the product
    risk: Risk | None = None  # where the bank's products carry none
    certificates: tuple[str, ...] = ()  # the seller must hold one of these, as the bank writes them
    customer_kinds: tuple[str, ...] = ("personal", "sole_trader")
    unsaid: tuple[str, ...] = ()  # feature families never given as its reason
    groups: tuple[str, ...] = ()  # marketing groups it suits; none named: all
    margin: float | None = None  # a year, of the amount; the bank's own product margin goes before it
    amount: float | None = None  # typical amount, currency units
    balance_share: float | None = Field(default=None, gt=0, le=1)  # the amount is no more than this of one's own average
    yearly: float | None = None  # or: what it brings a year, currency units
    rate: float | None = None  # annual rate in loan words, where the bank posts none
    save_rate: float | None = Field(default=None, ge=0, le=1)  # share of calls that keep or bring back the money
    enabled: bool = True

    @property
    def is_service(self) -> bool:
        return self.kind == "service"

    @property
    def is_about_money(self) -> bool:
        """Whether what is offered or kept is the customer's own money."""
        return self.kind == "retention" or self.balance_share is not None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in ("purchase", "retention") and not self.model:
            raise ValueError("a purchase or retention needs the `model` whose scores it reads")
        if self.kind == "purchase" and (self.amount is None or self.margin is None) and self.yearly is None:
            raise ValueError("a purchase needs `margin` and `amount`, or `yearly`")
        if self.kind != "purchase" and self.save_rate is None:
            raise ValueError("a retention, trigger or service call needs `save_rate`")
        if self.is_loan and not ("{rate}" in self.opening_zh and "{rate}" in self.opening_en and self.rate is not None):
            raise ValueError("loan words must carry the annual rate: put {rate} into both openings and `rate` beside them")
        if self.is_loan and self.needs_rating:
            raise ValueError("a loan needs no risk rating of the investor")
        return self

    @field_validator("opening_zh", "opening_en")
    @classmethod
    def _no_gifts(cls, words: str) -> str:
        found = re.search(r"礼品|赠品|送油|送米|抽奖|\bgifts?\b|\bprize", words)
        if found:
            raise ValueError(f"'{found.group()}': deposits are not bought with gifts")
        return words


class WorthSettings(Settings):
    """How a call is valued; assumptions, and shown as such."""

    ftp_margin: float = Field(default=0.012, ge=0)  # a year, on balances kept
    balance_columns: tuple[str, ...] = ("aum_adb_90d", "dep_adb_90d")  # first one the features hold
    least: float = Field(default=0.0, ge=0)  # calls worth no more than this are not listed
    least_probability: float = Field(default=0.0, ge=0, lt=1)  # nor those less likely than this to lead to anything


class WithdrawalTrigger(Settings):
    """Money that left at once: large in itself and large for this customer."""

    days: int = Field(default=1, gt=0)
    least_amount: float = 50_000.0
    least_share: float = 0.3  # of the customer's own 90-day average before
    not_leaving: tuple[str, ...] = ("invest", "premium", "loan_repay", "tax", "interest", "fee")
    loan_proceeds_days: int = 30  # what a loan just paid in is expected to leave


class BreakTrigger(Settings):
    """A term deposit broken before its day."""

    days: int = Field(default=7, gt=0)
    least_amount: float = 10_000.0


class MaturitySettings(Settings):
    """A term that ends soon and is not rolled over by itself."""

    days: int = Field(default=7, gt=0)
    least_amount: float = 10_000.0


class Holdout(Settings):
    """Customers never contacted, for measurement: a keyed hash of the oldest number of the person."""

    share: float = Field(default=0.0, ge=0, le=0.2)
    key: str = "holdout"


class TargetingSettings(Settings):
    """Key `targeting` of a bank file."""

    owners: OwnerSettings = OwnerSettings()
    hours: HourSettings = HourSettings()
    exclusions: ExclusionSettings = ExclusionSettings()
    contacts: ContactRules = ContactRules()
    worth: WorthSettings = WorthSettings()
    withdrawal: WithdrawalTrigger = WithdrawalTrigger()
    early_break: BreakTrigger = BreakTrigger()
    maturity: MaturitySettings = MaturitySettings()
    holdout: Holdout = Holdout()
    reasons: int = Field(default=3, gt=0, le=6)  # sentences a row, at most
    tier_gap: float = Field(default=0.1, ge=0, le=0.5)  # of the next tier's threshold: what lacks no more is said; 0: never
    workbooks: WorkbookSettings = WorkbookSettings()
    offers: dict[str, Offer]

    @property
    def active(self) -> dict[str, Offer]:
        """Offers in force, by id in name order."""
        return {name: offer for name, offer in sorted(self.offers.items()) if offer.enabled}
