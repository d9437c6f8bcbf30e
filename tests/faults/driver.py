"""Runs nights in children that kill themselves at a named instant; a process of its own, so that nothing is killed by mistake.

Reads a list of scenarios as JSON from standard input and prints how each ended, one JSON line per scenario. A child is
forked for each. An instant is: `step:NAME:start` or `step:NAME:end` (the ledger has just noted it); `call:publish:end` (the
list is in its place, the ledger does not know it yet); `rename:NAME:K` (before the K-th rename inside step NAME);
`progress:WORDS:SECONDS` (so long after the callback said WORDS); or empty: nobody is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from flows import listing, nightly
from flows.bank import load_bank
from flows.home import Home
from flows.request import Outcome, Request, ask
from models.registry import Registry
from store.errors import TerraceError
from store.ledger import Ledger


def kill() -> None:
    """The end, without a word to anybody."""
    os.kill(os.getpid(), signal.SIGKILL)


class Watch:
    """Knows in which step the night is, counts its renames, and kills at the instant asked for."""

    def __init__(self, instant: str) -> None:
        self.kind, _, rest = instant.partition(":")
        self.step, _, self.detail = rest.rpartition(":")
        self.now, self.renames, self.seen = "take_in", 0, {}
        start, end = Ledger.start_step, Ledger.end_step

        def started(ledger: Ledger, run: Any, name: str) -> None:
            start(ledger, run, name)
            self.now, self.renames = name, 0
            self.at("step", name, "start")

        def ended(ledger: Ledger, run: Any, name: str, *more: Any) -> None:
            end(ledger, run, name, *more)
            self.at("step", name, "end")
            self.now, self.renames = "between", 0

        Ledger.start_step, Ledger.end_step = started, ended  # type: ignore[method-assign, assignment]
        renamed = listing.publish

        def published(*arguments: Any) -> Any:
            done = renamed(*arguments)
            self.at("call", "publish", "end")  # the list is in force, the ledger does not know it yet
            return done

        listing.publish = published  # type: ignore[assignment]
        sys.addaudithook(self.audit)

    def at(self, kind: str, step: str, detail: str) -> None:
        if (kind, step, detail) == (self.kind, self.step, self.detail):
            kill()

    def audit(self, event: str, _arguments: Any) -> None:
        if event == "os.rename":
            self.renames += 1
            self.seen[self.now] = self.renames
            self.at("rename", self.now, str(self.renames))

    def progress(self, what: str, _done: int, _total: int) -> None:
        if self.kind == "progress" and what == self.step:
            threading.Timer(float(self.detail), kill).start()


def run_night(scenario: dict[str, Any]) -> dict[str, Any]:
    """One night to its end; what a scheduler and a reader of the ledger would see of it."""
    watch = Watch(scenario.get("instant", ""))
    bank = load_bank(Path(scenario["bank"]), {})
    home = Home(Path(scenario["home"]) / bank.bank.id)
    asked = Request(bank, home, None, bool(scenario.get("new_version")))
    try:
        said = ask(asked)
        if isinstance(said, Outcome):
            return {"code": 3, "differs": list(said.differs)}
        outcome = nightly.conduct(said, nightly.plain(0, 0), watch.progress, lambda _: None)
    except TerraceError as error:
        return {"code": error.exit_code, "said": str(error)}
    except Exception as error:
        return {"code": 1, "said": f"{type(error).__name__}: {error}"}
    return {
        "code": 3 if outcome.already else 0,
        "resumed": outcome.resumed,
        "version": outcome.run.version,
        "skipped": [s.name for s in outcome.steps if s.skipped],
        "ran": [s.name for s in outcome.steps if not s.skipped],
        "renames": watch.seen,
    }


def main() -> None:
    """Every scenario in a child of its own; those with the same `together` at once."""
    scenarios = json.loads(sys.stdin.read())
    assert Registry
    waiting: list[tuple[int, int, dict[str, Any]]] = []
    for place, scenario in enumerate(scenarios):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.write(writing, json.dumps(run_night(scenario)).encode())
            os._exit(0)
        os.close(writing)
        waiting.append((child, reading, scenario))
        following = scenarios[place + 1] if place + 1 < len(scenarios) else {}
        if not scenario.get("together") or following.get("together") != scenario["together"]:
            for number, pipe, one in waiting:
                _, status = os.waitpid(number, 0)
                said = os.read(pipe, 1 << 20)
                os.close(pipe)
                killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
                answer = {"killed": killed, "instant": one.get("instant", ""), **(json.loads(said) if said else {})}
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()
            waiting = []


if __name__ == "__main__":
    main()
