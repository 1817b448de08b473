"""`mailfold up`: everything from the start of the launcher to its end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TextIO

import structlog

from mailfold.launcher.installation import Installation
from mailfold.launcher.processes import children
from mailfold.layouts import BUS
from mailfold.supervisor.backoff import Backoff
from mailfold.supervisor.child import Child
from mailfold.supervisor.report import Process, State
from mailfold.supervisor.supervisor import Supervisor
from shared.server_settings import ServerSettings

_PATIENCE = 3
"""Number of crashes of a process after which the first start is given up."""
_LAST_LINES = 5
_SILENCE_SECONDS = 10.0


def no_children(_installation: Installation) -> Sequence[Child]:
    """No other children than the processes of the services."""
    return ()


class FirstStart:
    """Watches the first start; announces that it has ended, or gives it up and prints why."""

    def __init__(self, log_folder: Path | None, ready: Callable[[], None]) -> None:
        self._log_folder = log_folder
        self._ready = ready
        self._over = False
        self._said: dict[str, int] = {}
        self._due = monotonic() + _SILENCE_SECONDS
        self.failed = False

    def changed(self, processes: tuple[Process, ...]) -> None:
        """Look at the processes; the supervisor calls it at every change."""
        if self._over:
            return
        for process in processes:
            self._look_at(process)
        self._say_what_takes_long(processes)
        if all(process.state is State.RUNNING for process in processes):
            self._over = True
            self._ready()

    def _look_at(self, process: Process) -> None:
        if process.state is State.STOPPING or process.state is State.STOPPED:
            self._over = True
        if process.state is not State.BACKOFF or self._said.get(process.name) == process.restarts:
            return
        self._said[process.name] = process.restarts
        print(
            f"mailfold: {process.name} ended with {process.last_exit}{self._last_words(process.name)}",
            file=sys.stderr,
            flush=True,
        )
        if process.restarts + 1 >= _PATIENCE:
            self.failed = self._over = True
            print("mailfold: giving up; mend what it says and start again", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGTERM)

    def _say_what_takes_long(self, processes: tuple[Process, ...]) -> None:
        """Print the progress of a long start from time to time, so that it does not seem to hang."""
        if monotonic() < self._due:
            return
        self._due = monotonic() + _SILENCE_SECONDS
        for process in processes:
            if process.state is State.STARTING and process.doing:
                print(f"mailfold: {process.name} still starts: {process.doing}", file=sys.stderr, flush=True)

    def _last_words(self, name: str) -> str:
        if self._log_folder is None:
            return ""
        file = self._log_folder / f"{name}.log"
        lines = file.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:] if file.exists() else []
        return f"; the end of {file}:\n" + "\n".join(f"    {line[:500]}" for line in lines)


def supervise(
    installation: Installation,
    ready: Callable[[], None],
    *,
    log_to_terminal: bool = False,
    besides: Callable[[Installation], Sequence[Child]] = no_children,
) -> int:
    """Run everything until it is stopped; returns the exit code.

    `besides` makes children that are no services; they start before the services and stop after them.
    The process must have no thread, because it is forked for the children.
    """
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(_supervisor_log(installation, log_to_terminal)))
    log_folder = None if log_to_terminal else installation.places.log
    first = FirstStart(log_folder, ready)
    longest = installation.settings.of(ServerSettings).restart_longest
    Supervisor(
        with_children_besides(children(installation), besides(installation)),
        installation.places.processes,
        log_folder,
        first.changed,
        lambda: Backoff(longest=longest),
    ).run()
    return 1 if first.failed else 0


def with_children_besides(services: Sequence[Child], besides: Sequence[Child]) -> list[Child]:
    """All children, the bus first."""
    names = tuple(child.name for child in besides)
    bus = tuple(child.name for child in services if child.name == BUS)
    before = [replace(child, depends=(*child.depends, *bus)) for child in besides]
    after = [child if child.name in bus else replace(child, depends=(*child.depends, *names)) for child in services]
    return [*before, *after]


def _supervisor_log(installation: Installation, log_to_terminal: bool) -> TextIO:
    if log_to_terminal:
        return sys.stderr
    return (installation.places.log / "supervisor.log").open("a", buffering=1)
