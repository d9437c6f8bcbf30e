"""The dirt real files have, a few in a thousand, each kind counted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sources.demo.chance import Ints, chance
from sources.demo.world import World

# kind: table, the rule of the contract that sees it ("" where none can), what happens to it
KINDS: dict[str, tuple[str, str, str]] = {
    "name_bytes_broken": ("CIF_KHXX", "encoding", "flag"),
    "identity_15_digits": ("customers", "", "none"),
    "birth_1900": ("customers", "unknown_birth:birth_on", "null"),
    "branch_phone": ("customers", "", "none"),
    "gender_against_identity": ("customers", "", "none"),
    "closed_before_opened": ("accounts", "dates:closed_on", "null"),
    "rate_out_of_scale": ("loans", "rate:rate", "null"),
    "old_town_name": ("grids", "", "none"),
    "late_year_end": ("transactions", "late:recorded_on", "flag"),
    "double_contact": ("contacts", "copy", "dropped"),
    "contact_without_customer": ("contacts", "reference:customer_id", "quarantine"),
    "visit_outcome_unknown": ("contacts", "code:outcome", "null"),
    "consent_without_date": ("consents", "type:on", "quarantine"),
}


def some(world: World, kind: str, pool: Ints, share: float, keys: pa.Array | None = None) -> Ints:
    """Rows of `pool` that get this dirt; at least one where there are any. Notes how many and which."""
    rng = chance(world.seed, "dirt", kind)
    found = np.sort(rng.permutation(pool)[: max(1, round(len(pool) * share))])
    world.dirt[kind] = len(found)
    if keys is not None:
        world.dirty_keys[kind] = keys.take(pa.array(found)).to_pylist()
    return found


def counted(world: World) -> dict[str, dict[str, object]]:
    """Every kind: table, rule, what the intake does with it, how many rows, and their keys where they have one."""
    return {
        kind: {
            "table": table,
            "rule": rule,
            "action": action,
            "rows": world.dirt.get(kind, 0),
            "keys": world.dirty_keys.get(kind, []),
        }
        for kind, (table, rule, action) in sorted(KINDS.items())
    }
