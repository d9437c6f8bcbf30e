"""In which turn tables are checked: those that others refer to, first."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter

from sources.mapping import Mapped
from sources.tables import TABLES


def waits_for(tables: Mapping[str, Mapped]) -> dict[str, list[str]]:
    """Table -> tables that are checked before it: those it refers to, and, where its rows are customers', who was merged."""
    graph = {name: sorted({to for _, to in TABLES[name].references if to in tables and to != name}) for name in sorted(tables)}
    for name, others in graph.items():
        if "merges" in tables and TABLES[name].by != "bank":
            others.append("merges")
    return graph


def in_order(tables: Mapping[str, Mapped]) -> list[str]:
    """Tables with those they wait for first."""
    return list(TopologicalSorter(waits_for(tables)).static_order())


def longest_first(tables: Mapping[str, Mapped]) -> list[str]:
    """Tables with those they wait for first; movements, whose way is the longest, and what they wait for before all others."""
    graph, wanted = waits_for(tables), ["transactions"] if "transactions" in tables else []
    for name in wanted:
        wanted += [other for other in graph[name] if other not in wanted]
    return sorted(in_order(tables), key=lambda name: name not in wanted)
