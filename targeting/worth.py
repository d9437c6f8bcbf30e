"""What a call is expected to bring the bank in a year, in currency units, under stated assumptions."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from targeting.candidates import places
from targeting.settings import Offer, TargetingSettings


@dataclass(frozen=True)
class Assumption:
    """One figure behind the expected values: where it comes from, and that it is assumed, not measured."""

    offer: str
    name: str
    value: float
    source: str  # "bank" (its product table) or "assumed" (configuration)


def margins(con: duckdb.DuckDBPyConnection, settings: TargetingSettings) -> dict[str, tuple[float, str]]:
    """Offer -> yearly margin and its source: the mean over the family's products where the bank states one, else assumed."""
    rows = con.execute("SELECT family, margin FROM products WHERE margin IS NOT NULL ORDER BY family, product_id").fetchall()
    stated: dict[str, list[float]] = {}
    for family, margin in rows:
        stated.setdefault(family, []).append(margin)
    found = {}
    for name, offer in settings.active.items():
        own = stated.get(offer.family)
        if offer.kind == "purchase" and offer.amount is not None and (own or offer.margin is not None):
            found[name] = (round(sum(own) / len(own), 6), "bank") if own else (float(offer.margin or 0), "assumed")
    return found


def assumptions(settings: TargetingSettings, margin: dict[str, tuple[float, str]]) -> list[Assumption]:
    """Every figure that the expected values rest on, by offer and name."""
    found = []
    for name, offer in settings.active.items():
        if name in margin:
            found.append(Assumption(name, "margin", margin[name][0], margin[name][1]))
            found.append(Assumption(name, "amount", float(offer.amount or 0), "assumed"))
            if offer.balance_share is not None:
                found.append(Assumption(name, "balance_share", offer.balance_share, "assumed"))
        elif offer.kind == "purchase":
            found.append(Assumption(name, "yearly", float(offer.yearly or 0), "assumed"))
        else:
            found.append(Assumption(name, "save_rate", float(offer.save_rate or 0), "assumed"))
            found.append(Assumption(name, "ftp_margin", settings.worth.ftp_margin, "assumed"))
    return found


def balances(
    con: duckdb.DuckDBPyConnection, features: pa.Table, settings: TargetingSettings, owners: pd.Series[str]
) -> tuple[npt.NDArray[np.float64], str]:
    """The 90-day average of each owner (currency units; 0 where none is known) and where it was read.

    The features' own average of all financial assets, where the bank has that feature; else that of the accounts.
    """
    source = next((column for column in settings.worth.balance_columns if column in features.column_names), "balances")
    if source == "balances":
        features = con.sql("""SELECT customer_id, sum(total) / any_value(days) / 100 AS balances FROM averages
            GROUP BY 1""").to_arrow_table()
    at = pc.index_in(pa.array(owners, pa.string()), value_set=features["customer_id"].combine_chunks())
    known = features[source].combine_chunks().cast(pa.float64()).take(at)
    return np.asarray(known.fill_null(0.0).to_numpy()), source


def expected_value(
    candidates: pd.DataFrame,
    settings: TargetingSettings,
    margin: dict[str, tuple[float, str]],
    balance: npt.NDArray[np.float64],
) -> pd.DataFrame:
    """`candidates` with `basis` (money at stake) filled and `expected_value`, to the minor unit.

    `balance` is by number. A purchase: probability x yearly margin x typical amount; where money kept here would buy it, no
    more than a share of the customer's own average. A retention: P(churn) x 90-day average x FTP margin x assumed
    save rate. Of an event: the money of the event x FTP margin x assumed save rate.
    """
    kept = np.maximum(np.nan_to_num(balance), 0.0)[candidates["number"].to_numpy()]
    offers = list(settings.active.items())
    offer = places(candidates["offer"], [name for name, _ in offers])

    def of_offer(values: list[float]) -> npt.NDArray[np.float64]:
        return np.asarray(np.array(values, np.float64)[offer])

    typical = of_offer([_typical(o, n in margin) for n, o in offers])
    share = of_offer([np.nan if o.balance_share is None else o.balance_share for _, o in offers])
    yearly = of_offer([margin[n][0] if n in margin else 1.0 for n, _ in offers])
    saved = of_offer([o.save_rate if o.save_rate is not None else 0.0 for _, o in offers])
    is_purchase, is_retention = (np.array([o.kind == kind for _, o in offers])[offer] for kind in ("purchase", "retention"))
    own = candidates["basis"].to_numpy(np.float64)
    basis = np.select([is_purchase, is_retention], [np.fmin(typical, share * kept), kept], own)
    chance = np.where(is_purchase | is_retention, candidates["probability"].to_numpy(np.float64), 1.0)
    rate = np.where(is_purchase, yearly, settings.worth.ftp_margin * saved)
    return candidates.assign(basis=basis, expected_value=np.round(chance * rate * basis, 2))


def _typical(offer: Offer, has_margin: bool) -> float:
    if offer.kind != "purchase":
        return 0.0
    return float(offer.amount or 0) if has_margin else float(offer.yearly or 0)
