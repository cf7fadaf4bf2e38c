"""What the run shows: a live panel on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

_EVERY_LINES = 12
"""Without a terminal, one line for so many turns."""


class Status:
    """Shows phase, progress and figures, and takes the time of each phase. Use as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._phase = ""
        self._figures: dict[str, str] = {}
        self._last_error = ""
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        )
        self._task: TaskID | None = None
        self._live = Live(get_renderable=self._panel, console=self._console, refresh_per_second=8, transient=True)

    @property
    def _plain(self) -> bool:
        return not self._console.is_terminal

    def __enter__(self) -> Self:
        if not self._plain:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._plain:
            self._live.stop()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Show `name` while the block runs, and add its seconds to `seconds`."""
        before, self._phase = self._phase, name
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 2)
            self._phase = before
        self.say(f"{name:<9} {took:6.1f} s")

    def turns(self, done: int, total: int, **figures: str | int) -> None:
        """Show how many turns of `total` are lived through, and figures by name."""
        self.show(**figures)
        if self._task is None:
            self._task = self._progress.add_task("turns", total=total)
        self._progress.update(self._task, completed=done)
        if self._plain and (done % _EVERY_LINES == 0 or done == total):
            told = "  ".join(f"{name} {value}" for name, value in self._figures.items())
            self._console.print(f"  turn {done}/{total}  {told}", markup=False, soft_wrap=True)

    def show(self, **figures: str | int) -> None:
        """Set figures by name."""
        self._figures |= {name: str(value) for name, value in figures.items()}

    def error(self, text: str) -> None:
        """Show `text` as the last error."""
        if text != self._last_error:
            self._last_error = text
            if self._plain:
                self.say(f"last error: {text}")

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self._console.print(line, markup=False, soft_wrap=True)

    def _panel(self) -> RenderableType:
        grid = Table.grid(padding=(0, 2))
        grid.add_row("phase", self._phase or "-")
        for name, value in self._figures.items():
            grid.add_row(name, value)
        grid.add_row("last error", self._last_error or "none")
        parts: list[RenderableType] = [grid] if self._task is None else [grid, self._progress]
        return Panel(Group(*parts), title="Signalbox", title_align="left", expand=False)
