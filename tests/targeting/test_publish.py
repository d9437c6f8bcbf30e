"""A list is a fact: whole or not there, never changed, a new version only when asked."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace

import pytest

from store import fingerprint
from store.errors import TerraceError
from targeting import manifest
from targeting.night import make_list
from targeting.publish import Staged, latest_version, publish, version_to_make
from tests.targeting.conftest import AS_OF, county_bank, standard_settings


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("bank")
    bank = county_bank().customer("C1", manager_id="M1").score("C1", "churn_aum", 0.3)
    return bank.inputs(home, standard_settings())


def _tree(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): fingerprint.of_file(path) for path in files}


def test_a_version_is_put_in_force_whole_and_made_again_is_told_identical(made, tmp_path):
    lists = tmp_path / "lists"
    assert latest_version(lists, AS_OF) is None
    assert version_to_make(lists, AS_OF) == 1
    first = publish(make_list(made, tmp_path / "s"), lists)
    before = _tree(lists)
    again = publish(make_list(made, tmp_path / "s", version=version_to_make(lists, AS_OF)), lists)
    assert (first.status, again.status) == ("published", "identical")
    assert _tree(lists) == before
    assert not (tmp_path / "s").exists()
    assert {"entries.parquet", "explanations.parquet", "manifest.json"} <= {p.name for p in first.folder.iterdir()}


def test_what_differs_is_named_and_changes_nothing_until_a_version_is_asked_for(made, tmp_path):
    lists = tmp_path / "lists"
    publish(make_list(made, tmp_path / "s"), lists)
    before = _tree(lists)
    other = replace(made, champions={"churn_aum": "another champion"})
    told = publish(make_list(other, tmp_path / "s", version=version_to_make(lists, AS_OF)), lists)
    assert (told.status, told.differs_in) == ("differs", ("champions.churn_aum",))
    assert _tree(lists) == before
    second = publish(make_list(other, tmp_path / "s", version=version_to_make(lists, AS_OF, new_version=True)), lists)
    assert (second.status, second.folder.name) == ("published", "version=2")
    assert latest_version(lists, AS_OF) == 2
    assert {name: content for name, content in _tree(lists).items() if "version=1/" in name} == before


def test_a_list_that_lost_a_file_or_a_byte_before_it_was_published_is_refused(made, tmp_path):
    for number, harm in enumerate(
        (
            lambda f: (f / "explanations.parquet").unlink(),
            lambda f: (f / "entries.parquet").write_bytes(b"PAR1"),
            lambda f: (f / "extra.txt").write_text("x"),
        )
    ):
        staged = make_list(made, tmp_path / f"s{number}")
        harm(staged.folder)
        with pytest.raises(TerraceError, match="not whole"):
            publish(staged, tmp_path / "lists")
    assert not (tmp_path / "lists").exists()


def test_no_version_number_is_skipped(made, tmp_path):
    with pytest.raises(TerraceError, match=r"version 3 staged, 0 in force.*Expected version 1"):
        publish(make_list(made, tmp_path / "s", version=3), tmp_path / "lists")


def test_what_a_killed_run_left_in_staging_does_not_get_into_the_next(made, tmp_path):
    (tmp_path / "s" / "workbooks").mkdir(parents=True)
    (tmp_path / "s" / "workbooks" / "stale.xlsx").write_bytes(b"stale")
    assert "workbooks/stale.xlsx" not in make_list(made, tmp_path / "s").manifest.files


def test_folders_of_other_names_are_no_versions(tmp_path):
    for name in ("as_of=2026-09-30/version=2", "as_of=2026-09-30/version=x", "as_of=never/version=9", "tmp"):
        (tmp_path / name).mkdir(parents=True)
    assert latest_version(tmp_path, AS_OF) == 2
    assert latest_version(tmp_path, dt.date(2026, 1, 1)) is None


def test_a_manifest_knows_no_clock_path_or_host(made, tmp_path):
    one = make_list(made, tmp_path / "one")
    shutil.copytree(one.folder, tmp_path / "elsewhere" / "two")
    text = (one.folder / manifest.NAME).read_text()
    assert str(tmp_path) not in text
    assert publish(Staged(tmp_path / "elsewhere" / "two", one.manifest), tmp_path / "lists").status == "published"
    assert manifest.read(tmp_path / "lists" / f"as_of={AS_OF}" / "version=1") == one.manifest
