"""The version of the code that runs: a hash of the installed rooms, with or without git."""

from __future__ import annotations

from pathlib import Path

from store import fingerprint

ROOMS = ("store", "sources", "features", "models", "targeting", "flows")
ROOT = Path(__file__).resolve().parents[1]


def code_hash() -> str:
    """SHA-256 over every source file of every room."""
    return fingerprint.of_code([ROOT / room for room in ROOMS])
