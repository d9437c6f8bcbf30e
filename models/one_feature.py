"""The rule of thumb a model must beat: rank customers by the one feature that ranked them best in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.dataset import Dataset
from models.splits import customer_draw

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OneFeatureRule:
    """Rank by this feature, upwards or downwards; unknown comes last."""

    feature: str
    is_descending: bool
    roc_auc: float  # in training

    def score(self, dataset: Dataset) -> Array:
        """Higher is likelier."""
        values = dataset.select((self.feature,), dataset.encodings)[:, 0].astype(np.float64)
        signed = values if self.is_descending else -values
        return np.where(np.isnan(signed), -np.inf, signed)


def _auc(score: npt.NDArray[np.float32], positive: npt.NDArray[np.bool_], hits: int, misses: int) -> float:
    from scipy.stats import rankdata  # takes a second to import, so only where something is learned

    return float((rankdata(score)[positive].sum() - hits * (hits + 1) / 2) / max(1, hits * misses))


def best_rule(dataset: Dataset, most_rows: int = 20_000) -> OneFeatureRule:
    """The best single feature by ROC AUC on these rows: all positives, and a keyed sample of the rest where there are many."""
    share = most_rows / max(1, len(dataset.rows))
    sample = dataset if share >= 1 else dataset.take((dataset.target == 1) | (customer_draw(dataset, "one-feature") < share))
    matrix, positive = sample.matrix, sample.target == 1
    hits, misses = int(positive.sum()), int((~positive).sum())
    best = OneFeatureRule("", True, 0.0)
    for place, name in enumerate(sample.feature_names):
        values = matrix[:, place]
        unknown = np.isnan(values)
        falling = _auc(np.where(unknown, -np.inf, values), positive, hits, misses)
        rising = _auc(np.where(unknown, -np.inf, -values), positive, hits, misses) if unknown.any() else 1 - falling
        for down, auc in ((True, falling), (False, rising)):
            if auc > best.roc_auc:
                best = OneFeatureRule(name, down, float(auc))
    return best
