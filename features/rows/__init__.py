"""Row sets: what features sum over. Every `RowSet` of a module here is known by its name."""

from __future__ import annotations

import importlib
import pkgutil

from features.known import RowSet


def row_sets() -> dict[str, RowSet]:
    """All row sets, by name."""
    found: dict[str, RowSet] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        found |= {one.name: one for one in vars(module).values() if isinstance(one, RowSet)}
    return found
