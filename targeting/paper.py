"""What the workbooks need beside the list: names, phones, branches and hours, joined only now."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pandas as pd

from targeting.decisions import Decided
from targeting.list_book import BankWords, ListBook
from targeting.settings import TargetingSettings
from targeting.summary import Statement
from targeting.worth import Assumption, assumptions

_NAMES = {
    "margin": ("年收益率", "yearly margin"),
    "amount": ("户均金额", "typical amount"),
    "balance_share": ("不超过本人日均的", "at most, of one's own average"),
    "yearly": ("年收益", "yearly income"),
    "save_rate": ("挽回比例", "save rate"),
    "ftp_margin": ("FTP利差", "FTP margin"),
}
_SOURCES = {"bank": ("产品表", "bank's product table"), "assumed": ("假设", "assumed")}
_WAIVERS = {
    "assume_consent": ("未核验营销授权", "marketing consent not checked"),
    "assume_certified": ("未核验销售资格", "sellers' certificates not checked"),
}


def book_of(
    con: duckdb.DuckDBPyConnection,
    decided: Decided,
    entries: pd.DataFrame,
    settings: TargetingSettings,
    bank: BankWords,
    tiers: Mapping[str, tuple[str, str]],
    waivers: Mapping[str, str],
) -> ListBook:
    """One version of the lists with the names of customers, managers and branches. `con` knows the tables at its date."""
    con.register("_listed", entries[["customer_id"]])
    people = con.execute("SELECT customer_id, name, phone FROM customers SEMI JOIN _listed USING (customer_id) ORDER BY 1").df()
    con.unregister("_listed")
    offers = {
        name: offer.model_copy(update={"rate": decided.rates.get(name, offer.rate)}) for name, offer in settings.active.items()
    }
    used = set(entries["offer"])
    return ListBook(
        bank=bank,
        as_of=entries["as_of"].iloc[0] if len(entries) else decided.as_of,
        version=int(entries["list_version"].iloc[0]) if len(entries) else 1,
        entries=entries,
        people=people,
        managers=con.execute("SELECT manager_id, name, branch_id, role FROM managers ORDER BY 1").df(),
        branches=con.execute(
            "SELECT branch_id, name, name_en, parent_id, level, head_manager_id FROM branches ORDER BY 1"
        ).df(),
        offers=offers,
        tiers=tiers,
        hours=_hours(decided),
        per_action=settings.hours.per_action,
        assumptions=tuple(_said(a, settings) for a in assumptions(settings, decided.margins) if a.offer in used),
        waivers=tuple(
            Statement(f"{_WAIVERS[name][0]}：{reason}", f"{_WAIVERS[name][1]}: {reason}")
            for name, reason in sorted(waivers.items())
        ),
        settings=settings.workbooks,
    )


def _hours(decided: Decided) -> pd.DataFrame:
    """branch_id, manager_id (null: a pool or head office), hours."""
    where = decided.owners[["list_id", "branch_id", "manager_id"]].drop_duplicates("list_id")
    return decided.lists.merge(where, on="list_id")[["branch_id", "manager_id", "hours"]]


def _said(assumption: Assumption, settings: TargetingSettings) -> Statement:
    offer, (zh, en) = settings.offers[assumption.offer], _NAMES[assumption.name]
    (zh_source, en_source), value = _SOURCES[assumption.source], assumption.value
    shown = (
        f"{value:.3%}"
        if assumption.name in ("margin", "ftp_margin")
        else (f"{value:.0%}" if assumption.name in ("save_rate", "balance_share") else f"{value:,.0f}")
    )
    return Statement(f"{offer.zh}：{zh}（{zh_source}）", f"{offer.en}: {en} ({en_source})", shown, shown)
