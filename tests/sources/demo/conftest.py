"""Two demo banks for the tests, a tiny one and one with the full network, and a second pair of eyes for their raw files."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from sources.demo.bank import DemoBank, make_demo_bank
from tests.once import once

COLUMNS = {
    "CIF_KHXX": ("|+|", "KHH XM ZJHM SJH KHLX KHJD KHZT KHRQ CSRQ XB ZY HY XL JGDM KHJL WGBH FXDJ FXPGRQ YGBZ GLFBZ SXRQ"),
    "DEP_ZHXX": ("@|@", "ZH KHH CPDM JGDM FZH CYLX ZHXZ ZHLB ZHZT BZ KHRQ XHRQ"),
    "DEP_DQXX": ("|+|", "ZH QXRQ DQRQ JE NLL ZCBZ JSRQ JSYY XZH"),
    "CRD_DKXX": ("|+|", "DKH KHH HKZH CPDM SXH FFRQ FFJE YLL DQRQ JQRQ HKFS DKYT YDKH XDBZ TXBZ MQJE"),
    "CIF_QYCP": ("@|@", "KHH CPDM QYRQ JHRQ JYRQ KTFS"),
    "CIF_GX": ("|+|", "KHH GLKHH GXLX KSRQ JSRQ"),
    "CIF_HB": ("|+|", "YKHH XKHH HBRQ CXRQ"),
    "MKT_CJ": ("|+|", "CJH KHH KHJL CP QD CJRQ FPGL FZ JG JGRQ"),
    "PUB_JG": ("|+|", "JGDM JGMC YWMC SJJG JGJB JD WD BQRQ FZR"),
    "PUB_WG": ("|+|", "WGBH WGMC JGDM GH XZ WGLX WZ"),
    "PUB_KHJL": ("@|@", "GH XM JGDM RGS JS ZGZ ZW"),
    "CIF_MRMD": ("|+|", "KHH LX KSRQ JSRQ LY"),
}


def lines(bank: DemoBank, name: str) -> list[bytes]:
    """The lines of a text file, unpacked."""
    path = next(p for p in sorted(bank.raw.glob(f"{name}_*")) if p.suffix != ".ok")
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).split(b"\n")[:-1]


def frame(bank: DemoBank, name: str) -> pd.DataFrame:
    """A text table, all columns as text."""
    separator, columns = COLUMNS[name]
    rows = [line.decode("gb18030", errors="replace").split(separator) for line in lines(bank, name)]
    return pd.DataFrame(rows, columns=columns.split(), dtype="string").apply(lambda column: column.str.strip())


def read(bank: DemoBank) -> duckdb.DuckDBPyConnection:
    """A connection with every text table by name, `moves` (signed) and `balances`, `states`, `visits`."""
    con = duckdb.connect(config={"threads": "2"})
    for name in COLUMNS:
        con.register(name, frame(bank, name))
    for view, folder in (("day_book", "DEP_JYLS"), ("balances", "DEP_ZHYE"), ("states", "CRD_DKZT"), ("visits", "CHN_HYD")):
        con.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet('{bank.raw}/{folder}/*/*.parquet')")
    con.execute(
        "CREATE VIEW moves AS SELECT *, CASE JYBZ WHEN 'C' THEN JYJE ELSE -JYJE END AS signed"
        " FROM (SELECT *, JDBZ AS JYBZ FROM day_book)"
    )
    for name in ("hazard", "closing", "demand", "events", "people", "uplift"):
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{bank.truth}/{name}.parquet')")
    return con


def made(factory: pytest.TempPathFactory, name: str, customers: int) -> DemoBank:
    """A bank that nobody writes to."""

    def make(folder: Path) -> tuple[str, str, int]:
        bank = make_demo_bank(folder, customers=customers)
        return bank.first.isoformat(), bank.newest.isoformat(), bank.transactions

    folder, (first, newest, transactions) = once(factory, name, make)
    days = [dt.date.fromisoformat(day) for day in (first, newest)]
    return DemoBank(folder / "raw", folder / "truth", *days, customers, transactions)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> DemoBank:
    """Three hundred customers over the whole span."""
    return made(tmp_path_factory, "tiny", 300)


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> DemoBank:
    """Six thousand customers: the full network."""
    return made(tmp_path_factory, "county", 6_000)


@pytest.fixture(scope="session")
def con(county: DemoBank) -> duckdb.DuckDBPyConnection:
    """The larger bank's files and truth as relations."""
    return read(county)


@pytest.fixture(scope="session")
def raw_lines() -> Callable[[DemoBank, str], list[bytes]]:
    """The lines of a text file of a bank, by the file's name."""
    return lines


@pytest.fixture(scope="session")
def bank_file() -> Path:
    """configs/banks/demo.yaml."""
    return Path(__file__).parents[3] / "configs" / "banks" / "demo.yaml"


@pytest.fixture(scope="session")
def reader() -> Callable[[DemoBank], duckdb.DuckDBPyConnection]:
    """Any bank's files and truth as relations."""
    return read
