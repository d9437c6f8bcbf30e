"""What a data scientist is told of trainings and replays, in both languages; and dates that no training or replay can have."""

from __future__ import annotations

import re
from typing import Any

import pytest

EARLY, LATE, UNKNOWN_YET = "2024-07-01", "2026-07-01", "2025-09-30"


def test_a_replay_is_told_with_its_method_in_the_readers_language(published: Any) -> None:
    english = published.run("backtest", "--label", "churn_aum", "--language", "en")
    assert english.returncode == 0, english.stderr
    assert "segment rate" in english.stdout
    chinese = published.run("backtest", "--label", "churn_aum", "--language", "zh").stdout
    assert "分群比率" in chinese
    assert "segment_rate" not in english.stdout + chinese


@pytest.mark.parametrize(
    ("command", "on", "english", "chinese"),
    [
        ("train", LATE, "the data goes to 2025-09-30, not to 2026-07-01", "数据只到 2025-09-30"),
        ("train", EARLY, "on 2024-07-01 no outcome of any month end was known", "截至 2024-07-01，还没有任何月末的结果可知"),
        ("backtest", UNKNOWN_YET, "no night of 'churn_aum' can be replayed", "'churn_aum' 没有可以回放的日期"),
    ],
)
def test_a_date_that_teaches_nothing_is_named_and_leaves_the_champions_alone(
    published: Any, command: str, on: str, english: str, chinese: str
) -> None:
    from models.registry import Registry

    registry = Registry(published.home / "small" / "mlflow")
    before = registry.champion_hashes()
    for language, said in (("en", english), ("zh", chinese)):
        refused = published.run(command, "--as-of", on, "--language", language)
        assert refused.returncode in (1, 40)
        assert said in re.sub(r"\s+", " ", refused.stderr)
        assert "unforeseen" not in refused.stderr
        assert "意外" not in refused.stderr
    assert registry.champion_hashes() == before
