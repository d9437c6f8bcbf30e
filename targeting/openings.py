"""Opening lines: what a manager may say first. They name the branch and the caller, never another bank, sums or flows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from store.errors import ConfigError

SLOTS = ("branch", "caller", "rate", "bank")
_UNSAID = re.compile(
    r"他行|别的银行|其他银行|转走|转出|转入|流出|余额|\d+(\.\d+)?\s*[万亿]?元"
    r"|\bother banks?\b|\belsewhere\b|\bCNY\b|\bCZK\b|\bbalance of\b",
    re.IGNORECASE,
)


class OfferLike(Protocol):
    """What a list says of an offer."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def opening_zh(self) -> str: ...
    @property
    def opening_en(self) -> str: ...
    @property
    def rate(self) -> float | None: ...


def check(offers: Mapping[str, OfferLike]) -> None:
    """Every opening says only what may be said to a customer, in slots that can be filled. Raises ConfigError."""
    for name, offer in sorted(offers.items()):
        for language, words in (("zh", offer.opening_zh), ("en", offer.opening_en)):
            where = f"targeting.offers.{name}.opening_{language}"
            found = _UNSAID.search(words)
            if found:
                raise ConfigError(
                    f"'{found.group()}' is said to a customer",
                    where=where,
                    expected="no other bank, no sums, no flows",
                    do="say what the bank offers instead",
                )
            unknown = [slot for slot in re.findall(r"\{([^}]*)\}", words) if slot not in SLOTS]
            if unknown:
                raise ConfigError(f"'{{{unknown[0]}}}' is no slot", where=where, expected=" ".join(f"{{{s}}}" for s in SLOTS))


def opening(offer: OfferLike, language: str, *, bank: str, branch: str, caller: str) -> str:
    """The opening line with its slots filled; a rate as 3.85%."""
    words = offer.opening_zh if language == "zh" else offer.opening_en
    rate = "" if offer.rate is None else f"{offer.rate * 100:.2f}".rstrip("0").rstrip(".") + "%"
    filled = {"bank": bank, "branch": branch, "caller": caller, "rate": rate}
    return re.sub(r"\{(\w+)\}", lambda slot: filled.get(slot.group(1), slot.group()), words)


def caller(name: str, language: str) -> str:
    """How a manager names herself on the phone: 小周; in English her name. 客户经理 where nobody's name is known."""
    if not name:
        return "客户经理" if language == "zh" else "your bank adviser"
    return f"小{name[0]}" if language == "zh" else name
