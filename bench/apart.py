"""A lap in a process of its own, in the environment its way needs, watched for the memory of all it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.place import Place
from store.errors import TerraceError

ROOT = Path(__file__).resolve().parents[1]
LOOK_EVERY = 0.1  # seconds between looks at the memory of a tree of processes
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024**2


@dataclass(frozen=True)
class Way:
    """A way to an end: `module:function` of a Place and of `given`, in the environment of that name."""

    name: str
    entry: str
    given: Mapping[str, Any] = field(default_factory=dict)
    environment: str = ""  # empty: the project's own


@dataclass(frozen=True)
class Lap:
    """What a way took once. `peak_mb` is of the process with all it started."""

    seconds: float
    cpu: float
    peak_mb: float
    answer: Path | None = None
    rows: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def python_of(environment: str, environments: Path) -> Path:
    """The interpreter of an environment, whether or not it is there."""
    return Path(sys.executable) if not environment else environments / environment / "bin" / "python"


def lap(way: Way, place: Place, environments: Path) -> Lap:
    """Run a way once. Raises TerraceError with the end of what it wrote where it fails."""
    out, log = place.work / "lap.json", place.work / "lap.log"
    out.unlink(missing_ok=True)
    command = [str(python_of(way.environment, environments)), "-m", "bench.lap", way.entry, json.dumps(dict(way.given))]
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" or not way.environment}
    with log.open("w") as said:
        child = subprocess.Popen([*command, place.to_json(), str(out)], cwd=ROOT, stdout=said, stderr=said, env=alone)  # noqa: S603
        try:
            together = _watched(child)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if child.returncode or not out.exists():
        raise TerraceError(
            f"the way '{way.name}' ended with {child.returncode}:\n{log.read_text(errors='replace')[-2000:]}",
            where=way.entry,
            expected="a lap run to its end",
            do="mend what the trace says, then race again",
        )
    told = json.loads(out.read_text())
    told["answer"] = Path(told["answer"]) if told["answer"] else None
    told["peak_mb"] = max(told["peak_mb"], together)
    return Lap(**told)


def _watched(child: subprocess.Popen[bytes]) -> float:
    """Waits for the process; the most memory in MB that it and its descendants held at once, 0 where it stayed alone."""
    most = 0.0
    while child.poll() is None:
        tree = _tree(child.pid)
        if len(tree) > 1:
            most = max(most, sum(_resident_mb(pid) for pid in tree))
        time.sleep(LOOK_EVERY)
    return most


def _tree(root: int) -> set[int]:
    """The process and all its descendants."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue  # it ended while it was looked at
    tree = {root}
    while grown := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= grown
    return tree


def _resident_mb(pid: int) -> float:
    """Memory in RAM; what processes share is divided among them where the kernel tells."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_MB
    except (OSError, IndexError, ValueError):
        return 0.0
