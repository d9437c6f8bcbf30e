"""A bank's database: only the columns and days asked for cross the line; the same content has the same fingerprint."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from sources.intake import take_in
from store.errors import ConfigError, DataNotArrived
from tests.sources.conftest import MOVEMENTS, SmallBank, rows

NAMES = ("id", "acct", "day", "dc", "amount", "balance", "code")


def _ask_database(bank: SmallBank, place: str) -> None:
    bank.change(
        "    mov: {<<: *core, files: in/mov*.dat, columns: [id, acct, day, dc, amount, balance, code]}", f"    mov: {place}"
    )
    bank.change('on: {column: day, date: "%Y%m%d"}', "on: day")


def _fill(path: Path, lines: list[str]) -> None:
    con = duckdb.connect(str(path))
    con.execute(
        "CREATE OR REPLACE TABLE mov (id VARCHAR, acct VARCHAR, day DATE, dc VARCHAR, amount DECIMAL(18, 2),"
        " balance DECIMAL(18, 2), code VARCHAR, teller VARCHAR)"
    )
    for line in lines:
        values = line.split("|+|")
        con.execute("INSERT INTO mov VALUES (?, ?, strptime(?, '%Y%m%d'), ?, ?, ?, ?, 'somebody')", values)
    con.close()


def test_a_duckdb_file_is_a_source_like_any_other(bank: SmallBank) -> None:
    _fill(bank.folder / "core.duckdb", MOVEMENTS)
    _ask_database(bank, "{database: duckdb, uri: core.duckdb, table: mov}")
    first = bank.take()
    assert [row[0] for row in rows(first, "transactions", first.manifest.newest_business_date, "transaction_id")] == [
        m[:3] for m in MOVEMENTS
    ]
    assert pq.read_schema(bank.folder / "home" / "landed" / "mov.parquet").names == list(NAMES)  # nobody asked for the teller


def test_the_same_rows_in_another_order_are_the_same_delivery(bank: SmallBank) -> None:
    _fill(bank.folder / "core.duckdb", MOVEMENTS)
    _ask_database(bank, "{database: duckdb, uri: core.duckdb, table: mov}")
    first = bank.take()
    (bank.folder / "core.duckdb").unlink()
    _fill(bank.folder / "core.duckdb", MOVEMENTS[::-1])
    assert bank.take().manifest == first.manifest


def test_only_the_days_asked_for_are_fetched(bank: SmallBank) -> None:
    _fill(bank.folder / "core.duckdb", MOVEMENTS)
    _ask_database(bank, "{database: duckdb, uri: core.duckdb, table: mov, since: 2023-08-01, since_column: day}")
    assert bank.take().manifest.tables["transactions"].rows == 2


def test_a_database_is_asked_once_a_night(bank: SmallBank) -> None:
    _fill(bank.folder / "core.duckdb", MOVEMENTS)
    _ask_database(bank, "{database: duckdb, uri: core.duckdb, table: mov}")
    bank.take()
    _fill(bank.folder / "core.duckdb", MOVEMENTS[:-1])
    said: list[str] = []
    section, places = bank.settings()
    take_in(
        section,
        bank.folder / "home",
        bank.folder,
        "small",
        "CNY",
        country="CN",
        places=places,
        progress=lambda what, done, total: said.append(what),
    )
    assert said.count("fetch mov") == 1
    assert "write tables" in said


def test_full_days_stacked_in_a_database_are_compared(bank: SmallBank) -> None:
    con = duckdb.connect(str(bank.folder / "core.duckdb"))
    con.execute(
        "CREATE TABLE org AS SELECT * FROM (VALUES ('B1', '城关支行', DATE '2023-08-30', 1),"
        " ('B2', '东门支行', DATE '2023-08-30', 2),"
        " ('B1', '城关中心支行', DATE '2023-08-31', 3)) v(id, name, day, teller)"
    )
    con.close()
    place = "{database: duckdb, uri: core.duckdb, table: org, delivery: full, key: [id], dated: {column: day}}"
    bank.change("    mov: {", f"    org: {place}\n    mov: {{").change(
        "highest_quarantined", "highest_gone: 0.6, highest_quarantined"
    )
    bank.change("    transactions:\n", "    branches: {from: org, columns: {branch_id: id, name: name}}\n    transactions:\n")
    canonical = bank.take()
    assert [rows(canonical, "branches", dt.date(2023, 8, day), "branch_id, name") for day in (30, 31)] == [
        [("B1", "城关支行"), ("B2", "东门支行")],
        [("B1", "城关中心支行")],
    ]
    assert canonical.manifest.newest_business_date == dt.date(2023, 8, 31)
    assert bank.take().manifest == canonical.manifest


def test_a_database_that_is_not_there_has_not_arrived(bank: SmallBank) -> None:
    _ask_database(bank, "{database: duckdb, uri: core.duckdb, table: mov}")
    with pytest.raises(DataNotArrived, match=r"no database file core\.duckdb"):
        bank.take()


def test_a_password_that_looks_like_a_name_to_fill_in_is_not_shown(bank: SmallBank) -> None:
    _ask_database(bank, '{database: postgresql, uri: "postgresql://u:se${cret@h/db", table: mov}')
    with pytest.raises(ConfigError, match="input mov: the address has not been filled in") as told:
        bank.take()
    assert "cret" not in str(told.value)


def test_an_address_nobody_filled_in_is_a_mistake_of_the_settings(bank: SmallBank) -> None:
    _ask_database(bank, '{database: postgresql, uri: "${CORE_URI}", table: mov}')
    with pytest.raises(ConfigError, match="CORE_URI"):
        bank.take()


def test_a_postgresql_that_does_not_answer_keeps_its_password_to_itself(bank: SmallBank) -> None:
    _ask_database(bank, '{database: postgresql, uri: "postgresql://core:sesame@127.0.0.1:9/core", table: mov}')
    with pytest.raises(DataNotArrived) as caught:
        bank.take()
    assert "sesame" not in str(caught.value)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A server of our own in a temporary folder, as somebody who is not root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []
    programs = found[-1] if found else Path(shutil.which("initdb") or "/nowhere/initdb").parent
    if not (programs / "initdb").exists():
        pytest.skip("no PostgreSQL server here: apt-get install postgresql to run this")
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    as_user = ["runuser", "-u", user, "--"] if os.getuid() == 0 else []
    folder = Path(subprocess.run([*as_user, "mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    control = [*as_user, str(programs / "pg_ctl"), "-D", str(folder / "db"), "-w"]
    subprocess.run(
        [*as_user, str(programs / "initdb"), "-D", str(folder / "db"), "-A", "trust", "-U", "core", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    subprocess.run(
        [*control, "-l", str(folder / "log"), "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/"
    )
    try:
        yield f"postgresql://core@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, cwd="/")
        subprocess.run([*as_user, "rm", "-rf", str(folder)], check=False, cwd="/")


def _fill_postgresql(uri: str, lines: list[str]) -> None:
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS mov")
        cursor.execute(
            "CREATE TABLE mov (id TEXT, acct TEXT, day DATE, dc CHAR(1), amount NUMERIC(18, 2), balance NUMERIC(18, 2),"
            " code TEXT, teller TEXT)"
        )
        for line in lines:
            values = line.split("|+|")
            cursor.execute(
                "INSERT INTO mov VALUES ($1, $2, to_date($3, 'YYYYMMDD'), $4, $5::numeric, $6::numeric, $7, 'somebody')", values
            )
        connection.commit()


def test_postgresql_gives_the_same_tables_as_the_files(bank: SmallBank, postgresql: str) -> None:
    from_files = bank.take("files")
    _fill_postgresql(postgresql, MOVEMENTS[::-1])
    _ask_database(bank, f'{{database: postgresql, uri: "{postgresql}", table: public.mov}}')
    from_database = bank.take("database")
    for table in from_files.manifest.tables:
        ours, theirs = ([Path(file).read_bytes() for file in taken.files(table)] for taken in (from_files, from_database))
        assert ours == theirs, table
    assert pq.read_schema(bank.folder / "database" / "landed" / "mov.parquet").names == list(NAMES)


def test_postgresql_is_asked_for_days_only(bank: SmallBank, postgresql: str) -> None:
    _fill_postgresql(postgresql, MOVEMENTS)
    _ask_database(bank, f'{{database: postgresql, uri: "{postgresql}", table: mov, since: 2023-08-01, since_column: day}}')
    assert bank.take().manifest.tables["transactions"].rows == 2


def test_a_misspelt_postgresql_table_is_said(bank: SmallBank, postgresql: str) -> None:
    _ask_database(bank, f'{{database: postgresql, uri: "{postgresql}", table: movv}}')
    with pytest.raises(ConfigError, match="input mov"):
        bank.take()
