"""The touched rows gone over: every table checked, those it refers to first, and printed balances followed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import duckdb

from sources.balances import check_running, derive_balances
from sources.contract import Checked, check_table, last_usual
from sources.followed import Followed
from sources.identity import merged_roots
from sources.keeping import TableSums, keep_table
from sources.landed import TableKept
from sources.lanes import Progress, Work, beside
from sources.mapping import Mapped
from sources.part import Part
from sources.settings import SourceSettings
from sources.statement import first_sentence
from sources.turns import in_order, longest_first, waits_for
from sources.written import prepare_people
from store.errors import ConfigError

# Only what stands behind the value, which the message quotes: nothing of the value can be taken for it.
_END = r"(?: when casting from source column \w+)?$"
_TYPE = r"(U?INT\d+|U?HUGEINT|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|BOOL|DATE|TIME|TIMESTAMP|INTERVAL|UUID)"
_READ_AS = re.compile(rf"(?:['\"] to|destination type) {_TYPE}{_END}")
_COLUMN = re.compile(r" when casting from source column (\w+)$")
_NO_DAY = (
    (r"Conversion Error: invalid date field", "DATE"),
    (r"Conversion Error: invalid timestamp field", "TIMESTAMP"),
    (r"Invalid Input Error: Could not parse string", "TIMESTAMP"),
)


@contextmanager
def readable(table: str) -> Iterator[None]:
    """A bank's own SQL that meets a value it cannot take is a mistake of the mapping, named as one."""
    try:
        yield
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        if "Failed to read file" in str(error) or "magic bytes" in str(error):  # a file is damaged, no value is strange
            raise
        raise ConfigError(
            _without_value(first_sentence(str(error))),
            where=f"table {table}, its `select` or `where`",
            expected="SQL that takes every value the bank sends",
            do="use TRY_CAST and try_strptime there, or read the column under `columns`: then only that row is set aside",
        ) from None


def _without_value(message: str) -> str:
    """What DuckDB says of a value it cannot take, with the source column it names: a customer's cell is shown to nobody."""
    kind = next((kind for pattern, kind in _NO_DAY if re.match(pattern, message)), "")
    found = _READ_AS.search(message)
    kind, named = (found.group(1) if found else kind), _COLUMN.search(message)
    if not kind:
        return "a value that it cannot take"
    return (
        f"a value of source column {named.group(1)} cannot be read as {kind}" if named else f"a value cannot be read as {kind}"
    )


@dataclass(frozen=True)
class Terms:
    """What touched rows are gone over by."""

    settings: SourceSettings
    currency: str
    intake: int
    anew: bool  # running balances are followed from the first movement on


def gone_over(
    part: Part, mapped: Mapping[str, Mapped], files: Mapping[str, TableKept], terms: Terms, say: Progress
) -> tuple[dict[str, TableKept], Followed | None]:
    """What is known of every table after its touched rows have been checked; and running balances, where the bank prints
    them."""
    settings, goes_on, fresh = terms.settings, part.kept is not None, terms.settings.gates.fresh
    sums = {name: TableSums.of(part.con, mapped[name], files[name], settings.gates, not goes_on) for name in mapped}
    ahead = {n: last_usual(sums[n].mapped_days, settings.checks.ahead_days) if n in fresh else None for n in mapped}
    tables: dict[str, TableKept] = {}
    followed: list[Followed] = []

    def check(name: str, con: duckdb.DuckDBPyConnection) -> None:
        mine, kept, last = part.on(con), files[name], ahead[name]
        whose, checked = check_touched(mine, name, mapped, settings, terms.currency, (kept.ahead_after, last), anew=terms.anew)
        if checked is not None:
            kept = keep_table(con, part.root, settings, whose, checked, kept, sums[name], terms.intake, last, goes_on)
        tables[name] = kept

    prepare_merges(part, mapped)
    works: dict[str, Work[None]] = {}
    after = {f"check {name}": [f"check {other}" for other in others] for name, others in waits_for(mapped).items()}
    after["running balances"] = ["check transactions"]
    if "transactions" in mapped:
        works["running so far"] = lambda con: Followed.look(part.on(con))
        after["check transactions"].append("running so far")
    for name in longest_first(mapped):
        works[f"check {name}"] = partial(check, name)
        if name == "transactions" and runs(mapped):
            works["running balances"] = lambda con: followed.append(_follow(part.on(con), terms))
    if goes_on:  # a first intake prepares them as it writes
        works["people"] = lambda con: prepare_people(con, "all_merges" if "merges" in mapped else None)
        after["people"] = ["check merges"]
    beside(part.con, works, part.lanes, say, after)
    part.in_order(in_order(mapped))
    return {name: tables[name] for name in settings.tables}, followed[0] if followed else None


def _follow(part: Part, terms: Terms) -> Followed:
    followed = Followed(part.con, part.root, part, terms.settings, terms.intake)
    follow(part.con, part, followed, terms.settings)
    followed.after()
    if terms.settings.derived.balances == "transactions":
        derive_balances(part.con, followed.kept.start)
        followed.count_derived()
    return followed


def prepare_merges(part: Part, mapped: Mapping[str, Mapped]) -> None:
    """A bank that tells of no merges has no sets of numbers."""
    if "merges" not in mapped and part.kept is not None:
        part.note_merges({}, ())


def check_touched(
    part: Part,
    name: str,
    mapped: Mapping[str, Mapped],
    settings: SourceSettings,
    currency: str,
    ahead: tuple[dt.date | None, dt.date | None],
    *,
    anew: bool = False,
) -> tuple[Mapped, Checked | None]:
    """Check the touched rows of a table, those it waits for being checked; None where nothing of it is touched."""
    con, checked = part.con, None
    if name == "transactions":
        Followed.prepare(part, settings, anew=anew)
    with readable(name):
        known = set(part.done)
        whose = part.gather(name, mapped[name], ahead, running=runs(mapped))
        if name not in part.still:
            checked = check_table(con, whose, settings.checks, currency, known, last=ahead[1])
            part.checked(name, checked)
    if name == "merges" and part.kept is not None:
        _note_merges(con, part)
    return whose, checked


def runs(mapped: Mapping[str, Mapped]) -> bool:
    """Whether printed balances can be followed."""
    return "accounts" in mapped and "transactions" in mapped and "balance_after" in mapped["transactions"].columns


def _note_merges(con: duckdb.DuckDBPyConnection, part: Part) -> None:
    """Which numbers are of one set, merges that are no longer told included, and which sets a merge has changed."""
    pairs = con.execute("SELECT DISTINCT old_id, new_id FROM (FROM all_merges UNION ALL BY NAME FROM before_merges)").fetchall()
    changed = con.execute(
        "SELECT DISTINCT old_id FROM ((FROM clean_merges EXCEPT SELECT * EXCLUDE (_row) FROM before_merges) UNION ALL"
        " (SELECT * EXCLUDE (_row) FROM before_merges EXCEPT FROM clean_merges))"
    ).fetchall()
    sets = merged_roots(pairs)
    part.note_merges(sets, {sets[row[0]] for row in changed})


def follow(con: duckdb.DuckDBPyConnection, part: Part, followed: Followed, settings: SourceSettings) -> None:
    """Chain the printed balances of the touched accounts; makes `ordered_transactions` where the bank has no order."""
    transactions = part.done["transactions"]
    have = tuple(d[0] for d in con.execute("SELECT * FROM clean_transactions LIMIT 0").description or [])
    followed.before()
    carried = part.carried.get("transactions")
    check_running(con, have, transactions.has_versions, settings.checks.balance_tolerance, carried)
    if "day_order" not in transactions.columns:
        con.execute(
            "CREATE VIEW ordered_transactions AS SELECT t.* EXCLUDE (_row), coalesce(d.day_order, 1) AS day_order"
            " FROM numbered_transactions t LEFT JOIN day_orders d USING (_row)"
        )
        if carried:  # of accounts that are not followed each keeps its place
            place = "CASE WHEN f.account_id IS NULL THEN c.day_order ELSE coalesce(d.day_order, 1) END"
            part.carried["transactions"] = "carried_in_order"
            con.execute(
                f"CREATE VIEW carried_in_order AS SELECT c.* REPLACE ({place} AS day_order) FROM {carried} c"
                " LEFT JOIN day_orders d USING (_row) LEFT JOIN followed f USING (account_id)"
            )
