"""What forbids each candidate, and each customer altogether: the rules of eligibility, asked of persons once and of offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sources.sqltext import literals
from targeting.candidates import places
from targeting.eligibility import Scope, rules
from targeting.settings import TargetingSettings

Bits = npt.NDArray[np.int64]
_OFFERS = pa.schema(
    [
        ("offer_number", pa.int32()),
        ("is_service", pa.bool_()),
        ("is_loan", pa.bool_()),
        ("needs_rating", pa.bool_()),
        *((name, pa.string()) for name in ("offer", "kind", "model", "family", "risk")),
        *((name, pa.list_(pa.string())) for name in ("families", "certificates", "groups", "customer_kinds")),
    ]
)
# Which offers a rule about persons speaks of, as SQL over `offers`.
_SCOPES: dict[Scope, str] = {
    "all": "true",
    "marketing": "NOT f.is_service",
    "sales": "f.kind IN ('purchase', 'retention')",
    "loan": "f.is_loan",
    "rated": "f.needs_rating",
}


@dataclass(frozen=True)
class Forbidden:
    """Which rules forbid each row of a frame, comma-separated by name (categories), and how many rows each rule forbids."""

    rules: pd.Series[str]
    counted: dict[str, int]

    @classmethod
    def of(cls, bits: Bits, names: Sequence[str]) -> Forbidden:
        """From a bit per rule and row."""
        each, where = np.unique(bits, return_inverse=True)
        words = [",".join(name for place, name in enumerate(names) if found >> place & 1) for found in each.tolist()]
        counted = {name: int((bits >> place & 1).sum()) for place, name in enumerate(names)}
        rules = pd.Series(pd.Categorical.from_codes(where, pd.Index(words, dtype="str")))
        return cls(rules, {name: count for name, count in counted.items() if count})


def forbidden(
    con: duckdb.DuckDBPyConnection, settings: TargetingSettings, as_of: dt.date, candidates: pd.DataFrame
) -> tuple[Forbidden, Forbidden]:
    """What forbids each candidate, and what keeps each customer of `owners` off every list, whatever the offer.

    Needs temp tables `owners` and `held_out` in `con`. Persons and offers are numbers inside, what is found of a person a bit
    per rule: no rule is asked of every candidate that is asked of a person.
    """
    number, offer_number = _ask(con, settings, candidates)
    _note_words(con, settings.exclusions.channels)
    all_rules = rules(settings, as_of)
    names = sorted(rule.name for rule in all_rules)

    def bits(size: int, selects: Mapping[str, str]) -> Bits:
        """From the places each rule names, by name of the rule; a place may come twice."""
        found = np.zeros(size, np.int64)
        for name, select in selects.items():
            found[np.asarray(con.sql(select).to_arrow_table().column(0).to_numpy())] |= 1 << names.index(name)
        return found

    persons = [rule for rule in all_rules if rule.scope != "offer"]
    customers = con.execute("SELECT count(*) FROM who").fetchall()[0][0]
    of_who = bits(customers, {r.name: f"SELECT number FROM who SEMI JOIN ({r.sql}) USING (root)" for r in persons})
    spoken = bits(
        len(settings.active), {r.name: f"SELECT offer_number FROM offers f WHERE {_SCOPES[r.scope]}" for r in persons}
    )
    of_asked = bits(
        len(candidates), {rule.name: f"SELECT line FROM ({rule.sql})" for rule in all_rules if rule.scope == "offer"}
    )
    whatever = sum(1 << names.index(rule.name) for rule in persons if rule.scope == "all")
    return (Forbidden.of(of_asked | of_who[number] & spoken[offer_number], names), Forbidden.of(of_who & whatever, names))


def _ask(con: duckdb.DuckDBPyConnection, settings: TargetingSettings, candidates: pd.DataFrame) -> tuple[Bits, Bits]:
    """Temp tables `offers`, `who` (owners, with the kind of customer), `candidates` (line, number, offer_number), and the view
    `asked` of all three; `number` is the place among `owners` by customer_id, `line` the row of `candidates`. Returns number
    and offer_number of every candidate.
    """
    offers = pa.Table.from_pylist(
        [
            {
                "offer_number": number,
                "offer": name,
                "kind": o.kind,
                "model": o.model,
                "family": o.family,
                "families": list(filter(None, (o.family, *o.also_held_as))),
                "is_service": o.is_service,
                "is_loan": o.is_loan,
                "needs_rating": o.needs_rating,
                "risk": o.risk,
                "certificates": list(o.certificates),
                "groups": list(o.groups),
                "customer_kinds": list(o.customer_kinds),
            }
            for number, (name, o) in enumerate(settings.active.items())
        ],
        schema=_OFFERS,
    )
    con.register("_offers", offers)
    con.execute("CREATE OR REPLACE TEMP TABLE offers AS SELECT * FROM _offers")
    con.unregister("_offers")
    con.execute("""CREATE OR REPLACE TEMP TABLE who AS SELECT o.*, coalesce(c.kind, 'personal') AS own_kind,
            c.customer_id IS NOT NULL AS is_known, row_number() OVER (ORDER BY o.customer_id)::INTEGER - 1 AS number
        FROM owners o LEFT JOIN customers c USING (customer_id)""")
    ids = con.sql("SELECT customer_id FROM who ORDER BY number").to_arrow_table()["customer_id"].combine_chunks()
    number = pc.index_in(pa.array(candidates["customer_id"], pa.string()), value_set=ids)
    offer_number = places(candidates["offer"], list(settings.active)).astype(np.int32)
    line = pa.array(np.arange(len(candidates), dtype=np.int32))
    con.register("_candidates", pa.table({"line": line, "number": number, "offer_number": offer_number}))
    con.execute("CREATE OR REPLACE TEMP TABLE candidates AS SELECT * FROM _candidates")
    con.unregister("_candidates")
    con.execute("""CREATE OR REPLACE TEMP VIEW asked AS
        SELECT * FROM candidates JOIN who USING (number) JOIN offers USING (offer_number)""")
    return np.asarray(number.to_numpy(), np.int64), offer_number.astype(np.int64)


def _note_words(con: duckdb.DuckDBPyConnection, channels: Sequence[str]) -> None:
    """Temp table `last_words` (root, purpose, channel, granted), which rules of consent read.

    A person's word per channel is the last one; said on one day, a refusal outweighs a consent.
    """
    con.execute(f"""CREATE OR REPLACE TEMP TABLE last_words AS
        SELECT p.root, coalesce(c.channel, 'any') AS channel, c.purpose,
            arg_min(c.granted, (-epoch(c."on"::TIMESTAMP), c.granted::INTEGER)) AS granted
        FROM consents c JOIN people p USING (customer_id)
        WHERE coalesce(c.channel, 'any') IN ({literals(channels)}) GROUP BY ALL""")
