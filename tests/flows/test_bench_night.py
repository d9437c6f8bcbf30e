"""The benchmark over a home a night has run in: a whole night raced against its floors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def test_a_night_is_raced_against_its_floors_and_its_home_is_only_read(published: Any) -> None:
    before = {path: path.stat().st_mtime_ns for path in published.home.rglob("*") if path.is_file()}
    command = [sys.executable, "-m", "bench", "night", "--rounds", "1", "--bank", published.bank, "--home", published.home]
    told = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=300, env=dict(os.environ))
    assert told.returncode == 0, told.stderr
    for part in ("features", "tiers", "list", "predict", "contributions"):
        assert part in told.stdout
    assert before == {path: path.stat().st_mtime_ns for path in published.home.rglob("*") if path.is_file()}
