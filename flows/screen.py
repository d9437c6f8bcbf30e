"""What people see while something runs: bars on a terminal, a line per step elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from flows.runner import StepResult
from flows.translation import translated
from flows.words import Language, noted, say, step_name

WAITING = "waiting: "  # how a progress callback is told of it: `waiting: HOUR: WHAT`
PAPER = 140  # columns where there is no terminal to ask: a log, a pipe


class Screen:
    """Progress of one command. On a terminal one bar that follows the work; in a log one line per finished step."""

    def __init__(self, language: Language) -> None:
        self.language, self.console = language, Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = PAPER
        self._bar: Progress | None = None
        self._task: int | None = None
        self._last = ""

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[of]}"),
                TimeElapsedColumn(),
                console=self.console,
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def progress(self, what: str, done: int, total: int) -> None:
        """The callback every room takes."""
        if self._bar is None:
            if what.startswith(WAITING) and what != self._last:
                self.line(self._named(what))
            self._last = what
            return
        if what != self._last or self._task is None:
            if self._task is not None:
                self._bar.remove_task(self._bar.tasks[0].id)
            self._task = int(self._bar.add_task(escape(self._named(what)), total=total or None, of=""))
            self._last = what
        current = self._bar.tasks[0]
        self._bar.update(current.id, completed=done, total=total or None, of=f"{done:,}/{total:,}" if total else "")

    def _named(self, what: str) -> str:
        """What is being done, or waited for and until when, as people read it."""
        if not what.startswith(WAITING):
            return step_name(self.language, what)
        until, _, missing = what.removeprefix(WAITING).partition(": ")
        return say(self.language, "waiting", until=until, what=translated(missing) if self.language == "zh" else missing)

    def ended(self, result: StepResult) -> None:
        """One line per finished step."""
        mark = say(self.language, "done_before") if result.skipped else f"{result.seconds:,.1f} s"
        name = escape(step_name(self.language, result.name))
        self.console.print(
            f"[green]✓[/green] {name}  [dim]{mark}  {escape(noted(self.language, result.name, result.note))}[/dim]"
        )

    def complaint(self, text: str) -> None:
        """One line of what went wrong, where the scheduler's log keeps errors."""
        Console(stderr=True, highlight=False, width=None if self.console.is_terminal else PAPER).print(
            escape(text), style="bold red", soft_wrap=True
        )

    def undelivered(self, why: str) -> None:
        """An alert that did not go out."""
        self.complaint(translated(why) if self.language == "zh" else why)

    def line(self, text: str, style: str = "") -> None:
        """One line of text, as it is."""
        self.console.print(escape(text), style=style or None, soft_wrap=True)

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "", numbers: Sequence[int] = ()
    ) -> None:
        """A table; `numbers` are the columns that align right."""
        shown = Table(title=title or None, title_justify="left")
        for place, column in enumerate(columns):
            shown.add_column(column, justify="right" if place in numbers else "left", overflow="fold")
        for row in rows:
            shown.add_row(*(escape(cell) for cell in row))
        self.console.print(shown)


def step_table(screen: Screen, steps: Sequence[StepResult]) -> None:
    """How long each step took."""
    language = screen.language
    rows = [
        (step_name(language, step.name), say(language, "done_before") if step.skipped else f"{step.seconds:,.1f}")
        for step in steps
    ]
    rows.append((say(language, "total"), f"{sum(step.seconds for step in steps):,.1f}"))
    screen.table([say(language, "step"), say(language, "seconds")], rows, numbers=[1])
