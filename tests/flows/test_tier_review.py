"""What head office reads about tiers before it approves thresholds for a year."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from models.tier_settings import TierSettings
from store.settings import read_yaml

NIGHT = "2025-09-30"


def test_thresholds_shares_proposal_and_the_lines_to_write_are_printed(first_night: Any) -> None:
    place, _ = first_night
    told = place.run("tiers")
    assert told.returncode == 0, told.stderr
    assert "customer tiers as of 2025-09-30" in told.stdout
    counted = Counter(pq.read_table(place.home / "small" / "tiers" / f"as_of={NIGHT}.parquet")["tier"].to_pylist())
    for name, tier in (("Silver", "silver"), ("Basic", "basic")):
        line = next(line for line in told.stdout.splitlines() if f" {name} " in line)
        assert f" {counted[tier]:,} " in line
    assert "Persons: 120 customers" in told.stdout
    assert "Firms and institutions" not in told.stdout  # there are none
    assert "Thresholds in force: approved for 2026 by" in told.stdout  # a night of 2025
    assert "现行标准" in place.run("tiers", "--language", "zh").stdout


def test_the_printed_lines_are_a_bank_file_that_keeps_this_years_thresholds_for_this_year(first_night: Any) -> None:
    place, _ = first_night
    house = read_yaml(place.bank)[0]["tiers"]
    said = place.run("tiers").stdout
    lines = said[said.index("  tiers:\n") :].splitlines()
    block = [line.removeprefix("  ") for line in lines if line.startswith("  ")]
    own = YAML(typ="safe").load("\n".join(block))["tiers"]
    year = own["approved_for"]
    assert list(own["earlier"]) == [year - 1]
    assert own["earlier"][year - 1]["personal"]["levels"][0]["adb"] == house["scales"]["personal"]["levels"][0]["adb"]
    merged = TierSettings.model_validate(house | own | {"scales": house["scales"] | own["scales"]})
    assert [level.id for level in merged.scales["personal"].levels] == ["diamond", "platinum", "gold", "silver", "basic"]
    assert merged.scales["personal"] != merged.earlier[year - 1]["personal"]


def test_overrides_are_told_with_their_state_and_expired_or_unknown_ones_by_name(published: Any) -> None:
    row = (
        "- {{customer_id: {who}, tier: gold, why: appeal upheld, asked_by: S1, approved_by: S2, since: {since}, "
        "until: {until}}}"
    )
    (published.bank.parent / "overrides.yaml").write_text(
        "overrides:\n  "
        + "\n  ".join(
            row.format(who=who, since=since, until=until)
            for who, since, until in (
                ("C0001", "2025-09-01", "2025-12-31"),
                ("C0002", "2025-01-01", "2025-06-30"),
                ("X1", "2025-09-01", "2025-12-31"),
            )
        )
    )
    published.bank.write_text(published.bank.read_text() + "tiers: {overrides: overrides.yaml}\n")
    told = published.run("tiers").stdout
    assert "1 in force, 1 expired, 0 to come, 0 replaced by a later one, 1 for customers nobody knows" in told
    assert re.search(r"C0002 +│ expired, ignored", told)
    assert re.search(r"X1 +│ no such customer", told)


def test_a_new_override_is_a_change_of_configuration_that_a_published_night_names(published: Any) -> None:
    path = published.bank.parent / "overrides.yaml"
    path.write_text("overrides: []\n")
    published.bank.write_text(published.bank.read_text() + "tiers: {overrides: overrides.yaml}\n")
    before = published.run("nightly", "--new-version")
    assert before.returncode == 0, before.stdout
    path.write_text(
        "overrides:\n  - {customer_id: C0001, tier: gold, why: appeal upheld, asked_by: S1, approved_by: S2, "
        "since: 2025-09-01, until: 2025-12-31}\n"
    )
    told = published.run("nightly")
    assert told.returncode == 3
    assert "these changed: configuration." in told.stdout.replace("\n", " ")
    assert published.run("nightly", "--new-version").returncode == 0
    assert "Given by hand: asked for by S1, approved by S2" in published.run("tier", "C0001").stdout
