"""A power cut while server, worker and a night run: the next `terrace operate` goes on by itself to the same list."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.prefect_server import Server
from flows.process import born

pytestmark = pytest.mark.slow
OPERATE = "from flows.cli import main; main()"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(what: Callable[[], bool], night: subprocess.Popen[bytes], said: Path, seconds: float = 400) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert night.poll() is None, said.read_text()
        assert time.monotonic() < end, said.read_text()
        time.sleep(0.2)


def has_begun(ledger: Path, step: str) -> bool:
    con = sqlite3.connect(ledger, timeout=30)
    try:
        return bool(
            con.execute(
                "SELECT 1 FROM steps JOIN runs USING (run_id) WHERE as_of = '2025-09-30' AND name = ?", (step,)
            ).fetchall()
        )
    finally:
        con.close()


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@contextmanager
def operating(prepared: Any, home: Path, port: int, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`terrace operate` in a process of its own; whatever of it still lives is ended, by the numbers it wrote down."""
    command = [sys.executable, "-c", OPERATE, "operate", "--bank", str(prepared.bank), "--home", str(home), "--port", str(port)]
    with said.open("w") as out:
        night = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        until(lambda: ": operating. " in said.read_text(), night, said)
        yield night
    finally:
        if night.poll() is None:
            night.terminate()
            night.wait(timeout=120)


def cut_the_power(night: subprocess.Popen[bytes], notes: Path) -> None:
    """Everything at once, the flow's process first: nobody says goodbye."""
    server, worker = (json.loads((notes / f"{name}.json").read_text()) for name in ("server", "worker"))
    flow = children(worker["pid"])
    assert flow, "the night runs in a process of the worker"
    for pid in (*flow, night.pid, worker["pid"], server["pid"]):
        os.kill(pid, signal.SIGKILL)
    night.wait(timeout=60)
    while any(born(one["pid"]) == one["born"] for one in (server, worker)):
        time.sleep(0.1)


def test_a_power_cut_in_the_middle_of_a_deployed_night_is_made_up_for_when_operation_starts_again(
    prepared: Any, tmp_path: Path
) -> None:
    home, port = prepared.copy(tmp_path / "home"), free_port()
    notes, server = home / "small" / "prefect-server", Server(port)
    with operating(prepared, home, port, tmp_path / "first.txt") as night:
        found = {one["name"]: one for one in server.ask("/deployments/filter", {})}
        assert set(found) == {"nightly", "weekly", "monthly"}
        for one in found.values():
            assert one["schedules"][0]["schedule"]["timezone"] == "Asia/Shanghai"
            assert one["global_concurrency_limit"]["limit"] == 1
            assert one["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
        server.ask(f"/deployments/{found['nightly']['id']}/create_flow_run", {})
        until(lambda: has_begun(home / "small" / "ledger.sqlite", "training_features"), night, tmp_path / "first.txt")
        cut_the_power(night, notes)
    assert prepared.is_as_before(home)
    said = tmp_path / "second.txt"
    with operating(prepared, home, port, said) as night:
        assert "started now: nightly" in said.read_text()
        until(lambda: prepared.tonight(home).exists(), night, said)
        assert prepared.is_undisturbed(home)
        until(lambda: all(not limit["active_slots"] for limit in server.ask("/v2/concurrency_limits/filter", {})), night, said)
        night.terminate()
        assert night.wait(timeout=120) == 0
    assert not list(notes.glob("*.json"))
