"""Files that are either whole or not there."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

_LIBRARY = ctypes.CDLL(None, use_errno=True)  # Python itself has no syncfs
BLOCK = 32_768  # rows read at once: of 290 columns 75 MB


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync(paths: Iterable[Path]) -> None:
    """Have files, and their names in their folders, outlast a power cut: before anything is written that names them.

    Each disk they lie on is synced once, whole: of hundreds of small files that takes a tenth of what they take one by one.
    Raises OSError.
    """
    disks = {path.stat().st_dev: path.parent for path in paths}
    for folder in disks.values():
        handle = os.open(folder, os.O_RDONLY)
        try:
            if _LIBRARY.syncfs(handle):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), str(folder))
        finally:
            os.close(handle)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; on a clean exit it is synced and renamed over `path`, on an error removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with open(temporary, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 `text` to `path` in one step."""
    write_bytes(path, text.encode("utf-8"))


def to_json(content: Any) -> str:
    """Canonical JSON: sorted keys, dates as ISO text, one trailing newline; equal content gives equal bytes."""
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n"


def write_json(path: Path, content: Any) -> None:
    """Write canonical JSON to `path` in one step."""
    write_text(path, to_json(content))


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write `table` in the order it stands, one file, in one step; equal tables give equal bytes.

    pandas metadata is dropped: it names library versions, and the bytes must not depend on them.
    """
    texts = [field.name for field in table.schema if not pa.types.is_primitive(field.type)]  # numbers seldom repeat
    with atomic_path(path) as temporary:
        pq.write_table(table.replace_schema_metadata(None), temporary, compression="zstd", version="2.6", use_dictionary=texts)


def parquet_columns(path: Path) -> list[str]:
    """Names of the columns of a Parquet file, or of a folder of such files that are one table."""
    names: list[str] = ds.dataset(path, partitioning=None).schema.names
    return names


def parquet_rows(path: Path) -> int:
    """Number of rows of a Parquet file, or of a folder of such files that are one table."""
    return int(ds.dataset(path, partitioning=None).count_rows())


def parquet_parts(path: Path) -> list[Path]:
    """The files of a table that is one Parquet file or a folder of them, in the order of their rows."""
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def parquet_blocks(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of a Parquet file, or of a folder of them, `BLOCK` rows at most at a time."""
    for part in parquet_parts(path):
        with pq.ParquetFile(part, pre_buffer=False) as file:
            for batch in file.iter_batches(BLOCK, columns=list(columns)):
                yield pa.Table.from_batches([batch])


def replace_folder(staging: Path, final: Path) -> None:
    """Move a finished folder to where another may be: a reader finds the old one, none, or the new one, never a mixture."""
    shutil.rmtree(final, ignore_errors=True)
    final.unlink(missing_ok=True)
    publish_folder(staging, final)


def publish_folder(staging: Path, final: Path) -> None:
    """Move a finished folder into place in one step; refuses to touch one that is already there."""
    if final.exists():
        raise FileExistsError(f"{final} is already published and is never changed")
    for path in sorted(staging.rglob("*")):
        if path.is_file():
            with open(path, "rb") as handle:
                os.fsync(handle.fileno())
        else:
            _sync_folder(path)
    _sync_folder(staging)
    final.parent.mkdir(parents=True, exist_ok=True)
    os.rename(staging, final)
    _sync_folder(final.parent)


def fresh_folder(path: Path) -> Path:
    """An empty folder at `path`; whatever a killed run left there is removed first."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
