"""Reasons: contributions of listed rows as sentences with the customer's own figures, in Chinese and in English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

import numpy as np
import pandas as pd

from store.errors import TerraceError
from targeting.figures import Floats
from targeting.saying import Speaker
from targeting.wording import Said, SpecLike, understand

BASE = "__base__"
NO_SINGLE_REASON = ("按综合得分入选，没有单独可说的一项。", "Listed on the overall score; no single fact to state.")
COLUMNS = ["customer_id", "offer", "reasons_zh", "reasons_en", "reason_codes", "has_internal"]
_KEY = ["customer_id", "offer"]
_SMALL = 0.02  # of the customer's own money


def render(
    explanations: pd.DataFrame,
    rows: pd.DataFrame,
    catalog: Sequence[SpecLike],
    *,
    as_of: dt.date,
    currency: str = "CNY",
    top: int = 3,
    least: float = 200.0,
    balance: str = "",
    unsaid: Mapping[str, Collection[str]] | None = None,
    fallback: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per customer_id and offer explained: its reasons, one sentence a line, strongest family first.

    `explanations`: customer_id, offer, feature, value, contribution; only what pushes towards the offer is said.
    `rows`: one row per customer_id with the features and facts the wordings name.
    `least`: a sentence whose largest amount is smaller says nothing that matters, and is not said; nor one whose largest
    amount is a fiftieth of the customer's own money, the column `balance`, or less.
    `unsaid`: per offer the families never given as its reason. `fallback`: customer_id, offer, reason_zh, reason_en for
    rows where nothing can be said (or that have no explanation), such as `segment_reason`'s.
    `reason_codes` are the features said, comma-separated; `has_internal`: a sentence is for the manager only.
    Raises ConfigError on a wording that cannot be understood, TerraceError where a customer has no row.
    """
    understood = understand(catalog)
    told = explanations.loc[explanations["feature"] != BASE, [*_KEY, "feature", "contribution"]]
    keys = _keys(explanations, fallback)
    candidates = _ranked(told, {spec.name: spec.family for spec in catalog}, unsaid or {})
    candidates = candidates[candidates["feature"].isin(set(understood))]
    speaker = Speaker(as_of, currency, {spec.name: spec.unit for spec in catalog})
    own = _of_customers(rows, candidates, as_of)
    matters = np.maximum(least, _SMALL * own[balance].fillna(0.0).to_numpy()) if balance else np.full(len(own), least)
    chosen = _chosen(_sayable(candidates, own, understood, speaker, matters), understood, top)
    texts = _joined(_spoken(chosen, own, understood, speaker))
    return _filled(keys.merge(texts, on=_KEY, how="left"), fallback)


def segment_reason(
    *,
    rate: float,
    low: float | None = None,
    high: float | None = None,
    customers: int | None = None,
    took: int | None = None,
    period_zh: str = "近一年",
    period_en: str = "in the past year",
    verb_zh: str = "办理",
    verb_en: str = "took it",
) -> tuple[str, str]:
    """What a segment rate honestly says, zh and en: how many in a hundred of similar customers did, of how many counted.

    `low` and `high` bound the rate. Rates below one in a hundred, and bounds that would be one figure, are said per
    thousand; nobody at all is said so.
    """
    counted = customers is not None and took is not None
    if (counted and took == 0) or rate <= 0:
        of = f"{customers:,}户" if counted else ""
        of_en = f" of {customers:,}" if counted else ""
        return (
            f"同类客户{of}{period_zh}无人{verb_zh}，暂无依据区分个人差异。",
            f"No similar customer{of_en} {verb_en} {period_en}; nothing tells customers apart yet.",
        )
    per = 100 if rate >= 0.01 and (low is None or high is None or round(low * 100) < round(high * 100)) else 1000
    about = max(round(rate * per), 1)
    bounds = [min(max(round(bound * per), 0), per) for bound in (low, high) if bound is not None]
    span_zh = f"（{bounds[0]}至{bounds[1]}户）" if len(bounds) == 2 else ""
    span_en = f" ({bounds[0]} to {bounds[1]})" if len(bounds) == 2 else ""
    count_zh = f"，{customers:,}户中{took:,}户" if counted else ""
    count_en = f"; {took:,} of {customers:,} counted" if counted else ""
    return (
        f"同类客户中{period_zh}每{per:,}户约{about}户{verb_zh}{span_zh}{count_zh}。",
        f"About {about} in {per:,} similar customers {verb_en} {period_en}{span_en}{count_en}.",
    )


def _keys(explanations: pd.DataFrame, fallback: pd.DataFrame | None) -> pd.DataFrame:
    keys = explanations[_KEY] if fallback is None else pd.concat([explanations[_KEY], fallback[_KEY]])
    return keys.drop_duplicates().sort_values(_KEY, ignore_index=True)


def _ranked(told: pd.DataFrame, families: Mapping[str, str], unsaid: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Contributions towards the offer, in families that as a whole push towards it, the strongest family first.

    The net of a family counts, sayable or not: a part that the rest of its family outweighs is no reason.
    """
    grouped = told.assign(family=told["feature"].map(families).fillna(told["feature"]))
    net = grouped.groupby([*_KEY, "family"], sort=False)["contribution"].transform("sum")
    grouped = grouped.assign(net=net)[(net > 0) & (grouped["contribution"] > 0)]
    for offer, never in unsaid.items():
        grouped = grouped[~((grouped["offer"] == offer) & grouped["family"].isin(list(never)))]
    by = [*_KEY, "net", "family", "contribution", "feature"]
    return grouped.sort_values(by, ascending=[True, True, False, True, False, True], ignore_index=True)


def _of_customers(rows: pd.DataFrame, candidates: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """The rows of explained customers, by customer_id."""
    wanted = pd.Index(candidates["customer_id"].unique())
    by_customer = rows.set_index("customer_id")
    missing = wanted.difference(by_customer.index)
    if len(missing):
        raise TerraceError(
            f"{len(missing)} explained customers have no row, first {missing[0]}",
            where="reasons",
            expected="features and facts of every listed customer",
        )
    found: pd.DataFrame = by_customer.loc[wanted].assign(as_of=pd.Timestamp(as_of))
    found.columns = found.columns.astype("object")  # found by hash: a hundred wordings ask for their columns
    return found


def _sayable(
    candidates: pd.DataFrame, rows: pd.DataFrame, understood: Mapping[str, tuple[Said, ...]], speaker: Speaker, matters: Floats
) -> pd.DataFrame:
    """The candidates that can be said, each with the number of the first wording that is true of its customer.

    `matters`: per row of `rows` the amount from which something is worth saying.
    """
    wording = np.full(len(candidates), -1)
    at = rows.index.get_indexer(pd.Index(candidates["customer_id"]))
    for feature, places in candidates.groupby("feature", sort=True).indices.items():
        for number, said in reversed(list(enumerate(understood[str(feature)]))):
            if said.names.issubset(rows.columns):
                own = rows[sorted(said.names)].take(at[places])
                wording[places[speaker.true_and_known(said, own, matters[at[places]])]] = number
    return candidates.assign(wording=wording, at=at)[wording >= 0]


def _chosen(able: pd.DataFrame, understood: Mapping[str, tuple[Said, ...]], top: int) -> pd.DataFrame:
    """The strongest of each family, at most `top` a row; a sentence that two features share is said once."""
    best = able.drop_duplicates([*_KEY, "family"])
    shared = best.assign(
        sentence=[
            understood[str(feature)][number].zh.texts for feature, number in zip(best["feature"], best["wording"], strict=True)
        ]
    ).drop_duplicates([*_KEY, "sentence"])
    return shared[shared.groupby(_KEY, sort=False).cumcount() < top].reset_index(drop=True)


def _spoken(
    chosen: pd.DataFrame, rows: pd.DataFrame, understood: Mapping[str, tuple[Said, ...]], speaker: Speaker
) -> pd.DataFrame:
    zh, en = np.full(len(chosen), "", dtype=object), np.full(len(chosen), "", dtype=object)
    internal = np.zeros(len(chosen), dtype=bool)
    spoken = chosen["feature"] + " " + chosen["wording"].astype("str")
    for name, places in spoken.groupby(spoken, sort=True).indices.items():
        feature, number = str(name).split(" ")
        said = understood[feature][int(number)]
        own = rows[sorted(said.names)].take(chosen["at"].to_numpy()[places])
        zh[places], en[places] = speaker.sentences(said.zh, own, "zh"), speaker.sentences(said.en, own, "en")
        internal[places] = said.internal
    return chosen.assign(zh=zh, en=en, internal=internal)


def _joined(spoken: pd.DataFrame) -> pd.DataFrame:
    """One row per customer_id and offer, its sentences a line each. `spoken` is sorted by both."""
    rows = zip(*(spoken[name].to_list() for name in (*_KEY, "zh", "en", "feature", "internal")), strict=True)
    joined = []
    for key, own in groupby(rows, key=lambda row: row[:2]):
        _, _, zh, en, features, internal = zip(*own, strict=True)
        joined.append((*key, "\n".join(zh), "\n".join(en), ",".join(features), any(internal)))
    return pd.DataFrame(joined, columns=COLUMNS).astype(dict.fromkeys(COLUMNS[:5], "str"))


def _filled(texts: pd.DataFrame, fallback: pd.DataFrame | None) -> pd.DataFrame:
    """Rows without a sentence get their fallback, or say that no single fact stands out."""
    given = (
        texts.assign(reason_zh=None, reason_en=None)
        if fallback is None
        else texts.merge(fallback[[*_KEY, "reason_zh", "reason_en"]], on=_KEY, how="left")
    )
    return given.assign(
        reasons_zh=given["reasons_zh"].fillna(given["reason_zh"]).fillna(NO_SINGLE_REASON[0]).astype("str"),
        reasons_en=given["reasons_en"].fillna(given["reason_en"]).fillna(NO_SINGLE_REASON[1]).astype("str"),
        reason_codes=given["reason_codes"].fillna("").astype("str"),
        has_internal=given["has_internal"].astype("boolean").fillna(False).astype(bool),
    )[COLUMNS]
