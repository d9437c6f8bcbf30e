"""Prefect's server on this machine, asked over its own interface: whether it answers, and what an earlier operation left."""

from __future__ import annotations

import datetime as dt
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from store.errors import ConfigError, TerraceError

_PATIENCE = 60
_UNFINISHED = ["RUNNING", "PENDING", "CANCELLING"]


@dataclass(frozen=True)
class Server:
    """A server at a port of this machine."""

    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def assert_port_free(self) -> None:
        """Raise ConfigError where another program listens: its answers would be taken for those of our server."""
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", self.port))
            except OSError:
                raise ConfigError(
                    f"port {self.port} is taken by another program",
                    where="--port",
                    expected="a port of its own for each bank",
                    do="give another --port",
                ) from None

    def ask(self, path: str, content: object = None, method: str = "POST") -> Any:
        """What the server answers to `content` at a path of its interface. Raises TerraceError where it stays busy."""
        request = urllib.request.Request(  # noqa: S310
            self.address + path,
            json.dumps(content).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        for _ in range(_PATIENCE):
            try:
                with _OPENER.open(request, timeout=30) as answer:
                    text = answer.read()
                return json.loads(text) if text else None
            except (urllib.error.URLError, OSError) as error:
                if isinstance(error, urllib.error.HTTPError) and error.code != 503:  # 503: its database is busy
                    raise
                time.sleep(1)
        raise TerraceError("Prefect's server does not answer", where=path, do="look at the lines above")

    def wait(self, is_alive: Callable[[], bool], seconds: float = 240) -> None:
        """Wait until it answers. Raises TerraceError where it ended or never did."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and is_alive():
            try:
                with _OPENER.open(f"{self.address}/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        raise TerraceError("Prefect's server did not start", where=f"port {self.port}", do="look at the lines above")

    def take_up(self, now: dt.datetime) -> list[str]:
        """Deployments whose run was cut off, or whose hour passed while nobody operated: each is to run once, and soon.

        A run that was cut off would stay `running` for ever, and the one-at-a-time limit would cancel every later one: it is
        marked as crashed and holds no place any more.
        """
        names = {one["id"]: str(one["name"]) for one in self.ask("/deployments/filter", {})}
        cut = self.ask("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": _UNFINISHED}}}})
        late = self.ask(
            "/flow_runs/filter",
            {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": {"before_": now.isoformat()}}},
        )
        missed = [run for run in late if run["auto_scheduled"]]
        owed = {run["deployment_id"] for run in (*cut, *missed)} & names.keys()
        for deployment in sorted(owed):
            self.ask(f"/deployments/{deployment}/create_flow_run", {})  # first: whoever dies after this forgets nothing
        for run in cut:
            state = {"type": "CRASHED", "name": "Crashed", "message": "Nobody operated any more when this run ended."}
            self.ask(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
        for limit in self.ask("/v2/concurrency_limits/filter", {}):
            if limit["active_slots"]:
                self.ask(f"/v2/concurrency_limits/{limit['id']}", {"active_slots": 0}, "PATCH")
        return sorted(names[deployment] for deployment in owed)


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
