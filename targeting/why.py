"""Why a customer is, or is not, on a day's list: read from what the version kept of its own making."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from store.errors import NotFound
from targeting import manifest
from targeting.eligibility import PUBLIC_EN, PUBLIC_ZH, Rule, rules
from targeting.settings import TargetingSettings, WorthSettings

View = Literal["manager", "compliance"]
Language = Literal["zh", "en"]
_STEPS = {
    "routed": ("按等级或金额上收", "routed by tier or amount"),
    "manager": ("管户经理", "the customer's manager"),
    "grid": ("网格客户经理", "the grid's manager"),
    "branch_pool": ("网点公共池", "the branch's pool"),
    "head_office": ("总行", "head office"),
}


@dataclass(frozen=True)
class OfferAnswer:
    """One offer for one customer. `rules` names causes for compliance; a manager sees only that there are some."""

    offer: str
    in_cohort: bool
    is_blocked: bool
    rules: tuple[str, ...]
    probability: float | None
    method: str
    expected_value: float | None
    is_best: bool  # the customer's one action
    place: int | None  # in the whole queue of the list
    is_listed: bool


@dataclass(frozen=True)
class Why:
    """The whole answer for one customer at one date."""

    customer_id: str
    as_of: dt.date
    list_version: int
    is_listed: bool
    list_id: str
    manager_id: str | None
    owner_step: str
    owner_rule: str | None
    tier: str | None
    slots: int
    queue: int
    never: tuple[str, ...]  # rules that keep the customer off every list; empty for a manager's eyes
    is_never: bool
    offers: tuple[OfferAnswer, ...]
    reasons_zh: str
    reasons_en: str

    def lines(self, settings: TargetingSettings, language: Language = "zh") -> list[str]:
        """The answer as a person reads it, a line each."""
        return list(_lines(self, settings, language))


def why(version: Path, customer_id: str, settings: TargetingSettings, *, view: View = "manager") -> Why:
    """The answer from one published version: the offers the bank has a model for, and what happened to the customer.

    Raises NotFound for a customer unknown at its date.
    """
    made = manifest.read(version)
    unscored = set(made.offers_without_scores)
    owner = _one(version / "proof" / "owners.parquet", customer_id)
    if owner is None:
        raise NotFound(
            f"no customer '{customer_id}'",
            where=f"lists of {made.as_of}",
            expected="a customer of that date",
            do="look for the number in the bank's customers; it may be closed, merged or not yet opened",
        )
    weighed = _all(version / "proof" / "decisions.parquet", "customer_id", customer_id)
    entry = _one(version / "entries.parquet", customer_id)
    own = _all(version / "lists.parquet", "list_id", owner["list_id"])
    found = {row["offer"]: row for row in weighed}
    never = tuple(filter(None, owner["never"].split(",")))
    return Why(
        customer_id=customer_id,
        as_of=made.as_of,
        list_version=made.list_version,
        is_listed=entry is not None,
        list_id=owner["list_id"],
        manager_id=owner["manager_id"],
        owner_step=owner["owner_step"],
        owner_rule=owner["owner_rule"],
        tier=owner["tier"],
        slots=own[0]["slots"] if own else 0,
        queue=own[0]["queue"] if own else 0,
        never=never if view == "compliance" else (),
        is_never=bool(never),
        offers=tuple(
            _answer(name, found.get(name), view)
            for name in sorted({*found, *(n for n, o in settings.active.items() if o.model and n not in unscored)})
        ),
        reasons_zh=entry["reasons_zh"] if entry else "",
        reasons_en=entry["reasons_en"] if entry else "",
    )


def _answer(offer: str, row: Mapping[str, Any] | None, view: View) -> OfferAnswer:
    if row is None:
        return OfferAnswer(offer, False, False, (), None, "", None, False, None, False)
    causes = tuple(filter(None, row["rules"].split(",")))
    return OfferAnswer(
        offer,
        True,
        bool(causes),
        causes if view == "compliance" else (),
        row["probability"],
        row["method"],
        row["expected_value"],
        row["place"] is not None,
        row["place"],
        row["is_listed"],
    )


def _all(path: Path, column: str, value: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(path, filters=[(column, "=", value)]).to_pylist()
    return found


def _one(path: Path, customer_id: str) -> dict[str, Any] | None:
    found = _all(path, "customer_id", customer_id)
    return found[0] if found else None


def _lines(answer: Why, settings: TargetingSettings, language: Language) -> list[str]:
    known = {rule.name: rule for rule in rules(settings, answer.as_of)}
    said = _head_zh(answer) if language == "zh" else _head_en(answer)
    if answer.is_never:
        said.append(_cause(answer.never, known, language))
    for offer in answer.offers:
        spoken = settings.offers.get(offer.offer)
        name = offer.offer if spoken is None else spoken.zh if language == "zh" else spoken.en
        said.append(name + ("：" if language == "zh" else ": ") + _judged(offer, answer, known, language, settings.worth))
    reasons = answer.reasons_zh if language == "zh" else answer.reasons_en
    return [*said, *(["入选理由：" if language == "zh" else "Reasons:", *reasons.split("\n")] if reasons else [])]


def _head_zh(answer: Why) -> list[str]:
    routed = f"（{answer.owner_rule}）" if answer.owner_rule else ""
    listed = "已列入" if answer.is_listed else "未列入"
    return [
        f"客户{answer.customer_id}，数据日期{answer.as_of}，第{answer.list_version}版：{listed}。",
        f"归属：{answer.list_id}，依据：{_STEPS[answer.owner_step][0]}{routed}；当日可联系{answer.slots}户，排队{answer.queue}户。",
    ]


def _head_en(answer: Why) -> list[str]:
    routed = f" ({answer.owner_rule})" if answer.owner_rule else ""
    listed = "listed" if answer.is_listed else "not listed"
    return [
        f"Customer {answer.customer_id}, as of {answer.as_of}, version {answer.list_version}: {listed}.",
        f"Owner: {answer.list_id}, by {_STEPS[answer.owner_step][1]}{routed}; {answer.slots} calls fit today, "
        f"{answer.queue} customers in the queue.",
    ]


def _cause(names: tuple[str, ...], known: Mapping[str, Rule], language: Language) -> str:
    zh = language == "zh"
    causes = [(known[n].zh if zh else known[n].en) if n in known else n for n in names]
    if zh:
        return PUBLIC_ZH + (f"（{'、'.join(causes)}）。" if causes else "。")
    return PUBLIC_EN + (f" ({', '.join(causes)})." if causes else ".")


def _judged(offer: OfferAnswer, answer: Why, known: Mapping[str, Rule], language: Language, floor: WorthSettings) -> str:
    zh = language == "zh"
    if not offer.in_cohort:
        return "不在样本范围内。" if zh else "not in the cohort."
    if offer.is_blocked:
        return _cause(offer.rules, known, language)
    worth = f"预期收益{offer.expected_value:,.2f}" if zh else f"expected value {offer.expected_value:,.2f}"
    if offer.probability is not None:
        worth = (f"概率{offer.probability:.1%}，" if zh else f"probability {offer.probability:.1%}, ") + worth
    unlikely = offer.probability is not None and offer.probability < floor.least_probability
    is_little = offer.expected_value is not None and offer.expected_value <= floor.least
    if not offer.is_best and (unlikely or is_little):
        return f"{worth}；低于列入下限。" if zh else f"{worth}; not worth a call."
    if not offer.is_best:
        return f"{worth}；另有预期收益更高的事项。" if zh else f"{worth}; another offer is worth more."
    if offer.is_listed:
        return f"{worth}；列第{offer.place}位。" if zh else f"{worth}; place {offer.place} on the list."
    return (
        f"{worth}；排第{offer.place}位，当日只能联系{answer.slots}户。"
        if zh
        else f"{worth}; place {offer.place}, beyond today's {answer.slots} calls."
    )
