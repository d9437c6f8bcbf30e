"""The SHAP summary of a model, drawn by shap from LightGBM's own exact contributions. The only importer of shap."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np

from models import booster
from models.champion import Champion
from models.pictures import save
from models.stack import Floats


def summary(champion: Champion, sample: Floats, path: Path, threads: int = 2, most: int = 15) -> None:
    """Beeswarm of the features that move scores most, over the rows of `sample` (columns as the champion's features)."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # shap's colour maps use a call matplotlib will drop
        import shap  # takes seconds to import, so only here

    parts = booster.contributions(champion.booster_text, sample, threads)
    explained = shap.Explanation(
        values=parts[:, :-1],
        base_values=parts[:, -1],
        data=sample.astype(np.float64),
        feature_names=list(champion.feature_names),
    )
    before = np.random.get_state()  # beeswarm scatters its points with the global generator
    np.random.seed(0)
    with mpl.rc_context({"font.size": 10}):
        shap.plots.beeswarm(explained, max_display=most, show=False, plot_size=(8.5, 6.0), group_remaining_features=False)
        figure = plt.gcf()
        axes = figure.axes[0]
        axes.set_title(f"{champion.name}: what moves the score", loc="left", fontsize=13, fontweight="bold")
        axes.set_xlabel("contribution to the log-odds (right: likelier)", fontsize=10)
        axes.tick_params(axis="y", labelsize=9)
        save(figure, path, bbox_inches="tight")
        plt.close(figure)
    np.random.set_state(before)
