"""Names and phones as paper may show them; identity numbers never get here."""

from __future__ import annotations

import re


def name(full: str) -> str:
    """刘**; 禾溪**社 for an organisation's longer name; J*** D*** in Latin letters. Empty stays empty."""
    text = full.strip()
    if not text:
        return ""
    if re.match(r"[A-Za-z]", text):
        return " ".join(part[0] + "***" for part in text.split())
    if len(text) <= 4:
        return text[0] + "*" * max(len(text) - 1, 1)
    return f"{text[:2]}**{text[-1]}"


def phone(number: str) -> str:
    """138****0000: the first three and last four digits of a full number, at most the last four of a shorter one."""
    digits = re.sub(r"\D", "", number)
    if len(digits) >= 11:
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-4:]}" if len(digits) >= 8 else "****" if digits else ""
