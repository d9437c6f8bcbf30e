"""Berka's night from raw files to lists: complete, and the same whether the files end that day or run on."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from store.files import read_json
from tests.warm import Warm

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "berka"
CUT = dt.date(1993, 12, 31)
NIGHT = dt.date(1994, 3, 31)
DATED = {"trans.asc": 2, "loan.asc": 2, "account.asc": 3, "card.asc": 3}  # file -> column of its date

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.exists(), reason=f"the Berka files are not at {DATA}: nothing real was tested"),
]


def bank_of(data: Path, to: Path) -> Path:
    """Berka's bank file over another folder of the same files."""
    text = (ROOT / "configs" / "banks" / "berka.yaml").read_text(encoding="utf-8")
    text = text.replace("../../../shared/data/berka", str(data))
    text = text.replace("../standard.yaml", str(ROOT / "configs" / "standard.yaml"))
    to.mkdir(parents=True, exist_ok=True)
    (to / "berka.yaml").write_text(text, encoding="utf-8")
    return to / "berka.yaml"


def cut(to: Path) -> Path:
    """The files as they would have been at the close of CUT: rows of later dates are gone."""
    to.mkdir(parents=True)
    for path in sorted(DATA.glob("*.asc")):
        shutil.copy(path, to / path.name)
    last = CUT.strftime("%y%m%d")
    for name, column in DATED.items():
        head, *rows = (DATA / name).read_text(encoding="latin-1").splitlines(keepends=True)
        kept = [row for row in rows if re.sub(r"\D", "", row.split(";")[column])[:6] <= last]
        assert 0 < len(kept) < len(rows)
        (to / name).write_text(head + "".join(kept), encoding="latin-1", newline="")
    return to


def run(warm: Warm, command: str, bank: Path, home: Path, *more: str) -> None:
    """A command in a process of its own, as a scheduler calls it."""
    done = warm.run("from flows.cli import main; main()", [command, "--bank", bank, "--home", home, *more])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Callable[[bool], tuple[Path, Path]]:
    """The bank file over the whole files, or those that end at CUT, and a home they have been taken into, once for each."""
    folder = tmp_path_factory.mktemp("berka")

    @cache
    def take(is_cut: bool) -> tuple[Path, Path]:
        bank = bank_of(cut(folder / "data") if is_cut else DATA, folder / f"bank-{is_cut}")
        run(warm, "check", bank, folder / f"home-{is_cut}")
        return bank, folder / f"home-{is_cut}"

    return take


@pytest.fixture
def made(taken: Callable[[bool], tuple[Path, Path]], warm: Warm, tmp_path: Path) -> Callable[[bool, dt.date], Path]:
    """The published version of a date, in a home of its own."""

    def make(is_cut: bool, as_of: dt.date) -> Path:
        bank, before = taken(is_cut)
        home = tmp_path / f"{is_cut}-{as_of}"
        shutil.copytree(before, home)
        run(warm, "nightly", bank, home, "--runner", "plain", "--as-of", as_of.isoformat())
        return home / "berka" / "lists" / f"as_of={as_of}" / "version=1"

    return make


def test_a_night_from_files_cut_at_a_date_equals_the_night_of_that_date_over_the_full_files(made) -> None:
    cut_files, full_files = made(True, CUT), made(False, CUT)
    for name in ("entries.parquet", "explanations.parquet", "lists.parquet"):
        assert (cut_files / name).read_bytes() == (full_files / name).read_bytes(), name
    assert pq.read_metadata(cut_files / "entries.parquet").num_rows > 50


def test_the_night_of_1994_03_31_tiers_everyone_scores_three_labels_and_says_why_each_name_is_listed(made) -> None:
    folder = made(False, NIGHT)
    home = folder.parents[2]
    tiers = pq.read_table(home / "tiers" / f"as_of={NIGHT}.parquet").to_pandas()
    assert tiers["customer_id"].is_unique
    assert tiers["tier"].notna().all()
    scores = pq.read_table(home / "scores" / f"as_of={NIGHT}.parquet").to_pandas()
    methods = scores.groupby("model")["method"].first().to_dict()
    assert set(methods) == {"churn_aum", "buy_loan", "buy_card"}
    assert methods["buy_card"] == "segment_rate"  # six people with a card are no model
    assert scores["probability"].between(scores["low"], scores["high"]).all()
    entries = pq.read_table(folder / "entries.parquet").to_pandas()
    assert set(entries["customer_id"]) <= set(tiers["customer_id"])
    assert entries["customer_id"].is_unique
    for language in ("zh", "en"):
        assert (entries[f"reasons_{language}"].str.len() > 10).all()
    told = pq.read_table(folder / "explanations.parquet").to_pandas()
    added = told.groupby(["customer_id", "offer"])["contribution"].sum()
    listed = entries[entries["method"] == "model"].set_index(["customer_id", "offer"])["raw_score"]
    assert (added.loc[listed.index] - listed).abs().max() < 1e-6
    assert len(list((folder / "workbooks").glob("*.xlsx"))) >= entries["branch_id"].nunique()
    assert read_json(home / "quality" / "report.json")
