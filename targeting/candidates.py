"""What could be done for whom: one row per customer and offer, before anything forbids it."""

from __future__ import annotations

import pandas as pd

from targeting.settings import TargetingSettings

COLUMNS = ("customer_id", "offer", "model", "kind", "method", "band", "probability", "low", "high", "raw_score", "basis")


def from_scores(scores: pd.DataFrame, settings: TargetingSettings) -> pd.DataFrame:
    """One row per customer and offer whose model scored the customer; `basis` (money at stake) is left to `worth`."""
    offers = pd.DataFrame(
        [(name, o.model, o.kind) for name, o in settings.active.items() if o.model], columns=["offer", "model", "kind"]
    )
    joined = scores.merge(offers, on="model", how="inner")
    joined["basis"] = float("nan")
    return joined[list(COLUMNS)]


def from_events(events: pd.DataFrame, offer: str, kind: str) -> pd.DataFrame:
    """One row per customer to whom something happened: no model, no probability, the money at stake as `basis`."""
    rows = pd.DataFrame({"customer_id": events["customer_id"], "basis": events["amount"].astype("float64")})
    rows = rows.assign(
        offer=offer,
        model="",
        kind=kind,
        method="event",
        band="",
        probability=float("nan"),
        low=float("nan"),
        high=float("nan"),
        raw_score=float("nan"),
    )
    return rows[list(COLUMNS)]


def together(parts: list[pd.DataFrame], customers: pd.Series[str]) -> pd.DataFrame:
    """All candidates of the day's customers, in total order (customer_id, offer)."""
    frame = pd.concat([p for p in parts if len(p)], ignore_index=True) if any(map(len, parts)) else parts[0]
    frame = frame[frame["customer_id"].isin(customers)]
    return frame.sort_values(["customer_id", "offer"], kind="stable", ignore_index=True)
