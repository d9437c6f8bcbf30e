"""A list of a small bank as the workbooks' writer gets it, and a workbook as another program reads it."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from targeting.settings import Offer
from targeting.workbook import BankWords, ListBook, Statement

AS_OF = dt.date(2026, 9, 30)
TIERS = {"platinum": ("白金", "Platinum"), "gold": ("金卡", "Gold"), "basic": ("普通", "Basic")}
OFFERS = {
    "keep_assets": Offer(
        kind="retention",
        model="churn_aum",
        zh="资产挽留",
        en="Keep the balance",
        save_rate=0.15,
        opening_zh="您好，我是{branch}的{caller}，想了解一下您近期的资金安排。",
        opening_en="Good morning, this is {caller} from {branch}; may I ask about your plans?",
    ),
    "buy_business_loan": Offer(
        kind="purchase",
        model="buy_business_loan",
        zh="个人经营贷",
        en="Business loan",
        margin=0.022,
        amount=300_000,
        is_loan=True,
        rate=0.0485,
        opening_zh="您好，我是{branch}的{caller}，我行经营贷年化利率{rate}起，具体以审批为准。",
        opening_en="Good morning, this is {caller} from {branch}; our loans start at {rate} a year.",
    ),
}
BANK = BankWords("禾溪农村商业银行", "Hexi Rural Commercial Bank", "禾溪农商行", "Hexi RCB", is_fictitious=True)
MANAGERS = [("0101", "李志强", "B01", "branch_head"), ("0132", "周建国", "B01", "manager"), ("0133", "谭海波", "B02", "grid")]
BRANCHES = [
    ("B00", "总行", "Head office", None, "head", None),
    ("B01", "城关支行", "Chengguan", "B00", "branch", "0101"),
    ("B02", "河口分理处", "Hekou", "B01", "outlet", None),
]
LONG = (
    "近30天存款日均4.2万元，比近半年日均6.8万元少2.6万元，降38%。\n"
    "10月18日一笔10万元一年期定期到期，未约定转存；上次到期的10万元，三天内转走6万元。\n"
    "手机银行62天未登录，此前每周约3次；近30天到柜面取现4次。"
)


def entry(customer: str, manager: str | None, branch: str, rank: int, value: float, **more: Any) -> dict[str, Any]:
    return {
        "as_of": AS_OF,
        "list_version": 1,
        "branch_id": branch,
        "manager_id": manager,
        "rank": rank,
        "customer_id": customer,
        "tier": "gold",
        "offer": "keep_assets",
        "probability": 0.12,
        "low": 0.08,
        "high": 0.17,
        "band": "middle",
        "expected_value": value,
        "raw_score": -2.0,
        "reasons_zh": LONG,
        "reasons_en": "Fact one.\nFact two.",
    } | more


ENTRIES = [
    entry("6210000000000000101", "0132", "B01", 1, 1_500.4),
    entry("6210000000000000102", "0132", "B01", 2, 900.0, tier="basic"),
    entry("6210000000000000103", "0133", "B02", 1, 700.0, offer="buy_business_loan"),
    entry("6210000000000000104", "0101", "B01", 1, 9_000.0, tier="platinum"),
    entry("6210000000000000105", None, "B01", 1, 400.0, probability=np.nan, low=np.nan, high=np.nan, band=""),
    entry("6210000000000000106", None, "B00", 1, 20_000.0, tier="platinum"),
]


def list_book(**changed: Any) -> ListBook:
    entries = pd.DataFrame(changed.pop("entries", ENTRIES))
    numbers = entries["customer_id"].tolist()
    people = pd.DataFrame(
        {
            "customer_id": numbers,
            "name": changed.pop("names", [f"刘建{n % 7}" for n in range(len(numbers))]),
            "phone": [f"199-0000-{n:04d}" for n in range(len(numbers))],
            "identity_no": [f"43012119800101{n:04d}" for n in range(len(numbers))],
        }
    )
    hours = pd.DataFrame(
        {
            "branch_id": ["B01", "B02", "B01", "B01", "B00"],
            "manager_id": ["0132", "0133", "0101", None, None],
            "hours": [4.0, 2.0, 1.0, 2.5, 8.0],
        }
    )
    return ListBook(
        **{
            "bank": BANK,
            "as_of": AS_OF,
            "version": 1,
            "entries": entries,
            "people": people,
            "managers": pd.DataFrame(MANAGERS, columns=["manager_id", "name", "branch_id", "role"]),
            "branches": pd.DataFrame(
                BRANCHES, columns=["branch_id", "name", "name_en", "parent_id", "level", "head_manager_id"]
            ),
            "offers": OFFERS,
            "tiers": TIERS,
            "hours": hours,
            "assumptions": (Statement("挽留成功率", "Save rate", "15%", "15%"),),
            "waivers": (Statement("未核验营销授权：数据未到", "Consent not checked: no data"),),
        }
        | changed
    )


def reread(path: Path) -> Workbook:
    """The workbook as another program reads it."""
    with warnings.catch_warnings():  # openpyxl drops the newer half of the data bars, and says so
        warnings.filterwarnings("ignore", message="(Unknown|Conditional Formatting) extension is not supported")
        return openpyxl.load_workbook(path)


def opened(path: Path, tab: str) -> Worksheet:
    return reread(path)[tab]


def header(sheet: Worksheet) -> dict[str, int]:
    return {str(cell.value).split("\n")[0]: cell.column for cell in sheet[3] if cell.value}


def column(sheet: Worksheet, name: str) -> list[Any]:
    return [sheet.cell(row, header(sheet)[name]).value for row in range(4, sheet.max_row + 1)]
