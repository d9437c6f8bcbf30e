"""`terrace tier CUSTOMER`: the statement a branch may hand to a customer, from the table of tiers of a night."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.bank import BankFile
from flows.home import Home
from flows.screen import Screen
from flows.words import Language
from sources.canonical import as_of_sql, open_canonical
from sources.identity import standing
from store.errors import ConfigError, TerraceError
from store.files import write_json, write_text
from store.limits import Limits
from targeting.tier_statement import Statement, TierFacts


def newest(home: Home, as_of: dt.date | None) -> dt.date:
    """The date asked for, else that of the list in force, else the newest with tiers. Raises TerraceError for none."""
    there = sorted(path.stem.removeprefix("as_of=") for path in home.tiers.glob("as_of=*.parquet"))
    if as_of is None:
        published = home.newest_list()
        as_of = published[0] if published else dt.date.fromisoformat(there[-1]) if there else None
    if as_of is None or as_of.isoformat() not in there:
        dates = f"a date that was graded: {', '.join(there[-5:])}" if there else "a night that has graded the customers"
        raise TerraceError(
            f"no tiers of {as_of}" if as_of else "no tiers yet",
            where=str(home.tiers),
            expected=dates,
            do="name one of these dates with --as-of" if there else "run `terrace nightly`",
        )
    return as_of


def statement(bank: BankFile, home: Home, as_of: dt.date | None, customer: str) -> Statement:
    """The statement of one customer. Raises TerraceError for a date without tiers, and for a customer unknown then."""
    day = newest(home, as_of)
    path = home.of_day(home.tiers, day)
    found = pq.read_table(path, filters=pc.field("customer_id") == customer).to_pylist()
    if not found:
        raise TerraceError(
            f"no customer '{customer}'",
            where=f"tiers of {day}",
            expected="a customer of that date",
            do=_advice(bank, home, path, day, customer),
        )
    try:
        facts = TierFacts.of(found[0])
    except KeyError:
        raise outdated(path, day) from None
    return Statement(facts, bank.tiers, bank.words)


def show(bank: BankFile, home: Home, as_of: dt.date | None, customer: str, out: Path | None, screen: Screen) -> None:
    """Print a customer's statement, and write it to `out`."""
    said = statement(bank, home, as_of, customer)
    if out is not None:
        write(said, out, screen.language)
    for line in said.lines(screen.language):
        screen.line(line)


def write(said: Statement, out: Path, language: Language) -> None:
    """The statement as a text or, with both wordings and every figure, as JSON. Raises ConfigError for another kind."""
    if out.suffix == ".json":
        write_json(out, said.content())
    elif out.suffix == ".txt":
        write_text(out, "\n".join(said.lines(language)) + "\n")
    else:
        raise ConfigError(f"'{out.name}' is no kind of statement", where="--out", expected="a name that ends in .txt or .json")


def outdated(path: Path, day: dt.date) -> TerraceError:
    """The error for a table of tiers that lacks columns."""
    return TerraceError(
        f"the tiers of {day} were made by an earlier version",
        where=str(path),
        expected="every figure of a statement",
        do=f"run `terrace nightly --as-of {day} --new-version`",
    )


def _advice(bank: BankFile, home: Home, path: Path, day: dt.date, customer: str) -> str:
    """Where a number that was not found may be found."""
    merged = merged_numbers(home, day, bank.limits).get(customer)
    if merged is not None:
        return f"it was merged: ask for {merged}"
    ids = pq.read_table(path, columns=["customer_id"])["customer_id"]
    bare = customer.strip().lstrip("0")
    alike = ids.filter(pc.equal(pc.utf8_ltrim(ids, characters="0"), bare)) if bare else pa.array([], pa.string())
    if len(alike):
        return f"ask for {alike[0].as_py()}: numbers keep their leading zeros"
    return "look for the number in the bank's customers; it may be closed, merged or not yet opened"


def merged_numbers(home: Home, day: dt.date, limits: Limits) -> dict[str, str]:
    """Customer number merged away by a day -> the number that stands for it."""
    if not (home.canonical / "manifest.json").exists():
        return {}
    canonical = open_canonical(home.canonical, limits)
    if "merges" not in canonical.manifest.tables:
        return {}
    with canonical.connect() as con:
        known = as_of_sql("merges", canonical.relation_sql("merges"), day)
        pairs = con.execute(f'SELECT old_id, new_id FROM ({known}) WHERE "on" <= ? AND undone_on IS NULL ORDER BY ALL', [day])
        return {old: new for old, new in standing(pairs.fetchall()).items() if old != new}
