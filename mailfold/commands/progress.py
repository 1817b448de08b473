"""A progress bar on the terminal for long work; nothing when standard error is no terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

Progress = Callable[[str, int, int], None]


@contextlib.contextmanager
def shown_progress() -> Iterator[Progress]:
    """A function `progress(what, done, total)` that shows a bar for each `what` on standard error."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars, tasks = Bars(*columns, console=Console(stderr=True), transient=True), {}

    def progress(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=max(total, 1))
        bars.update(tasks[what], completed=done, total=max(total, done, 1))

    with bars:
        yield progress
