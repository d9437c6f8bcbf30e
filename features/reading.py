"""Which canonical columns features read, so that nothing else is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from features.declare import Feature
from features.known import RowSet
from features.population import READS


def needed(wanted: Iterable[Feature], sets: Mapping[str, RowSet]) -> dict[str, set[str]]:
    """Canonical tables and columns that the features, and the choice of who has a row, read where a bank fills them."""
    reads: dict[str, set[str]] = {table: set(names) for table, names in READS.items()}
    for rows in _used(wanted, sets):
        for part in (rows.needs, rows.uses):
            for table, names in part.items():
                reads.setdefault(table, set()).update(names)
        for table, name in rows.fields.values():
            reads.setdefault(table, set()).add(name)
    return reads


def _used(wanted: Iterable[Feature], sets: Mapping[str, RowSet]) -> list[RowSet]:
    """The row sets these features are summed over, and those they are made of."""
    names = {leaf.rows for one in wanted for leaf in one.term.leaves}
    waiting = sorted(names)
    while waiting:
        for other in sets[waiting.pop()].after:
            if other not in names:
                names.add(other)
                waiting.append(other)
    return [sets[name] for name in sorted(names)]
