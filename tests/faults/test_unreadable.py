"""A file that rots on the disk between two starts stops the night by name; made again, the night ends as if undisturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows import chores
from flows.bank import load_bank
from flows.home import Home
from sources.canonical import open_canonical


def test_a_bucket_that_rots_is_named_made_again_by_a_check_and_the_night_goes_on(
    prepared: Any, drive: Any, tmp_path: Path
) -> None:
    home = prepared.copy(tmp_path / "home")
    assert drive([prepared.scenario(home, "step:features:start")])[0]["killed"]
    canonical = open_canonical(home / "small" / "canonical")
    file = canonical.manifest.tables["transactions"].files[0]
    path = canonical.root / file.path
    path.write_bytes(path.read_bytes()[:4] + bytes(file.size - 4))
    ended = drive([prepared.scenario(home)])[0]
    assert ended["code"] == 60, ended
    assert f"table transactions, bucket {file.bucket}: the file {file.path} has been changed" in ended["said"]
    assert "run `terrace check`" in ended["said"]
    assert prepared.is_as_before(home)
    bank, place = load_bank(prepared.bank, {}), Home(home / "small")
    with chores.under_lease(bank, place):
        chores.taken_in(bank, place, lambda what, done, total: None, verify=True)
    last = drive([prepared.scenario(home)])[0]
    assert (last["code"], last["resumed"]) == (0, True)
    assert prepared.is_undisturbed(home)
