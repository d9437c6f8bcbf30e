"""Marketing groups: the second axis. Ordered rules over occupation, links and flows choose products, never a rank.

A rule is a list of lines, any of which admits; a line is terms joined by ` and `, all of which must hold:
    NAME >= NUMBER      (also <= < > ==) over figures
    NAME is A|B         a word equals one of these
    NAME has A|B        a text contains one of these
Figures: `age`, `tenure_days`; `<category>_months` and `<category>_sum`: months in which, and how much, money came in by that
category of transaction over the look-back; `link_<kind>`: links of that kind now; `has_<family>`: open accounts, loans and
used contracts of that family now. Words: `kind`, `occupation`, `industry`, `education`, `employer_kind`. What a bank does not
know holds for nobody.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, model_validator

from features.cohorts import each_pass
from features.monthly import MINOR
from sources.canonical import Canonical, as_of_sql
from sources.tables import CATEGORIES, TABLES
from store.settings import Settings

_WORDS = ("kind", "occupation", "industry", "education", "employer_kind")
_FIGURES = ("age", "tenure_days")
_LINKS = TABLES["links"].column("kind").codes
_TERM = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(>=|<=|==|<|>|\bis\b|\bhas\b)\s*(.+?)\s*")


@dataclass(frozen=True)
class Term:
    """One condition on one fact."""

    name: str
    op: Literal[">=", "<=", "==", "<", ">", "is", "has"]
    number: float = 0.0
    words: tuple[str, ...] = ()


def parse_line(line: str) -> tuple[Term, ...]:
    """The terms of one line. Raises ValueError saying what is wrong with which term."""
    return tuple(_term(part) for part in line.split(" and "))


def _term(text: str) -> Term:
    match = _TERM.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text.strip()}' is no condition; write NAME >= NUMBER, NAME is A|B or NAME has A|B")
    name, op, value = match.groups()
    if op in ("is", "has"):
        if name not in _WORDS:
            raise ValueError(f"'{name}' is no word; words are {', '.join(_WORDS)}")
        return Term(name, op, words=tuple(word.strip() for word in value.split("|")))  # type: ignore[arg-type]
    if name not in _FIGURES and _kind_of(name) is None:
        raise ValueError(
            f"'{name}' is no figure; figures are age, tenure_days, <category>_months, <category>_sum, link_<kind>, has_<family>"
        )
    try:
        return Term(name, op, number=float(value))  # type: ignore[arg-type]
    except ValueError:
        raise ValueError(f"'{value}' in '{text.strip()}' is no number") from None


def _kind_of(name: str) -> Literal["months", "sum", "link", "has"] | None:
    flow: tuple[Literal["months", "sum"], ...] = ("months", "sum")
    for kind in flow:
        if name.endswith(f"_{kind}") and name.removesuffix(f"_{kind}") in CATEGORIES:
            return kind
    if name.startswith("link_") and name.removeprefix("link_") in _LINKS:
        return "link"
    return "has" if re.fullmatch(r"has_[a-z_]+", name) else None


class Group(Settings):
    """One group: who is in it, and which product families suit it, most fitting first."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")
    zh: str
    en: str
    any: tuple[str, ...] = ()  # no line: everybody who is left
    products: tuple[str, ...] = ()

    def lines(self) -> tuple[tuple[Term, ...], ...]:
        """The parsed lines of the rule."""
        return tuple(parse_line(line) for line in self.any)


class GroupSettings(Settings):
    """Groups in order: the first that admits a customer has them."""

    look_back_days: int = Field(365, ge=28)
    for_all: tuple[str, ...] = ()  # product families that suit every group, whichever of them name these too
    rules: tuple[Group, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ends_with_everybody(self) -> Self:
        for group in self.rules:
            group.lines()
        if self.rules[-1].any or any(not group.any for group in self.rules[:-1]):
            raise ValueError("the last group, and only the last, has no lines: it takes everybody who is left")
        if len({group.id for group in self.rules}) < len(self.rules):
            raise ValueError("two groups have the same id")
        return self

    def suited_by(self, family: str) -> tuple[str, ...]:
        """The groups a product family suits, in order; none where it suits all of them.

        A family that no group names suits all: of what is not said nothing follows.
        """
        named = tuple(group.id for group in self.rules if family in group.products)
        return () if family in self.for_all or len(named) == len(self.rules) else named


def assign(canonical: Canonical, settings: GroupSettings, as_of: dt.date) -> pa.Table:
    """One row per customer known at `as_of`: customer_id, group; sorted by customer_id."""
    names = {term.name for group in settings.rules for line in group.lines() for term in line}
    ids = np.array([group.id for group in settings.rules], object)

    def of_pass(con: duckdb.DuckDBPyConnection, bucket: int | None) -> pa.Table:
        facts = con.sql(_facts_sql(canonical, settings, as_of, bucket, sorted(names), con)).to_arrow_table()
        found = pa.array(ids[first_match(settings, facts)], pa.string())
        return pa.table({"customer_id": facts["customer_id"], "group": found})

    def ready(con: duckdb.DuckDBPyConnection) -> None:
        if "employer_kind" in names:
            _note_employers(con, canonical, as_of)

    parts = list(each_pass(canonical, ready, of_pass))
    return pa.concat_tables(parts).sort_by("customer_id").combine_chunks()


def first_match(settings: GroupSettings, facts: pa.Table) -> NDArray[np.int64]:
    """Per row the place of the first rule that admits it."""
    chosen = np.full(facts.num_rows, len(settings.rules) - 1, np.int64)
    free = np.ones(facts.num_rows, bool)
    for place, group in enumerate(settings.rules[:-1]):
        admitted = np.zeros(facts.num_rows, bool)
        for line in group.lines():
            holds = np.ones(facts.num_rows, bool)
            for term in line:
                holds &= _holds(term, facts)
            admitted |= holds
        chosen[free & admitted] = place
        free &= ~admitted
    return chosen


def _holds(term: Term, facts: pa.Table) -> NDArray[np.bool_]:
    if term.op in ("is", "has"):
        words = facts[term.name].to_pandas().fillna("")
        if term.op == "is":
            return np.asarray(words.isin(list(term.words)), bool)
        return np.asarray(words.str.contains("|".join(re.escape(word) for word in term.words)), bool)
    figure = np.asarray(facts[term.name].to_pandas(), np.float64)
    compare = {">=": np.greater_equal, "<=": np.less_equal, "==": np.equal, "<": np.less, ">": np.greater}[term.op]
    return np.asarray(compare(figure, term.number) & ~np.isnan(figure), bool)


def _facts_sql(
    canonical: Canonical,
    settings: GroupSettings,
    as_of: dt.date,
    bucket: int | None,
    names: list[str],
    con: duckdb.DuckDBPyConnection,
) -> str:
    """SELECT customer_id and the named facts, one row per customer known at as_of."""

    def known(table: str) -> str:
        return f"({as_of_sql(table, canonical.relation_sql(table, bucket), as_of)})"

    day = f"DATE '{as_of.isoformat()}'"
    columns, joins = ["c.customer_id"], []
    columns += [f"c.{word}" for word in _WORDS if word in names and word != "employer_kind"]
    columns += [f"date_sub('year', c.birth_on, {day})::DOUBLE AS age"] if "age" in names else []
    columns += [f"({day} - c.opened_on)::DOUBLE AS tenure_days"] if "tenure_days" in names else []
    flows = [name for name in names if _kind_of(name) in ("months", "sum")]
    if flows:
        _note_flows(con, known("transactions"), flows, day, settings.look_back_days)
    for name in flows:
        category, what = name.rsplit("_", 1)
        joins.append(f"LEFT JOIN _flow {name} ON {name}.customer_id = c.customer_id AND {name}.category = '{category}'")
        columns.append(f"coalesce({name}.{'total' if what == 'sum' else 'months'}, 0) AS {name}")
    for name in names:
        if _kind_of(name) not in ("link", "has"):
            continue
        counted = (
            f"SELECT customer_id FROM {known('links')} WHERE ended_on IS NULL AND kind = '{name[5:]}'"
            if _kind_of(name) == "link"
            else _open_sql(known, name[4:])
        )
        joins.append(
            f"LEFT JOIN (SELECT customer_id, count(*)::DOUBLE AS n FROM ({counted}) GROUP BY 1) {name}"
            f" ON {name}.customer_id = c.customer_id"
        )
        columns.append(f"coalesce({name}.n, 0) AS {name}")
    if "employer_kind" in names:
        joins.append(
            f"LEFT JOIN (SELECT l.customer_id, min(e.kind) AS kind FROM {known('links')} l"
            " JOIN _employers e ON e.customer_id = l.related_id"
            " WHERE l.kind = 'employer' AND l.ended_on IS NULL GROUP BY 1) employer"
            " ON employer.customer_id = c.customer_id"
        )
        columns.append("employer.kind AS employer_kind")
    return f"SELECT {', '.join(columns)} FROM {known('customers')} c {' '.join(joins)} ORDER BY c.customer_id"


def _note_employers(con: duckdb.DuckDBPyConnection, canonical: Canonical, as_of: dt.date) -> None:
    """Temp table `_employers`: customer_id and kind of whoever employs somebody, of whichever bucket."""
    links, customers = (f"({as_of_sql(name, canonical.relation_sql(name), as_of)})" for name in ("links", "customers"))
    con.execute(f"""CREATE OR REPLACE TEMP TABLE _employers AS SELECT customer_id, kind FROM {customers}
        WHERE customer_id IN (SELECT related_id FROM {links} WHERE kind = 'employer')""")


def _note_flows(con: duckdb.DuckDBPyConnection, transactions: str, names: list[str], day: str, look_back_days: int) -> None:
    """Temp table `_flow`: per customer and category what came in over the look-back, and in how many months."""
    wanted = ", ".join(f"'{category}'" for category in sorted({name.rsplit("_", 1)[0] for name in names}))
    con.execute(f"""CREATE OR REPLACE TEMP TABLE _flow AS
        SELECT customer_id, category, sum(amount)::DOUBLE / {MINOR} AS total,
               count(DISTINCT date_trunc('month', "on"))::DOUBLE AS months
        FROM {transactions} WHERE category IN ({wanted}) AND amount > 0
          AND "on" > {day} - {look_back_days} AND "on" <= {day} GROUP BY ALL""")


def _open_sql(known: Callable[[str], str], family: str) -> str:
    """SELECT customer_id of open accounts, loans and used contracts of a family."""
    ours = f"(SELECT product_id FROM {known('products')} WHERE family = '{family}')"
    return (
        f"SELECT customer_id FROM {known('accounts')} WHERE closed_on IS NULL AND product_id IN {ours}"
        f" UNION ALL SELECT customer_id FROM {known('loans')} WHERE closed_on IS NULL AND product_id IN {ours}"
        f" UNION ALL SELECT customer_id FROM {known('holdings')} WHERE ended_on IS NULL AND product_id IN {ours}"
        " AND (activated_on IS NOT NULL OR coalesce(started_how, 'customer') <> 'batch')"
    )
