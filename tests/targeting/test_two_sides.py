"""Rules as SQL and the checker's judgement: whatever a bank's tables hold, both say the same of every customer and offer."""

from __future__ import annotations

import datetime as dt
import random

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sources.connection import connect
from targeting import eligibility, owners
from targeting.dossier import Bank, File, open_files
from targeting.forbidden import forbidden
from targeting.judgement import RULES
from targeting.known import known_at
from targeting.night import make_list
from tests.targeting.conftest import AS_OF, SmallBank, county_bank, standard_settings

ABOUT_ROWS = set(RULES) - {"owner", "worth"}  # what forbids a call; the others prove who calls, and what it is worth
SUITS = {"buy_farmer_credit": {"groups": ("farmer",)}, "buy_wealth": {"groups": ("other", "merchant")}}
RATINGS = ("R1", "R2", "R3", "R4", "R5")


@pytest.mark.parametrize("months", [1, 6, 12])
def test_a_risk_rating_ends_on_the_same_day_for_the_rule_and_for_the_checker(months):
    """Every rating of four years against the days near its end, leap days and month ends among them."""
    standard = standard_settings()
    limits = standard.exclusions.model_copy(update={"rating_months": months})
    settings = standard.model_copy(update={"exclusions": limits})
    offer = settings.offers["buy_wealth"].model_copy(update={"risk": "R2"})
    with connect() as con:
        con.execute("""CREATE TABLE owners AS SELECT (DATE '2023-12-01' + i::INTEGER)::VARCHAR AS root
            FROM range(1500) AS days(i)""")
        con.execute("CREATE TABLE numbers AS SELECT root, 'R3' AS risk_rating, root::DATE AS risk_rated_on FROM owners")
        rated = [(root, dt.date.fromisoformat(root)) for (root,) in con.execute("SELECT root FROM owners").fetchall()]
        files = {root: File(frozenset({root})) for root, _ in rated}
        for root, on in rated:
            files[root].rows["customers"].append({"customer_id": root, "risk_rating": "R3", "risk_rated_on": on})
        days = [dt.date(2024, 12, 20) + dt.timedelta(days=number) for number in range(1200)]
        for as_of in (day for day in days if day.day > 26 or day.day in (1, 15)):
            near = [root for root, on in rated if abs((as_of - on).days - months * 30.4) < 5]
            rules = {rule.name: rule.sql for rule in eligibility.rules(settings, as_of)}
            kept = {root for (root,) in con.execute(f"SELECT root FROM owners EXCEPT ({rules['rating_missing']})").fetchall()}
            bank = Bank(as_of, settings, {}, {}, {}, {}, {}, frozenset())
            judged = {root for root in near if not RULES["suitability"]({}, offer, files[root], bank)}
            assert judged == kept & set(near), as_of


def _drawn(draw: random.Random) -> SmallBank:
    """A county bank with every oddity that its tables may hold."""
    bank = county_bank()

    def some(*values, none=0.2):
        return None if draw.random() < none else draw.choice(values)

    def day(back=400):
        return AS_OF - dt.timedelta(days=draw.choice((0, 1, 4, 5, 6, 13, 14, 15, 89, 90, 91, draw.randrange(back))))

    for outlet, above in (("X", "Y"), ("Y", "Z"), ("Z", "Y"), ("S", "S"), ("D", "B2")):
        bank.add("branches", branch_id=outlet, name=outlet, level="outlet", parent_id=above, head_manager_id=None)
    branches = ("B1", "B2", "B1a", "X", "Y", "Z", "S", "D", "HO", "gone")
    for number in range(6):
        bank.add(
            "managers",
            manager_id=f"R{number}",
            name="周",
            branch_id=some(*branches),
            role=some("manager", "branch_head", "head_office", "grid"),
            certificates=some("理财　保险", "理财\u00a0基金", "wealth;fund", "理财|insurance", "保险", ""),
            hours=4.0,
        )
        bank.add("grids", grid_id=f"V{number + 2}", name="村", branch_id=some(*branches), manager_id=some("R1", "G1", "left"))
    managers = ("M1", "M2", "R0", "R1", "R2", "R3", "R4", "R5", "left")
    people = [f"C{number:02}" for number in range(40)]
    for name in people:
        bank.customer(
            name,
            consent=draw.random() < 0.7,
            tier=draw.choice(("gold", "diamond", "basic")),
            average=draw.choice((0.0, 30_000.0, 2_500_000.0)),
            group=draw.choice(("farmer", "other", "merchant", None)),
            kind=some("personal", "sole_trader", "corporate", none=0.1),
            stage=some("customer", "customer", "customer", "prospect"),
            status=some("active", "active", "active", "dormant", "frozen"),
            birth_on=some(dt.date(2008, 9, 30), dt.date(2008, 10, 1), dt.date(2008, 2, 29), dt.date(1970, 1, 1)),
            branch_id=some(*branches),
            manager_id=some(*managers, none=0.4),
            grid_id=some("V1", "V2", "V3", "V4"),
            occupation=some("农民", "大学生", "Student nurse", "学生"),
            is_staff=some(False, False, False, True),
            is_related_party=some(False, False, False, True),
            risk_rating=some(*RATINGS),
            risk_rated_on=some(day(), dt.date(2025, 9, 30), dt.date(2025, 10, 1), dt.date(2026, 10, 1)),
        )
    _happenings(bank, draw, people, some, day)
    return bank


def _happenings(bank, draw, people, some, day) -> None:
    """Loans, contracts, calls, words and merges of some customers, each with what may be unknown of it."""
    products = ("current", "cd", "w2", "w4", "farm", "app", "td", "unheard of", None)
    for number in range(30):
        who = draw.choice(people)
        ended = draw.choice((None, None, day(), AS_OF + dt.timedelta(days=1)))
        match draw.randrange(6):
            case 0:
                bank.add("accounts", account_id=f"N{number}", customer_id=who, product_id=draw.choice(products),
                         holds="deposit", branch_id=some("B1", "B2", "X"), status=some("normal", "frozen"),
                         opened_on=dt.date(2020, 1, 1), closed_on=ended)  # fmt: skip
            case 1:
                told = draw.choice((None, None, AS_OF + dt.timedelta(days=9)))  # of some loans only their state is known yet
                bank.add("loans", loan_id=f"L{number}", customer_id=who, product_id=draw.choice(products),
                         granted_on=dt.date(2024, 1, 1), amount=100, closed_on=ended, recorded_on=told)  # fmt: skip
                for state in range(draw.randrange(3)):
                    bank.add("loan_status", loan_id=f"L{number}", on=AS_OF - dt.timedelta(days=3 - state),
                             outstanding=draw.choice((0, 100)), overdue_days=some(0, 0, 1), overdue_amount=some(0, 0, 5),
                             **{"class": some("normal", "normal", "special_mention")})  # fmt: skip
            case 2:
                bank.add("holdings", customer_id=who, product_id=draw.choice(("app", "w2", "farm")), started_on=day(),
                         activated_on=draw.choice((None, AS_OF)), ended_on=ended,
                         started_how=some("batch", "batch", "customer"))  # fmt: skip
            case 3:
                on = day()
                bank.add("contacts", contact_id=f"K{number}", customer_id=who, on=on, arm=some("treatment", "control"),
                         offer=draw.choice(("buy_wealth", "wealth", "farmer_credit", "churn_aum", "keep_assets", "x")),
                         outcome=some("declined", "complaint", "accepted"), skip_reason=some("busy", none=0.8),
                         outcome_on=draw.choice((None, on, AS_OF, AS_OF + dt.timedelta(days=1))))  # fmt: skip
            case 4:
                bank.add("consents", customer_id=who, purpose=draw.choice(("marketing", "automated_marketing", "service")),
                         channel=some("any", "phone", "sms"), on=draw.choice((day(), AS_OF)),
                         granted=draw.random() < 0.5)  # fmt: skip
            case 5:
                kind = draw.choice(("do_not_call", "law", "aml", "student", "exit", "dishonest_debtor", "complaint"))
                bank.add("suppressions", customer_id=who, kind=kind, started_on=day(),
                         purpose=some("marketing", "Automated_Marketing", "service"), ended_on=ended)  # fmt: skip
    for old, new in zip(draw.sample(people[:20], 2), draw.sample(people[20:], 2), strict=True):
        bank.add("merges", old_id=old, new_id=new, on=day(), undone_on=draw.choice((None, None, AS_OF)))


@hypothesis_settings(
    max_examples=6, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck)
)  # a bank of a smaller number is not smaller
@given(st.integers(0, 2**20))
@example(161)  # a manager whose branch nobody knows
def test_the_rules_and_the_checker_say_the_same_of_every_customer_and_offer(tmp_path_factory, number):
    draw, standard = random.Random(number), standard_settings()
    home = draw.choice([("customer", "grid", "main_account"), ("main_account", "customer"), ("grid",)])
    settings = standard.model_copy(
        update={
            "owners": standard.owners.model_copy(update={"home": home}),
            "holdout": standard.holdout.model_copy(update={"share": 0.1}),
            "offers": {name: one.model_copy(update=SUITS.get(name, {})) for name, one in standard.offers.items()},
        }
    )
    inputs = _drawn(draw).inputs(tmp_path_factory.mktemp("bank"), settings)
    with known_at(inputs.canonical, AS_OF) as con:
        there = con.sql("SELECT customer_id FROM customers").df()  # numbers merged away are customers no more, nor graded
        graded = pd.read_parquet(inputs.tiers).merge(there, on="customer_id")
        owned = owners.assign(con, inputs.canonical, settings.owners, AS_OF, graded)
        eligibility.hold_out(con, settings.holdout)
        offers = list(settings.active)
        asked = pd.DataFrame({"number": np.repeat(owned["number"], len(offers)), "offer": np.tile(offers, len(owned))})
        blocked, _ = forbidden(con, settings, AS_OF, asked)
    bank, files = open_files(owned["customer_id"], inputs.canonical, AS_OF, settings)
    rows = {row["number"]: row for row in owned.to_dict("records")}
    for which, name, rules in zip(asked["number"], asked["offer"], blocked.rules, strict=True):
        row = rows[which] | {"offer": name}
        found = {rule: said for rule in ABOUT_ROWS if (said := _judged(rule, row, settings.offers[name], files, bank))}
        assert bool(found) == bool(rules), (row, rules, found)


def _judged(rule, row, offer, files, bank):
    return (
        "" if rule != "known_customer" and not _is_one(row, files) else RULES[rule](row, offer, files[row["customer_id"]], bank)
    )


def _is_one(row, files):
    """Whether the customer's own row is there: without it no other rule is asked."""
    return any(c["customer_id"] == row["customer_id"] for c in files[row["customer_id"]].rows["customers"])


@pytest.mark.parametrize(
    ("customer", "seller"), [({"group": None}, "B1"), ({"group": "farmer"}, None)], ids=["no group known", "no branch known"]
)
def test_what_is_not_known_of_customer_or_seller_keeps_an_offer_off_the_list_and_the_night_goes_on(customer, seller, tmp_path):
    standard = standard_settings()
    offers = {name: one.model_copy(update=SUITS.get(name, {})) for name, one in standard.offers.items()}
    bank = county_bank().customer("C1", manager_id="M9", **customer)
    bank.add("managers", manager_id="M9", name="周", branch_id=seller, role="manager", certificates="", hours=4.0)
    bank.score("C1", "buy_farmer_credit", 0.9).score("C1", "churn_aum", 0.5)
    settings = standard.model_copy(update={"offers": offers})
    make_list(bank.inputs(tmp_path, settings), tmp_path / "staging")
    entries = pq.read_table(tmp_path / "staging" / "entries.parquet").to_pandas()
    assert entries["offer"].to_list() == ["keep_assets"]
