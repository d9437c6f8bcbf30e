"""A county bank small enough to read: three people, their accounts and movements, as files a core system would drop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings

from sources.canonical import Canonical
from sources.connection import connect
from sources.intake import read_report, take_in
from sources.quality import Finding, QualityReport
from sources.settings import SourceSettings
from store.settings import read_yaml, validate

settings.register_profile("untimed", deadline=None)  # no test measures time
settings.load_profile("untimed")

CUSTOMERS = [
    "C1|+|刘建国|+|19640512|+|M|+|20200110",
    "C2|+|陈秀英|+|19580301|+|F|+|20200301",
    "C3|+|李志强|+|19850707|+|M|+|20210615",
]
ACCOUNTS = ["A1|+|C1|+|20200110|+|00000000", "A2|+|C2|+|20200301|+|00000000", "A3|+|C3|+|20210615|+|20230901"]
MOVEMENTS = [  # id, account, date, debit/credit, amount, balance after, code
    "T01|+|A1|+|20230102|+|C|+|1000.00|+|1000.00|+|SAL",
    "T02|+|A1|+|20230105|+|D|+|250.50|+|749.50|+|CSH",
    "T03|+|A1|+|20230105|+|D|+|100.00|+|649.50|+|PAY",
    "T04|+|A2|+|20230103|+|C|+|5000.00|+|5000.00|+|CSH",
    "T05|+|A2|+|20230110|+|C|+|0.05|+|5000.05|+|INT",
    "T06|+|A3|+|20230104|+|C|+|80.00|+|80.00|+|CSH",
    "T07|+|A3|+|20230831|+|D|+|80.00|+|0.00|+|CSH",
    "T08|+|A1|+|20230901|+|C|+|1.00|+|650.50|+|INT",
]

YAML = """
sources:
  buckets: 2
  inputs:
    cust: &core
      files: in/cust*.dat
      separator: "|+|"
      encoding: gb18030
      columns: [id, name, birth, sex, opened]
    acct: {<<: *core, files: in/acct*.dat, columns: [id, owner, opened, closed]}
    mov: {<<: *core, files: in/mov*.dat, columns: [id, acct, day, dc, amount, balance, code]}
  tables:
    customers:
      from: cust
      columns:
        customer_id: id
        name: name
        kind: {value: personal}
        birth_on: {column: birth, date: "%Y%m%d"}
        gender: {column: sex, codes: {M: m, F: f}}
        opened_on: {column: opened, date: "%Y%m%d"}
    accounts:
      from: acct
      columns:
        account_id: id
        customer_id: owner
        holds: {value: deposit}
        opened_on: {column: opened, date: "%Y%m%d"}
        closed_on: {column: closed, date: "%Y%m%d", sentinels: ["00000000"]}
    transactions:
      from: mov
      columns:
        transaction_id: id
        account_id: acct
        on: {column: day, date: "%Y%m%d"}
        amount: {column: amount, sign: {column: dc, credit: [C], debit: [D]}}
        category: {column: code, codes: {SAL: payroll, CSH: cash, PAY: platform_pay, INT: interest}}
        balance_after: balance
  derived: {balances: transactions}
  gates: {fresh: [transactions], highest_quarantined: 0.6, highest_conflicting: 0.6, highest_unreadable: 0.4}
"""


@dataclass
class SmallBank:
    """Files and settings in a folder; `take` takes them in."""

    folder: Path
    yaml: str = YAML
    replaced: list[tuple[str, str]] = field(default_factory=list)

    def write(self, name: str, rows: list[str] | bytes, encoding: str = "gb18030") -> Path:
        path = self.folder / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(rows if isinstance(rows, bytes) else "".join(row + "\n" for row in rows).encode(encoding))
        return path

    def change(self, old: str, new: str) -> SmallBank:
        assert old in self.yaml, f"{old!r} is not in the settings"
        self.yaml = self.yaml.replace(old, new, 1)
        return self

    def settings(self) -> tuple[SourceSettings, dict[tuple[str | int, ...], str]]:
        path = self.folder / "bank.yaml"
        path.write_text(self.yaml, encoding="utf-8")
        content, places = read_yaml(path)
        inner = {key[1:]: place for key, place in places.items() if key[0] == "sources"}
        return validate(content["sources"], SourceSettings, inner), inner

    def take(self, home: str = "home", expected: dt.date | None = None) -> Canonical:
        settings, places = self.settings()
        return take_in(
            settings, self.folder / home, self.folder, "small", "CNY", expected=expected, country="CN", places=places
        )

    def report(self, home: str = "home") -> QualityReport:
        return read_report(self.folder / home)

    def findings(self, home: str = "home") -> dict[tuple[str, str, str], Finding]:
        return {(f.table, f.rule, f.column): f for f in self.report(home).findings}


def rows(canonical: Canonical, table: str, as_of: dt.date, columns: str, order: str = "ALL") -> list[tuple[object, ...]]:
    """Rows of a table as known at a date, in order."""
    con = connect()
    relation = canonical.scan(con, table, as_of)
    con.register("_scanned", relation.to_arrow_table())
    found = con.execute(f"SELECT {columns} FROM _scanned ORDER BY {order}").fetchall()
    con.close()
    return found


@pytest.fixture
def bank(tmp_path: Path) -> SmallBank:
    small = SmallBank(tmp_path)
    small.write("cust.dat", CUSTOMERS)
    small.write("acct.dat", ACCOUNTS)
    small.write("mov.dat", MOVEMENTS)
    return small


@pytest.fixture
def scanned() -> Callable[..., list[tuple[object, ...]]]:
    return rows
