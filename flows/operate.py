"""`terrace operate`: Prefect's server and worker for one bank, with its deployments registered; stops all it started."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from ruamel.yaml import YAML

from flows.bank import BankFile
from flows.code import ROOT
from flows.home import Home
from flows.prefect_home import end_leftover, environment
from flows.prefect_server import Server
from flows.process import born
from flows.screen import Screen
from flows.words import say
from store.errors import TerraceError
from store.files import atomic_path, write_json
from store.lease import LeaseHeld

POOL = "terrace"


class Stopped(Exception):
    """Somebody asked for the end."""


@dataclass
class Operation:
    """The processes of one operation, in the order they were started."""

    home: Path
    environment: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a Prefect command in the project's folder; its number is written down, so that it can be ended later."""
        child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "prefect", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if arguments[0] == "server" else None,
            start_new_session=True,
        )
        self.started.append(child)
        write_json(self.home / f"{arguments[0]}.json", {"pid": child.pid, "born": born(child.pid)})
        return child

    def call(self, *arguments: str) -> None:
        """Run a Prefect command to its end. Raises TerraceError with what it said."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "prefect", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise TerraceError(
                f"prefect {arguments[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}",
                where=str(self.home),
                do="look at the lines above",
            )

    def stop(self) -> None:
        """End all, last started first: the worker lets go of its work before the server goes."""
        for child in reversed(self.started):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
        for note in self.home.glob("*.json"):
            note.unlink()


def run(bank: BankFile, home: Home, port: int, screen: Screen) -> int:
    """Start everything, say so, and stay until asked to end; 0 then, 1 where a part died by itself. Raises LeaseHeld."""
    place, server = home.prefect_server, Server(port)
    place.mkdir(parents=True, exist_ok=True)
    with alone(place / "operate.lock", bank.bank.id):
        for note in ("server.json", "worker.json"):
            end_leftover(place / note)
        server.assert_port_free()
        operation = Operation(
            place,
            {
                **os.environ,
                **environment(place),
                "PREFECT_LOGGING_LEVEL": "INFO",
                "PREFECT_API_URL": server.address,
                "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            },
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        try:
            return _operate(operation, server, bank, home, screen)
        except Stopped:
            return 0
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            operation.stop()


def _operate(operation: Operation, server: Server, bank: BankFile, home: Home, screen: Screen) -> int:
    serving = operation.start("server", "start", "--host", "127.0.0.1", "--port", str(server.port), "--no-ui")
    server.wait(lambda: serving.poll() is None)
    for name in server.take_up(dt.datetime.now(dt.UTC)):
        screen.line(say(screen.language, "owed", name=say(screen.language, name)))
    operation.call("work-pool", "create", POOL, "--type", "process", "--overwrite")
    operation.call("work-pool", "set-concurrency-limit", POOL, "1")
    operation.call("--no-prompt", "deploy", "--all", "--prefect-file", str(_deployments(bank, home)))
    working = operation.start(
        "worker", "start", "--pool", POOL, "--type", "process", "--limit", "1", "--install-policy", "never"
    )
    hours, called = bank.night.schedules, bank.words
    screen.line(
        say(
            screen.language,
            "operating",
            bank=called.zh if screen.language == "zh" else called.en,
            nightly=hours.nightly,
            weekly=hours.weekly,
            monthly=hours.monthly,
            zone=bank.bank.timezone,
            address=server.address,
        ),
        style="bold",
    )
    while serving.poll() is None and working.poll() is None:
        time.sleep(0.5)
    part = say(screen.language, "worker" if serving.poll() is None else "server")
    screen.complaint(say(screen.language, "part_ended", part=part))
    return 1


@contextmanager
def alone(lock: Path, bank: str) -> Iterator[None]:
    """Inside, no other operation of this home runs; the system frees the lock when this process ends, however it ends."""
    with lock.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise LeaseHeld(
                f"another `terrace operate` runs for this bank since {handle.read().strip()}",
                where=bank,
                expected="one operation of a bank",
                do="stop the other one first, or leave it running",
            ) from None
        handle.truncate(0)
        handle.write(f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC (process {os.getpid()})\n")
        handle.flush()
        yield


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def deployments(bank: BankFile, home: Home) -> dict[str, Any]:
    """`prefect.yaml` with this bank's file, home, schedules and time zone."""
    content: dict[str, Any] = YAML(typ="safe").load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    for one in content["deployments"]:
        one["parameters"] = {"bank": str(bank.path), "home": str(home.root.parent)}
        if one["name"] == "nightly":
            one["parameters"]["wait"] = True
        cron = getattr(bank.night.schedules, one["name"])
        one["schedules"] = [{"cron": cron, "timezone": bank.bank.timezone, "active": True}]
        one["work_pool"] = {"name": POOL, "work_queue_name": "default"}
    content["pull"] = [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    return content


def _deployments(bank: BankFile, home: Home) -> Path:
    path = home.prefect_server / "prefect.yaml"
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as handle:
        yaml = YAML(typ="safe")
        yaml.default_flow_style = False
        yaml.dump(deployments(bank, home), handle)
    return path
