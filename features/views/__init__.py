"""Feature views: every `View` of a module here is built, catalogued and explained; nothing else lists them."""

from __future__ import annotations

import importlib
import pkgutil

from features.declare import View
from store.errors import ConfigError


def views() -> dict[str, View]:
    """All views, by name. Raises ConfigError where two features share a name."""
    found: dict[str, View] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        found |= {one.name: one for one in vars(module).values() if isinstance(one, View)}
    seen: dict[str, str] = {}
    for view in found.values():
        for one in view.features:
            if one.name in seen:
                raise ConfigError(f"feature '{one.name}' is declared twice", where=f"views {seen[one.name]} and {view.name}",
                                  expected="a name of its own", do="rename one of them")
            seen[one.name] = view.name
    return found
