"""Why each listed row is on the list: sentences of the model's reasons, of the segment, of what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from targeting.reasons import render, segment_reason
from targeting.settings import TargetingSettings
from targeting.wording import SpecLike

_KEY = ["customer_id", "offer"]


def reasons(
    listed: pd.DataFrame,
    explained: pd.DataFrame,
    rows: pd.DataFrame,
    events: pd.DataFrame,
    catalog: Sequence[SpecLike],
    settings: TargetingSettings,
    horizons: Mapping[str, int],
    *,
    as_of: dt.date,
    currency: str,
) -> pd.DataFrame:
    """One row per listed row: customer_id, offer, reasons_zh, reasons_en (a sentence a line), reason_codes, has_internal.

    A row of a segment rate ends with what that rate honestly says; a row of an event says the event. Whoever calls a
    customer about something else reads the event too, as the last sentence, and keeps it to herself.
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
    return _with_events(told[texts.columns.to_list()], events)


def _with_events(told: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """What else happened to a listed customer, after the reasons of the offer."""
    others = told[_KEY].merge(events.rename(columns={"offer": "event"}), on="customer_id", how="inner")
    others = others[others["offer"] != others["event"]].sort_values([*_KEY, "event"], kind="stable")
    more = others.groupby(_KEY, sort=False).agg(zh=("zh", "\n".join), en=("en", "\n".join), codes=("event", ",".join))
    joined = told.merge(more.astype("str").reset_index(), on=_KEY, how="left")
    has = joined["codes"].notna()
    codes = (joined["reason_codes"] + "," + joined["codes"].fillna("")).str.strip(",")
    return joined.assign(
        reasons_zh=joined["reasons_zh"].where(~has, joined["reasons_zh"] + "\n" + joined["zh"].fillna("")),
        reasons_en=joined["reasons_en"].where(~has, joined["reasons_en"] + "\n" + joined["en"].fillna("")),
        reason_codes=joined["reason_codes"].where(~has, codes),
        has_internal=joined["has_internal"] | has,
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
