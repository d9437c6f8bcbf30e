"""What forbids each candidate, and each customer altogether: the rules of eligibility, asked of persons once and of offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from sources.sqltext import literals
from sources.sqltext import number as number_of
from targeting.candidates import places
from targeting.eligibility import Rule, Scope, rules
from targeting.known import ROOT, WITH_ROOT
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
        where, each = pd.factorize(bits)
        times = np.bincount(where, minlength=len(each))
        words = [",".join(name for place, name in enumerate(names) if found >> place & 1) for found in each.tolist()]
        counted = {name: int(times[each >> place & 1 == 1].sum()) for place, name in enumerate(names)}
        rules = pd.Series(pd.Categorical.from_codes(where, pd.Index(words, dtype="str")))
        return cls(rules, {name: count for name, count in counted.items() if count})


def forbidden(
    con: duckdb.DuckDBPyConnection, settings: TargetingSettings, as_of: dt.date, candidates: pd.DataFrame
) -> tuple[Forbidden, Forbidden]:
    """What forbids each candidate, and what keeps each customer of `owners` off every list, whatever the offer.

    Needs temp tables `owners` and `held_out` in `con`, and their `number` in `candidates`. Persons and offers are numbers
    inside, what is found of a person, or of a person and an offer, a bit per rule: no rule is asked of every candidate.
    """
    _note_offers(con, settings)
    _note_numbers(con)
    _note_words(con, settings.exclusions.channels)
    all_rules = sorted(rules(settings, as_of), key=lambda rule: rule.name)
    names = [rule.name for rule in all_rules]
    customers, offers = number_of(con, "SELECT count(*) FROM owners"), len(settings.active)
    of_person, of_offer = ([rule for rule in all_rules if (rule.scope == "offer") == each] for each in (False, True))

    def bits(size: int, asked: Sequence[Rule], place: str, more: str = "") -> Bits:
        """By place, what the rules say of it: one statement for all rules, so that they are asked beside each other."""
        each = " UNION ALL ".join(f"SELECT *, {names.index(rule.name)} AS rule FROM ({rule.sql})" for rule in asked)
        rows = con.sql(f"SELECT rule, {place} AS place FROM ({each}){more}").to_arrow_table()
        rule, at = (np.asarray(rows[name].to_numpy(), np.int64) for name in ("rule", "place"))
        found = np.zeros(size, np.int64)
        for one in np.unique(rule).tolist():
            found[at[rule == one]] |= 1 << one
        return found

    of_who = bits(customers, of_person, "number", " JOIN owners USING (root)")
    of_both = bits(customers * offers, of_offer, f"number::BIGINT * {offers} + offer_number")
    spoken = np.zeros(offers, np.int64)
    for rule in of_person:
        about = con.sql(f"SELECT offer_number FROM offers f WHERE {_SCOPES[rule.scope]}").to_arrow_table()["offer_number"]
        spoken[about.to_numpy()] |= 1 << names.index(rule.name)
    number, offer = candidates["number"].to_numpy(np.int64), places(candidates["offer"], list(settings.active))
    whatever = sum(1 << names.index(rule.name) for rule in of_person if rule.scope == "all")
    asked = of_both[number * offers + offer] | of_who[number] & spoken[offer]
    return Forbidden.of(asked, names), Forbidden.of(of_who & whatever, names)


def _note_offers(con: duckdb.DuckDBPyConnection, settings: TargetingSettings) -> None:
    """Temp table `offers`, numbered as in the settings, and the view `asked` of every owner with every offer."""
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
    con.execute("CREATE OR REPLACE TEMP VIEW asked AS SELECT * FROM owners, offers")


def _note_numbers(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `numbers`: per customer number its person (root), and what rules ask of it."""
    con.execute(f"""CREATE OR REPLACE TEMP TABLE numbers AS
        SELECT {ROOT}, status, birth_on, is_staff, is_related_party, stage, occupation, risk_rating, risk_rated_on
        FROM customers {WITH_ROOT}""")


def _note_words(con: duckdb.DuckDBPyConnection, channels: Sequence[str]) -> None:
    """Temp table `last_words` (root, purpose, channel, granted), which rules of consent read.

    A person's word per channel is the last one; said on one day, a refusal outweighs a consent.
    """
    con.execute(f"""CREATE OR REPLACE TEMP TABLE last_words AS
        SELECT {ROOT}, coalesce(c.channel, 'any') AS channel, c.purpose,
            max((c."on" - DATE '1970-01-01') * 2 + (NOT c.granted)::INTEGER) & 1 = 0 AS granted
        FROM consents c {WITH_ROOT}
        WHERE coalesce(c.channel, 'any') IN ({literals(channels)}) AND c.granted IS NOT NULL GROUP BY ALL""")
