"""One line to whoever is on duty when a night fails: no personal data, and never a second failure."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request

from flows.settings import Alert


def line(bank: str, as_of: str, step: str, code: int) -> str:
    """What happened, from names that hold no personal data; the log has the rest."""
    meaning = {10: "data did not come", 20: "a gate broke", 30: "resumed and failed again", 40: "configuration"}
    return f"Terrace {bank} {as_of or 'newest date'}: {meaning.get(code, 'failed')} at {step or 'start'} (exit {code})"


def send(alert: Alert, text: str) -> str:
    """Send `text`; empty when it went out or nobody asked for it, else why it did not. Never raises."""
    try:
        if alert.command:
            subprocess.run([*alert.command, text], timeout=alert.seconds, check=True, stdin=subprocess.DEVNULL,  # noqa: S603
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        elif alert.webhook:
            request = urllib.request.Request(alert.webhook, json.dumps({"text": text}).encode(),  # noqa: S310
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=alert.seconds):  # noqa: S310
                pass
    except (OSError, subprocess.SubprocessError, urllib.error.URLError, ValueError) as error:
        return f"the alert was not delivered: {type(error).__name__}"
    return ""
