"""Why each listed row is on the list: sentences of the model's reasons, of the segment, of what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from targeting.nearing import CODE, nearing
from targeting.reasons import NO_SINGLE_REASON, render, segment_reason
from targeting.settings import TargetingSettings
from targeting.wording import SpecLike

_KEY = ["customer_id", "offer"]


def reasons(
    listed: pd.DataFrame,
    explained: pd.DataFrame,
    rows: pd.DataFrame,
    events: pd.DataFrame,
    tiers: pd.DataFrame,
    catalog: Sequence[SpecLike],
    settings: TargetingSettings,
    horizons: Mapping[str, int],
    tier_words: Mapping[str, tuple[str, str]],
    *,
    as_of: dt.date,
    currency: str,
) -> pd.DataFrame:
    """One row per listed row: customer_id, offer, reasons_zh, reasons_en (a sentence a line), reason_codes, has_internal.

    A row of a segment rate ends with what that rate honestly says; a row of an event says the event; a call about money says
    what little is missing to the next tier. Whoever calls a customer about something else reads the event too, as the last
    sentence, and keeps it to herself.
    """
    segments = _of_segments(listed, horizons)
    happened = events.merge(listed[_KEY], on=_KEY, how="inner").rename(columns={"zh": "reason_zh", "en": "reason_en"})
    unsaid = {name: offer.unsaid for name, offer in settings.active.items() if offer.unsaid}
    texts = render(
        explained,
        rows,
        catalog,
        as_of=as_of,
        currency=currency,
        top=settings.reasons,
        balance=next((column for column in settings.worth.balance_columns if column in rows), ""),
        unsaid=unsaid,
        fallback=pd.concat([happened, segments], ignore_index=True),
    )
    joined = texts.merge(segments, on=_KEY, how="left").merge(happened[_KEY].assign(happened=True), on=_KEY, how="left")
    more = joined["reason_zh"].notna() & (joined["reason_codes"] != "")
    event = joined["happened"].astype("boolean").fillna(False).astype(bool)
    told = joined.assign(
        reasons_zh=joined["reasons_zh"].where(~more, joined["reasons_zh"] + "\n" + joined["reason_zh"].fillna("")),
        reasons_en=joined["reasons_en"].where(~more, joined["reasons_en"] + "\n" + joined["reason_en"].fillna("")),
        reason_codes=joined["reason_codes"].where(~event, joined["offer"]),
        has_internal=joined["has_internal"] | event,
    )
    about_money = [name for name, offer in settings.active.items() if offer.is_about_money]
    near = nearing(
        told[told["offer"].isin(about_money)],
        rows,
        tiers,
        tier_words,
        as_of=as_of,
        currency=currency,
        most=settings.tier_gap,
    )
    told = _with_more(told[texts.columns.to_list()], near.assign(code=CODE))
    return _with_events(told, events)


def _with_events(told: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """What else happened to a listed customer, after the reasons of the offer."""
    others = told[_KEY].merge(events.rename(columns={"offer": "event"}), on="customer_id", how="inner")
    others = others[others["offer"] != others["event"]].rename(columns={"event": "code"})
    together = _with_more(told, others)
    has = pd.MultiIndex.from_frame(told[_KEY]).isin(pd.MultiIndex.from_frame(others[_KEY]))
    return together.assign(has_internal=together["has_internal"] | has)


def _with_more(told: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """The rows of `told` in their order with the sentences and codes of `more` (customer_id, offer, code, zh, en) added."""
    sentences = more.sort_values([*_KEY, "code"], kind="stable").groupby(_KEY, sort=False)
    added = sentences.agg(zh=("zh", "\n".join), en=("en", "\n".join), codes=("code", ",".join))
    joined = told.merge(added.astype("str").reset_index(), on=_KEY, how="left")
    has = joined["codes"].notna()
    codes = (joined["reason_codes"] + "," + joined["codes"].fillna("")).str.strip(",")
    before = joined[["reasons_zh", "reasons_en"]].where(joined["reasons_zh"] != NO_SINGLE_REASON[0], "")
    return joined.assign(
        reasons_zh=joined["reasons_zh"].where(~has, (before["reasons_zh"] + "\n" + joined["zh"].fillna("")).str.strip("\n")),
        reasons_en=joined["reasons_en"].where(~has, (before["reasons_en"] + "\n" + joined["en"].fillna("")).str.strip("\n")),
        reason_codes=joined["reason_codes"].where(~has, codes),
    )[told.columns.to_list()]


def _of_segments(listed: pd.DataFrame, horizons: Mapping[str, int]) -> pd.DataFrame:
    """The segment's sentence for rows without a model; many share one, so each distinct one is said once."""
    shared = ["model", "kind", "probability", "low", "high"]
    rows = listed[listed["method"] == "segment_rate"]
    distinct = rows[shared].drop_duplicates()
    said = []
    for model, kind, rate, low, high in distinct.itertuples(index=False):
        days = horizons.get(model)
        period = (f"{days}天内", f"within {days} days") if days else ("同样期限内", "over the same span")
        verb = ("流失", "left") if kind == "retention" else ("办理", "took it")
        said.append(
            segment_reason(
                rate=rate, low=low, high=high, period_zh=period[0], period_en=period[1], verb_zh=verb[0], verb_en=verb[1]
            )
        )
    words = distinct.assign(
        reason_zh=pd.Series([zh for zh, _ in said], index=distinct.index, dtype="str"),
        reason_en=pd.Series([en for _, en in said], index=distinct.index, dtype="str"),
    )
    return rows.merge(words, on=shared, how="left")[[*_KEY, "reason_zh", "reason_en"]]
