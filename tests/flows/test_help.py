"""What one can do is said at once, in English and, in a Chinese locale, in Chinese; wrong use is a configuration error."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from flows.cli import app
from flows.help_words import twin

ROOT = Path(__file__).resolve().parents[2]


def terrace(*arguments: str, locale: str) -> subprocess.CompletedProcess[str]:
    held = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    return subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**held, "LANG": locale, "COLUMNS": "200"},
    )


def test_every_word_of_help_has_a_chinese_twin() -> None:
    whole = get_command(app)
    texts = {whole.help}
    for command in whole.commands.values():  # type: ignore[attr-defined]
        texts |= {command.help, *(getattr(option, "help", None) for option in command.params)}
    assert len(texts) > 25
    assert not {text for text in texts if text and not re.search("[\u4e00-\u9fff]", twin(text) or "")}


@pytest.mark.parametrize(("locale", "words"), [("C.UTF-8", "Tonight's lists"), ("zh_CN.UTF-8", "今晚的名单")])
def test_help_names_every_command_and_loads_nothing_heavy(locale: str, words: str) -> None:
    told = terrace("--help", locale=locale)
    assert told.returncode == 0
    assert words in told.stdout
    for name in ("demo-bank", "check", "features", "catalog", "train", "nightly", "backtest", "lists", "why", "operate"):
        assert name in told.stdout
    heavy = "import sys, flows.cli; print(sorted({'duckdb', 'prefect', 'mlflow', 'pandas', 'pyarrow'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", heavy], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(("locale", "words"), [("C.UTF-8", "Stopped: "), ("zh_CN.UTF-8", "停止：")])
def test_a_bank_file_that_is_not_there_is_exit_40_in_the_terminals_language(locale: str, words: str, tmp_path: Path) -> None:
    told = terrace("nightly", "--bank", str(tmp_path / "nowhere.yaml"), locale=locale)
    assert told.returncode == 40
    assert words in told.stderr
    assert "nowhere.yaml" in told.stderr


def test_no_command_and_wrong_options_are_exit_40() -> None:
    assert terrace(locale="C.UTF-8").returncode == 40
    wrong = terrace("nightly", "--bakfill", locale="zh_CN.UTF-8")
    assert wrong.returncode == 40
    assert "命令写法有误" in wrong.stderr
    assert "--backfill" in wrong.stderr
