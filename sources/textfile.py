"""One text file put into the working database: all values text, lines that do not split set aside, broken bytes counted."""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sources.decoding import FIXED_SEPARATOR, first_line, long_separator, needs_plain, write_plain
from sources.delivery import Delivered
from sources.history import FILE_ON
from sources.settings import Input
from sources.sqltext import ident, literal, literals, number
from store.errors import GateBroken

_MOST_UNREADABLE = 200_000  # lines kept aside per file; a file with more has the wrong separator
_BLANKS = " \t\u3000"  # around a value; the last is that of Chinese type
GARBLED = "\ufffd"
CUT_SHORT = (EOFError, gzip.BadGzipFile, zlib.error)  # what unpacking a broken file raises


@dataclass(frozen=True)
class FileSeen:
    """What was read of one file."""

    rows: int
    unreadable: int
    garbled: int


def read_file(
    con: duckdb.DuckDBPyConnection,
    into: str,
    name: str,
    file: Delivered,
    spec: Input,
    text: list[str],
    on: str | None,
    scratch: Path,
) -> FileSeen:
    """Put one text file's rows into the table `into`, lines that do not split into `unreadable_NAME`."""
    if spec.header and (found := header_of(name, file.path, spec)) != text:
        raise GateBroken(
            f"{file.path.name} has the columns {', '.join(found)}",
            where=f"input {name}",
            expected=", ".join(text),
            do="ask the sender what changed; name the new columns in the bank file",
        )
    plain = scratch / f"{name}.txt"
    try:
        converted = needs_plain(file.path, spec)
        if converted:
            write_plain(file.path, spec, plain)
    except CUT_SHORT:
        raise cut_short(name, file.path) from None
    held = number(con, f"SELECT count(*) FROM {ident(into)}") if converted else 0
    rows, unreadable = _insert(con, into, name, plain if converted else file.path, file.path.name, spec, text, on)
    garbled = _garbled(con, into, text, held) if converted else 0
    if converted:
        plain.unlink()
    if file.rows is not None and file.rows != rows + unreadable:
        raise GateBroken(
            f"{file.path.name} holds {rows + unreadable:,} rows, its flag says {file.rows:,}",
            where=f"input {name}",
            expected="as many rows as the flag says",
            do="ask for the file again: it was cut short or sent twice",
        )
    return FileSeen(rows, unreadable, garbled)


def header_of(name: str, path: Path, spec: Input) -> list[str]:
    """The column names in a file's first line. Raises GateBroken where it cannot be unpacked."""
    try:
        line = first_line(path, spec)
    except CUT_SHORT:
        raise cut_short(name, path) from None
    if spec.quote and len(spec.separator) == 1:
        names = next(csv.reader([line], delimiter=spec.separator, quotechar=spec.quote), [])
    else:
        names = line.split(spec.separator)
    return [name.strip() for name in names]


def cut_short(name: str, path: Path) -> GateBroken:
    """The error for a file whose end is missing."""
    return GateBroken(
        f"{path.name} cannot be unpacked or read to its end",
        where=f"input {name}",
        expected="a whole file",
        do="ask for the file again: it was cut short or changed on its way",
    )


def unreadable_table(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """An empty `unreadable_NAME`."""
    con.execute(f"CREATE TABLE {ident('unreadable_' + name)} (file VARCHAR, line BIGINT, text VARCHAR, error VARCHAR)")


def _insert(
    con: duckdb.DuckDBPyConnection, into: str, name: str, path: Path, shown: str, spec: Input, text: list[str], on: str | None
) -> tuple[int, int]:
    """Rows read from one plain file, and lines set aside."""
    if path.stat().st_size == 0:
        return 0, 0
    separator = FIXED_SEPARATOR if spec.format == "fixed" or long_separator(spec) else spec.separator
    quote = literal(spec.quote or "") if spec.format == "delimited" else "''"
    day = [f"DATE {literal(on)}"] if on else []
    typed = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in text)
    values = ", ".join([*(clean_sql(c, spec) for c in text), *day])
    filled = ", ".join([*(ident(c) for c in text), *([FILE_ON] if on else [])])
    read = number(
        con,
        f"INSERT INTO {ident(into)} ({filled}) SELECT {values} FROM read_csv({literal(str(path))},"
        f" delim={literal(separator)}, quote={quote}, escape={quote}, header={str(spec.header).lower()}, auto_detect=false,"
        f" columns={{{typed}}}, store_rejects=true,"
        f" rejects_table='_rejects', rejects_scan='_scans', rejects_limit={_MOST_UNREADABLE})",
    )
    unreadable = number(
        con,
        f"INSERT INTO {ident('unreadable_' + name)} SELECT {literal(shown)}, line, any_value(csv_line),"
        " min(error_type)::VARCHAR FROM _rejects GROUP BY line",
    )
    con.execute("DROP TABLE _rejects; DROP TABLE _scans")
    if unreadable >= _MOST_UNREADABLE:
        raise GateBroken(
            f"{shown} has {unreadable:,} lines and more that do not split into {len(text)} columns",
            where=f"input {name}",
            expected=f"the separator {separator!r}",
            do="look at the file's first lines; set `separator`, `quote` and `columns` of the input",
        )
    return read, unreadable


def clean_sql(column: str, spec: Input) -> str:
    """SQL for a text value without blanks around it, null where it is one of the input's null values."""
    value, bare = f"trim({ident(column)}, {literal(_BLANKS)})", ident(column)

    def known(text: str) -> str:
        return f"CASE WHEN {text} IN ({literals(spec.null_values)}) THEN NULL ELSE {text} END" if spec.null_values else text

    if not spec.strip:
        return known(bare)
    ends = " OR ".join(f"suffix({bare}, {literal(blank)})" for blank in _BLANKS)
    maybe = f"{bare} < '!' OR {bare} >= {literal(_BLANKS[-1])} OR {ends}"  # trim looks at every letter: few texts need it
    return f"CASE WHEN {maybe} THEN {known(value)} ELSE {known(bare)} END"


def _garbled(con: duckdb.DuckDBPyConnection, name: str, text: list[str], held: int) -> int:
    """Rows with broken bytes among those put in after the first `held`."""
    marks = " OR ".join(f"contains({ident(c)}, {literal(GARBLED)})" for c in text)
    return number(con, f"SELECT count(*) FROM {ident(name)} WHERE rowid >= {held} AND ({marks})")
