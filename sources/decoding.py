"""Text files as banks send them, made plain: UTF-8, not packed, one separator; broken bytes become U+FFFD."""

from __future__ import annotations

import codecs
import gzip
import io
from pathlib import Path
from typing import IO

import numpy as np

from sources.settings import Input

FIXED_SEPARATOR = "\x1f"  # between the columns of a fixed-width file; no byte of it occurs inside a GB18030 character
_CHUNK = 8 << 20


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked where it is gzip by its first two bytes (names lie)."""
    with open(path, "rb") as handle:
        packed = handle.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else open(path, "rb")  # type: ignore[return-value]


def first_line(path: Path, spec: Input) -> str:
    """The first line, decoded, without its line end."""
    with open_bytes(path) as handle:
        line = handle.readline(1 << 20)
    return line.decode(spec.encoding, errors="replace").lstrip("\ufeff").rstrip("\r\n")


def needs_plain(path: Path, spec: Input) -> bool:
    """Whether DuckDB's reader cannot take the file as it is: it knows UTF-8 and separators of up to four bytes."""
    return spec.format == "fixed" or spec.encoding != "utf-8" or long_separator(spec) or not is_utf8(path)


def long_separator(spec: Input) -> bool:
    """Whether the separator is longer than DuckDB's reader takes; it is then replaced by one character."""
    return spec.format == "delimited" and len(spec.separator.encode()) > 4


def is_utf8(path: Path) -> bool:
    """Whether every byte sequence of the (unpacked) file is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_bytes(path) as handle:
        try:
            while chunk := handle.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def write_plain(path: Path, spec: Input, out: Path) -> None:
    """The file as UTF-8 in `out`, in chunks of whole lines; fixed width gets separators, cut by bytes before decoding."""
    with open_bytes(path) as source, open(out, "wb") as target:
        rest = b""
        while chunk := source.read(_CHUNK):
            cut = chunk.rfind(b"\n") + 1
            if cut == 0:
                rest += chunk
                continue
            _write_lines(rest + chunk[:cut], spec, target)
            rest = chunk[cut:]
        if rest:
            _write_lines(rest + b"\n", spec, target)


def _write_lines(lines: bytes, spec: Input, target: IO[bytes]) -> None:
    if spec.format == "fixed":
        lines = separated(lines, spec.widths or ())
    text = lines.decode(spec.encoding, errors="replace")
    if long_separator(spec):
        text = text.replace(spec.separator, FIXED_SEPARATOR)
    target.write(text.encode("utf-8"))


def separated(lines: bytes, widths: tuple[int, ...]) -> bytes:
    """Fixed-width lines with a separator between columns.

    A line may lack blanks of its last column (senders trim them). Any other length is left as it is, without separators,
    so that the reader counts and sets aside the line.
    """
    data = np.frombuffer(lines.replace(b"\r\n", b"\n"), dtype=np.uint8)
    ends = np.flatnonzero(data == 10)
    starts = np.concatenate(([0], ends[:-1] + 1))
    length, whole = ends - starts, sum(widths)
    good = (length <= whole) & (length > whole - widths[-1])
    out = io.BytesIO()
    if good.all():
        out.write(_cut(data, starts, length, widths).tobytes())
        return out.getvalue()
    out.write(_cut(data, starts[good], length[good], widths).tobytes())
    for start, end in zip(starts[~good].tolist(), ends[~good].tolist(), strict=True):  # only the broken ones
        out.write(data[start : end + 1].tobytes())
    return out.getvalue()


def _cut(data: np.ndarray, starts: np.ndarray, length: np.ndarray, widths: tuple[int, ...]) -> np.ndarray:
    """One row of bytes per line: its columns with separators between and a line end."""
    whole = sum(widths)
    at = np.arange(whole)
    inside = at[None, :] < length[:, None]
    places = np.minimum(starts[:, None] + at[None, :], len(data) - 1)
    matrix = np.where(inside, data[places], ord(" ")).astype(np.uint8)
    pieces: list[np.ndarray] = []
    begin = 0
    for number, width in enumerate(widths):
        pieces.append(matrix[:, begin : begin + width])
        mark = 10 if number == len(widths) - 1 else ord(FIXED_SEPARATOR)
        pieces.append(np.full((len(matrix), 1), mark, dtype=np.uint8))
        begin += width
    return np.hstack(pieces)
