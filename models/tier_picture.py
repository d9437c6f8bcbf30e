"""The picture head office approves tiers by: how averages are spread, with the thresholds in force and proposed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ticker import StrMethodFormatter

from models.pictures import save
from models.tier_proposal import Money, Proposal

NAME = "tier_proposal.png"
CHINESE = ("Noto Sans CJK SC", "Noto Serif CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei")
_WORDS = {
    "en": (
        "Tiers proposed as of {on}: agreement of rule and cluster {proposed:.1%}, in force {in_force:.1%}",
        "average daily financial assets of the quarter (dotted: thresholds in force, solid: proposed)",
        "customers",
    ),
    "zh": (
        "{on} 等级标准建议：规则与聚类一致 {proposed:.1%}，现行标准 {in_force:.1%}",
        "季日均金融资产（虚线：现行标准，实线：建议标准）",
        "户数",
    ),
}


def draw(proposal: Proposal, adb: Money, words: Mapping[str, tuple[str, str]], language: str, folder: Path) -> Path:
    """Write `tier_proposal.png`. `words`: tier -> its name, zh and en. In English where this machine has no Chinese font."""
    fonts = [font for font in CHINESE if font in fontManager.get_font_names()]
    in_chinese = language == "zh" and bool(fonts)
    title, across, up = _WORDS["zh" if in_chinese else "en"]
    with rc_context({"font.sans-serif": [*fonts, "DejaVu Sans"], "font.family": "sans-serif"} if in_chinese else {}):
        figure = Figure(figsize=(9, 4.5), dpi=110, layout="constrained")
        axes = figure.add_subplot()
        edges = np.logspace(0, max(6.0, np.log10(adb.max(initial=1.0))), 81)
        axes.hist(np.maximum(adb, 1.0), bins=edges.tolist(), color="#7a9cc6")
        for level in proposal.levels[1:]:
            axes.axvline(level.adb, color="#b3382c")
            axes.axvline(max(level.adb_in_force, 1.0), color="#444444", linestyle=":")
            axes.annotate(
                f"{words.get(level.id, (level.id, level.id))[0 if in_chinese else 1]} {level.adb:,.0f}",
                (level.adb, 0.98),
                xycoords=("data", "axes fraction"),
                rotation=90,
                va="top",
                ha="right",
                fontsize=8,
            )
        axes.set(xscale="log", yscale="log", xlabel=across, ylabel=up)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_title(title.format(on=proposal.as_of, proposed=proposal.agreement, in_force=proposal.agreement_in_force))
        save(figure, folder / NAME)
    return folder / NAME
