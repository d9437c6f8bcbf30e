"""Names and values as SQL text, quoted: the only way either gets into a statement."""

from __future__ import annotations

from collections.abc import Iterable


def ident(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Texts in single quotes, separated by commas."""
    return ", ".join(literal(text) for text in texts)
