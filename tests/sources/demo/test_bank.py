"""The demo bank as a whole: the same from the same seed, sized by its customers, dirty and storied as planned."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from sources.demo.bank import DemoBank, make_demo_bank
from sources.intake import take_in
from sources.settings import SourceSettings
from store.settings import read_yaml


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    one, two, other = (
        make_demo_bank(tmp_path / name, customers=300, months=5, seed=seed) for name, seed in (("a", 7), ("b", 7), ("c", 8))
    )
    first = content(one.raw.parent)
    assert len(first) > 50
    assert first == content(two.raw.parent)
    assert first["raw/DEP_JYLS/YF=202609/data.parquet"] != content(other.raw.parent)["raw/DEP_JYLS/YF=202609/data.parquet"]


def test_a_new_bank_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    make_demo_bank(tmp_path / "bank", customers=300, months=5)
    bank = make_demo_bank(tmp_path / "bank", customers=300, months=3, end_on=dt.date(2025, 12, 31))
    assert sorted(p.name for p in (bank.raw / "DEP_JYLS").iterdir()) == ["YF=202510", "YF=202511", "YF=202512"]
    assert sorted(p.name for p in bank.raw.parent.iterdir()) == ["demo.json", "raw", "truth"]


def test_a_tiny_bank_tells_every_story_and_has_every_table(tiny: DemoBank) -> None:
    stories = json.loads((tiny.truth / "stories.json").read_text(encoding="utf-8"))
    assert sorted(stories) == [
        "guarantor_ring",
        "land_compensation",
        "merchant_settles_out",
        "outlet_moved",
        "quarter_end_parking",
        "teachers_payroll",
        "widow_joint_maturity",
    ]
    assert all(story["zh"] and story["en"] for story in stories.values())
    assert len(stories["guarantor_ring"]["customers"]) == 5
    assert len(list(tiny.raw.glob("*.ok"))) == 17
    assert len(list((tiny.raw / "DEP_JYLS").iterdir())) == 27


def test_the_network_is_that_of_a_county_bank(con: duckdb.DuckDBPyConnection) -> None:
    count = lambda query: con.execute(query).fetchall()[0][0]  # noqa: E731
    assert count("SELECT count(*) FROM PUB_JG") == 42
    assert count("SELECT count(*) FROM PUB_WG") == 297
    assert count("SELECT count(*) FROM PUB_WG WHERE WGLX = '1'") == 231
    assert count("SELECT count(*) FROM PUB_KHJL WHERE JS IN ('manager', 'senior', 'grid')") == 92
    assert count("SELECT count(*) FROM PUB_WG WHERE GH NOT IN (SELECT GH FROM PUB_KHJL)") == 0


def settings_of(bank: DemoBank, bank_file: Path) -> SourceSettings:
    """The bank file's mapping, over the files of `bank`."""
    content, _ = read_yaml(bank_file) if (bank_file.parent.parent / "standard.yaml").exists() else _alone(bank_file)
    sources = content["sources"]
    for one in sources["inputs"].values():
        one["files"] = one["files"].replace("../../var/demo-bank/raw", str(bank.raw))
    return SourceSettings.model_validate(sources)


def _alone(bank_file: Path) -> tuple[dict, dict]:
    from ruamel.yaml import YAML

    return YAML(typ="safe").load(bank_file.read_text(encoding="utf-8")), {}


@pytest.fixture(scope="module")
def home(county: DemoBank, bank_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    take_in(settings_of(county, bank_file), root, bank_file.parent, "demo", "CNY")
    return root


def test_the_intake_finds_the_planted_dirt_and_nothing_else(county: DemoBank, home: Path) -> None:
    dirt = json.loads((county.truth / "dirt.json").read_text(encoding="utf-8"))
    assert all(kind["rows"] > 0 for kind in dirt.values())
    planted = {
        (k["table"], k["rule"].split(":")[0]): k["rows"] for k in dirt.values() if k["action"] in ("flag", "null", "quarantine")
    }
    report = json.loads((home / "quality" / "report.json").read_text(encoding="utf-8"))
    found = {
        (f["table"], f["rule"]): f["count"]
        for f in report["findings"]
        if f["rule"] not in ("required", "copy", "copies", "duplicate")
    }
    assert found == planted


def test_quarantine_holds_the_planted_rows(county: DemoBank, home: Path) -> None:
    dirt = json.loads((county.truth / "dirt.json").read_text(encoding="utf-8"))
    expected: dict[str, int] = {}
    for kind in dirt.values():
        if kind["action"] == "quarantine":
            expected[kind["table"]] = expected.get(kind["table"], 0) + kind["rows"]
    held = {p.stem: len(pd.read_parquet(p)) for p in (home / "quarantine").glob("*.parquet")}
    assert {name: rows for name, rows in held.items() if rows} == expected


def test_printed_balances_of_the_demo_bank_break_nowhere(home: Path) -> None:
    report = json.loads((home / "quality" / "report.json").read_text(encoding="utf-8"))
    assert report["account_days"] > 100_000
    assert report["inexact_days"] == 0


def test_names_are_cut_short_by_a_byte_only_where_planted(
    county: DemoBank, raw_lines: Callable[[DemoBank, str], list[bytes]]
) -> None:
    dirt = json.loads((county.truth / "dirt.json").read_text(encoding="utf-8"))
    broken = []
    for line in raw_lines(county, "CIF_KHXX"):
        try:
            line.decode("gb18030")
        except UnicodeDecodeError:
            broken.append(line[:10].decode())
    assert sorted(broken) == dirt["name_bytes_broken"]["keys"]
