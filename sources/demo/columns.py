"""Columns as the core prints them: numbers, sums, dates and codes as text, made whole and never cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sources.demo.chance import Bools, Ints


def decimals(fen: Ints) -> pa.Array:
    """Fen as DECIMAL(18, 2) of yuan, without a detour over floating point."""
    words = np.empty((len(fen), 2), dtype=np.int64)
    words[:, 0] = fen
    words[:, 1] = fen >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(fen), [None, pa.py_buffer(words)])


def texts(values: Sequence[str] | pa.Array, codes: Ints) -> pa.Array:
    """A column of few different texts; -1 is null."""
    small, missing = codes.astype(np.int32), codes < 0
    known = values if isinstance(values, pa.Array) else pa.array(list(values), pa.string())
    indices = pa.array(np.where(missing, 0, small).astype(np.int32), mask=missing) if missing.any() else pa.array(small)
    return pa.DictionaryArray.from_arrays(indices, known)


def one_of(values: np.ndarray, written: Callable[[Any], str] = str) -> pa.Array:
    """A column of few different values, each written once."""
    different, codes = np.unique(values, return_inverse=True)
    return texts([written(value) for value in different.tolist()], codes)


def always(text: str, size: int) -> pa.Array:
    """The same text in every row."""
    return texts([text], np.zeros(size, dtype=np.int64))


def flags(yes: Bools) -> pa.Array:
    """1 and 0."""
    return texts(("0", "1"), yes.astype(np.int64))


def numbers(values: Ints, missing: np.ndarray | None = None) -> pa.Array:
    """Whole numbers as text; null where `missing`."""
    return pa.array(values, mask=missing).cast(pa.string())


def numbered(prefix: str, values: Ints, width: int) -> pa.Array:
    """Whole numbers as text with leading zeros, after a prefix."""
    text = pc.utf8_lpad(numbers(values), width, "0")
    return pc.binary_join_element_wise(prefix, text, "") if prefix else text


def known(column: pa.Array, where: Bools) -> pa.Array:
    """The column, with nothing in it where nothing is known."""
    return pc.if_else(pa.array(where), column, "")


def yuan(fen: Ints) -> pa.Array:
    """Fen as text with two decimals."""
    return decimals(np.asarray(fen, dtype=np.int64)).cast(pa.string())


def days(at: np.ndarray, none: np.ndarray | None = None, sentinel: str = "00000000") -> pa.Array:
    """datetime64[D] as YYYYMMDD; the sentinel where there is none."""
    day = at.astype("datetime64[D]")
    missing = np.isnat(day) if none is None else none | np.isnat(day)
    known = np.where(missing, np.datetime64("1970-01-01", "D"), day)
    month = known.astype("datetime64[M]")
    number, day_of_month = month.astype(np.int64), (known - month.astype("datetime64[D]")).astype(np.int64) + 1
    text = numbers(((number // 12 + 1970) * 100 + number % 12 + 1) * 100 + day_of_month)
    return pc.if_else(pa.array(missing), sentinel, text) if missing.any() else text


def put(column: pa.Array, rows: Ints, instead: Sequence[str]) -> pa.Array:
    """The column with other texts in a few rows."""
    if not len(rows):
        return column
    order = np.argsort(rows, kind="stable")
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    return pc.replace_with_mask(plain, pa.array(mask), pa.array([instead[i] for i in order], pa.string()))
