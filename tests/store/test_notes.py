"""A note speaks of files as they were when it was written, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import notes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path, other = tmp_path / "as_of=2025-09-30.parquet", tmp_path / "more" / "picture.png"
    other.parent.mkdir()
    path.write_bytes(b"rows")
    other.write_bytes(b"picture")
    notes.note(path, {"one": "a", "two": "b"}, [other])
    return path


def test_what_a_file_was_made_from_stands_as_long_as_the_files_do(file: Path) -> None:
    assert notes.standing(file) == {"one": "a", "two": "b"}


@pytest.mark.parametrize("name", ["as_of=2025-09-30.parquet", "more/picture.png"])
def test_a_file_that_was_changed_or_removed_was_made_from_nothing_known(file: Path, name: str) -> None:
    whole = (file.parent / name).read_bytes()
    (file.parent / name).write_bytes(whole + b"!")
    assert notes.standing(file) == {}
    (file.parent / name).write_bytes(whole)
    assert notes.standing(file)
    (file.parent / name).unlink()
    assert notes.standing(file) == {}
    assert notes.standing(file.parent / "never.parquet") == {}
