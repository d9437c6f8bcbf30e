"""A bank file that names what nobody declares is refused with the line, before any data is read."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.bank import load_bank
from flows.settings import Bank
from flows.translation import told
from store.errors import ConfigError

BANKS = Path(__file__).resolve().parents[2] / "configs" / "banks"


def refused(folder: Path, more: str) -> ConfigError:
    """What is said of the Berka bank's file with these settings in line 2 and after."""
    path = folder / "own.yaml"
    path.write_text(f"extends: [{BANKS / 'berka.yaml'}]\n{more}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_bank(path, {})
    return caught.value


@pytest.mark.parametrize("bank", sorted(path.stem for path in BANKS.glob("*.yaml")))
def test_every_bank_in_the_house_names_what_is_declared(bank: str) -> None:
    assert load_bank(BANKS / f"{bank}.yaml", {}).bank.id == bank


def test_a_feature_misspelt_where_it_is_left_out_is_told_with_its_line(tmp_path: Path) -> None:
    said = str(refused(tmp_path, "features:\n  without:\n    - dep_adb_90d\n    - dep_adb_36d\n    - visit_*\n"))
    assert "own.yaml:5: feature or view 'dep_adb_36d' is not known; did you mean 'dep_adb_365d'?" in said
    assert "own.yaml:6: feature or view 'visit_*' is not known" in said
    assert "'dep_adb_90d' is not known" not in said


def test_what_is_never_to_be_an_offers_reason_is_a_family_of_features(tmp_path: Path) -> None:
    error = refused(tmp_path, "targeting:\n  offers:\n    buy_loan:\n      unsaid: [mobile, depositidle]\n")
    assert "own.yaml:5: offer buy_loan: family of features 'depositidle' is not known; did you mean 'deposit_idle'?" in str(
        error
    )
    assert "产品推荐 buy_loan 的特征家族 'depositidle' 不存在" in told(error, "zh")


@pytest.mark.parametrize(
    ("code", "why"), [("JPY", "a currency without hundredths"), ("KWD", "without hundredths"), ("XQX", "no such")]
)
def test_a_currency_that_is_not_counted_in_hundredths_is_refused(tmp_path: Path, code: str, why: str) -> None:
    error = refused(tmp_path, f"bank:\n  currency: {code}\n")
    assert "own.yaml:3" in str(error)
    assert why in str(error)
    assert "currency" not in told(error, "zh").replace("bank.currency", "")


def test_limits_of_the_machine_reach_the_bank_and_enter_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"extends: [{BANKS / 'berka.yaml'}]\nlimits: {{threads: 7, memory: 12GB, temporary_space: 1TB}}\n")
    own, plain = load_bank(path, {}), load_bank(BANKS / "berka.yaml", {})
    assert (own.limits.threads, own.limits.memory, own.limits.temporary_space) == (7, "12GB", "1TB")
    assert own.config_hash == plain.config_hash
    assert plain.limits.threads == 2, "a county's machine has two cores"


def test_a_limit_that_is_no_size_is_told_with_its_line_in_both_languages(tmp_path: Path) -> None:
    error = refused(tmp_path, "limits:\n  memory: plenty\n  temporary_space: 5MB\n  thread: 2\n")
    assert "own.yaml:3: 'limits.memory' is 'plenty': write a size as 4GB, 800MB or 1.5TB" in str(error)
    assert "own.yaml:4: 'limits.temporary_space' is '5MB': too little to work with; at least 256MB" in str(error)
    assert "unknown key 'limits.thread'; did you mean 'threads'?" in str(error)
    assert "大小写法如 4GB、800MB、1.5TB" in told(error, "zh")
    assert "太小，无法运行；至少 256MB" in told(error, "zh")


@pytest.mark.parametrize(
    ("said", "hint"), [("ZZ", "did you mean 'Z"), ("", "write its code, as CN"), ("CM1", "did you mean 'CM'")]
)
def test_a_country_whose_holidays_nobody_knows_is_a_mistake_of_the_settings(said: str, hint: str) -> None:
    with pytest.raises(ValidationError, match=f"no such country; {hint}"):
        Bank(id="x", name="x", holidays=said)
