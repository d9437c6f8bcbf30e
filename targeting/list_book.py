"""Everything a night's workbooks are made from, and one list's rows as people read them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from store.settings import Settings
from targeting import masking
from targeting.captions import BANDS, Language, pick, word
from targeting.figures import unit_zh
from targeting.list_sheet import numbered
from targeting.openings import OfferLike, caller, opening
from targeting.summary import Statement

NEEDED = (
    "branch_id",
    "manager_id",
    "rank",
    "customer_id",
    "tier",
    "offer",
    "probability",
    "expected_value",
    "reasons_zh",
    "reasons_en",
)


class WorkbookSettings(Settings):
    """Key `targeting.workbooks` of a bank file."""

    amounts: Literal["yuan", "wan"] = "yuan"  # 元 or 万元 (thousands have no place in a Chinese ledger)
    names: Literal["masked", "full"] = "masked"  # phones are always masked, identity numbers never there


@dataclass(frozen=True)
class BankWords:
    """How the bank is called, and in what it counts and speaks."""

    zh: str
    en: str
    short_zh: str
    short_en: str
    currency: str = "CNY"
    language: Language = "zh"
    is_fictitious: bool = False

    @property
    def name(self) -> str:
        return pick((self.zh, self.en), self.language)

    @property
    def short(self) -> str:
        return pick((self.short_zh, self.short_en), self.language)


@dataclass(frozen=True)
class ListBook:
    """One version of a night's lists with the names that join only here.

    `entries`: the list's rows (NEEDED; `band`, `low`, `high` where known); manager_id null: the branch's pool.
    `people`: customer_id, name, phone. `managers`: manager_id, name, branch_id, role. `branches`: branch_id, name, name_en,
    parent_id, level, head_manager_id. `hours`: branch_id, manager_id (null for a pool), hours of the day; may be empty.
    `tiers`: id -> (zh, en), high to low.
    """

    bank: BankWords
    as_of: dt.date
    version: int
    entries: pd.DataFrame
    people: pd.DataFrame
    managers: pd.DataFrame
    branches: pd.DataFrame
    offers: Mapping[str, OfferLike]
    tiers: Mapping[str, tuple[str, str]]
    hours: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"branch_id": [], "manager_id": [], "hours": []}))
    per_action: float = 0.5
    assumptions: tuple[Statement, ...] = ()
    waivers: tuple[Statement, ...] = ()
    settings: WorkbookSettings = field(default_factory=WorkbookSettings)

    @property
    def unit(self) -> str:
        """What values are counted in: 元, 万元; CZK, or 10,000 CZK."""
        if self.bank.language == "en":
            return self.bank.currency if self.settings.amounts == "yuan" else f"10,000 {self.bank.currency}"
        return ("万" if self.settings.amounts == "wan" else "") + unit_zh(self.bank.currency)

    @property
    def shape(self) -> str:
        return "#,##0" if self.settings.amounts == "yuan" else "#,##0.00"

    @property
    def day(self) -> str:
        """The data's date in the bank's language."""
        return (
            f"{self.as_of.year}年{self.as_of.month}月{self.as_of.day}日"
            if self.bank.language == "zh"
            else (f"{self.as_of.day} {self.as_of:%b %Y}")
        )


def shown_rows(book: ListBook) -> pd.DataFrame:
    """One row per entry, in list order, every column as text as people read it; `value` a number in the book's unit.

    Keeps branch_id and manager_id (empty for a pool) for sharing out. Names and phones only where the bank has any.
    """
    language = book.bank.language
    missing = [name for name in NEEDED if name not in book.entries]
    if missing:
        raise ValueError(f"entries lack {', '.join(missing)}; they have {', '.join(book.entries.columns)}")
    rows = book.entries.assign(manager_id=_texts(book.entries["manager_id"]))
    rows = rows.sort_values(["branch_id", "manager_id", "rank", "customer_id"], ignore_index=True)
    managers = _by_id(book.managers, "manager_id", "name")
    branches = branch_names(book)
    scale = 1.0 if book.settings.amounts == "yuan" else 1e-4
    shown = pd.DataFrame(
        {
            "branch_id": rows["branch_id"].astype("str"),
            "manager_id": rows["manager_id"],
            "rank": rows["rank"].astype("int64").astype("str"),
            "manager": _managers(rows["manager_id"], managers, word("none_handed", language)),
            "customer_id": rows["customer_id"].astype("str"),
            "tier": [pick(book.tiers.get(str(tier), (str(tier), str(tier))), language) for tier in rows["tier"]],
            "offer": [pick((book.offers[str(offer)].zh, book.offers[str(offer)].en), language) for offer in rows["offer"]],
            "band": _bands(rows, language),
            "probability": _probabilities(rows, language),
            "value": rows["expected_value"].astype("float64").fillna(0.0) * scale,
            "reasons": [numbered(str(text), language) for text in rows[f"reasons_{language}"]],
        }
    )
    who = zip(rows["offer"], shown["branch_id"], [managers.get(manager, "") for manager in rows["manager_id"]], strict=True)
    shown["opening"] = [
        opening(
            book.offers[str(offer)],
            language,
            bank=book.bank.short,
            branch=branches.get(branch, ""),
            caller=caller(name, language),
        )
        for offer, branch, name in who
    ]
    return _with_people(shown, book)


def branch_names(book: ListBook) -> dict[str, str]:
    """Branch id -> name in the bank's language."""
    names = _by_id(book.branches, "branch_id", "name")
    if book.bank.language == "en" and "name_en" in book.branches:
        names |= {key: name for key, name in _by_id(book.branches, "branch_id", "name_en").items() if name}
    return names


def _with_people(shown: pd.DataFrame, book: ListBook) -> pd.DataFrame:
    joined = shown
    for column, mask in (("name", masking.name if book.settings.names == "masked" else str.strip), ("phone", masking.phone)):
        known = _by_id(book.people, "customer_id", column) if column in book.people else {}
        if any(known.values()):
            joined = joined.assign(**{column: [mask(known.get(customer, "")) for customer in joined["customer_id"]]})
    return joined


def _managers(ids: pd.Series, names: dict[str, str], nobody: str) -> list[str]:
    """Name of each manager; with the number where two share a name or nobody knows it."""
    times = Counter(names.values())
    told = {number: name if times[name] == 1 else f"{name} {number}" for number, name in names.items() if name}
    return [told.get(number, number) or nobody for number in ids]


def _by_id(frame: pd.DataFrame, key: str, column: str) -> dict[str, str]:
    return dict(zip(_texts(frame[key]), _texts(frame[column]), strict=True))


def _texts(values: pd.Series) -> list[str]:
    """Text of each value, empty where there is none; a column without any may be of any type."""
    return ["" if unknown else str(value) for value, unknown in zip(values, values.isna(), strict=True)]


def _bands(rows: pd.DataFrame, language: Language) -> list[str]:
    if "band" not in rows:
        return [word("blank", language)] * len(rows)
    return [pick(BANDS[str(band)], language) if str(band) in BANDS else word("blank", language) for band in rows["band"]]


def _probabilities(rows: pd.DataFrame, language: Language) -> list[str]:
    """12%（8%–17%）: the figure on request, with its interval where there is one."""
    low, high = (rows[name] if name in rows else pd.Series(float("nan"), rows.index) for name in ("low", "high"))
    said = []
    for p, least, most in zip(rows["probability"], low, high, strict=True):
        if pd.isna(p):
            said.append(word("blank", language))
        elif pd.isna(least) or pd.isna(most):
            said.append(_percent(p))
        else:
            span = f"{_percent(least)}–{_percent(most)}"
            said.append(f"{_percent(p)}（{span}）" if language == "zh" else f"{_percent(p)} ({span})")
    return said


def _percent(share: float) -> str:
    return f"{share * 100:.1f}%" if share < 0.1 else f"{share * 100:.0f}%"
