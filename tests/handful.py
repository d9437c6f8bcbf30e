"""A bank of a few customers, written as canonical tables, so that a test can state a fact in a handful of rows."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from sources.canonical import Canonical
from sources.connection import connect
from sources.overwrite import write_canonical
from sources.tables import TABLES, Kind

_ARROW: dict[Kind, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "code": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "money": pa.int64(),
    "number": pa.float64(),
    "rate": pa.float64(),
    "int": pa.int64(),
    "bool": pa.bool_(),
}
Rows = list[dict[str, Any]]
PRODUCTS: Rows = [
    {"product_id": family, "name": family, "family": family, "counts_as": counts_as}
    for family, counts_as in (
        ("current", "deposit"),
        ("time_deposit", "deposit"),
        ("wealth", "aum"),
        ("insurance", "aum"),
        ("farmer_credit", "none"),
        ("business_loan", "none"),
        ("mobile_bank", "none"),
    )
]


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def customer(number: str, opened: str = "2020-01-01", **more: Any) -> dict[str, Any]:
    return {"customer_id": number, "kind": "personal", "opened_on": day(opened), "birth_on": day("1980-05-05"), **more}


def account(
    number: str, owner: str, product: str = "current", opened: str = "2020-01-01", closed: str | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "account_id": number,
        "customer_id": owner,
        "product_id": product,
        "opened_on": day(opened),
        "holds": product if product in ("wealth", "insurance") else "deposit",
        "closed_on": day(closed) if closed else None,
        **more,
    }


def balances(number: str, *steps: tuple[str, float], **more: Any) -> Rows:
    """Closing balances in yuan from these days on."""
    return [{"account_id": number, "on": day(on), "balance": round(yuan * 100), **more} for on, yuan in steps]


def flow(number: str, on: str, yuan: float, category: str, **more: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"{number}/{on}/{category}/{yuan}",
        "account_id": number,
        "on": day(on),
        "amount": round(yuan * 100),
        "category": category,
        **more,
    }


def loan(number: str, owner: str, granted: str, yuan: float, product: str = "business_loan", **more: Any) -> dict[str, Any]:
    return {
        "loan_id": number,
        "customer_id": owner,
        "granted_on": day(granted),
        "amount": round(yuan * 100),
        "product_id": product,
        **more,
    }


def small_bank(
    root: Path, newest: str, *, shuffle: int | None = None, buckets: int = 2, **tables: Iterable[dict[str, Any]]
) -> Canonical:
    """The bank with these rows; `shuffle` is a seed for the order in which they arrive."""
    with connect() as con:
        names = {}
        for name, rows in {"products": PRODUCTS, **tables}.items():
            kept = list(rows)
            if shuffle is not None:
                random.Random(shuffle).shuffle(kept)
            columns = [c for c in TABLES[name].columns if any(c.name in row for row in kept)]
            data = {c.name: pa.array([row.get(c.name) for row in kept], _ARROW[c.kind]) for c in columns}
            for extra in ("recorded_on", "valid_from"):
                if any(extra in row for row in kept):
                    data[extra] = pa.array([row.get(extra) for row in kept], pa.date32())
            if kept:
                con.register(f"in_{name}", pa.table(data))
                names[name] = f"in_{name}"
        return write_canonical(con, root, names, bank="small", currency="CNY", buckets=buckets, newest=day(newest), inputs={})
