"""`quarantine/`: rows that could not be used, with every rule they broke and the source row, personal columns masked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from sources.contract import Checked
from sources.landing import Landed
from sources.mapping import Mapped
from sources.quality import masked, personal_columns
from sources.sqltext import ident, literal
from store.files import write_parquet


def write_quarantine(
    con: duckdb.DuckDBPyConnection, folder: Path, pairs: Iterable[tuple[Mapped, Checked]], landed: Iterable[Landed]
) -> None:
    """One file per table and per input with rows set aside, in order of the source row; files of earlier intakes go."""
    wanted: set[str] = set()
    for mapped, checked in pairs:
        if checked.rows_quarantined:
            wanted.add(f"{mapped.table}.parquet")
            write_parquet(folder / f"{mapped.table}.parquet", con.sql(_rows_sql(mapped)).to_arrow_table())
    for item in landed:
        if item.unreadable:
            wanted.add(f"lines_{item.name}.parquet")
            write_parquet(folder / f"lines_{item.name}.parquet", con.sql(_lines_sql(item.name)).to_arrow_table())
    for path in folder.glob("*.parquet"):
        if path.name not in wanted:
            path.unlink()


def _rows_sql(mapped: Mapped) -> str:
    """rules, source: the source columns the mapping reads, as JSON."""
    personal = {mapped.origin[c] for c in personal_columns(mapped) if c in mapped.origin}
    columns = sorted(set(mapped.origin.values()))
    values = ", ".join(f"{literal(c)}, {masked(f's.{ident(c)}::VARCHAR', c in personal)}" for c in columns)
    return (
        f"SELECT v.rules, json_object({values})::VARCHAR AS source FROM verdict_{mapped.table} v"
        f" JOIN {mapped.source} s USING (_row) WHERE v.out ORDER BY source, rules"
    )


def _lines_sql(name: str) -> str:
    """file, line, error and the line's shape: digits as 9, letters as x, so that nobody's data stands here."""
    shape = "regexp_replace(regexp_replace(text, '[0-9]', '9', 'g'), '\\pL', 'x', 'g')"
    return (
        f"SELECT ['lines'] AS rules, file, line, error, {shape} AS source FROM {ident('unreadable_' + name)}"
        " ORDER BY file, line"
    )
