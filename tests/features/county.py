"""A tiny bank with a bit of everything, from a seed: what the engine's tests read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from features.settings import FeatureSettings
from sources.canonical import Canonical
from sources.connection import connect
from sources.overwrite import write_canonical
from sources.tables import CATEGORIES
from store.settings import read_yaml

NEWEST = dt.date(2026, 3, 31)
SETTINGS = FeatureSettings.model_validate(read_yaml(Path(__file__).parents[2] / "configs" / "calendar.yaml")[0])
PRODUCTS = [
    ("CUR", "活期", "Current account", "current", "deposit"),
    ("TIM", "整存整取", "Time deposit", "time_deposit", "deposit"),
    ("WEA", "理财", "Wealth product", "wealth", "aum"),
    ("MET", "贵金属", "Metal", "metal", "none"),
    ("LON", "生意贷", "Business loan", "business_loan", "none"),
    ("FAR", "农户小额信用贷", "Farmer credit", "farmer_credit", "none"),
    ("MOB", "手机银行", "Mobile banking", "mobile_bank", "none"),
    ("ACQ", "收款码", "Payment code", "acquiring", "none"),
    ("PAY", "代发工资", "Payroll", "payroll", "none"),
]

Tables = dict[str, pd.DataFrame]


def day(number: int) -> dt.date:
    """A day of the bank's history, 0 on 2024-01-01."""
    return dt.date(2024, 1, 1) + dt.timedelta(int(number))


LAST = (NEWEST - day(0)).days


def make(seed: int, customers: int = 24, per_customer: int = 60) -> Tables:
    """Canonical tables by name, money in minor units."""
    rng = np.random.default_rng(seed)
    ids = [f"C{n:03d}" for n in range(customers)]
    opened = {c: day(rng.integers(-800, LAST - 1)) for c in ids}
    tables: Tables = {
        "customers": pd.DataFrame(
            {
                "customer_id": ids,
                "kind": rng.choice(["personal", "sole_trader"], customers),
                "stage": "customer",
                "opened_on": [opened[c] for c in ids],
                "birth_on": [day(-int(n)) for n in rng.integers(6000, 30000, customers)],
            }
        )
    }
    tables["products"] = pd.DataFrame(PRODUCTS, columns=["product_id", "name", "name_en", "family", "counts_as"])
    tables |= _accounts(rng, opened) | _lending(rng, opened) | _relations(rng, opened)
    tables |= _movements(rng, tables["accounts"], per_customer)
    return tables


def _accounts(rng: np.random.Generator, opened: dict[str, dt.date]) -> Tables:
    accounts, terms = [], []
    kinds = {"CUR": ("deposit", "current"), "TIM": ("deposit", "time"), "WEA": ("wealth", None), "MET": ("metal", None)}
    for c, since in opened.items():
        for product in ["CUR", *rng.choice(["TIM", "TIM", "WEA", "MET"], rng.integers(0, 4))]:
            start = max((since - day(0)).days, -700) + int(rng.integers(0, 40))
            closed = day(start + rng.integers(50, 600)) if rng.random() < 0.25 else None
            name = f"A{len(accounts):04d}"
            accounts.append((name, c, product, *kinds[product], day(start), closed if closed and closed <= NEWEST else None))
            if product in ("TIM", "WEA"):
                terms += _terms(rng, name, start)
    return {
        "accounts": pd.DataFrame(
            accounts, columns=["account_id", "customer_id", "product_id", "holds", "kind", "opened_on", "closed_on"]
        ),
        "terms": pd.DataFrame(
            terms, columns=["account_id", "started_on", "matures_on", "amount", "rate", "rollover", "ended_on", "end_reason"]
        ),
    }


def _terms(rng: np.random.Generator, account: str, start: int) -> list[tuple[object, ...]]:
    made: list[tuple[object, ...]] = []
    while start < LAST and len(made) < 6:
        length = int(rng.choice([91, 182, 365]))
        reason = str(rng.choice(["matured", "rolled", "early", "early_part"], p=[0.3, 0.4, 0.2, 0.1]))
        end = start + (length if reason in ("matured", "rolled") else int(rng.integers(5, length)))
        is_over = end <= LAST
        made.append(
            (
                account,
                day(start),
                day(start + length),
                int(rng.integers(1, 200)) * 100_000,
                0.0135,
                rng.choice(["none", "principal", "all"]),
                day(end) if is_over else None,
                reason if is_over else None,
            )
        )
        start = end
    return made


def _movements(rng: np.random.Generator, accounts: pd.DataFrame, each: int) -> Tables:
    parts, spells = [], []
    for row in accounts.itertuples():
        until = (row.closed_on - day(0)).days if isinstance(row.closed_on, dt.date) else LAST
        first = max((row.opened_on - day(0)).days, 0)
        if until <= first:
            continue
        days = np.sort(rng.integers(first, until, int(rng.integers(1, each))))
        parts.append(
            pd.DataFrame(
                {
                    "account_id": row.account_id,
                    "on": [day(d) for d in days],
                    "amount": rng.integers(-300_000, 320_000, len(days)),
                    "category": rng.choice(CATEGORIES, len(days)),
                    "channel": rng.choice(["counter", "mobile", "platform", "system", None], len(days)),
                    "counterparty_bank": rng.choice(["ICBC", None], len(days)),
                    "counterparty_kind": rng.choice(["own", "person", None], len(days)),
                    "initiated_by": rng.choice(["customer", "bank"], len(days)),
                }
            )
        )
        on = np.unique(rng.integers(first, until, int(rng.integers(1, each))))
        spells.append(
            pd.DataFrame(
                {"account_id": row.account_id, "on": [day(d) for d in on], "balance": rng.integers(0, 9_000_000, len(on))}
            )
        )
    transactions = pd.concat(parts, ignore_index=True)
    transactions["transaction_id"] = [f"T{n:05d}" for n in range(len(transactions))]
    transactions["reverses_id"] = None
    for at in rng.choice(np.arange(1, len(transactions)), 12, replace=False):  # some undo the one before them
        if transactions.loc[at, "account_id"] == transactions.loc[at - 1, "account_id"]:
            transactions.loc[at, "reverses_id"] = transactions.loc[at - 1, "transaction_id"]
            transactions.loc[at, "amount"] = -transactions.loc[at - 1, "amount"]
    whose = accounts.set_index("account_id")["customer_id"].loc[transactions["account_id"]].to_numpy()
    for at in np.linspace(0, len(transactions) // 2, 9).astype(int):  # a few say they undo what is another customer's
        other = int(np.argmax(whose[at + 1 :] != whose[at])) + at + 1
        transactions.loc[other, "reverses_id"] = transactions.loc[at, "transaction_id"]
        transactions.loc[other, "amount"] = -transactions.loc[at, "amount"]
    return {"transactions": transactions, "balances": pd.concat(spells, ignore_index=True)}


def _lending(rng: np.random.Generator, opened: dict[str, dt.date]) -> Tables:
    loans, states, lines = [], [], []
    for c, since in opened.items():
        start = max((since - day(0)).days, 0)
        if rng.random() < 0.5:
            lines.append(
                (
                    f"F{len(lines):03d}",
                    c,
                    "FAR",
                    int(rng.integers(1, 20)) * 1_000_000,
                    day(start + 10),
                    day(start + 700),
                    rng.choice(["village", "application"]),
                )
            )
        for _ in range(int(rng.integers(0, 3))):
            granted, name = start + int(rng.integers(1, 300)), f"L{len(loans):03d}"
            closed = granted + int(rng.integers(100, 500))
            if granted >= LAST:
                continue
            loans.append(
                (
                    name,
                    c,
                    "LON",
                    lines[-1][0] if lines and (lines[-1][1] == c or rng.random() < 0.2) else None,  # some on another's line
                    day(granted),
                    5_000_000,
                    0.05,
                    day(granted + 365),
                    day(closed) if closed <= LAST else None,
                    430_000,
                )
            )
            for at in range(granted, min(closed, LAST), 30):
                states.append((name, day(at), 5_000_000 - (at - granted) * 5_000, int(rng.choice([0, 0, 0, 12, 45])), 1_000))
    return {
        "loans": pd.DataFrame(
            loans,
            columns=[
                "loan_id",
                "customer_id",
                "product_id",
                "facility_id",
                "granted_on",
                "amount",
                "rate",
                "matures_on",
                "closed_on",
                "instalment",
            ],
        ),
        "loan_status": pd.DataFrame(states, columns=["loan_id", "on", "outstanding", "overdue_days", "overdue_amount"]),
        "facilities": pd.DataFrame(
            lines, columns=["facility_id", "customer_id", "product_id", "limit", "granted_on", "expires_on", "source"]
        ),
    }


def _relations(rng: np.random.Generator, opened: dict[str, dt.date]) -> Tables:
    holdings, visits, contacts, links = [], [], [], []
    for c, since in opened.items():
        start = max((since - day(0)).days, 0)
        for product in rng.choice(["MOB", "ACQ", "PAY"], int(rng.integers(0, 4)), replace=False):
            holdings.append((c, product, day(start), day(start + 5) if start + 5 <= LAST else None, None))
        for at in np.unique(rng.integers(start, LAST + 1, 20)):
            visits.append((c, day(at), str(rng.choice(["mobile", "counter"])), int(rng.integers(1, 5))))
        for at in rng.integers(start, LAST + 1, 2):
            answered = at + 1 <= LAST
            contacts.append(
                (
                    f"K{len(contacts):03d}",
                    c,
                    "wealth",
                    day(at),
                    str(rng.choice(["interested", "declined", "no_answer"])) if answered else None,
                    day(at + 1) if answered else None,
                )
            )
        links.append((c, "C000", "household", day(start)))
    return {
        "holdings": pd.DataFrame(holdings, columns=["customer_id", "product_id", "started_on", "activated_on", "ended_on"]),
        "activity": pd.DataFrame(visits, columns=["customer_id", "on", "channel", "count"]),
        "contacts": pd.DataFrame(contacts, columns=["contact_id", "customer_id", "offer", "on", "outcome", "outcome_on"]),
        "links": pd.DataFrame(links, columns=["customer_id", "related_id", "kind", "started_on"]),
    }


def write(root: Path, tables: Tables, newest: dt.date = NEWEST, buckets: int = 2) -> Canonical:
    """The tables as a bank's canonical ones."""
    con = connect()
    for name, frame in tables.items():
        con.register(name, frame)
    return write_canonical(
        con, root, {name: name for name in tables}, bank="test", currency="CNY", buckets=buckets, newest=newest, inputs={}
    )
