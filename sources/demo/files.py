"""How the demo bank's systems write files: text with odd separators and flags, fixed width, Parquet by month.

Written plainly: the folder they lie in is put in place in one step when the whole bank is there. Text is joined and encoded
in blocks of whole columns, so that a register of a million costs no more memory than one of a thousand.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sources.demo.chance import Ints

Column: TypeAlias = Any  # an Arrow column of text, or a short list of texts
BLOCK = 100_000  # lines that are joined and encoded at a time


def write_delimited(
    folder: Path,
    name: str,
    columns: Sequence[Column],
    separator: str,
    *,
    rows: Ints | None = None,
    packed: bool = False,
    broken: Ints | None = None,
) -> Path:
    """A text table without header in GB18030, and its flag; of its rows only some, where they are named.

    `broken`: lines whose second column lost a byte on its way.
    """
    table = _chosen(columns, rows)
    cut = np.zeros(0, dtype=np.int64) if broken is None else broken if rows is None else np.flatnonzero(np.isin(rows, broken))

    def blocks() -> Iterator[bytes]:
        for first in range(0, len(table), BLOCK):
            block = [column.combine_chunks() for column in table.slice(first, BLOCK).columns]
            lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*block, separator), "", "\n")
            inside = (cut[(cut >= first) & (cut < first + BLOCK)] - first).tolist()
            begin = 0
            for line in inside:
                yield encoded(lines[begin:line])
                yield _cut_short(lines[line].as_py(), separator)
                begin = line + 1
            yield encoded(lines[begin:])

    return _write(folder, f"{name}.dat.gz" if packed else f"{name}.dat", blocks(), len(table), packed)


def write_fixed(folder: Path, name: str, columns: Sequence[Column], widths: Sequence[int], rows: Ints | None = None) -> Path:
    """A fixed-width table in GB18030 (widths in bytes), and its flag."""
    table = _chosen(columns, rows)
    wide = [_padded(column.combine_chunks(), width) for column, width in zip(table.columns, widths, strict=True)]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*wide, ""), "", "\r\n")
    blocks = (encoded(lines[first : first + BLOCK]) for first in range(0, len(lines), BLOCK))
    return _write(folder, f"{name}.dat", blocks, len(lines), False)


def encoded(lines: pa.Array) -> bytes:
    """The texts of an array, one after the other, in GB18030."""
    if not len(lines):
        return b""
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    text: bytes = lines.buffers()[2][int(offsets[0]) : int(offsets[-1])].to_pybytes()
    return text.decode("utf-8").encode("gb18030")


def _cut_short(line: str, separator: str) -> bytes:
    parts = line.encode("gb18030").split(separator.encode())
    parts[1] = parts[1].rstrip()[:-1] + b"\xff"
    return separator.encode().join(parts)


def _chosen(columns: Sequence[Column], rows: Ints | None) -> pa.Table:
    table = pa.table([_plain(column) for column in columns], names=[str(i) for i in range(len(columns))])
    return table if rows is None or len(rows) == len(table) else table.take(rows)


def _plain(column: Column) -> pa.Array:
    """A text column as it is written: no dictionary, and nothing where nothing is known."""
    given = column if isinstance(column, pa.Array) else pa.array(list(column), pa.string())
    text = given.cast(pa.string()) if pa.types.is_dictionary(given.type) else given
    return pc.fill_null(text, "") if text.null_count else text


def _padded(column: pa.Array, width: int) -> pa.Array:
    if pc.all(pc.equal(pc.binary_length(column), pc.utf8_length(column))).as_py() in (True, None):
        return pc.utf8_rpad(column, width)
    codes = column.dictionary_encode()
    texts = [str(value) + " " * (width - len(str(value).encode("gb18030"))) for value in codes.dictionary.to_pylist()]
    return pa.array(texts).take(codes.indices)


def _write(folder: Path, name: str, blocks: Iterator[bytes], rows: int, packed: bool) -> Path:
    path = folder / name
    with path.open("wb") as file:
        if packed:
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as into:
                _pour(blocks, cast("IO[bytes]", into))
        else:
            _pour(blocks, file)
    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            md5.update(piece)
    (folder / f"{name.partition('.')[0]}.ok").write_text(f"{name}|{rows}|{md5.hexdigest()}\n", encoding="utf-8")
    return path


def _pour(blocks: Iterator[bytes], into: IO[bytes]) -> None:
    for block in blocks:
        into.write(block)


class MonthFile:
    """One month of a large table, written in parts; no file where there are none."""

    def __init__(self, folder: Path, name: str, month: str) -> None:
        self._path = folder / name / f"YF={month}" / "data.parquet"
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> MonthFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, table: pa.Table) -> None:
        """The next rows."""
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = table_writer(self._path, table.schema)
        self._writer.write_table(table)


def write_table(path: Path, table: pa.Table) -> None:
    """A Parquet file without anything of the machine in it."""
    with table_writer(path, table.schema) as writer:
        writer.write_table(table.replace_schema_metadata(None))


def table_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet file to be written in parts.

    Columns of few texts as dictionaries: others only grow by one. Smallest and largest are kept of dates and figures only: of
    texts they take a third of the writing, and nobody looks a number up in a month.
    """
    few = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    measured = [field.name for field in schema if not (pa.types.is_dictionary(field.type) or pa.types.is_string(field.type))]
    return pq.ParquetWriter(
        path, schema.remove_metadata(), compression="zstd", version="2.6", use_dictionary=few, write_statistics=measured
    )
