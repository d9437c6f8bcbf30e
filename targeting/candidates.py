"""What could be done for whom: one row per customer and offer, before anything forbids it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from targeting.settings import TargetingSettings

COLUMNS = ("customer_id", "offer", "model", "kind", "method", "band", "probability", "low", "high", "raw_score", "basis")


def from_scores(scores: pd.DataFrame, settings: TargetingSettings) -> pd.DataFrame:
    """One row per customer and offer whose model scored the customer; `basis` (money at stake) is left to `worth`."""
    parts = []
    for name, offer in settings.active.items():
        if offer.model:
            own = scores[(scores["model"] == offer.model).to_numpy(bool)]
            parts.append(own.assign(offer=name, kind=offer.kind, basis=float("nan"))[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else scores.iloc[:0].reindex(columns=list(COLUMNS))


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
    whose, offer = (pa.array(frame[name], pa.string()) for name in ("customer_id", "offer"))
    known = pa.array(customers.sort_values(), pa.string())
    place, number = (_place(whose, known), _place(offer, pc.unique(offer).sort()))
    order = np.lexsort((number, place))
    return frame.take(order[place[order] >= 0]).reset_index(drop=True)


def _place(column: pa.Array, values: pa.Array) -> npt.NDArray[np.int64]:
    """Where each text stands among the values; -1 for one that is not among them."""
    return np.asarray(pc.index_in(column, value_set=values).fill_null(-1).to_numpy(), np.int64)
