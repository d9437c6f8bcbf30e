"""Labels as settings, and two of the three outcomes: closure of the customer, first own use of a product."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from features.cohorts import CohortSettings, eligible_sql, known_sql
from sources.canonical import Canonical
from store.settings import Settings

Use = Literal["loan", "account", "holding"]


class Staying(Settings):
    """What does not count as leaving (or as having come)."""

    set_aside_days: int = Field(180, ge=1)  # loans paid out, one-off sums: so long not their own
    one_off_categories: tuple[str, ...] = ("land_compensation",)
    bought_here_categories: tuple[str, ...] = ("invest", "premium")  # where the bank keeps no such accounts
    own_bank_codes: tuple[str, ...] = ()  # counterparty_bank that means this bank; blank does


class LabelSettings(Settings):
    """One label: what is foreseen, of whom, and how far ahead. Days count from as_of: (as_of + gap, as_of + gap + horizon]."""

    type: Literal["attrition", "closure", "first_use"]
    zh: str
    en: str
    gap_days: int = Field(0, ge=0)
    horizon_days: int = Field(90, gt=0)
    min_positives: int = Field(50, ge=1)  # distinct customers with a positive, below which no model is trained
    cohort: CohortSettings = CohortSettings()
    # attrition
    floor: float = 0.0  # currency units of average daily financial assets before as_of
    left_share: float = Field(0.5, gt=0, lt=1)  # at most this share of the average before is left
    here_days: int = Field(default=7, ge=1)  # attrition: the money is still here if the average of these last days says so
    staying: Staying = Staying()
    # first_use
    families: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    look_back_days: int | None = None  # without the family: none open and none this long back; null: never yet

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type == "first_use" and not (self.families and self.uses):
            raise ValueError("a first_use label names its product families and uses (loan, account, holding)")
        if self.type != "first_use" and (self.families or self.uses):
            raise ValueError(f"families and uses belong to first_use, not to {self.type}")
        return self

    @property
    def reach_days(self) -> int:
        """Days after as_of until the outcome is complete."""
        return self.gap_days + self.horizon_days


def closure_sql(label: LabelSettings, canonical: Canonical, bucket: int | None, known_at: dt.date) -> str:
    """SELECT as_of, customer_id, target: every account of a customer, and any opened since, closed within the window.

    A number merged away is not closed while the number it became has an account open.
    """
    day = f"DATE '{known_at.isoformat()}'"
    accounts = canonical.relation_sql("accounts", bucket)
    still = (
        f"a.opened_on <= e.as_of + {{days}} AND (a.closed_on IS NULL OR a.closed_on > e.as_of + {{days}}"
        f" OR a.closed_on > {day})"
    )
    return f"""
        WITH e AS ({eligible_sql(label.cohort)}),
        acc AS (SELECT a.customer_id AS person, a.opened_on, a.closed_on FROM {accounts} a WHERE {known_sql("a", day)})
        SELECT e.as_of, e.customer_id,
               (NOT coalesce(bool_or({still.format(days=label.reach_days)}), false)
                AND coalesce(bool_or({still.format(days=label.gap_days)}), false))::TINYINT AS target
        FROM e LEFT JOIN _person m ON m.as_of = {day} AND m.customer_id = e.customer_id
        LEFT JOIN acc a ON a.person = coalesce(m.person, e.customer_id)
        GROUP BY ALL"""


def cohort_sql(label: LabelSettings, canonical: Canonical, bucket: int | None) -> str:
    """SELECT as_of, customer_id: of whom closure or first use is foreseen, whatever becomes of them. Needs `note_people`."""
    if label.type == "closure":
        return eligible_sql(label.cohort)
    known = _without_sql(label, canonical, bucket)
    return f"WITH {known} SELECT as_of, customer_id FROM e ANTI JOIN has USING (as_of, customer_id)"


def first_use_sql(label: LabelSettings, canonical: Canonical, bucket: int | None, known_at: dt.date) -> str:
    """SELECT as_of, customer_id, target: first own use in the window by those eligible and without the family."""
    day = f"DATE '{known_at.isoformat()}'"
    return f"""
        WITH {_without_sql(label, canonical, bucket)},
        buys AS (SELECT DISTINCT d.as_of, u.customer_id AS person
                 FROM uses u JOIN _dates d ON u."on" > d.as_of + {label.gap_days} AND u."on" <= d.as_of + {label.reach_days}
                   AND u."on" <= {day} AND {known_sql("u", day)})
        SELECT e.as_of, e.customer_id, (b.person IS NOT NULL)::TINYINT AS target
        FROM e ANTI JOIN has h USING (as_of, customer_id)
        LEFT JOIN _person m ON m.as_of = {day} AND m.customer_id = e.customer_id
        LEFT JOIN buys b ON b.as_of = e.as_of AND b.person = coalesce(m.person, e.customer_id)"""


def _without_sql(label: LabelSettings, canonical: Canonical, bucket: int | None) -> str:
    """Common tables: `uses` of the label's families, those eligible (`e`), and who `has` such a use."""
    had = f'u."on" <= d.as_of AND {known_sql("u", "d.as_of")}'
    if label.look_back_days is not None:
        had += f' AND (u."on" > d.as_of - {label.look_back_days} OR u.until IS NULL OR u.until > d.as_of)'
    uses = " UNION ALL ".join(_uses_sql(use, label.families, canonical, bucket) for use in label.uses)
    return f"""uses AS MATERIALIZED ({uses}),
        e AS ({eligible_sql(label.cohort)}),
        has AS (SELECT DISTINCT d.as_of, u.customer_id FROM uses u JOIN _dates d ON {had})"""


def _uses_sql(use: Use, families: Sequence[str], canonical: Canonical, bucket: int | None) -> str:
    """SELECT customer_id, on, until, known_from, known_to: own uses of a family. A batch start without activation is none."""
    wanted = ", ".join("'" + f.replace("'", "''") + "'" for f in families)
    ours = f"(SELECT DISTINCT product_id FROM {canonical.relation_sql('products')} WHERE family IN ({wanted}))"
    table = {"loan": "loans", "account": "accounts", "holding": "holdings"}[use]
    rows = canonical.relation_sql(table, bucket)
    if use == "loan":  # a loan drawn on a credit line is a use of the line's family as well
        drawn = f"(SELECT facility_id FROM {canonical.relation_sql('facilities', bucket)} WHERE product_id IN {ours})"
        return (
            f'SELECT customer_id, granted_on AS "on", closed_on AS until, known_from, known_to FROM {rows}'
            f" WHERE product_id IN {ours} OR facility_id IN {drawn}"
        )
    if use == "account":
        return (
            f'SELECT customer_id, opened_on AS "on", closed_on AS until, known_from, known_to FROM {rows}'
            f" WHERE product_id IN {ours}"
        )
    own = (
        "activated_on"
        if canonical.has("holdings", "activated_on")
        else "CASE WHEN coalesce(started_how, 'customer') <> 'batch' THEN started_on END"
    )
    return (
        f'SELECT customer_id, {own} AS "on", ended_on AS until, known_from, known_to FROM {rows}'
        f" WHERE product_id IN {ours} AND {own} IS NOT NULL"
    )
