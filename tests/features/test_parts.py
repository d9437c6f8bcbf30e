"""What a stopped build had finished is taken over only where it is still what was written."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from features.engine import build
from features.parts import Parts
from store.fingerprint import of_path
from store.limits import Limits

sys.path.insert(0, str(Path(__file__).parent))

import county

ON = dt.date(2025, 8, 31)
TABLE = pa.table({"customer_id": [f"C{n:03d}" for n in range(500)], "x": [float(n * n % 97) for n in range(500)]})


def garbled(content: bytes) -> bytes:
    """As long as before, with its footer, and with other bytes in the middle."""
    middle = len(content) // 3
    return content[:middle] + bytes(byte ^ 0xFF for byte in content[middle : middle + 8]) + content[middle + 8 :]


def test_a_part_is_finished_once_it_and_its_note_are_written(tmp_path: Path) -> None:
    parts = Parts(tmp_path, "k" * 20)
    assert not parts.has(ON, [0])
    parts.write(ON, 0, TABLE)
    assert Parts(tmp_path, "k" * 20).has(ON, [0])
    assert not parts.has(ON, [0, 1])
    assert not Parts(tmp_path, "another key than before").has(ON, [0])
    assert not parts.has(ON, [0]), "what was made of other data is cleared away"


@pytest.mark.parametrize("hurt", [garbled, lambda content: content[:-9], lambda content: b"", None])
def test_a_part_that_is_not_as_it_was_written_is_not_finished(tmp_path: Path, hurt: Callable[[bytes], bytes] | None) -> None:
    parts = Parts(tmp_path, "k" * 20)
    for bucket in (0, 1):
        parts.write(ON, bucket, TABLE)
    path = parts.path(ON, 1)
    if hurt is None:
        path.unlink()
    else:
        path.write_bytes(hurt(path.read_bytes()))
    assert (parts.has(ON, [0]), parts.has(ON, [1]), parts.has(ON, [0, 1])) == (True, False, False)
    parts.write(ON, 1, TABLE)
    assert parts.has(ON, [0, 1])


def test_what_was_noted_at_writing_is_the_hash_of_the_finished_folder(tmp_path: Path) -> None:
    parts = Parts(tmp_path, "k" * 20)
    for bucket in (1, 0, 12):
        parts.write(ON, bucket, TABLE)
    assert parts.fingerprint(ON) == of_path(parts.folder(ON))


@pytest.mark.parametrize("note", ["", "[12", "null", '{"size": 3}', "[1, 2, 3]"])
def test_a_part_whose_note_was_lost_in_a_power_cut_is_written_again(tmp_path: Path, note: str) -> None:
    parts = Parts(tmp_path, "k" * 20)
    parts.write(ON, 0, TABLE)
    written = next(path for path in parts.root.rglob("*") if path.is_file() and path != parts.path(ON, 0))
    written.write_text(note)
    assert not parts.has(ON, [0])


def test_a_bucket_that_rots_while_a_build_is_stopped_is_made_again_and_never_published(tmp_path: Path) -> None:
    canonical = replace(county.write(tmp_path / "canonical", county.make(37), buckets=5), limits=Limits(rows_per_load=50))
    views = ("account_holdings",)
    whole = build(canonical, county.SETTINGS, [ON], tmp_path / "whole", views=views).fingerprints

    def stop(_what: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(canonical, county.SETTINGS, [ON], tmp_path / "stopped", stop, views)
    finished = sorted((tmp_path / "stopped").rglob("bucket-*.parquet"))  # the lane ends with the load it is at
    part = finished[0]
    part.write_bytes(garbled(part.read_bytes()))
    left: list[int] = []
    again = build(canonical, county.SETTINGS, [ON], tmp_path / "stopped", lambda *step: left.append(step[2]), views)
    assert again.fingerprints == whole
    assert set(left) == {5 - len(finished) + 1}, "those that were not finished, and the one that rotted"
