"""Pictures of an evaluation, for the people who judge models: gains, calibration, backtest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from models.bootstrap import Estimate
from models.evaluate import CURVE, Evaluation
from store.files import atomic_path

INK, BLUE, GREY, RED = "#222222", "#1f5fa8", "#8a8f98", "#b3401f"


def _figure(title: str, subtitle: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(7.2, 5.0), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(f"{title}\n", loc="left", fontsize=13, color=INK, fontweight="bold")
    axes.text(0, 1.02, subtitle, transform=axes.transAxes, fontsize=9.5, color=GREY)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color="#e6e8eb", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def save(figure: Figure, path: Path, bbox_inches: str | None = None) -> None:
    """Write a PNG in one step, without the names and dates that would make equal pictures differ."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None}, bbox_inches=bbox_inches)


def _about(evaluation: Evaluation) -> str:
    how = "out of time" if evaluation.judged == "out_of_time" else "cross-fitted by customer, within the training period"
    days = evaluation.as_ofs
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{how}, {span}: {evaluation.rows:,} rows, {evaluation.positive_customers:,} customers with a positive"


def gains(name: str, evaluation: Evaluation, path: Path) -> None:
    """Share of positives caught against share of the cohort called, with its interval, and the capacity of a night."""
    figure, axes = _figure(f"{name}: gains", _about(evaluation))
    shares = np.array((0.0, *CURVE))
    value, low, high = (np.array([0.0, *(getattr(g, part) for g in evaluation.gains)]) for part in ("value", "low", "high"))
    axes.fill_between(shares, low, high, color=BLUE, alpha=0.18, linewidth=0, label="95 % interval, by customer")
    axes.plot(shares, value, color=BLUE, linewidth=2, label="model")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="no model")
    share, caught = evaluation.capacity_share, evaluation.gain_capacity
    axes.plot([share, share], [0, caught.value], color=RED, linewidth=1.2)
    axes.plot(
        [share],
        [caught.value],
        "o",
        color=RED,
        label=f"capacity {evaluation.capacity:,} a night: {caught.value:.0%} [{caught.low:.0%}, {caught.high:.0%}]",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="share of the cohort called, best first", ylabel="share of positives caught")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    auc, lift = evaluation.roc_auc, evaluation.lift_10
    axes.text(
        0.98,
        0.32,
        f"ROC AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]\n"
        f"lift at 10 % {lift.value:.1f} [{lift.low:.1f}, {lift.high:.1f}]",
        ha="right",
        fontsize=10,
        color=INK,
    )
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    save(figure, path)


def calibration(name: str, evaluation: Evaluation, path: Path) -> None:
    """What was expected and what came, by tenths of the cohort, on logarithmic axes."""
    figure, axes = _figure(f"{name}: calibration by decile", _about(evaluation))
    shown = [d for d in evaluation.deciles if d.expected > 0]
    expected = np.array([d.expected for d in shown])
    observed = np.array([d.observed.value for d in shown])
    floor = max(min(expected.min(), *(o for o in observed if o > 0), evaluation.base_rate) / 3, 1e-6)
    low = np.maximum([d.observed.low for d in shown], floor)
    high = np.maximum([d.observed.high for d in shown], floor)
    at = np.maximum(observed, floor)
    top = min(1.0, max(high.max(), expected.max()) * 1.6)
    axes.plot([floor, top], [floor, top], color=GREY, linestyle="--", linewidth=1, label="as expected")
    axes.vlines(expected, low, high, color=BLUE, linewidth=1.6, alpha=0.7, label="95 % interval, by customer")
    axes.plot(expected, at, "o", color=BLUE, label="a tenth of the cohort")
    none = observed <= 0
    if none.any():
        axes.plot(expected[none], at[none], "v", color=RED, label="no positive at all")
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(expected.min() / 1.6, top),
        ylim=(floor / 1.1, top),
        xlabel="expected probability",
        ylabel="observed share",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    over = evaluation.observed_expected
    axes.text(
        0.98,
        0.04,
        f"observed over expected {over.value:.2f} [{over.low:.2f}, {over.high:.2f}]",
        ha="right",
        transform=axes.transAxes,
        fontsize=10,
        color=INK,
    )
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    save(figure, path)


def over_nights(
    name: str, nights: Sequence[str], series: Sequence[tuple[str, Sequence[Estimate]]], about: str, path: Path
) -> None:
    """One panel per measure over replayed nights, each night with its interval."""
    figure = Figure(figsize=(7.2, 2.3 * len(series) + 0.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(series), 1, sharex=True, squeeze=False)[:, 0]
    figure.suptitle(f"{name}: {about}", x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    at = np.arange(len(nights))
    for axes, (label, values) in zip(panels, series, strict=True):
        axes.vlines(at, [v.low for v in values], [v.high for v in values], color=BLUE, alpha=0.5, linewidth=1.6)
        axes.plot(at, [v.value for v in values], "o-", color=BLUE, linewidth=1.2, markersize=5)
        axes.set_ylabel(label, fontsize=9)
        axes.grid(color="#e6e8eb", linewidth=0.8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[-1].set_xticks(at, nights, rotation=30 if len(nights) > 4 else 0, fontsize=8)
    save(figure, path)
