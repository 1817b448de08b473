"""Shows progress: bars on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """Writes progress to standard error, so that the report can be piped."""

    def __init__(self, *, silent: bool = False) -> None:
        self.console = Console(stderr=True, quiet=silent)

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, highlight=False)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """`with progress.bar("sending", 100) as step:`, then `step()` a hundred times."""
        if not self.console.is_terminal:
            self.say(f"{title} ({total})")
            yield lambda: None
            return
        columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bars(*columns, console=self.console, transient=True, refresh_per_second=4) as bars:
            line = bars.add_task(title, total=total)
            yield lambda: bars.advance(line)
