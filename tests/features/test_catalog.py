"""Every feature says what it is in two languages; its sentences can be spoken; three lines make a new one."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import sys
from pathlib import Path

import pytest

import features.views
from features.catalog import catalog, write_catalog
from features.engine import build
from features.settings import FeatureSettings, FeatureSwitches
from store.files import read_json
from targeting.wording import understand

sys.path.insert(0, str(Path(__file__).parent))

import county

CHINESE = re.compile(r"[\u4e00-\u9fff]")
NEW = '''
from features.declare import Features, Wording, feature, feature_view
from features.rows.transactions import CATEGORY, OUT, Transactions

@feature_view(entity="customer", owner="retail", grain="One row per customer per as_of.")
def schooling(transactions: Transactions) -> Features:
    """What is paid for school."""
    return Features(feature("txn_school_90d_amt", transactions.amount(CATEGORY.equals("tuition") & OUT, [90])[90], "money",
                            "近90天学费支出", "Tuition paid in 90 days", Wording("近90天学费{txn_school_90d_amt:money}。",
                            "Tuition of {txn_school_90d_amt:money} in 90 days.", when="txn_school_90d_amt > 0")))
'''


@pytest.fixture
def canonical(tmp_path: Path) -> county.Canonical:
    return county.write(tmp_path / "canonical", county.make(41, customers=8))


def test_every_feature_has_a_meaning_in_chinese_and_in_english_and_a_name_with_its_unit(canonical: county.Canonical) -> None:
    specs = catalog(canonical, county.SETTINGS)
    assert sum(spec.role == "feature" for spec in specs) >= 80
    for spec in specs:
        assert CHINESE.search(spec.zh), spec.name
        assert spec.en.strip(), spec.name
        assert not CHINESE.search(spec.en), spec.name
        assert spec.tables or spec.unit in ("days", "flag", "date"), spec.name
        if spec.unit == "money":
            assert re.search(r"amt|adb|lowest|highest|balance", spec.name), spec.name
        if spec.window_days and "d" in spec.name:
            assert f"{spec.window_days}d" in spec.name, spec.name


def test_every_sentence_can_be_spoken_and_none_speaks_of_what_is_protected(canonical: county.Canonical) -> None:
    specs = catalog(canonical, county.SETTINGS)
    said = understand(specs)
    assert len(said) > 100
    protected = {spec.name for spec in specs if spec.sensitivity.startswith("protected")}
    assert protected == {"cust_age_years"}
    for spec in specs:
        for wording in spec.wordings:
            assert not wording.names & protected, spec.name
            assert CHINESE.search(wording.zh), spec.name
            assert not CHINESE.search(wording.en), spec.name
    assert not [spec.name for spec in specs if re.search(r"gender|sex|ethnic|religion|health|marital", spec.name)]


def test_a_bank_that_lacks_a_figure_has_no_sentence_that_says_it(tmp_path: Path) -> None:
    tables = county.make(42, customers=6)
    del tables["loan_status"], tables["facilities"]
    specs = [spec for spec in catalog(county.write(tmp_path / "c", tables), county.SETTINGS) if spec.available]
    names = {spec.name for spec in specs}
    assert len(understand(specs)) > 80
    assert all(wording.names <= names for spec in specs for wording in spec.wordings)


def test_what_names_the_other_bank_or_follows_money_out_is_for_the_manager_only(canonical: county.Canonical) -> None:
    internal = {spec.name for spec in catalog(canonical, county.SETTINGS) if spec.wordings and spec.wordings[0].internal}
    assert {"payroll_swept_2d_share_90d", "txn_out_own_other_bank_90d_amt", "acq_retained_share_30d"} <= internal


def test_three_lines_make_a_feature_that_is_built_and_catalogued(
    canonical: county.Canonical, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "zz_schooling.py").write_text(NEW, encoding="utf-8")
    monkeypatch.setattr(features.views, "__path__", [*features.views.__path__, str(tmp_path / "views")])
    assert "txn_school_90d_amt" in {spec.name for spec in catalog(canonical, county.SETTINGS) if spec.available}
    on = dt.date(2026, 3, 31)
    frame = build(canonical, county.SETTINGS, [on], tmp_path / "out", views=["schooling"]).read(on)
    assert list(frame.columns) == ["customer_id", "as_of", "txn_school_90d_amt"]
    sys.modules.pop("features.views.zz_schooling")


def test_a_switched_off_feature_is_left_out_and_said_so(canonical: county.Canonical) -> None:
    off = FeatureSettings(calendar=county.SETTINGS.calendar, features=FeatureSwitches(without=["txn_tuition_*", "festival"]))
    gone = {spec.name: spec.why_not for spec in catalog(canonical, off) if not spec.available}
    assert gone["txn_tuition_365d_amt"] == gone["txn_in_festival_amt"] == "switched off in the bank's settings"
    assert "txn_medical_365d_amt" not in gone


def test_the_catalogue_is_written_for_people_for_machines_and_for_wps(canonical: county.Canonical, tmp_path: Path) -> None:
    specs = catalog(canonical, county.SETTINGS)
    page, data, table = write_catalog(specs, tmp_path / "catalog")
    text = page.read_text(encoding="utf-8")
    assert "近90天存款日均" in text
    assert "Average daily deposits over 90 days" in text
    assert [row["name"] for row in read_json(data)] == [spec.name for spec in specs]
    raw = table.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert len(rows) == len(specs) + 1
    assert {len(row) for row in rows} == {12}
