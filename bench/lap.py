"""One way, once, in this process: `python -m bench.lap ENTRY GIVEN PLACE OUT`. Any environment's Python can run it."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.place import Place

LIBRARIES = {
    "duckdb": "duckdb",
    "featuretools": "featuretools",
    "ibis": "ibis-framework",
    "lightgbm": "lightgbm",
    "numpy": "numpy",
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "shap": "shap",
}  # imported name -> name of the package


def highest_mb() -> float:
    """The most memory this process ever held, in MB: the kernel's own high-water mark, of this program alone."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu() -> float:
    """Seconds of processor time, of this process and of those it started and waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def measured(entry: str, given: dict[str, Any], place: Place) -> dict[str, Any]:
    """The lap of `module:function`: made ready outside the clock, run against it."""
    module, _, name = entry.partition(":")
    run = getattr(importlib.import_module(module), name)(place, **given)
    before, started = cpu(), time.perf_counter()
    found = run()
    seconds, spent, peak = time.perf_counter() - started, cpu() - before, highest_mb()
    answer = found.answer() if callable(found.answer) else found.answer
    return {
        "seconds": seconds,
        "cpu": spent,
        "peak_mb": peak,
        "answer": None if answer is None else str(answer),
        "rows": found.rows,
        "parts": dict(found.parts),
        "notes": list(found.notes),
        "versions": {package: metadata.version(package) for name, package in LIBRARIES.items() if name in sys.modules},
    }


if __name__ == "__main__":
    Path(sys.argv[4]).write_text(json.dumps(measured(sys.argv[1], json.loads(sys.argv[2]), Place.from_json(sys.argv[3]))))
