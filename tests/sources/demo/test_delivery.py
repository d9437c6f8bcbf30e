"""Days delivered one by one: first load and daily files together say what the bank says when it is delivered whole."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from pathlib import Path

import duckdb
import pytest

from sources.demo.bank import DemoBank, make_demo_bank
from sources.demo.delivery import coming, deliver_next
from store.errors import ConfigError

DAYS = [dt.date(2026, 9, day) for day in (23, 24, 28, 29, 30)]  # the 25th is Mid-Autumn, then a weekend
KEYS = {  # the columns that name a row
    "CIF_KHXX": (0, 20), "DEP_ZHXX": (0,), "DEP_DQXX": (0, 1), "CRD_DKXX": (0,), "CIF_QYCP": (0, 1, 2), "CIF_GX": (0, 1, 2, 3),
    "CIF_HB": (0, 1), "MKT_CJ": (0,), "MKT_SQ": (0, 1, 4), "CIF_MRMD": (0, 1, 2), "CRD_SXXX": (0,),
}  # fmt: skip
SEPARATORS = {"DEP_ZHXX": b"@|@", "CIF_QYCP": b"@|@", "MKT_SQ": b"@|@"}
LARGE = ("DEP_JYLS", "DEP_ZHYE", "CRD_DKZT", "CHN_HYD")


def made(out: Path, daily: int, held_back: int = 0) -> DemoBank:
    return make_demo_bank(out, customers=900, months=3, seed=5, daily=daily, held_back=held_back)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("whole"), 0).raw


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five days on their own, two of them held back, then delivered."""
    out = made(tmp_path_factory.mktemp("daily"), 5, 2).raw.parent
    assert coming(out) == DAYS[3:]
    assert not list(out.glob("raw/*20260929*"))
    assert [deliver_next(out) for _ in range(3)] == [*DAYS[3:], None]
    assert sorted(path.name for path in out.iterdir()) == ["demo.json", "raw", "truth"]
    return out / "raw"


def lines(path: Path, width: int = 0) -> list[bytes]:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()


def named(name: str, line: bytes) -> tuple[bytes, ...]:
    cells = [line[:14]] if name == "CRD_SXXX" else line.split(SEPARATORS.get(name, b"|+|"))
    return tuple(cells[place] for place in KEYS[name])


def texts(raw: Path, name: str) -> list[Path]:
    """A register's files, first load first."""
    found = [path for path in raw.glob(f"{name}_*") if path.suffix != ".ok"]
    return sorted(found, key=lambda path: (f"{name}_BASE" not in path.name, path.name))


@pytest.mark.parametrize("name", KEYS)
def test_the_last_word_on_every_row_of_a_register_is_that_of_the_bank_delivered_whole(
    whole: Path, bank: Path, name: str
) -> None:
    files = texts(bank, name)
    assert [path.name.partition(".")[0] for path in files] == [f"{name}_BASE", *(f"{name}_D{day:%Y%m%d}" for day in DAYS)]
    last = {named(name, line): line for path in files for line in lines(path)}
    assert sorted(last.values()) == sorted(set(lines(texts(whole, name)[0])))
    assert sum(len(lines(path)) for path in files[1:]) < 0.2 * len(lines(files[0])) + 25


def test_a_day_tells_only_of_what_is_new_or_has_changed(bank: Path) -> None:
    for name in KEYS:
        known: dict[tuple[bytes, ...], bytes] = {}
        for path in texts(bank, name):
            told = {named(name, line): line for line in lines(path)}
            assert not [key for key, line in told.items() if known.get(key) == line]
            known |= told


def test_an_account_closed_on_a_day_was_open_the_day_before(bank: Path) -> None:
    first = {named("DEP_ZHXX", line): line for line in lines(texts(bank, "DEP_ZHXX")[0])}
    again = [line for path in texts(bank, "DEP_ZHXX")[1:] for line in lines(path) if named("DEP_ZHXX", line) in first]
    assert len(again) > 0
    assert all(first[named("DEP_ZHXX", line)].endswith(b"99991231") and not line.endswith(b"99991231") for line in again)


def test_every_text_has_a_flag_that_tells_its_rows_and_bytes(bank: Path) -> None:
    for path in sorted(bank.glob("*.dat*")):
        name, rows, md5 = (bank / f"{path.name.partition('.')[0]}.ok").read_text(encoding="utf-8").strip().split("|")
        assert (name, md5) == (path.name, hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest())
        assert int(rows) == len(lines(path))


@pytest.mark.parametrize("name", LARGE)
def test_large_tables_come_by_the_day_they_were_recorded(whole: Path, bank: Path, name: str) -> None:
    con = duckdb.connect()
    parts = [
        (raw, f"SELECT * FROM read_parquet('{raw}/{name}/*/*.parquet', hive_partitioning = false)") for raw in (whole, bank)
    ]
    (_, one), (_, other) = parts
    for a, b in ((one, other), (other, one)):
        assert con.execute(f"SELECT count(*) FROM ({a} EXCEPT ALL {b})").fetchall() == [(0,)]
    days = sorted(path.name for path in (bank / name / "YF=202609").iterdir())
    assert days == ["data.parquet", *(f"day-{day:%Y%m%d}.parquet" for day in DAYS)]
    recorded = "LRRQ" if name == "DEP_JYLS" else "RQ"
    since = dt.date(2026, 9, 22)
    assert con.execute(f"SELECT max({recorded}) FROM '{bank}/{name}/YF=202609/data.parquet'").fetchall()[0][0] <= since
    for day in DAYS:
        low, high = con.execute(
            f"SELECT min({recorded}), max({recorded}) FROM '{bank}/{name}/YF=202609/day-{day:%Y%m%d}.parquet'"
        ).fetchall()[0]
        assert low is None or since < low <= high <= day
        since = day


def test_more_days_than_the_span_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="business days"):
        made(tmp_path, 70)
