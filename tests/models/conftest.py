"""Fixtures: a synthetic bank on disk, and one model learned from it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can say `from synthetic import ...`

from synthetic import LABEL, Synthetic, make

from models.settings import EvaluationSettings, ModelSettings
from models.splits import Window
from models.train import TrainingResult, train_label


@pytest.fixture(scope="session")
def quick() -> ModelSettings:
    return ModelSettings(evaluation=EvaluationSettings(resamples=200))


@pytest.fixture(scope="session")
def window() -> Window:
    return Window(0, 60)


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    return make(tmp_path_factory.mktemp("bank"), customers=3000, months=10)


@pytest.fixture(scope="session")
def trained(bank: Synthetic, window: Window, quick: ModelSettings) -> TrainingResult:
    """Learned as on the last date: its outcomes, and those of the month before, are not known yet."""
    return train_label(LABEL, bank.dataset(), window, quick, known_at=bank.as_ofs[-1])
