"""Running balances from one intake to the next: where each account stood, so that only its new days need to be chained.

An account goes on from where it stood when all its new movements are later than all it had; else it is followed anew from its
first movement. What was found so far is kept as one row per account; of several the one of the latest intake counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import duckdb

from sources import held
from sources.balances import RunningCheck
from sources.landed import File, RunningKept, copy, rows_of
from sources.lives import ends_sql, life_sql
from sources.part import Part
from sources.settings import SourceSettings
from sources.sqltext import number, one

_FIGURES = (
    'account_id VARCHAR, first_on DATE, opening BIGINT, last_on DATE, closing BIGINT, "after" BIGINT, known BOOLEAN,'
    " days BIGINT, inexact BIGINT, broken BIGINT, is_closed BOOLEAN, is_unclosed BOOLEAN"
)


class StartMoved(Exception):
    """The bank's balances now begin on another day than those made so far: all have to be made again."""


class Followed:
    """The running balances of an intake."""

    def __init__(self, con: duckdb.DuckDBPyConnection, root: Path, part: Part, settings: SourceSettings, intake: int) -> None:
        self.con, self.root, self.part, self.settings, self.intake = con, root, part, settings, intake
        self.kept, self.check = RunningKept(), RunningCheck(0, 0, 0, 0, 0, 0)
        self.derived_days: dict[dt.date, int] = {}

    @staticmethod
    def look(part: Part) -> None:
        """`running_was`: where the accounts stood of which movements come or go; `moving` (account_id, first_on): those of
        which they come."""
        if part.kept is None:
            return
        con, files = part.con, part.kept.running.files if part.kept.running else ()
        con.execute(f"CREATE TABLE running_was ({_FIGURES})")
        con.execute(f"CREATE VIEW running_kept AS {_latest_sql(part.root, files) if files else 'FROM running_was'}")
        con.execute('CREATE TABLE moving AS SELECT account_id, min("on") AS first_on FROM new_transactions GROUP BY 1')
        part.once["transactions", "account_id"] = "SELECT account_id FROM moving"
        come_or_go = "SELECT account_id FROM moving UNION SELECT account_id FROM gone_transactions"
        con.execute(f"INSERT INTO running_was SELECT * FROM running_kept SEMI JOIN ({come_or_go}) USING (account_id)")

    @staticmethod
    def prepare(part: Part, settings: SourceSettings, *, anew: bool = False) -> None:
        """`refollowed`: accounts to be followed anew whatever comes (`anew`: all); `running_was` also of accounts whose life
        has changed."""
        con = part.con
        if part.kept is None or "accounts" not in part.done:
            return
        lives = [
            f"SELECT id, life_from, life_to FROM ({life_sql('accounts', _told(con), f'{side}_accounts')})"
            for side in ("clean", "before")
        ]
        con.execute(
            f"CREATE TABLE life_changed AS SELECT DISTINCT id FROM (({lives[0]} EXCEPT {lives[1]})"
            f" UNION ALL ({lives[1]} EXCEPT {lives[0]}))"
        )
        ends = [ends_sql(_told(con), f"{side}_accounts") for side in ("clean", "before")]
        con.execute(
            f"INSERT INTO life_changed SELECT DISTINCT id FROM ((({ends[0]}) EXCEPT ({ends[1]}))"
            f" UNION ALL (({ends[1]}) EXCEPT ({ends[0]}))) ANTI JOIN life_changed USING (id)"
        )
        _note_was(con, "SELECT id AS account_id FROM life_changed")
        con.execute("CREATE TABLE refollowed (id VARCHAR)")
        if anew:
            con.execute("INSERT INTO refollowed SELECT DISTINCT account_id FROM running_kept")
        elif settings.derived.balances == "transactions":  # the day an account closes is in its balances
            con.execute(
                "INSERT INTO refollowed SELECT account_id FROM running_was w SEMI JOIN life_changed c ON c.id = w.account_id"
            )
            if "moved_accounts" in part.made:  # and so is whose it is
                con.execute("INSERT INTO refollowed SELECT id FROM moved_accounts SEMI JOIN running_kept ON account_id = id")
            moving = "(FROM all_accounts SEMI JOIN new_transactions USING (account_id))"
            closed = f"SELECT DISTINCT id FROM ({ends_sql(_told(con), moving)})"  # once told to be closed, if open again
            con.execute(
                f"INSERT INTO refollowed SELECT account_id FROM running_was SEMI JOIN ({closed}) c ON c.id = account_id"
            )

    def before(self) -> None:
        """`running_before`: where those accounts stood that go on; `chained_accounts`: lives of all that are in question."""
        con = self.con
        if self.part.kept is None:
            con.execute(f"CREATE TABLE running_before ({_FIGURES})")
            held.life(self.part, "accounts", "")
            self._note_ends("all_accounts")
            return
        _note_was(con, "SELECT account_id FROM followed")
        con.execute(
            "CREATE TABLE running_before AS SELECT * FROM running_was ANTI JOIN followed USING (account_id)"
            " WHERE last_on IS NOT NULL"
        )
        held.life(self.part, "accounts", "SELECT id FROM life_changed UNION SELECT account_id FROM followed")
        self._note_ends("held_accounts")

    def _note_ends(self, accounts: str) -> None:
        """`account_ends` (number, closed_on, since, until): what was told of when the accounts in question close."""
        self.con.execute("CREATE TABLE chained_accounts AS FROM life_accounts")  # other tables may ask for more lives meanwhile
        self.con.execute(
            "CREATE TABLE account_ends AS SELECT a.number, e.* EXCLUDE (id)"
            f" FROM ({ends_sql(_told(self.con), accounts)}) e JOIN chained_accounts a USING (id)"
        )

    def after(self) -> None:
        """Bring what is kept up to date with `running_now`, `balance_breaks`. Raises StartMoved."""
        con, before = self.con, (self.part.kept.running if self.part.kept else None) or RunningKept()
        goes_on = self.part.kept is not None
        if goes_on:
            con.execute(  # accounts whose life changed, and those that have no movement left
                "INSERT INTO running_now SELECT w.* REPLACE (a.life_to IS NOT NULL AS is_closed,"
                " a.life_to IS NOT NULL AND w.closing <> 0 AS is_unclosed) FROM running_was w JOIN chained_accounts a"
                " ON a.id = w.account_id SEMI JOIN life_changed c ON c.id = w.account_id"
                " ANTI JOIN followed f USING (account_id) ANTI JOIN running_now n USING (account_id)"
                " WHERE w.last_on IS NOT NULL"
            )
            con.execute(
                "INSERT INTO running_now (account_id, days, inexact, broken, is_closed, is_unclosed)"
                " SELECT account_id, 0, 0, 0, false, false FROM running_was SEMI JOIN followed USING (account_id)"
                " ANTI JOIN running_now USING (account_id)"
            )
        figures = (
            "count(last_on), coalesce(sum(days), 0), coalesce(sum(inexact), 0), coalesce(sum(broken), 0),"
            " count(*) FILTER (is_closed), count(*) FILTER (is_unclosed), min(first_on)"
        )
        now = one(con, f"SELECT {figures} FROM running_now")
        was = (
            one(con, f"SELECT {figures} FROM running_was SEMI JOIN running_now USING (account_id)")
            if goes_on
            else (0,) * 6 + (None,)
        )
        start = self._start(before.start, now[6], was[6])
        moved = goes_on and before.start is not None and start != before.start
        if moved and self.settings.derived.balances == "transactions":
            self._ask_all_followed()
        breaks = "SELECT * FROM balance_breaks"
        if before.breaks:
            breaks += f" UNION ALL SELECT * FROM {rows_of(self.root, [before.breaks])} ANTI JOIN followed USING (account_id)"
        con.execute(f"CREATE TABLE all_breaks AS {breaks}")
        files = before.files
        if not goes_on or number(con, "SELECT count(*) FROM running_now"):
            files = (
                *files,
                copy(
                    con,
                    self.root,
                    f"SELECT {self.intake} AS intake, * FROM running_now ORDER BY account_id",
                    f"running/{self.intake}",
                ),
            )
        self.kept = RunningKept(
            files=files,
            breaks=copy(con, self.root, "SELECT * FROM all_breaks ORDER BY ALL", f"running/breaks-{self.intake}"),
            start=start,
            account_days=before.account_days + now[1] - was[1],
            inexact=before.inexact + now[2] - was[2],
            broken=before.broken + now[3] - was[3],
            closed=before.closed + now[4] - was[4],
            unclosed=before.unclosed + now[5] - was[5],
        )
        kept, tolerance = self.kept, self.settings.checks.balance_tolerance
        self.check = RunningCheck(kept.account_days, kept.inexact, kept.broken, tolerance, kept.closed, kept.unclosed)

    def _ask_all_followed(self) -> None:
        if number(self.con, "SELECT count(*) FROM running_kept ANTI JOIN followed USING (account_id)"):
            raise StartMoved

    def _start(self, before: dt.date | None, now: dt.date | None, was: dt.date | None) -> dt.date | None:
        """The first day of which any balance tells."""
        if before is not None and (was is None or was > before or now == before):
            return min(before, now or before)
        if before is None:
            return now
        rest = one(
            self.con,
            "SELECT min(first_on) FROM running_kept ANTI JOIN running_now USING (account_id)",
        )[0]
        return min((day for day in (rest, now) if day), default=None)

    def count_derived(self) -> None:
        """Bring `derived_days` up to date: event date -> rows of balances made of movements."""
        before = self.part.kept.derived.days if self.part.kept and self.part.kept.derived else {}
        found = dict(self.con.execute('SELECT "on", count(*) FROM derived_balances GROUP BY 1').fetchall())
        self.derived_days = {day: max(before.get(day, 0), found.get(day, 0)) for day in sorted({*before, *found})}


def _told(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [d[0] for d in con.execute("SELECT * FROM clean_accounts LIMIT 0").description or []]


def _latest_sql(root: Path, files: Sequence[File]) -> str:
    """A SELECT of one row per account, of the latest file that has one.

    The first file, of a first intake or put together of several, has one of nearly all: only those since are put in order.
    """
    first, later = rows_of(root, files[:1]), rows_of(root, files[1:])
    if len(files) == 1:
        return f"SELECT * EXCLUDE (intake) FROM {first}"
    last = "QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY intake DESC) = 1"
    return (
        f"SELECT * EXCLUDE (intake) FROM {first} f ANTI JOIN {later} l USING (account_id)"
        f" UNION ALL SELECT * EXCLUDE (intake) FROM (FROM {later} {last})"
    )


def _note_was(con: duckdb.DuckDBPyConnection, accounts: str) -> None:
    con.execute(
        f"INSERT INTO running_was SELECT * FROM running_kept SEMI JOIN ({accounts}) USING (account_id)"
        " ANTI JOIN running_was USING (account_id)"
    )
