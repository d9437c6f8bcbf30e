"""How a failure is told on the screen: our own errors in full and in the reader's language, others by their kind and a log."""

from __future__ import annotations

import time
import traceback
from pathlib import Path

from flows.home import Home
from flows.screen import Screen
from flows.translation import told
from flows.words import say
from store.errors import MachineFault, ResumedAndFailed, TerraceError
from store.files import write_text

UNFORESEEN = 1


def show(error: Exception, home: Home | None, screen: Screen) -> int:
    """Say what went wrong and whether the last list stays; the exit code."""
    language = screen.language
    cause = error.__cause__ if isinstance(error, ResumedAndFailed) else error
    if isinstance(error, TerraceError):
        screen.complaint(say(language, "refused", why=told(error, language)))
    if isinstance(error, MachineFault) and error.__cause__ is not None:
        _tell_details(error, home, screen)
    elif cause is not None and not isinstance(cause, TerraceError):
        kind, place = _kind(cause)
        screen.complaint(say(language, "unforeseen", kind=kind, place=place))
        _tell_details(cause, home, screen)
    return error.exit_code if isinstance(error, TerraceError) else UNFORESEEN


def shown(path: Path) -> Path:
    """A path as people type it: relative where it lies below the working directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _kind(error: BaseException) -> tuple[str, str]:
    """Kind of the first cause and its place in our code; what the error says may quote data, so it is not shown."""
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    frames = [
        frame
        for frame in traceback.extract_tb(root.__traceback__)
        if "site-packages" not in frame.filename and Path(frame.filename).parent.parent == Path(__file__).resolve().parents[1]
    ]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    kind = f"{type(root).__name__}: {root.strerror}" if isinstance(root, OSError) and root.strerror else type(root).__name__
    return kind, place


def _tell_details(error: BaseException, home: Home | None, screen: Screen) -> None:
    """Write the whole story into a log, for this user only, and say where it is; where none can be written nothing is said."""
    if home is None:
        return
    path = home.logs / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.log"
    try:
        write_text(path, "".join(traceback.format_exception(error)))
        path.chmod(0o600)
    except OSError:
        return
    screen.complaint(say(screen.language, "details", log=shown(path)))
