"""A process that has imported Terrace once and forks a child for each program it is asked to run.

A child has a number, arguments, a folder, an environment, files for what it says and an exit code of its own, as a process
that a scheduler starts; only what it imports is there already. What imports cost, and what is imported when, is for tests
that start Python themselves.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
IMPORTED = (
    "flows.tonight",
    "flows.nightly",
    "flows.published",
    "flows.tier_statement",
    "flows.tier_review",
    "models.pictures",
    "models.registry",
    "mlflow",
)
LONGEST = 600  # seconds; whoever takes longer is ended by an alarm


class Warm:
    """The process, started when the first program is run."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        program: str,
        arguments: Sequence[str | Path] = (),
        said: str = "",
        env: dict[str, str] | None = None,
        out: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """What became of a program, Python source or the path of a script, that reads `said` from its standard input.

        All it says goes into the file `out`, where one is named: so it can be read while the program runs.
        """
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", __file__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / "in", *([out, out] if out else [Path(folder) / name for name in ("out", "err")])]
            files[0].write_text(said, encoding="utf-8")
            asked = {
                "program": program,
                "arguments": [str(one) for one in arguments],
                "files": [str(path) for path in files],
                "env": {**os.environ, **(env or {})},
            }
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            code = self._process.stdout.readline()
            assert code, "the warm process has died"
            out, err = (path.read_text(encoding="utf-8") for path in files[1:])
        return subprocess.CompletedProcess([program, *asked["arguments"]], int(code), out, err)

    def end(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=60)


def _become(asked: dict[str, Any]) -> None:
    """This child becomes the program: nothing is its parent's but what that has imported."""
    signal.alarm(LONGEST)
    for number, path in enumerate(asked["files"]):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)  # the one before holds lines that its parent has yet to read
    os.environ.clear()
    os.environ.update(asked["env"])
    if asked["program"].endswith(".py"):
        sys.argv = [asked["program"], *asked["arguments"]]
        runpy.run_path(asked["program"], run_name="__main__")
    else:
        sys.argv = ["-c", *asked["arguments"]]
        exec(compile(asked["program"], "<program>", "exec"), {"__name__": "__main__"})


def _end(asked: dict[str, Any]) -> NoReturn:
    """The program's run and end. What was imported is not taken apart: of a fork that is a second of copying pages."""
    code = 0
    try:
        _become(asked)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # DuckDB's binding counts what is left, and all of it is
    atexit._run_exitfuncs()
    os._exit(code)


def _serve() -> None:
    """Line by line a program to run, and the exit code of its child."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _end(json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    for module in IMPORTED:
        importlib.import_module(module)
    gc.freeze()
    _serve()
