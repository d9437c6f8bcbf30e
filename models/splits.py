"""Time and customers cut so that what is judged was never learned from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.dataset import Dataset
from models.sampling import draw


@dataclass(frozen=True)
class Window:
    """A label's window: the outcome falls in (as_of + gap, as_of + gap + horizon]."""

    gap_days: int
    horizon_days: int

    def ends(self, as_of: dt.date) -> dt.date:
        """The day on which the outcome of this snapshot is known."""
        return as_of + dt.timedelta(days=self.gap_days + self.horizon_days)

    def known_by(self, as_ofs: Sequence[dt.date], day: dt.date) -> list[dt.date]:
        """Those snapshots whose outcomes were known at the close of `day`: what production could have trained on."""
        return [as_of for as_of in as_ofs if self.ends(as_of) <= day]


@dataclass(frozen=True)
class Cut:
    """Earlier snapshots to learn from, later ones to judge by; the earlier outcomes were known at the first later one."""

    earlier: tuple[dt.date, ...]
    later: tuple[dt.date, ...]


def cut(as_ofs: Sequence[dt.date], window: Window, months: int) -> Cut:
    """The newest `months` snapshots as the later part, and all whose windows end by the first of them as the earlier."""
    ordered = sorted(as_ofs)
    later = ordered[-months:]
    earlier = window.known_by(ordered, later[0]) if later else []
    return Cut(tuple(earlier), tuple(later))


def cut_with_positives(dataset: Dataset, window: Window, months: int, least: int) -> Cut | None:
    """The cut with the fewest later snapshots, `months` or more, such that both parts hold `least` customers with a positive.

    None where time does not allow it.
    """
    as_ofs = dataset.as_ofs
    for size in range(months, len(as_ofs)):
        parts = cut(as_ofs, window, size)
        if not parts.earlier or dataset.during(parts.earlier).positive_customers < least:
            return None
        if dataset.during(parts.later).positive_customers >= least:
            return parts
    return None


def customer_draw(dataset: Dataset, key: str) -> npt.NDArray[np.float64]:
    """A number in [0, 1) per row that depends on the key and the customer only."""
    return draw(dataset.stack.customers, key)[dataset.customers]


def thinned(dataset: Dataset, most_rows: int) -> Dataset:
    """All rows of customers with a positive, and a keyed share of the other customers, each standing for those left out.

    About `most_rows` rows; unchanged where there are no more. Many customers without a positive teach little more than some.
    """
    if len(dataset.rows) <= most_rows:
        return dataset
    positive = np.isin(dataset.customers, np.unique(dataset.customers[dataset.target == 1]))
    share = max(0.05, (most_rows - int(positive.sum())) / max(1, int((~positive).sum())))
    if share >= 1:
        return dataset
    kept = dataset.take(positive | (customer_draw(dataset, "thin") < share))
    weight = np.where(np.isin(kept.customers, np.unique(dataset.customers[positive])), 1.0, 1.0 / share)
    return replace(kept, weight=(weight * kept.weights).astype(np.float32))


def folds(dataset: Dataset, count: int, key: str) -> npt.NDArray[np.int64]:
    """A fold per row: all of a customer's rows share one, and customers with a positive are dealt evenly."""
    codes, target = dataset.customers, dataset.target
    distinct, inverse = np.unique(codes, return_inverse=True)
    positive = np.zeros(len(distinct), dtype=bool)
    positive[inverse[target == 1]] = True
    drawn = np.empty(len(distinct))
    drawn[inverse] = customer_draw(dataset, key)
    fold = np.empty(len(distinct), dtype=np.int64)
    for group in (positive, ~positive):
        members = np.flatnonzero(group)
        fold[members[np.lexsort((members, drawn[members]))]] = np.arange(len(members)) % count
    return fold[inverse]
