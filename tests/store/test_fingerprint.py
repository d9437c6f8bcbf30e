"""Content hashes depend on content only."""

from pathlib import Path

from store import fingerprint
from store.files import write_text


def test_settings_in_any_key_order_have_one_hash() -> None:
    assert fingerprint.of_json({"a": 1, "b": [2, 3]}) == fingerprint.of_json({"b": [2, 3], "a": 1})
    assert fingerprint.of_json({"a": [2, 3]}) != fingerprint.of_json({"a": [3, 2]})


def test_code_has_the_same_hash_wherever_it_is_installed_and_another_when_a_line_changes(tmp_path: Path) -> None:
    for place in ("here", "there"):
        write_text(tmp_path / place / "store" / "a.py", "x = 1\n")
        write_text(tmp_path / place / "models" / "b.py", "y = 1\n")
    here, there = ([tmp_path / place / room for room in ("store", "models")] for place in ("here", "there"))
    assert fingerprint.of_code(here) == fingerprint.of_code(there)
    write_text(tmp_path / "there" / "models" / "b.py", "y = 2\n")
    assert fingerprint.of_code(here) != fingerprint.of_code(there)


def test_files_are_told_apart_by_name_as_well_as_by_content(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "same")
    write_text(tmp_path / "b", "same")
    assert fingerprint.of_files([tmp_path / "a"], tmp_path) != fingerprint.of_files([tmp_path / "b"], tmp_path)
    assert fingerprint.of_files([tmp_path / "a", tmp_path / "b"], tmp_path) == fingerprint.of_files(
        [tmp_path / "b", tmp_path / "a"], tmp_path
    )


def test_a_keyed_draw_is_the_same_tonight_and_tomorrow_and_spreads_evenly() -> None:
    draws = [fingerprint.keyed_uniform("holdout", f"customer {n}") for n in range(4000)]
    assert draws == [fingerprint.keyed_uniform("holdout", f"customer {n}") for n in range(4000)]
    assert draws != [fingerprint.keyed_uniform("another", f"customer {n}") for n in range(4000)]
    assert all(0 <= draw < 1 for draw in draws)
    tenths = [sum(int(draw * 10) == tenth for draw in draws) for tenth in range(10)]
    assert min(tenths) > 330
    assert max(tenths) < 470


def test_those_drawn_below_a_share_are_those_whose_own_draw_is() -> None:
    names = [f"客户{n}" for n in range(500)]
    below = [name for name in names if fingerprint.keyed_uniform("holdout", name) < 0.1]
    assert fingerprint.keyed_below("holdout", 0.1, names) == below
