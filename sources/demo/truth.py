"""What truly drives the demo bank, written beside its files: never read by the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from sources.demo import closing, demand, dirt, leaving, stories
from sources.demo.chance import Floats
from sources.demo.files import texts, write_table
from sources.demo.groups import GROUPS
from sources.demo.movements import day_column
from sources.demo.temper import OFFERS
from sources.demo.wishes import FAMILIES
from sources.demo.world import World
from store.files import write_json


@dataclass
class Truth:
    """One part per month-end, kept until the end."""

    hazard: list[pa.Table] = field(default_factory=list)
    closing: list[pa.Table] = field(default_factory=list)
    demand: list[pa.Table] = field(default_factory=list)

    def note(self, world: World, m: int) -> None:
        """The truth on the eve of month m (as_of: the last day of month m - 1)."""
        eve = (world.at.months[m].start if m < len(world.at.months) else world.at.days) - 1
        p, known, state = leaving.truth(world, m)
        who = np.flatnonzero(known)
        assets = world.assets()[who] / 100
        self.hazard.append(
            pa.table(
                {
                    "customer_id": texts(world.people.ids, who),
                    "as_of": day_column(world, np.full(len(who), eve)),
                    "p_leave_90d": p[who],
                    "assets": assets,
                    "state": texts(("here", "leaving", "left", "gone"), state[who]),
                }
            )
        )
        soon, later, may, state = closing.truth(world, m)
        who = np.flatnonzero(may)
        self.closing.append(
            pa.table(
                {
                    "customer_id": texts(world.people.ids, who),
                    "as_of": day_column(world, np.full(len(who), eve)),
                    "p_close_90d": soon[who].astype(np.float32),
                    "p_close_180d": later[who].astype(np.float32),
                    "state": texts(closing.STATES, state[who]),
                }
            )
        )
        stands = demand.standings(world, m)
        for place, family in enumerate(FAMILIES):
            may, chance_of = demand.truth(world, family, m, stands)
            who = np.flatnonzero(may)
            self.demand.append(
                pa.table(
                    {
                        "customer_id": texts(world.people.ids, who),
                        "as_of": day_column(world, np.full(len(who), eve)),
                        "family": texts(FAMILIES, np.full(len(who), place)),
                        "p_first_own_use_90d": chance_of[who].astype(np.float32),
                    }
                )
            )

    def write(self, world: World, out: Path) -> None:
        """Everything known about the truth, under `out`."""
        write_table(out / "hazard.parquet", pa.concat_tables(self.hazard))
        write_table(out / "closing.parquet", pa.concat_tables(self.closing))
        write_table(out / "demand.parquet", pa.concat_tables(self.demand))
        _write_uplift(world, out)
        _write_people(world, out)
        e = world.events
        order = np.lexsort((e["who"], e["kind"], e["day"]))
        write_table(
            out / "events.parquet",
            pa.table(
                {
                    "customer_id": texts(world.people.ids, e["who"][order]),
                    "on": day_column(world, e["day"][order]),
                    "kind": pa.array(e["kind"][order].astype(str)),
                }
            ),
        )
        write_json(out / "stories.json", stories.facts(world))
        write_json(out / "dirt.json", dirt.counted(world))


def _write_uplift(world: World, out: Path) -> None:
    """What one contact would change on the last day: chance of the good outcome within 90 days, with less without."""
    m, parts = len(world.at.months), []
    kept, stands = world.worked.copy(), demand.standings(world, m)
    for place, offer in enumerate(OFFERS):
        sides: list[Floats] = []
        for worked in (-99, m):
            world.worked[place] = worked
            if offer == "churn_aum":
                p, may, state = leaving.truth(world, m)
                may = may & (state == 0)
                sides.append(1 - p)
            else:
                may, p = demand.truth(world, offer, m, stands)
                sides.append(p)
        world.worked = kept.copy()
        who = np.flatnonzero(may)
        parts.append(
            pa.table(
                {
                    "customer_id": texts(world.people.ids, who),
                    "offer": texts(OFFERS, np.full(len(who), place)),
                    "effect": sides[1][who] - sides[0][who],
                    "logit_effect": world.temper.effect[place, who],
                }
            )
        )
    write_table(out / "uplift.parquet", pa.concat_tables(parts))


def _write_people(world: World, out: Path) -> None:
    p = world.people
    n = np.arange(p.persons)
    write_table(
        out / "people.parquet",
        pa.table(
            {
                "customer_id": texts(p.ids, n),
                "group": texts(GROUPS, p.group[n]),
                "engaged": pa.array(p.engaged[n]),
                "loyalty": p.loyalty[n],
                "shopper": p.shopper[n],
                "digital": p.digital[n],
                "thrift": p.thrift[n],
                "enterprise": p.enterprise[n],
                "nerve": p.nerve[n],
                "gone": pa.array(world.gone[n]),
            }
        ),
    )
