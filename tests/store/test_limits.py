"""What of a machine a run may use: sizes as people write them, and what the database engine is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from sources.connection import connect
from store.limits import USUAL, Limits, bytes_of


@pytest.mark.parametrize(
    ("written", "bytes_"), [("4GB", 4_000_000_000), ("800MB", 800_000_000), ("1.5 TB", 1_500_000_000_000), ("2GiB", 2 << 30)]
)
def test_a_size_is_read_as_people_write_it(written: str, bytes_: int) -> None:
    assert bytes_of(written) == bytes_


@pytest.mark.parametrize(
    "wrong", [{"memory": "4"}, {"memory": "lots"}, {"memory": "8MB"}, {"threads": 0}, {"temporary_space": "1MB"}]
)
def test_what_is_no_size_or_too_little_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(wrong)


def test_the_database_engine_gets_half_the_memory_all_threads_and_the_space_beside_the_tables(tmp_path: Path) -> None:
    limits = Limits(threads=3, memory="3GB", temporary_space="7GB")
    with connect(limits, tmp_path / "spill") as con:
        told = con.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit'), current_setting('max_temp_directory_size'),"
            " current_setting('temp_directory')"
        ).fetchone()
    assert told == (3, "1.3 GiB", "6.5 GiB", str(tmp_path / "spill"))


def test_more_memory_takes_more_rows_into_work_at_once_unless_they_are_said() -> None:
    assert USUAL.rows_at_once == 24_000_000
    assert Limits(memory="8GB").rows_at_once == 48_000_000
    assert Limits(memory="8GB", rows_per_load=5).rows_at_once == 5
