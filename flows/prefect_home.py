"""Where Prefect lives and how quiet it is: set before it is imported; its own server is started, noted and ended by us."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows import process
from store.files import read_json, write_json


def environment(home: Path) -> dict[str, str]:
    """What Prefect and its neighbours read: everything under `home`, nothing leaves the machine, nothing is pickled."""
    local = [part for part in os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",") if part]
    bypass = ",".join(dict.fromkeys([*local, "127.0.0.1", "localhost"]))
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "NO_PROXY": bypass,
        "no_proxy": bypass,
    }


@contextmanager
def own_server(home: Path) -> Iterator[None]:
    """Prefect's embedded server while inside. One that a killed night left behind is ended first, by the pid it wrote."""
    home.mkdir(parents=True, exist_ok=True)
    note = home / "server.json"
    end_leftover(note)
    os.environ.update(environment(home))
    os.environ["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "true"
    os.environ.pop("PREFECT_API_URL", None)
    import subprocess

    from prefect.server.api.server import SubprocessASGIServer

    class Noted(SubprocessASGIServer):
        def _run_uvicorn_command(self) -> subprocess.Popen[bytes]:
            server: subprocess.Popen[bytes] = super()._run_uvicorn_command()
            write_json(note, {"pid": server.pid, "born": process.born(server.pid)})
            return server

    server = Noted()  # the one instance that Prefect's client finds and uses
    server.start(timeout=180)
    try:
        yield
    finally:
        server.stop()
        note.unlink(missing_ok=True)


def end_leftover(note: Path) -> bool:
    """End the server a note speaks of, if that very process still runs. Whether there was one."""
    if not note.exists():
        return False
    held = read_json(note)
    ended = process.end(int(held["pid"]), str(held["born"]))
    note.unlink(missing_ok=True)
    return ended
