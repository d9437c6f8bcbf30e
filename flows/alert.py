"""One line to whoever is on duty when a night fails: no personal data, and never a second failure."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

from flows.settings import Alert
from store.errors import TerraceError

MEANINGS = {
    10: "data did not come",
    20: "a gate broke",
    30: "resumed and failed again",
    40: "configuration",
    50: "another run holds the bank",
    60: "the machine: memory, disk, a process or a file",
}


def line(bank: str, job: str, step: str, code: int) -> str:
    """What happened, from names that hold no personal data; the log has the rest. `job`: a date, or what was to be done."""
    said = f"Terrace {bank} {job}: {MEANINGS.get(code, 'failed')} at {step or 'start'} (exit {code})"
    return " ".join(said.split())  # one line, whatever a name holds


def killed(bank: str, job: str, *, is_first: bool) -> str:
    """What is said of a run whose process somebody, or the system, ended from outside."""
    return f"Terrace {bank} {job}: killed from outside, {'started again' if is_first else 'and again: not started any more'}"


def _on_stderr(why: str) -> None:
    sys.stderr.write(f"{why}\n")


@contextlib.contextmanager
def alerting(
    to: Alert,
    bank: str,
    job: str,
    quiet: tuple[type[Exception], ...] = (),
    undelivered: Callable[[str], None] = _on_stderr,
) -> Iterator[None]:
    """Send the bank's one-line alert when what is inside fails; neither a person's interruption nor a `quiet` error is one.

    `undelivered` hears why the alert did not go out.
    """
    try:
        yield
    except quiet:
        raise
    except Exception as error:
        why = send(to, line(bank, job, step_of(error), error.exit_code if isinstance(error, TerraceError) else 1))
        if why:
            undelivered(why)
        raise


def step_of(error: BaseException) -> str:
    """The step in which an error stopped the night; empty before the first."""
    return str(getattr(error, "step", "")) or (step_of(error.__cause__) if error.__cause__ else "")


def send(alert: Alert, text: str) -> str:
    """Send `text`; empty when it went out or nobody asked for it, else why it did not. Never raises."""
    try:
        if alert.command:
            subprocess.run(  # noqa: S603
                [*alert.command, text],
                timeout=alert.seconds,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        elif alert.webhook:
            request = urllib.request.Request(  # noqa: S310
                alert.webhook,
                json.dumps({"text": text}).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=alert.seconds):  # noqa: S310
                pass
    except (OSError, subprocess.SubprocessError, urllib.error.URLError, ValueError) as error:
        return f"the alert was not delivered: {type(error).__name__}"
    return ""
