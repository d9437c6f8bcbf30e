"""Sums of a few rows per customer that are at hand as columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.kernels.machine import COUNT, MIN, SUM, compiled


@compiled
def sums(
    customer: Any, day: Any, passes: Any, values: Any, leaf_where: Any, leaf_value: Any, leaf_how: Any, spans: Any, out: Any
) -> None:  # fmt: skip
    """Leaves of rows: `passes` is rows x filters, `values` rows x values; what is no number is passed over."""
    for row in range(len(customer)):
        who, when = customer[row] - 1, day[row]
        for leaf in range(len(leaf_how)):
            if not passes[row, leaf_where[leaf]] or when <= spans[leaf, 0] or when > spans[leaf, 1]:
                continue
            if leaf_how[leaf] == COUNT:
                out[leaf, who] += 1.0
                continue
            value = values[row, leaf_value[leaf]]
            if np.isnan(value):
                continue
            if leaf_how[leaf] == SUM:
                out[leaf, who] += value
            elif leaf_how[leaf] == MIN:
                out[leaf, who] = min(out[leaf, who], value)
            else:
                out[leaf, who] = max(out[leaf, who], value)
