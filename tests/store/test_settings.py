"""A mistake in YAML is told by file, line, what was found and the nearest valid name."""

from pathlib import Path

import pytest
from pydantic import Field

from store.errors import ConfigError
from store.files import write_text
from store.settings import Settings, load, read_yaml


class Owner(Settings):
    hours: float = 8.0
    step: str


class Bank(Settings):
    name: str
    owners: tuple[Owner, ...] = ()
    limits: dict[str, int] = Field(default_factory=dict)


def test_a_misspelt_key_is_answered_with_file_line_and_the_nearest_name(tmp_path: Path) -> None:
    write_text(tmp_path / "hexi.yaml", "name: 禾溪\nowners:\n  - step: grid\n    huors: 6\n")
    with pytest.raises(ConfigError, match=r"hexi\.yaml:4: unknown key 'owners\.0\.huors'; did you mean 'hours'\?"):
        load(tmp_path / "hexi.yaml", Bank)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    write_text(tmp_path / "hexi.yaml", "owners:\n  - hours: many\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "hexi.yaml", Bank)
    said = str(caught.value)
    assert "'name' is missing" in said
    assert "hexi.yaml:2: 'owners.0.hours' is 'many'" in said
    assert "'owners.0.step' is missing" in said


def test_a_bank_overrides_the_standard_key_by_key_and_lists_as_a_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "standard.yaml", "name: standard\nlimits: {a: 1, b: 2}\nowners: [{step: grid}, {step: manager}]\n")
    write_text(tmp_path / "banks" / "hexi.yaml", "extends: [../standard.yaml]\nlimits: {b: 3}\nowners: [{step: head_office}]\n")
    bank = load(tmp_path / "banks" / "hexi.yaml", Bank)
    assert bank.name == "standard"
    assert bank.limits == {"a": 1, "b": 3}
    assert [owner.step for owner in bank.owners] == ["head_office"]


def test_a_mistake_in_the_standard_is_told_with_the_standards_own_line(tmp_path: Path) -> None:
    write_text(tmp_path / "standard.yaml", "name: x\nlimts: {}\n")
    write_text(tmp_path / "hexi.yaml", "extends: [standard.yaml]\nname: y\n")
    with pytest.raises(ConfigError, match=r"standard\.yaml:2: unknown key 'limts'; did you mean 'limits'"):
        load(tmp_path / "hexi.yaml", Bank)


def test_a_bank_file_that_is_not_there_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    write_text(tmp_path / "berka.yaml", "name: x\n")
    with pytest.raises(ConfigError, match=r"did you mean .*berka\.yaml"):
        load(tmp_path / "bera.yaml", Bank)


def test_a_key_that_is_missing_at_the_top_is_told_with_the_file_it_is_missing_from(tmp_path: Path) -> None:
    write_text(tmp_path / "hexi.yaml", "limits: {a: 1}\n")
    with pytest.raises(ConfigError, match=r"hexi\.yaml: 'name' is missing"):
        load(tmp_path / "hexi.yaml", Bank)


def test_one_file_may_be_extended_without_a_list_and_none_extends_itself(tmp_path: Path) -> None:
    write_text(tmp_path / "standard.yaml", "name: standard\n")
    write_text(tmp_path / "hexi.yaml", "extends: standard.yaml\nlimits: {a: 1}\n")
    assert load(tmp_path / "hexi.yaml", Bank).name == "standard"
    write_text(tmp_path / "standard.yaml", "extends: hexi.yaml\nname: standard\n")
    with pytest.raises(ConfigError, match="extends itself"):
        load(tmp_path / "hexi.yaml", Bank)


def test_a_folder_in_place_of_a_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory") as caught:
        load(tmp_path, Bank)
    assert "??" not in str(caught.value)


def test_a_sentence_that_ends_by_itself_gets_no_second_stop(tmp_path: Path) -> None:
    write_text(tmp_path / "berka.yaml", "name: x\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "bera.yaml", Bank)
    assert str(caught.value).endswith("berka.yaml?")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [1\n", "a: 1\na: 2\n"])
def test_a_file_that_holds_no_settings_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / "x.yaml", text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "x.yaml", Bank)
    assert caught.value.exit_code == 40


@pytest.mark.parametrize("said", ["", "5", "[1]", "['']"])
def test_what_is_extended_must_be_a_file(tmp_path: Path, said: str) -> None:
    path = tmp_path / "bank.yaml"
    path.write_text(f"bank: {{}}\nextends: {said}\n")
    with pytest.raises(ConfigError, match=r"bank\.yaml:2: 'extends' names no file.*Expected a YAML file.*To mend it: write"):
        read_yaml(path)
