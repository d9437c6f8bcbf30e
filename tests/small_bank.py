"""A bank of a few hundred customers as CSV files and one YAML: enough for a whole night, in seconds."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

FIRST, AS_OF = dt.date(2024, 6, 1), dt.date(2025, 9, 30)
CONFIGS = Path(__file__).resolve().parents[1] / "configs"

YAML = """\
extends: [{configs}/standard.yaml]
bank: {{id: small, name: 小河农商银行, name_en: Small River Bank, language: en, is_fictitious: true}}
sources:
  buckets: 2
  inputs:
    branches: &csv {{files: data/branches.csv, header: true, quote: '"'}}
    managers: {{<<: *csv, files: data/managers.csv}}
    products: {{<<: *csv, files: data/products.csv}}
    customers: {{<<: *csv, files: data/customers.csv}}
    accounts: {{<<: *csv, files: data/accounts.csv}}
    transactions: {{<<: *csv, files: data/transactions.csv}}
    consents: {{<<: *csv, files: data/consents.csv}}
    holdings: {{<<: *csv, files: data/holdings.csv}}
  tables:
    branches: {{from: branches, columns: {{branch_id: branch_id, name: name, level: level}}}}
    managers:
      from: managers
      columns: {{manager_id: manager_id, name: name, branch_id: branch_id, role: {{value: manager}}}}
    products: {{from: products, columns: {{product_id: product_id, name: name, family: family, counts_as: counts_as}}}}
    customers:
      from: customers
      columns:
        customer_id: customer_id
        name: name
        kind: {{value: personal}}
        stage: {{value: customer}}
        status: {{value: active}}
        opened_on: {{column: opened_on, date: "%Y-%m-%d"}}
        birth_on: {{column: birth_on, date: "%Y-%m-%d"}}
        branch_id: branch_id
        manager_id: manager_id
      undated: [branch_id, manager_id]
    accounts:
      from: accounts
      columns:
        account_id: account_id
        customer_id: customer_id
        product_id: {{value: current}}
        branch_id: branch_id
        holds: {{value: deposit}}
        kind: {{value: current}}
        opened_on: {{column: opened_on, date: "%Y-%m-%d"}}
    transactions:
      from: transactions
      columns:
        transaction_id: transaction_id
        account_id: account_id
        on: {{column: on, date: "%Y-%m-%d"}}
        amount: amount
        channel: {{value: mobile}}
        category: category
        initiated_by: {{value: customer}}
        balance_after: balance
    consents:
      from: consents
      columns:
        customer_id: customer_id
        purpose: {{value: marketing}}
        channel: {{value: any}}
        on: {{column: on, date: "%Y-%m-%d"}}
        granted: {{value: true}}
    holdings:
      from: holdings
      columns:
        customer_id: customer_id
        product_id: {{value: mobile_bank}}
        started_on: {{column: on, date: "%Y-%m-%d"}}
        activated_on: {{column: on, date: "%Y-%m-%d"}}
        started_how: {{value: customer}}
  derived: {{balances: transactions}}
  gates: {{fresh: [transactions]}}
features:
  without: [flow_categories, flows, flow_regularity, flow_channels, rural_income, pension, season_of_year, large_movements,
            festival, deposit_mix]
labels:
  closure: null
  buy_time_deposit: null
  buy_wealth: null
  buy_farmer_credit: null
  buy_business_loan: null
  buy_consumer_loan: null
  buy_acquiring: null
  churn_aum: {{min_positives: 10000, floor: 1000}}
limits: {{threads: 1}}
targeting:
  hours: {{manager: 4, branch: 4, pool_names: 5}}
  worth: {{least: 1}}           # little money lives here: three yuan a year are worth a call
night:
  training: {{month_ends: 2}}
  lease_seconds: 60
{more}"""


def make(folder: Path, customers: int = 300, seed: int = 1, until: dt.date = AS_OF, more: str = "") -> Path:
    """Write the bank into `folder`; its YAML. Same arguments, same files; an earlier `until` cuts them short."""
    draw = random.Random(seed)
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    _write(
        data / "branches.csv",
        ("branch_id", "name", "level"),
        [("B0", "总行", "head"), ("B1", "城关支行", "branch"), ("B2", "东门支行", "branch")],
    )
    _write(
        data / "managers.csv", ("manager_id", "name", "branch_id"), [(f"M{n}", f"经理{n}", f"B{1 + n % 2}") for n in range(4)]
    )
    _write(
        data / "products.csv",
        ("product_id", "name", "family", "counts_as"),
        [("current", "活期", "current", "deposit"), ("mobile_bank", "手机银行", "mobile_bank", "none")],
    )
    people, accounts, moves, consents, holdings = [], [], [], [], []
    for n in range(customers):
        customer, opened = f"C{n:04d}", FIRST - dt.timedelta(days=draw.randrange(400, 3000))
        manager = f"M{n % 4}" if n % 3 else ""
        people.append((customer, f"客户{n}", opened, dt.date(1950 + n % 50, 1 + n % 12, 1), f"B{1 + n % 2}", manager))
        accounts.append((f"A{n:04d}", customer, f"B{1 + n % 2}", opened))
        if n % 5:
            consents.append((customer, opened))
        if draw.random() < 0.5:
            holdings.append((customer, FIRST + dt.timedelta(days=draw.randrange(0, 480))))
        moves += _moves(n, draw)
    moves = [row for row in sorted(moves, key=lambda row: (row[2], row[0])) if row[2] <= until]
    _write(data / "customers.csv", ("customer_id", "name", "opened_on", "birth_on", "branch_id", "manager_id"), people)
    _write(data / "accounts.csv", ("account_id", "customer_id", "branch_id", "opened_on"), accounts)
    _write(data / "transactions.csv", ("transaction_id", "account_id", "on", "amount", "category", "balance"), moves)
    _write(data / "consents.csv", ("customer_id", "on"), consents)
    _write(data / "holdings.csv", ("customer_id", "on"), [row for row in holdings if row[1] <= until])
    path = folder / "small.yaml"
    path.write_text(YAML.format(configs=CONFIGS, more=more), encoding="utf-8")
    return path


def _moves(number: int, draw: random.Random) -> list[tuple[str, str, dt.date, str, str, str]]:
    """One account's transactions: a salary, some spending, and for one in eight the day on which all leaves."""
    leaves = FIRST + dt.timedelta(days=draw.randrange(120, 480)) if number % 8 == 0 else dt.date.max
    wealth, balance, rows = draw.choice([300, 3_000, 30_000, 90_000]), 0, []
    for month in range(16):
        first = dt.date(FIRST.year + (FIRST.month - 1 + month) // 12, (FIRST.month - 1 + month) % 12 + 1, 1)
        plan = [
            (first + dt.timedelta(days=9), wealth if month == 0 else draw.randrange(3_000, 5_000), "payroll"),
            (first + dt.timedelta(days=draw.randrange(11, 24)), -draw.randrange(1_000, 4_000), "platform_pay"),
            (first + dt.timedelta(days=27), -draw.randrange(0, 900) - 1, "utility"),
        ]
        for place, (day, yuan, category) in enumerate(plan):
            if leaves <= day and balance > 100:
                yuan, category = 100 - balance, "other_transfer"
            elif leaves <= day:
                continue
            yuan = max(yuan, -balance)
            balance += yuan
            if yuan:
                name = f"T{number:04d}{month:02d}{place}"
                rows.append((name, f"A{number:04d}", day, f"{yuan}.00", category, f"{balance}.00"))
    rows.append((f"T{number:04d}zz", f"A{number:04d}", AS_OF, "1.00", "interest", f"{balance + 1}.00"))
    return rows


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])
