"""What could be done for whom: one row per customer and offer, before anything forbids it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from targeting.settings import TargetingSettings

CODED = ("offer", "model", "kind", "method", "band")  # few texts over millions of rows: numbers of categories
COLUMNS = ("customer_id", "offer", "model", "kind", "method", "band", "probability", "low", "high", "raw_score", "basis")


def from_scores(scores: pd.DataFrame, settings: TargetingSettings) -> pd.DataFrame:
    """One row per customer and offer whose model scored the customer; `basis` (money at stake) is left to `worth`."""
    parts = []
    for name, offer in settings.active.items():
        if offer.model:
            own = scores[(scores["model"] == offer.model).to_numpy(bool)]
            same = {"offer": _same(name, len(own)), "kind": _same(offer.kind, len(own))}
            parts.append(own.assign(**same, basis=float("nan"))[list(COLUMNS)])
    return _one_after_another(parts) if parts else scores.iloc[:0].reindex(columns=list(COLUMNS))


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
    """All candidates of the day's customers, in total order (customer_id, offer); `CODED` are categories in their order."""
    frame = _one_after_another(parts)
    known = pa.array(customers.sort_values(), pa.string())
    place = pc.index_in(pa.array(frame["customer_id"], pa.string()), value_set=known).fill_null(-1).to_numpy()
    order = np.lexsort((frame["offer"].cat.codes, place))
    return frame.take(order[place[order] >= 0]).reset_index(drop=True)


def places(column: pd.Series[str], values: Sequence[str]) -> npt.NDArray[np.int64]:
    """Where each text of a column of few stands among the values; -1 for one that is not among them."""
    texts = column.astype("category").cat
    return np.asarray(np.append(pd.Index(values).get_indexer(texts.categories), -1)[texts.codes], np.int64)


def _one_after_another(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all parts, `CODED` as categories that they share, in the order of these."""
    there = [part for part in parts if len(part)] or parts[:1]
    coded = [part.astype(dict.fromkeys(CODED, "category")) for part in there]
    for name in CODED:
        texts = sorted({text for part in coded for text in part[name].cat.categories})
        coded = [part.assign(**{name: part[name].cat.set_categories(texts)}) for part in coded]
    return pd.concat(coded, ignore_index=True)


def _same(text: str, count: int) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(np.zeros(count, np.int8), pd.Index([text]))
