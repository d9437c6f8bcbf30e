"""What could be done for whom: one row per customer and offer, before anything forbids it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from targeting.settings import TargetingSettings

CODED = ("offer", "model", "kind", "method", "band")  # few texts over millions of rows: numbers of categories
_SAID = ("model", "method", "band")  # those that come with a score
_SCORED = (*_SAID, "probability", "low", "high", "raw_score")
Numbers = npt.NDArray[np.int64]


def numbers(customers: pd.Series[str], owners: pd.Series[str]) -> Numbers:
    """Where each customer stands among the owners; -1: nowhere."""
    at = pc.index_in(pa.array(customers, pa.string()), value_set=pa.array(owners, pa.string()))
    return np.asarray(at.fill_null(-1).to_numpy(), np.int64)


def candidates(
    scores: pd.DataFrame,
    whose: Numbers,
    happened: Mapping[str, pd.DataFrame],
    settings: TargetingSettings,
    owners: pd.Series[str],
) -> pd.DataFrame:
    """One row per customer of the day and offer whose model scored the customer, or to whom something happened.

    In total order (number, offer): `number` is the place among `owners`, which are sorted, and `whose` that of each score.
    `CODED` are categories in their order. Of an event (by offer: customer_id, amount) there is no probability, but the money
    at stake as `basis`, which of a score is left to `worth`.
    """
    scored = scores[list(_SCORED)].assign(number=whose, basis=float("nan"))
    frame = _one_after_another([scored, *(_of_events(events, owners) for events in happened.values())])
    offers = sorted(settings.active)
    rows, offer = _asked(frame["model"], len(scored), happened, settings)
    number = frame["number"].to_numpy()[rows]
    order = np.lexsort((offer, number))
    order = order[number[order] >= 0]
    kinds = sorted({one.kind for one in settings.active.values()})
    kind = np.array([kinds.index(settings.active[name].kind) for name in offers], np.int8)
    asked = frame.take(rows[order]).reset_index(drop=True)
    return asked.assign(
        customer_id=owners.take(number[order]).array,
        offer=pd.Categorical.from_codes(offer[order], pd.Index(offers)),
        kind=pd.Categorical.from_codes(kind[offer[order]], pd.Index(kinds)),
    )


def places(column: pd.Series[str], values: Sequence[str]) -> Numbers:
    """Where each text of a column of few stands among the values; -1 for one that is not among them."""
    texts = column.astype("category").cat
    return np.asarray(np.append(pd.Index(values).get_indexer(texts.categories), -1)[texts.codes], np.int64)


def _asked(
    model: pd.Series[str], scored: int, happened: Mapping[str, pd.DataFrame], settings: TargetingSettings
) -> tuple[Numbers, Numbers]:
    """Rows, and the offer each stands for by its place in order: the `scored` first rows for any offer of their model."""
    of_score = model.iloc[:scored]
    found = [(name, np.flatnonzero(of_score == one.model)) for name, one in settings.active.items() if one.model]
    for name, events in happened.items():
        found.append((name, np.arange(scored, scored + len(events))))
        scored += len(events)
    offers = sorted(settings.active)
    rows = np.concatenate([np.empty(0, np.int64), *(rows for _, rows in found)])
    return rows, np.repeat([offers.index(name) for name, _ in found], [len(rows) for _, rows in found]).astype(np.int64)


def _of_events(events: pd.DataFrame, owners: pd.Series[str]) -> pd.DataFrame:
    none = dict.fromkeys(("probability", "low", "high", "raw_score"), float("nan"))
    rows = pd.DataFrame({"number": numbers(events["customer_id"], owners), "basis": events["amount"].astype("float64")})
    return rows.assign(model="", method="event", band="", **none)


def _one_after_another(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all parts, `_SAID` as categories that they share, in the order of these."""
    there = [part for part in parts if len(part)] or parts[:1]
    coded = [part.astype(dict.fromkeys(_SAID, "category")) for part in there]
    for name in _SAID:
        texts = sorted({text for part in coded for text in part[name].cat.categories})
        coded = [part.assign(**{name: part[name].cat.set_categories(texts)}) for part in coded]
    return pd.concat(coded, ignore_index=True)
