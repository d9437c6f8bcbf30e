"""How the demo bank's systems write files: text with odd separators and flags, fixed width, Parquet by month.

Written plainly: the folder they lie in is put in place in one step when the whole bank is there.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sources.demo.chance import Ints

Column = Sequence[str]


def write_delimited(
    folder: Path, name: str, columns: Sequence[Column], separator: str, *, packed: bool = False, broken: Sequence[int] = ()
) -> Path:
    """A text table without header in GB18030, and its flag. `broken`: lines whose second column lost a byte on its way."""
    lines = [separator.join(row).encode("gb18030") for row in zip(*columns, strict=True)]
    mark = separator.encode()
    for line in broken:
        parts = lines[line].split(mark)
        parts[1] = parts[1].rstrip()[:-1] + b"\xff"
        lines[line] = mark.join(parts)
    content = b"\n".join(lines) + b"\n" if lines else b""
    if packed:
        content = gzip.compress(content, 6, mtime=0)
    return _write(folder, f"{name}.dat.gz" if packed else f"{name}.dat", content, len(lines))


def write_fixed(folder: Path, name: str, columns: Sequence[Column], widths: Sequence[int]) -> Path:
    """A fixed-width table in GB18030 (widths in bytes), and its flag."""
    lines = []
    for row in zip(*columns, strict=True):
        fields = [value.encode("gb18030") for value in row]
        lines.append(b"".join(field + b" " * (width - len(field)) for field, width in zip(fields, widths, strict=True)))
    return _write(folder, f"{name}.dat", b"\r\n".join(lines) + b"\r\n" if lines else b"", len(lines))


def _write(folder: Path, name: str, content: bytes, rows: int) -> Path:
    path = folder / name
    path.write_bytes(content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    (folder / f"{name.partition('.')[0]}.ok").write_text(f"{name}|{rows}|{md5}\n", encoding="utf-8")
    return path


def write_month(folder: Path, name: str, month: str, columns: dict[str, pa.Array]) -> None:
    """One month of a large table."""
    place = folder / name / f"YF={month}"
    place.mkdir(parents=True, exist_ok=True)
    write_table(place / "data.parquet", pa.table(columns))


def write_table(path: Path, table: pa.Table) -> None:
    """A Parquet file without anything of the machine in it. Columns of few texts as dictionaries; others only grow by one."""
    few = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    pq.write_table(table.replace_schema_metadata(None), path, compression="zstd", version="2.6", use_dictionary=few)


def decimals(fen: Ints) -> pa.Array:
    """Fen as DECIMAL(18, 2) of yuan, without a detour over floating point."""
    words = np.empty((len(fen), 2), dtype=np.int64)
    words[:, 0] = fen
    words[:, 1] = fen >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(fen), [None, pa.py_buffer(words.tobytes())])


def texts(values: Sequence[str], codes: Ints) -> pa.Array:
    """A column of few different texts; -1 is null."""
    return pa.DictionaryArray.from_arrays(
        pa.array(np.where(codes < 0, 0, codes).astype(np.int32), mask=codes < 0), pa.array(list(values), pa.string())
    )


def numbers(values: Ints, missing: np.ndarray | None = None) -> pa.Array:
    """Whole numbers as text; null where `missing`."""
    return pa.array(values, mask=missing).cast(pa.string())


def yuan(fen: Ints) -> list[str]:
    """Fen as text with two decimals."""
    return [f"{x // 100}.{x % 100:02d}" for x in fen.tolist()]


def days(at: np.ndarray, none: np.ndarray | None = None, sentinel: str = "00000000") -> list[str]:
    """datetime64[D] as YYYYMMDD; the sentinel where there is none."""
    out = np.char.replace(np.datetime_as_string(at.astype("datetime64[D]"), unit="D"), "-", "")
    if none is not None:
        out = np.where(none | np.isnat(at), sentinel, out)
    return [str(x) for x in out]
