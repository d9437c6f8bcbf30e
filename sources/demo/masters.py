"""The smaller tables, each written as some system of the union would: text with odd separators, one packed, one fixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sources.demo import dirt, tables_bank, tables_people
from sources.demo.files import days, write_delimited, write_fixed, yuan
from sources.demo.loans import REPAYMENTS
from sources.demo.movements import account_numbers, loan_numbers
from sources.demo.registers import frozen_of, write_customers
from sources.demo.world import NEVER, World

HOLDS = {"deposit": "1", "wealth": "2", "insurance": "3", "bond": "4"}
OPEN_END = "99991231"


def write_masters(world: World, raw: Path) -> None:
    """Every table that is not kept by month."""
    stamp = world.at.last.strftime("%Y%m%d")
    write_customers(world, raw, stamp)
    _accounts(world, raw, stamp)
    _terms(world, raw, stamp)
    _facilities(world, raw, stamp)
    _loans(world, raw, stamp)
    tables_people.write(world, raw, stamp)
    tables_bank.write(world, raw, stamp)


def _accounts(world: World, raw: Path, stamp: str) -> None:
    """ZHXX: current accounts of everybody, then all others in order of opening."""
    p, a = world.people, world.accounts
    mains = np.flatnonzero(p.opened < world.at.days)
    owner = np.concatenate([mains, a["owner"]])
    account = np.concatenate([mains, a["account"]])
    opened = np.concatenate([p.opened[mains], a["opened"]])
    closed = np.concatenate([world.shut_on[mains], a["closed"]])
    firm = owner >= p.persons
    product = np.concatenate([np.where(mains >= p.persons, "COR", "CUR"), a["product"]])
    holds = np.concatenate([np.full(len(mains), "deposit"), a["holds"]])
    kind = np.concatenate([np.full(len(mains), "current"), a["kind"]])
    main = np.arange(len(account)) < len(mains)
    asleep = main & ~p.engaged[owner] & (world.ledger.balance[account] < 1_000) & (closed == NEVER)
    status = np.where(asleep, "2", "1")
    status = np.where(main & np.isin(owner, frozen_of(world)), "3", status)
    numbers = [str(x) for x in account_numbers(account)]
    shut = closed < world.at.days
    closing = np.where(shut, closed, world.at.days)
    text = days(world.at.dates(closing), ~shut, OPEN_END)
    for i in dirt.some(world, "closed_before_opened", np.flatnonzero(shut & ~main), 0.004, numbers):
        text[i] = days(world.at.dates(opened[i : i + 1] - 30))[0]
    write_delimited(
        raw,
        f"DEP_ZHXX_{stamp}",
        [
            numbers,
            [p.ids[i] for i in owner],
            [str(x).ljust(6) for x in product],
            [world.network.branch_ids[b] for b in p.branch[owner]],
            [numbers[0][:0]] * len(owner),
            [HOLDS[str(x)] for x in holds],
            ["1" if x == "current" else "2" for x in kind],
            ["" if f else "1" for f in firm],
            list(status),
            ["CNY"] * len(owner),
            days(world.at.dates(opened)),
            text,
        ],
        "@|@",
    )


def _terms(world: World, raw: Path, stamp: str) -> None:
    """DQXX, packed: a row for every term an account has had."""
    t = world.terms
    over = t["ended"] < world.at.days
    into = np.where((t["into"] >= 0) & over, t["into"], 0)
    write_delimited(
        raw,
        f"DEP_DQXX_{stamp}",
        [
            [str(x) for x in account_numbers(t["account"])],
            days(world.at.dates(t["started"])),
            days(world.at.dates(t["matures"])),
            yuan(t["amount"]),
            [f"{x * 100:.4f}" for x in t["rate"]],
            [str(x) for x in t["rollover"]],
            days(world.at.dates(np.where(over, t["ended"], 0)), ~over, OPEN_END),
            [str(r) if o else "" for r, o in zip(t["reason"], over, strict=True)],
            [str(x) if k else "" for x, k in zip(account_numbers(into), (t["into"] >= 0) & over, strict=True)],
        ],
        "|+|",
        packed=True,
    )


def _facilities(world: World, raw: Path, stamp: str) -> None:
    """SXXX, fixed width: credit lines."""
    f, p = world.facilities, world.people
    write_fixed(
        raw,
        f"CRD_SXXX_{stamp}",
        [
            [f"SX{i:010d}" for i in range(len(f))],
            [p.ids[i] for i in f["owner"]],
            [str(x) for x in f["product"]],
            [f"{x / 1_000_000:.4f}" for x in f["limit"]],
            ["1"] * len(f),
            days(world.at.dates(f["granted"])),
            days(world.at.dates(f["expires"])),
            [str(x + 1) for x in f["guarantee"]],
            ["整村授信" if x == 0 else "客户申请" for x in f["source"]],
        ],
        (14, 12, 6, 14, 1, 8, 8, 1, 12),
    )


def _loans(world: World, raw: Path, stamp: str) -> None:
    """DKXX: loans; the rate in per mille a month, a loan still open ends on 18991231."""
    loans, p = world.loans, world.people
    numbers = [str(x) for x in loan_numbers(np.arange(len(loans)))]
    over = loans["closed"] < world.at.days
    rate = [f"{x / 12 * 1000:.6f}" for x in loans["rate"]]
    for i in dirt.some(world, "rate_out_of_scale", np.arange(len(loans)), 0.004, numbers):
        rate[i] = f"{loans['rate'][i] / 12 * 1e6:.3f}"
    before = loans["previous"]
    purpose = {
        "farmer_credit": "种养殖",
        "business_loan": "进货周转",
        "consumer_loan": "装修",
        "mortgage": "购房",
        "student_loan": "助学",
        "corporate_loan": "流动资金",
    }
    write_delimited(
        raw,
        f"CRD_DKXX_{stamp}",
        [
            numbers,
            [p.ids[i] for i in loans["owner"]],
            [str(x) for x in account_numbers(loans["owner"])],
            [str(x) for x in loans["product"]],
            [f"SX{x:010d}" if x >= 0 else "" for x in loans["facility"]],
            days(world.at.dates(loans["granted"])),
            yuan(loans["amount"]),
            rate,
            days(world.at.dates(loans["matures"])),
            days(world.at.dates(np.where(over, loans["closed"], 0)), ~over, "18991231"),
            [str(REPAYMENTS[k]) for k in loans["kind"]],
            [purpose[str(x)] for x in loans["family"]],
            [numbers[x] if x >= 0 else "" for x in before],
            ["3" if x >= 0 else "" for x in before],
            ["1" if x in ("CYD", "TPXD") else "0" for x in loans["product"]],
            [yuan(loans["instalment"][i : i + 1])[0] if loans["instalment"][i] else "" for i in range(len(loans))],
        ],
        "|+|",
    )
