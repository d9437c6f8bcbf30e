"""A small bank to make lists of: branches, managers, grids, customers, written by the intake's own hand."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalog import FeatureSpec
from sources.canonical import Canonical
from sources.connection import connect
from sources.overwrite import write_canonical
from store.settings import read_yaml, validate
from targeting.list_book import BankWords
from targeting.night import ListInputs
from targeting.settings import TargetingSettings

AS_OF = dt.date(2026, 9, 30)  # a Wednesday
ROOT = Path(__file__).resolve().parents[2]
TIERS = {
    "diamond": ("钻石", "Diamond"),
    "platinum": ("白金", "Platinum"),
    "gold": ("金卡", "Gold"),
    "silver": ("银卡", "Silver"),
    "basic": ("普通", "Basic"),
}
THRESHOLDS = {"diamond": 500_000.0, "platinum": 200_000.0, "gold": 50_000.0, "silver": 10_000.0}
WEIGHT = 0.75  # of the one feature that the small bank's models know


def standard_settings(**changed: Any) -> TargetingSettings:
    """configs/targeting.yaml without a holdout, with what a test changes."""
    content, _ = read_yaml(ROOT / "configs" / "targeting.yaml")
    settings = validate(content["targeting"], TargetingSettings, {})
    return settings.model_copy(update={"holdout": settings.holdout.model_copy(update={"share": 0.0}), **changed})


@dataclass
class SmallBank:
    """Rows of canonical tables by name, and what the rooms before would say of the customers."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    scores: list[tuple[str, str, float]] = field(default_factory=list)  # customer, model, probability
    tiers: dict[str, tuple[str, float, str]] = field(default_factory=dict)  # customer -> tier, average, group

    def add(self, table: str, **row: Any) -> SmallBank:
        self.tables[table].append(row)
        return self

    def customer(
        self,
        name: str,
        *,
        tier: str = "gold",
        average: float = 80_000.0,
        group: str = "other",
        consent: bool = True,
        account: bool = True,
        **row: Any,
    ) -> SmallBank:
        """A consenting adult with one current account at B1, unless said otherwise."""
        self.add(
            "customers",
            **(
                {
                    "customer_id": name,
                    "kind": "personal",
                    "stage": "customer",
                    "status": "active",
                    "opened_on": dt.date(2015, 1, 1),
                    "birth_on": dt.date(1975, 5, 5),
                    "branch_id": "B1",
                    "name": f"张{name}",
                    "phone": "19900001234",
                    "risk_rating": "R3",
                    "risk_rated_on": dt.date(2026, 3, 1),
                }
                | row
            ),
        )
        if account:
            self.add(
                "accounts",
                account_id=f"A{name}",
                customer_id=name,
                product_id="current",
                branch_id=row.get("branch_id", "B1"),
                holds="deposit",
                kind="current",
                status="normal",
                opened_on=dt.date(2015, 1, 1),
            )
            self.add("balances", account_id=f"A{name}", on=dt.date(2020, 1, 1), balance=int(average * 100))
        if consent:
            self.add("consents", customer_id=name, purpose="marketing", channel="any", on=dt.date(2020, 1, 1), granted=True)
        self.tiers[name] = (tier, average, group)
        return self

    def score(self, name: str, model: str, probability: float) -> SmallBank:
        self.scores.append((name, model, probability))
        return self

    def write(self, home: Path, *, shuffled: int | None = None) -> Canonical:
        con = connect()
        names = {}
        for table, rows in sorted(self.tables.items()):
            frame = pd.DataFrame(rows)
            if shuffled is not None:
                frame = frame.sample(frac=1, random_state=shuffled)
            con.register(f"in_{table}", frame)
            names[table] = f"in_{table}"
        return write_canonical(con, home / "canonical", names, bank="small", currency="CNY", buckets=2, newest=AS_OF, inputs={})

    def inputs(
        self, home: Path, settings: TargetingSettings | None = None, *, shuffled: int | None = None, as_of: dt.date = AS_OF
    ) -> ListInputs:
        """The arguments of a night over this bank, its files written below `home`."""
        home.mkdir(parents=True, exist_ok=True)
        order = np.random.default_rng(shuffled).permutation if shuffled is not None else np.arange
        self._features().iloc[order(len(self.tiers))].to_parquet(home / "features.parquet")
        scores = self._scores()
        pq.write_table(pa.Table.from_pandas(scores.iloc[order(len(scores))], preserve_index=False), home / "scores.parquet")
        above = dict(zip(list(TIERS)[1:], list(TIERS), strict=False))
        tiers = pd.DataFrame(
            [
                (c, tier, average, group, above.get(tier), THRESHOLDS.get(above.get(tier, ""), np.nan))
                for c, (tier, average, group) in self.tiers.items()
            ],
            columns=["customer_id", "tier", "measure_adb", "group", "next_tier", "next_adb"],
        )
        tiers.iloc[order(len(tiers))].to_parquet(home / "tiers.parquet")
        return ListInputs(
            canonical=self.write(home, shuffled=shuffled),
            as_of=as_of,
            settings=settings or standard_settings(),
            features=home / "features.parquet",
            scores=home / "scores.parquet",
            tiers=home / "tiers.parquet",
            catalog=CATALOG,
            explain=explain,
            champions={m: f"hash of {m}" for m in sorted(set(scores["model"]))},
            tier_words=TIERS,
        )

    def _features(self) -> pd.DataFrame:
        averages = [average for _, average, _ in self.tiers.values()]
        return pd.DataFrame({"customer_id": list(self.tiers), "as_of": AS_OF, "aum_adb_90d": averages, "aum_adb_qtd": averages})

    def _scores(self) -> pd.DataFrame:
        frame = pd.DataFrame(self.scores, columns=["customer_id", "model", "probability"]).astype(
            {"customer_id": "str", "model": "str", "probability": "float64"}
        )
        return frame.assign(
            as_of=AS_OF,
            raw_score=np.log(frame["probability"] / (1 - frame["probability"])),
            low=frame["probability"] * 0.8,
            high=np.minimum(frame["probability"] * 1.2, 1.0),
            method="model",
            band="high",
        )


CATALOG = [
    FeatureSpec(
        name="aum_adb_90d",
        view="assets",
        role="feature",
        unit="money",
        window_days=90,
        zh="近90天日均金融资产",
        en="Average assets over 90 days",
        family="assets",
        sensitivity="open",
        is_actionable=True,
        tables=("balances",),
        wordings=(),
    )
]


def explain(model: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The exact contributions of a linear model of one feature (in thousands, capped): they add up to the raw score."""
    part = WEIGHT * np.minimum(rows["aum_adb_90d"].to_numpy() / 1e6, 1.0)
    one = pd.DataFrame(
        {
            "customer_id": rows["customer_id"].to_numpy(),
            "model": model,
            "feature": "aum_adb_90d",
            "value": rows["aum_adb_90d"].to_numpy(),
            "contribution": part,
        }
    )
    base = one.assign(feature="__base__", value=np.nan, contribution=rows["raw_score"].to_numpy() - part)
    return pd.concat([one, base], ignore_index=True)


def county_bank() -> SmallBank:
    """Head office, two branches, an outlet of the first; a head, two managers and a grid manager; the products of a county."""
    bank = SmallBank()
    for branch, level, parent, head in (
        ("HO", "head", None, None),
        ("B1", "branch", "HO", "H1"),
        ("B2", "branch", "HO", None),
        ("B1a", "outlet", "B1", None),
    ):
        bank.add("branches", branch_id=branch, name=f"{branch}支行", level=level, parent_id=parent, head_manager_id=head)
    for manager, branch, role, certificates in (
        ("H1", "B1", "branch_head", ""),
        ("M1", "B1", "manager", "理财,保险"),
        ("M2", "B2", "manager", ""),
        ("G1", "B1", "grid", ""),
        ("T1", "HO", "head_office", "wealth、insurance"),
    ):
        bank.add(
            "managers",
            manager_id=manager,
            name=f"周{manager}",
            branch_id=branch,
            role=role,
            certificates=certificates,
            hours=4.0,
        )
    bank.add("grids", grid_id="V1", name="河东村", branch_id="B1", manager_id="G1")
    for product, family, counts, risk in (
        ("current", "current", "deposit", None),
        ("cd", "large_cd", "deposit", None),
        ("w2", "wealth", "aum", "R2"),
        ("w4", "wealth", "aum", "R4"),
        ("farm", "farmer_credit", "none", None),
        ("app", "mobile_bank", "none", None),
        ("td", "time_deposit", "deposit", None),
    ):
        bank.add("products", product_id=product, name=product, family=family, counts_as=counts, risk=risk, margin=None)
    return bank


@pytest.fixture
def bank() -> SmallBank:
    return county_bank()


@pytest.fixture
def fresh_bank() -> Callable[[], SmallBank]:
    return county_bank


@pytest.fixture
def settings() -> Callable[..., TargetingSettings]:
    return standard_settings


@pytest.fixture
def bank_words() -> BankWords:
    return BankWords(
        zh="小河农村商业银行",
        en="Xiaohe Rural Commercial Bank",
        short_zh="小河农商行",
        short_en="Xiaohe RCB",
        is_fictitious=True,
    )
