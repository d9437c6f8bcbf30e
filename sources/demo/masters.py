"""The smaller tables, each written as some system of the union would: text with odd separators, one packed, one fixed."""

from __future__ import annotations

import numpy as np

from sources.demo import dirt, tables_bank, tables_people
from sources.demo.columns import always, days, flags, known, numbered, numbers, one_of, put, texts, yuan
from sources.demo.delivery import Drop
from sources.demo.files import write_delimited, write_fixed
from sources.demo.loans import REPAYMENTS
from sources.demo.movements import account_numbers, loan_numbers
from sources.demo.registers import frozen_of, write_customers
from sources.demo.world import NEVER, World

HOLDS = {"deposit": "1", "wealth": "2", "insurance": "3", "bond": "4"}
OPEN_END = "99991231"


def write_masters(world: World, drop: Drop) -> None:
    """Every table that is not kept by month, as far as it comes in this drop; what the bank keeps of itself comes once."""
    write_customers(world, drop)
    _accounts(world, drop)
    _terms(world, drop)
    _facilities(world, drop)
    _loans(world, drop)
    tables_people.write(world, drop)
    if drop.since < -NEVER:
        tables_bank.write(world, drop)


def _accounts(world: World, drop: Drop) -> None:
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
    printed = numbers(account_numbers(account))
    shut = closed <= drop.until
    closing = np.where(shut, closed, world.at.days)
    text = days(world.at.dates(closing), ~shut, OPEN_END)
    early = dirt.some(world, "closed_before_opened", np.flatnonzero((closed < world.at.days) & ~main), 0.004, printed)
    early = early[shut[early]]
    text = put(text, early, days(world.at.dates(opened[early] - 30)).to_pylist())
    write_delimited(
        drop.folder,
        f"DEP_ZHXX_{drop.stamp}",
        [
            printed,
            p.ids.take(owner),
            one_of(product, lambda x: x.ljust(6)),
            texts(world.network.branch_ids, p.branch[owner]),
            always("", len(owner)),
            one_of(holds, lambda x: HOLDS[x]),
            texts(("1", "2"), (kind != "current").astype(np.int64)),
            texts(("1", ""), firm.astype(np.int64)),
            one_of(status),
            always("CNY", len(owner)),
            days(world.at.dates(opened)),
            text,
        ],
        "@|@",
        rows=drop.rows(opened, closed),
    )


def _terms(world: World, drop: Drop) -> None:
    """DQXX, packed: a row for every term an account has had."""
    t = world.terms
    over = t["ended"] <= drop.until
    into = np.where((t["into"] >= 0) & over, t["into"], 0)
    write_delimited(
        drop.folder,
        f"DEP_DQXX_{drop.stamp}",
        [
            numbers(account_numbers(t["account"])),
            days(world.at.dates(t["started"])),
            days(world.at.dates(t["matures"])),
            yuan(t["amount"]),
            one_of(t["rate"], lambda x: f"{x * 100:.4f}"),
            one_of(t["rollover"]),
            days(world.at.dates(np.where(over, t["ended"], 0)), ~over, OPEN_END),
            one_of(np.where(over, t["reason"], 0), lambda x: str(x or "")),
            numbers(account_numbers(into), ~((t["into"] >= 0) & over)),
        ],
        "|+|",
        rows=drop.rows(t["started"], t["ended"]),
        packed=True,
    )


def _facilities(world: World, drop: Drop) -> None:
    """SXXX, fixed width: credit lines."""
    f, p = world.facilities, world.people
    write_fixed(
        drop.folder,
        f"CRD_SXXX_{drop.stamp}",
        [
            numbered("SX", np.arange(len(f)), 10),
            p.ids.take(f["owner"]),
            one_of(f["product"]),
            one_of(f["limit"], lambda x: f"{x / 1_000_000:.4f}"),
            always("1", len(f)),
            days(world.at.dates(f["granted"])),
            days(world.at.dates(f["expires"])),
            one_of(f["guarantee"] + 1),
            texts(("整村授信", "客户申请"), f["source"]),
        ],
        (14, 12, 6, 14, 1, 8, 8, 1, 12),
        drop.rows(f["granted"]),
    )


def _loans(world: World, drop: Drop) -> None:
    """DKXX: loans; the rate in per mille a month, a loan still open ends on 18991231."""
    loans, p = world.loans, world.people
    printed = numbers(loan_numbers(np.arange(len(loans))))
    over = loans["closed"] <= drop.until
    wrong = dirt.some(world, "rate_out_of_scale", np.arange(len(loans)), 0.004, printed)
    rate = one_of(loans["rate"], lambda x: f"{x / 12 * 1000:.6f}")
    rate = put(rate, wrong, [f"{x / 12 * 1e6:.3f}" for x in loans["rate"][wrong]])
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
        drop.folder,
        f"CRD_DKXX_{drop.stamp}",
        [
            printed,
            p.ids.take(loans["owner"]),
            numbers(account_numbers(loans["owner"])),
            one_of(loans["product"]),
            known(numbered("SX", np.maximum(loans["facility"], 0), 10), loans["facility"] >= 0),
            days(world.at.dates(loans["granted"])),
            yuan(loans["amount"]),
            rate,
            days(world.at.dates(loans["matures"])),
            days(world.at.dates(np.where(over, loans["closed"], 0)), ~over, "18991231"),
            texts(REPAYMENTS, loans["kind"]),
            one_of(loans["family"], lambda x: purpose[x]),
            numbers(loan_numbers(before), before < 0),
            texts(("", "3"), (before >= 0).astype(np.int64)),
            flags(np.isin(loans["product"], ("CYD", "TPXD"))),
            known(yuan(loans["instalment"]), loans["instalment"] > 0),
        ],
        "|+|",
        rows=drop.rows(loans["granted"], loans["closed"]),
    )
