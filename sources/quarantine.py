"""`quarantine/`: rows that could not be used, with every rule they broke and the source row, personal columns masked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from sources.mapping import Mapped
from sources.quality import masked, personal_columns
from sources.sqltext import ident, literal
from store.files import write_parquet

if TYPE_CHECKING:
    from sources.landed import TableKept


def write_quarantine(
    con: duckdb.DuckDBPyConnection, folder: Path, tables: Mapping[str, TableKept], lines: Mapping[str, str]
) -> None:
    """One file per table and per input with rows set aside, in order of the source row; files of earlier intakes go.

    `lines`: input -> relation of its lines that could not be read.
    """
    wanted: set[str] = set()
    for name, kept in tables.items():
        if kept.quarantined:
            wanted.add(f"{name}.parquet")
            rows = f"SELECT rules, source FROM now_{name} WHERE out ORDER BY source, rules"
            write_parquet(folder / f"{name}.parquet", con.sql(rows).to_arrow_table())
    for name, relation in lines.items():
        wanted.add(f"lines_{name}.parquet")
        write_parquet(folder / f"lines_{name}.parquet", con.sql(_lines_sql(relation)).to_arrow_table())
    for path in folder.glob("*.parquet"):
        if path.name not in wanted:
            path.unlink()


def source_sql(mapped: Mapped, rows: str, names: Mapping[str, str] | None = None) -> str:
    """SQL for the source columns the mapping reads, as JSON. `names`: canonical column -> source column, where `rows` has the
    former."""
    personal = {mapped.origin[c] for c in personal_columns(mapped) if c in mapped.origin}
    stands = {source: column for column, source in sorted((names or {}).items())}
    values = ", ".join(
        f"{literal(c)}, {masked(f'{rows}.{ident(stands.get(c, c))}::VARCHAR', c in personal)}"
        for c in sorted(set(mapped.origin.values()))
    )
    return f"json_object({values})::VARCHAR"


def _lines_sql(relation: str) -> str:
    """file, line, error and the line's shape: digits as 9, letters as x, so that nobody's data stands here."""
    shape = "regexp_replace(regexp_replace(text, '[0-9]', '9', 'g'), '\\pL', 'x', 'g')"
    return f"SELECT ['lines'] AS rules, file, line, error, {shape} AS source FROM {relation} ORDER BY file, line"
