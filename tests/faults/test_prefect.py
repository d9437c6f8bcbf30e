"""One night killed in the middle of a real Prefect flow: its server is ended by the next, which goes on to the same list."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.process import born

pytestmark = pytest.mark.slow
NIGHTLY = "from flows.cli import main; main()"


def _steps(ledger: Path) -> set[str]:
    con = sqlite3.connect(ledger, timeout=30)
    try:
        return {row[0] for row in con.execute("SELECT name FROM steps JOIN runs USING (run_id) WHERE as_of = '2025-09-30'")}
    finally:
        con.close()


def test_killed_inside_a_prefect_flow_the_next_start_ends_its_server_and_publishes_the_same_bytes(
    prepared: Any, tmp_path: Path
) -> None:
    home = prepared.copy(tmp_path / "home")
    command = [sys.executable, "-c", NIGHTLY, "nightly", "--bank", str(prepared.bank), "--home", str(home)]
    said = tmp_path / "said.txt"  # a file: a pipe would stay open as long as the server that is left behind
    with said.open("w") as out:
        night = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    until = time.monotonic() + 400
    while not {"training_features"} <= _steps(home / "small" / "ledger.sqlite"):
        assert night.poll() is None, said.read_text()
        assert time.monotonic() < until
        time.sleep(0.1)
    os.kill(night.pid, signal.SIGKILL)  # the flow's process only: its server is left behind, as a crash leaves it
    night.wait(timeout=60)
    left = json.loads((home / "small" / "prefect" / "server.json").read_text())
    assert born(left["pid"]) == left["born"], "a server was left behind"
    assert prepared.is_as_before(home)
    again = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert born(left["pid"]) != left["born"], "and it was ended"
    assert not (home / "small" / "prefect" / "server.json").exists()
    assert prepared.is_undisturbed(home)
