"""What truly drives the demo bank, written beside its files: never read by the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sources.demo import closing, demand, dirt, leaving, stories
from sources.demo.chance import Floats, Ints
from sources.demo.columns import texts
from sources.demo.files import table_writer, write_table
from sources.demo.groups import GROUPS
from sources.demo.movements import day_column
from sources.demo.temper import OFFERS
from sources.demo.wishes import FAMILIES
from sources.demo.world import World
from store.files import write_json

LEAVING = ("here", "leaving", "left", "gone")


class Truth:
    """The truth on the eve of each month, poured into its files as the months go by."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._files: dict[str, pq.ParquetWriter] = {}

    def note(self, world: World, m: int) -> None:
        """The truth on the eve of month m (as_of: the last day of month m - 1)."""
        with world.still():
            self._note(world, m)

    def _note(self, world: World, m: int) -> None:
        risks = [leaving.hazards(world, m, ahead) for ahead in range(closing.HORIZON_MONTHS)]
        p, known, state = leaving.truth(world, m, risks)
        who = np.flatnonzero(known)
        self._pour(world, m, "hazard", who, {"p_leave_90d": p[who], "assets": world.assets()[who] / 100}, LEAVING, state)
        soon, later, may, state = closing.truth(world, m, risks)
        who = np.flatnonzero(may)
        chances = {"p_close_90d": soon[who].astype(np.float32), "p_close_180d": later[who].astype(np.float32)}
        self._pour(world, m, "closing", who, chances, closing.STATES, state)
        stands = demand.standings(world, m)
        buyers, wishes = [], []
        for family in FAMILIES:
            may, chance_of = demand.truth(world, family, m, stands)
            buyers.append(np.flatnonzero(may))
            wishes.append(chance_of[may].astype(np.float32))
        family = texts(FAMILIES, np.repeat(np.arange(len(FAMILIES)), [len(who) for who in buyers]))
        buys = {"family": family, "p_first_own_use_90d": np.concatenate(wishes)}
        self._pour(world, m, "demand", np.concatenate(buyers), buys)

    def _pour(
        self,
        world: World,
        m: int,
        name: str,
        who: Ints,
        columns: dict[str, Any],
        states: Sequence[str] = (),
        state: Ints | None = None,
    ) -> None:
        eve = (world.at.months[m].start if m < len(world.at.months) else world.at.days) - 1
        front = {"customer_id": world.people.ids.take(who), "as_of": day_column(world, np.full(len(who), eve))}
        told = {} if state is None else {"state": texts(states, state[who])}
        table = pa.table(front | columns | told)
        if name not in self._files:
            self._files[name] = table_writer(self._out / f"{name}.parquet", table.schema)
        self._files[name].write_table(table)

    def close(self) -> None:
        """No month follows."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def write(self, world: World) -> None:
        """What else is known at the end."""
        self.close()
        out = self._out
        with world.still():
            _write_uplift(world, out)
        _write_people(world, out)
        e = world.events
        order = np.lexsort((e["who"], e["kind"], e["day"]))
        write_table(
            out / "events.parquet",
            pa.table(
                {
                    "customer_id": world.people.ids.take(e["who"][order]),
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
                risks = [leaving.hazards(world, m, ahead) for ahead in range(leaving.LAST_MONTHS)]
                p, may, state = leaving.truth(world, m, risks)
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
                    "customer_id": world.people.ids.take(who),
                    "offer": texts(OFFERS, np.full(len(who), place)),
                    "effect": sides[1][who] - sides[0][who],
                    "logit_effect": world.temper.effect[place, who],
                }
            )
        )
    write_table(out / "uplift.parquet", pa.concat_tables(parts))


def _write_people(world: World, out: Path) -> None:
    p = world.people
    n = np.flatnonzero(p.opened[: p.persons] < world.at.days)
    write_table(
        out / "people.parquet",
        pa.table(
            {
                "customer_id": p.ids.take(n),
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
