"""What is kept of each table for the intakes to come: its rows as read, what was said of them, and sums that go on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from sources.arrivals import Arrivals
from sources.carried import OWNERS
from sources.contract import Checked
from sources.landed import ROWS, File, Piece, TableKept, columns_sql, copy, rows_of
from sources.landing import Landed
from sources.mapping import Mapped
from sources.part import Part
from sources.quality import examples_of
from sources.quarantine import source_sql
from sources.settings import Gates, SourceSettings
from sources.sqltext import ident, number, one
from sources.tables import TABLES

_EXAMPLES = 3


def with_pieces(come: Arrivals, landed: Mapping[str, Landed], intake: int) -> tuple[Piece, ...]:
    """All pieces that are in force after this intake: those that stay, and the files just read."""
    pieces = [piece for of in come.stays.values() for piece in of]
    for name, seen in landed.items():
        start = (intake << ROWS) if name in come.numbered else 0
        for read in seen.files:
            pieces.append(
                Piece(
                    input=name,
                    name=come.names[name][read.file.path],
                    sha256=read.file.sha256,
                    on=read.file.on,
                    rows=read.rows,
                    unreadable=read.unreadable,
                    garbled=read.garbled,
                    blanks=dict(read.blanks),
                    first=start + read.first if start else 0,
                    end=start + read.end if start else 0,
                )
            )
    return tuple(sorted(pieces, key=lambda piece: (piece.input, piece.name)))


def read_again(con: duckdb.DuckDBPyConnection, root: Path, name: str, before: TableKept) -> Mapped:
    """The mapping of a table nothing new has come for, and its empty `new_T`."""
    con.execute(f"CREATE TABLE new_{name} AS SELECT {columns_sql(before)} FROM {rows_of(root, before.files)} WHERE false")
    return Mapped(
        name, before.columns, before.knowing, before.unread, before.origin, "", before.source_rows, 0, before.compared
    )


def keep_rows(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    mapped: Mapped,
    before: TableKept | None,
    intake: int,
    part: Part,
    whole: bool,
    taken_back: Sequence[Piece],
) -> tuple[Mapped, TableKept]:
    """Keep the rows of `read_T` that are new as a file; makes `new_T`, and `gone_T` of rows that are no longer told.

    Rows get the numbers they are kept by, and so does the source in the mapping returned.

    `whole`: `read_T` is the whole table, so what it lacks of the rows kept is gone; else it is the rows of new files, and rows
    of the files `taken_back` are gone.
    """
    name, start = mapped.table, intake << ROWS
    place = "CASE WHEN _row < 0 THEN 2 * (-1 - _row) + 1 ELSE 2 * _row END" if mapped.compared else "_row"
    mapped = replace(mapped, source=f"(SELECT * REPLACE ({start} + {place} AS _row) FROM {mapped.source})")
    shape = TableKept(
        columns=mapped.columns,
        knowing=mapped.knowing,
        unread=mapped.unread,
        origin=dict(mapped.origin),
        compared=mapped.compared,
    )
    if before is not None:
        shape = before.model_copy(update=shape.model_dump(include={"columns", "knowing", "unread", "origin", "compared"}))
    listed = columns_sql(shape)
    read = f"SELECT {start} + {place} AS _row, {listed.removeprefix('_row, ')} FROM read_{name}"
    files = before.files if before else ()
    source_rows = mapped.rows_in
    if before is not None and whole:
        _differ(con, name, read, before, root)
        read = f"SELECT * FROM fresh_{name}"
    if before is None or not whole or number(con, f"SELECT count(*) FROM fresh_{name}"):
        files = (*files, copy(con, root, read, f"{name}/{intake}"))
        con.execute(f"CREATE VIEW new_{name} AS SELECT {listed} FROM {rows_of(root, files[-1:])}")
    else:
        con.execute(f"CREATE TABLE new_{name} AS SELECT {listed} FROM {rows_of(root, files[:1])} WHERE false")
    if before is None:
        return mapped, shape.model_copy(update={"files": files, "source_rows": source_rows})
    part.stored(name)
    if whole:
        con.execute(f"INSERT INTO gone_{name} SELECT k.* FROM kept_{name} k SEMI JOIN lost_{name} l USING (_row)")
    else:
        source_rows += before.source_rows - sum(piece.rows for piece in taken_back)
        for piece in taken_back:
            con.execute(f"INSERT INTO gone_{name} SELECT * FROM kept_{name} WHERE _row >= {piece.first} AND _row < {piece.end}")
    dropped = before.dropped
    if number(con, f"SELECT count(*) FROM gone_{name}"):
        earlier = f"SELECT _row FROM {rows_of(root, [dropped])} UNION ALL " if dropped else ""
        dropped = copy(con, root, f"{earlier}SELECT _row FROM gone_{name}", f"{name}/dropped-{intake}")
    return mapped, shape.model_copy(update={"files": files, "dropped": dropped, "source_rows": source_rows})


def _differ(con: duckdb.DuckDBPyConnection, name: str, read: str, before: TableKept, root: Path) -> None:
    """`fresh_T`: rows read that were not kept; `lost_T`: numbers of rows kept that were not read; equal rows one by one."""
    listed = columns_sql(before).removeprefix("_row, ")
    turn = f"SELECT *, row_number() OVER (PARTITION BY {listed} ORDER BY _row) AS _nth"
    dropped = f" ANTI JOIN {rows_of(root, [before.dropped])} d USING (_row)" if before.dropped else ""
    kept = f"SELECT _row, {listed} FROM {rows_of(root, before.files)} k{dropped}"
    same = " AND ".join(f"a.{c} IS NOT DISTINCT FROM b.{c}" for c in [*listed.split(", "), "_nth"])
    con.execute(f"CREATE TEMP TABLE turn_read AS {turn} FROM ({read})")
    con.execute(f"CREATE TEMP TABLE turn_kept AS {turn} FROM ({kept})")
    con.execute(f"CREATE TABLE fresh_{name} AS SELECT * EXCLUDE (_nth) FROM turn_read a ANTI JOIN turn_kept b ON {same}")
    con.execute(f"CREATE TABLE lost_{name} AS SELECT _row FROM turn_kept a ANTI JOIN turn_read b ON {same}")
    con.execute("DROP TABLE turn_read; DROP TABLE turn_kept")


@dataclass(frozen=True)
class TableSums:
    """Figures over all mapped rows of a table that are brought up to date by what came and went."""

    mapped_days: dict[dt.date, int]
    sums: dict[str, str]

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, mapped: Mapped, kept: TableKept, gates: Gates, anew: bool) -> TableSums:
        """The figures after this intake: those of before, `new_T` added, `gone_T` taken off."""
        name, sides = mapped.table, [(1, f"new_{mapped.table}")] + ([] if anew else [(-1, f"gone_{mapped.table}")])
        days, sums = dict(kept.mapped_days), dict(kept.sums)
        event = TABLES[name].event
        if name in gates.fresh and event in mapped.columns:
            for sign, rows in sides:
                days = _add(days, dict(_by_day(con, rows, event)), sign)
        for column in gates.totals[name].sums if name in gates.totals else ():
            for sign, rows in sides:
                found = one(con, f"SELECT sum(CAST({ident(column)} AS DECIMAL(38, 6)))::VARCHAR FROM {rows}")[0]
                sums[column] = str(Decimal(sums.get(column, "0")) + sign * Decimal(found or 0))
        return cls(days, sums)


def _by_day(con: duckdb.DuckDBPyConnection, rows: str, event: str | None) -> list[tuple[dt.date, int]]:
    day = ident(str(event))
    return con.execute(f"SELECT {day}, count(*) FROM {rows} WHERE {day} IS NOT NULL GROUP BY 1").fetchall()


def _add(days: Mapping[dt.date, int], more: Mapping[dt.date, int], sign: int) -> dict[dt.date, int]:
    both = {day: days.get(day, 0) + sign * more.get(day, 0) for day in sorted({*days, *more})}
    return {day: count for day, count in both.items() if count}


def keep_table(
    con: duckdb.DuckDBPyConnection,
    root: Path,
    settings: SourceSettings,
    mapped: Mapped,
    checked: Checked,
    kept: TableKept,
    sums: TableSums,
    intake: int,
    ahead: dt.date | None,
    goes_on: bool,
) -> TableKept:
    """A table as it stands after its check: the verdict on every row of the bank, and all counts."""
    name, event = mapped.table, TABLES[mapped.table].event
    verdict = _keep_verdict(con, root, mapped, checked, kept, intake, goes_on)
    new = {"rows": checked.rows_in, "quarantined": checked.rows_quarantined, "copies": checked.rows_copies}
    days: dict[dt.date, int] = {}
    counted = name in {*settings.gates.fresh, *settings.gates.volume} and event in mapped.columns
    if counted:
        days = dict(_by_day(con, f"clean_{name}", event))
    if goes_on:
        row = one(
            con,
            f"SELECT (SELECT count(*) FROM old_{name}) + (SELECT count(*) FROM gone_{name}), count(*) FILTER (out),"
            f" count(*) FILTER (copy) FROM reviewed_{name}",
        )
        new = {
            "rows": kept.rows + new["rows"] - row[0],
            "quarantined": kept.quarantined + new["quarantined"] - row[1],
            "copies": kept.copies + new["copies"] - row[2],
        }
        if counted:
            days = _add(_add(kept.days, days, 1), dict(_by_day(con, f"before_{name}", event)), -1)
    examples = _examples(con, mapped, checked, kept)
    several = _keep_several(con, root, name, kept, intake) if TABLES[name].by in OWNERS else None
    figures = {
        "verdict": verdict,
        "several": several,
        "days": days,
        "mapped_days": sums.mapped_days,
        "sums": sums.sums,
        "ahead_after": ahead,
    }
    return kept.model_copy(update=figures | new | {"examples": examples, "actions": kept.actions | dict(checked.actions)})


def _keep_verdict(
    con: duckdb.DuckDBPyConnection, root: Path, mapped: Mapped, checked: Checked, kept: TableKept, intake: int, goes_on: bool
) -> File | None:
    """`now_T` (_row, rules, out, copy, source): what is said of every row of the bank, of which anything is; kept as a file."""
    name, start = mapped.table, intake << ROWS
    con.execute(f"CREATE TABLE now_{name} (_row BIGINT, rules VARCHAR[], out BOOLEAN, copy BOOLEAN, source VARCHAR)")
    if goes_on:
        con.execute(
            f"CREATE TABLE reviewed_{name} AS SELECT * FROM was_{name} SEMI JOIN"
            f" (SELECT _row FROM old_{name} UNION ALL SELECT _row FROM gone_{name}) o USING (_row)"
        )
        con.execute(f"INSERT INTO now_{name} SELECT * FROM was_{name} ANTI JOIN reviewed_{name} r USING (_row)")
        con.execute(  # a row set aside only now is shown as it was read, under the names it came with
            f"INSERT INTO now_{name} SELECT v._row, v.rules, v.out, false, CASE WHEN v.out THEN coalesce(r.source,"
            f" {source_sql(mapped, 'm', mapped.origin)}) END FROM verdict_{name} v JOIN mapped_{name} m USING (_row)"
            f" LEFT JOIN reviewed_{name} r USING (_row) WHERE v._row < {start}"
        )
    fresh = f"(SELECT * FROM verdict_{name} WHERE _row >= {start})"
    if number(con, f"SELECT count(*) FROM {fresh} WHERE out"):
        con.execute(
            f"INSERT INTO now_{name} SELECT v._row, v.rules, v.out, false, {source_sql(mapped, 's')} FROM {fresh} v"
            f" JOIN {mapped.source} s USING (_row) WHERE v.out"
        )
    con.execute(f"INSERT INTO now_{name} SELECT _row, rules, false, false, NULL FROM {fresh} WHERE NOT out")
    if checked.rows_copies:
        con.execute(f"INSERT INTO now_{name} SELECT _row, NULL, false, true, NULL FROM duplicates_{name} WHERE copy")
    if goes_on and not number(
        con,
        f"SELECT count(*) FROM ((FROM now_{name} EXCEPT FROM was_{name}) UNION ALL (FROM was_{name} EXCEPT FROM now_{name}))",
    ):
        return kept.verdict
    return copy(con, root, f"SELECT * FROM now_{name} ORDER BY _row", f"{name}/verdict-{intake}")


def _keep_several(con: duckdb.DuckDBPyConnection, root: Path, name: str, kept: TableKept, intake: int) -> File | None:
    """Keys of which there is, or was, more than one row: they cannot be carried over as they stand."""
    before, new = kept.several, f"SELECT * FROM several_{name}"
    if before:
        new += f" EXCEPT SELECT * FROM {rows_of(root, [before])}"
    if not number(con, f"SELECT count(*) FROM ({new})"):
        return before
    every = f"{new} UNION ALL SELECT * FROM {rows_of(root, [before])}" if before else new
    return copy(con, root, f"SELECT * FROM ({every}) ORDER BY ALL", f"{name}/several-{intake}")


def _examples(con: duckdb.DuckDBPyConnection, mapped: Mapped, checked: Checked, kept: TableKept) -> dict[str, tuple[str, ...]]:
    """Up to three examples of each rule still broken: those of before, and those of the rows just read."""
    still = {row[0] for row in con.execute(f"SELECT DISTINCT unnest(rules) FROM now_{mapped.table}").fetchall()} - {None}
    found = {label: tuple(kept.examples.get(label, ())) for label in sorted(still)}
    if mapped.source:
        for label, examples in examples_of(con, mapped, checked).items():
            found[label] = (*found.get(label, ()), *examples)
    return {label: tuple(sorted(set(examples)))[:_EXAMPLES] for label, examples in found.items()}
